//! Whether something keeps an owner from enrolling: IAM's own simulator asked as the owner without MFA.
//! Pure; [`crate::aws::iam::Iam::simulate`] asks.

use crate::text::shown;
use std::fmt;

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
pub struct Denial {
    /// The action.
    pub action: String,
    /// Why.
    pub cause: Cause,
    /// The decision hangs on what nobody could tell the simulator, such as the owner's address.
    pub is_unsure: bool,
}

impl Denial {
    /// What the owner cannot do.
    pub fn need(&self) -> Need {
        if self.action.eq_ignore_ascii_case("iam:EnableMFADevice") { Need::Enable } else { Need::ReadSeed }
    }

    /// Whether it is so for sure, and not only because a policy is too new to count.
    fn is_sure(&self) -> bool {
        !self.is_unsure && self.cause != Cause::NotAllowed
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = shown(&self.action);
        match &self.cause {
            Cause::Policies(policies) if policies.is_empty() => {
                write!(f, "{action} is denied without MFA by a policy that AWS does not name")
            }
            Cause::Policies(policies) => {
                let policies: Vec<String> = policies.iter().map(|policy| shown(policy)).collect();
                write!(
                    f,
                    "{action} is denied without MFA by the policy {}",
                    policies.join(" and the policy ")
                )
            }
            Cause::Organization => {
                write!(f, "{action} is denied without MFA by a service control policy of the organization")
            }
            Cause::Boundary => write!(f, "{action} is outside the user's permissions boundary"),
            Cause::NotAllowed => write!(f, "{action} is allowed by none of the user's policies"),
        }?;
        f.write_str(if self.is_unsure { " (perhaps: it hangs on what is not known here)" } else { "" })
    }
}

/// What the simulator said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// What is not allowed.
    Answered(Vec<Denial>),
    /// It gave no answer.
    Unanswered,
}

impl Preflight {
    fn denials(&self) -> &[Denial] {
        match self {
            Preflight::Answered(denials) => denials,
            Preflight::Unanswered => &[],
        }
    }

    /// Whether the owner is known to be able to enable a device: nothing at all stands against it. Who is not must never
    /// be quarantined.
    pub fn is_able_to_enroll(&self) -> bool {
        *self != Preflight::Unanswered && self.denials().iter().all(|denial| denial.need() != Need::Enable)
    }

    /// Whether the owner is known to be unable to enable a device. `policy_counts`: an enrollment policy that was attached
    /// has been so for a while, or there is none.
    pub fn is_unable_to_enroll(&self, policy_counts: bool) -> bool {
        let blocks = |denial: &Denial| {
            let sure = denial.is_sure() || (policy_counts && denial.cause == Cause::NotAllowed);
            denial.need() == Need::Enable && sure
        };
        self.denials().iter().any(blocks)
    }

    /// Whether a policy of the account surely keeps the owner from reading its seed, so that the prepared device need not
    /// be shown. An organization's word hides nothing: the simulator does not know all of its conditions. A permissions
    /// boundary does not matter either: it does not limit what the secret's own policy grants.
    pub fn keeps_from_seed(&self) -> bool {
        let hides = |denial: &Denial| {
            denial.need() == Need::ReadSeed && !denial.is_unsure && matches!(denial.cause, Cause::Policies(_))
        };
        self.denials().iter().any(hides)
    }

    /// What stands in the way for sure, for operations.
    pub fn blockers(&self) -> impl Iterator<Item = &Denial> {
        let reads = |denial: &&Denial| denial.need() == Need::Enable || denial.cause != Cause::Boundary;
        self.denials().iter().filter(|denial| denial.is_sure()).filter(reads)
    }

    /// What keeps the owner from enabling a device, however unsure: why nobody is quarantined.
    pub fn reasons_not_to_quarantine(&self) -> Vec<String> {
        if *self == Preflight::Unanswered {
            return vec!["IAM's simulator gave no answer whether the owner can enroll".to_owned()];
        }
        let denials = self.denials().iter().filter(|denial| denial.need() == Need::Enable);
        denials.map(ToString::to_string).collect()
    }
}
