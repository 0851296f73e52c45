//! Whether a policy of the account keeps an owner from enrolling: IAM's own simulator asked as the owner without MFA.
//! Pure; [`crate::aws::iam::Iam::simulate`] asks.

use std::fmt;

/// What an owner has to be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `secretsmanager:GetSecretValue` on its secret, and `kms:Decrypt` where a key is set.
    ReadSeed,
    /// `iam:EnableMFADevice` on itself.
    Enable,
}

/// A simulated call that is explicitly denied. An implicit denial says nothing: the secret's own policy allows its owner
/// to read, and an enrolment policy attached a moment ago may not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The action.
    pub action: String,
    /// The policies whose statements deny it, as the simulator names them, and the statements' lines in them.
    pub policies: Vec<String>,
    /// A service control policy of the organisation denies it.
    pub by_organization: bool,
}

impl Denial {
    /// What the owner cannot do.
    pub fn need(&self) -> Need {
        if self.action.eq_ignore_ascii_case("iam:EnableMFADevice") { Need::Enable } else { Need::ReadSeed }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is denied without MFA by ", self.action)?;
        match (&self.policies[..], self.by_organization) {
            (_, true) => f.write_str("a service control policy of the organisation"),
            ([], false) => f.write_str("a policy that AWS does not name"),
            (policies, false) => write!(f, "the policy {}", policies.join(" and the policy ")),
        }
    }
}
