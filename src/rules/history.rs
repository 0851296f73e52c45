//! How much of their grace periods users have used up: a user who switches MFA on and off gets no new grace period each
//! time. Pure. Tags of the operations topic store it, because the secret is deleted with the enrollment.

use crate::model::hash::fnv1a_32;
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The prefix of its tags' keys; a number follows.
pub const KEY_PREFIX: &str = "mfa-warden:closed-";

/// The days with MFA after which everything is forgotten and the next grace period is a whole one.
const FORGOTTEN_AFTER_DAYS: i64 = 30;

/// The number of its tags. A topic can have 50 tags.
const TAGS: u32 = 24;

/// Users per tag: a value can have 256 characters.
const USERS_A_TAG: usize = 14;

/// The characters per user, all hexadecimal digits: eight for a digest of the unique id, six for the seconds used, four
/// for the day (since 1970) on which the enrollment was closed.
const ENTRY_LENGTH: usize = 18;

const LONGEST_SECONDS: i64 = 0xff_ffff;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Used {
    seconds: i64,
    day: i64,
}

/// The users whose enrollments were closed recently.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    users: BTreeMap<u32, Used>,
    /// Those that this run recorded.
    noted: BTreeSet<u32>,
}

impl History {
    /// Reads a topic's tags. Entries that are too old are left out. So are those that somebody else wrote: malformed, in
    /// the future, or in the wrong tag.
    pub fn parse(tags: &BTreeMap<String, String>, now: Timestamp) -> Self {
        let known = |used: &Used| (0..=FORGOTTEN_AFTER_DAYS).contains(&(day(now) - used.day));
        let of_tag = |number: u32| {
            let value = tags.get(&format!("{KEY_PREFIX}{number}")).map(String::as_bytes).unwrap_or_default();
            let entries = value.chunks(ENTRY_LENGTH).filter_map(parse_entry);
            entries.filter(move |(user, _)| user % TAGS == number)
        };
        let users = (0..TAGS).flat_map(of_tag).filter(|(_, used)| known(used)).collect();
        History { users, noted: BTreeSet::new() }
    }

    /// How much of its grace period the user has used up in closed enrollments.
    pub fn used(&self, user_id: &str) -> SignedDuration {
        let used = self.users.get(&fnv1a_32(user_id.as_bytes()));
        SignedDuration::from_secs(used.map_or(0, |used| used.seconds))
    }

    /// Records how much of its grace period a user has used up when its enrollment is closed.
    pub fn note(&mut self, user_id: &str, used: SignedDuration, now: Timestamp) {
        let user = fnv1a_32(user_id.as_bytes());
        let used = Used { seconds: used.as_secs().clamp(0, LONGEST_SECONDS), day: day(now) };
        self.users.insert(user, used);
        self.noted.insert(user);
    }

    /// The tags that have changed. If a tag is full, the enrollments that were closed longest ago are forgotten; of the same
    /// day, those that used least.
    pub fn changes(&self) -> BTreeMap<String, String> {
        let tag = |number: u32| {
            let mut users: Vec<_> = self.users.iter().filter(|(user, _)| *user % TAGS == number).collect();
            users.sort_by_key(|(user, used)| Reverse((self.noted.contains(user), used.day, used.seconds)));
            let entry =
                |(user, used): &(&u32, &Used)| format!("{user:08x}{:06x}{:04x}", used.seconds, used.day);
            (format!("{KEY_PREFIX}{number}"), users.iter().take(USERS_A_TAG).map(entry).collect())
        };
        let numbers: BTreeSet<u32> = self.noted.iter().map(|user| user % TAGS).collect();
        numbers.into_iter().map(tag).collect()
    }
}

fn day(time: Timestamp) -> i64 {
    (time.as_second() / 86_400).clamp(0, 0xffff)
}

fn parse_entry(entry: &[u8]) -> Option<(u32, Used)> {
    let is_whole = entry.len() == ENTRY_LENGTH && entry.iter().all(u8::is_ascii_hexdigit);
    let entry = std::str::from_utf8(entry).ok().filter(|_| is_whole)?;
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let (user, rest) = entry.split_at(8);
    let (seconds, day) = rest.split_at(6);
    Some((number(user)?, Used { seconds: number(seconds)?.into(), day: number(day)?.into() }))
}
