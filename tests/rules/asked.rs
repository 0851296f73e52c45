//! When addresses were last asked to confirm their subscriptions.

use crate::builders::now;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::rules::asked::{Asked, KEY_PREFIX};
use std::collections::BTreeMap;

const ALICE: &str = "alice@example.com";

fn days_later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

fn asked_now() -> BTreeMap<String, String> {
    let mut asked = Asked::default();
    asked.note(ALICE, now());
    asked.changes()
}

#[test]
fn an_address_is_asked_at_once_and_again_when_more_than_two_days_have_passed() {
    assert!(Asked::default().may_be_asked(ALICE, false, now()));
    let tags = asked_now();
    for (days, may) in [(0, false), (2, false), (3, true), (30, true)] {
        let asked = Asked::parse(&tags, days_later(days));
        assert!(asked.knows(ALICE));
        assert_eq!(asked.may_be_asked(ALICE, true, days_later(days)), may, "after {days} days");
        assert_eq!(asked.may_be_asked(ALICE, false, days_later(days)), may, "its subscription is gone");
    }
}

#[test]
fn an_address_that_waits_since_an_unknown_time_is_not_asked_at_once() {
    assert!(!Asked::default().may_be_asked(ALICE, true, now()));
}

#[test]
fn an_address_that_never_confirms_is_asked_three_times_and_no_more() {
    let mut tags = BTreeMap::new();
    let mut asks = 0;
    for day in 0..200 {
        let mut asked = Asked::parse(&tags, days_later(day));
        if asked.may_be_asked(ALICE, day > 0, days_later(day)) {
            asks += 1;
            asked.note(ALICE, days_later(day));
            tags.extend(asked.changes());
        }
    }
    assert_eq!(asks, 3);
}

#[test]
fn a_mailbox_is_the_same_in_any_case_and_others_are_not_meant() {
    let asked = Asked::parse(&asked_now(), days_later(1));
    assert!(!asked.may_be_asked("Alice@Example.COM", false, days_later(1)));
    assert!(!asked.knows("bob@example.com") && asked.may_be_asked("bob@example.com", false, days_later(1)));
}

#[test]
fn what_is_no_entry_or_is_forgotten_lapses_nothing() {
    for tags in [
        BTreeMap::new(),
        asked_now().into_keys().map(|key| (key, "nonsense".to_owned())).collect(),
        asked_now().into_iter().map(|(key, value)| (key.replace(KEY_PREFIX, "x-"), value)).collect(),
    ] {
        assert!(!Asked::parse(&tags, days_later(5)).knows(ALICE), "{tags:?}");
    }
    assert!(!Asked::parse(&asked_now(), days_later(366)).knows(ALICE));
    assert!(!Asked::parse(&asked_now(), days_later(-1)).knows(ALICE), "a time in the future was forged");
}

#[test]
fn many_waiting_addresses_fit_and_each_tag_is_one_that_sns_takes() {
    let mut asked = Asked::default();
    let address = |number: usize| format!("user-{number}@example.com");
    (0..120).for_each(|number| asked.note(&address(number), now()));
    let tags = asked.changes();
    assert!(tags.values().all(|value| value.len() <= 256), "{tags:?}");
    let read = Asked::parse(&tags, now());
    let kept = (0..120).filter(|number| read.knows(&address(*number))).count();
    assert!(kept > 110, "{kept} of 120");
}
