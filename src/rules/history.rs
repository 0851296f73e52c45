//! How much of their grace periods users have used up: a user who switches MFA on and off gets no new grace period each
//! time. Pure. Tags of the operations topic store it, because the secret is deleted with the enrollment.

use crate::rules::tag_table::{Place, TagTable};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The prefix of its tags' keys; a number follows.
pub const KEY_PREFIX: &str = "mfa-warden:closed-";

/// After thirty days with MFA everything is forgotten, and the next grace period is a whole one.
static PLACE: Place = Place { key_prefix: KEY_PREFIX, tags: 24, forgotten_after_days: 30 };

/// The users whose enrollments were closed recently: the day of it, and the seconds used by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History(TagTable);

impl Default for History {
    fn default() -> Self {
        History(TagTable::empty(&PLACE))
    }
}

impl History {
    /// Reads a topic's tags. Entries that are too old are left out. So are those that somebody else wrote: malformed, in
    /// the future, or in the wrong tag.
    pub fn parse(tags: &BTreeMap<String, String>, now: Timestamp) -> Self {
        History(TagTable::parse(&PLACE, tags, now))
    }

    /// How much of its grace period the user has used up in closed enrollments.
    pub fn used(&self, user_id: &str) -> SignedDuration {
        SignedDuration::from_secs(self.0.get(user_id).map_or(0, |row| row.number))
    }

    /// Records how much of its grace period a user has used up when its enrollment is closed.
    pub fn note(&mut self, user_id: &str, used: SignedDuration, now: Timestamp) {
        self.0.note(user_id, used.as_secs(), now);
    }

    /// The tags that have changed. If a tag is full, the enrollments that were closed longest ago are forgotten; of the same
    /// day, those that used least.
    pub fn changes(&self) -> BTreeMap<String, String> {
        self.0.changes()
    }
}
