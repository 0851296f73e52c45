//! Acting: one action of a plan, carried out against AWS. After every call the facts say what is now true, so
//! that the next action of the same plan stands on them.

use crate::audience::Audience;
use crate::aws::iam::Created;
use crate::aws::secrets::{Claim, Creation};
use crate::aws::{AwsError, Clients};
use crate::config::Settings;
use crate::facts::{
    Account, Doubt, SECRET_PREFIX, Secret, UserFacts, description, device_name, rfc3339, tag, version_suffix,
};
use crate::memory::Memory;
use crate::notice::{OwnerNotice, attributes};
use crate::owner_policy;
use crate::plan::{Action, Notice, Policy};
use crate::reach::Reach;
use crate::recipient::{Recipient, remembered};
use crate::seed::{Seed, secret_value};
use crate::verdict::Verdict;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;
use std::time::Duration;

/// Names tried for a new device; a name is only ever taken when an answer was lost.
const NAMES: u32 = 3;

/// Pauses before a secret is created again whose namesake is still being deleted, in seconds: AWS takes one to four.
const DELETION_PAUSES: [u64; 4] = [1, 2, 3, 4];

/// Why a plan stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// An action failed.
    Failed(String),
    /// Another run provisions this user and was faster.
    Lost,
    /// It could not be done, which is told once a run and keeps nothing else from being done.
    LeftUndone,
    /// The secret is being destroyed already: there is nothing left to close, and nothing to tell.
    Destroyed,
    /// The secret is another than the facts show (listings lag, and other runs write): read it and plan again.
    SecretChanged,
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
    /// What is remembered beyond single users.
    pub memory: &'a Memory<'a>,
    /// Where the change that this run was woken for came from, as its event reports.
    pub source: Option<IpAddr>,
}

impl Actor<'_> {
    /// Carries out one action and updates the facts.
    ///
    /// # Errors
    /// [`Stop`] ends the plan of this user, and of no other.
    pub async fn act(&self, action: &Action, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Stop> {
        match action {
            Action::Provision { secret, doubt, superseded } => {
                self.provision(secret.clone(), *doubt, superseded, facts).await
            }
            Action::PutPolicy => self.put_policy(facts).await,
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
            Action::Notify(Notice::Invitation) => self.invite(verdict, facts).await,
            Action::Notify(notice) => self.follow_up(*notice, verdict, facts).await,
            Action::Close { secret, policies, devices, farewell } => {
                for policy in policies {
                    self.detach(*policy, &facts.user.name).await?;
                }
                for serial_number in devices {
                    self.clients.iam.delete_virtual_mfa_device(serial_number).await?;
                }
                let is_going = facts.secret.as_ref().is_some_and(|secret| secret.scheduled_for_deletion);
                if is_going && farewell.is_some() {
                    // A secret that somebody scheduled for deletion takes no note until that is called off. One that is being
                    // destroyed cannot be called back, and whoever destroys it has said what there was to say.
                    let secret = facts.secret.clone();
                    if let Some(secret) = secret
                        && !self.call_off(&secret).await?
                    {
                        // Whatever refused to call it off, the seed is to go.
                        return match self.clients.secrets.delete(secret.id()).await {
                            Err(error) if !error.is_invalid_request() => Err(error.into()),
                            _ => Err(Stop::Destroyed),
                        };
                    }
                }
                if let Some(notice) = farewell {
                    // Noted first: while the secret cannot be deleted, no run says it again.
                    let noted = self.note(facts, vec![(tag::FAREWELL, rfc3339((self.clock)()))]).await;
                    if noted.is_err() && is_going {
                        // It was on its way out, and must not stay because this run called that off.
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
                    asked |= self.audience.subscribe(address).await;
                }
                if !asked {
                    return Err(Stop::LeftUndone);
                }
                facts.reach = Some(Reach::Pending);
                Ok(())
            }
            Action::Detach(policy) => {
                self.detach(*policy, &facts.user.name).await?;
                let attached = facts.attached.get_or_insert_default();
                match policy {
                    Policy::Enrollment => attached.enrollment = false,
                    Policy::Quarantine => attached.quarantine = false,
                }
                // Another quarantine is to be told again.
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

    /// Makes a new version and its device current. The order is what keeps the seed safe at every moment: the
    /// secret exists first (it is the record that work was begun), is closed to all but its owner before it has
    /// a value, and nothing of an older version goes before the new one has won.
    async fn provision(
        &self,
        observed: Option<Secret>,
        doubt: Option<Doubt>,
        superseded: &[String],
        facts: &mut UserFacts,
    ) -> Result<(), Stop> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut secret = match (observed, doubt) {
            (None, _) => self.create_secret(facts).await?,
            (Some(secret), Some(doubt)) => {
                self.delete_doubtful(&secret, doubt).await?;
                self.create_secret(facts).await?
            }
            (Some(secret), None) if secret.scheduled_for_deletion => self.restore(secret, facts).await?,
            (Some(secret), None) => secret,
        };
        let policy = facts.owner_policy(self.settings);
        secrets.put_policy(secret.id(), &policy).await?;
        let fingerprint = owner_policy::fingerprint(&policy);

        let now = (self.clock)();
        let (version, serial_number, seed) = self.create_device(&facts.user.name, now).await?;
        let claim = match &seed {
            Some(seed) => {
                let value = secret_value(seed, self.account, &facts.user, &serial_number, now);
                secrets.claim(secret.id(), &version, secret.current_version.as_deref(), &value).await
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
                // Written down with the invitation.
                secret.tags.insert(tag::POLICY.to_owned(), fingerprint);
                facts.secret = Some(secret);
                facts.version_is_new = true;
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
        let used = self.memory.grace_used(&facts.user.id).await;
        let now = (self.clock)();
        let name = format!("{SECRET_PREFIX}{}", facts.user.id);
        let policy = facts.owner_policy(self.settings);
        let mut tags = vec![
            (tag::USER_ID, facts.user.id.clone()),
            (tag::NONCOMPLIANT_SINCE, rfc3339(now)),
            (tag::NOTICES, "0".to_owned()),
            // Put before there is a value; without one the secret is made anew.
            (tag::POLICY, owner_policy::fingerprint(&policy)),
        ];
        if used.is_positive() {
            tags.push((tag::GRACE_USED, used.to_string()));
        }
        let description = description(&facts.user.name);
        let kms_key_id = self.settings.secret_kms_key_id.as_deref();
        let mut pauses = DELETION_PAUSES.into_iter();
        let (arn, version) = loop {
            match self.clients.secrets.create(&name, &description, kms_key_id, &tags).await? {
                Creation::Created { arn, version } => break (arn, version),
                Creation::Exists => return Err(Stop::SecretChanged),
                Creation::BeingDeleted(error) => match pauses.next() {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => return Err(error.into()),
                },
            }
        };
        Ok(Secret {
            arn,
            name,
            description,
            created_at: now,
            current_version: version,
            scheduled_for_deletion: false,
            tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            replicated: false,
            rotates: false,
            kms_key_id: kms_key_id.map(str::to_owned),
        })
    }

    /// Deletes a secret that somebody else may have prepared. Another run may have begun it a moment ago, and have written
    /// its value meanwhile: then there is nothing to doubt any more.
    async fn delete_doubtful(&self, secret: &Secret, doubt: Doubt) -> Result<(), Stop> {
        let secrets = &self.clients.secrets;
        if doubt == Doubt::NoValue {
            match secrets.describe(secret.id()).await? {
                Some(present) if present.current_version.is_some() => return Err(Stop::SecretChanged),
                Some(_) => {}
                None => return Ok(()),
            }
        }
        secrets.delete(secret.id()).await.map_err(|error| {
            Stop::Failed(format!(
                "its secret `{}` may have been prepared by somebody else ({doubt}), so that no seed is written into it, and \
                 it cannot be made anew: {error}",
                secret.name
            ))
        })
    }

    /// Calls off a deletion that someone scheduled. One that is under way for good cannot be called off: then the secret
    /// is made anew.
    async fn restore(&self, secret: Secret, facts: &UserFacts) -> Result<Secret, Stop> {
        if !secret.was_bidden_farewell((self.clock)()) && self.call_off(&secret).await? {
            return Ok(secret);
        }
        self.create_secret(facts).await
    }

    /// Calls off the deletion of a secret; whether it could be: not once it is under way for good.
    async fn call_off(&self, secret: &Secret) -> Result<bool, Stop> {
        match self.clients.secrets.restore(secret.id()).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_invalid_request() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_policy(&self, facts: &mut UserFacts) -> Result<(), Stop> {
        let Some(secret) = &facts.secret else { return Ok(()) };
        let policy = facts.owner_policy(self.settings);
        self.clients.secrets.put_policy(secret.id(), &policy).await?;
        self.note(facts, vec![(tag::POLICY, owner_policy::fingerprint(&policy))]).await
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

    /// Invites the owner, at least once: publishes, and then notes that it went out. Where the version was won by an
    /// earlier run, this run first proves that it can note anything: a secret that cannot be tagged costs one message, and
    /// not one a run.
    async fn invite(&self, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Stop> {
        let version = facts.secret.as_ref().and_then(|secret| secret.current_version.clone());
        let suffix = version.as_deref().map(version_suffix).unwrap_or_default().to_owned();
        if !facts.version_is_new {
            self.note(facts, vec![(tag::TELLING, suffix.clone())]).await?;
        }
        let recipient = facts.recipient(self.settings);
        let now = (self.clock)();
        let published = self.publish(Notice::Invitation, &each(&recipient), verdict, facts).await;
        if published.to.is_empty() {
            return published.into_result();
        }
        let is_heard = self.is_heard(Notice::Invitation, &published.to, facts).await;
        let Some(secret) = &facts.secret else { return Ok(()) };
        let is_first = !version.as_deref().is_some_and(|version| secret.notified_of(version));
        let mut tags = went_out(secret, now);
        tags.push((tag::NOTIFIED, suffix));
        if is_heard {
            tags.push((tag::HEARD_AT, rfc3339(now)));
        } else if secret.recipient_changed(&recipient) {
            tags.push((tag::HEARD_AT, String::new()));
        } else if let Some(heard) = secret.heard_at(now).filter(|_| is_first) {
            // An earlier version was heard of in the second in which this one was made: tags hold no parts of one.
            tags.push((tag::HEARD_AT, rfc3339(heard - SignedDuration::from_secs(1))));
        }
        tags.push((tag::RECIPIENT, recipient.to_string()));
        if secret.recipient_changed(&recipient) {
            let before = secret.invited();
            tags.push((
                tag::RECIPIENTS_BEFORE,
                remembered(&before.iter().map(String::as_str).collect::<Vec<_>>()),
            ));
        }
        if let Some(policy) = secret.tags.get(tag::POLICY).filter(|_| facts.version_is_new) {
            tags.push((tag::POLICY, policy.clone()));
        }
        self.note(facts, tags).await?;
        // Where it went to some and not to others, it is noted all the same: the others hear of it by reminders, and the
        // first are not told again and again.
        published.into_result()
    }

    /// Whether a message of that kind is known to reach one of those to whom it went out.
    async fn is_heard(&self, notice: Notice, to: &[String], facts: &UserFacts) -> bool {
        if facts.reach.is_none() || matches!(facts.recipient(self.settings), Recipient::Malformed(_)) {
            return false;
        }
        let attributes = |one: &str| attributes(notice, one, &facts.user.name, &self.account.id);
        self.audience.best_reach(to.iter().map(String::as_str), attributes).await == Reach::Reached
    }

    /// Any other message to the owner, at most once: notes it, and then publishes. One that dies in between is made up for
    /// by the next reminder.
    async fn follow_up(&self, notice: Notice, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Stop> {
        let now = (self.clock)();
        let recipient = facts.recipient(self.settings);
        let Some(secret) = &facts.secret else { return Ok(()) };
        let mut tags = went_out(secret, now);
        if notice == Notice::Quarantined {
            tags.push((tag::QUARANTINED_AT, rfc3339(now)));
        }
        if !secret.tags.contains_key(tag::RECIPIENT) {
            tags.push((tag::RECIPIENT, recipient.to_string()));
        }
        let is_unheard = secret.heard_at(now).is_none();
        self.note(facts, tags).await?;
        let published = self.publish(notice, &each(&recipient), verdict, facts).await;
        if is_unheard && self.is_heard(notice, &published.to, facts).await {
            self.note(facts, vec![(tag::HEARD_AT, rfc3339(now))]).await?;
        }
        published.into_result()
    }

    /// Writes on the secret what is to be remembered.
    async fn note(&self, facts: &mut UserFacts, tags: Vec<(&'static str, String)>) -> Result<(), Stop> {
        let Some(secret) = &mut facts.secret else { return Ok(()) };
        self.clients.secrets.tag(secret.id(), &tags).await?;
        secret.tags.extend(tags.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Ok(())
    }

    /// Publishes a notice to each of these, whatever becomes of the others.
    async fn publish(
        &self,
        notice: Notice,
        recipients: &[String],
        verdict: &Verdict,
        facts: &UserFacts,
    ) -> Published {
        let notice = OwnerNotice {
            notice,
            account: self.account,
            settings: self.settings,
            verdict,
            facts,
            source: self.source,
            now: (self.clock)(),
        };
        let mut published = Published { to: Vec::new(), error: None };
        for recipient in recipients {
            self.audience.pace().await;
            let message = notice.message(recipient);
            match self.clients.sns.publish(&self.settings.owner_topic_arn, &message, false).await {
                Ok(()) => published.to.push(recipient.clone()),
                Err(error) => published.error = Some(error),
            }
        }
        published
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

/// What became of a notice to one or several.
struct Published {
    /// To whom it went out.
    to: Vec<String>,
    /// Why it did not go out to another.
    error: Option<AwsError>,
}

impl Published {
    fn into_result(self) -> Result<(), Stop> {
        self.error.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// What is noted of every notice.
fn went_out(secret: &Secret, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut tags = vec![
        (tag::LAST_NOTICE_AT, rfc3339(now)),
        (tag::NOTICES, secret.notices().saturating_add(1).to_string()),
    ];
    if secret.first_notice_at(now).is_none() {
        tags.push((tag::FIRST_NOTICE_AT, rfc3339(now)));
    }
    // Whoever is told is without MFA again: the next time that it has some is to be told.
    if secret.record(tag::FAREWELL).is_some() {
        tags.push((tag::FAREWELL, String::new()));
    }
    tags
}

fn each(recipient: &Recipient) -> Vec<String> {
    recipient.each().into_iter().map(str::to_owned).collect()
}

/// Everybody who was ever invited: an owner tag that was changed leads no farewell away, and to nobody else. Version 0.1.0
/// did not remember whom it invited: then it is who would be now.
fn everybody(facts: &UserFacts, settings: &Settings) -> Vec<String> {
    let invited = facts.secret.as_ref().map(Secret::invited).unwrap_or_default();
    if invited.is_empty() { each(&facts.recipient(settings)) } else { invited }
}
