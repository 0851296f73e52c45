//! What users have used up of their grace periods before.

use crate::builders::now;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::rules::history::{History, KEY_PREFIX};
use proptest::prelude::*;
use std::collections::BTreeMap;

const FIVE_DAYS: SignedDuration = SignedDuration::from_hours(5 * 24);

fn days_later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

#[test]
fn what_was_used_is_remembered_for_thirty_days() {
    let mut history = History::default();
    history.note("AIDAONE", FIVE_DAYS, now());
    let tags = history.changes();
    for (days, used) in
        [(0, FIVE_DAYS), (30, FIVE_DAYS), (31, SignedDuration::ZERO), (-1, SignedDuration::ZERO)]
    {
        assert_eq!(History::parse(&tags, days_later(days)).used("AIDAONE"), used, "after {days} days");
    }
    assert_eq!(History::parse(&tags, now()).used("AIDATWO"), SignedDuration::ZERO);
}

#[test]
fn what_is_noted_later_stands_for_what_was_noted_before() {
    let mut history = History::default();
    history.note("AIDAONE", FIVE_DAYS, now());
    let mut history = History::parse(&history.changes(), days_later(20));
    history.note("AIDAONE", FIVE_DAYS * 2, days_later(20));
    assert_eq!(History::parse(&history.changes(), days_later(45)).used("AIDAONE"), FIVE_DAYS * 2);
}

#[test]
fn only_tags_that_have_changed_are_written() {
    let mut history = History::default();
    (0..50).for_each(|user| history.note(&format!("AIDA{user}"), FIVE_DAYS, now()));
    let mut history = History::parse(&history.changes(), now());
    assert!(history.changes().is_empty());
    history.note("AIDA7", FIVE_DAYS, now());
    assert_eq!(history.changes().len(), 1);
}

#[test]
fn what_stands_in_another_tag_than_its_own_was_written_by_somebody_else() {
    let mut history = History::default();
    history.note("AIDAONE", FIVE_DAYS, now());
    let tags = history.changes();
    for key in ["mfa-warden:closed-99", "mfa-warden:closed-", "mfa-warden:closed-007"] {
        let moved = tags.values().map(|value| (key.to_owned(), value.clone())).collect();
        assert_eq!(History::parse(&moved, now()).used("AIDAONE"), SignedDuration::ZERO, "{key}");
    }
}

#[test]
fn of_a_thousand_closed_on_one_day_the_newest_are_remembered() {
    let mut tags = BTreeMap::new();
    for user in 0..1000 {
        let mut history = History::parse(&tags, now());
        history.note(&format!("AIDA{user}"), FIVE_DAYS, now());
        assert_eq!(
            History::parse(&history.changes(), now()).used(&format!("AIDA{user}")),
            FIVE_DAYS,
            "{user}"
        );
        tags.extend(history.changes());
    }
}

#[test]
fn where_there_is_no_room_those_closed_longest_ago_are_forgotten() {
    let mut tags = BTreeMap::new();
    for user in 0..2000 {
        let at = days_later(user / 100);
        let mut history = History::parse(&tags, at);
        history.note(&format!("AIDA{user}"), FIVE_DAYS, at);
        tags.extend(history.changes());
    }
    let history = History::parse(&tags, days_later(20));
    let known = |user: i64| history.used(&format!("AIDA{user}")) == FIVE_DAYS;
    assert!((1900..2000).all(known), "the newest are known");
    assert!((0..2000).filter(|user| known(*user)).count() >= 250);
    assert!(!(0..100).any(known));
    assert!(tags.len() <= 24 && tags.values().all(|value| value.len() <= 256));
}

proptest! {
    #[test]
    fn no_tag_of_others_breaks_it(values in prop::collection::vec(".{0,300}", 0..5), id in ".{0,30}") {
        let tags = values.into_iter().zip(0..).map(|(value, n)| (format!("{KEY_PREFIX}{n}"), value)).collect();
        let mut history = History::parse(&tags, now());
        history.note(&id, FIVE_DAYS, now());
        let written = history.changes();
        prop_assert_eq!(History::parse(&written, now()).used(&id), FIVE_DAYS);
        prop_assert!(written.values().all(|value| value.len() <= 256 && value.bytes().all(|b| b.is_ascii_hexdigit())));
    }

    #[test]
    fn any_time_is_remembered_to_the_second(seconds in -10_000_000_i64..30_000_000) {
        let mut history = History::default();
        history.note("AIDAONE", SignedDuration::from_secs(seconds), now());
        let used = History::parse(&history.changes(), now()).used("AIDAONE").as_secs();
        prop_assert_eq!(used, seconds.clamp(0, 0xff_ffff));
    }
}
