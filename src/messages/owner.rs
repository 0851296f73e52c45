//! The texts for owners. They never hold a seed or a code. Pure.

use crate::messages::format::{Links, date, later};
use crate::model::account::Account;
use crate::model::action::Notice;
use crate::model::arn::Arn;
use crate::model::enrollment::created_at;
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::message::Message;
use crate::model::settings::{AfterGrace, Scope, Settings};
use crate::model::verdict::{Status, Verdict};
use crate::words::duration;
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
    pub fn message(&self, recipient: &str) -> Message {
        Message {
            subject: self.subject(),
            text: self.text(),
            data: None,
            attributes: attributes(self.notice, recipient, self.user(), &self.account.id),
        }
    }

    pub(crate) fn user(&self) -> &str {
        &self.facts.user.name
    }

    /// The subject. A user name has 64 characters at most, which leaves 35 for the words.
    fn subject(&self) -> String {
        let user = self.user();
        match self.notice {
            Notice::Invitation => format!("Set up MFA for your AWS user {user}"),
            Notice::Reminder => format!("Reminder: set up MFA for AWS user {user}"),
            Notice::Quarantined => format!("Quarantined until MFA is set up: {user}"),
            Notice::Enrolled => format!("MFA is set up for AWS user {user}"),
            Notice::Withdrawn => format!("MFA is no longer required of {user}"),
        }
    }

    fn text(&self) -> String {
        match self.notice {
            Notice::Invitation | Notice::Reminder | Notice::Quarantined => {
                [format!("Hello,\n\n{}", self.why()), self.ways(), self.what_happens_next()].concat()
            }
            Notice::Enrolled => self.enrolled(),
            Notice::Withdrawn => self.withdrawn(),
        }
    }

    fn why(&self) -> String {
        let user = self.user();
        let account = &self.account.id;
        let credential = match (self.facts.has_password(), self.facts.active_access_key == Known::Is(true)) {
            (true, _) => "console password",
            (false, true) => "access key",
            (false, false) => "password or an access key, once it has one,",
        };
        let nothing = match self.settings.scope {
            Scope::Console => "nothing in the console but set up MFA",
            Scope::Credentials | Scope::All => "nothing but set up MFA",
        };
        let deadline = date(self.deadline());
        let state = match self.notice {
            Notice::Quarantined => format!(
                "your AWS user {user} in account {account} has no MFA (multi-factor authentication), and the {grace}\n\
                 it was given for it ended on {deadline}. It is now quarantined: without MFA it can\n\
                 do {nothing}. As soon as it has MFA, the quarantine ends by itself.\n",
                grace = duration(self.grace()),
            ),
            _ => format!(
                "your AWS user {user} in account {account} {still}has no MFA (multi-factor authentication). Until it has,\n\
                 whoever learns its {credential} can act as you.\n{due}\n",
                still = if self.notice == Notice::Reminder { "still " } else { "" },
                due = if self.now < self.deadline() {
                    format!("Please set it up by {deadline}.")
                } else {
                    format!("It was due by {deadline}: please set it up now.")
                }
            ),
        };
        let earlier = self.facts.secret.as_ref().is_some_and(|secret| secret.notices() > 0);
        // An invitation that repeats one for the same version replaces no device.
        let again = self.facts.secret.as_ref().is_some_and(|secret| secret.notified_of(self.version()));
        let replaces = if self.notice == Notice::Invitation && earlier && !again {
            "It replaces the device of an earlier message: if you added that one to your app, remove it there.\n"
        } else {
            ""
        };
        if self.kept_from_the_seed() {
            return format!("{state}\n");
        }
        format!(
            "{state}\n\
             A virtual MFA device is ready for you. Only you can read its seed, the secret that your\n\
             authenticator app needs. You need such an app on your phone, for example Google Authenticator,\n\
             Microsoft Authenticator, Authy or Aegis.\n{replaces}\n"
        )
    }

    fn enrolled(&self) -> String {
        let is_own = |user: &str| user.eq_ignore_ascii_case(self.user());
        let is_prepared_here = |serial: &str| self.account.user_of_device(serial).is_some_and(is_own);
        let is_prepared = self.facts.mfa_devices.iter().any(|device| is_prepared_here(&device.serial_number));
        let kind = |serial: &str| match Arn::parse(serial) {
            // The name that mfa-warden gave it. Other names are not shown: the person who makes a device chooses its
            // name.
            _ if is_prepared_here(serial) => serial.to_owned(),
            Some(arn) if arn.resource.starts_with("u2f/") => "a passkey or a security key".to_owned(),
            Some(_) => "a virtual MFA device".to_owned(),
            None => "a hardware token".to_owned(),
        };
        let devices: Vec<String> = self
            .facts
            .mfa_devices
            .iter()
            .map(|device| {
                format!("     {}, since {}\n", kind(&device.serial_number), date(device.enabled_at))
            })
            .collect();
        let source = self.source.map_or(String::new(), |address| {
            format!("     set up from the address {address}, as CloudTrail reports\n")
        });
        format!(
            "Hello,\n\n\
             your AWS user {user} in account {account} now has MFA (multi-factor authentication). Thank you.\n\n\
             {devices}{source}\n\
             {kept}\
             A second MFA device is a good spare. AWS takes one only after you have signed out and signed in again\n\
             with MFA. Register it in your security credentials{credentials}\n\
             IF THIS WAS NOT YOU\n\n\
             Then somebody else knows your password or your access key and has set up MFA in your place. Tell your\n\
             security operations at once; they can remove the device, disable the user and give you new credentials.\n",
            user = self.user(),
            account = self.account.id,
            devices = devices.concat(),
            kept = if is_prepared {
                "The copy of the seed that was kept for you is deleted next. Your phone then holds the only one: keep it.\n"
            } else {
                "The device that was prepared for you is not used, and is deleted. If you added it to an authenticator app,\n\
                 remove that entry there.\n"
            },
            credentials = self.link_to_credentials(),
        )
    }

    fn withdrawn(&self) -> String {
        let reason = match self.verdict.status {
            // The tag's text is not shown: anybody who may tag users can write it.
            Status::Exempt => "it is exempt, as its tag in IAM says".to_owned(),
            _ => self.verdict.reason.to_string(),
        };
        format!(
            "Hello,\n\n\
             your AWS user {user} in account {account} need not set up MFA (multi-factor authentication) any more:\n\n\
             \x20    {reason}\n\n\
             The device that was prepared for you is deleted, and its seed opens nothing. If you added it to an\n\
             authenticator app already, remove that entry. You can still set up MFA of your own, and it is a good\n\
             idea, in your security credentials{credentials}\n\
             If you did not expect this, tell your security operations.\n",
            user = self.user(),
            account = self.account.id,
            credentials = self.link_to_credentials(),
        )
    }

    /// The end of a sentence that names the security credentials, with a link where the console's address is known.
    fn link_to_credentials(&self) -> String {
        match Links(self.account).security_credentials() {
            Some(link) => format!(":\n\n     {link}\n"),
            None => " in the AWS console.\n".to_owned(),
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

    fn what_happens_next(&self) -> String {
        let deadline = date(self.deadline());
        let after = match (self.settings.after_grace, self.now < self.deadline()) {
            (AfterGrace::Notify, true) => {
                format!("- If you have no MFA by {deadline}: security operations follow up on it.\n")
            }
            (AfterGrace::Quarantine, true) => format!(
                "- If you have no MFA by {deadline}: your user is quarantined and can do\n\
                 \x20 nothing but set up MFA until it has.\n"
            ),
            (AfterGrace::Notify, false) => {
                "- Security operations are told that you are overdue.\n".to_owned()
            }
            (AfterGrace::Quarantine, false)
                if self.notice == Notice::Quarantined || self.facts.is_quarantined() =>
            {
                "- Your access comes back within minutes after you have set up MFA.\n".to_owned()
            }
            (AfterGrace::Quarantine, false) => {
                "- Any time now your user is quarantined: it can then do nothing but set up MFA.\n".to_owned()
            }
        };
        let made_at = created_at(self.version()).unwrap_or(self.now);
        let (destroyed, expires) = if self.kept_from_the_seed() {
            ("", String::new())
        } else {
            let expiry = date(later(made_at, self.settings.offer_ttl));
            (
                ", and the prepared seed is deleted",
                format!(
                    "- The prepared device is good until {expiry}. After that a new one replaces it, and\n\
                     \x20 you are told.\n"
                ),
            )
        };
        format!(
            "WHAT HAPPENS NEXT\n\n\
             - When you have MFA: you get a confirmation{destroyed}.\n\
             - Until then: you are reminded every {every}.\n\
             {after}\
             {expires}\n\
             Nobody will ever ask you for the QR code, the seed or a code: show them to no one. If you do not know\n\
             this user, or somebody asked you for a code, tell your security operations.\n",
            every = duration(self.settings.remind_every),
        )
    }
}
