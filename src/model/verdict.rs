//! Whether a user has to enroll, and why, as data. `messages::words` has the words.

use crate::model::action::Postponed;
use crate::model::delivery::Unreachable;
use crate::model::failure::Failure;
use jiff::SignedDuration;
use jiff::civil::Date;
use serde::Serialize;

/// The kinds of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An MFA device of any kind is assigned.
    Compliant,
    /// MFA is demanded, and there is none.
    NonCompliant,
    /// A valid exemption tag.
    Exempt,
    /// Outside the scope.
    NotApplicable,
    /// Something could not be read.
    Unknown,
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub status: Status,
    /// Why.
    pub reason: Reason,
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The user has this MFA device.
    MfaDevice(String),
    /// There is no user with this id any more.
    UserGone,
    /// There is no such user, and this device of it is left.
    DeviceLeft(String),
    /// The user has no console password.
    NoPassword,
    /// The user has neither a console password nor an active access key.
    NoCredentials,
    /// The tag exempts the user for good, for this reason.
    ExemptPermanently(String),
    /// The tag exempts the user through that day, for this reason.
    ExemptThrough(Date, String),
    /// The user has no MFA device.
    NoMfa {
        /// It has a console password.
        password: bool,
        /// It has an active access key, as far as that was read.
        active_access_key: bool,
        /// It has an exemption tag that does not exempt, and why not.
        exemption: Option<InvalidExemption>,
    },
    /// Something could not be read.
    Unreadable(Failure),
    /// The deadline came before the user was looked at.
    NotLookedAt,
    /// The deadline came while the user was worked on.
    CutOff,
}

/// Why an exemption tag does not exempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidExemption {
    /// The tag gives no reason.
    NoReason(String),
    /// The exemption ended on that day.
    Ended(Date),
    /// The tag says something else.
    Malformed(String),
}

/// What else is to be said of a user after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The seed that is gone now had existed for so long.
    SeedExistedFor(SignedDuration),
    /// So much of its grace period was used up before.
    GraceUsed(SignedDuration),
    /// The owner has got the closing notice already.
    ToldAlready,
    /// The owner was never invited, and so gets no closing notice.
    NeverInvited,
    /// Nothing is prepared, for no message reaches the owner.
    NothingPrepared(Unreachable),
    /// Something is left to a later run.
    Postponed(Postponed),
    /// The owner tag names somebody else than was invited.
    RecipientChanged,
}

/// Why a verdict is what it is, and what else is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Why.
    pub reason: Reason,
    /// What else.
    pub remarks: Vec<Remark>,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Why { reason, remarks: Vec::new() }
    }
}
