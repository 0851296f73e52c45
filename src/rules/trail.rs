//! Whether IAM events reach the function: which trails could deliver them.

use crate::model::account::Account;
use crate::model::trail::Trail;

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
