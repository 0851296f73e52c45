//! What would change a row, found by trying it.

use crate::builders::*;
use mfa_warden::Settings;
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::rule::Rule;
use mfa_warden::model::user::Attached;
use mfa_warden::rules::explain::{Change, explain};

/// The changes and the rows that they lead to.
fn changes(facts: &UserFacts, settings: &Settings) -> (Rule, Vec<(Change, Rule)>) {
    let explanation = explain(facts.clone(), settings, now());
    (explanation.plan.rule, explanation.changes)
}

const QUARANTINE_SET: [(&str, &str); 2] =
    [("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", QUARANTINE)];

#[test]
fn of_a_user_who_was_invited_yesterday_each_way_on_is_named() {
    let mut facts = enrolled_since(user("alice"), "1d");
    secret(&mut facts).tags.insert(tag::LAST_NOTICE_AT.to_owned(), ago("1d").to_string());
    let (rule, changes) = changes(&facts, &settings(&[]));
    assert_eq!(rule, Rule::NothingDue);
    assert_eq!(
        changes,
        [
            (Change::Enrolls, Rule::HasMfa),
            (Change::Exempted, Rule::NeedNotEnroll),
            (Change::Until(ago("-2d")), Rule::ReminderDue),
        ]
    );
}

#[test]
fn when_the_quarantine_comes_is_told_where_nothing_comes_before() {
    let mut facts = enrolled_since(user("alice"), "13d");
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    let (_, before) = changes(&facts, &settings(&QUARANTINE_SET));
    assert!(before.contains(&(Change::Until(ago("-1d")), Rule::QuarantineDue)), "{before:?}");
    let (rule, after) =
        changes(&enrolled_since(user("alice"), "15d"), &settings(&[("QUARANTINE_POLICY_ARN", QUARANTINE)]));
    assert_eq!(rule, Rule::NothingDue);
    assert!(after.contains(&(Change::QuarantineSet, Rule::QuarantineDue)), "{after:?}");
}

#[test]
fn outside_the_hours_the_quarantine_comes_when_they_begin() {
    // The time of the tests is a Monday at noon.
    let mut facts = enrolled_since(user("alice"), "15d");
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    let more = [QUARANTINE_SET.as_slice(), &[("QUARANTINE_HOURS", "Wed 09:00-17:00")]].concat();
    let (rule, changes) = changes(&facts, &settings(&more));
    assert_eq!(rule, Rule::OutsideQuarantineHours);
    let wednesday = "2026-06-17T09:00:00Z".parse().unwrap();
    assert!(changes.contains(&(Change::Until(wednesday), Rule::QuarantineDue)), "{changes:?}");
}

#[test]
fn that_a_device_is_not_listed_yet_is_no_announcement_that_it_breaks() {
    let mut facts = enrolled_since(user("alice"), "1m");
    facts.devices.clear();
    let (rule, changes) = changes(&facts, &settings(&[]));
    assert_eq!(rule, Rule::Settling);
    assert!(!changes.iter().any(|(_, rule)| *rule == Rule::Broken), "{changes:?}");
}

#[test]
fn of_an_owner_whom_nobody_reaches_a_subscription_is_what_changes_it() {
    let mut facts = user("alice");
    facts.delivery = Known::Is(Delivery::Unreached);
    let (rule, changes) = changes(&facts, &settings(&[]));
    assert_eq!(rule, Rule::Unreachable);
    assert!(changes.contains(&(Change::Reached, Rule::NotPrepared)), "{changes:?}");
}

#[test]
fn outside_the_pilot_being_admitted_is_what_changes_it() {
    let (rule, changes) = changes(&user("alice"), &settings(&[("PILOT", "/team-a/")]));
    assert_eq!(rule, Rule::OutsidePilot);
    assert!(changes.contains(&(Change::Admitted, Rule::NotPrepared)), "{changes:?}");
}

#[test]
fn a_user_with_mfa_is_told_of_its_loss_only() {
    let (rule, changes) = changes(&with_mfa(user("alice")), &settings(&[]));
    assert_eq!((rule, changes), (Rule::HasMfa, vec![(Change::LosesMfa, Rule::NotPrepared)]));
}

#[test]
fn facts_that_were_not_asked_change_nothing_that_is_shown() {
    let mut facts = user("alice");
    facts.delivery = Known::NotAsked;
    let explanation = explain(facts.clone(), &settings(&[]), now());
    assert_eq!(explanation.facts, facts);
    assert_eq!(explanation.plan.rule, Rule::NotPrepared);
}

#[test]
fn an_exemption_takes_the_place_of_an_ended_one_however_its_key_is_written() {
    let mut facts = enrolled_since(user("alice"), "1d");
    facts.tags.insert("MFA-Exempt".to_owned(), "2020-01-01 broken phone".to_owned());
    let (_, changes) = changes(&facts, &settings(&[]));
    assert!(changes.contains(&(Change::Exempted, Rule::NeedNotEnroll)), "{changes:?}");
}
