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
fn a_link_lapses_when_more_than_two_days_have_passed() {
    let tags = asked_now();
    for (days, has_lapsed) in [(0, false), (2, false), (3, true), (30, true)] {
        let asked = Asked::parse(&tags, days_later(days));
        assert!(asked.knows(ALICE));
        assert_eq!(asked.has_lapsed(ALICE, days_later(days)), has_lapsed, "after {days} days");
    }
}

#[test]
fn a_mailbox_is_the_same_in_any_case_and_others_are_not_meant() {
    let asked = Asked::parse(&asked_now(), days_later(5));
    assert!(asked.has_lapsed("Alice@Example.COM", days_later(5)));
    assert!(!asked.knows("bob@example.com") && !asked.has_lapsed("bob@example.com", days_later(5)));
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
    assert!(!Asked::parse(&asked_now(), days_later(31)).knows(ALICE));
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
