//! A small table in tags of the operations topic: for each user or address a number and a day. Pure.

use crate::model::hash::fnv1a_32;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Rows per tag: a value can have 256 characters.
const ROWS_A_TAG: usize = 14;

/// The characters per row, all hexadecimal digits: eight for a digest of the key, six for the number, four for the day
/// (since 1970).
const ROW_LENGTH: usize = 18;

const LARGEST_NUMBER: i64 = 0xff_ffff;

/// Which tags hold a table, and for how long its rows count.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The prefix of the tags' keys; a number follows.
    pub(super) key_prefix: &'static str,
    /// The number of tags. A topic can have 50 tags.
    pub(super) tags: u32,
    /// The days after which a row is forgotten.
    pub(super) forgotten_after_days: i64,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: i64,
    pub(super) day: i64,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagTable {
    place: &'static Place,
    rows: BTreeMap<u32, Row>,
    /// The rows that this run wrote.
    noted: BTreeSet<u32>,
}

impl TagTable {
    pub(super) fn empty(place: &'static Place) -> Self {
        TagTable { place, rows: BTreeMap::new(), noted: BTreeSet::new() }
    }

    /// Reads a topic's tags. Rows that are too old are left out. So are those that somebody else wrote: malformed, in the
    /// future, or in the wrong tag.
    pub(super) fn parse(place: &'static Place, tags: &BTreeMap<String, String>, now: Timestamp) -> Self {
        let known = |row: &Row| (0..=place.forgotten_after_days).contains(&(day(now) - row.day));
        let of_tag = |number: u32| {
            let value = tags.get(&format!("{}{number}", place.key_prefix)).map(String::as_bytes);
            let rows = value.unwrap_or_default().chunks(ROW_LENGTH).filter_map(parse_row);
            rows.filter(move |(key, _)| key % place.tags == number)
        };
        let rows = (0..place.tags).flat_map(of_tag).filter(|(_, row)| known(row)).collect();
        TagTable { rows, ..TagTable::empty(place) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Row> {
        self.rows.get(&fnv1a_32(key.as_bytes())).copied()
    }

    pub(super) fn note(&mut self, key: &str, number: i64, now: Timestamp) {
        let key = fnv1a_32(key.as_bytes());
        self.rows.insert(key, Row { number: number.clamp(0, LARGEST_NUMBER), day: day(now) });
        self.noted.insert(key);
    }

    /// The tags that have changed. If a tag is full, the oldest rows are forgotten; of the same day, those with the
    /// smallest numbers.
    pub(super) fn changes(&self) -> BTreeMap<String, String> {
        let tag = |number: u32| {
            let mut rows: Vec<_> =
                self.rows.iter().filter(|(key, _)| *key % self.place.tags == number).collect();
            rows.sort_by_key(|(key, row)| Reverse((self.noted.contains(key), row.day, row.number)));
            let row = |(key, row): &(&u32, &Row)| format!("{key:08x}{:06x}{:04x}", row.number, row.day);
            (format!("{}{number}", self.place.key_prefix), rows.iter().take(ROWS_A_TAG).map(row).collect())
        };
        let numbers: BTreeSet<u32> = self.noted.iter().map(|key| key % self.place.tags).collect();
        numbers.into_iter().map(tag).collect()
    }
}

/// The day of a time, since 1970.
pub(super) fn day(time: Timestamp) -> i64 {
    (time.as_second() / 86_400).clamp(0, 0xffff)
}

fn parse_row(row: &[u8]) -> Option<(u32, Row)> {
    let is_whole = row.len() == ROW_LENGTH && row.iter().all(u8::is_ascii_hexdigit);
    let row = std::str::from_utf8(row).ok().filter(|_| is_whole)?;
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let (key, rest) = row.split_at(8);
    let (value, day) = rest.split_at(6);
    Some((number(key)?, Row { number: number(value)?.into(), day: number(day)?.into() }))
}
