//! Settings: read from the environment once at start, checked together, never changed.

use crate::model::account::Account;
use crate::model::arn::{Arn, is_account_id};
use crate::model::language::Language;
use crate::model::recipient::tag_value;
use crate::model::text::shown;
use crate::model::user::User;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// Which users must have MFA (`MFA_SCOPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Users with a console password: CIS AWS Foundations 1.10, Security Hub IAM.5.
    Console,
    /// Users with a console password or an active access key.
    Credentials,
    /// Every user: Security Hub IAM.19.
    All,
}

/// What happens after the grace period (`AFTER_GRACE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterGrace {
    /// Keep reminding the owner and telling operations.
    Notify,
    /// Attach the quarantine policy until the user has MFA.
    Quarantine,
}

/// The way to enroll that messages show first (`PREFER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// The prepared device.
    Prepared,
    /// The console's own way, also for passkeys.
    Console,
}

/// The users to begin with (`PILOT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pilot {
    /// Users whose IAM path begins with this: `/team-a/`.
    Path(String),
    /// Users with this tag: `team=payments`. As in IAM, keys ignore case; values do not.
    Tag(String, String),
}

impl Pilot {
    /// Reads `/path/` or `key=value`.
    fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            let fits = text.ends_with('/') && text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
            return fits.then(|| Pilot::Path(text.to_owned()));
        }
        let (key, value) = text.split_once('=')?;
        let fits = is_tag_key(key) && !value.is_empty() && value.chars().count() <= 256;
        fits.then(|| Pilot::Tag(key.to_owned(), value.to_owned()))
    }

    /// Whether the user is in the pilot.
    pub fn admits(&self, user: &User, tags: &BTreeMap<String, String>) -> bool {
        match self {
            Pilot::Path(path) => user.path().starts_with(path.as_str()),
            Pilot::Tag(key, value) => tag_value(tags, key) == Some(value),
        }
    }
}

/// When quarantines may begin (`QUARANTINE_HOURS`): while people who can help are at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    days: [bool; 7],
    from: Time,
    /// Exclusive.
    until: Time,
    zone: TimeZone,
}

impl Hours {
    /// Reads `Mon-Thu 09:00-16:00 Europe/Berlin`; without a time zone it is UTC.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (days, times) = (words.next()?, words.next()?);
        let zone = words.next().map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())?;
        let (from, until) = times.split_once('-')?;
        let (from, until) = (time_of_day(from)?, time_of_day(until)?);
        (words.next().is_none() && from < until).then_some(Hours { days: weekdays(days)?, from, until, zone })
    }

    /// Whether a quarantine may begin now.
    pub fn allow(&self, now: Timestamp) -> bool {
        let there = now.to_zoned_datetime(self.zone.clone());
        let day = usize::try_from(there.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.days.get(day) == Some(&true) && (self.from..self.until).contains(&there.time())
    }
}

/// `09:00`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    match (number(hours)?, number(minutes)?) {
        // People write `24:00` for the end of a day.
        (24, 0) => Time::new(23, 59, 59, 999_999_999).ok(),
        (hours, minutes) => Time::new(hours, minutes, 0, 0).ok(),
    }
}

/// `Mon-Thu`, `Mon,Wed`, `Sat-Mon`.
fn weekdays(text: &str) -> Option<[bool; 7]> {
    let day = |name: &str| {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let name = name.to_ascii_lowercase();
        names.iter().position(|known| *known == name)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // Past the end of the week where the last day comes before the first.
        let more = (7 + last - first) % 7;
        (0..=more).for_each(|n| days[(first + n) % 7] = true);
    }
    Some(days)
}

/// The function's settings; each field names its environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `OWNER_TOPIC_ARN`: the SNS topic that owners subscribe to.
    pub owner_topic_arn: String,
    /// `OPS_TOPIC_ARN`: the SNS topic of operations.
    pub ops_topic_arn: String,
    /// `MFA_SCOPE`: which users must have MFA.
    pub scope: Scope,
    /// `OWNER_TAG`: key of the IAM user tag that names the recipient of messages.
    pub owner_tag: String,
    /// `REMIND_EVERY`: time between two notices to one owner.
    pub remind_every: SignedDuration,
    /// `GRACE_PERIOD`: time a user may stay without MFA.
    pub grace_period: SignedDuration,
    /// `OFFER_TTL`: age at which an unused seed is replaced.
    pub offer_ttl: SignedDuration,
    /// `AFTER_GRACE`: what happens after the grace period.
    pub after_grace: AfterGrace,
    /// `ENROLLMENT_POLICY_ARN`: managed policy attached while an enrollment is open; `None`: never.
    pub enrollment_policy_arn: Option<String>,
    /// `QUARANTINE_POLICY_ARN`: managed policy attached after the grace period; `None`: never.
    pub quarantine_policy_arn: Option<String>,
    /// `MAX_PROVISIONS`: the most users to provision in one run.
    pub max_provisions: u32,
    /// `MAX_QUARANTINES`: the most users to quarantine in one run.
    pub max_quarantines: u32,
    /// `PILOT`: the users to begin with; `None`: all.
    pub pilot: Option<Pilot>,
    /// `QUARANTINE_HOURS`: when quarantines may begin; `None`: at any time.
    pub quarantine_hours: Option<Hours>,
    /// `FUNCTION_ROLE_ARN`: the only role that may change the secrets; `None`: unknown.
    pub function_role_arn: Option<String>,
    /// `DRY_RUN`: only plan, change nothing.
    pub dry_run: bool,
    /// `SECRET_KMS_KEY_ID`: KMS key of the secrets; `None`: the account's `aws/secretsmanager` key.
    pub secret_kms_key_id: Option<String>,
    /// `SECRET_TAGS`: more tags for the secrets that the function makes, as (key, value).
    pub secret_tags: Vec<(String, String)>,
    /// `SUBSCRIBE_OWNERS`: subscribe owners whose recipient is an e-mail address without a subscription.
    pub subscribe_owners: bool,
    /// `PREFLIGHT`: before each notice that shows how to enroll, ask IAM whether a policy keeps the owner from enrolling.
    pub preflight: bool,
    /// `CONTACT`: whom people ask; `None`: their security team.
    pub contact: Option<String>,
    /// `LANGUAGE`: the language of messages to owners.
    pub language: Language,
    /// `LANGUAGE_TAG`: key of the IAM user tag that names another language.
    pub language_tag: String,
    /// `PREFER`: the way to enroll that messages show first.
    pub prefer: Prefer,
    /// `RETIRE`: withdraw every open enrollment and begin none.
    pub retire: bool,
    /// `OPS_CHAT`: HTTPS subscribers of the operations topic get the format that Amazon Q Developer shows in a chat.
    pub ops_chat: bool,
    /// `SETTLE`: how long AWS's listings may lag behind its writes.
    pub settle: SignedDuration,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The setting's variable.
    pub variable: &'static str,
    /// A sentence that begins with the variable: what it holds, what it may hold, or what it contradicts.
    pub words: String,
}

/// A setting that names something in another account, partition or region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The setting's variable.
    pub variable: &'static str,
    /// Where that is.
    pub place: String,
    /// Where it should be.
    pub here: String,
}

/// Every problem found in the environment.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<SettingProblem>);

impl ConfigError {
    /// The problems.
    pub fn problems(&self) -> &[SettingProblem] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mfa-warden cannot start, its environment needs correcting:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n- {}", problem.words))
    }
}

impl std::error::Error for ConfigError {}

/// One setting: everything that the function, `warden` and their errors say about it. Tests compare `template.yaml` and
/// `README.md` with these rows.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable. The template's parameter has the same name in `CamelCase`.
    pub variable: &'static str,
    /// Its value if the variable is empty; empty: there is no default.
    pub default: &'static str,
    /// What it may hold: completes "it must be".
    pub expected: &'static str,
    /// The option of `warden`, if there is one.
    pub option: Option<&'static str>,
    /// How `warden --help` names the option's value.
    pub value_name: &'static str,
    /// What `warden --help` says about it.
    pub help: &'static str,
    /// Writes a value into the settings; `None`: the value is not allowed.
    read: fn(&str, &mut Settings) -> Option<()>,
}

const DURATION: &str = "a duration above zero such as `90s`, `12h` or `3d`";
const TOPIC: &str = "the ARN of a standard SNS topic, `arn:aws:sns:<region>:<account>:<name>`";
const POLICY: &str = "the ARN of a managed policy of this account, `arn:aws:iam::<account>:policy/<name>` (policies managed \
                      by AWS are refused, so that a slip cannot attach one like AdministratorAccess)";
const ROLE: &str = "the ARN of a role of this account, `arn:aws:iam::<account>:role/<name>`";
const NUMBER: &str = "a whole number, 0 or more";
const BOOL: &str = "`true` or `false`";

/// Every setting.
pub static SETTINGS: [Setting; 27] = [
    Setting {
        variable: "OWNER_TOPIC_ARN",
        default: "",
        expected: TOPIC,
        option: Some("owner-topic-arn"),
        value_name: "ARN",
        help: "SNS topic that owners subscribe to; with it the plan shows which owners no message reaches",
        read: |value, settings| topic(value).map(|arn| settings.owner_topic_arn = arn),
    },
    Setting {
        variable: "OPS_TOPIC_ARN",
        default: "",
        expected: TOPIC,
        option: Some("ops-topic-arn"),
        value_name: "ARN",
        help: "SNS topic of operations; its subscriptions show whether anybody gets the messages to them",
        read: |value, settings| topic(value).map(|arn| settings.ops_topic_arn = arn),
    },
    Setting {
        variable: "MFA_SCOPE",
        default: "console",
        expected: "`console`, `credentials` or `all`",
        option: Some("scope"),
        value_name: "SCOPE",
        help: "Which users must have MFA: console, credentials or all",
        read: |value, settings| {
            settings.scope = match value {
                "console" => Scope::Console,
                "credentials" => Scope::Credentials,
                "all" => Scope::All,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        variable: "OWNER_TAG",
        default: "email",
        expected: "the key of an IAM tag: 1 to 128 letters, digits, spaces or `_.:/=+-@`",
        option: Some("owner-tag"),
        value_name: "KEY",
        help: "IAM user tag that names the recipient of messages",
        read: |value, settings| is_tag_key(value).then(|| value.clone_into(&mut settings.owner_tag)),
    },
    Setting {
        variable: "REMIND_EVERY",
        default: "3d",
        expected: DURATION,
        option: Some("remind-every"),
        value_name: "DURATION",
        help: "Time between two notices to one owner",
        read: |value, settings| duration(value).map(|time| settings.remind_every = time),
    },
    Setting {
        variable: "GRACE_PERIOD",
        default: "14d",
        expected: DURATION,
        option: Some("grace-period"),
        value_name: "DURATION",
        help: "Time a user may stay without MFA: 12h, 3d",
        read: |value, settings| duration(value).map(|time| settings.grace_period = time),
    },
    Setting {
        variable: "OFFER_TTL",
        default: "30d",
        expected: DURATION,
        option: Some("offer-ttl"),
        value_name: "DURATION",
        help: "Age at which an unused seed is replaced",
        read: |value, settings| duration(value).map(|time| settings.offer_ttl = time),
    },
    Setting {
        variable: "AFTER_GRACE",
        default: "notify",
        expected: "`notify` or `quarantine`",
        option: Some("after-grace"),
        value_name: "WHAT",
        help: "What happens after the grace period: notify or quarantine",
        read: |value, settings| {
            settings.after_grace = match value {
                "notify" => AfterGrace::Notify,
                "quarantine" => AfterGrace::Quarantine,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        variable: "ENROLLMENT_POLICY_ARN",
        default: "",
        expected: POLICY,
        option: Some("enrollment-policy-arn"),
        value_name: "ARN",
        help: "Managed policy attached while an enrollment is open",
        read: |value, settings| policy(value).map(|arn| settings.enrollment_policy_arn = Some(arn)),
    },
    Setting {
        variable: "QUARANTINE_POLICY_ARN",
        default: "",
        expected: POLICY,
        option: Some("quarantine-policy-arn"),
        value_name: "ARN",
        help: "Managed policy attached after the grace period",
        read: |value, settings| policy(value).map(|arn| settings.quarantine_policy_arn = Some(arn)),
    },
    Setting {
        variable: "MAX_PROVISIONS",
        default: "100",
        expected: NUMBER,
        option: Some("max-provisions"),
        value_name: "NUMBER",
        help: "The most users to provision in one run",
        read: |value, settings| value.parse().ok().map(|most| settings.max_provisions = most),
    },
    Setting {
        variable: "MAX_QUARANTINES",
        default: "10",
        expected: NUMBER,
        option: Some("max-quarantines"),
        value_name: "NUMBER",
        help: "The most users to quarantine in one run",
        read: |value, settings| value.parse().ok().map(|most| settings.max_quarantines = most),
    },
    Setting {
        variable: "QUARANTINE_HOURS",
        default: "",
        expected: "days, hours and perhaps a time zone, such as `Mon-Thu 09:00-16:00 Europe/Berlin`",
        option: Some("quarantine-hours"),
        value_name: "HOURS",
        help: "When quarantines may begin: `Mon-Thu 09:00-16:00 Europe/Berlin` [default: at any time]",
        read: |value, settings| Hours::parse(value).map(|hours| settings.quarantine_hours = Some(hours)),
    },
    Setting {
        variable: "PILOT",
        default: "",
        expected: "an IAM path that begins and ends with a slash, such as `/team-a/`, or a tag of users, such as \
                   `team=payments`",
        option: Some("pilot"),
        value_name: "WHO",
        help: "The users to begin with: an IAM path (`/team-a/`) or a tag (`team=payments`) [default: all]",
        read: |value, settings| Pilot::parse(value).map(|pilot| settings.pilot = Some(pilot)),
    },
    Setting {
        variable: "FUNCTION_ROLE_ARN",
        default: "",
        expected: ROLE,
        option: Some("function-role-arn"),
        value_name: "ARN",
        help: "The function's role, the only one that may change the secrets [default: role/mfa-warden of the account]",
        read: |value, settings| role(value).map(|arn| settings.function_role_arn = Some(arn)),
    },
    Setting {
        variable: "DRY_RUN",
        default: "false",
        expected: BOOL,
        option: None,
        value_name: "BOOL",
        help: "Whether the function only plans and changes nothing",
        read: |value, settings| value.parse().ok().map(|is| settings.dry_run = is),
    },
    Setting {
        variable: "SECRET_KMS_KEY_ID",
        default: "",
        expected: "the id, ARN or alias of a KMS key",
        option: None,
        value_name: "KEY",
        help: "KMS key of the secrets",
        read: |value, settings| {
            let is_word = !value.contains(char::is_whitespace);
            is_word.then(|| settings.secret_kms_key_id = Some(value.to_owned()))
        },
    },
    Setting {
        variable: "SECRET_TAGS",
        default: "",
        expected: "tags for secrets as `Key=value`, with commas between them: at most 30, each key once, keys of 1 to \
                   128 and values of up to 256 letters, digits, spaces or `_.:/=+-@`, and no key that begins with `aws:` \
                   or `mfa-warden:`",
        option: None,
        value_name: "TAGS",
        help: "More tags for the secrets, such as CostCenter=123,Team=security",
        read: |value, settings| secret_tags(value).map(|tags| settings.secret_tags = tags),
    },
    Setting {
        variable: "SUBSCRIBE_OWNERS",
        default: "false",
        expected: BOOL,
        option: Some("subscribe-owners"),
        value_name: "BOOL",
        help: "Whether owners without a subscription are subscribed: true or false",
        read: |value, settings| value.parse().ok().map(|is| settings.subscribe_owners = is),
    },
    Setting {
        variable: "PREFLIGHT",
        default: "false",
        expected: BOOL,
        option: Some("preflight"),
        value_name: "BOOL",
        help: "Whether IAM's simulator is asked what keeps owners from enrolling: true or false",
        read: |value, settings| value.parse().ok().map(|is| settings.preflight = is),
    },
    Setting {
        variable: "CONTACT",
        default: "",
        expected: "one line of up to 60 characters",
        option: Some("contact"),
        value_name: "WHOM",
        help: "Whom people ask: a help desk, an address",
        read: |value, settings| contact(value).map(|contact| settings.contact = Some(contact)),
    },
    Setting {
        variable: "LANGUAGE",
        default: "en",
        expected: "`de` or `en`, the languages that there are messages in",
        option: Some("language"),
        value_name: "LANGUAGE",
        help: "Language of messages to owners: en or de",
        read: |value, settings| Language::read(value).map(|language| settings.language = language),
    },
    Setting {
        variable: "LANGUAGE_TAG",
        default: "language",
        expected: "the key of an IAM tag: 1 to 128 letters, digits, spaces or `_.:/=+-@`",
        option: None,
        value_name: "KEY",
        help: "IAM user tag that names another language for messages to its owner",
        read: |value, settings| is_tag_key(value).then(|| value.clone_into(&mut settings.language_tag)),
    },
    Setting {
        variable: "PREFER",
        default: "prepared",
        expected: "`prepared` or `console`",
        option: Some("prefer"),
        value_name: "WAY",
        help: "Way to enroll that messages show first: prepared or console",
        read: |value, settings| {
            settings.prefer = match value {
                "prepared" => Prefer::Prepared,
                "console" => Prefer::Console,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        variable: "RETIRE",
        default: "false",
        expected: BOOL,
        option: Some("retire"),
        value_name: "BOOL",
        help: "Whether every open enrollment is withdrawn and none is begun: true or false",
        read: |value, settings| value.parse().ok().map(|is| settings.retire = is),
    },
    Setting {
        variable: "OPS_CHAT",
        default: "false",
        expected: BOOL,
        option: None,
        value_name: "BOOL",
        help: "Whether HTTPS subscribers of the operations topic get the format that Amazon Q Developer shows in a chat",
        read: |value, settings| value.parse().ok().map(|is| settings.ops_chat = is),
    },
    Setting {
        variable: "SETTLE",
        default: "5m",
        expected: DURATION,
        option: Some("settle"),
        value_name: "DURATION",
        help: "How long AWS's listings may lag behind its writes",
        read: |value, settings| duration(value).map(|time| settings.settle = time),
    },
];

/// Without these two the function cannot tell anybody anything.
const REQUIRED: [&str; 2] = ["OWNER_TOPIC_ARN", "OPS_TOPIC_ARN"];

impl Settings {
    /// Reads the settings through `lookup`, which returns a variable's value. An empty value counts as
    /// unset, because a CloudFormation parameter cannot be left out.
    ///
    /// # Errors
    /// [`ConfigError`] names every variable that is missing or wrong, what it held and what it may hold.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::unset();
        let mut problems = Vec::new();
        for Setting { variable, default, expected, read, .. } in &SETTINGS {
            let mut problem = |words| problems.push(SettingProblem { variable, words });
            match lookup(variable).filter(|value| !value.is_empty()) {
                Some(value) => {
                    if read(&value, &mut settings).is_none() {
                        problem(format!("{variable} is `{value}`: it must be {expected}"));
                        let _ = read(default, &mut settings);
                    }
                }
                None if REQUIRED.contains(variable) => {
                    problem(format!("{variable} is missing: it must be {expected}"));
                }
                None if default.is_empty() => {}
                // A test reads every default, so this does not fail.
                None => drop(read(default, &mut settings)),
            }
        }
        problems.extend(settings.contradictions());
        if problems.is_empty() { Ok(settings) } else { Err(ConfigError(problems)) }
    }

    /// The settings before anything is read. The defaults are in the table.
    fn unset() -> Self {
        Settings {
            owner_topic_arn: String::new(),
            ops_topic_arn: String::new(),
            scope: Scope::Console,
            owner_tag: String::new(),
            remind_every: SignedDuration::ZERO,
            grace_period: SignedDuration::ZERO,
            offer_ttl: SignedDuration::ZERO,
            after_grace: AfterGrace::Notify,
            enrollment_policy_arn: None,
            quarantine_policy_arn: None,
            max_provisions: 0,
            max_quarantines: 0,
            pilot: None,
            quarantine_hours: None,
            function_role_arn: None,
            dry_run: false,
            secret_kms_key_id: None,
            secret_tags: Vec::new(),
            subscribe_owners: false,
            preflight: false,
            contact: None,
            language: Language::ENGLISH,
            language_tag: String::new(),
            prefer: Prefer::Prepared,
            retire: false,
            ops_chat: false,
            settle: SignedDuration::ZERO,
        }
    }
}

impl Settings {
    /// The shortest time between the first notice known to have reached the owner and a quarantine: time for one reminder.
    pub fn warning_time(&self) -> SignedDuration {
        self.remind_every.min(self.grace_period)
    }

    /// Settings that are valid alone but not together. Each problem names both.
    fn contradictions(&self) -> Vec<SettingProblem> {
        let mut problems = Vec::new();
        let mut problem = |variable, is: bool, words: String| {
            problems.extend(is.then_some(SettingProblem { variable, words }));
        };
        let quarantines = self.after_grace == AfterGrace::Quarantine;
        problem(
            "QUARANTINE_POLICY_ARN",
            quarantines && self.quarantine_policy_arn.is_none(),
            "QUARANTINE_POLICY_ARN is missing, and AFTER_GRACE=quarantine needs it: set it to the ARN of the managed \
             policy to attach, or set AFTER_GRACE to `notify`"
                .to_owned(),
        );
        problem(
            "FUNCTION_ROLE_ARN",
            quarantines && self.function_role_arn.is_none(),
            "FUNCTION_ROLE_ARN is missing, and AFTER_GRACE=quarantine needs it: without it others can change what the \
             function remembers of its warnings. Set it to the ARN of the function's role, or set AFTER_GRACE to `notify`"
                .to_owned(),
        );
        for (name, value) in [("REMIND_EVERY", self.remind_every), ("GRACE_PERIOD", self.grace_period)] {
            problem(
                "OFFER_TTL",
                quarantines && self.offer_ttl <= value,
                format!(
                    "OFFER_TTL is {:#} and {name} is {value:#}: with AFTER_GRACE=quarantine OFFER_TTL must be longer, \
                     or the function replaces each seed that it warned the owner of",
                    self.offer_ttl
                ),
            );
        }
        problem(
            "OWNER_TOPIC_ARN",
            !self.owner_topic_arn.is_empty() && self.owner_topic_arn == self.ops_topic_arn,
            "OWNER_TOPIC_ARN and OPS_TOPIC_ARN hold the same topic: they must differ, or owners get what is meant for \
             operations"
                .to_owned(),
        );
        for (name, key) in [("OWNER_TAG", self.owner_tag.as_str()), ("the tag of exemptions", "mfa-exempt")] {
            problem(
                "LANGUAGE_TAG",
                self.language_tag.eq_ignore_ascii_case(key),
                format!("LANGUAGE_TAG is `{key}`, which is {name} too: one tag cannot say both"),
            );
        }
        problem(
            "ENROLLMENT_POLICY_ARN",
            self.enrollment_policy_arn.is_some() && self.enrollment_policy_arn == self.quarantine_policy_arn,
            "ENROLLMENT_POLICY_ARN and QUARANTINE_POLICY_ARN hold the same policy: they must differ"
                .to_owned(),
        );
        let known = self.places();
        if let Some(((first, there), others)) = known.split_first() {
            for (name, place) in others {
                problem(
                    first,
                    !place.fits(there),
                    format!(
                        "{first} is in {there} and {name} is in {place}: they must be in one account and region"
                    ),
                );
            }
        }
        problems
    }

    /// Settings that name something in another account, partition or region than this account's.
    pub fn misplaced(&self, account: &Account) -> Vec<Misplaced> {
        let Account { partition, region, id } = account;
        let here = Place { partition, region, account: id };
        let elsewhere = self.places().into_iter().filter(|(_, place)| !place.fits(&here));
        let misplaced = |(variable, place): (&'static str, Place<'_>)| Misplaced {
            variable,
            place: place.to_string(),
            here: here.to_string(),
        };
        elsewhere.map(misplaced).collect()
    }

    /// The place of every ARN that is set and valid.
    fn places(&self) -> Vec<(&'static str, Place<'_>)> {
        let arns = [
            ("OWNER_TOPIC_ARN", Some(&self.owner_topic_arn)),
            ("OPS_TOPIC_ARN", Some(&self.ops_topic_arn)),
            ("ENROLLMENT_POLICY_ARN", self.enrollment_policy_arn.as_ref()),
            ("QUARANTINE_POLICY_ARN", self.quarantine_policy_arn.as_ref()),
            ("FUNCTION_ROLE_ARN", self.function_role_arn.as_ref()),
        ];
        arns.into_iter().filter_map(|(name, arn)| Some((name, Place::of(Arn::parse(arn?)?)))).collect()
    }
}

/// The place of a resource, from its ARN.
#[derive(Clone, Copy)]
struct Place<'a> {
    partition: &'a str,
    /// Empty: the service is global.
    region: &'a str,
    account: &'a str,
}

impl<'a> Place<'a> {
    fn of(Arn { partition, region, account, .. }: Arn<'a>) -> Self {
        Place { partition, region, account }
    }

    fn fits(&self, other: &Place) -> bool {
        let same_region = self.region.is_empty() || other.region.is_empty() || self.region == other.region;
        self.partition == other.partition && self.account == other.account && same_region
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = if self.region.is_empty() { "all regions" } else { self.region };
        write!(f, "account {} of partition {} ({region})", self.account, self.partition)
    }
}

fn duration(value: &str) -> Option<SignedDuration> {
    let span: Span = value.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    duration.is_positive().then_some(duration)
}

fn topic(value: &str) -> Option<String> {
    let Arn { region, resource, .. } = arn_of(value, "sns")?;
    (!region.is_empty() && is_name(resource, "_-")).then(|| value.to_owned())
}

fn role(value: &str) -> Option<String> {
    of_account(value, "role/")
}

fn policy(value: &str) -> Option<String> {
    of_account(value, "policy/")
}

/// The ARN of an IAM resource of this kind.
fn of_account(value: &str, kind: &str) -> Option<String> {
    let Arn { region, resource, .. } = arn_of(value, "iam")?;
    let name = resource.strip_prefix(kind)?;
    (region.is_empty() && is_name(name, "/+=,.@_-")).then(|| value.to_owned())
}

/// The ARN of something of the service in an account, not of AWS's own.
fn arn_of<'a>(value: &'a str, service: &str) -> Option<Arn<'a>> {
    let arn = Arn::parse(value).filter(|arn| arn.partition.starts_with("aws") && arn.service == service);
    arn.filter(|arn| is_account_id(arn.account))
}

/// The most characters of `CONTACT`.
const LONGEST_CONTACT: usize = 60;

/// Reads whom people ask. What would be a link or markup is made words, and not refused: the function must not stop because
/// of it.
fn contact(text: &str) -> Option<String> {
    let fits = text.chars().count() <= LONGEST_CONTACT && !text.contains(['\n', '\r']);
    let words: Vec<String> = shown(text).split_whitespace().map(unlinked).collect();
    Some(words.join(" ")).filter(|words| fits && !words.is_empty())
}

/// The word, which no mail program makes a link of: with blanks around the dots of a host. An address stays one.
fn unlinked(word: &str) -> String {
    let host = word.trim_matches(|c: char| !c.is_alphanumeric()).split(['/', '?']).next().unwrap_or_default();
    let last = host.rsplit_once('.').map_or("", |(_, last)| last);
    let is_host = last.chars().count() > 1 && last.chars().all(char::is_alphabetic);
    let is_address = word.contains('@') && !word.contains(':');
    if is_host && !is_address { word.replace('.', " . ") } else { word.to_owned() }
}

fn is_tag_key(text: &str) -> bool {
    (1..=128).contains(&text.chars().count()) && text.chars().all(is_tag_letter)
}

fn is_tag_letter(c: char) -> bool {
    c.is_alphanumeric() || " _.:/=+-@".contains(c)
}

/// The most tags that `SECRET_TAGS` may hold: a secret takes 50 (Secrets Manager's quotas), with the function's own.
const SECRET_TAGS: usize = 30;

/// Reads `Key=value,Other=value` in the letters that Secrets Manager takes (its API reference, `Tag`). A value may hold `=`.
fn secret_tags(text: &str) -> Option<Vec<(String, String)>> {
    let is_value =
        |value: &str| value.is_empty() || (value.chars().count() <= 256 && value.chars().all(is_tag_letter));
    let is_own = |key: &str| {
        let key = key.to_lowercase();
        key.starts_with("aws:") || key.starts_with("mfa-warden:")
    };
    let mut keys = std::collections::HashSet::new();
    let tag = |part: &str| {
        let (key, value) = part.trim().split_once('=')?;
        let fits = is_tag_key(key) && !is_own(key) && is_value(value) && keys.insert(key.to_owned());
        fits.then(|| (key.to_owned(), value.to_owned()))
    };
    let tags: Option<Vec<_>> = text.split(',').map(tag).collect();
    tags.filter(|tags| tags.len() <= SECRET_TAGS)
}

fn is_name(text: &str, besides: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPICS: [(&str, &str); 2] = [
        ("OWNER_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:owners"),
        ("OPS_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:ops"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::from_env(|name| {
            let all = more.iter().chain(&TOPICS);
            all.clone().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    fn account(region: &str, id: &str) -> Account {
        Account { partition: "aws".to_owned(), region: region.to_owned(), id: id.to_owned() }
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let settings = read(&[]).unwrap();
        assert_eq!(
            settings,
            Settings {
                owner_topic_arn: TOPICS[0].1.to_owned(),
                ops_topic_arn: TOPICS[1].1.to_owned(),
                scope: Scope::Console,
                owner_tag: "email".to_owned(),
                remind_every: SignedDuration::from_hours(72),
                grace_period: SignedDuration::from_hours(14 * 24),
                offer_ttl: SignedDuration::from_hours(30 * 24),
                after_grace: AfterGrace::Notify,
                enrollment_policy_arn: None,
                quarantine_policy_arn: None,
                max_provisions: 100,
                max_quarantines: 10,
                pilot: None,
                quarantine_hours: None,
                function_role_arn: None,
                dry_run: false,
                secret_kms_key_id: None,
                secret_tags: Vec::new(),
                subscribe_owners: false,
                preflight: false,
                contact: None,
                language: Language::ENGLISH,
                language_tag: "language".to_owned(),
                prefer: Prefer::Prepared,
                retire: false,
                ops_chat: false,
                settle: SignedDuration::from_mins(5),
            }
        );
    }

    #[test]
    fn every_default_in_the_table_is_one_that_its_setting_may_hold() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            let explicit = read(&[(setting.variable, setting.default)]);
            assert_eq!(explicit, read(&[]), "{}", setting.variable);
        }
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        assert_eq!(read(&[("MFA_SCOPE", ""), ("GRACE_PERIOD", ""), ("DRY_RUN", "")]), read(&[]));
        assert!(read(&[("OPS_TOPIC_ARN", "")]).unwrap_err().contains("OPS_TOPIC_ARN is missing"));
    }

    #[test]
    fn durations_are_read_in_seconds_hours_and_days_of_24_hours() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("12h", 43_200), ("3d", 259_200)] {
            assert_eq!(read(&[("SETTLE", text)]).unwrap().settle.as_secs(), seconds, "{text}");
        }
        for text in ["3", "-3d", "0s", "3 months", "soon", "3d ago"] {
            assert!(
                read(&[("SETTLE", text)]).unwrap_err().contains(&format!("SETTLE is `{text}`")),
                "{text}"
            );
        }
    }

    #[test]
    fn every_problem_is_named_in_one_message_with_what_was_held_and_what_may_be() {
        let message = read(&[
            ("OWNER_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:owners.fifo"),
            ("OPS_TOPIC_ARN", ""),
            ("MFA_SCOPE", "everyone"),
            ("OWNER_TAG", "e;mail"),
            ("REMIND_EVERY", "often"),
            ("AFTER_GRACE", "quarantine"),
            ("ENROLLMENT_POLICY_ARN", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ("MAX_PROVISIONS", "-1"),
            ("DRY_RUN", "yes"),
            ("SECRET_KMS_KEY_ID", "my key"),
            ("SECRET_TAGS", "CostCenter"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(message);
    }

    #[test]
    fn each_problem_names_its_variable() {
        let wrong = |name: &str| Some(if name == "OWNER_TAG" { "e;mail" } else { "x" }.to_owned());
        let problems = Settings::from_env(wrong).unwrap_err();
        assert!(problems.problems().iter().any(|problem| problem.variable == "OWNER_TAG"));
        assert!(problems.problems().iter().all(|problem| problem.words.contains(problem.variable)));
    }

    #[test]
    fn each_scope_is_read_by_its_name() {
        for (name, scope) in
            [("console", Scope::Console), ("credentials", Scope::Credentials), ("all", Scope::All)]
        {
            assert_eq!(read(&[("MFA_SCOPE", name)]).unwrap().scope, scope);
        }
    }

    #[test]
    fn an_account_has_twelve_digits_and_places_are_told_in_full() {
        for account in ["12345678901", "1234567890123", "12345678901a"] {
            let arn = format!("arn:aws:sns:us-east-1:{account}:owners");
            assert!(read(&[("OWNER_TOPIC_ARN", &arn)]).is_err(), "{account}");
        }
        let elsewhere = read(&[]).unwrap().misplaced(&account("us-east-1", "123456789012"));
        let Misplaced { place, here, .. } = &elsewhere[0];
        assert_eq!(place, "account 123456789012 of partition aws (eu-west-1)");
        assert_eq!(here, "account 123456789012 of partition aws (us-east-1)");
        let role = read(&[("FUNCTION_ROLE_ARN", "arn:aws:iam::210987654321:role/mfa-warden")]).unwrap_err();
        assert!(role.contains("account 210987654321 of partition aws (all regions)"), "{role}");
    }

    #[test]
    fn an_arn_names_the_service_a_partition_of_aws_and_a_region_only_where_there_is_one() {
        for wrong in [
            "arn:aws:iam:us-east-1:123456789012:policy/x",
            "arn:gcp:iam::123456789012:policy/x",
            "arn:aws:s3::123456789012:policy/x",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:policy/a b",
        ] {
            assert!(read(&[("ENROLLMENT_POLICY_ARN", wrong)]).is_err(), "{wrong}");
        }
        for wrong in ["arn:aws:sns::123456789012:owners", "arn:aws:sns:eu-west-1:123456789012:own ers"] {
            assert!(read(&[("OWNER_TOPIC_ARN", wrong)]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_for_secrets_are_pairs_in_the_letters_that_secrets_manager_takes() {
        let tags = |text: &str| read(&[("SECRET_TAGS", text)]).map(|settings| settings.secret_tags);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags(""), Ok(vec![]));
        assert_eq!(
            tags("CostCenter=123, Team=it = security,Empty="),
            Ok(vec![pair("CostCenter", "123"), pair("Team", "it = security"), pair("Empty", "")])
        );
        assert_eq!(tags(&format!("k={}", "v".repeat(256))), Ok(vec![pair("k", &"v".repeat(256))]));
        let each = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(tags(&each(30)).map(|tags| tags.len()), Ok(30));
        for wrong in [
            "CostCenter",
            "=x",
            "a=1,a=2",
            "a=1,",
            "aws:x=1",
            "AWS:x=1",
            "mfa-warden:user-id=AIDAEXAMPLE",
            "a=b;c",
            &each(31),
            &format!("{}=v", "k".repeat(129)),
            &format!("k={}", "v".repeat(257)),
        ] {
            assert!(tags(wrong).is_err_and(|error| error.contains("SECRET_TAGS is")), "{wrong}");
        }
    }

    #[test]
    fn policies_managed_by_aws_are_refused() {
        for name in ["ENROLLMENT_POLICY_ARN", "QUARANTINE_POLICY_ARN"] {
            let message = read(&[(name, "arn:aws:iam::aws:policy/AdministratorAccess")]).unwrap_err();
            assert!(message.contains(name), "{message}");
            let arn = "arn:aws:iam::123456789012:policy/team/mfa-warden-x";
            assert!(read(&[(name, arn)]).is_ok());
        }
    }

    #[test]
    fn quarantine_without_its_policy_is_refused_and_with_it_accepted() {
        let arn = "arn:aws:iam::123456789012:policy/q";
        let role = ("FUNCTION_ROLE_ARN", "arn:aws:iam::123456789012:role/team/mfa-warden");
        assert!(read(&[("AFTER_GRACE", "quarantine"), role]).is_err());
        let roleless = read(&[("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", arn)]).unwrap_err();
        assert!(roleless.contains("FUNCTION_ROLE_ARN is missing, and AFTER_GRACE=quarantine"), "{roleless}");
        let settings = read(&[("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", arn), role]).unwrap();
        assert_eq!(settings.after_grace, AfterGrace::Quarantine);
        assert_eq!(settings.quarantine_policy_arn.as_deref(), Some(arn));
    }

    const QUARANTINE: [(&str, &str); 3] = [
        ("AFTER_GRACE", "quarantine"),
        ("QUARANTINE_POLICY_ARN", "arn:aws:iam::123456789012:policy/q"),
        ("FUNCTION_ROLE_ARN", "arn:aws:iam::123456789012:role/mfa-warden"),
    ];

    #[test]
    fn settings_that_contradict_each_other_are_refused_and_both_are_named() {
        for (more, named) in [
            (&[("OFFER_TTL", "3d")][..], ["OFFER_TTL", "REMIND_EVERY"]),
            (&[("OFFER_TTL", "14d")], ["OFFER_TTL", "GRACE_PERIOD"]),
            (&[("OFFER_TTL", "336h")], ["OFFER_TTL", "GRACE_PERIOD"]),
            (&[("OPS_TOPIC_ARN", TOPICS[0].1)], ["OWNER_TOPIC_ARN", "OPS_TOPIC_ARN"]),
            (
                &[("OPS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:ops")],
                ["OWNER_TOPIC_ARN", "OPS_TOPIC_ARN"],
            ),
            (
                &[("ENROLLMENT_POLICY_ARN", "arn:aws:iam::210987654321:policy/e")],
                ["OWNER_TOPIC_ARN", "ENROLLMENT_POLICY_ARN"],
            ),
            (
                &[("ENROLLMENT_POLICY_ARN", "arn:aws-cn:iam::123456789012:policy/e")],
                ["OWNER_TOPIC_ARN", "ENROLLMENT_POLICY_ARN"],
            ),
            (
                &[("FUNCTION_ROLE_ARN", "arn:aws:iam::210987654321:role/mfa-warden")],
                ["OWNER_TOPIC_ARN", "FUNCTION_ROLE_ARN"],
            ),
        ] {
            let message = read(&[more, &QUARANTINE].concat()).unwrap_err();
            assert!(named.iter().all(|name| message.contains(name)), "{more:?}: {message}");
        }
        assert!(read(&QUARANTINE).is_ok());
        assert!(read(&[("OFFER_TTL", "3d")]).is_ok(), "without a quarantine nothing hangs on it");
    }

    #[test]
    fn what_lies_elsewhere_than_the_function_is_named() {
        let settings = read(&QUARANTINE).unwrap();
        assert_eq!(settings.misplaced(&account("eu-west-1", "123456789012")), []);
        assert_eq!(settings.misplaced(&account("us-east-1", "123456789012")).len(), 2, "the topics");
        assert_eq!(settings.misplaced(&account("eu-west-1", "210987654321")).len(), 4);
    }

    #[test]
    fn a_pilot_is_a_path_or_a_tag() {
        let pilot = |text| read(&[("PILOT", text)]).map(|settings| settings.pilot.unwrap());
        let user = |path: &str| User {
            name: "alice".to_owned(),
            id: "AIDA".to_owned(),
            arn: format!("arn:aws:iam::123456789012:user{path}alice"),
            created_at: Timestamp::UNIX_EPOCH,
        };
        let none = BTreeMap::new();
        let path = pilot("/team-a/").unwrap();
        assert!(path.admits(&user("/team-a/"), &none) && path.admits(&user("/team-a/sub/"), &none));
        assert!(!path.admits(&user("/"), &none) && !path.admits(&user("/team-ab/"), &none));
        assert!(pilot("/").unwrap().admits(&user("/x/"), &none));
        let tag = pilot("team=pay=ments").unwrap();
        assert!(tag.admits(&user("/"), &[("Team".to_owned(), "pay=ments".to_owned())].into()));
        assert!(!tag.admits(&user("/"), &[("team".to_owned(), "Pay=ments".to_owned())].into()));
        for text in ["team-a", "/team-a", "team=", "=payments", "/te am/"] {
            assert!(pilot(text).unwrap_err().contains("PILOT is"), "{text}");
        }
    }

    #[test]
    fn quarantines_begin_within_their_hours_in_their_time_zone() {
        let hours =
            |text| read(&[("QUARANTINE_HOURS", text)]).map(|settings| settings.quarantine_hours.unwrap());
        let allowed = |text, now: &str| hours(text).unwrap().allow(now.parse().unwrap());
        let office = "Mon-Thu 09:00-16:00 Europe/Berlin";
        // A Monday in summer, when Berlin is two hours ahead, and one in winter.
        assert!(allowed(office, "2026-06-15T07:00:00Z") && !allowed(office, "2026-06-15T06:59:59Z"));
        assert!(!allowed(office, "2026-06-15T14:00:00Z"));
        assert!(allowed(office, "2026-12-14T08:00:00Z") && !allowed(office, "2026-12-14T07:59:59Z"));
        assert!(!allowed(office, "2026-06-19T10:00:00Z"), "a Friday");
        // From a Monday on.
        let days = |text| -> Vec<u32> {
            let at = |day: &u32| format!("2026-06-{}T23:59:59.5Z", 15 + day);
            (0..7).filter(|day| allowed(text, &at(day))).collect()
        };
        assert_eq!(days("Sat-Mon,wed 0:00-24:00"), [0, 2, 5, 6]);
        assert_eq!(days("Mon-Sun 0:00-24:00"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(days("Tue-Thu 0:00-24:00"), [1, 2, 3]);
        assert_eq!(days("Fri 0:00-24:00"), [4]);
        for text in [
            "Mon-Thu",
            "09:00-16:00",
            "Mon-Thu 16:00-09:00",
            "Mon-Thu 09:00-25:00",
            "Mon-Thu 9-16",
            "Mon-Thu 09:00-09:00",
            "Mon-Thu +9:00-16:00",
            "Mon-Thu 009:00-16:00",
            "Mo-Do 09:00-16:00",
            "Mon-Thu 09:00-16:00 Atlantis/Center",
            "Mon-Thu 09:00-16:00 UTC please",
        ] {
            assert!(hours(text).unwrap_err().contains("QUARANTINE_HOURS is"), "{text}");
        }
    }

    #[test]
    fn whom_people_ask_is_one_line_that_holds_nothing_but_words() {
        let contact = |value: &str| read(&[("CONTACT", value)]).map(|settings| settings.contact.unwrap());
        for value in
            ["the help desk, extension 42", "security@example.com", "Dr. Müller (Raum 5), Tel. 030.1234"]
        {
            assert_eq!(contact(value).as_deref(), Ok(value));
        }
        for (value, words) in [
            (" help ", "help"),
            ("https://help.example", "https:/ help . example"),
            ("see wiki.corp.example/mfa", "see wiki . corp . example/mfa"),
            ("www.corp.example", "www . corp . example"),
            ("mailto:x@corp.example", "mailto:x@corp . example"),
            ("@here", "(at)here"),
            ("<b>help</b>", "?b?help?/b?"),
            ("[help](x)", "(help)(x)"),
            ("\u{202e}help", "?help"),
            ("Help\tdesk", "Help desk"),
            ("IT <help@corp.example>", "IT ?help@corp.example?"),
        ] {
            assert_eq!(contact(value).as_deref(), Ok(words), "{value:?}");
        }
        for value in ["   ", "a\nb", &"a".repeat(61)] {
            assert!(contact(value).unwrap_err().contains("CONTACT is `"), "{value}");
        }
    }

    #[test]
    fn a_language_without_messages_and_an_unknown_way_are_refused() {
        assert_eq!(read(&[("LANGUAGE", "de")]).unwrap().language.code(), "de");
        assert!(read(&[("LANGUAGE", "xx")]).unwrap_err().contains("LANGUAGE is `xx`"));
        assert_eq!(read(&[("PREFER", "console")]).unwrap().prefer, Prefer::Console);
        assert!(read(&[("PREFER", "sms")]).unwrap_err().contains("`prepared` or `console`"));
        assert!(read(&[("LANGUAGE_TAG", "a\nb")]).is_err());
        assert!(read(&[("LANGUAGE_TAG", "Email")]).unwrap_err().contains("which is OWNER_TAG too"));
        assert!(read(&[("LANGUAGE_TAG", "mfa-exempt")]).is_err());
    }
}
