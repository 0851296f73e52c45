//! Acting: one action of a plan, carried out against AWS. After every call the facts say what is now true, so
//! that the next action of the same plan stands on them.

use crate::audience::Audience;
use crate::aws::iam::Created;
use crate::aws::secrets::{Claim, Creation};
use crate::aws::{AwsError, Clients};
use crate::config::Settings;
use crate::facts::{
    Account, SECRET_PREFIX, Secret, UserFacts, description, device_name, rfc3339, tag, version_suffix,
};
use crate::notice::OwnerNotice;
use crate::plan::{Action, Notice, Policy};
use crate::preflight::Denial;
use crate::reach::Reach;
use crate::seed::{Seed, secret_value};
use crate::verdict::Verdict;
use jiff::Timestamp;

/// Names tried for a new device; a name is only ever taken when an answer was lost.
const NAMES: u32 = 3;

/// Why a plan stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// An action failed.
    Failed(String),
    /// Another run provisions this user and was faster.
    Lost,
    /// It could not be done, which is told once a run and keeps nothing else from being done.
    LeftUndone,
    /// There is a secret that the facts do not show (`ListSecrets` lags): read it and plan again.
    SecretExists,
}

impl From<AwsError> for Stop {
    fn from(error: AwsError) -> Self {
        Stop::Failed(error.to_string())
    }
}

/// What acting needs besides the facts.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The AWS clients.
    pub clients: &'a Clients,
    /// The settings.
    pub settings: &'a Settings,
    /// The account.
    pub account: &'a Account,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// Who listens to the owner topic.
    pub audience: &'a Audience<'a>,
}

impl Actor<'_> {
    /// Carries out one action and updates the facts.
    ///
    /// # Errors
    /// [`Stop`] ends the plan of this user, and of no other.
    pub async fn act(&self, action: &Action, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Stop> {
        match action {
            Action::Provision { secret, superseded } => {
                self.provision(secret.clone(), superseded, facts).await
            }
            Action::Attach => {
                self.attach(Policy::Enrollment, &facts.user.name).await?;
                facts.attached.get_or_insert_default().enrollment = true;
                Ok(())
            }
            Action::Quarantine => {
                self.attach(Policy::Quarantine, &facts.user.name).await?;
                facts.attached.get_or_insert_default().quarantine = true;
                Ok(())
            }
            Action::Notify(notice) => self.notify(*notice, verdict, facts).await,
            Action::Close { secret, policies, devices, farewell } => {
                for policy in policies {
                    self.detach(*policy, &facts.user.name).await?;
                }
                for serial_number in devices {
                    self.clients.iam.delete_virtual_mfa_device(serial_number).await?;
                }
                if let Some(notice) = farewell {
                    self.publish(*notice, verdict, facts).await?;
                }
                Ok(self.clients.secrets.delete(secret).await?)
            }
            Action::Subscribe => {
                if self.audience.subscribe(facts.recipient(self.settings)).await {
                    facts.reach = Some(Reach::Pending);
                    return Ok(());
                }
                Err(Stop::LeftUndone)
            }
            Action::Detach(policy) => self.detach(*policy, &facts.user.name).await,
            Action::DeleteDevice { serial_number } => {
                self.clients.iam.delete_virtual_mfa_device(serial_number).await?;
                facts.devices.retain(|device| device != serial_number);
                Ok(())
            }
        }
    }

    /// Makes a new version and its device current. The order is what keeps the seed safe at every moment: the
    /// secret exists first (it is the record that work was begun), is closed to all but its owner before it has
    /// a value, and nothing of an older version goes before the new one has won.
    async fn provision(
        &self,
        observed: Option<Secret>,
        superseded: &[String],
        facts: &mut UserFacts,
    ) -> Result<(), Stop> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut secret = match observed {
            Some(secret) if secret.scheduled_for_deletion => {
                secrets.restore(&secret.name).await?;
                secret
            }
            Some(secret) => secret,
            None => self.create_secret(facts).await?,
        };
        secrets.put_owner_policy(&secret.name, &facts.user).await?;

        let now = (self.clock)();
        let (version, serial_number, seed) = self.create_device(&facts.user.name, now).await?;
        let claim = match &seed {
            Some(seed) => {
                let value = secret_value(seed, self.account, &facts.user, &serial_number, now);
                secrets.claim(&secret.name, &version, secret.current_version.as_deref(), &value).await
            }
            None => Claim::Failed(AwsError::incomplete(
                format!("create the virtual MFA device {serial_number}"),
                "base32 seed",
            )),
        };
        drop(seed);
        let stop = match claim {
            Claim::Won => {
                secret.current_version = Some(version);
                secret.scheduled_for_deletion = false;
                facts.secret = Some(secret);
                facts.devices.push(serial_number);
                for serial_number in superseded {
                    iam.delete_virtual_mfa_device(serial_number).await?;
                    facts.devices.retain(|device| device != serial_number);
                }
                return Ok(());
            }
            // The version may be in force, and then its device must stay. The next run sees which.
            Claim::Unclear(error) => return Err(error.into()),
            Claim::Lost => Stop::Lost,
            Claim::Failed(error) => error.into(),
        };
        // Nobody will ever hold this device's seed: it must not pile up, and it is ours alone to delete.
        match (iam.delete_virtual_mfa_device(&serial_number).await, stop) {
            (Ok(()), stop) => Err(stop),
            (Err(error), Stop::Failed(cause)) => Err(Stop::Failed(format!("{cause}; and {error}"))),
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn create_secret(&self, facts: &UserFacts) -> Result<Secret, Stop> {
        let now = (self.clock)();
        let name = format!("{SECRET_PREFIX}{}", facts.user.id);
        let tags = [
            (tag::USER_ID, facts.user.id.clone()),
            (tag::NONCOMPLIANT_SINCE, rfc3339(now)),
            (tag::NOTICES, "0".to_owned()),
        ];
        let description = description(&facts.user.name);
        let kms_key_id = self.settings.secret_kms_key_id.as_deref();
        match self.clients.secrets.create(&name, &description, kms_key_id, &tags).await? {
            Creation::Created { version } => Ok(Secret {
                name,
                description,
                created_at: now,
                current_version: version,
                scheduled_for_deletion: false,
                tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            }),
            Creation::Exists => Err(Stop::SecretExists),
        }
    }

    async fn create_device(
        &self,
        user: &str,
        now: Timestamp,
    ) -> Result<(String, String, Option<Seed>), Stop> {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let time = uuid::Timestamp::from_unix_time(
            milliseconds / 1000,
            u32::try_from(milliseconds % 1000 * 1_000_000).unwrap_or_default(),
            0,
            0,
        );
        for _ in 0..NAMES {
            let version = uuid::Uuid::new_v7(time).to_string();
            let name = device_name(user, &version);
            if let Created::Device { serial_number, seed } =
                self.clients.iam.create_virtual_mfa_device(&name).await?
            {
                return Ok((version, serial_number, seed));
            }
        }
        Err(Stop::Failed(format!(
            "failed to create a virtual MFA device of `{user}`: AWS says that each of {NAMES} random names is taken"
        )))
    }

    /// Tells the owner, and then notes on the secret that it was told: a crash in between tells it twice, never
    /// not at all.
    async fn notify(&self, notice: Notice, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Stop> {
        if self.settings.preflight {
            facts.denials = self.preflight(facts).await;
        }
        let now = (self.clock)();
        self.publish(notice, verdict, facts).await?;
        let Some(secret) = &mut facts.secret else {
            return Ok(());
        };
        let mut tags = vec![
            (tag::LAST_NOTICE_AT, rfc3339(now)),
            (tag::NOTICES, secret.notices().saturating_add(1).to_string()),
        ];
        match (notice, &secret.current_version) {
            (Notice::Invitation, Some(version)) => {
                tags.push((tag::NOTIFIED, version_suffix(version).to_owned()))
            }
            (Notice::Quarantined, _) => tags.push((tag::QUARANTINED_AT, rfc3339(now))),
            _ => {}
        }
        let before = secret.tags.get(tag::UNREACHED).map(String::as_str).unwrap_or_default();
        let mark = unreached(notice, facts.reach, secret, before);
        if mark != before {
            tags.push((tag::UNREACHED, mark));
        }
        self.clients.secrets.tag(&secret.name, &tags).await?;
        secret.tags.extend(tags.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Ok(())
    }

    /// What keeps the owner from enrolling. Where it cannot be told, nothing is assumed: the message then shows all ways.
    async fn preflight(&self, facts: &UserFacts) -> Vec<Denial> {
        let secret_arn = self.account.secret_arn(&facts.user.id);
        let key = self.settings.secret_kms_key_id.as_deref();
        let asked = self.clients.iam.simulate(&facts.user, &secret_arn, key);
        asked.await.unwrap_or_else(|error| {
            self.audience.trouble(format!("cannot tell what keeps owners from enrolling: {error}"));
            Vec::new()
        })
    }

    async fn publish(&self, notice: Notice, verdict: &Verdict, facts: &UserFacts) -> Result<(), Stop> {
        let message = OwnerNotice {
            notice,
            account: self.account,
            settings: self.settings,
            verdict,
            facts,
            now: (self.clock)(),
        }
        .message();
        self.audience.pace().await;
        Ok(self.clients.sns.publish(&self.settings.owner_topic_arn, &message, false).await?)
    }

    async fn attach(&self, policy: Policy, user: &str) -> Result<(), Stop> {
        Ok(self.clients.iam.attach_policy(user, self.policy_arn(policy)?).await?)
    }

    async fn detach(&self, policy: Policy, user: &str) -> Result<(), Stop> {
        Ok(self.clients.iam.detach_policy(user, self.policy_arn(policy)?).await?)
    }

    fn policy_arn(&self, policy: Policy) -> Result<&str, Stop> {
        let arn = match policy {
            Policy::Enrollment => &self.settings.enrollment_policy_arn,
            Policy::Quarantine => &self.settings.quarantine_policy_arn,
        };
        arn.as_deref().ok_or_else(|| Stop::Failed(format!("no ARN is set for the {policy:?} policy")))
    }
}

/// What [`tag::UNREACHED`] says after a notice. `before`: what it said until then, perhaps of an earlier version.
fn unreached(notice: Notice, reach: Option<Reach>, secret: &Secret, before: &str) -> String {
    let suffix = secret.current_version.as_deref().map(version_suffix).unwrap_or_default();
    let heard_earlier = secret.notices() > 0 && (before.is_empty() || before.contains(' '));
    let invites = notice == Notice::Invitation;
    match reach {
        Some(Reach::Reached) => String::new(),
        // Who was out of reach before is not taken for reached because nobody could tell.
        None | Some(Reach::Unknown) if !invites || before.is_empty() => before.to_owned(),
        _ if invites && !heard_earlier => suffix.to_owned(),
        _ if !invites && secret.lost().is_some() => before.to_owned(),
        _ => format!("{suffix} {}", notice.kind()),
    }
}
