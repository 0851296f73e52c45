//! The AWS calls of one action. Each action updates the facts, because the plan's next action relies on them.

use crate::aws::AwsError;
use crate::model::action::{Action, Notice, Policy};
use crate::model::delivery::Delivery;
use crate::model::facts::UserFacts;
use crate::model::failure::Failure;
use crate::model::known::Known;
use crate::model::record::tag;
use crate::model::text::rfc3339;
use crate::model::verdict::Verdict;
use crate::run::Run;
use crate::run::notify::everybody;
use crate::run::subscriptions::Mailbox;

/// Why a plan stopped before its end.
#[derive(Debug)]
pub enum Halt {
    /// An action failed.
    Failed(Failure),
    /// Another run provisions this user and was faster.
    RaceLost,
    /// The action could not be done. The run warns of it once, and the plan continues.
    LeftUndone,
    /// The secret is already being destroyed: there is nothing left to close or to tell.
    Destroyed,
    /// The secret differs from the facts (listings lag, and other runs write): the run reads it and plans again.
    SecretChanged,
}

impl From<AwsError> for Halt {
    fn from(error: AwsError) -> Self {
        Halt::Failed(error.into())
    }
}

impl Run<'_> {
    /// Carries out one action and updates the facts.
    ///
    /// # Errors
    /// A `Halt`, which concerns the plan of this user only.
    pub async fn execute_action(
        &self,
        action: &Action,
        verdict: &Verdict,
        facts: &mut UserFacts,
    ) -> Result<(), Halt> {
        match action {
            Action::Provision { secret, doubt, superseded } => {
                self.provision(secret.clone(), *doubt, superseded, facts).await
            }
            Action::PutPolicy => self.put_policy(facts).await,
            Action::Attach => {
                self.attach(Policy::Enrollment, &facts.user.name).await?;
                facts.set_attached(Policy::Enrollment, true);
                Ok(())
            }
            Action::Quarantine => {
                self.attach(Policy::Quarantine, &facts.user.name).await?;
                facts.set_attached(Policy::Quarantine, true);
                Ok(())
            }
            Action::Notify(Notice::Invitation) => self.invite(verdict, facts).await,
            Action::Notify(notice) => self.follow_up(*notice, verdict, facts).await,
            Action::Close { secret, policies, devices, closing_notice } => {
                for policy in policies {
                    self.detach(*policy, &facts.user.name).await?;
                }
                for serial_number in devices {
                    self.clients.iam.delete_virtual_mfa_device(serial_number).await?;
                }
                let is_going = facts.secret.as_ref().is_some_and(|secret| secret.scheduled_for_deletion);
                if is_going && closing_notice.is_some() {
                    // A secret scheduled for deletion takes no tags until the deletion is canceled. A secret that is
                    // being destroyed cannot be restored; the actor that destroys it has told the owner.
                    let secret = facts.secret.clone();
                    if let Some(secret) = secret
                        && !self.call_off(&secret).await?
                    {
                        // The seed must be deleted, whatever prevented the cancellation.
                        return match self.clients.secrets.delete(secret.id()).await {
                            Err(error) if !error.is_invalid_request() => Err(error.into()),
                            _ => Err(Halt::Destroyed),
                        };
                    }
                }
                if let Some(notice) = closing_notice {
                    // The tag comes first: if the secret cannot be deleted, later runs do not repeat the notice.
                    let noted = self.note(facts, vec![(tag::CLOSING_NOTICE, rfc3339((self.clock)()))]).await;
                    if noted.is_err() && is_going {
                        // The secret must not stay because this run canceled its deletion.
                        self.clients.secrets.delete(secret).await?;
                    }
                    noted?;
                    let everybody = everybody(facts, self.settings);
                    self.publish(*notice, &everybody, verdict, facts).await.into_result()?;
                }
                self.clients.secrets.delete(secret).await?;
                facts.secret = None;
                Ok(())
            }
            Action::Subscribe => {
                let mut asked = false;
                for address in facts.recipient(self.settings).each() {
                    let waits = match self.owner_topic.mailbox(address).await {
                        Some(Mailbox::Confirmed) => continue,
                        mailbox => mailbox.is_some(),
                    };
                    if self.owner_topic.may_subscribe(address)
                        && self.memory.claim_asking(address, waits).await
                    {
                        asked |= self.owner_topic.subscribe(address).await;
                    }
                }
                if !asked {
                    return Err(Halt::LeftUndone);
                }
                facts.delivery = Known::Is(Delivery::Pending);
                Ok(())
            }
            Action::Detach(policy) => {
                self.detach(*policy, &facts.user.name).await?;
                facts.set_attached(*policy, false);
                // The owner must be told of the next quarantine again.
                let secret = facts.secret.as_ref();
                let was_told = secret.is_some_and(|secret| secret.record(tag::QUARANTINED_AT).is_some());
                if *policy == Policy::Quarantine && was_told {
                    self.note(facts, vec![(tag::QUARANTINED_AT, String::new())]).await?;
                }
                Ok(())
            }
            Action::DeleteDevice { serial_number } => {
                self.clients.iam.delete_virtual_mfa_device(serial_number).await?;
                facts.devices.retain(|device| device != serial_number);
                Ok(())
            }
        }
    }

    pub(super) async fn attach(&self, policy: Policy, user: &str) -> Result<(), Halt> {
        Ok(self.clients.iam.attach_policy(user, self.policy_arn(policy)?).await?)
    }

    pub(super) async fn detach(&self, policy: Policy, user: &str) -> Result<(), Halt> {
        Ok(self.clients.iam.detach_policy(user, self.policy_arn(policy)?).await?)
    }

    fn policy_arn(&self, policy: Policy) -> Result<&str, Halt> {
        let arn = match policy {
            Policy::Enrollment => &self.settings.enrollment_policy_arn,
            Policy::Quarantine => &self.settings.quarantine_policy_arn,
        };
        arn.as_deref().ok_or(Halt::Failed(Failure::NoPolicyArn(policy)))
    }
}
