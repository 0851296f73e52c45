//! An enrollment: the secret and the device that name each other.

use crate::model::arn::Arn;
use crate::model::record::tag;
use crate::model::user::is_unique_id;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The IAM path of every mfa-warden device and, without the leading slash, the prefix of every mfa-warden secret.
pub const DEVICE_PATH: &str = "/mfa-warden/";

/// The prefix of every secret's name; the user's unique id follows.
pub const SECRET_PREFIX: &str = "mfa-warden/";

/// The name of the device that belongs to `version`: `<user name>.<last 8 characters of the version id>`.
pub fn device_name(user: &str, version: &str) -> String {
    format!("{user}.{}", version_suffix(version))
}

/// Whether a device's name ends in the suffix of `version`.
pub fn is_made_for(serial_number: &str, version: &str) -> bool {
    serial_number.rsplit_once('.').is_some_and(|(_, suffix)| suffix == version_suffix(version))
}

/// The last 8 characters of a version id, as device names and the `notified` tag hold them.
pub fn version_suffix(version: &str) -> &str {
    version.char_indices().rev().nth(7).map_or(version, |(at, _)| &version[at..])
}

/// The user name in the serial number of an mfa-warden device; `None`: it is another device.
pub fn user_of_device(serial_number: &str) -> Option<&str> {
    let name = Arn::parse(serial_number)?.resource.strip_prefix("mfa")?.strip_prefix(DEVICE_PATH)?;
    let (user, suffix) = name.rsplit_once('.')?;
    let ours = suffix.len() == 8 && suffix.bytes().all(|b| b.is_ascii_hexdigit()) && !user.contains('/');
    (ours && !user.is_empty()).then_some(user)
}

/// Why a secret may have been prepared by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It holds no value. Perhaps a run died before it wrote one; perhaps somebody else created the secret.
    NoValue,
    /// It holds a version that the function did not make.
    OthersVersion,
    /// It is replicated, or is a replica.
    Replicated,
    /// Rotation is set up for it.
    Rotates,
    /// It is not encrypted under the key that the function's setting names.
    OtherKey,
}

/// A secret as `DescribeSecret` and `ListSecrets` show it: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret's ARN, if AWS returned it. No other secret ever has the same ARN.
    pub arn: Option<String>,
    /// The secret's name: [`SECRET_PREFIX`] and the user's unique id.
    pub name: String,
    /// The text of [`description`] when the secret was created.
    pub description: String,
    /// When the secret was created.
    pub created_at: Timestamp,
    /// The id of the version that holds `AWSCURRENT`.
    pub current_version: Option<String>,
    /// Whether somebody deleted it with a recovery window: it refuses writes until it is restored.
    pub scheduled_for_deletion: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it has replicas, or is one.
    pub replicated: bool,
    /// Whether rotation is set up for it.
    pub rotates: bool,
    /// The KMS key it is encrypted under; `None`: the account's `aws/secretsmanager` key.
    pub kms_key_id: Option<String>,
}

impl Secret {
    /// The id for API calls: the ARN, or the name if the ARN is unknown.
    pub fn id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.name)
    }

    /// The user's unique id, if the secret is mfa-warden's: its name ends in the id, and its tag holds the same id. Any
    /// other secret under the prefix is somebody else's.
    pub fn owner_id(&self) -> Option<&str> {
        let id = self.name.strip_prefix(SECRET_PREFIX).filter(|id| is_unique_id(id))?;
        (self.tags.get(tag::USER_ID).is_some_and(|tagged| tagged == id)).then_some(id)
    }

    /// Since when the user has been without MFA. The secret is created when a run first sees that, and stays until the user
    /// has MFA, through repairs and new versions. The tag of that name is only for people: an attacker who can tag secrets
    /// could otherwise stop the clock, or get a user quarantined at once.
    pub fn noncompliant_since(&self) -> Timestamp {
        self.created_at
    }

    /// How long the current seed has existed; `None`: there is none that mfa-warden made.
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

/// When a version was created, from its UUIDv7 (RFC 9562); `None`: mfa-warden did not make the version.
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
    /// The secret has no version that mfa-warden made, has no device, or is scheduled for deletion.
    Broken,
    /// No listing shows the device of the current version, but it is so new that it may still appear.
    Settling,
    /// The device of the current version is not in the first listing; a second one is still to be read.
    Missing,
    /// The device of the current version exists under the user's present name.
    Usable {
        /// The secret.
        secret: &'a Secret,
        /// Its current version.
        version: &'a str,
    },
}
