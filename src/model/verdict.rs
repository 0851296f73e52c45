//! Whether a user has to enroll, and why, as data. `words` has the texts.

use crate::model::action::Postponed;
use crate::model::delivery::Unreachable;
use crate::model::failure::Failure;
use jiff::SignedDuration;
use jiff::civil::Date;

/// The kinds of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// An MFA device of any kind is assigned.
    Compliant,
    /// The user must have MFA and has none.
    NonCompliant,
    /// The user has a valid exemption tag.
    Exempt,
    /// The user is outside the scope.
    NotApplicable,
    /// Something could not be read.
    Unknown,
}

impl Status {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Status::Compliant => "compliant",
            Status::NonCompliant => "non_compliant",
            Status::Exempt => "exempt",
            Status::NotApplicable => "not_applicable",
            Status::Unknown => "unknown",
        }
    }
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub status: Status,
    /// Why.
    pub reason: Reason,
}

/// The reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The user has this MFA device.
    MfaDevice(String),
    /// The user with this id no longer exists.
    UserGone,
    /// The user does not exist, and this device of it is left.
    DeviceLeft(String),
    /// The user has no console password.
    NoPassword,
    /// The user has neither a console password nor an active access key.
    NoCredentials,
    /// The tag exempts the user permanently, for this reason.
    ExemptPermanently(String),
    /// The tag exempts the user through that day, for this reason.
    ExemptThrough(Date, String),
    /// The user has no MFA device.
    NoMfa {
        /// Whether it has a console password.
        password: bool,
        /// Whether it has an active access key, as far as that was read.
        active_access_key: bool,
        /// Why its exemption tag does not exempt it, if it has one.
        exemption: Option<InvalidExemption>,
    },
    /// Something could not be read.
    Unreadable(Failure),
    /// The deadline passed before the run looked at the user.
    NotLookedAt,
    /// The deadline passed while the run worked on the user.
    CutOff,
}

/// Why an exemption tag does not exempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidExemption {
    /// The tag gives no reason.
    NoReason(String),
    /// The exemption ended on that day.
    Ended(Date),
    /// The tag has another form.
    Malformed(String),
}

/// What else a run reports about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// How long the seed existed that is deleted now.
    SeedExistedFor(SignedDuration),
    /// How much of the grace period the user used up earlier.
    GraceUsed(SignedDuration),
    /// The owner has received the closing notice already.
    ToldAlready,
    /// The owner was never invited, so there is no closing notice.
    NeverInvited,
    /// Nothing is prepared, because no message reaches the owner.
    NothingPrepared(Unreachable),
    /// Something is left to a later run, for this reason.
    Postponed(Postponed),
    /// The owner tag does not name the person who was invited.
    RecipientChanged,
}

/// The reason for a verdict, and remarks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The reason.
    pub reason: Reason,
    /// What else to report.
    pub remarks: Vec<Remark>,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Why { reason, remarks: Vec::new() }
    }
}
