//! Why something could not be done or read, as data. `words` has the texts.

use crate::model::action::Policy;
use crate::model::enrollment::Doubt;

/// How AWS answered a failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsFailure {
    /// Completes "failed to": "list the IAM users".
    pub attempted: String,
    /// AWS's error code; `None`: AWS did not answer.
    pub code: Option<String>,
    /// What AWS said, and what to do about it, if known.
    pub said: String,
}

/// What was attempted, on what, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A call failed.
    Aws(AwsFailure),
    /// The deadline of the run passed before this could be read.
    Deadline(&'static str),
    /// The credential report cannot be understood.
    Report(String),
    /// IAM listed this user, but later did not find it.
    UserVanished(String),
    /// IAM lists a device as assigned to this user, but no device when asked for the user's devices.
    ListingsDisagree(String),
    /// This device was enabled a moment ago.
    JustEnabled(String),
    /// A secret that mfa-warden did not make has the name for the secret of the user with this id.
    ForeignSecret(String),
    /// Somebody else may have prepared this secret, and it could not be deleted to create it again.
    Doubtful {
        /// Its name.
        secret: String,
        /// Why.
        doubt: Doubt,
        /// How AWS refused to delete it.
        failure: AwsFailure,
    },
    /// AWS says that every random device name that was tried for this user is taken.
    NamesTaken {
        /// The user's name.
        user: String,
        /// How many were tried.
        names: u32,
    },
    /// The secret changed twice while the run worked on it.
    SecretChangedTwice,
    /// No ARN is set for a policy.
    NoPolicyArn(Policy),
    /// A failure, and another one while cleaning up.
    Both(Box<Failure>, Box<Failure>),
}

/// A failed read. It never counts as "there is none".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub Failure);
