//! Who hears a message: filters, and what follows from being out of reach.

use crate::builders::*;
use mfa_warden::facts::{UserFacts, tag, version_suffix};
use mfa_warden::plan::{Action, Notice, plan};
use mfa_warden::reach::{Filter, Reach, is_email_address};

const REACHED: Reach = Reach::Reached;
const MESSAGE: [(&str, &str); 4] = [
    ("kind", "invitation"),
    ("recipient", "alice@example.com"),
    ("user", "alice"),
    ("account", "123456789012"),
];

fn lets_through(policy: &str) -> Option<bool> {
    Filter::read(Some(policy), false).lets_through(&MESSAGE)
}

#[test]
fn filters_are_read_as_sns_reads_them() {
    assert_eq!(Filter::default().lets_through(&MESSAGE), Some(true), "without a policy everything is");
    for (policy, expected) in [
        (r#"{"recipient":["alice@example.com"]}"#, Some(true)),
        (r#"{"recipient":["bob@example.com","alice@example.com"]}"#, Some(true)),
        (r#"{"recipient":["bob@example.com"]}"#, Some(false)),
        (r#"{"recipient":["Alice@example.com"]}"#, Some(false)),
        (r#"{"recipient":[{"equals-ignore-case":"Alice@example.com"}]}"#, Some(true)),
        (r#"{"recipient":[{"suffix":"@example.com"}],"account":["123456789012"]}"#, Some(true)),
        (r#"{"recipient":[{"suffix":"@example.com"}],"account":["210987654321"]}"#, Some(false)),
        (r#"{"user":[{"prefix":"al"}]}"#, Some(true)),
        (r#"{"kind":[{"anything-but":["invitation","reminder"]}]}"#, Some(false)),
        (r#"{"kind":[{"anything-but":"enrolled"}]}"#, Some(true)),
        (r#"{"team":[{"exists":false}]}"#, Some(true)),
        (r#"{"team":[{"exists":true}]}"#, Some(false)),
        (r#"{"team":["a"]}"#, Some(false)),
        (r#"{"account":[{"numeric":["=",1]}]}"#, Some(false)),
        (r#"{}"#, Some(true)),
        (r#"{"$or":[{"user":["alice"]}]}"#, None),
        (r#"{"$or":[{"user":["alice"]}],"user":["bob"]}"#, Some(false)),
        (r#"{"user":[{"cidr":"10.0.0.0/24"}]}"#, None),
        (r#"{"user":"alice"}"#, None),
        ("no json", None),
    ] {
        assert_eq!(lets_through(policy), expected, "{policy}");
    }
    let on_body = Filter::read(Some(r#"{"recipient":["x"]}"#), true);
    assert_eq!(on_body.lets_through(&MESSAGE), Some(false), "our messages are no JSON");
}

#[test]
fn an_owner_who_heard_the_invitation_hears_of_a_lost_notice_by_a_reminder_and_is_quarantined_all_the_same() {
    let lost = |age: &str, reach: Reach| {
        let mut facts = unheard(age, reach);
        let mark = format!("{} reminder", secret(&mut facts).tags[tag::UNREACHED]);
        secret(&mut facts).tags.insert(tag::UNREACHED.to_owned(), mark);
        facts
    };
    assert_eq!(planned(&lost("1h", Reach::Unreached), &[]), []);
    assert_eq!(planned(&lost("1h", REACHED), &[]), [Action::Notify(Notice::Reminder)]);
    for reach in [REACHED, Reach::Unreached] {
        let actions = planned(&lost("20d", reach), &QUARANTINING);
        assert_eq!(
            actions,
            [Action::Quarantine, Action::Notify(Notice::Quarantined)],
            "leaving is no way out"
        );
    }
}

#[test]
fn only_what_can_get_mail_is_an_address() {
    for address in ["alice@example.com", "a.b+c@mail.example.co"] {
        assert!(is_email_address(address), "{address}");
    }
    for other in [
        "alice",
        "alice@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        "alice@localhost",
        "ä@example.com",
    ] {
        assert!(!is_email_address(other), "{other}");
    }
}

/// A user whose invitation, of that age, reached nobody.
fn unheard(age: &str, reach: Reach) -> UserFacts {
    let mut facts = enrolled_since(user("alice"), age);
    facts.attached.as_mut().unwrap().enrollment = true;
    let version = secret(&mut facts).current_version.clone().unwrap();
    secret(&mut facts).tags.insert(tag::UNREACHED.to_owned(), version_suffix(&version).to_owned());
    facts.reach = Some(reach);
    facts
}

const QUARANTINING: [(&str, &str); 3] = [
    ("AFTER_GRACE", "quarantine"),
    ("QUARANTINE_POLICY_ARN", QUARANTINE),
    ("ENROLLMENT_POLICY_ARN", ENROLLMENT),
];

fn planned(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<Action> {
    let settings = settings(more);
    plan(facts, &verdict_of(facts, &settings), &settings, now())
}

#[test]
fn an_invitation_that_reached_nobody_goes_out_again_once_somebody_listens_and_not_before() {
    for reach in [Reach::Pending, Reach::Filtered, Reach::Unreached, Reach::Unknown] {
        assert_eq!(planned(&unheard("1h", reach), &[]), [], "{reach:?}");
    }
    assert_eq!(planned(&unheard("1h", REACHED), &[]), [Action::Notify(Notice::Invitation)]);
}

#[test]
fn whoever_was_never_reached_is_not_quarantined() {
    for reach in [Reach::Pending, Reach::Filtered, Reach::Unreached, Reach::Unknown] {
        let actions = planned(&unheard("20d", reach), &QUARANTINING);
        assert!(!actions.contains(&Action::Quarantine), "{actions:?}");
    }
    let mut heard = unheard("20d", REACHED);
    secret(&mut heard).tags.remove(tag::UNREACHED);
    assert!(planned(&heard, &QUARANTINING).contains(&Action::Quarantine), "the same user, had it heard");
}

#[test]
fn whoever_is_reached_late_gets_a_new_seed_and_so_time_before_a_quarantine() {
    let actions = planned(&unheard("20d", REACHED), &QUARANTINING);
    assert!(matches!(actions[0], Action::Provision { .. }), "{actions:?}");
    assert!(actions.contains(&Action::Notify(Notice::Invitation)) && !actions.contains(&Action::Quarantine));
}

#[test]
fn owners_are_subscribed_only_where_so_set_and_only_with_an_address_that_nobody_serves() {
    let set = [("SUBSCRIBE_OWNERS", "true")];
    assert_eq!(planned(&unheard("1h", Reach::Unreached), &set), [Action::Subscribe]);
    assert_eq!(planned(&unheard("1h", Reach::Pending), &set), [], "SNS has asked already");
    assert_eq!(planned(&unheard("1h", Reach::Filtered), &set), [], "the filter is somebody's wish");
    assert_eq!(planned(&unheard("1h", Reach::Unreached), &[]), []);
    let mut nameless = unheard("1h", Reach::Unreached);
    nameless.tags.clear();
    assert_eq!(planned(&nameless, &set), [], "`alice` is no address");
}

#[test]
fn a_user_name_is_shown_as_it_is_where_it_stands_for_the_recipient() {
    let name = "wei,chen+a=b@c_d.e-f";
    assert_eq!(mfa_warden::verdict::shown(name), name);
}
