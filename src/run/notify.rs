//! Notices to owners, and the tags that record them.

use crate::aws::AwsError;
use crate::messages::owner::{OwnerNotice, attributes};
use crate::messages::protocols::by_protocol;
use crate::model::action::Notice;
use crate::model::delivery::Delivery;
use crate::model::enrollment::{Secret, version_suffix};
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::message::Message;
use crate::model::recipient::{Recipient, remembered};
use crate::model::record::tag;
use crate::model::record::went_out;
use crate::model::settings::Settings;
use crate::model::text::rfc3339;
use crate::model::verdict::Verdict;
use crate::reporting::notice::data;
use crate::run::Run;
use crate::run::execute::Halt;
use jiff::SignedDuration;

impl Run<'_> {
    /// Invites the owner, at least once: publishes the invitation, then tags the secret. If an earlier run made the
    /// version, this run first writes a tag: a secret that cannot be tagged then costs one message, not one per run.
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
            // An owner may have received an earlier version's notice in the second in which this version was made. Tags
            // hold whole seconds, so one second less keeps the two apart.
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
        // Recorded even if some recipients got no invitation: reminders reach these, and the others are not invited
        // again and again.
        published.into_result()
    }

    /// Whether a notice of that kind is known to reach at least one of the recipients `to`.
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

    /// Sends any other notice to the owner, at most once: tags the secret, then publishes. If the run dies in between,
    /// the next reminder replaces the lost notice.
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

    /// Tags the secret with what later runs need.
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

    /// Publishes a notice to each recipient, even if another one fails.
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
            let message = Message {
                data: Some(data(&message).to_string()),
                attributes: attributes(message.notice, recipient, &message.user, &message.account),
                subject: message.subject,
                text: message.text,
            };
            let by_protocol = by_protocol(&message, false);
            match self.clients.sns.publish(&self.settings.owner_topic_arn, &message, by_protocol).await {
                Ok(()) => published.to.push(recipient.clone()),
                Err(error) => published.error = Some(error),
            }
        }
        published
    }
}

/// The result of publishing a notice to one or several recipients.
pub(super) struct Published {
    /// The recipients that it went out to.
    to: Vec<String>,
    /// Why it did not go out to another recipient.
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

/// Everybody who was ever invited: a changed owner tag must not redirect the closing notice. Version 0.1.0 did not
/// record whom it invited: its secrets' notices go to the present recipient.
pub(super) fn everybody(facts: &UserFacts, settings: &Settings) -> Vec<String> {
    let invited = facts.secret.as_ref().map(Secret::invited).unwrap_or_default();
    if invited.is_empty() { each(&facts.recipient(settings)) } else { invited }
}
