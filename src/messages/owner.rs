//! The messages to owners. They never hold a seed or a code. Pure.

use crate::messages::context::{
    DeviceKind, Enrolled, EnrolledDevice, Offer, PreparedDevice, When, Withdrawn, WithdrawnReason,
};
use crate::messages::format::later;
use crate::messages::templates::Template;
use crate::model::account::Account;
use crate::model::action::Notice;
use crate::model::arn::Arn;
use crate::model::commands::{enable_command, enroll_command, show_command};
use crate::model::enrollment::created_at;
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::language::Language;
use crate::model::message::{Links, OwnerMessage, Prepared};
use crate::model::recipient::tag_value;
use crate::model::settings::{AfterGrace, Prefer, Scope, Settings};
use crate::model::text::shown;
use crate::model::verdict::{Reason, Status, Verdict};
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// The attributes of a notice to one recipient, which subscriptions filter on.
pub fn attributes(notice: Notice, recipient: &str, user: &str, account: &str) -> Vec<(&'static str, String)> {
    let attributes =
        [("kind", notice.kind()), ("recipient", recipient), ("user", user), ("account", account)];
    attributes.map(|(name, value)| (name, value.to_owned())).into()
}

/// The content of a notice to an owner.
#[derive(Debug)]
pub struct OwnerNotice<'a> {
    /// The kind of notice.
    pub notice: Notice,
    /// The account.
    pub account: &'a Account,
    /// The settings that decide what happens next.
    pub settings: &'a Settings,
    /// The verdict that led to the notice.
    pub verdict: &'a Verdict,
    /// What is known of the user.
    pub facts: &'a UserFacts,
    /// The IP address behind the change that led to the notice, as CloudTrail reported it.
    pub source: Option<IpAddr>,
    /// The time of writing.
    pub now: Timestamp,
}

impl OwnerNotice<'_> {
    /// The message for the owner topic, to one recipient.
    pub fn message(&self, recipient: &str) -> OwnerMessage {
        let language = self.language();
        let links = Links::of(self.account);
        let contact = self.settings.contact.as_deref().map(shown);
        let offers = matches!(self.notice, Notice::Invitation | Notice::Reminder | Notice::Quarantined);
        let prepared = (offers && !self.kept_from_the_seed()).then(|| self.prepared());
        let offer = || self.offer(language, &links, prepared.as_ref(), contact.clone());
        let template = match self.notice {
            Notice::Invitation => Template::Invitation(offer()),
            Notice::Reminder => Template::Reminder(offer()),
            Notice::Quarantined => Template::Quarantined(offer()),
            Notice::Enrolled => Template::Enrolled(self.enrolled(language, &links, contact.clone())),
            Notice::Withdrawn => Template::Withdrawn(self.withdrawn(&links, contact.clone())),
        };
        let (subject, text) = template.render(language);
        OwnerMessage {
            account: self.account.id.clone(),
            user: self.facts.user.name.clone(),
            user_id: self.facts.user.id.clone(),
            notice: self.notice,
            recipient: recipient.to_owned(),
            language,
            deadline: offers.then(|| self.deadline()),
            subject,
            text,
            contact,
            links,
            prepared,
        }
    }

    /// The language of the user's tag, or else of the settings.
    fn language(&self) -> Language {
        let tag = tag_value(&self.facts.tags, &self.settings.language_tag);
        tag.and_then(Language::read).unwrap_or(self.settings.language)
    }

    /// The user's name in prose. Commands have it as it is.
    fn user(&self) -> String {
        shown(&self.facts.user.name)
    }

    fn prepared(&self) -> Prepared {
        let user = &self.facts.user.name;
        let secret = self.facts.secret.as_ref().map_or("", |secret| &secret.name);
        let serial_number = self.account.serial_number(user, self.version());
        Prepared {
            enroll: enroll_command(self.account, user, self.version(), secret),
            show: show_command(self.account, secret),
            enable: enable_command(self.account, user, &serial_number),
            serial_number,
            secret: secret.to_owned(),
        }
    }

    fn offer(
        &self,
        language: Language,
        links: &Links,
        prepared: Option<&Prepared>,
        contact: Option<String>,
    ) -> Offer {
        let has_password = self.facts.has_password();
        let made_at = created_at(self.version()).unwrap_or(self.now);
        let earlier = self.facts.secret.as_ref().is_some_and(|secret| secret.notices() > 0);
        // An invitation that repeats one for the same version replaces no device.
        let again = self.facts.secret.as_ref().is_some_and(|secret| secret.notified_of(self.version()));
        Offer {
            user: self.user(),
            account: self.account.id.clone(),
            has_password,
            deadline: When::new(self.deadline(), language),
            is_over: self.now >= self.deadline(),
            replaces: earlier && !again && prepared.is_some(),
            is_blocked: prepared.is_some() && self.facts.blockers.sure().next().is_some(),
            prepared: prepared.map(|prepared| PreparedDevice {
                cloudshell: links.cloudshell.clone().filter(|_| has_password),
                enroll: prepared.enroll.clone(),
                show: prepared.show.clone(),
                enable: prepared.enable.clone(),
            }),
            offer_until: prepared.map(|_| When::new(later(made_at, self.settings.offer_ttl), language)),
            console_first: has_password && self.settings.prefer == Prefer::Console,
            sign_in: links.sign_in.clone(),
            security_credentials: links.security_credentials.clone(),
            remind_every: self.settings.remind_every.into(),
            quarantine_follows: self.settings.after_grace == AfterGrace::Quarantine,
            is_quarantined: self.notice == Notice::Quarantined || self.facts.is_quarantined(),
            console_only: self.settings.scope == Scope::Console,
            contact,
        }
    }

    /// Whether a policy surely keeps the owner from the prepared device, but not from enrolling in the console.
    fn kept_from_the_seed(&self) -> bool {
        let blockers = &self.facts.blockers;
        self.facts.has_password() && blockers.keeps_from_seed() && !blockers.is_unable_to_enroll(false)
    }

    fn enrolled(&self, language: Language, links: &Links, contact: Option<String>) -> Enrolled {
        // Anybody who may make devices can give one a name of that form. Only one device is the prepared one: that of the
        // secret's version, under the user's name, or under the name that the user had before.
        let secret = self.facts.secret.as_ref();
        let of_user = |name: &str| self.account.serial_number(name, self.version());
        let prepared = secret.filter(|_| !self.version().is_empty());
        let prepared = prepared.map(|secret| [of_user(&self.facts.user.name), of_user(secret.user_name())]);
        let is_prepared = |serial: &str| prepared.iter().flatten().any(|prepared| prepared == serial);
        let kind = |serial: &str| match Arn::parse(serial) {
            _ if is_prepared(serial) => DeviceKind::Prepared(serial.to_owned()),
            Some(arn) if arn.resource.starts_with("u2f/") => DeviceKind::Passkey,
            Some(_) => DeviceKind::Virtual,
            None => DeviceKind::Hardware,
        };
        let devices: Vec<EnrolledDevice> = self
            .facts
            .mfa_devices
            .iter()
            .map(|device| EnrolledDevice {
                kind: kind(&device.serial_number),
                since: When::new(device.enabled_at, language),
            })
            .collect();
        Enrolled {
            user: self.user(),
            account: self.account.id.clone(),
            has_password: self.facts.password != Known::Is(false),
            was_quarantined: self.was_quarantined(),
            uses_prepared: devices.iter().any(|device| matches!(device.kind, DeviceKind::Prepared(_))),
            devices,
            source: self.source.map(|address| address.to_string()),
            security_credentials: links.security_credentials.clone(),
            contact,
        }
    }

    /// An enrollment that closes has ended the quarantine before its owner is told.
    fn was_quarantined(&self) -> bool {
        self.facts.secret.as_ref().is_some_and(|secret| secret.told_of_quarantine(self.now))
    }

    fn withdrawn(&self, links: &Links, contact: Option<String>) -> Withdrawn {
        let reason = match (self.verdict.status, &self.verdict.reason) {
            (Status::Exempt, _) => WithdrawnReason::Exempt,
            (Status::NonCompliant, _) => WithdrawnReason::Retired,
            (_, Reason::NoPassword) => WithdrawnReason::NoPassword,
            (_, Reason::NoCredentials) => WithdrawnReason::NoCredentials,
            _ => WithdrawnReason::Other,
        };
        Withdrawn {
            user: self.user(),
            account: self.account.id.clone(),
            has_password: self.facts.password != Known::Is(false),
            was_quarantined: self.was_quarantined(),
            reason,
            security_credentials: links.security_credentials.clone(),
            contact,
        }
    }

    /// When the grace period ends. It begins with the first notice that goes out, perhaps with this one. No user is
    /// quarantined unless its owner has known for the warning time, so an owner who is first told late has until then.
    fn deadline(&self) -> Timestamp {
        let secret = self.facts.secret.as_ref();
        let first = secret.and_then(|secret| secret.first_notice_at(self.now));
        let end = later(first.unwrap_or(self.now), self.grace());
        let is_new =
            secret.is_none_or(|secret| secret.recipient_changed(&self.facts.recipient(self.settings)));
        let heard = secret.and_then(|secret| secret.heard_at(self.now)).filter(|_| !is_new);
        let is_quarantined = self.facts.is_quarantined();
        if self.settings.after_grace == AfterGrace::Notify
            || self.notice == Notice::Quarantined
            || is_quarantined
        {
            return end;
        }
        end.max(later(heard.unwrap_or(self.now), self.settings.warning_time()))
    }

    /// How long the user may stay without MFA.
    pub(crate) fn grace(&self) -> SignedDuration {
        let secret = self.facts.secret.as_ref();
        secret.map_or(self.settings.grace_period, |secret| secret.grace(self.settings))
    }

    /// The version of the secret that is offered, if there is one.
    pub(crate) fn version(&self) -> &str {
        self.facts.secret.as_ref().and_then(|secret| secret.current_version.as_deref()).unwrap_or_default()
    }
}
