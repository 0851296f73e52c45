//! What the templates of messages to owners may speak of. Text of others is made safe to show before it comes here.

use crate::messages::format::long_date;
use crate::model::language::Language;
use jiff::{SignedDuration, Timestamp};

/// What an invitation, a reminder and the news of a quarantine speak of.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) user: String,
    pub(super) account: String,
    /// Whether the user signs in to the console.
    pub(super) has_password: bool,
    /// When MFA is due.
    pub(super) deadline: When,
    /// Whether that time has passed.
    pub(super) is_over: bool,
    /// Whether an earlier message was about another device.
    pub(super) replaces: bool,
    /// Whether a policy perhaps keeps the owner from enrolling.
    pub(super) is_blocked: bool,
    /// The prepared device; `None`: a policy surely keeps the owner from it.
    pub(super) prepared: Option<PreparedDevice>,
    /// Until when it is good.
    pub(super) offer_until: Option<When>,
    /// Whether the console's own way comes first.
    pub(super) console_first: bool,
    pub(super) sign_in: Option<String>,
    pub(super) security_credentials: Option<String>,
    pub(super) remind_every: Span,
    /// Whether a quarantine follows the deadline.
    pub(super) quarantine_follows: bool,
    pub(super) is_quarantined: bool,
    /// Whether a quarantine leaves access keys alone.
    pub(super) console_only: bool,
    pub(super) contact: Option<String>,
}

/// How an owner enrolls with the prepared device.
#[derive(Debug, Clone)]
pub(super) struct PreparedDevice {
    /// The link to CloudShell; `None`: the owner needs a terminal of their own.
    pub(super) cloudshell: Option<String>,
    pub(super) enroll: String,
    pub(super) show: String,
    pub(super) enable: String,
}

/// What the confirmation speaks of.
#[derive(Debug, Clone)]
pub(super) struct Enrolled {
    pub(super) user: String,
    pub(super) account: String,
    /// Whether the user signs in to the console.
    pub(super) has_password: bool,
    /// Whether the owner was told of a quarantine, which has ended now.
    pub(super) was_quarantined: bool,
    pub(super) devices: Vec<EnrolledDevice>,
    /// The IP address that the device was enabled from, as CloudTrail reports it.
    pub(super) source: Option<String>,
    /// Whether one of them is the prepared device.
    pub(super) uses_prepared: bool,
    pub(super) security_credentials: Option<String>,
    pub(super) contact: Option<String>,
}

/// A device of an enrolled user.
#[derive(Debug, Clone)]
pub(super) struct EnrolledDevice {
    pub(super) kind: DeviceKind,
    pub(super) since: When,
}

/// What kind of device it is. Only the prepared one is named: the person who makes another one chooses its name.
#[derive(Debug, Clone)]
pub(super) enum DeviceKind {
    /// The prepared one, with its serial number.
    Prepared(String),
    Passkey,
    Virtual,
    Hardware,
}

/// What a withdrawal speaks of.
#[derive(Debug, Clone)]
pub(super) struct Withdrawn {
    pub(super) user: String,
    pub(super) account: String,
    /// Whether the user signs in to the console.
    pub(super) has_password: bool,
    /// Whether the owner was told of a quarantine, which has ended now.
    pub(super) was_quarantined: bool,
    pub(super) reason: WithdrawnReason,
    pub(super) security_credentials: Option<String>,
    pub(super) contact: Option<String>,
}

/// Why the prepared device is withdrawn. The text of an exemption is not shown: anybody who may tag users can write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithdrawnReason {
    Exempt,
    NoPassword,
    NoCredentials,
    /// Everything is withdrawn (`RETIRE`). Only here MFA may still be required.
    Retired,
    Other,
}

/// A time, in UTC like every time in this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// The date as the language writes it.
    pub(super) date: String,
    /// Hours and minutes.
    pub(super) time: String,
}

impl When {
    pub(super) fn new(time: Timestamp, language: Language) -> Self {
        When { date: long_date(time, language), time: time.strftime("%H:%M").to_string() }
    }
}

/// A duration in its largest whole unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) count: i64,
    pub(super) unit: Unit,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Hour,
    Minute,
    Second,
}

impl From<SignedDuration> for Span {
    fn from(duration: SignedDuration) -> Self {
        let seconds = duration.as_secs();
        let units = [(86_400, Unit::Day), (3600, Unit::Hour), (60, Unit::Minute)];
        let whole = units.into_iter().find(|(length, _)| seconds >= *length && seconds % length == 0);
        let (length, unit) = whole.unwrap_or((1, Unit::Second));
        Span { count: seconds / length, unit }
    }
}
