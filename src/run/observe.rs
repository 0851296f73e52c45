//! The facts about one user: those that every turn reads from AWS, and those that the planner asks for.

use crate::aws::AwsError;
use crate::messages::owner::attributes;
use crate::model::action::Notice;
use crate::model::delivery::Delivery;
use crate::model::enrollment::{SECRET_PREFIX, Secret};
use crate::model::facts::UserFacts;
use crate::model::failure::{Failure, Unreadable};
use crate::model::known::Known;
use crate::model::settings::{Scope, Settings};
use crate::model::user::{Attached, User};
use crate::model::verdict::Verdict;
use crate::model::warning::Warning;
use crate::rules::plan::{Next, Plan, Question, next};
use crate::run::subscriptions::Mailbox;
use crate::run::{Candidate, Run};
use jiff::Timestamp;
use std::collections::HashSet;

impl Run<'_> {
    /// All users that mfa-warden's policies are attached to.
    pub(super) async fn attachments(&self) -> Result<Attachments, AwsError> {
        let users = async |arn: &Option<String>| match arn {
            Some(arn) => self.clients.iam.users_of_policy(arn).await,
            None => Ok(HashSet::new()),
        };
        let Settings { enrollment_policy_arn, quarantine_policy_arn, .. } = self.settings;
        let (enrollment, quarantine) =
            futures_util::try_join!(users(enrollment_policy_arn), users(quarantine_policy_arn))?;
        Ok(Attachments { enrollment, quarantine })
    }

    /// Which of mfa-warden's policies are attached to one user.
    pub(super) async fn attached(&self, user: &User) -> Result<Attached, AwsError> {
        let Settings { enrollment_policy_arn, quarantine_policy_arn, .. } = self.settings;
        if enrollment_policy_arn.is_none() && quarantine_policy_arn.is_none() {
            return Ok(Attached::default());
        }
        let policies = self.clients.iam.attached_policies(&user.name).await?;
        let is_attached = |arn: &Option<String>| arn.as_ref().is_some_and(|arn| policies.contains(arn));
        Ok(Attached {
            enrollment: is_attached(enrollment_policy_arn),
            quarantine: is_attached(quarantine_policy_arn),
        })
    }

    /// Asks the planner, and answers its questions, until it returns a plan.
    pub(super) async fn plan(
        &self,
        facts: &mut UserFacts,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Plan, Unreadable> {
        loop {
            match next(facts, verdict, self.settings, now) {
                Next::Do(plan) => return Ok(plan),
                Next::Learn(question) => self.learn(question, facts, now).await?,
            }
        }
    }

    pub(super) async fn learn(
        &self,
        question: Question,
        facts: &mut UserFacts,
        now: Timestamp,
    ) -> Result<(), Unreadable> {
        match question {
            Question::Secret => {
                (facts.secret, facts.foreign_secret) = self.describe(&facts.user).await?;
                facts.secret_is_fresh = true;
            }
            Question::Device => {
                let list = || self.clients.iam.virtual_mfa_devices(false);
                let version = facts.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
                let seed_age = facts.secret.as_ref().and_then(|secret| secret.seed_age(now));
                // One listing serves all users, except a user whose version had not settled when the listing was made.
                let is_settled = |at: Timestamp| {
                    seed_age.is_some_and(|age| age - now.duration_since(at) > self.settings.settle)
                };
                let again = async || Ok::<_, AwsError>(((self.clock)(), list().await?));
                let shared = self.devices_again.get_or_try_init(again).await?;
                let own;
                let devices = if is_settled(shared.0) {
                    &shared.1
                } else {
                    own = list().await?;
                    &own
                };
                let wanted = version.map(|version| self.account.serial_number(&facts.user.name, version));
                if let Some(found) =
                    devices.iter().find(|device| Some(&device.serial_number) == wanted.as_ref())
                {
                    if found.assigned_to.as_ref() == Some(&facts.user.arn) {
                        return Err(Unreadable(Failure::JustEnabled(found.serial_number.clone())));
                    }
                    facts.devices.extend(found.assigned_to.is_none().then(|| found.serial_number.clone()));
                }
                facts.absence_is_sure = true;
            }
            Question::Delivery => {
                let recipient = facts.recipient(self.settings);
                let attributes =
                    |one: &str| attributes(Notice::Invitation, one, &facts.user.name, &self.account.id);
                facts.delivery = self.owner_topic.delivery(&recipient, attributes).await;
                if self.settings.subscribe_owners && facts.delivery == Known::Is(Delivery::Pending) {
                    for address in recipient.each() {
                        // An address counts only for itself: it must not make SNS ask the others.
                        let waits = self.owner_topic.mailbox(address).await == Some(Mailbox::Waits);
                        if waits && self.memory.may_ask_again(address).await {
                            facts.delivery = Known::Is(Delivery::Lapsed);
                        }
                    }
                }
            }
            Question::Blockers => {
                let key = self.settings.secret_kms_key_id.as_deref();
                let asked = self.clients.iam.simulate(&facts.user, self.account, key, now).await;
                facts.blockers =
                    asked.map_err(|error| self.owner_topic.warn(Warning::Simulator(error.into()))).into();
            }
        }
        Ok(())
    }

    /// Reads the facts about one user. Any read that fails makes the whole user unknown.
    pub(super) async fn observe(&self, candidate: Candidate) -> Result<UserFacts, Unreadable> {
        let iam = &self.clients.iam;
        let Candidate {
            user: listed,
            tags,
            secret,
            foreign_secret,
            secret_is_fresh,
            devices,
            attached,
            enrolled,
        } = candidate;
        let (user, tags) = match tags {
            Some(tags) => (listed, tags),
            None => match iam.user(&listed.name).await? {
                Some((user, tags)) if user.id == listed.id => (user, tags),
                _ => {
                    return Err(Unreadable(Failure::UserVanished(listed.name)));
                }
            },
        };
        let mut facts = UserFacts {
            mfa_devices: iam.mfa_devices(&user.name).await?,
            password: Known::NotAsked,
            active_access_key: Known::NotAsked,
            user,
            tags,
            secret,
            secret_is_fresh,
            foreign_secret,
            devices,
            attached,
            delivery: Known::NotAsked,
            blockers: Known::NotAsked,
            absence_is_sure: false,
            version_is_new: false,
            is_gone: false,
        };
        // A device that was enabled since the listing is in use: mfa-warden must not delete it any more.
        let is_assigned =
            |serial: &String| facts.mfa_devices.iter().any(|device| device.serial_number == *serial);
        facts.devices.retain(|serial| !is_assigned(serial));
        if enrolled && facts.mfa_devices.is_empty() {
            return Err(Unreadable(Failure::ListingsDisagree(facts.user.name)));
        }
        // For a user with MFA, no credential changes the verdict.
        if facts.mfa_devices.is_empty() {
            facts.password = Known::Is(iam.has_password(&facts.user.name).await?);
            if self.settings.scope == Scope::Credentials && !facts.has_password() {
                facts.active_access_key = Known::Is(iam.has_active_access_key(&facts.user.name).await?);
            }
        }
        Ok(facts)
    }

    /// The user's secret, and whether a secret that mfa-warden did not make has its name.
    pub(super) async fn describe(&self, user: &User) -> Result<(Option<Secret>, bool), AwsError> {
        let found = self.clients.secrets.describe(&format!("{SECRET_PREFIX}{}", user.id)).await?;
        Ok(match found {
            Some(secret) if secret.owner_id() == Some(user.id.as_str()) => (Some(secret), false),
            Some(_) => (None, true),
            None => (None, false),
        })
    }
}

/// The unique ids of the users that each of mfa-warden's policies is attached to.
pub(super) struct Attachments {
    enrollment: HashSet<String>,
    quarantine: HashSet<String>,
}

impl Attachments {
    pub(super) fn of(&self, user_id: &str) -> Attached {
        Attached {
            enrollment: self.enrollment.contains(user_id),
            quarantine: self.quarantine.contains(user_id),
        }
    }
}
