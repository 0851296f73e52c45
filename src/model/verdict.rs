//! Whether a user has to enroll.

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
    /// Why, in words for a person.
    pub reason: String,
}
