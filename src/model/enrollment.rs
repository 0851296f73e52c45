//! An enrollment: the secret and the device that name each other.

use crate::model::record::tag;
use crate::model::user::is_unique_id;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The IAM path of every device of ours, and (without the leading slash) the prefix of every secret of ours.
pub const DEVICE_PATH: &str = "/mfa-warden/";

/// The prefix of every secret's name; the user's unique id follows.
pub const SECRET_PREFIX: &str = "mfa-warden/";

/// The name of the device that belongs to `version`: `<user name>.<last 8 characters of the version id>`.
pub fn device_name(user: &str, version: &str) -> String {
    format!("{user}.{}", version_suffix(version))
}

/// Whether a device bears the suffix of `version`.
pub fn is_made_for(serial_number: &str, version: &str) -> bool {
    serial_number.rsplit_once('.').is_some_and(|(_, suffix)| suffix == version_suffix(version))
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

/// Why a secret may have been prepared by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It holds nothing: perhaps a run died before it wrote a value, and perhaps not.
    NoValue,
    /// It holds a version that this function did not make.
    OthersVersion,
    /// It is replicated, or is a replica.
    Replicated,
    /// Something rotates it.
    Rotates,
    /// It is encrypted under another key than the function's setting names.
    OtherKey,
}

/// A secret of ours as `DescribeSecret` and `ListSecrets` show it: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret's ARN, where AWS told it. No other secret ever has the same.
    pub arn: Option<String>,
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
    /// It has replicas, or is one.
    pub replicated: bool,
    /// A rotation is set up for it.
    pub rotates: bool,
    /// The KMS key it is encrypted under; `None`: the account's `aws/secretsmanager` key.
    pub kms_key_id: Option<String>,
}

impl Secret {
    /// What calls name it by: the ARN, or where that is unknown the name.
    pub fn id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.name)
    }

    /// The unique id of the user whose secret this is, where it is ours: its name is the id, and its tag says the same.
    /// Everything else under that prefix is somebody else's.
    pub fn owner_id(&self) -> Option<&str> {
        let id = self.name.strip_prefix(SECRET_PREFIX).filter(|id| is_unique_id(id))?;
        (self.tags.get(tag::USER_ID).is_some_and(|tagged| tagged == id)).then_some(id)
    }

    /// Since when the user has been without MFA: the secret is created when that is first seen, and lives until it
    /// ends, through heals and rotations. The tag of that name is for people to read. It is not used, for whoever
    /// may tag secrets could stop the clock with it or have a user quarantined at once.
    pub fn noncompliant_since(&self) -> Timestamp {
        self.created_at
    }

    /// How long the current seed has existed; `None`: there is none of ours.
    pub fn seed_age(&self, now: Timestamp) -> Option<SignedDuration> {
        let made_at = self.current_version.as_deref().and_then(created_at)?;
        Some(now.duration_since(made_at))
    }

    /// The user's name when the secret was created.
    pub fn user_name(&self) -> &str {
        self.description.strip_prefix(DESCRIPTION).unwrap_or(&self.name)
    }
}

const DESCRIPTION: &str = "MFA seed, kept by mfa-warden for nobody but the IAM user ";

/// The description of a user's secret, for people who come across it.
pub fn description(user: &str) -> String {
    format!("{DESCRIPTION}{user}")
}

/// When a version was created_at, from its UUIDv7 (RFC 9562); `None`: it is no version of ours.
pub fn created_at(version: &str) -> Option<Timestamp> {
    let id = uuid::Uuid::parse_str(version).ok()?;
    if id.get_version_num() != 7 {
        return None;
    }
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

/// The state of an enrollment: a secret and a device that name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrollment<'a> {
    /// No secret.
    None,
    /// A secret without a version of ours, without its device, or scheduled for deletion.
    Broken,
    /// The device of the current version is in no listing, and is so young that it may still be on its way there.
    Settling,
    /// The device of the current version is not in the one listing that there is yet.
    Missing,
    /// The device of the current version exists under the user's present name.
    Usable {
        /// The secret.
        secret: &'a Secret,
        /// Its current version.
        version: &'a str,
    },
}
