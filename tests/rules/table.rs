//! The decision table: the smallest case of each row, in the order of the rows. A row's test has the row's name.

use crate::builders::*;
use mfa_warden::model::action::Postponed;
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::rule::Rule;
use mfa_warden::model::user::Attached;
use mfa_warden::model::verdict::Status;
use mfa_warden::rules::plan::{Next, Plan, next};

const NOTHING: [&str; 0] = [];
const QUARANTINE_SET: [(&str, &str); 3] = [
    ("ENROLLMENT_POLICY_ARN", ENROLLMENT),
    ("QUARANTINE_POLICY_ARN", QUARANTINE),
    ("AFTER_GRACE", "quarantine"),
];

fn plan(facts: &UserFacts, more: &[(&str, &str)]) -> Plan {
    let settings = settings(more);
    match next(facts, &verdict_of(facts, &settings), &settings, now()) {
        Next::Do(plan) => plan,
        Next::Learn(question) => panic!("{question:?} is asked"),
    }
}

/// The row that decides, and what follows.
#[track_caller]
fn assert_row(facts: &UserFacts, more: &[(&str, &str)], rule: Rule, actions: &[&str]) {
    let plan = plan(facts, more);
    assert_eq!((plan.rule, names(&plan.actions)), (rule, actions.iter().map(|a| (*a).to_owned()).collect()));
}

/// A user without MFA whose seed is that old, and who needs no policy to enroll.
fn open(age: &str) -> UserFacts {
    let mut facts = enrolled_since(user("alice"), age);
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    facts
}

#[test]
fn unknown() {
    let next = next(&open("100d"), &verdict(Status::Unknown), &settings(&[]), now());
    assert_eq!(next, Next::Do(Plan::by(Rule::Unknown)));
}

#[test]
fn user_gone() {
    let secret = open("2d").secret;
    let version = secret.as_ref().unwrap().current_version.clone().unwrap();
    let with_secret = UserFacts::gone(USER_ID, secret, vec![serial("alice", &version)]);
    assert_row(&UserFacts { secret_is_fresh: true, ..with_secret }, &[], Rule::UserGone, &["close"]);
    let devices = vec![serial("alice", &version)];
    assert_row(&UserFacts::gone("", None, devices), &[], Rule::UserGone, &["delete_device"]);
}

#[test]
fn has_mfa() {
    assert_row(&with_mfa(open("2d")), &[], Rule::HasMfa, &["close", "notify(enrolled)"]);
    assert_row(&with_mfa(user("alice")), &[], Rule::HasMfa, &NOTHING);
}

#[test]
fn need_not_enroll() {
    let mut facts = open("2d");
    facts.password = Known::Is(false);
    assert_row(&facts, &[], Rule::NeedNotEnroll, &["close", "notify(withdrawn)"]);
}

#[test]
fn retiring() {
    let retire = [("RETIRE", "true")];
    assert_row(&open("2d"), &retire, Rule::Retiring, &["close", "notify(withdrawn)"]);
    assert_row(&user("alice"), &retire, Rule::Retiring, &NOTHING);
    let mut quarantined = open("40d");
    quarantined.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    assert_row(
        &quarantined,
        &[&retire[..], &QUARANTINE_SET].concat(),
        Rule::Retiring,
        &["close", "notify(withdrawn)"],
    );
}

#[test]
fn foreign_secret() {
    let mut facts = user("alice");
    facts.foreign_secret = true;
    assert_row(&facts, &[], Rule::ForeignSecret, &NOTHING);
    assert!(plan(&facts, &[]).obstacle.is_some());
}

#[test]
fn never_reached() {
    let mut facts = open("2d");
    secret(&mut facts).tags.remove(tag::HEARD_AT);
    facts.delivery = Known::Is(Delivery::Unreached);
    assert_row(&facts, &[], Rule::NeverReached, &["close"]);
}

#[test]
fn outside_pilot() {
    assert_row(&user("alice"), &[("PILOT", "/team-a/")], Rule::OutsidePilot, &NOTHING);
    assert_eq!(plan(&user("alice"), &[("PILOT", "/team-a/")]).postponed, Some(Postponed::Pilot));
}

#[test]
fn unreachable() {
    let mut facts = user("alice");
    facts.delivery = Known::Is(Delivery::Unreached);
    assert_row(&facts, &[], Rule::Unreachable, &NOTHING);
}

#[test]
fn not_prepared() {
    assert_row(&user("alice"), &[], Rule::NotPrepared, &["provision", "notify(invitation)"]);
}

#[test]
fn broken() {
    let mut facts = open("2d");
    facts.devices.clear();
    assert_row(&facts, &[], Rule::Broken, &["provision", "notify(invitation)"]);
}

#[test]
fn offer_too_old() {
    assert_row(&open("31d"), &[], Rule::OfferTooOld, &["provision", "notify(invitation)"]);
}

#[test]
fn settling() {
    let mut facts = open("1m");
    facts.devices.clear();
    assert_row(&facts, &[], Rule::Settling, &NOTHING);
}

#[test]
fn invitation_due() {
    let mut facts = open("1d");
    secret(&mut facts).tags.remove(tag::NOTIFIED);
    assert_row(&facts, &[], Rule::InvitationDue, &["notify(invitation)"]);
}

#[test]
fn quarantine_not_told() {
    let mut facts = open("15d");
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    assert_row(&facts, &QUARANTINE_SET, Rule::QuarantineNotTold, &["notify(quarantined)"]);
}

#[test]
fn unable_to_enroll() {
    let mut facts = open("15d");
    facts.blockers = Known::Unreadable;
    let more = [QUARANTINE_SET.as_slice(), &[("PREFLIGHT", "true")]].concat();
    assert_row(&facts, &more, Rule::UnableToEnroll, &NOTHING);
    assert!(!plan(&facts, &more).not_quarantined.is_empty());
}

#[test]
fn outside_quarantine_hours() {
    // The time of the tests is a Monday at noon.
    let more = [QUARANTINE_SET.as_slice(), &[("QUARANTINE_HOURS", "Tue 09:00-17:00")]].concat();
    assert_row(&open("15d"), &more, Rule::OutsideQuarantineHours, &NOTHING);
    assert_eq!(plan(&open("15d"), &more).postponed, Some(Postponed::QuarantineHours));
}

#[test]
fn quarantine_due() {
    let due = ["quarantine", "notify(quarantined)"];
    assert_row(&open("15d"), &QUARANTINE_SET, Rule::QuarantineDue, &due);
}

#[test]
fn reminder_due() {
    let mut facts = open("4d");
    secret(&mut facts).tags.insert(tag::LAST_NOTICE_AT.to_owned(), ago("4d").to_string());
    assert_row(&facts, &[], Rule::ReminderDue, &["notify(reminder)"]);
}

#[test]
fn nothing_due() {
    assert_row(&open("1d"), &[], Rule::NothingDue, &NOTHING);
}

#[test]
fn every_row_has_a_test_of_its_name_in_the_order_of_the_table() {
    let tests: Vec<&str> = include_str!("table.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("fn ")?.strip_suffix("() {"))
        .filter(|name| !name.starts_with("every_row"))
        .collect();
    assert_eq!(tests, Rule::ALL.map(Rule::name));
}

#[test]
fn every_row_has_a_function_of_its_name_in_the_order_of_the_table() {
    let rows: Vec<&str> = include_str!("../../src/rules/plan.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("    fn ")?.strip_suffix("(&self) -> Row {"))
        .collect();
    assert_eq!(rows, Rule::ALL.map(Rule::name));
}
