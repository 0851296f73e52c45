//! Why something could not be done or read, as data. `messages::words` has the words.

use crate::model::action::Policy;
use crate::model::enrollment::Doubt;

/// What AWS said to a call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsFailure {
    /// Completes "failed to": "list the IAM users".
    pub attempted: String,
    /// AWS's error code; `None`: there was no answer of AWS's.
    pub code: Option<String>,
    /// What AWS said, and what to do where that is known.
    pub said: String,
}

/// What was attempted, on what, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A call failed.
    Aws(AwsFailure),
    /// The deadline of the run came before this could be read.
    Deadline(&'static str),
    /// The credential report cannot be understood.
    Report(String),
    /// IAM listed this user and then did not find it.
    UserVanished(String),
    /// IAM lists a device of this user as assigned, and then none of its devices.
    ListingsDisagree(String),
    /// This device was enabled a moment ago.
    JustEnabled(String),
    /// Somebody else's secret bears the name that the secret of the user with this id would have.
    ForeignSecret(String),
    /// This secret may have been prepared by somebody else, and cannot be made again.
    Doubtful {
        /// Its name.
        secret: String,
        /// Why.
        doubt: Doubt,
        /// What AWS said to deleting it.
        failure: AwsFailure,
    },
    /// AWS says that each of so many random names for a device of this user is taken.
    NamesTaken {
        /// The user's name.
        user: String,
        /// How many were tried.
        names: u32,
    },
    /// The secret changed twice while it was worked on.
    SecretChangedTwice,
    /// No ARN is set for a policy.
    NoPolicyArn(Policy),
    /// One failure, and another on the way back.
    Both(Box<Failure>, Box<Failure>),
}

/// A read that failed. Never taken for "there is none".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub Failure);
