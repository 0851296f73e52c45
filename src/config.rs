//! Settings: read once at start from the environment, checked whole, never changed.

use jiff::{SignedDuration, Span, SpanRelativeTo};
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
    /// `ENROLLMENT_POLICY_ARN`: managed policy attached while an enrolment is open; `None`: never.
    pub enrollment_policy_arn: Option<String>,
    /// `QUARANTINE_POLICY_ARN`: managed policy attached after the grace period; `None`: never.
    pub quarantine_policy_arn: Option<String>,
    /// `MAX_PROVISIONS`: users provisioned in one run at most.
    pub max_provisions: u32,
    /// `DRY_RUN`: plan and change nothing.
    pub dry_run: bool,
    /// `SECRET_KMS_KEY_ID`: KMS key of the secrets; `None`: the account's `aws/secretsmanager` key.
    pub secret_kms_key_id: Option<String>,
    /// `SUBSCRIBE_OWNERS`: subscribe owners whose recipient is an e-mail address without a subscription.
    pub subscribe_owners: bool,
    /// `PREFLIGHT`: ask IAM before each notice that shows how to enrol whether a policy keeps the owner from enrolling.
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
                |value| {
                    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
                    (value.chars().count() <= 128 && value.chars().all(allowed)).then(|| value.to_owned())
                },
            ),
            remind_every: env.duration("REMIND_EVERY", 3 * DAY),
            grace_period: env.duration("GRACE_PERIOD", 14 * DAY),
            offer_ttl: env.duration("OFFER_TTL", 30 * DAY),
            after_grace,
            enrollment_policy_arn: env.policy("ENROLLMENT_POLICY_ARN"),
            quarantine_policy_arn: env.policy("QUARANTINE_POLICY_ARN"),
            max_provisions: env
                .read("MAX_PROVISIONS", 100, "a whole number, 0 or more", |value| value.parse().ok()),
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
        if after_grace == AfterGrace::Quarantine && !env.is_set("QUARANTINE_POLICY_ARN") {
            env.problems.push(
                "QUARANTINE_POLICY_ARN is missing, and AFTER_GRACE=quarantine needs it: set it to the ARN of \
                 the managed policy to attach, or set AFTER_GRACE to `notify`"
                    .to_owned(),
            );
        }
        if settings.enrollment_policy_arn.is_some()
            && settings.enrollment_policy_arn == settings.quarantine_policy_arn
        {
            env.problems.push(
                "ENROLLMENT_POLICY_ARN and QUARANTINE_POLICY_ARN hold the same policy: they must differ"
                    .to_owned(),
            );
        }
        if env.problems.is_empty() { Ok(settings) } else { Err(ConfigError(env.problems)) }
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
            let arn = "arn:aws-us-gov:iam::123456789012:policy/team/mfa-warden-x";
            assert!(read(&[(name, arn)]).is_ok());
        }
    }

    #[test]
    fn quarantine_without_its_policy_is_refused_and_with_it_accepted() {
        let arn = "arn:aws:iam::123456789012:policy/q";
        assert!(read(&[("AFTER_GRACE", "quarantine")]).is_err());
        let settings = read(&[("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", arn)]).unwrap();
        assert_eq!(settings.after_grace, AfterGrace::Quarantine);
        assert_eq!(settings.quarantine_policy_arn.as_deref(), Some(arn));
    }
}
