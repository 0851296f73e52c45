//! Facts to test with: a user without MFA, and what one changes of it.

use jiff::{SignedDuration, Timestamp};
use mfa_warden::Settings;
use mfa_warden::model::account::Account;
use mfa_warden::model::action::{Action, steps};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::{Secret, description, version_suffix};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::failure::Failure;
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::text::rfc3339;
use mfa_warden::model::user::{AssignedDevice, Attached, User};
use mfa_warden::model::verdict::{Reason, Status, Verdict};
use mfa_warden::rules::judge::judge;
use mfa_warden::rules::owner_policy::{document, fingerprint};

pub const USER_ID: &str = "AIDAEXAMPLEALICE00001";
pub const ENROLLMENT: &str = "arn:aws:iam::123456789012:policy/mfa-warden-enrollment";
pub const QUARANTINE: &str = "arn:aws:iam::123456789012:policy/mfa-warden-quarantine";

pub const ROLE: &str = "arn:aws:iam::123456789012:role/mfa-warden";

/// The time of every test: long after the seeds of `secret` were made.
pub fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

pub fn ago(text: &str) -> Timestamp {
    let span: jiff::Span = text.parse().unwrap();
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).unwrap();
    now().checked_sub(duration).unwrap()
}

pub fn settings(more: &[(&str, &str)]) -> Settings {
    let topics = [
        ("OWNER_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:owners"),
        ("OPS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:ops"),
        ("FUNCTION_ROLE_ARN", ROLE),
    ];
    let all: Vec<_> = more.iter().chain(&topics).copied().collect();
    let find = |name: &str| all.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_env(find).unwrap()
}

pub fn account() -> Account {
    Account::from_function_arn("arn:aws:lambda:us-east-1:123456789012:function:mfa-warden").unwrap()
}

/// The id of a version made at `time` (RFC 9562, version 7).
pub fn version(time: Timestamp, random: u32) -> String {
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap();
    format!("{:08x}-{:04x}-7000-8000-0000{random:08x}", milliseconds >> 16, milliseconds & 0xffff)
}

pub fn serial(user: &str, version: &str) -> String {
    account().serial_number(user, version)
}

/// A user with a console password and nothing else.
pub fn user(name: &str) -> UserFacts {
    UserFacts {
        user: User {
            name: name.to_owned(),
            id: USER_ID.to_owned(),
            arn: format!("arn:aws:iam::123456789012:user/{name}"),
            created_at: "2020-01-01T00:00:00Z".parse().unwrap(),
        },
        tags: [("email".to_owned(), format!("{name}@example.com"))].into(),
        mfa_devices: Vec::new(),
        password: Known::Is(true),
        active_access_key: Known::NotAsked,
        secret: None,
        secret_is_fresh: true,
        foreign_secret: false,
        devices: Vec::new(),
        attached: Known::Is(Attached::default()),
        delivery: Known::Is(Delivery::Reached),
        blockers: Known::NotAsked,
        absence_is_sure: true,
        version_is_new: false,
        is_gone: false,
    }
}

pub fn with_mfa(mut facts: UserFacts) -> UserFacts {
    facts.mfa_devices.push(AssignedDevice {
        serial_number: format!("arn:aws:iam::123456789012:mfa/{}", facts.user.name),
        enabled_at: ago("1h"),
    });
    facts
}

/// Adds a usable enrollment whose seed was made `age` ago and whose owner was invited then and heard it.
pub fn enrolled_since(mut facts: UserFacts, age: &str) -> UserFacts {
    let version = version(ago(age), 0xcafe_f00d);
    facts.devices.push(serial(&facts.user.name, &version));
    let at = rfc3339(ago(age));
    let tags = [
        (tag::USER_ID, USER_ID.to_owned()),
        (tag::NOTIFIED, version_suffix(&version).to_owned()),
        (tag::FIRST_NOTICE_AT, at.clone()),
        (tag::HEARD_AT, at),
        (tag::RECIPIENT, format!("{}@example.com", facts.user.name)),
        (tag::LAST_NOTICE_AT, now().checked_sub(SignedDuration::from_mins(10)).unwrap().to_string()),
        (tag::NOTICES, "1".to_owned()),
        (tag::POLICY, fingerprint(&document(&facts.user, Some(ROLE)))),
    ];
    facts.secret = Some(Secret {
        arn: None,
        name: format!("mfa-warden/{USER_ID}"),
        description: description(&facts.user.name),
        created_at: ago(age),
        scheduled_for_deletion: false,
        tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        current_version: Some(version),
        replicated: false,
        rotates: false,
        kms_key_id: None,
    });
    facts
}

pub fn secret(facts: &mut UserFacts) -> &mut Secret {
    facts.secret.as_mut().unwrap()
}

/// The same with these tags of the secret set or (`None`) removed.
pub fn tagged(mut facts: UserFacts, tags: &[(&str, Option<&str>)]) -> UserFacts {
    for (key, value) in tags {
        secret(&mut facts).tags.remove(*key);
        secret(&mut facts).tags.extend(value.map(|value| ((*key).to_owned(), value.to_owned())));
    }
    facts
}

pub fn verdict_of(facts: &UserFacts, settings: &Settings) -> Verdict {
    judge(&Ok(facts.clone()), settings.scope, now())
}

pub fn verdict(status: Status) -> Verdict {
    Verdict { status, reason: Reason::NoPassword }
}

/// The actions by their names.
pub fn names(actions: &[Action]) -> Vec<String> {
    steps(actions).iter().map(ToString::to_string).collect()
}

/// A failure that says nothing else.
pub fn failed() -> Failure {
    Failure::SecretChangedTwice
}
