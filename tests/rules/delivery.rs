//! Who hears a message: filters, and what follows from being out of reach.

use crate::builders::*;
use mfa_warden::model::action::{Action, Notice, Policy};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::version_suffix;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::subscription::Subscription;
use mfa_warden::rules::delivery::Filter;
use mfa_warden::rules::plan::{Next, next};

const REACHED: Delivery = Delivery::Reached;
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
fn whom_a_subscription_counts_for_depends_on_what_is_behind_it() {
    let one = |protocol: &str, endpoint: &str| Subscription {
        arn: Some("arn:aws:sns:us-east-1:123456789012:owners:1".to_owned()),
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
    };
    // Whether it counts only where its filter names the recipient: for an address, and for a name.
    for (subscription, address, name) in [
        (one("email", "ALICE@example.com"), false, false),
        (one("email", "team@example.com"), true, false),
        (one("email-json", "team@example.com"), true, false),
        (one("sms", "+15550100"), true, true),
        (one("application", "arn:aws:sns:us-east-1:123456789012:endpoint/x"), true, true),
        (one("sqs", "q"), false, false),
        (one("lambda", "f"), false, false),
        (one("https", "https://example.com"), false, false),
    ] {
        let personal = [subscription.is_personal("alice@example.com"), subscription.is_personal("alice")];
        assert_eq!(personal, [address, name], "{subscription:?}");
        assert!(!subscription.is_archive());
    }
    assert!(one("firehose", "f").is_archive());
}

/// A user whose invitation, of that age, reached nobody.
fn unheard(age: &str, delivery: Known<Delivery>) -> UserFacts {
    let mut facts = enrolled_since(user("alice"), age);
    facts.set_attached(Policy::Enrollment, true);
    let version = secret(&mut facts).current_version.clone().unwrap();
    for key in [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT] {
        secret(&mut facts).tags.remove(key);
    }
    secret(&mut facts).tags.insert(tag::UNREACHED.to_owned(), version_suffix(&version).to_owned());
    facts.delivery = delivery;
    facts
}

const QUARANTINING: [(&str, &str); 3] = [
    ("AFTER_GRACE", "quarantine"),
    ("QUARANTINE_POLICY_ARN", QUARANTINE),
    ("ENROLLMENT_POLICY_ARN", ENROLLMENT),
];

fn planned(facts: &UserFacts, more: &[(&str, &str)]) -> Vec<Action> {
    let settings = settings(more);
    match next(facts, &verdict_of(facts, &settings), &settings, now()) {
        Next::Do(plan) => plan.actions,
        Next::Learn(question) => panic!("{question:?} is asked"),
    }
}

#[test]
fn an_invitation_of_an_earlier_version_that_reached_nobody_goes_out_again_once_somebody_listens() {
    assert_eq!(planned(&unheard("1h", Known::Unreadable), &[]), []);
    assert_eq!(planned(&unheard("1h", Known::Is(REACHED)), &[]), [Action::Notify(Notice::Invitation)]);
}

#[test]
fn whoever_was_never_reached_is_not_quarantined_and_has_time_once_it_was() {
    for delivery in [
        Known::Is(Delivery::Pending),
        Known::Is(Delivery::Filtered),
        Known::Is(Delivery::Unreached),
        Known::Unreadable,
        Known::Is(REACHED),
    ] {
        let actions = planned(&unheard("20d", delivery), &QUARANTINING);
        assert!(!actions.contains(&Action::Quarantine), "{actions:?}");
    }
    let mut heard = unheard("20d", Known::Is(REACHED));
    secret(&mut heard).tags.insert(tag::HEARD_AT.to_owned(), ago("4d").to_string());
    assert!(planned(&heard, &QUARANTINING).contains(&Action::Quarantine), "the same user, once it has heard");
}

#[test]
fn owners_are_subscribed_only_where_so_set_and_only_with_an_address_that_nobody_serves() {
    let set = [("SUBSCRIBE_OWNERS", "true")];
    let heard = |delivery: Delivery| {
        let mut facts = enrolled_since(user("alice"), "1h");
        facts.set_attached(Policy::Enrollment, true);
        facts.delivery = Known::Is(delivery);
        facts
    };
    assert_eq!(planned(&heard(Delivery::Unreached), &set), [Action::Subscribe]);
    assert_eq!(planned(&heard(Delivery::Pending), &set), [], "SNS has asked already");
    assert_eq!(planned(&heard(Delivery::Filtered), &set), [], "the filter is somebody's wish");
    assert_eq!(planned(&heard(Delivery::Unreached), &[]), []);
    let mut nameless = heard(Delivery::Unreached);
    nameless.tags.clear();
    assert_eq!(planned(&nameless, &set), [], "`alice` is no address");
}

#[test]
fn a_user_name_is_shown_as_it_is_where_it_stands_for_the_recipient() {
    let name = "wei,chen+a=b@c_d.e-f";
    assert_eq!(mfa_warden::model::text::shown(name), name);
}
