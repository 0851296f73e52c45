//! What a secret's tags record of its enrollment, and how to read them.

use crate::model::enrollment::{Secret, created_at, version_suffix};
use crate::model::recipient::{Recipient, recalled};
use crate::model::text::rfc3339;
use jiff::{SignedDuration, Timestamp};

/// The tags to write for every notice.
pub fn went_out(secret: &Secret, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut tags = vec![
        (tag::LAST_NOTICE_AT, rfc3339(now)),
        (tag::NOTICES, secret.notices().saturating_add(1).to_string()),
    ];
    if secret.first_notice_at(now).is_none() {
        tags.push((tag::FIRST_NOTICE_AT, rfc3339(now)));
    }
    // The user is without MFA again, so the next enrollment gets a closing notice of its own.
    if secret.record(tag::CLOSING_NOTICE).is_some() {
        tags.push((tag::CLOSING_NOTICE, String::new()));
    }
    tags
}

/// Keys of the tags on a secret.
pub mod tag {
    /// The user's unique id.
    pub const USER_ID: &str = "mfa-warden:user-id";
    /// When the user was first seen without MFA.
    pub const NONCOMPLIANT_SINCE: &str = "mfa-warden:noncompliant-since";
    /// The last 8 characters of the version that the owner was last invited for.
    pub const NOTIFIED: &str = "mfa-warden:notified";
    /// When the first notice went out: the grace period counts from here.
    pub const FIRST_NOTICE_AT: &str = "mfa-warden:first-notice-at";
    /// The last 8 characters of a version that an earlier run won. Written before the owner is told: if tagging fails, the owner does not get the message again in every run.
    pub const TELLING: &str = "mfa-warden:telling";
    /// When a notice of the current version was first known to have reached its owner. An older time is an earlier version's. Empty: the notice reached somebody else.
    pub const HEARD_AT: &str = "mfa-warden:heard-at";
    /// The recipients of the last invitation, as [`crate::model::recipient::remembered`] writes them.
    pub const RECIPIENT: &str = "mfa-warden:recipient";
    /// The recipients of earlier invitations, if different.
    pub const RECIPIENTS_BEFORE: &str = "mfa-warden:recipients-before";
    /// When the owner was last told anything.
    pub const LAST_NOTICE_AT: &str = "mfa-warden:last-notice-at";
    /// How many notices went out.
    pub const NOTICES: &str = "mfa-warden:notices";
    /// Written by version 0.1.0 only: the last 8 characters of the version whose last notice reached nobody. If the owner
    /// received an earlier notice, a space and the kind of the lost notice follow. See [`super::Undelivered`].
    pub const UNREACHED: &str = "mfa-warden:unreached";
    /// When the closing notice went out, so that it is not sent again while the secret cannot be deleted. Empty: none did.
    pub const CLOSING_NOTICE: &str = "mfa-warden:farewell";
    /// Which resource policy the secret has: `rules::owner_policy::fingerprint`.
    pub const POLICY: &str = "mfa-warden:policy";
    /// How much of its grace period the user used up in closed enrollments, before the secret was made
    /// (`rules::history`): an ISO 8601 duration. Missing: nothing.
    pub const GRACE_USED: &str = "mfa-warden:grace-used";
    /// When the owner was told of the quarantine. Empty: it was lifted.
    pub const QUARANTINED_AT: &str = "mfa-warden:quarantined-at";
}

/// Which notices reached nobody, as [`tag::UNREACHED`] records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undelivered {
    /// Every notice so far: the owner is not known to have received any.
    Everything,
    /// The invitation to this version. The owner received a notice of an earlier version.
    Invitation,
    /// A later notice. The owner received the invitation.
    Later,
}

impl Secret {
    /// A tag's value; an empty one counts as missing.
    pub fn record(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A past time in a tag. A future or unreadable time counts as missing: somebody else wrote it.
    fn past(&self, key: &str, now: Timestamp) -> Option<Timestamp> {
        self.record(key)?.parse().ok().filter(|time: &Timestamp| *time <= now)
    }

    /// When the first notice went out; `None`: none did. Never before the secret's creation, whatever tags say. If notices
    /// went out but the time is missing or impossible, it is the secret's creation: earlier versions did not record the
    /// time, and somebody may have changed the tag.
    pub fn first_notice_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.past(tag::FIRST_NOTICE_AT, now) {
            Some(first) => Some(first.max(self.created_at)),
            None if self.was_told() => Some(self.created_at),
            None => None,
        }
    }

    /// Whether any notice went out. Also `true` if the count is not a number: then somebody else wrote it.
    fn was_told(&self) -> bool {
        match self.record(tag::NOTICES) {
            Some(count) => count.parse() != Ok(0u32),
            None => self.record(tag::NOTIFIED).is_some() || self.record(tag::LAST_NOTICE_AT).is_some(),
        }
    }

    /// When a notice of the current version was first known to have reached its owner; `None`: none is known to have.
    pub fn heard_at(&self, now: Timestamp) -> Option<Timestamp> {
        let made_at = created_at(self.current_version.as_deref()?)?;
        self.past(tag::HEARD_AT, now).filter(|heard| *heard >= truncated(made_at))
    }

    /// Whether the recipient changed since the invitation. Earlier versions did not record the recipient.
    pub fn recipient_changed(&self, present: &Recipient) -> bool {
        let sorted = |tag: &str| {
            let mut each: Vec<String> = recalled(tag).iter().map(|one| one.to_lowercase()).collect();
            each.sort_unstable();
            each
        };
        self.record(tag::RECIPIENT).is_some_and(|invited| sorted(invited) != sorted(&present.to_string()))
    }

    /// Everybody who was ever invited, as far as recorded, the earliest first.
    pub fn invited(&self) -> Vec<String> {
        let keys = [tag::RECIPIENTS_BEFORE, tag::RECIPIENT];
        let mut invited: Vec<String> =
            keys.into_iter().filter_map(|key| self.record(key)).flat_map(recalled).collect();
        let mut known = std::collections::HashSet::new();
        invited.retain(|one| known.insert(one.to_lowercase()));
        invited
    }

    /// Whether its owner was invited, and the current version is one that the function made.
    pub fn was_invited(&self) -> bool {
        self.was_told()
            && self.current_version.as_deref().is_some_and(|version| created_at(version).is_some())
    }

    /// Whether the closing notice went out already.
    pub fn closing_notice_sent(&self, now: Timestamp) -> bool {
        self.past(tag::CLOSING_NOTICE, now).is_some()
    }

    /// How much of the grace period the user used up in earlier, closed enrollments.
    pub fn grace_used(&self) -> SignedDuration {
        let used = self.record(tag::GRACE_USED).and_then(|used| used.parse().ok());
        used.unwrap_or(SignedDuration::ZERO).max(SignedDuration::ZERO)
    }

    /// Whether the owner was told of the quarantine.
    pub fn told_of_quarantine(&self, now: Timestamp) -> bool {
        self.past(tag::QUARANTINED_AT, now).is_some()
    }

    /// Whether the owner was told of the quarantine so recently that no new message is needed.
    pub fn was_told_of_quarantine_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.past(tag::QUARANTINED_AT, now).is_some_and(|told| now.duration_since(told) <= time)
    }

    /// Whether the owner was invited for `version`.
    pub fn notified_of(&self, version: &str) -> bool {
        self.tags.get(tag::NOTIFIED).is_some_and(|suffix| suffix == version_suffix(version))
    }

    /// Which notices of the current version are known not to have reached the owner.
    pub fn undelivered_notice(&self, now: Timestamp) -> Option<Undelivered> {
        if self.heard_at(now).is_some() {
            return None;
        }
        let suffix = version_suffix(self.current_version.as_deref()?);
        let rest = self.tags.get(tag::UNREACHED)?.strip_prefix(suffix)?;
        match rest.trim_start() {
            "" => Some(Undelivered::Everything),
            "invitation" => Some(Undelivered::Invitation),
            _ => Some(Undelivered::Later),
        }
    }

    /// Whether a notice of the current version went out, but is not known to have reached the owner. Version 0.1.0 recorded
    /// only lost notices, not received ones.
    pub fn undelivered(&self, now: Timestamp) -> bool {
        let is_told = self.current_version.as_deref().is_some_and(|version| self.notified_of(version));
        let noted = [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT];
        let is_noted = noted.iter().any(|key| self.tags.contains_key(*key));
        let is_unheard = is_noted && self.heard_at(now).is_none();
        is_told
            && (is_unheard
                || matches!(
                    self.undelivered_notice(now),
                    Some(Undelivered::Everything | Undelivered::Invitation)
                ))
    }

    /// Whether no notice of any version is known to have reached the owner: none went out, or each is known to be lost
    /// (version 0.1.0 recorded that), or none is known to have arrived.
    pub fn never_delivered(&self, now: Timestamp) -> bool {
        let is_noted = self.record(tag::FIRST_NOTICE_AT).is_some();
        let nothing_heard = is_noted && self.past(tag::HEARD_AT, now).is_none();
        self.first_notice_at(now).is_none()
            || self.undelivered_notice(now) == Some(Undelivered::Everything)
            || nothing_heard
    }

    /// When the last notice went out; `None`: unknown. The time may be in the future if somebody else wrote it.
    pub fn last_notice_at(&self) -> Option<Timestamp> {
        self.record(tag::LAST_NOTICE_AT)?.parse().ok()
    }

    /// How many notices went out so far.
    pub fn notices(&self) -> u32 {
        self.tags.get(tag::NOTICES).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// A time to the second, as tags hold it.
fn truncated(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
