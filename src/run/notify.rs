//! Telling the owner, and noting it.

use crate::aws::AwsError;
use crate::messages::owner::{OwnerNotice, attributes};
use crate::model::action::Notice;
use crate::model::delivery::Delivery;
use crate::model::enrollment::{Secret, version_suffix};
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::recipient::{Recipient, remembered};
use crate::model::record::tag;
use crate::model::record::went_out;
use crate::model::settings::Settings;
use crate::model::text::rfc3339;
use crate::model::verdict::Verdict;
use crate::run::Run;
use crate::run::execute::Halt;
use jiff::SignedDuration;

impl Run<'_> {
    /// Invites the owner, at least once: publishes, and then notes that it went out. Where the version was won by an
    /// earlier run, this run first proves that it can note anything: a secret that cannot be tagged costs one message, and
    /// not one a run.
    pub(super) async fn invite(&self, verdict: &Verdict, facts: &mut UserFacts) -> Result<(), Halt> {
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
        if facts.delivery == Known::NotAsked
            || matches!(facts.recipient(self.settings), Recipient::Malformed(_))
        {
            return false;
        }
        let attributes = |one: &str| attributes(notice, one, &facts.user.name, &self.account.id);
        self.owner_topic.best_delivery(to.iter().map(String::as_str), attributes).await
            == Known::Is(Delivery::Reached)
    }

    /// Any other message to the owner, at most once: notes it, and then publishes. One that dies in between is made up for
    /// by the next reminder.
    pub(super) async fn follow_up(
        &self,
        notice: Notice,
        verdict: &Verdict,
        facts: &mut UserFacts,
    ) -> Result<(), Halt> {
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
    pub(super) async fn note(
        &self,
        facts: &mut UserFacts,
        tags: Vec<(&'static str, String)>,
    ) -> Result<(), Halt> {
        let Some(secret) = &mut facts.secret else { return Ok(()) };
        self.clients.secrets.tag(secret.id(), &tags).await?;
        secret.tags.extend(tags.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Ok(())
    }

    /// Publishes a notice to each of these, whatever becomes of the others.
    pub(super) async fn publish(
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
            self.owner_topic.pace().await;
            let message = notice.message(recipient);
            match self.clients.sns.publish(&self.settings.owner_topic_arn, &message, false).await {
                Ok(()) => published.to.push(recipient.clone()),
                Err(error) => published.error = Some(error),
            }
        }
        published
    }
}

/// What became of a notice to one or several.
pub(super) struct Published {
    /// To whom it went out.
    to: Vec<String>,
    /// Why it did not go out to another.
    error: Option<AwsError>,
}

impl Published {
    pub(super) fn into_result(self) -> Result<(), Halt> {
        self.error.map_or(Ok(()), |error| Err(error.into()))
    }
}

pub(super) fn each(recipient: &Recipient) -> Vec<String> {
    recipient.each().into_iter().map(str::to_owned).collect()
}

/// Everybody who was ever invited: an owner tag that was changed leads no closing notice away, and to nobody else. Version 0.1.0
/// did not remember whom it invited: then it is who would be now.
pub(super) fn everybody(facts: &UserFacts, settings: &Settings) -> Vec<String> {
    let invited = facts.secret.as_ref().map(Secret::invited).unwrap_or_default();
    if invited.is_empty() { each(&facts.recipient(settings)) } else { invited }
}
