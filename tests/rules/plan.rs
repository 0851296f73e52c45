//! The decision table, a test a row.

use crate::builders::*;
use jiff::Timestamp;
use mfa_warden::Settings;
use mfa_warden::model::action::{Action, Notice, Obstacle, Policy, Postponed};
use mfa_warden::model::blocker::{Blocker, Cause, Need};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::Doubt;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::rule::Rule;
use mfa_warden::model::user::Attached;
use mfa_warden::model::verdict::Status;
use mfa_warden::rules::plan::{Next, Plan, Question, next};
use proptest::prelude::*;

const BOTH: [(&str, &str); 3] = [
    ("ENROLLMENT_POLICY_ARN", ENROLLMENT),
    ("QUARANTINE_POLICY_ARN", QUARANTINE),
    ("AFTER_GRACE", "quarantine"),
];

fn planned(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<Action> {
    plan(facts, more).actions
}

/// The plan of facts that leave no question.
fn plan(facts: &UserFacts, more: &[(&str, &str)]) -> Plan {
    match asked(facts, &settings(more)) {
        Next::Do(plan) => plan,
        Next::Learn(question) => panic!("{question:?} is asked"),
    }
}

fn asked(facts: &UserFacts, settings: &Settings) -> Next {
    next(facts, &verdict_of(facts, settings), settings, now())
}

fn named(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<String> {
    names(&planned(facts, more))
}

fn provision(facts: &UserFacts) -> Action {
    Action::Provision { secret: facts.secret.clone(), doubt: None, superseded: facts.devices.clone() }
}

/// The same into a secret that is created again first.
fn provision_again(facts: &UserFacts, doubt: Doubt) -> Action {
    Action::Provision { secret: facts.secret.clone(), doubt: Some(doubt), superseded: facts.devices.clone() }
}

const INVITE: Action = Action::Notify(Notice::Invitation);

fn orphaned_device(facts: &mut UserFacts) -> Action {
    let serial_number = serial(&facts.user.name, &version(ago("2h"), 7));
    facts.devices.push(serial_number.clone());
    Action::DeleteDevice { serial_number }
}

#[test]
fn unknown_plans_nothing_whatever_there_is() {
    let mut facts = enrolled_since(user("alice"), "100d");
    orphaned_device(&mut facts);
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    assert_eq!(
        next(&facts, &verdict(Status::Unknown), &settings(&BOTH), now()),
        Next::Do(Plan::by(Rule::Unknown))
    );
}

#[test]
fn without_an_enrollment_a_user_is_provisioned_and_invited() {
    let facts = user("alice");
    let provision = Action::Provision { secret: None, doubt: None, superseded: vec![] };
    assert_eq!(planned(&facts, &[]), [provision, INVITE]);
}

#[test]
fn orphaned_devices_of_a_user_without_an_enrollment_go_once_the_new_version_has_won() {
    let mut facts = user("alice");
    orphaned_device(&mut facts);
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
}

#[test]
fn a_secret_without_a_version_is_created_again() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).current_version = None;
    assert_eq!(planned(&facts, &[]), [provision_again(&facts, Doubt::NoValue), INVITE]);
}

#[test]
fn a_secret_that_somebody_else_may_have_prepared_is_created_again() {
    for version in ["6ba7b810-9dad-41d1-80b4-00c04fd430c8", "terraform-20260101"] {
        let mut facts = enrolled_since(user("alice"), "1h");
        secret(&mut facts).current_version = Some(version.to_owned());
        assert_eq!(
            planned(&facts, &[]),
            [provision_again(&facts, Doubt::OthersVersion), INVITE],
            "{version}"
        );
    }
    let mut replicated = enrolled_since(user("alice"), "1h");
    secret(&mut replicated).replicated = true;
    assert_eq!(
        planned(&replicated, &[]),
        [provision_again(&replicated, Doubt::Replicated), INVITE],
        "at once"
    );
    let mut other_key = enrolled_since(user("alice"), "1h");
    secret(&mut other_key).kms_key_id = Some("alias/theirs".to_owned());
    assert_eq!(planned(&other_key, &[]), [], "nothing is written into it");
    let mut other_key = enrolled_since(user("alice"), "31d");
    secret(&mut other_key).kms_key_id = Some("alias/theirs".to_owned());
    assert_eq!(planned(&other_key, &[]), [provision_again(&other_key, Doubt::OtherKey), INVITE]);
}

#[test]
fn a_version_from_the_future_is_not_waited_for() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).current_version = Some(version(ago("-1d"), 7));
    facts.devices.clear();
    assert_eq!(planned(&facts, &[]), [provision_again(&facts, Doubt::OthersVersion), INVITE]);
}

#[test]
fn somebody_elses_secret_of_the_users_name_is_never_touched() {
    let mut facts = user("alice");
    orphaned_device(&mut facts);
    facts.foreign_secret = true;
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    let obstacle = Some(Obstacle::ForeignSecret);
    // A quarantine without an offer would be a lockout.
    let lift = vec![Action::Detach(Policy::Quarantine)];
    assert_eq!(plan(&facts, &BOTH), Plan { actions: lift, obstacle, ..Plan::by(Rule::ForeignSecret) });
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    assert_eq!(plan(&facts, &BOTH), Plan { obstacle, ..Plan::by(Rule::ForeignSecret) });
}

#[test]
fn a_device_in_no_listing_breaks_the_enrollment_only_after_settle() {
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
    secret(&mut facts).tags.remove(tag::NOTIFIED);
    assert_eq!(planned(&facts, &[]), [INVITE]);
}

#[test]
fn a_version_whose_device_is_not_listed_yet_is_announced_by_the_run_that_made_it() {
    let mut facts = enrolled_since(user("alice"), "1m");
    facts.devices.clear();
    secret(&mut facts).tags.remove(tag::NOTIFIED);
    assert_eq!(planned(&facts, &[]), []);
}

#[test]
fn an_old_seed_is_replaced_and_the_owner_invited_again() {
    let facts = enrolled_since(user("alice"), "31d");
    assert_eq!(planned(&facts, &[]), [provision(&facts), INVITE]);
    assert_eq!(facts.devices.len(), 1, "the superseded device goes in the same plan");
    assert_eq!(planned(&enrolled_since(user("alice"), "29d"), &[]), []);
}

#[test]
fn nobody_is_invited_to_a_seed_that_has_expired() {
    let mut facts = enrolled_since(user("alice"), "31d");
    secret(&mut facts).tags.remove(tag::NOTIFIED);
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

/// A user whose secret is old, and who was invited, and heard it, later.
fn invited_late(created: &str, heard: &str) -> UserFacts {
    let mut facts = enrolled_since(user("alice"), heard);
    secret(&mut facts).created_at = ago(created);
    secret(&mut facts).tags.insert(tag::FIRST_NOTICE_AT.to_owned(), ago(created).to_string());
    facts
}

#[test]
fn between_a_late_invitation_and_the_quarantine_there_is_time_to_enroll() {
    assert_eq!(named(&invited_late("20d", "2d"), &BOTH), ["attach"]);
    let due = ["attach", "quarantine", "notify(quarantined)"];
    assert_eq!(named(&invited_late("20d", "4d"), &BOTH), due);
}

#[test]
fn the_grace_period_counts_from_the_first_notice_and_not_from_the_secret() {
    let mut facts = enrolled_since(user("alice"), "20d");
    for key in [tag::FIRST_NOTICE_AT, tag::HEARD_AT] {
        secret(&mut facts).tags.insert(key.to_owned(), ago("13d").to_string());
    }
    assert_eq!(named(&facts, &BOTH), ["attach"]);
    secret(&mut facts).tags.insert(tag::FIRST_NOTICE_AT.to_owned(), ago("15d").to_string());
    assert_eq!(named(&facts, &BOTH), ["attach", "quarantine", "notify(quarantined)"]);
}

#[test]
fn what_was_used_of_the_grace_period_before_is_gone_but_for_the_time_of_a_warning() {
    let due = ["attach", "quarantine", "notify(quarantined)"];
    let used = |days: &str, age: &str| {
        let mut facts = enrolled_since(user("alice"), age);
        secret(&mut facts).tags.insert(tag::GRACE_USED.to_owned(), days.to_owned());
        facts
    };
    assert_eq!(named(&used("PT240H", "5d"), &BOTH), due, "ten days before, and five now");
    assert_eq!(named(&used("PT240H", "3d23h"), &BOTH), ["attach"]);
    assert_eq!(named(&used("PT1000H", "3d11h"), &BOTH), ["attach"], "a quarter of it is always left");
    assert_eq!(named(&used("PT1000H", "3d13h"), &BOTH), due);
    let rarely = [BOTH.as_slice(), &[("REMIND_EVERY", "6d")]].concat();
    assert_eq!(named(&used("PT1000H", "5d23h"), &rarely), ["attach"], "and the time of a warning");
    assert_eq!(named(&used("PT1000H", "6d1h"), &rarely), due);
    // What is no time, or less than none, shortens and lengthens nothing.
    for words in ["", "soon", "-PT1000H", "P1Y"] {
        assert_eq!(named(&used(words, "13d"), &BOTH), ["attach"], "{words}");
        assert_eq!(named(&used(words, "15d"), &BOTH), due, "{words}");
    }
}

#[test]
fn nobody_is_quarantined_who_is_not_known_to_have_heard_of_this_version() {
    let due = ["attach", "quarantine", "notify(quarantined)"];
    let heard = |at: Option<String>| {
        let mut facts = enrolled_since(user("alice"), "20d");
        secret(&mut facts).tags.remove(tag::HEARD_AT);
        secret(&mut facts).tags.extend(at.map(|at| (tag::HEARD_AT.to_owned(), at)));
        facts.delivery = Known::Unreadable;
        facts
    };
    assert_eq!(named(&heard(Some(ago("20d").to_string())), &BOTH), due);
    for at in [
        None,
        Some(String::new()),
        Some("yes".to_owned()),
        Some(ago("2d").to_string()),
        Some(ago("-1d").to_string()),
    ] {
        assert_eq!(named(&heard(at.clone()), &BOTH), ["attach"], "{at:?}");
    }
    // Of another version than the present one.
    let mut renewed = invited_late("20d", "4d");
    secret(&mut renewed).tags.insert(tag::HEARD_AT.to_owned(), ago("5d").to_string());
    renewed.delivery = Known::Is(Delivery::Unreached);
    assert_eq!(named(&renewed, &BOTH), ["attach"]);
}

#[test]
fn leaving_the_topic_after_having_heard_is_no_way_around_a_quarantine() {
    let mut facts = enrolled_since(user("alice"), "20d");
    facts.delivery = Known::Is(Delivery::Unreached);
    assert_eq!(named(&facts, &BOTH), ["attach", "quarantine", "notify(quarantined)"]);
}

#[test]
fn whatever_tags_say_nobody_is_quarantined_before_secret_and_version_are_old_enough() {
    let forged = |created: &str, made: &str, heard: &str| {
        let mut facts = enrolled_since(user("alice"), made);
        secret(&mut facts).created_at = ago(created);
        for key in [tag::FIRST_NOTICE_AT, tag::NONCOMPLIANT_SINCE] {
            secret(&mut facts).tags.insert(key.to_owned(), "2000-01-01T00:00:00Z".to_owned());
        }
        secret(&mut facts).tags.insert(tag::HEARD_AT.to_owned(), heard.to_owned());
        named(&facts, &BOTH)
    };
    // Nobody is known to have heard of a version before it existed.
    assert_eq!(forged("13d", "13d", "2000-01-01T00:00:00Z"), ["attach", "notify(invitation)"]);
    assert_eq!(forged("40d", "2d", "2000-01-01T00:00:00Z"), ["attach", "notify(invitation)"]);
    let heard = ago("12d").to_string();
    assert_eq!(forged("13d", "13d", &heard), ["attach"], "the secret is younger than the period");
    assert_eq!(forged("15d", "13d", &heard), ["attach", "quarantine", "notify(quarantined)"]);
}

fn deny(cause: Cause) -> Known<Vec<Blocker>> {
    Known::Is(vec![Blocker {
        action: "iam:EnableMFADevice".to_owned(),
        need: Need::Enable,
        cause,
        is_unsure: false,
    }])
}

const ASKING: [(&str, &str); 4] = [BOTH[0], BOTH[1], BOTH[2], ("PREFLIGHT", "true")];

#[test]
fn nobody_is_quarantined_who_cannot_enroll_or_of_whom_nobody_knows() {
    let mut facts = enrolled_since(user("alice"), "20d");
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    let policy = || Cause::Policies(vec!["ForceMFA".to_owned()]);
    for answer in [
        Known::Unreadable,
        deny(policy()),
        deny(Cause::Organization),
        deny(Cause::Boundary),
        deny(Cause::NotAllowed),
        Known::Is(vec![Blocker {
            action: "iam:EnableMFADevice".to_owned(),
            need: Need::Enable,
            cause: policy(),
            is_unsure: true,
        }]),
    ] {
        facts.blockers = answer.clone();
        let plan = plan(&facts, &ASKING);
        assert_eq!(plan.actions, [], "{answer:?}");
        assert_eq!(plan.not_quarantined.len(), 1, "{answer:?}");
    }
    // What keeps it from reading the seed keeps it from nothing else: the console has a way of its own.
    let reads = Blocker {
        action: "secretsmanager:GetSecretValue".to_owned(),
        need: Need::ReadSeed,
        cause: policy(),
        is_unsure: false,
    };
    facts.blockers = Known::Is(vec![reads]);
    assert_eq!(named(&facts, &ASKING), ["quarantine", "notify(quarantined)"]);
    facts.blockers = Known::NotAsked;
    assert_eq!(named(&facts, &BOTH), ["quarantine", "notify(quarantined)"], "the operator vouches for it");
}

#[test]
fn a_quarantined_user_who_turns_out_to_be_unable_to_enroll_is_set_free() {
    let mut facts = enrolled_since(user("alice"), "20d");
    secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), ago("5d").to_string());
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    for (answer, free) in [
        (Known::Is(vec![]), false),
        (Known::Unreadable, false),
        (deny(Cause::Boundary), true),
        (deny(Cause::Organization), true),
        (deny(Cause::Policies(vec![])), true),
        (deny(Cause::NotAllowed), true),
    ] {
        facts.blockers = answer.clone();
        let expected: &[Action] = if free { &[Action::Detach(Policy::Quarantine)] } else { &[] };
        assert_eq!(planned(&facts, &ASKING), expected, "{answer:?}");
    }
    // An enrollment policy that is only attached now may not count yet.
    facts.attached = Known::Is(Attached { enrollment: false, quarantine: true });
    facts.blockers = deny(Cause::NotAllowed);
    assert_eq!(named(&facts, &ASKING), ["attach"]);
}

#[test]
fn quarantines_wait_for_their_hours_and_everything_else_goes_on() {
    let facts = enrolled_since(user("alice"), "20d");
    // It is a Monday, 12:00 UTC.
    let within = |hours: &'static str| {
        let settings = [&BOTH[..], &[("QUARANTINE_HOURS", hours)]].concat();
        plan(&facts, &settings)
    };
    assert_eq!(names(&within("Mon 09:00-16:00").actions), ["attach", "quarantine", "notify(quarantined)"]);
    for hours in ["Mon 09:00-12:00", "Tue-Sun 09:00-16:00", "Mon 09:00-16:00 Asia/Tokyo"] {
        let plan = within(hours);
        assert_eq!(
            (names(&plan.actions), plan.postponed),
            (vec!["attach".to_owned()], Some(Postponed::QuarantineHours))
        );
    }
}

#[test]
fn a_quarantine_that_somebody_ended_begins_again_untold_only_if_it_was_told_a_moment_ago() {
    for (told, expected) in [("2d", vec!["quarantine"]), ("4d", vec!["quarantine", "notify(quarantined)"])] {
        let mut facts = enrolled_since(user("alice"), "20d");
        secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), ago(told).to_string());
        facts.attached = Known::Is(Attached { enrollment: true, quarantine: false });
        assert_eq!(named(&facts, &BOTH), expected, "{told}");
    }
}

#[test]
fn a_quarantine_outlives_the_replacement_of_a_seed() {
    let mut facts = invited_late("20d", "1h");
    secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), ago("5d").to_string());
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
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
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
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
fn a_sound_enrollment_with_nothing_due_is_left_alone() {
    assert_eq!(planned(&enrolled_since(user("alice"), "1h"), &[]), []);
}

#[test]
fn orphaned_devices_beside_a_sound_enrollment_are_deleted() {
    let mut facts = enrolled_since(user("alice"), "1h");
    let orphaned = orphaned_device(&mut facts);
    assert_eq!(planned(&facts, &[]), [orphaned]);
}

#[test]
fn with_mfa_the_enrollment_is_closed_and_the_owner_told() {
    let mut facts = with_mfa(enrolled_since(user("alice"), "1h"));
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    orphaned_device(&mut facts);
    let close = Action::Close {
        secret: format!("mfa-warden/{USER_ID}"),
        policies: vec![Policy::Quarantine, Policy::Enrollment],
        devices: facts.devices.clone(),
        closing_notice: Some(Notice::Enrolled),
    };
    assert_eq!(planned(&facts, &BOTH), [close]);
    facts.devices.clear();
    assert_eq!(named(&facts, &BOTH), ["close", "notify(enrolled)"], "a broken one is closed too");
}

#[test]
fn exempt_or_out_of_scope_the_enrollment_is_withdrawn() {
    let mut exempt = enrolled_since(user("alice"), "1h");
    exempt.tags.insert("mfa-exempt".to_owned(), "permanent break-glass".to_owned());
    assert_eq!(named(&exempt, &[]), ["close", "notify(withdrawn)"]);
    let mut out = enrolled_since(user("alice"), "1h");
    out.password = Known::Is(false);
    assert_eq!(named(&out, &[]), ["close", "notify(withdrawn)"]);
}

#[test]
fn nobody_gets_a_closing_notice_who_was_never_invited_or_got_one_already() {
    let closing_notice = |change: fn(&mut mfa_warden::model::enrollment::Secret)| {
        let mut facts = with_mfa(enrolled_since(user("alice"), "1h"));
        change(secret(&mut facts));
        named(&facts, &[])
    };
    let set = |secret: &mut mfa_warden::model::enrollment::Secret, key: &str, value: &str| {
        secret.tags.insert(key.to_owned(), value.to_owned());
    };
    assert_eq!(closing_notice(|_| ()), ["close", "notify(enrolled)"]);
    assert_eq!(closing_notice(|secret| secret.current_version = None), ["close"], "an empty secret");
    assert_eq!(closing_notice(|secret| secret.current_version = Some("terraform-1".to_owned())), ["close"]);
    assert_eq!(
        closing_notice(|secret| {
            secret.tags.retain(|key, _| key == tag::USER_ID);
        }),
        ["close"]
    );
    assert_eq!(
        closing_notice(|secret| secret.scheduled_for_deletion = true),
        ["close", "notify(enrolled)"],
        "somebody else deletes it, and its owner was told nothing yet"
    );
    let future = with_mfa(enrolled_since(user("alice"), "1h"));
    for (value, expected) in [("2999-01-01T00:00:00Z", 2), ("", 2), ("2026-06-15T11:00:00Z", 1)] {
        let mut future = future.clone();
        set(secret(&mut future), tag::CLOSING_NOTICE, value);
        assert_eq!(named(&future, &[]).len(), expected, "{value:?}");
    }
    let mut told = with_mfa(enrolled_since(user("alice"), "1h"));
    set(secret(&mut told), tag::CLOSING_NOTICE, "2026-06-15T11:00:00Z");
    assert_eq!(named(&told, &[]), ["close"]);
}

#[test]
fn outside_the_pilot_nothing_new_is_begun_and_what_is_open_goes_on() {
    let pilot: &[(&str, &str)] = &[BOTH[0], BOTH[1], BOTH[2], ("PILOT", "/team-a/")];
    let mut facts = user("alice");
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    let leftover = orphaned_device(&mut facts);
    facts.delivery = Known::NotAsked;
    let new = plan(&facts, pilot);
    let expected = [Action::Detach(Policy::Quarantine), Action::Detach(Policy::Enrollment), leftover];
    assert_eq!((&new.actions[..], new.postponed), (&expected[..], Some(Postponed::Pilot)));
    let mut open = enrolled_since(user("alice"), "5d");
    secret(&mut open).tags.remove(tag::LAST_NOTICE_AT);
    assert_eq!(named(&open, pilot), ["attach", "notify(reminder)"]);
    secret(&mut open).tags.remove(tag::HEARD_AT);
    open.delivery = Known::Unreadable;
    assert_eq!(
        named(&open, pilot),
        ["attach", "notify(reminder)"],
        "nor does what nobody knows to be heard end"
    );
    let mut untold = open.clone();
    for key in [tag::FIRST_NOTICE_AT, tag::NOTIFIED] {
        secret(&mut untold).tags.remove(key);
    }
    secret(&mut untold).tags.insert(tag::NOTICES.to_owned(), "0".to_owned());
    assert_eq!(named(&untold, pilot), Vec::<String>::new());
    let overdue = enrolled_since(user("alice"), "20d");
    assert_eq!(named(&overdue, pilot), ["attach"], "a quarantine is something new");
    let mut within = user("alice");
    within.user.arn = "arn:aws:iam::123456789012:user/team-a/alice".to_owned();
    assert_eq!(named(&within, pilot), ["provision", "attach", "notify(invitation)"]);
}

#[test]
fn nothing_is_prepared_for_an_owner_whom_nobody_can_tell() {
    for reach in
        [Delivery::Pending, Delivery::Lapsed, Delivery::Filtered, Delivery::Unreached, Delivery::Malformed]
    {
        let mut facts = user("alice");
        facts.delivery = Known::Is(reach);
        let plan = plan(&facts, &BOTH);
        assert!(plan.rule == Rule::Unreachable && plan.actions.is_empty(), "{reach:?}");
    }
    let mut unknown = user("alice");
    unknown.delivery = Known::Unreadable;
    assert_eq!(named(&unknown, &[]), ["provision", "notify(invitation)"], "unknown is not none");
    let mut subscribing = user("alice");
    subscribing.delivery = Known::Is(Delivery::Unreached);
    let plan = plan(&subscribing, &[("SUBSCRIBE_OWNERS", "true")]);
    assert_eq!((&plan.actions[..], plan.rule), (&[Action::Subscribe][..], Rule::Unreachable));
}

#[test]
fn what_an_earlier_version_prepared_for_an_owner_whom_nobody_can_tell_ends_in_silence() {
    let mut facts = enrolled_since(user("alice"), "5d");
    for key in [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT] {
        secret(&mut facts).tags.remove(key);
    }
    let version = secret(&mut facts).current_version.clone().unwrap();
    let mark = mfa_warden::model::enrollment::version_suffix(&version).to_owned();
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    for reach in
        [Delivery::Pending, Delivery::Lapsed, Delivery::Filtered, Delivery::Unreached, Delivery::Malformed]
    {
        secret(&mut facts).tags.insert(tag::UNREACHED.to_owned(), mark.clone());
        facts.delivery = Known::Is(reach);
        let close = Action::Close {
            secret: format!("mfa-warden/{USER_ID}"),
            policies: vec![Policy::Quarantine, Policy::Enrollment],
            devices: facts.devices.clone(),
            closing_notice: None,
        };
        assert_eq!(planned(&facts, &BOTH), [close], "{reach:?}");
        // Who has heard of an earlier version is told of this one when that can be done.
        secret(&mut facts).tags.insert(tag::UNREACHED.to_owned(), format!("{mark} invitation"));
        assert!(!named(&facts, &BOTH).contains(&"close".to_owned()), "{reach:?}");
    }
}

#[test]
fn an_owner_who_is_not_known_to_have_heard_is_invited_again_once_that_can_be_known() {
    let mut facts = enrolled_since(user("alice"), "5d");
    secret(&mut facts).tags.insert(tag::HEARD_AT.to_owned(), String::new());
    for (reach, again) in [(Known::Unreadable, false), (Known::Is(Delivery::Reached), true)] {
        facts.delivery = reach;
        let expected: &[Action] = if again { &[INVITE] } else { &[] };
        assert_eq!(planned(&facts, &[]), expected, "{reach:?}");
    }
    // A seed is kept for nobody who is not known to have heard of it and cannot be told.
    facts.delivery = Known::Is(Delivery::Unreached);
    assert_eq!(named(&facts, &[]), ["close"]);
    secret(&mut facts).tags.insert(tag::HEARD_AT.to_owned(), ago("6d").to_string());
    assert_eq!(planned(&facts, &[]), [], "it has heard of an earlier one");
    facts.delivery = Known::Is(Delivery::Reached);
    // Version 0.1.0 did not write down what was heard, and nobody is invited twice for that.
    for key in [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT] {
        secret(&mut facts).tags.remove(key);
    }
    assert_eq!(planned(&facts, &[]), []);
}

#[test]
fn another_recipient_than_was_invited_is_invited_and_not_quarantined_unwarned() {
    let mut facts = enrolled_since(user("alice"), "20d");
    facts.tags.insert("email".to_owned(), "mallory@example.com".to_owned());
    assert_eq!(named(&facts, &BOTH), ["attach", "notify(invitation)"]);
    facts.delivery = Known::Is(Delivery::Unreached);
    assert_eq!(named(&facts, &BOTH), ["attach"], "nobody is there to be invited, and nobody is quarantined");
}

#[test]
fn a_secret_with_the_policy_of_an_earlier_version_gets_the_present_one() {
    let mut facts = enrolled_since(user("alice"), "1h");
    secret(&mut facts).tags.remove(tag::POLICY);
    assert_eq!(planned(&facts, &[]), [Action::PutPolicy]);
    let mut renamed = enrolled_since(user("alice"), "1h");
    renamed.user.arn = "arn:aws:iam::123456789012:user/team/alice".to_owned();
    assert_eq!(planned(&renamed, &[]), [Action::PutPolicy], "the policy names the owner");
}

#[test]
fn what_a_plan_depends_on_is_asked_first_and_nothing_else() {
    let default = settings(&[]);
    let mut new = user("alice");
    (new.delivery, new.secret_is_fresh) = (Known::NotAsked, false);
    assert_eq!(asked(&new, &default), Next::Learn(Question::Delivery));
    let mut open = enrolled_since(user("alice"), "5d");
    (open.delivery, open.secret_is_fresh) = (Known::NotAsked, false);
    assert_eq!(
        asked(&open, &default),
        Next::Do(Plan::by(Rule::NothingDue)),
        "of idle enrollments nothing is asked"
    );
    assert_eq!(asked(&open, &settings(&[("SUBSCRIBE_OWNERS", "true")])), Next::Learn(Question::Delivery));
    let mut unheard = open.clone();
    secret(&mut unheard).tags.remove(tag::HEARD_AT);
    assert_eq!(asked(&unheard, &default), Next::Learn(Question::Delivery));
    secret(&mut open).tags.remove(tag::LAST_NOTICE_AT);
    assert_eq!(asked(&open, &default), Next::Learn(Question::Delivery), "a reminder is due");
    open.delivery = Known::Is(Delivery::Reached);
    assert_eq!(asked(&open, &default), Next::Learn(Question::Secret), "before anything is done");
    let asking = settings(&ASKING);
    let mut overdue = enrolled_since(user("alice"), "20d");
    assert_eq!(asked(&overdue, &asking), Next::Learn(Question::Blockers));
    overdue.secret_is_fresh = false;
    assert_eq!(asked(&overdue, &asking), Next::Learn(Question::Secret), "the cheaper question first");
    let mut compliant = with_mfa(user("alice"));
    (compliant.delivery, compliant.secret_is_fresh) = (Known::NotAsked, false);
    assert_eq!(asked(&compliant, &asking), Next::Do(Plan::by(Rule::HasMfa)));
}

#[test]
fn without_a_secret_policies_and_orphaned_devices_go_all_the_same() {
    let mut facts = with_mfa(user("alice"));
    facts.attached = Known::Is(Attached { enrollment: true, quarantine: true });
    let orphaned = orphaned_device(&mut facts);
    let expected = [Action::Detach(Policy::Quarantine), Action::Detach(Policy::Enrollment), orphaned];
    assert_eq!(planned(&facts, &BOTH), expected);
    assert_eq!(planned(&with_mfa(user("alice")), &BOTH), []);
}

#[test]
fn the_enrollment_policy_is_attached_while_an_enrollment_is_open() {
    let facts = user("alice");
    assert_eq!(named(&facts, &BOTH), ["provision", "attach", "notify(invitation)"]);
    assert_eq!(named(&enrolled_since(user("alice"), "1h"), &BOTH), ["attach"]);
}

#[test]
fn a_quarantine_without_cause_is_lifted() {
    let attached = Known::Is(Attached { enrollment: true, quarantine: true });
    let mut early = enrolled_since(user("alice"), "1d");
    early.attached = attached;
    assert_eq!(named(&early, &BOTH), ["detach"]);
    let mut notify_only = enrolled_since(user("alice"), "15d");
    notify_only.attached = attached;
    let setting = [("QUARANTINE_POLICY_ARN", QUARANTINE), ("ENROLLMENT_POLICY_ARN", ENROLLMENT)];
    assert_eq!(named(&notify_only, &setting), ["detach"]);
    let mut unenrolled = user("alice");
    unenrolled.attached = attached;
    assert_eq!(named(&unenrolled, &BOTH), ["detach", "provision", "notify(invitation)"]);
}

#[test]
fn what_depends_on_unreadable_attachments_is_left_alone() {
    let mut facts = enrolled_since(user("alice"), "15d");
    facts.attached = Known::Unreadable;
    assert_eq!(named(&facts, &BOTH), Vec::<String>::new());
    let mut facts = user("alice");
    facts.attached = Known::Unreadable;
    assert_eq!(named(&facts, &BOTH), ["provision", "notify(invitation)"]);
}

prop_compose! {
    fn any_facts()(
        password: bool, mfa: bool, exempt: bool, enrolled in prop::option::of(0u32..90), versioned: bool,
        listed: bool, told: bool, has_orphaned_device: bool, attached in prop::option::of(any::<(bool, bool)>()),
        last_notice in prop::option::of(0u32..30),
    ) -> UserFacts {
        let mut facts = user("alice");
        facts.password = Known::Is(password);
        if exempt {
            facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
        }
        if let Some(days) = enrolled {
            facts = enrolled_since(facts, &format!("{days}d"));
            if !versioned { secret(&mut facts).current_version = None; }
            if !listed { facts.devices.clear(); }
            if !told { secret(&mut facts).tags.retain(|key, _| key == tag::USER_ID); }
            if let Some(days) = last_notice {
                let last: Timestamp = ago(&format!("{days}d"));
                secret(&mut facts).tags.insert(tag::LAST_NOTICE_AT.to_owned(), last.to_string());
            }
        }
        if has_orphaned_device { orphaned_device(&mut facts); }
        if mfa { facts = with_mfa(facts); }
        let attached = attached.map(|(enrollment, quarantine)| Attached { enrollment, quarantine });
        facts.attached = attached.ok_or(()).into();
        facts
    }
}

proptest! {
    #[test]
    fn only_the_current_versions_device_outlives_a_plan_and_only_while_mfa_is_demanded(facts in any_facts()) {
        let settings = settings(&BOTH);
        let verdict = verdict_of(&facts, &settings);
        let Next::Do(Plan { actions, .. }) = next(&facts, &verdict, &settings, now()) else { panic!("a question") };
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
        let Next::Do(Plan { actions, .. }) = asked(&facts, &settings) else { panic!("a question") };
        prop_assert!(actions.iter().filter(|action| action.notice().is_some()).count() <= 1);
        let provisions = actions.iter().any(|action| matches!(action, Action::Provision { .. }));
        let invites = actions.contains(&INVITE);
        prop_assert!(!provisions || invites);
    }
}

#[test]
fn before_anything_is_done_what_a_listing_shows_is_read_by_name() {
    let stale = |change: fn(&mut UserFacts)| {
        let mut facts = user("alice");
        facts.secret_is_fresh = false;
        change(&mut facts);
        asked(&facts, &settings(&BOTH))
    };
    let quarantined = Known::Is(Attached { enrollment: false, quarantine: true });
    let foreign = stale(|facts| facts.foreign_secret = true);
    assert_eq!(foreign, Next::Learn(Question::Secret));
    let exempt = |facts: &mut UserFacts| {
        facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
    };
    let mut devices = user("alice");
    devices.secret_is_fresh = false;
    exempt(&mut devices);
    devices.devices.push(serial("alice", &version(ago("1d"), 1)));
    assert_eq!(asked(&devices, &settings(&BOTH)), Next::Learn(Question::Secret));
    let mut nothing = user("alice");
    nothing.secret_is_fresh = false;
    exempt(&mut nothing);
    nothing.attached = quarantined;
    assert!(matches!(asked(&nothing, &settings(&BOTH)), Next::Do(_)), "there is nothing to be read again");
}

#[test]
fn an_offer_is_too_old_once_it_is_older_than_its_time() {
    let of_age = |age: &str| {
        let mut facts = enrolled_since(user("alice"), age);
        secret(&mut facts).tags.insert(tag::LAST_NOTICE_AT.to_owned(), ago("1h").to_string());
        plan(&facts, &[("OFFER_TTL", "20d")]).rule
    };
    assert_eq!(of_age("20d"), Rule::NothingDue);
    assert_eq!(of_age("1728001s"), Rule::OfferTooOld);
}

#[test]
fn a_quarantine_that_waits_for_a_later_run_leaves_the_reminder_that_is_due() {
    let mut overdue = enrolled_since(user("alice"), "20d");
    overdue.attached = Known::Is(Attached { enrollment: true, quarantine: false });
    let due = plan(&overdue, &BOTH);
    assert_eq!((due.rule, due.instead), (Rule::QuarantineDue, None), "the last notice is ten minutes old");
    secret(&mut overdue).tags.insert(tag::LAST_NOTICE_AT.to_owned(), ago("4d").to_string());
    assert_eq!(plan(&overdue, &BOTH).instead, Some(Action::Notify(Notice::Reminder)));
}

proptest! {
    #[test]
    fn each_question_is_asked_at_most_once_and_a_plan_always_comes(
        mut facts in any_facts(), is_fresh: bool, foreign: bool, is_sure: bool, preflight: bool, quarantine: bool,
    ) {
        (facts.secret_is_fresh, facts.foreign_secret, facts.absence_is_sure) = (is_fresh, foreign, is_sure);
        (facts.delivery, facts.blockers) = (Known::NotAsked, Known::NotAsked);
        let after = if quarantine { "quarantine" } else { "notify" };
        let preflight = if preflight { "true" } else { "false" };
        let more = [&BOTH[..2], &[("AFTER_GRACE", after), ("PREFLIGHT", preflight), ("SUBSCRIBE_OWNERS", "true")]];
        let settings = settings(&more.concat());
        let mut questions = Vec::new();
        while let Next::Learn(question) = asked(&facts, &settings) {
            prop_assert!(!questions.contains(&question), "{question:?} after {questions:?}");
            questions.push(question);
            match question {
                Question::Secret => facts.secret_is_fresh = true,
                Question::Device => facts.absence_is_sure = true,
                Question::Delivery => facts.delivery = Known::Unreadable,
                Question::Blockers => facts.blockers = Known::Unreadable,
            }
        }
    }
}
