//! When SNS last asked addresses to confirm their subscriptions. The link in its mail works for two days only, so an owner
//! who missed it is asked again. Pure. Tags of the operations topic store it.

use crate::rules::tag_table::{Place, TagTable, day};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The prefix of its tags' keys; a number follows.
pub const KEY_PREFIX: &str = "mfa-warden:asked-";

/// A topic takes 200 filter policies, so hardly more addresses than these tags hold can wait.
static PLACE: Place = Place { key_prefix: KEY_PREFIX, tags: 12, forgotten_after_days: 30 };

/// Whole days after which an address is asked again: more than two, whatever the hour.
const AGAIN_AFTER_DAYS: i64 = 3;

/// The addresses whose subscriptions wait to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked(TagTable);

impl Default for Asked {
    fn default() -> Self {
        Asked(TagTable::empty(&PLACE))
    }
}

impl Asked {
    /// Reads a topic's tags.
    pub fn parse(tags: &BTreeMap<String, String>, now: Timestamp) -> Self {
        Asked(TagTable::parse(&PLACE, tags, now))
    }

    /// Whether it is known when the address was asked.
    pub fn knows(&self, address: &str) -> bool {
        self.0.get(&key(address)).is_some()
    }

    /// Whether the link that the address got no longer works.
    pub fn has_lapsed(&self, address: &str, now: Timestamp) -> bool {
        self.0.get(&key(address)).is_some_and(|row| day(now) - row.day >= AGAIN_AFTER_DAYS)
    }

    /// Records that the address is asked now, or is seen to wait for the first time.
    pub fn note(&mut self, address: &str, now: Timestamp) {
        self.0.note(&key(address), 0, now);
    }

    /// The tags that have changed. If a tag is full, the addresses that were asked longest ago are forgotten.
    pub fn changes(&self) -> BTreeMap<String, String> {
        self.0.changes()
    }
}

/// Mailboxes are the same in any case.
fn key(address: &str) -> String {
    address.to_ascii_lowercase()
}
