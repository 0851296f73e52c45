//! The decision table, a test a row.

use crate::builders::*;
use jiff::Timestamp;
use mfa_warden::facts::{Attached, UserFacts, tag};
use mfa_warden::plan::{Action, Notice, Policy, plan};
use mfa_warden::report::names;
use mfa_warden::verdict::Status;
use proptest::prelude::*;

const BOTH: [(&str, &str); 3] = [
    ("ENROLLMENT_POLICY_ARN", ENROLLMENT),
    ("QUARANTINE_POLICY_ARN", QUARANTINE),
    ("AFTER_GRACE", "quarantine"),
];

fn planned(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<Action> {
    let settings = settings(more);
    plan(facts, &verdict_of(facts, &settings), &settings, now())
}

fn named(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<String> {
    names(&planned(facts, more))
}

fn provision(facts: &UserFacts) -> Action {
    Action::Provision { secret: facts.secret.clone(), superseded: facts.devices.clone() }
}

const INVITE: Action = Action::Notify(Notice::Invitation);

fn stray(facts: &mut UserFacts) -> Action {
    let serial_number = serial(&facts.user.name, &version(ago("2h"), 7));
    facts.devices.push(serial_number.clone());
    Action::DeleteDevice { serial_number }
}

#[test]
fn unknown_plans_nothing_whatever_there_is() {
    let mut facts = enrolled_since(user("alice"), "100d");
    stray(&mut facts);
    facts.attached = Some(Attached { enrollment: true, quarantine: true });
    assert_eq!(plan(&facts, &verdict(Status::Unknown), &settings(&BOTH), now()), []);
}

#[test]
fn without_an_enrolment_a_user_is_provisioned_and_invited() {
    let facts = user("alice");
    assert_eq!(planned(&facts, &[]), [Action::Provision { secret: None, superseded: vec![] }, INVITE]);
}

#[test]
fn strays_of_a_user_without_an_enrolment_go_once_the_new_version_has_won() {
    let mut facts = user("alice");
    stray(&mut facts);
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn a_secret_without_a_version_is_broken() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).current_version = None;
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn a_version_that_is_not_of_our_making_is_broken() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).current_version = Some("6ba7b810-9dad-41d1-80b4-00c04fd430c8".to_owned());
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
    secret(&mut facts).current_version = Some("terraform-20260101".to_owned());
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn a_device_in_no_listing_breaks_the_enrolment_only_after_settle() {
    let mut young = enrolled_since(user("alice"), "4m");
    young.devices.clear();
    assert_eq!(planned(&young, &[]), []);
    let mut old = enrolled_since(user("alice"), "6m");
    old.devices.clear();
    assert_eq!(planned(&old, &[]), [provision(&old), INVITE]);
    assert_eq!(planned(&old, &[("SETTLE", "10m")]), []);
}

#[test]
fn a_renamed_user_gets_a_device_of_its_new_name_at_once() {
    let mut facts = enrolled_since(user("alice"), "1m");
    facts.user.name = "alicia".to_owned();
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
    assert_eq!(facts.devices.len(), 1, "the device of the old name goes in the same plan");
}

#[test]
fn a_secret_scheduled_for_deletion_is_broken() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).scheduled_for_deletion = true;
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn a_version_the_owner_never_heard_of_is_announced() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).tags.insert(tag::NOTIFIED.to_owned(), "00000000".to_owned());
    assert_eq!(planned(&facts, &[]), [INVITE]);
    secret(&mut facts).tags.clear();
    assert_eq!(planned(&facts, &[]), [INVITE]);
}

#[test]
fn an_old_seed_is_replaced_and_the_owner_invited_anew() {
    let facts = enrolled_since(user("alice"), "31d");
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
    assert_eq!(facts.devices.len(), 1, "the superseded device goes in the same plan");
    assert_eq!(planned(&enrolled_since(user("alice"), "29d"), &[]), []);
}

#[test]
fn nobody_is_invited_to_a_seed_that_has_expired() {
    let mut facts = enrolled_since(user("alice"), "31d");
    secret(&mut facts).tags.clear();
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn past_the_grace_period_a_user_is_quarantined_if_so_set() {
    let facts = enrolled_since(user("alice"), "15d");
    let quarantined = Action::Notify(Notice::Quarantined);
    assert_eq!(planned(&facts, &BOTH), [Action::Attach, Action::Quarantine, quarantined]);
    assert_eq!(planned(&facts, &[]), []);
    assert_eq!(named(&enrolled_since(user("alice"), "13d"), &BOTH), ["attach"]);
}

#[test]
fn nobody_is_quarantined_before_an_invitation_went_out() {
    let mut facts = enrolled_since(user("alice"), "15d");
    secret(&mut facts).tags.remove(tag::NOTIFIED);
    assert_eq!(named(&facts, &BOTH), ["attach", "notify(invitation)"]);
}

#[test]
fn between_a_late_invitation_and_the_quarantine_there_is_time_to_enrol() {
    let mut facts = enrolled_since(user("alice"), "2d");
    secret(&mut facts).created_at = ago("20d");
    assert_eq!(named(&facts, &BOTH), ["attach"]);
    let mut facts = enrolled_since(user("alice"), "4d");
    secret(&mut facts).created_at = ago("20d");
    assert_eq!(named(&facts, &BOTH), ["attach", "quarantine", "notify(quarantined)"]);
}

#[test]
fn a_quarantine_outlives_the_replacement_of_a_seed() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).created_at = ago("20d");
    secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), ago("5d").to_string());
    facts.attached = Some(Attached { enrollment: true, quarantine: true });
    assert_eq!(named(&facts, &BOTH), Vec::<String>::new());
}

#[test]
fn a_tag_can_neither_stop_the_clock_nor_quarantine_early() {
    let since = |facts: &mut UserFacts, time: &str| {
        secret(facts).tags.insert(tag::NONCOMPLIANT_SINCE.to_owned(), time.to_owned());
    };
    let mut early = enrolled_since(user("alice"), "1d");
    since(&mut early, "2000-01-01T00:00:00Z");
    assert_eq!(named(&early, &BOTH), ["attach"]);
    let mut late = enrolled_since(user("alice"), "15d");
    since(&mut late, "2099-01-01T00:00:00Z");
    assert_eq!(named(&late, &BOTH), ["attach", "quarantine", "notify(quarantined)"]);
}

#[test]
fn a_quarantine_whose_notice_was_lost_is_told_again_and_then_no_more() {
    let mut facts = enrolled_since(user("alice"), "15d");
    facts.attached = Some(Attached { enrollment: true, quarantine: true });
    assert_eq!(named(&facts, &BOTH), ["notify(quarantined)"]);
    secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), now().to_string());
    assert_eq!(named(&facts, &BOTH), Vec::<String>::new());
}

#[test]
fn owners_are_reminded_when_the_last_notice_is_old_missing_unreadable_or_in_the_future() {
    for (last, due) in [
        (Some(ago("2d").to_string()), false),
        (Some(ago("4d").to_string()), true),
        (Some("2099-01-01T00:00:00Z".to_owned()), true),
        (Some("soon".to_owned()), true),
        (None, true),
    ] {
        let mut facts = enrolled_since(user("alice"), "5d");
        secret(&mut facts).tags.remove(tag::LAST_NOTICE_AT);
        secret(&mut facts).tags.extend(last.clone().map(|last| (tag::LAST_NOTICE_AT.to_owned(), last)));
        let expected: &[Action] = if due { &[Action::Notify(Notice::Reminder)] } else { &[] };
        assert_eq!(planned(&facts, &[]), expected, "{last:?}");
    }
}

#[test]
fn a_sound_enrolment_with_nothing_due_is_left_alone() {
    assert_eq!(planned(&enrolled_since(user("alice"), "1h"), &[]), []);
}

#[test]
fn strays_beside_a_sound_enrolment_are_deleted() {
    let mut facts = enrolled_since(user("alice"), "1h");
    let stray = stray(&mut facts);
    assert_eq!(planned(&facts, &[]), [stray]);
}

#[test]
fn with_mfa_the_enrolment_is_closed_and_the_owner_told() {
    let mut facts = with_mfa(enrolled_since(user("alice"), "1h"));
    facts.attached = Some(Attached { enrollment: true, quarantine: true });
    stray(&mut facts);
    let close = Action::Close {
        secret: format!("mfa-warden/{USER_ID}"),
        policies: vec![Policy::Enrollment, Policy::Quarantine],
        devices: facts.devices.clone(),
        farewell: Some(Notice::Enrolled),
    };
    assert_eq!(planned(&facts, &BOTH), [close]);
    secret(&mut facts).current_version = None;
    assert_eq!(named(&facts, &BOTH), ["close", "notify(enrolled)"], "a broken one is closed too");
}

#[test]
fn exempt_or_out_of_scope_the_enrolment_is_withdrawn() {
    let mut exempt = enrolled_since(user("alice"), "1h");
    exempt.tags.insert("mfa-exempt".to_owned(), "permanent break-glass".to_owned());
    assert_eq!(named(&exempt, &[]), ["close", "notify(withdrawn)"]);
    let mut out = enrolled_since(user("alice"), "1h");
    out.password = false;
    assert_eq!(named(&out, &[]), ["close", "notify(withdrawn)"]);
}

#[test]
fn without_a_secret_policies_and_strays_go_all_the_same() {
    let mut facts = with_mfa(user("alice"));
    facts.attached = Some(Attached { enrollment: true, quarantine: true });
    let stray = stray(&mut facts);
    let expected = [Action::Detach(Policy::Enrollment), Action::Detach(Policy::Quarantine), stray];
    assert_eq!(planned(&facts, &BOTH), expected);
    assert_eq!(planned(&with_mfa(user("alice")), &BOTH), []);
}

#[test]
fn the_enrolment_policy_is_attached_while_an_enrolment_is_open() {
    let facts = user("alice");
    assert_eq!(named(&facts, &BOTH), ["provision", "attach", "notify(invitation)"]);
    assert_eq!(named(&enrolled_since(user("alice"), "1h"), &BOTH), ["attach"]);
}

#[test]
fn a_quarantine_without_cause_is_lifted() {
    let attached = Some(Attached { enrollment: true, quarantine: true });
    let mut early = enrolled_since(user("alice"), "1d");
    early.attached = attached;
    assert_eq!(named(&early, &BOTH), ["detach"]);
    let mut notify_only = enrolled_since(user("alice"), "15d");
    notify_only.attached = attached;
    let setting = [("QUARANTINE_POLICY_ARN", QUARANTINE), ("ENROLLMENT_POLICY_ARN", ENROLLMENT)];
    assert_eq!(named(&notify_only, &setting), ["detach"]);
    let mut unenrolled = user("alice");
    unenrolled.attached = attached;
    assert_eq!(named(&unenrolled, &BOTH), ["provision", "notify(invitation)", "detach"]);
}

#[test]
fn what_hangs_on_unreadable_attachments_is_left_alone() {
    let mut facts = enrolled_since(user("alice"), "15d");
    facts.attached = None;
    assert_eq!(named(&facts, &BOTH), Vec::<String>::new());
    let mut facts = user("alice");
    facts.attached = None;
    assert_eq!(named(&facts, &BOTH), ["provision", "notify(invitation)"]);
}

prop_compose! {
    fn any_facts()(
        password: bool, mfa: bool, exempt: bool, enrolled in prop::option::of(0u32..90), versioned: bool,
        listed: bool, told: bool, stray_device: bool, attached in prop::option::of(any::<(bool, bool)>()),
        last_notice in prop::option::of(0u32..30),
    ) -> UserFacts {
        let mut facts = user("alice");
        facts.password = password;
        if exempt {
            facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
        }
        if let Some(days) = enrolled {
            facts = enrolled_since(facts, &format!("{days}d"));
            if !versioned { secret(&mut facts).current_version = None; }
            if !listed { facts.devices.clear(); }
            if !told { secret(&mut facts).tags.clear(); }
            if let Some(days) = last_notice {
                let last: Timestamp = ago(&format!("{days}d"));
                secret(&mut facts).tags.insert(tag::LAST_NOTICE_AT.to_owned(), last.to_string());
            }
        }
        if stray_device { stray(&mut facts); }
        if mfa { facts = with_mfa(facts); }
        facts.attached = attached.map(|(enrollment, quarantine)| Attached { enrollment, quarantine });
        facts
    }
}

proptest! {
    #[test]
    fn only_the_current_versions_device_outlives_a_plan_and_only_while_mfa_is_demanded(facts in any_facts()) {
        let settings = settings(&BOTH);
        let verdict = verdict_of(&facts, &settings);
        let actions = plan(&facts, &verdict, &settings, now());
        let mut left = facts.devices.clone();
        let mut provisioned = false;
        for action in &actions {
            match action {
                Action::DeleteDevice { serial_number } => left.retain(|device| device != serial_number),
                Action::Provision { superseded, .. } => {
                    provisioned = true;
                    left.retain(|device| !superseded.contains(device));
                }
                Action::Close { devices, .. } => left.retain(|device| !devices.contains(device)),
                _ => {}
            }
        }
        let current = facts.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
        let kept = current.and_then(|version| facts.device_of(version));
        if verdict.status == Status::NonCompliant && !provisioned {
            prop_assert_eq!(left.iter().map(String::as_str).collect::<Vec<_>>(), kept.into_iter().collect::<Vec<_>>());
        } else {
            prop_assert_eq!(left, Vec::<String>::new());
        }
    }

    #[test]
    fn an_owner_is_told_at_most_once_a_plan_and_is_invited_for_every_new_version(facts in any_facts()) {
        let settings = settings(&BOTH);
        let actions = plan(&facts, &verdict_of(&facts, &settings), &settings, now());
        prop_assert!(actions.iter().filter(|action| action.notice().is_some()).count() <= 1);
        let provisions = actions.iter().any(|action| matches!(action, Action::Provision { .. }));
        let invites = actions.contains(&INVITE);
        prop_assert!(!provisions || invites);
    }
}
