//! Settings: read once at start from the environment, checked whole, never changed.

use crate::model::recipient::tag_value;
use crate::model::user::User;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// Whom MFA is demanded of (`MFA_SCOPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Users with a console password: CIS AWS Foundations 1.10, Security Hub IAM.5.
    Console,
    /// Users with a console password or an active access key.
    Credentials,
    /// Every user: Security Hub IAM.19.
    All,
}

/// What follows when the grace period has passed (`AFTER_GRACE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterGrace {
    /// Go on reminding the owner and telling operations.
    Notify,
    /// Attach the quarantine policy until the user has MFA.
    Quarantine,
}

/// The users to begin with (`PILOT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pilot {
    /// Users whose IAM path begins so: `/team-a/`.
    Path(String),
    /// Users with this tag: `team=payments`. Keys have no case, as IAM's; values have.
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

    /// Whether the user is among them.
    pub fn admits(&self, user: &User, tags: &BTreeMap<String, String>) -> bool {
        match self {
            Pilot::Path(path) => user.path().starts_with(path.as_str()),
            Pilot::Tag(key, value) => tag_value(tags, key) == Some(value),
        }
    }
}

/// When quarantines may begin (`QUARANTINE_HOURS`): people should be at work who can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    days: [bool; 7],
    from: Time,
    /// The first moment that is too late.
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
        // The last moment of a day, as people write it.
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
        let (mut at, last) = (day(first)?, day(last)?);
        loop {
            days[at] = true;
            if at == last {
                break;
            }
            at = (at + 1) % 7;
        }
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
    /// `MFA_SCOPE`: whom MFA is demanded of.
    pub scope: Scope,
    /// `OWNER_TAG`: key of the IAM user tag that names who is told.
    pub owner_tag: String,
    /// `REMIND_EVERY`: time between two notices to one owner.
    pub remind_every: SignedDuration,
    /// `GRACE_PERIOD`: time a user may stay without MFA.
    pub grace_period: SignedDuration,
    /// `OFFER_TTL`: age at which an unused seed is replaced.
    pub offer_ttl: SignedDuration,
    /// `AFTER_GRACE`: what follows the grace period.
    pub after_grace: AfterGrace,
    /// `ENROLLMENT_POLICY_ARN`: managed policy attached while an enrollment is open; `None`: never.
    pub enrollment_policy_arn: Option<String>,
    /// `QUARANTINE_POLICY_ARN`: managed policy attached after the grace period; `None`: never.
    pub quarantine_policy_arn: Option<String>,
    /// `MAX_PROVISIONS`: users provisioned in one run at most.
    pub max_provisions: u32,
    /// `MAX_QUARANTINES`: users quarantined in one run at most.
    pub max_quarantines: u32,
    /// `PILOT`: the users to begin with; `None`: all.
    pub pilot: Option<Pilot>,
    /// `QUARANTINE_HOURS`: when quarantines may begin; `None`: at any time.
    pub quarantine_hours: Option<Hours>,
    /// `FUNCTION_ROLE_ARN`: the role that alone may change the secrets; `None`: nobody knows it.
    pub function_role_arn: Option<String>,
    /// `DRY_RUN`: plan and change nothing.
    pub dry_run: bool,
    /// `SECRET_KMS_KEY_ID`: KMS key of the secrets; `None`: the account's `aws/secretsmanager` key.
    pub secret_kms_key_id: Option<String>,
    /// `SUBSCRIBE_OWNERS`: subscribe owners whose recipient is an e-mail address without a subscription.
    pub subscribe_owners: bool,
    /// `PREFLIGHT`: ask IAM before each notice that shows how to enroll whether a policy keeps the owner from enrolling.
    pub preflight: bool,
    /// `OPS_CHAT`: HTTPS subscribers of the operations topic get what Amazon Q Developer shows in a chat.
    pub ops_chat: bool,
    /// `SETTLE`: how long AWS's listings may lag behind its writes.
    pub settle: SignedDuration,
}

/// Every problem found in the environment, one a line.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// The problems; each begins with the name of its variable.
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mfa-warden cannot start, its environment needs correcting:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl std::error::Error for ConfigError {}

impl Settings {
    /// Reads the settings through `lookup`, which answers with a variable's value. An empty value counts as
    /// unset, because a CloudFormation parameter cannot be left out.
    ///
    /// # Errors
    /// [`ConfigError`] names every variable that is missing or wrong, what it held and what it may hold.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut env = Env { lookup, problems: Vec::new() };
        let after_grace =
            env.read("AFTER_GRACE", AfterGrace::Notify, "`notify` or `quarantine`", |value| match value {
                "notify" => Some(AfterGrace::Notify),
                "quarantine" => Some(AfterGrace::Quarantine),
                _ => None,
            });
        let settings = Settings {
            owner_topic_arn: env.topic("OWNER_TOPIC_ARN"),
            ops_topic_arn: env.topic("OPS_TOPIC_ARN"),
            scope: env.read("MFA_SCOPE", Scope::Console, "`console`, `credentials` or `all`", |value| {
                match value {
                    "console" => Some(Scope::Console),
                    "credentials" => Some(Scope::Credentials),
                    "all" => Some(Scope::All),
                    _ => None,
                }
            }),
            owner_tag: env.read(
                "OWNER_TAG",
                "email".to_owned(),
                "the key of an IAM tag: 1 to 128 letters, digits, spaces or `_.:/=+-@`",
                |value| is_tag_key(value).then(|| value.to_owned()),
            ),
            remind_every: env.duration("REMIND_EVERY", 3 * DAY),
            grace_period: env.duration("GRACE_PERIOD", 14 * DAY),
            offer_ttl: env.duration("OFFER_TTL", 30 * DAY),
            after_grace,
            enrollment_policy_arn: env.policy("ENROLLMENT_POLICY_ARN"),
            quarantine_policy_arn: env.policy("QUARANTINE_POLICY_ARN"),
            max_provisions: env
                .read("MAX_PROVISIONS", 100, "a whole number, 0 or more", |value| value.parse().ok()),
            max_quarantines: env
                .read("MAX_QUARANTINES", 10, "a whole number, 0 or more", |value| value.parse().ok()),
            pilot: env.read(
                "PILOT",
                None,
                "an IAM path that begins and ends with a slash, such as `/team-a/`, or a tag of users, such as \
                 `team=payments`",
                |value| Pilot::parse(value).map(Some),
            ),
            quarantine_hours: env.read(
                "QUARANTINE_HOURS",
                None,
                "days, hours and perhaps a time zone, such as `Mon-Thu 09:00-16:00 Europe/Berlin`",
                |value| Hours::parse(value).map(Some),
            ),
            function_role_arn: env.role("FUNCTION_ROLE_ARN"),
            dry_run: env.read("DRY_RUN", false, "`true` or `false`", |value| value.parse().ok()),
            secret_kms_key_id: env.read(
                "SECRET_KMS_KEY_ID",
                None,
                "the id, ARN or alias of a KMS key",
                |value| (!value.contains(char::is_whitespace)).then(|| Some(value.to_owned())),
            ),
            subscribe_owners: env
                .read("SUBSCRIBE_OWNERS", false, "`true` or `false`", |value| value.parse().ok()),
            preflight: env.read("PREFLIGHT", false, "`true` or `false`", |value| value.parse().ok()),
            ops_chat: env.read("OPS_CHAT", false, "`true` or `false`", |value| value.parse().ok()),
            settle: env.duration("SETTLE", SignedDuration::from_mins(5)),
        };
        env.problems.extend(settings.contradictions());
        if env.problems.is_empty() { Ok(settings) } else { Err(ConfigError(env.problems)) }
    }
}

impl Settings {
    /// Between the first notice that an owner is known to have heard and a quarantine: time for one reminder.
    pub fn warning_time(&self) -> SignedDuration {
        self.remind_every.min(self.grace_period)
    }

    /// Settings that are right alone and wrong together, both named in each.
    fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem = |is: bool, words: String| problems.extend(is.then_some(words));
        let quarantines = self.after_grace == AfterGrace::Quarantine;
        problem(
            quarantines && self.quarantine_policy_arn.is_none(),
            "QUARANTINE_POLICY_ARN is missing, and AFTER_GRACE=quarantine needs it: set it to the ARN of the managed \
             policy to attach, or set AFTER_GRACE to `notify`"
                .to_owned(),
        );
        problem(
            quarantines && self.function_role_arn.is_none(),
            "FUNCTION_ROLE_ARN is missing, and AFTER_GRACE=quarantine needs it: without it others can change what the \
             function remembers of its warnings. Set it to the ARN of the function's role, or set AFTER_GRACE to `notify`"
                .to_owned(),
        );
        for (name, value) in [("REMIND_EVERY", self.remind_every), ("GRACE_PERIOD", self.grace_period)] {
            problem(
                quarantines && self.offer_ttl <= value,
                format!(
                    "OFFER_TTL is {:#} and {name} is {value:#}: with AFTER_GRACE=quarantine OFFER_TTL must be longer, \
                     or a new seed takes the place of each that the owner was warned of",
                    self.offer_ttl
                ),
            );
        }
        problem(
            !self.owner_topic_arn.is_empty() && self.owner_topic_arn == self.ops_topic_arn,
            "OWNER_TOPIC_ARN and OPS_TOPIC_ARN hold the same topic: they must differ, or owners get what is meant for \
             operations"
                .to_owned(),
        );
        problem(
            self.enrollment_policy_arn.is_some() && self.enrollment_policy_arn == self.quarantine_policy_arn,
            "ENROLLMENT_POLICY_ARN and QUARANTINE_POLICY_ARN hold the same policy: they must differ"
                .to_owned(),
        );
        let known = self.places();
        if let Some(((first, there), others)) = known.split_first() {
            for (name, place) in others {
                problem(
                    !place.fits(there),
                    format!(
                        "{first} is in {there} and {name} is in {place}: they must be in one account and region"
                    ),
                );
            }
        }
        problems
    }

    /// What is set and lies in another account or region than the function does, each in one sentence.
    pub fn misplaced(&self, partition: &str, region: &str, account: &str) -> Vec<String> {
        let here = Place { partition, region, account };
        let elsewhere = self.places().into_iter().filter(|(_, place)| !place.fits(&here));
        elsewhere
            .map(|(name, place)| format!("{name} is in {place}, and the function runs in {here}"))
            .collect()
    }

    /// Where each ARN lies that is set and is one.
    fn places(&self) -> Vec<(&'static str, Place<'_>)> {
        let arns = [
            ("OWNER_TOPIC_ARN", Some(&self.owner_topic_arn)),
            ("OPS_TOPIC_ARN", Some(&self.ops_topic_arn)),
            ("ENROLLMENT_POLICY_ARN", self.enrollment_policy_arn.as_ref()),
            ("QUARANTINE_POLICY_ARN", self.quarantine_policy_arn.as_ref()),
            ("FUNCTION_ROLE_ARN", self.function_role_arn.as_ref()),
        ];
        arns.into_iter().filter_map(|(name, arn)| Some((name, Place::of(arn?)?))).collect()
    }
}

/// Where something is, by its ARN.
#[derive(Clone, Copy)]
struct Place<'a> {
    partition: &'a str,
    /// Empty: the service is global.
    region: &'a str,
    account: &'a str,
}

impl<'a> Place<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, _, region, account, _] => Some(Place { partition, region, account }),
            _ => None,
        }
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

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The environment while it is read, with the problems found so far.
struct Env<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Env<F> {
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The parsed value, or `default` where the variable is unset or wrong (then a problem is noted).
    fn read<T>(&mut self, name: &str, default: T, expected: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(value) = self.get(name) else {
            return default;
        };
        parse(&value).unwrap_or_else(|| {
            self.problems.push(format!("{name} is `{value}`: it must be {expected}"));
            default
        })
    }

    fn duration(&mut self, name: &str, default: SignedDuration) -> SignedDuration {
        self.read(name, default, "a duration above zero such as `90s`, `12h` or `3d`", |value| {
            let span: Span = value.parse().ok()?;
            let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            duration.is_positive().then_some(duration)
        })
    }

    fn topic(&mut self, name: &str) -> String {
        let expected = "the ARN of a standard SNS topic, `arn:aws:sns:<region>:<account>:<name>`";
        if !self.is_set(name) {
            self.problems.push(format!("{name} is missing: it must be {expected}"));
        }
        self.read(name, String::new(), expected, |value| {
            is_arn(value, "sns", |region, account, topic| {
                !region.is_empty() && is_account(account) && is_name(topic, "_-")
            })
            .then(|| value.to_owned())
        })
    }

    fn role(&mut self, name: &str) -> Option<String> {
        self.read(
            name,
            None,
            "the ARN of a role of this account, `arn:aws:iam::<account>:role/<name>`",
            |value| {
                is_arn(value, "iam", |region, account, resource| {
                    let role = resource.strip_prefix("role/");
                    region.is_empty()
                        && is_account(account)
                        && role.is_some_and(|name| is_name(name, "/+=,.@_-"))
                })
                .then(|| Some(value.to_owned()))
            },
        )
    }

    fn policy(&mut self, name: &str) -> Option<String> {
        self.read(
            name,
            None,
            "the ARN of a managed policy of this account, `arn:aws:iam::<account>:policy/<name>` (policies \
             managed by AWS are refused, so that a slip cannot attach one like AdministratorAccess)",
            |value| {
                is_arn(value, "iam", |region, account, resource| {
                    region.is_empty()
                        && is_account(account)
                        && resource.strip_prefix("policy/").is_some_and(|name| is_name(name, "/+=,.@_-"))
                })
                .then(|| Some(value.to_owned()))
            },
        )
    }
}

/// Whether `value` is `arn:<partition>:<service>:<region>:<account>:<resource>` and the rest passes `rest`.
fn is_arn(value: &str, service: &str, rest: impl Fn(&str, &str, &str) -> bool) -> bool {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, of, region, account, resource]
        if partition.starts_with("aws") && of == service && rest(region, account, resource))
}

fn is_tag_key(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    (1..=128).contains(&text.chars().count()) && text.chars().all(allowed)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
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
                subscribe_owners: false,
                preflight: false,
                ops_chat: false,
                settle: SignedDuration::from_mins(5),
            }
        );
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
        ])
        .unwrap_err();
        insta::assert_snapshot!(message);
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
        assert_eq!(settings.misplaced("aws", "eu-west-1", "123456789012"), Vec::<String>::new());
        assert_eq!(settings.misplaced("aws", "us-east-1", "123456789012").len(), 2, "the topics");
        assert_eq!(settings.misplaced("aws", "eu-west-1", "210987654321").len(), 4);
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
        assert!(allowed("Sat-Mon,wed 0:00-24:00", "2026-06-15T23:59:59.5Z"));
        assert!(!allowed("Sat-Mon,wed 0:00-24:00", "2026-06-16T12:00:00Z"));
        for text in [
            "Mon-Thu",
            "09:00-16:00",
            "Mon-Thu 16:00-09:00",
            "Mon-Thu 09:00-25:00",
            "Mon-Thu 9-16",
            "Mo-Do 09:00-16:00",
            "Mon-Thu 09:00-16:00 Atlantis/Center",
            "Mon-Thu 09:00-16:00 UTC please",
        ] {
            assert!(hours(text).unwrap_err().contains("QUARANTINE_HOURS is"), "{text}");
        }
    }
}
