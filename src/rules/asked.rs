//! When SNS asked addresses to confirm their subscriptions, and how often. The link in its mail works for two days only,
//! so an owner who missed it is asked again, but not for ever: a mistyped address is a stranger's. Pure. Tags of the
//! operations topic store it.

use crate::rules::tag_table::{Place, TagTable, day};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The prefix of its tags' keys; a number follows.
pub const KEY_PREFIX: &str = "mfa-warden:asked-";

/// A topic takes 200 filter policies, so hardly more addresses than these tags hold can wait.
static PLACE: Place = Place { key_prefix: KEY_PREFIX, tags: 12, forgotten_after_days: 365 };

/// Whole days after which an address is asked again: more than two, whatever the hour.
const AGAIN_AFTER_DAYS: i64 = 3;

/// How often an address is asked.
const ASKS: i64 = 3;

/// The addresses that were asked.
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

    /// Whether the address may be asked now. `waits`: it has a subscription that is not confirmed, and so was asked before.
    pub fn may_be_asked(&self, address: &str, waits: bool, now: Timestamp) -> bool {
        match self.0.get(&key(address)) {
            Some(row) => day(now) - row.day >= AGAIN_AFTER_DAYS && row.number < ASKS,
            None => !waits,
        }
    }

    /// Records that the address is asked now, or is seen to wait for the first time.
    pub fn note(&mut self, address: &str, now: Timestamp) {
        let asks = self.0.get(&key(address)).map_or(0, |row| row.number);
        self.0.note(&key(address), asks + 1, now);
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
