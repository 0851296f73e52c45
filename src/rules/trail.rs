//! Whether IAM events reach the function: which trails could deliver them.

use crate::model::account::Account;
use crate::model::text::rfc3339;
use crate::model::trail::{IamEvents, Trail};
use jiff::{SignedDuration, Timestamp};
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

/// How long a problem is not told again.
const SILENCE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What operations were told last, and when. They were told nothing as long as a trail delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub events: IamEvents,
    /// When.
    pub at: Timestamp,
}

impl Told {
    /// Reads a topic's tags. What is malformed or in the future was written by somebody else, and silences nothing.
    pub fn read(tags: &BTreeMap<String, String>, now: Timestamp) -> Option<Self> {
        let (name, at) = tags.get(TAG)?.split_once(' ')?;
        let events = IamEvents::ALL.into_iter().find(|events| events.name() == name)?;
        Some(Told { events, at: at.parse().ok().filter(|at| *at <= now)? })
    }

    /// The value of the tag.
    pub fn tag(self) -> String {
        format!("{} {}", self.events.name(), rfc3339(self.at))
    }
}

impl IamEvents {
    fn is_problem(self) -> bool {
        matches!(self, IamEvents::None | IamEvents::Unknown)
    }

    /// Whether operations should hear of this now: of a problem that they were not told of in the last week, or of the end
    /// of one.
    pub fn is_news(self, told: Option<Told>, now: Timestamp) -> bool {
        match told {
            Some(told) if told.events.is_problem() => {
                told.events != self || now.duration_since(told.at) >= SILENCE
            }
            Some(_) | None => self.is_problem(),
        }
    }
}
