//! The texts for owners. Pure. Never a seed, never a code.

use crate::config::{AfterGrace, Scope, Settings};
use crate::facts::{Account, UserFacts, born, user_of_device};
use crate::plan::Notice;
use crate::preflight::Preflight;
use crate::seed::{enable_command, shell_quoted};
use crate::verdict::{Status, Verdict};
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRound, Timestamp, Unit};
use std::net::IpAddr;

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 ASCII characters, as SNS demands of e-mail subjects.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same for machines, where there is such a thing: what queues, functions and HTTPS endpoints get.
    pub data: Option<String>,
    /// Message attributes (of type `String`) that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
}

/// The attributes of a notice to one recipient, by which subscriptions filter.
pub fn attributes(notice: Notice, recipient: &str, user: &str, account: &str) -> Vec<(&'static str, String)> {
    let attributes =
        [("kind", notice.kind()), ("recipient", recipient), ("user", user), ("account", account)];
    attributes.map(|(name, value)| (name, value.to_owned())).into()
}

/// What a notice to an owner tells.
#[derive(Debug)]
pub struct OwnerNotice<'a> {
    /// Which.
    pub notice: Notice,
    /// The account.
    pub account: &'a Account,
    /// The settings that decide what happens next.
    pub settings: &'a Settings,
    /// The verdict that led to it.
    pub verdict: &'a Verdict,
    /// What is known of the user.
    pub facts: &'a UserFacts,
    /// Where the change came from that this notice answers, as CloudTrail reported it.
    pub source: Option<IpAddr>,
    /// The time of writing.
    pub now: Timestamp,
}

impl OwnerNotice<'_> {
    /// The message for the owner topic, to one of those who are told.
    pub fn message(&self, recipient: &str) -> Message {
        Message {
            subject: self.subject(),
            text: self.text(),
            data: None,
            attributes: attributes(self.notice, recipient, self.user(), &self.account.id),
        }
    }

    fn user(&self) -> &str {
        &self.facts.user.name
    }

    /// A user name has 64 characters at most, which leaves 35 for the words.
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
        let credential = match (self.facts.password, self.facts.active_access_key) {
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
                grace = words(self.grace()),
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
        // Who never heard that it replaces one is told so again.
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
        let ours = &format!("arn:{}:iam::{}:", self.account.partition, self.account.id);
        let own_name = self.user();
        let is_own =
            |serial: &str| user_of_device(serial).is_some_and(|user| user.eq_ignore_ascii_case(own_name));
        let kind = |serial: &str| match () {
            // Our own name for it; whoever makes a device of its own chooses the name.
            () if serial.starts_with(ours.as_str()) && is_own(serial) => serial.to_owned(),
            () if serial.contains(":u2f/") => "a passkey or a security key".to_owned(),
            () if serial.starts_with("arn:") => "a virtual MFA device".to_owned(),
            () => "a hardware token".to_owned(),
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
             The copy of the seed that was kept for you is deleted next. If you used it, your phone then holds the only\n\
             one: keep it, or register a second MFA device as a spare, in your security credentials:\n\n\
             \x20    {credentials}\n\n\
             IF THIS WAS NOT YOU\n\n\
             Then somebody else knows your password or your access key and has set up MFA in your place. Tell your\n\
             security operations at once; they can remove the device, disable the user and give you new credentials.\n",
            user = self.user(),
            account = self.account.id,
            devices = devices.concat(),
            credentials = Links(self.account).security_credentials(),
        )
    }

    fn withdrawn(&self) -> String {
        let reason = match self.verdict.status {
            // Whoever may tag users chooses the reason's words.
            Status::Exempt => "it is exempt, as its tag in IAM says",
            _ => self.verdict.reason.as_str(),
        };
        format!(
            "Hello,\n\n\
             your AWS user {user} in account {account} need not set up MFA (multi-factor authentication) any more:\n\n\
             \x20    {reason}\n\n\
             The device that was prepared for you is deleted, and its seed opens nothing. If you added it to an\n\
             authenticator app already, remove that entry. You can still set up MFA of your own, and it is a good\n\
             idea:\n\n     {credentials}\n\n\
             If you did not expect this, tell your security operations.\n",
            user = self.user(),
            account = self.account.id,
            credentials = Links(self.account).security_credentials(),
        )
    }

    /// When the grace period ends. It begins with the first notice that goes out: perhaps with this one. Nobody is
    /// quarantined who has not known for a while, so whoever is first told late has until then.
    fn deadline(&self) -> Timestamp {
        let secret = self.facts.secret.as_ref();
        let first = secret.and_then(|secret| secret.first_notice_at(self.now));
        let end = later(first.unwrap_or(self.now), self.grace());
        let is_new =
            secret.is_none_or(|secret| secret.recipient_changed(&self.facts.recipient(self.settings)));
        let heard = secret.and_then(|secret| secret.heard_at(self.now)).filter(|_| !is_new);
        let is_quarantined = self.facts.attached.is_some_and(|attached| attached.quarantine);
        if self.settings.after_grace == AfterGrace::Notify
            || self.notice == Notice::Quarantined
            || is_quarantined
        {
            return end;
        }
        end.max(later(heard.unwrap_or(self.now), self.settings.warning_time()))
    }

    /// How long the user may stay without MFA.
    fn grace(&self) -> SignedDuration {
        let secret = self.facts.secret.as_ref();
        secret.map_or(self.settings.grace_period, |secret| secret.grace(self.settings))
    }

    /// The version of the secret that is offered, where there is one.
    fn version(&self) -> &str {
        self.facts.secret.as_ref().and_then(|secret| secret.current_version.as_deref()).unwrap_or_default()
    }

    fn prepared_device(&self) -> String {
        let user = self.user();
        let links = Links(self.account);
        let secret = self.facts.secret.as_ref().map_or("", |secret| &secret.name);
        let show = format!(
            "aws secretsmanager get-secret-value --region {} --secret-id {} --query SecretString --output text \
             | jq -r .qr_text",
            shell_quoted(&self.account.region),
            shell_quoted(secret)
        );
        let enable = enable_command(user, &self.account.serial_number(user, self.version()));
        let (place, mut steps) = match links.cloudshell().filter(|_| self.facts.password) {
            Some(cloudshell) => (
                "IN AWS CLOUDSHELL",
                vec![
                    Step {
                        words: format!(
                            "Sign in to the AWS console as the user {user} itself, with its password (not in a\n\
                             switched role, and not with session-token credentials):"
                        ),
                        paste: Some(links.sign_in()),
                    },
                    Step {
                        words: "Open AWS CloudShell, a terminal in your browser with nothing to install, and wait\n\
                                for its prompt, a line that ends in $:"
                            .to_owned(),
                        paste: Some(cloudshell),
                    },
                ],
            ),
            None => (
                "WITH THE AWS CLI",
                vec![Step {
                    words: format!(
                        "Open a terminal with the AWS CLI and jq and the access key of the user {user} itself (not\n\
                         a role, and not session-token credentials). This shows who you are there:"
                    ),
                    paste: Some("aws sts get-caller-identity".to_owned()),
                }],
            ),
        };
        steps.extend([
            Step {
                words: "Copy this line, paste it there and press Enter. A QR code appears (if it does not fit,\n\
                        make the window larger or the font smaller and run the line again):"
                    .to_owned(),
                paste: Some(show),
            },
            Step {
                words: "In the authenticator app choose to add an account and scan the QR code. The app then shows\n\
                        a code of six digits, and a new one every 30 seconds. (No camera? Run the line above with\n\
                        .seed in place of .qr_text and type what it shows into the app, as a time-based key.)"
                    .to_owned(),
                paste: None,
            },
            Step {
                words: "Paste this line, but do not press Enter yet. Put the code that the app shows in place of\n\
                        CODE1, wait for the next code, put that in place of CODE2, and press Enter:"
                    .to_owned(),
                paste: Some(enable),
            },
            Step {
                words: format!(
                    "No message means that it worked. If a code was refused, run the line again with two new\n\
                     codes, one right after the other. At the end type clear and press Enter, so that the QR\n\
                     code does not stay on the screen{}.",
                    if self.facts.password { ", and sign out: the next time you sign in with a code" } else { "" }
                ),
                paste: None,
            },
        ]);
        format!("THE PREPARED DEVICE, {place} (about three minutes)\n\n{}", numbered(&steps))
    }

    /// The ways to enrol that work for this owner, or all where that is not known.
    fn ways(&self) -> String {
        if self.kept_from_the_seed() {
            return self.console_wizard();
        }
        let hindered = match self.facts.preflight.as_ref().is_some_and(|answer| answer.blockers().next().is_some()) {
            false => String::new(),
            true => "A POLICY STANDS IN THE WAY\n\n\
                     Your security operations have been told which. If a command below is denied, ask them.\n\n"
                .to_owned(),
        };
        [hindered, self.prepared_device(), self.console_wizard()].concat()
    }

    /// Whether a policy surely keeps the owner from the prepared device, and the console's own way is open.
    fn kept_from_the_seed(&self) -> bool {
        let answer = self.facts.preflight.as_ref();
        let is_kept = answer.is_some_and(Preflight::keeps_from_seed);
        self.facts.password && is_kept && !answer.is_some_and(|answer| answer.is_unable_to_enroll(false))
    }

    fn console_wizard(&self) -> String {
        if !self.facts.password {
            return String::new();
        }
        let links = Links(self.account);
        let steps = [
            Step { words: format!("Sign in as {}:", self.user()), paste: Some(links.sign_in()) },
            Step {
                words: "Open your security credentials:".to_owned(),
                paste: Some(links.security_credentials()),
            },
            Step {
                words: format!(
                    "Under \"Multi-factor authentication (MFA)\" choose \"Assign MFA device\" and follow the pages.{}",
                    if self.kept_from_the_seed() {
                        ""
                    } else {
                        "\nThis makes a device of its own; the prepared one is then removed."
                    }
                ),
                paste: None,
            },
        ];
        let title = if self.kept_from_the_seed() {
            "HOW TO SET IT UP, IN THE CONSOLE (for an authenticator app, a passkey or a security key)"
        } else {
            "OR THE CONSOLE'S OWN WAY (also for a passkey or a security key, and whenever the way above is denied)"
        };
        format!("{title}\n\n{}", numbered(&steps))
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
                if self.notice == Notice::Quarantined
                    || self.facts.attached.is_some_and(|a| a.quarantine) =>
            {
                "- Your access comes back within minutes after you have set up MFA.\n".to_owned()
            }
            (AfterGrace::Quarantine, false) => {
                "- Any time now your user is quarantined: it can then do nothing but set up MFA.\n".to_owned()
            }
        };
        let born = born(self.version()).unwrap_or(self.now);
        let (destroyed, expires) = if self.kept_from_the_seed() {
            ("", String::new())
        } else {
            let expiry = date(later(born, self.settings.offer_ttl));
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
            every = words(self.settings.remind_every),
        )
    }
}

/// One step of a way to enrol: what to do, and what to open or paste.
struct Step {
    words: String,
    paste: Option<String>,
}

fn numbered(steps: &[Step]) -> String {
    let step = |(number, Step { words, paste }): (usize, &Step)| {
        let words = words.replace('\n', "\n   ");
        let paste = paste.as_ref().map_or(String::new(), |line| format!("\n     {line}\n"));
        format!("{number}. {words}\n{paste}\n")
    };
    (1..).zip(steps).map(step).collect()
}

/// Links into the console of the account's partition.
struct Links<'a>(&'a Account);

impl Links<'_> {
    fn console_domain(&self) -> &'static str {
        match self.0.partition.as_str() {
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-cn" => "console.amazonaws.cn",
            _ => "console.aws.amazon.com",
        }
    }

    fn sign_in(&self) -> String {
        let domain = match self.0.partition.as_str() {
            "aws-us-gov" => "signin.amazonaws-us-gov.com",
            "aws-cn" => "signin.amazonaws.cn",
            _ => "signin.aws.amazon.com",
        };
        format!("https://{}.{domain}/console", self.0.id)
    }

    fn security_credentials(&self) -> String {
        format!("https://{}/iam/home#/security_credentials", self.console_domain())
    }

    /// `None` where there is no CloudShell: the China regions.
    fn cloudshell(&self) -> Option<String> {
        let region = &self.0.region;
        match self.0.partition.as_str() {
            "aws-cn" => None,
            "aws" => Some(format!(
                "https://{region}.{domain}/cloudshell/home?region={region}",
                domain = self.console_domain()
            )),
            _ => Some(format!(
                "https://{domain}/cloudshell/home?region={region}",
                domain = self.console_domain()
            )),
        }
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A day that a person reads, in UTC as every time of this project.
pub fn date(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `3 days`, `12 hours`, `1 day 12 hours`; to the minute, below one to the second.
pub fn words(duration: SignedDuration) -> String {
    let smallest = if duration < SignedDuration::from_mins(1) { Unit::Second } else { Unit::Minute };
    let whole = SpanRound::new().largest(Unit::Day).smallest(smallest).days_are_24_hours();
    let span = Span::try_from(duration).and_then(|span| span.round(whole)).unwrap_or_default();
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(&span)
}
