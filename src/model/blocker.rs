//! What keeps an owner from enrolling, as IAM's policy simulator reports it.

/// What an owner must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `secretsmanager:GetSecretValue` on the user's secret, and `kms:Decrypt` if a key is set.
    ReadSeed,
    /// `iam:EnableMFADevice` on the user itself.
    Enable,
}

/// Why a simulated call is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Statements deny it: names of policies from the simulator, with the lines of the statements.
    Policies(Vec<String>),
    /// A service control policy of the organization does not allow it.
    Organization,
    /// The user's permissions boundary does not allow it, and no policy can override that.
    Boundary,
    /// No policy allows it. An enrollment policy that was just attached may not count yet.
    NotAllowed,
}

/// A simulated call that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The action.
    pub action: String,
    /// What the owner needs it for.
    pub need: Need,
    /// Why.
    pub cause: Cause,
    /// Whether the decision depends on something that the simulator was not told, such as the owner's IP address.
    pub is_unsure: bool,
}

/// Why a user is not quarantined, although it is overdue and was warned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotQuarantined {
    /// The simulator gave no answer.
    NoAnswer,
    /// This keeps the owner from enrolling, or perhaps does.
    Denied(Blocker),
}
