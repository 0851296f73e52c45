//! The texts for owners and operations. Pure. Never a seed, never a code.

use crate::config::{AfterGrace, Settings};
use crate::facts::{Account, User};
use crate::plan::Notice;
use crate::report::{Answer, Ending, Outcome};
use crate::seed::{enable_command, shell_quoted};
use crate::verdict::Status;
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRound, Timestamp, Unit};
use std::fmt::Write;

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 ASCII characters, as SNS demands of e-mail subjects.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Message attributes (of type `String`) that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
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
    /// Who.
    pub user: &'a User,
    /// Who is told.
    pub recipient: &'a str,
    /// Whether the user has a console password, and so the console.
    pub password: bool,
    /// The secret's name.
    pub secret: &'a str,
    /// The prepared device.
    pub serial_number: &'a str,
    /// When the seed was born.
    pub born: Timestamp,
    /// Since when the user has been without MFA.
    pub noncompliant_since: Timestamp,
    /// The time of writing.
    pub now: Timestamp,
}

impl OwnerNotice<'_> {
    /// The message for the owner topic.
    pub fn message(&self) -> Message {
        Message {
            subject: self.subject(),
            text: self.text(),
            attributes: vec![
                ("kind", self.notice.kind().to_owned()),
                ("recipient", self.recipient.to_owned()),
                ("user", self.user.name.clone()),
                ("account", self.account.id.clone()),
            ],
        }
    }

    fn subject(&self) -> String {
        match self.notice {
            Notice::Invitation => format!("Set up MFA for your AWS user {}", self.user.name),
        }
    }

    fn text(&self) -> String {
        match self.notice {
            Notice::Invitation => {
                [self.why(), self.prepared_device(), self.console_wizard(), self.what_happens_next()].concat()
            }
        }
    }

    fn why(&self) -> String {
        let credential = if self.password { "console password" } else { "access key" };
        format!(
            "Hello,\n\n\
             your AWS user {user} in account {account} has no MFA (multi-factor authentication). Until it has,\n\
             whoever learns its {credential} can act as you. {deadline}\n\n\
             A virtual MFA device is ready for you. Only you can read its seed, the secret that your\n\
             authenticator app needs. You need such an app on your phone, for example Google Authenticator,\n\
             Microsoft Authenticator, Authy or Aegis.\n\n",
            user = self.user.name,
            account = self.account.id,
            deadline = self.deadline_words(),
        )
    }

    fn deadline(&self) -> Timestamp {
        later(self.noncompliant_since, self.settings.grace_period)
    }

    fn deadline_words(&self) -> String {
        let date = date(self.deadline());
        if self.now < self.deadline() {
            format!("Please set it up by {date}.")
        } else {
            format!("It was due by {date}:\nplease set it up now.")
        }
    }

    fn prepared_device(&self) -> String {
        let user = &self.user.name;
        let links = Links(self.account);
        let show = format!(
            "aws secretsmanager get-secret-value --region {} --secret-id {} --query SecretString --output text \
             | jq -r .qr_text",
            shell_quoted(&self.account.region),
            shell_quoted(self.secret)
        );
        let enable = enable_command(user, self.serial_number);
        let (place, mut steps) = match links.cloudshell().filter(|_| self.password) {
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
                words: "No message means that it worked. If a code was refused, run the line again with two new\n\
                        codes, one right after the other. At the end type clear and press Enter, so that the QR\n\
                        code does not stay on the screen."
                    .to_owned(),
                paste: None,
            },
        ]);
        format!("THE PREPARED DEVICE, {place} (about three minutes)\n\n{}", numbered(&steps))
    }

    fn console_wizard(&self) -> String {
        if !self.password {
            return String::new();
        }
        let links = Links(self.account);
        let steps = [
            Step {
                words: format!("Sign in as {}:", self.user.name),
                paste: Some(links.sign_in()),
            },
            Step {
                words: "Open your security credentials:".to_owned(),
                paste: Some(links.security_credentials()),
            },
            Step {
                words: "Under \"Multi-factor authentication (MFA)\" choose \"Assign MFA device\" and follow the pages.\n\
                        This makes a device of its own; the prepared one is then removed."
                    .to_owned(),
                paste: None,
            },
        ];
        format!(
            "OR THE CONSOLE'S OWN WAY (also for a passkey or a security key, and whenever the way above is denied)\n\n{}",
            numbered(&steps)
        )
    }

    fn what_happens_next(&self) -> String {
        let after = match self.settings.after_grace {
            AfterGrace::Notify => "security operations follow up on it",
            AfterGrace::Quarantine => {
                "your user is quarantined: it can do nothing but set up MFA until it has"
            }
        };
        format!(
            "WHAT HAPPENS NEXT\n\n\
             - When you have MFA: you get a confirmation, and the prepared seed is destroyed.\n\
             - Until then: you are reminded every {every}.\n\
             - If you have no MFA by {deadline}: {after}.\n\
             - The prepared device is good until {expiry}; after that a new one replaces it, and you are told.\n\n\
             Nobody will ever ask you for the QR code, the seed or a code: show them to no one. If you do not know\n\
             this user, or somebody asked you for a code, tell your security operations.\n",
            every = words(self.settings.remind_every),
            deadline = date(self.deadline()),
            expiry = date(later(self.born, self.settings.offer_ttl)),
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
fn date(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `3 days`, `12 hours`, `1 day 12 hours`.
fn words(duration: SignedDuration) -> String {
    let whole = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = Span::try_from(duration).and_then(|span| span.round(whole)).unwrap_or_default();
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(&span)
}

/// The most users named in one section of a message to operations.
const NAMED: usize = 100;

/// The summary for operations: what a run did and found.
pub fn summary(account: &Account, answer: &Answer) -> Message {
    let mut done: Vec<String> = Vec::new();
    let mut count = |number: u32, words: &str| {
        if number > 0 {
            done.push(format!("{number} {words}"));
        }
    };
    count(answer.actions.provision, "provisioned");
    count(answer.actions.notify, "notified");
    count(answer.actions.delete_device, "stray devices deleted");
    count(answer.failed, "failed");
    count(answer.deferred, "deferred");
    if done.is_empty() {
        done.push("news".to_owned());
    }
    let did = |outcome: &&Outcome| outcome.result == Ending::Done;
    let section = |title: &str, wanted: &dyn Fn(&&Outcome) -> bool| section(title, answer, wanted);
    let text = [
        headline(account, answer),
        section("DONE", &did),
        failures(answer),
        section("LEFT TO THE NEXT RUN (deadline or MAX_PROVISIONS)", &|outcome| {
            outcome.result == Ending::Deferred
        }),
        section("EXEMPT", &|outcome| outcome.verdict == Status::Exempt && !did(outcome)),
        section("STILL WITHOUT MFA, INVITED BEFORE", &|outcome| {
            outcome.verdict == Status::NonCompliant && outcome.result == Ending::None
        }),
        warnings(answer),
    ]
    .concat();
    to_operations("summary", account, &done.join(", "), text)
}

/// The message for operations when users failed or could not be read.
pub fn failure(account: &Account, answer: &Answer) -> Message {
    let text = [headline(account, answer), failures(answer), warnings(answer)].concat();
    let what = format!("{} users failed, {} unreadable", answer.failed, answer.users.unknown);
    to_operations("failure", account, &what, text)
}

/// The message for operations when a whole run failed and nobody was looked at.
pub fn run_failed(account: &Account, action: &str, error: &str) -> Message {
    let text = format!(
        "The {action} of AWS account {} ({}) failed, and nothing was done:\n\n  {error}\n\n\
         The next run tries again. If this message repeats, correct the cause; until then nobody without MFA is\n\
         found or followed up.\n",
        account.id, account.region
    );
    to_operations("failure", account, &format!("the {action} failed"), text)
}

fn to_operations(kind: &str, account: &Account, what: &str, text: String) -> Message {
    Message {
        subject: format!("mfa-warden {}: {what}", account.id).chars().take(99).collect(),
        text,
        attributes: vec![("kind", kind.to_owned()), ("account", account.id.clone())],
    }
}

fn headline(account: &Account, answer: &Answer) -> String {
    let users = answer.users;
    format!(
        "mfa-warden looked at AWS account {} ({}): {} users in this {}\n\n\
         \x20 {:>5}  with MFA\n  {:>5}  without MFA\n  {:>5}  exempt\n  {:>5}  not applicable\n  {:>5}  unreadable\n",
        account.id,
        account.region,
        users.total,
        answer.action,
        users.compliant,
        users.non_compliant,
        users.exempt,
        users.not_applicable,
        users.unknown,
    )
}

fn failures(answer: &Answer) -> String {
    let failed = section("FAILED (the next run tries again)", answer, &|outcome| {
        matches!(outcome.result, Ending::Failed(_))
    });
    let unreadable = section("UNREADABLE (nothing was done for these)", answer, &|outcome| {
        outcome.verdict == Status::Unknown && outcome.result == Ending::None
    });
    failed + &unreadable
}

fn warnings(answer: &Answer) -> String {
    let lines: Vec<String> = answer.warnings.iter().map(|warning| format!("- {warning}")).collect();
    titled("WARNINGS", &lines)
}

fn section(title: &str, answer: &Answer, wanted: &dyn Fn(&&Outcome) -> bool) -> String {
    let lines: Vec<String> = answer.outcomes.iter().filter(wanted).map(line).collect();
    titled(title, &lines)
}

fn titled(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}\n\n");
    for line in lines.iter().take(NAMED) {
        let _ = writeln!(text, "{line}");
    }
    if lines.len() > NAMED {
        let _ = writeln!(text, "- and {} more; the function's answer names them all", lines.len() - NAMED);
    }
    text
}

fn line(outcome: &Outcome) -> String {
    let mut line = format!("- {}: {}", outcome.user, outcome.reason);
    if !outcome.actions.is_empty() {
        let _ = write!(line, " -> {}", outcome.actions.join(", "));
    }
    if let Ending::Failed(cause) = &outcome.result {
        let _ = write!(line, "; {cause}");
    }
    line
}
