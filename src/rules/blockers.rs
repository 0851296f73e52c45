//! What follows from the simulator's answer: whether an owner can enroll, and in which way.

use crate::model::blocker::{Blocker, Cause, Need, NotQuarantined, Preflight};

impl Blocker {
    /// What the owner cannot do.
    pub fn need(&self) -> Need {
        if self.action.eq_ignore_ascii_case("iam:EnableMFADevice") { Need::Enable } else { Need::ReadSeed }
    }

    /// Whether it is so for sure, and not only because a policy is too new to count.
    fn is_sure(&self) -> bool {
        !self.is_unsure && self.cause != Cause::NotAllowed
    }
}

impl Preflight {
    fn denials(&self) -> &[Blocker] {
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
        let blocks = |denial: &Blocker| {
            let sure = denial.is_sure() || (policy_counts && denial.cause == Cause::NotAllowed);
            denial.need() == Need::Enable && sure
        };
        self.denials().iter().any(blocks)
    }

    /// Whether a policy of the account surely keeps the owner from reading its seed, so that the prepared device need not
    /// be shown. An organization's word hides nothing: the simulator does not know all of its conditions. A permissions
    /// boundary does not matter either: it does not limit what the secret's own policy grants.
    pub fn keeps_from_seed(&self) -> bool {
        let hides = |denial: &Blocker| {
            denial.need() == Need::ReadSeed && !denial.is_unsure && matches!(denial.cause, Cause::Policies(_))
        };
        self.denials().iter().any(hides)
    }

    /// What stands in the way for sure, for operations.
    pub fn blockers(&self) -> impl Iterator<Item = &Blocker> {
        let reads = |denial: &&Blocker| denial.need() == Need::Enable || denial.cause != Cause::Boundary;
        self.denials().iter().filter(|denial| denial.is_sure()).filter(reads)
    }

    /// What keeps the owner from enabling a device, however unsure: why nobody is quarantined.
    pub fn reasons_not_to_quarantine(&self) -> Vec<NotQuarantined> {
        if *self == Preflight::Unanswered {
            return vec![NotQuarantined::NoAnswer];
        }
        let denials = self.denials().iter().filter(|denial| denial.need() == Need::Enable);
        denials.cloned().map(NotQuarantined::Denied).collect()
    }
}
