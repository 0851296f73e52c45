//! What is known: of the account, of one user, of one enrolment. Plain data, gathered by the AWS edge.

use crate::config::Settings;
use crate::preflight::Denial;
use crate::reach::Reach;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// The IAM path of every device of ours, and (without the leading slash) the prefix of every secret of ours.
pub const DEVICE_PATH: &str = "/mfa-warden/";
/// The prefix of every secret's name; the user's unique id follows.
pub const SECRET_PREFIX: &str = "mfa-warden/";

/// Keys of the tags on a secret.
pub mod tag {
    /// The user's unique id.
    pub const USER_ID: &str = "mfa-warden:user-id";
    /// When the user was first seen without MFA.
    pub const NONCOMPLIANT_SINCE: &str = "mfa-warden:noncompliant-since";
    /// The last 8 characters of the version that the owner was last invited for.
    pub const NOTIFIED: &str = "mfa-warden:notified";
    /// When the owner was last told anything.
    pub const LAST_NOTICE_AT: &str = "mfa-warden:last-notice-at";
    /// How many notices went out.
    pub const NOTICES: &str = "mfa-warden:notices";
    /// The last 8 characters of the version whose last notice reached nobody; behind them, where the owner has heard an
    /// earlier notice, a space and the kind of the lost one. Empty: it did reach its owner. See [`super::Lost`].
    pub const UNREACHED: &str = "mfa-warden:unreached";
    /// When the owner was told of the quarantine.
    pub const QUARANTINED_AT: &str = "mfa-warden:quarantined-at";
}

/// A time as this project writes it: RFC 3339, UTC, whole seconds, `Z`.
pub fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Where the function runs, taken from its own ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub partition: String,
    /// The region of the function, and so of its secrets and topics.
    pub region: String,
    /// Twelve digits.
    pub id: String,
}

impl Account {
    /// Reads `arn:<partition>:lambda:<region>:<account>:function:…`; `None` when `arn` is anything else.
    pub fn from_function_arn(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        match parts[..] {
            ["arn", partition, "lambda", region, id, "function", _]
                if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Some(Account {
                    partition: partition.to_owned(),
                    region: region.to_owned(),
                    id: id.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// An ARN that the user's secret can have; Secrets Manager adds six characters of its own to the name.
    pub fn secret_arn(&self, user_id: &str) -> String {
        let Account { partition, region, id } = self;
        format!("arn:{partition}:secretsmanager:{region}:{id}:secret:{SECRET_PREFIX}{user_id}-000000")
    }

    /// The serial number of the device that belongs to `version` of this user's secret.
    pub fn serial_number(&self, user: &str, version: &str) -> String {
        format!("arn:{}:iam::{}:mfa{DEVICE_PATH}{}", self.partition, self.id, device_name(user, version))
    }
}

/// The name of the device that belongs to `version`: `<user name>.<last 8 characters of the version id>`.
pub fn device_name(user: &str, version: &str) -> String {
    format!("{user}.{}", version_suffix(version))
}

/// The last 8 characters of a version id: what device names and the `notified` tag carry of it.
pub fn version_suffix(version: &str) -> &str {
    version.char_indices().rev().nth(7).map_or(version, |(at, _)| &version[at..])
}

/// The user name in the serial number of a device of ours; `None`: the device is not ours.
pub fn user_of_device(serial_number: &str) -> Option<&str> {
    let (_, name) = serial_number.split_once(":mfa/mfa-warden/")?;
    let (user, suffix) = name.rsplit_once('.')?;
    let ours = suffix.len() == 8 && suffix.bytes().all(|b| b.is_ascii_hexdigit()) && !user.contains('/');
    (ours && !user.is_empty()).then_some(user)
}

/// Whether `name` can be the name of an IAM user: 1 to 64 of `[A-Za-z0-9_+=,.@-]`.
pub fn is_user_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// A read that failed: what was attempted and what AWS said. Never taken for "there is none".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of the account's root user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Whether it has MFA.
    pub mfa: bool,
    /// Whether it has a password.
    pub password: bool,
}

/// An IAM user as `ListUsers` and `GetUser` name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The friendly name; a deleted user's name can come back as another person.
    pub name: String,
    /// The unique id (`AIDA…`); never used again.
    pub id: String,
    /// The ARN, path included.
    pub arn: String,
    /// When the user was created, to the second.
    pub created_at: Timestamp,
}

/// A virtual MFA device as `ListVirtualMFADevices` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The device's ARN.
    pub serial_number: String,
    /// The ARN of the user (or root) it is assigned to; `None`: unassigned.
    pub assigned_to: Option<String>,
}

/// An MFA device assigned to a user, as `ListMFADevices` names it: virtual, hardware, passkey or FIDO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedDevice {
    /// The serial number: an ARN, or that of a hardware token.
    pub serial_number: String,
    /// When it was enabled.
    pub enabled_at: Timestamp,
}

/// Which of our managed policies are attached to a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attached {
    /// The enrolment policy.
    pub enrollment: bool,
    /// The quarantine policy.
    pub quarantine: bool,
}

/// Everything that is judged of one user, all of it read successfully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// Who.
    pub user: User,
    /// The user's IAM tags.
    pub tags: BTreeMap<String, String>,
    /// The assigned MFA devices, of any kind.
    pub mfa_devices: Vec<AssignedDevice>,
    /// Whether the user has a login profile, that is a console password.
    pub password: bool,
    /// Whether the user has an active access key; looked up only where the scope asks for it.
    pub active_access_key: bool,
    /// The user's secret, if there is one.
    pub secret: Option<Secret>,
    /// Serial numbers of unassigned devices of ours: those under the user's present name, and the one that the
    /// current version was made for under a former name.
    pub devices: Vec<String>,
    /// Which of our policies are attached to the user; `None`: that could not be read.
    pub attached: Option<Attached>,
    /// Whether messages arrive at the owner; `None`: not asked, for there is nothing to tell.
    pub reach: Option<Reach>,
    /// What keeps the owner from enrolling, as far as it was asked and could be told.
    pub denials: Vec<Denial>,
}

impl UserFacts {
    /// Who is told: the owner tag's value, or the user name where there is none or an empty one.
    pub fn recipient(&self, settings: &Settings) -> &str {
        match self.tags.get(&settings.owner_tag) {
            Some(value) if !value.trim().is_empty() => value,
            _ => &self.user.name,
        }
    }

    /// What state the user's enrolment is in.
    pub fn enrolment(&self, settle: SignedDuration, now: Timestamp) -> Enrolment<'_> {
        let Some(secret) = &self.secret else {
            return Enrolment::None;
        };
        let Some(version) = &secret.current_version else {
            return Enrolment::Broken;
        };
        // Another hand's version has no birth date in its id, and no device of ours belongs to it.
        let Some(born) = born(version) else {
            return Enrolment::Broken;
        };
        let settling = now.duration_since(born) <= settle;
        if secret.scheduled_for_deletion
            || (self.device_of(version).is_none() && (!settling || self.renamed(version)))
        {
            return Enrolment::Broken;
        }
        Enrolment::Sound { secret, version }
    }

    /// The unassigned device that belongs to `version`.
    pub fn device_of(&self, version: &str) -> Option<&str> {
        let name = device_name(&self.user.name, version);
        let ours =
            |serial: &&String| serial.rsplit_once(DEVICE_PATH).is_some_and(|(_, device)| device == name);
        self.devices.iter().find(ours).map(String::as_str)
    }

    /// Whether the device of `version` exists under another name of the user.
    fn renamed(&self, version: &str) -> bool {
        let suffix = format!(".{}", version_suffix(version));
        self.device_of(version).is_none() && self.devices.iter().any(|serial| serial.ends_with(&suffix))
    }

    /// Unassigned devices of ours that no current version belongs to.
    pub fn strays(&self) -> Vec<String> {
        let current = self.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
        let kept = current.and_then(|version| self.device_of(version));
        let stray = |serial: &&String| Some(serial.as_str()) != kept;
        self.devices.iter().filter(stray).cloned().collect()
    }
}

/// What reached nobody, as [`tag::UNREACHED`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Every notice so far: as far as anybody knows, the owner has heard nothing.
    Everything,
    /// The invitation to this version, of an owner who has heard of an earlier one.
    Invitation,
    /// A later notice, of an owner who has heard the invitation.
    Later,
}

/// A secret of ours as `DescribeSecret` and `ListSecrets` show it: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret's name: [`SECRET_PREFIX`] and the user's unique id.
    pub name: String,
    /// What [`description`] said when it was created.
    pub description: String,
    /// When the secret was created.
    pub created_at: Timestamp,
    /// The id of the version that holds `AWSCURRENT`.
    pub current_version: Option<String>,
    /// Someone deleted it with a recovery window: it refuses writes until it is restored.
    pub scheduled_for_deletion: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Secret {
    /// Since when the user has been without MFA: the secret is created when that is first seen, and lives until it
    /// ends, through heals and rotations. The tag of that name is for people to read. It is not used, for whoever
    /// may tag secrets could stop the clock with it or have a user quarantined at once.
    pub fn noncompliant_since(&self) -> Timestamp {
        self.created_at
    }

    /// How long the current seed has existed; `None`: there is none of ours.
    pub fn seed_age(&self, now: Timestamp) -> Option<SignedDuration> {
        let born = self.current_version.as_deref().and_then(born)?;
        Some(now.duration_since(born))
    }

    /// For how long the grace period has been over; `None`: it is not.
    pub fn overdue_by(&self, grace_period: SignedDuration, now: Timestamp) -> Option<SignedDuration> {
        let beyond = now.duration_since(self.noncompliant_since()) - grace_period;
        beyond.is_positive().then_some(beyond)
    }

    /// Whether a reminder is due. A missing, unreadable or future time of the last notice makes it due, so that no
    /// tag can silence reminders.
    pub fn reminder_due(&self, remind_every: SignedDuration, now: Timestamp) -> bool {
        let last = self.tags.get(tag::LAST_NOTICE_AT).and_then(|time| time.parse::<Timestamp>().ok());
        last.is_none_or(|last| last > now || now.duration_since(last) > remind_every)
    }

    /// Whether the owner was told of the quarantine.
    pub fn told_of_quarantine(&self) -> bool {
        self.tags.contains_key(tag::QUARANTINED_AT)
    }

    /// The user's name when the secret was created.
    pub fn user_name(&self) -> &str {
        self.description.strip_prefix(DESCRIPTION).unwrap_or(&self.name)
    }

    /// Whether the owner was invited for `version`.
    pub fn notified_of(&self, version: &str) -> bool {
        self.tags.get(tag::NOTIFIED).is_some_and(|suffix| suffix == version_suffix(version))
    }

    /// What the owner is known not to have heard of the current version.
    pub fn lost(&self) -> Option<Lost> {
        let suffix = version_suffix(self.current_version.as_deref()?);
        let rest = self.tags.get(tag::UNREACHED)?.strip_prefix(suffix)?;
        match rest.trim_start() {
            "" => Some(Lost::Everything),
            "invitation" => Some(Lost::Invitation),
            _ => Some(Lost::Later),
        }
    }

    /// How many notices went out so far.
    pub fn notices(&self) -> u32 {
        self.tags.get(tag::NOTICES).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

const DESCRIPTION: &str = "MFA seed, kept by mfa-warden for nobody but the IAM user ";

/// The description of a user's secret, for people who come across it.
pub fn description(user: &str) -> String {
    format!("{DESCRIPTION}{user}")
}

/// When a version was born, from its UUIDv7 (RFC 9562); `None`: it is no version of ours.
pub fn born(version: &str) -> Option<Timestamp> {
    let id = uuid::Uuid::parse_str(version).ok()?;
    if id.get_version_num() != 7 {
        return None;
    }
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

/// The state of an enrolment: a secret and a device that name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment<'a> {
    /// No secret.
    None,
    /// A secret without a version of ours, without its device, or scheduled for deletion.
    Broken,
    /// The device of the current version exists under the user's present name (or may still be on its way
    /// into AWS's listings).
    Sound {
        /// The secret.
        secret: &'a Secret,
        /// Its current version.
        version: &'a str,
    },
}
