//! What keeps an owner from enrolling, as IAM's simulator tells.

/// What an owner has to be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `secretsmanager:GetSecretValue` on its secret, and `kms:Decrypt` where a key is set.
    ReadSeed,
    /// `iam:EnableMFADevice` on itself.
    Enable,
}

/// Why a simulated call is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Statements deny it: the policies as the simulator names them, and the statements' lines in them.
    Policies(Vec<String>),
    /// A service control policy of the organization does not allow it.
    Organization,
    /// The user's permissions boundary does not allow it, and no policy can lift that.
    Boundary,
    /// No policy allows it. An enrollment policy attached a moment ago may not count yet.
    NotAllowed,
}

/// A simulated call that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The action.
    pub action: String,
    /// Why.
    pub cause: Cause,
    /// The decision hangs on what nobody could tell the simulator, such as the owner's address.
    pub is_unsure: bool,
}

/// Why a user is not quarantined, although it is overdue and was warned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotQuarantined {
    /// The simulator gave no answer.
    NoAnswer,
    /// This keeps the owner from enrolling, however unsure.
    Denied(Blocker),
}
