//! What follows from the simulator's answer: whether an owner can enroll, and in which way.

use crate::model::blocker::{Blocker, Cause, Need, NotQuarantined};
use crate::model::known::Known;

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

impl Known<Vec<Blocker>> {
    fn each(&self) -> impl Iterator<Item = &Blocker> {
        self.value().into_iter().flatten()
    }

    /// Whether the owner is known to be able to enable a device: nothing at all blocks it. A user that is not must never
    /// be quarantined.
    pub fn is_able_to_enroll(&self) -> bool {
        self.is_and(|blockers| blockers.iter().all(|blocker| blocker.need() != Need::Enable))
    }

    /// Whether the owner is known to be unable to enable a device. `policy_counts`: an enrollment policy that was attached
    /// has been so for a while, or there is none.
    pub fn is_unable_to_enroll(&self, policy_counts: bool) -> bool {
        let blocks = |blocker: &Blocker| {
            let is_sure = blocker.is_sure() || (policy_counts && blocker.cause == Cause::NotAllowed);
            blocker.need() == Need::Enable && is_sure
        };
        self.each().any(blocks)
    }

    /// Whether a policy of the account surely keeps the owner from reading its seed, so that the prepared device need not
    /// be shown. An organization's word hides nothing: the simulator does not know all of its conditions. A permissions
    /// boundary does not matter either: it does not limit what the secret's own policy grants.
    pub fn keeps_from_seed(&self) -> bool {
        let hides = |blocker: &Blocker| {
            blocker.need() == Need::ReadSeed
                && !blocker.is_unsure
                && matches!(blocker.cause, Cause::Policies(_))
        };
        self.each().any(hides)
    }

    /// What blocks enrolling for sure, for operations.
    pub fn sure(&self) -> impl Iterator<Item = &Blocker> {
        let matters = |blocker: &&Blocker| blocker.need() == Need::Enable || blocker.cause != Cause::Boundary;
        self.each().filter(|blocker| blocker.is_sure()).filter(matters)
    }

    /// What keeps the owner from enabling a device, however unsure: why a user is not quarantined.
    pub fn reasons_not_to_quarantine(&self) -> Vec<NotQuarantined> {
        match self {
            Known::NotAsked => Vec::new(),
            Known::Unreadable => vec![NotQuarantined::NoAnswer],
            Known::Is(blockers) => {
                let enabling = blockers.iter().filter(|blocker| blocker.need() == Need::Enable);
                enabling.cloned().map(NotQuarantined::Denied).collect()
            }
        }
    }
}
