//! What is known: of the account, of one user, of one enrolment. Plain data, gathered by the AWS edge.

use crate::config::Settings;
use crate::owner_policy;
use crate::preflight::Preflight;
use crate::reach::Reach;
use crate::recipient::{Recipient, recalled};
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
    /// When the first notice went out: the grace period counts from here.
    pub const FIRST_NOTICE_AT: &str = "mfa-warden:first-notice-at";
    /// The last 8 characters of a version that was won by an earlier run, written before its owner is told: a secret that
    /// cannot be tagged costs no message again and again.
    pub const TELLING: &str = "mfa-warden:telling";
    /// When a notice of the current version was first known to reach its owner; a time before that version was made is of
    /// an earlier one. Empty: it was somebody else whom it reached.
    pub const HEARD_AT: &str = "mfa-warden:heard-at";
    /// Whom the last invitation went to, as [`crate::recipient::remembered`] writes it.
    pub const RECIPIENT: &str = "mfa-warden:recipient";
    /// Whom earlier invitations went to, where that was somebody else.
    pub const RECIPIENTS_BEFORE: &str = "mfa-warden:recipients-before";
    /// When the owner was last told anything.
    pub const LAST_NOTICE_AT: &str = "mfa-warden:last-notice-at";
    /// How many notices went out.
    pub const NOTICES: &str = "mfa-warden:notices";
    /// Written by version 0.1.0 only: the last 8 characters of the version whose last notice reached nobody; behind them,
    /// where the owner has heard an earlier notice, a space and the kind of the lost one. See [`super::Lost`].
    pub const UNREACHED: &str = "mfa-warden:unreached";
    /// When the farewell went out: it is not sent again while the secret cannot be deleted. Empty: none did.
    pub const FAREWELL: &str = "mfa-warden:farewell";
    /// Which resource policy the secret has: [`crate::owner_policy::fingerprint`].
    pub const POLICY: &str = "mfa-warden:policy";
    /// How much of its grace period the user had used up before the secret was made, in enrollments that were closed
    /// ([`crate::history`]): an ISO 8601 duration. Missing: nothing.
    pub const GRACE_USED: &str = "mfa-warden:grace-used";
    /// When the owner was told of the quarantine. Empty: it was lifted.
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

    /// The region that IAM's own calls are judged in: it is a global service, and each partition has one.
    pub fn iam_region(&self) -> &str {
        match self.partition.as_str() {
            "aws" => "us-east-1",
            "aws-us-gov" => "us-gov-west-1",
            "aws-cn" => "cn-north-1",
            "aws-eusc" => "eusc-de-east-1",
            "aws-iso" => "us-iso-east-1",
            "aws-iso-b" => "us-isob-east-1",
            "aws-iso-e" => "eu-isoe-west-1",
            "aws-iso-f" => "us-isof-south-1",
            _ => &self.region,
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

impl User {
    /// The path: `/`, `/team-a/`.
    pub fn path(&self) -> &str {
        let resource = self.arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("user"));
        resource.and_then(|path| path.rfind('/').map(|end| &path[..=end])).unwrap_or("/")
    }
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
    /// The user's secret, if there is one of ours.
    pub secret: Option<Secret>,
    /// Whether the secret was read by its name in this run; listings may lag.
    pub secret_is_fresh: bool,
    /// Somebody else's secret bears the name that the user's would have.
    pub foreign_secret: bool,
    /// Serial numbers of unassigned devices of ours: those under the user's present name, and the one that the
    /// current version was made for under a former name.
    pub devices: Vec<String>,
    /// Whether two listings lack what `devices` lacks.
    pub absence_is_sure: bool,
    /// Which of our policies are attached to the user; `None`: that could not be read.
    pub attached: Option<Attached>,
    /// Whether messages arrive at the owner; `None`: not asked, for nothing hangs on it.
    pub reach: Option<Reach>,
    /// What keeps the owner from enrolling; `None`: not asked, for nothing hangs on it.
    pub preflight: Option<Preflight>,
    /// Whether the current version was made in this run.
    pub version_is_new: bool,
}

impl UserFacts {
    /// Who is told.
    pub fn recipient(&self, settings: &Settings) -> Recipient {
        Recipient::of(&self.tags, &settings.owner_tag, &self.user.name)
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
        let Some(born) = born(version).filter(|born| now.duration_since(*born) >= -settle) else {
            return Enrolment::Broken;
        };
        if secret.scheduled_for_deletion || self.renamed(version) {
            return Enrolment::Broken;
        }
        match self.device_of(version) {
            Some(_) => Enrolment::Sound { secret, version },
            None if now.duration_since(born) <= settle => Enrolment::Settling,
            None if self.absence_is_sure => Enrolment::Broken,
            None => Enrolment::Missing,
        }
    }

    /// Why the secret may have been prepared by somebody else, so that no seed is written into it. `None`: this function
    /// made it, for it holds a version whose device lies under [`DEVICE_PATH`], or of which the owner was told.
    pub fn doubt(&self, settings: &Settings, now: Timestamp) -> Option<Doubt> {
        let secret = self.secret.as_ref()?;
        if secret.replicated {
            return Some(Doubt::Replicated);
        }
        if secret.rotates {
            return Some(Doubt::Rotates);
        }
        let Some(version) = secret.current_version.as_deref() else {
            return Some(Doubt::NoValue);
        };
        let Some(age) = born(version).map(|born| now.duration_since(born)) else {
            return Some(Doubt::OthersVersion);
        };
        let is_settling = age <= settings.settle && !secret.scheduled_for_deletion;
        let is_ours = self.device_of(version).is_some() || secret.notified_of(version) || is_settling;
        if age < -settings.settle || !is_ours {
            return Some(Doubt::OthersVersion);
        }
        secret.is_under_another_key(settings.secret_kms_key_id.as_deref()).then_some(Doubt::OtherKey)
    }

    /// The resource policy that the user's secret is to have.
    pub fn owner_policy(&self, settings: &Settings) -> String {
        owner_policy::document(&self.user, settings.function_role_arn.as_deref())
    }

    /// Whether the secret has the resource policy that this version writes, as far as its tag tells.
    pub fn has_current_policy(&self, settings: &Settings) -> bool {
        let written = self.secret.as_ref().and_then(|secret| secret.tags.get(tag::POLICY));
        written.is_some_and(|written| *written == owner_policy::fingerprint(&self.owner_policy(settings)))
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
        self.device_of(version).is_none() && self.devices.iter().any(|serial| is_made_for(serial, version))
    }

    /// Unassigned devices of ours that no current version belongs to.
    pub fn strays(&self) -> Vec<String> {
        let current = self.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
        let kept = current.and_then(|version| self.device_of(version));
        let stray = |serial: &&String| Some(serial.as_str()) != kept;
        self.devices.iter().filter(stray).cloned().collect()
    }
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

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::NoValue => "it holds no value",
            Doubt::OthersVersion => "it holds a version that mfa-warden did not make",
            Doubt::Replicated => "it is replicated",
            Doubt::Rotates => "it has a rotation",
            Doubt::OtherKey => "it is encrypted under another key than SECRET_KMS_KEY_ID",
        })
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

    /// A tag's value; an empty one counts as missing.
    pub fn record(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A time of the past in a tag. One in the future, or an unreadable one, is none: somebody else wrote it.
    fn past(&self, key: &str, now: Timestamp) -> Option<Timestamp> {
        self.record(key)?.parse().ok().filter(|time: &Timestamp| *time <= now)
    }

    /// When the first notice went out; `None`: none did. Never earlier than the secret's creation, whatever tags say. Where
    /// the time is missing or cannot be, although notices went out (earlier versions kept none; somebody may have changed
    /// it), the secret's creation stands in.
    pub fn first_notice_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.past(tag::FIRST_NOTICE_AT, now) {
            Some(first) => Some(first.max(self.created_at)),
            None if self.was_told() => Some(self.created_at),
            None => None,
        }
    }

    /// Whether any notice went out. A count that is no number was written by somebody else: then one did.
    fn was_told(&self) -> bool {
        match self.record(tag::NOTICES) {
            Some(count) => count.parse() != Ok(0u32),
            None => self.record(tag::NOTIFIED).is_some() || self.record(tag::LAST_NOTICE_AT).is_some(),
        }
    }

    /// Since when a notice of the current version is known to have reached its owner; `None`: nobody knows of any.
    pub fn heard_at(&self, now: Timestamp) -> Option<Timestamp> {
        let made_at = born(self.current_version.as_deref()?)?;
        self.past(tag::HEARD_AT, now).filter(|heard| *heard >= truncated(made_at))
    }

    /// Whether the present recipient is another than the one that was invited. Earlier versions did not remember whom.
    pub fn recipient_changed(&self, present: &Recipient) -> bool {
        let sorted = |tag: &str| {
            let mut each: Vec<String> = recalled(tag).iter().map(|one| one.to_lowercase()).collect();
            each.sort_unstable();
            each
        };
        self.record(tag::RECIPIENT).is_some_and(|invited| sorted(invited) != sorted(&present.to_string()))
    }

    /// Everybody who was ever invited, as far as it was remembered: the first of them first.
    pub fn invited(&self) -> Vec<String> {
        let keys = [tag::RECIPIENTS_BEFORE, tag::RECIPIENT];
        let mut invited: Vec<String> =
            keys.into_iter().filter_map(|key| self.record(key)).flat_map(recalled).collect();
        let mut known = std::collections::HashSet::new();
        invited.retain(|one| known.insert(one.to_lowercase()));
        invited
    }

    /// Whether its owner was ever invited to a version that this function made.
    pub fn was_invited(&self) -> bool {
        self.was_told() && self.current_version.as_deref().is_some_and(|version| born(version).is_some())
    }

    /// Whether the farewell went out already.
    pub fn was_bidden_farewell(&self, now: Timestamp) -> bool {
        self.past(tag::FAREWELL, now).is_some()
    }

    /// Whether its key is surely another than the one that is set. A key can be named by id, alias or ARN; one by its
    /// alias and one by its id cannot be compared.
    fn is_under_another_key(&self, set: Option<&str>) -> bool {
        let name = |key: &str| key.rsplit_once(":").map_or(key, |(_, resource)| resource).to_owned();
        let plain = |key: &str| name(key).trim_start_matches("key/").to_owned();
        let is_alias = |key: &str| key.starts_with("alias/");
        let own = self.kms_key_id.as_deref().map(plain).filter(|key| key != "alias/aws/secretsmanager");
        let set = set.map(plain).filter(|key| key != "alias/aws/secretsmanager");
        match (own, set) {
            (None, None) => false,
            (Some(own), Some(set)) => own != set && is_alias(&own) == is_alias(&set),
            _ => true,
        }
    }

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

    /// How much of the grace period the user had used up before, in enrollments that were closed.
    pub fn grace_used(&self) -> SignedDuration {
        let used = self.record(tag::GRACE_USED).and_then(|used| used.parse().ok());
        used.unwrap_or(SignedDuration::ZERO).max(SignedDuration::ZERO)
    }

    /// How long the user may stay without MFA after the first notice: what is left of the grace period, and never less than
    /// the time in which there is one reminder.
    pub fn grace(&self, settings: &Settings) -> SignedDuration {
        let left = settings.grace_period.saturating_sub(self.grace_used());
        left.max(settings.warning_time())
    }

    /// For how long the grace period has been over; `None`: it is not. It begins with the first notice that went out.
    pub fn overdue_by(&self, settings: &Settings, now: Timestamp) -> Option<SignedDuration> {
        let beyond = now.duration_since(self.first_notice_at(now)?) - self.grace(settings);
        beyond.is_positive().then_some(beyond)
    }

    /// Whether a reminder is due. A missing, unreadable or future time of the last notice makes it due, so that no
    /// tag can silence reminders.
    pub fn reminder_due(&self, remind_every: SignedDuration, now: Timestamp) -> bool {
        let last = self.tags.get(tag::LAST_NOTICE_AT).and_then(|time| time.parse::<Timestamp>().ok());
        last.is_none_or(|last| last > now || now.duration_since(last) > remind_every)
    }

    /// Whether the owner was told of the quarantine.
    pub fn told_of_quarantine(&self, now: Timestamp) -> bool {
        self.past(tag::QUARANTINED_AT, now).is_some()
    }

    /// Whether the owner was told of the quarantine so lately that it need not be told again.
    pub fn was_told_of_quarantine_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.past(tag::QUARANTINED_AT, now).is_some_and(|told| now.duration_since(told) <= time)
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
    pub fn lost(&self, now: Timestamp) -> Option<Lost> {
        if self.heard_at(now).is_some() {
            return None;
        }
        let suffix = version_suffix(self.current_version.as_deref()?);
        let rest = self.tags.get(tag::UNREACHED)?.strip_prefix(suffix)?;
        match rest.trim_start() {
            "" => Some(Lost::Everything),
            "invitation" => Some(Lost::Invitation),
            _ => Some(Lost::Later),
        }
    }

    /// Whether its owner was told of the current version and is not known to have heard of it. Version 0.1.0 wrote down
    /// what was lost, and nothing of what was heard.
    pub fn undelivered(&self, now: Timestamp) -> bool {
        let is_told = self.current_version.as_deref().is_some_and(|version| self.notified_of(version));
        let noted = [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT];
        let is_noted = noted.iter().any(|key| self.tags.contains_key(*key));
        let is_unheard = is_noted && self.heard_at(now).is_none();
        is_told && (is_unheard || matches!(self.lost(now), Some(Lost::Everything | Lost::Invitation)))
    }

    /// Whether its owner is not known to have heard of any version: no notice went out, or each is known to have reached
    /// nobody (version 0.1.0 wrote that down), or none is known to have reached anybody.
    pub fn is_unheard_of(&self, now: Timestamp) -> bool {
        let is_noted = self.record(tag::FIRST_NOTICE_AT).is_some();
        let nothing_heard = is_noted && self.past(tag::HEARD_AT, now).is_none();
        self.first_notice_at(now).is_none() || self.lost(now) == Some(Lost::Everything) || nothing_heard
    }

    /// Whether its owner was warned before a quarantine: the present recipient is known to have heard of the current version,
    /// long enough ago for one reminder, and the version is as old. The age of the version is in no tag.
    pub fn is_warned(&self, present: &Recipient, settings: &Settings, now: Timestamp) -> bool {
        let warning = settings.warning_time();
        let is_past = |time: Timestamp| now.duration_since(time) > warning;
        let made_at = self.current_version.as_deref().and_then(born);
        let is_heard = self.heard_at(now).is_some_and(is_past) && !self.recipient_changed(present);
        is_heard && made_at.is_some_and(is_past)
    }

    /// How many notices went out so far.
    pub fn notices(&self) -> u32 {
        self.tags.get(tag::NOTICES).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

const DESCRIPTION: &str = "MFA seed, kept by mfa-warden for nobody but the IAM user ";

/// A time to the second, as tags hold it.
fn truncated(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Whether `text` can be the unique id of an IAM user: 16 to 128 letters, digits and underscores (IAM API reference,
/// `User`). AWS's begin with `AIDA` (IAM user guide, "IAM identifiers"); emulators' need not.
pub fn is_unique_id(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

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
    /// The device of the current version is in no listing, and is so young that it may still be on its way there.
    Settling,
    /// The device of the current version is not in the one listing that there is yet.
    Missing,
    /// The device of the current version exists under the user's present name.
    Sound {
        /// The secret.
        secret: &'a Secret,
        /// Its current version.
        version: &'a str,
    },
}
