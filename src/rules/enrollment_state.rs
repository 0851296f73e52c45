//! The state of an enrollment: none, broken, usable; overdue, warned; made by somebody else.

use crate::model::arn::Arn;
use crate::model::enrollment::{Doubt, Enrollment, Secret, created_at};
use crate::model::facts::UserFacts;
use crate::model::recipient::Recipient;
use crate::model::record::tag;
use crate::model::settings::Settings;
use jiff::{SignedDuration, Timestamp};

impl UserFacts {
    /// The state of the user's enrollment.
    pub fn enrollment(&self, settle: SignedDuration, now: Timestamp) -> Enrollment<'_> {
        let Some(secret) = &self.secret else {
            return Enrollment::None;
        };
        let Some(version) = &secret.current_version else {
            return Enrollment::Broken;
        };
        // The id of a version that somebody else made holds no time, and no mfa-warden device belongs to it.
        let Some(made_at) = created_at(version).filter(|made_at| now.duration_since(*made_at) >= -settle)
        else {
            return Enrollment::Broken;
        };
        if secret.scheduled_for_deletion || self.renamed(version) {
            return Enrollment::Broken;
        }
        match self.device_of(version) {
            Some(_) => Enrollment::Usable { secret, version },
            None if now.duration_since(made_at) <= settle => Enrollment::Settling,
            None if self.absence_is_sure => Enrollment::Broken,
            None => Enrollment::Missing,
        }
    }

    /// Why somebody else may have prepared the secret, so that no seed may be written into it. `None`: the function made
    /// it. Its version has a device under `DEVICE_PATH`, its owner was told of the version, or the version is new.
    pub fn doubt(&self, settings: &Settings, now: Timestamp) -> Option<Doubt> {
        let secret = self.secret.as_ref()?;
        if secret.replicated {
            return Some(Doubt::Replicated);
        }
        if secret.rotates {
            return Some(Doubt::Rotates);
        }
        let Some(version) = secret.current_version.as_deref() else {
            return Some(Doubt::NoValue);
        };
        let Some(age) = created_at(version).map(|made_at| now.duration_since(made_at)) else {
            return Some(Doubt::OthersVersion);
        };
        let is_settling = age <= settings.settle && !secret.scheduled_for_deletion;
        let is_ours = self.device_of(version).is_some() || secret.notified_of(version) || is_settling;
        if age < -settings.settle || !is_ours {
            return Some(Doubt::OthersVersion);
        }
        secret.is_under_another_key(settings.secret_kms_key_id.as_deref()).then_some(Doubt::OtherKey)
    }
}

impl Secret {
    /// Whether its key is surely not the one that is set. A key can be named by id, alias or ARN. An alias and an id
    /// cannot be compared.
    fn is_under_another_key(&self, set: Option<&str>) -> bool {
        let plain =
            |key: &str| Arn::parse(key).map_or(key, |arn| arn.resource).trim_start_matches("key/").to_owned();
        let is_alias = |key: &str| key.starts_with("alias/");
        let own = self.kms_key_id.as_deref().map(plain).filter(|key| key != "alias/aws/secretsmanager");
        let set = set.map(plain).filter(|key| key != "alias/aws/secretsmanager");
        match (own, set) {
            (None, None) => false,
            (Some(own), Some(set)) => own != set && is_alias(&own) == is_alias(&set),
            _ => true,
        }
    }

    /// How long the user may stay without MFA after the first notice: the rest of the grace period, but at least a quarter
    /// of it, and at least the time for one reminder.
    pub fn grace(&self, settings: &Settings) -> SignedDuration {
        let left = settings.grace_period.saturating_sub(self.grace_used());
        left.max(settings.warning_time()).max(settings.grace_period / 4)
    }

    /// How long the grace period has been over; `None`: it is not over. It begins with the first notice that went out.
    pub fn overdue_by(&self, settings: &Settings, now: Timestamp) -> Option<SignedDuration> {
        let beyond = now.duration_since(self.first_notice_at(now)?) - self.grace(settings);
        beyond.is_positive().then_some(beyond)
    }

    /// Whether a reminder is due. A missing, unreadable or future time of the last notice makes it due, so that no
    /// tag can silence reminders.
    pub fn reminder_due(&self, remind_every: SignedDuration, now: Timestamp) -> bool {
        let last = self.tags.get(tag::LAST_NOTICE_AT).and_then(|time| time.parse::<Timestamp>().ok());
        last.is_none_or(|last| last > now || now.duration_since(last) > remind_every)
    }

    /// Whether its owner was warned before a quarantine: the present recipient is known to have received a notice of the
    /// current version, long enough ago for one reminder, and the version is as old. No tag can change the version's age.
    pub fn is_warned(&self, present: &Recipient, settings: &Settings, now: Timestamp) -> bool {
        let warning = settings.warning_time();
        let is_past = |time: Timestamp| now.duration_since(time) > warning;
        let made_at = self.current_version.as_deref().and_then(created_at);
        let is_heard = self.heard_at(now).is_some_and(is_past) && !self.recipient_changed(present);
        is_heard && made_at.is_some_and(is_past)
    }
}
