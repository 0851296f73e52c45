//! What follows from the answer of IAM's policy simulator: whether and how an owner can enroll.

use crate::model::blocker::{Blocker, Cause, Need, NotQuarantined};
use crate::model::known::Known;

impl Blocker {
    /// Whether it blocks for sure. A missing permission is unsure: the policy may be too new to count.
    fn is_sure(&self) -> bool {
        !self.is_unsure && self.cause != Cause::NotAllowed
    }
}

impl Known<Vec<Blocker>> {
    fn each(&self) -> impl Iterator<Item = &Blocker> {
        self.value().into_iter().flatten()
    }

    /// Whether the owner is known to be able to enable a device: nothing blocks that call. Otherwise the user must never be
    /// quarantined.
    pub fn is_able_to_enroll(&self) -> bool {
        self.is_and(|blockers| blockers.iter().all(|blocker| blocker.need != Need::Enable))
    }

    /// Whether the owner is known to be unable to enable a device. `policy_counts`: the enrollment policy was attached long
    /// enough ago to count, or none is set.
    pub fn is_unable_to_enroll(&self, policy_counts: bool) -> bool {
        let blocks = |blocker: &Blocker| {
            let is_sure = blocker.is_sure() || (policy_counts && blocker.cause == Cause::NotAllowed);
            blocker.need == Need::Enable && is_sure
        };
        self.each().any(blocks)
    }

    /// Whether a policy of the account surely keeps the owner from reading the seed, so that messages need not show the
    /// prepared device. Service control policies do not count: the simulator does not know all their conditions. A
    /// permissions boundary does not count either: it does not limit what the secret's own policy grants.
    pub fn keeps_from_seed(&self) -> bool {
        let hides = |blocker: &Blocker| {
            blocker.need == Need::ReadSeed
                && !blocker.is_unsure
                && matches!(blocker.cause, Cause::Policies(_))
        };
        self.each().any(hides)
    }

    /// What surely blocks enrolling, for messages to operations.
    pub fn sure(&self) -> impl Iterator<Item = &Blocker> {
        let matters = |blocker: &&Blocker| blocker.need == Need::Enable || blocker.cause != Cause::Boundary;
        self.each().filter(|blocker| blocker.is_sure()).filter(matters)
    }

    /// What keeps the owner from enabling a device, for sure or perhaps: why a user is not quarantined.
    pub fn reasons_not_to_quarantine(&self) -> Vec<NotQuarantined> {
        match self {
            Known::NotAsked => Vec::new(),
            Known::Unreadable => vec![NotQuarantined::NoAnswer],
            Known::Is(blockers) => {
                let enabling = blockers.iter().filter(|blocker| blocker.need == Need::Enable);
                enabling.cloned().map(NotQuarantined::Denied).collect()
            }
        }
    }
}
