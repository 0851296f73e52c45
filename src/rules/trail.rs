//! Whether IAM events reach the function: which trails could deliver them.

use crate::model::account::Account;
use crate::model::trail::{IamEvents, Trail};
use std::collections::BTreeMap;

/// The tag of the operations topic that records what operations were told last of the trails.
pub const TAG: &str = "mfa-warden:iam-events";

impl Account {
    /// Whether IAM events reach EventBridge in the function's region: each partition has one region for them.
    pub fn gets_iam_events(&self) -> bool {
        self.region == self.iam_region()
    }
}

/// The trails that deliver IAM events in this region if they log, the organization's first.
pub fn candidates<'a>(trails: &'a [Trail], region: &str) -> Vec<&'a Trail> {
    let is_here = |trail: &&Trail| trail.is_multi_region || trail.home_region == region;
    let mut found: Vec<&Trail> =
        trails.iter().filter(is_here).filter(|trail| trail.has_global_events).collect();
    found.sort_by_key(|trail| !trail.is_organization);
    found
}

impl IamEvents {
    /// What operations were told last. They were told nothing as long as a trail delivered.
    pub fn told(tags: &BTreeMap<String, String>) -> Option<Self> {
        let told = tags.get(TAG)?;
        IamEvents::ALL.into_iter().find(|events| events.name() == told)
    }

    /// Whether operations should hear of this: a problem that they were not told of, or the end of one.
    pub fn is_news(self, told: Option<IamEvents>) -> bool {
        let is_problem = |events: IamEvents| matches!(events, IamEvents::None | IamEvents::Unknown);
        match told {
            Some(told) if is_problem(told) => told != self,
            Some(_) | None => is_problem(self),
        }
    }
}
