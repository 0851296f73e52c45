//! Who hears a message: filters, and what follows from being out of reach.

use crate::builders::*;
use mfa_warden::model::action::{Action, Notice, Policy};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::version_suffix;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::recipient::Recipient;
use mfa_warden::model::record::tag;
use mfa_warden::model::subscription::{Protocol, Subscription};
use mfa_warden::rules::delivery::{Filter, Listener, Reach, reach};
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
        (r#"{"user":[1]}"#, Some(false)),
        (r#"{"user":[null,true,"alice"]}"#, Some(true)),
        (r#"{"user":[{"prefix":"al","suffix":"ce"}]}"#, None),
        (r#"{"user":[{}]}"#, None),
        ("no json", None),
    ] {
        assert_eq!(lets_through(policy), expected, "{policy}");
    }
    let on_body = Filter::read(Some(r#"{"recipient":["x"]}"#), true);
    assert_eq!(on_body.lets_through(&MESSAGE), None, "machines get JSON, and mailboxes text");
}

#[test]
fn whom_a_subscription_counts_for_depends_on_what_is_behind_it() {
    let one = |protocol: &str, endpoint: &str| Subscription {
        arn: Some("arn:aws:sns:us-east-1:123456789012:owners:1".to_owned()),
        protocol: Protocol::read(protocol),
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

const ALICE: &str = "alice@example.com";

/// Protocol, endpoint and filter of a subscription, and what else its attributes say; without a filter it takes
/// everything.
type Listening = (&'static str, &'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

fn subscribed(listening: &[Listening]) -> Vec<(Subscription, Filter)> {
    let one = |(number, (protocol, endpoint, filter, more)): (usize, &Listening)| {
        let is_pending = more.contains(&("PendingConfirmation", "true"));
        let subscription = Subscription {
            arn: (!is_pending).then(|| format!("arn:aws:sns:us-east-1:123456789012:owners:{number}")),
            protocol: Protocol::read(protocol),
            endpoint: (*endpoint).to_owned(),
        };
        (subscription, Filter::read(*filter, more.contains(&("FilterPolicyScope", "MessageBody"))))
    };
    listening.iter().enumerate().map(one).collect()
}

/// What is known once every filter that is asked for was read.
fn reach_of(listening: &[Listening], recipient: &str) -> (Reach, Vec<usize>) {
    let subscribed = subscribed(listening);
    let message = [("kind", "invitation"), ("recipient", recipient), ("user", "alice"), ("account", "1")];
    let mut asked = Vec::new();
    loop {
        let listeners: Vec<Listener<'_>> = subscribed
            .iter()
            .enumerate()
            .map(|(at, (subscription, filter))| {
                (subscription, if asked.contains(&at) { Known::Is(filter) } else { Known::NotAsked })
            })
            .collect();
        match reach(&listeners, recipient, &message) {
            Reach::NeedsFilter(at) => asked.push(at),
            known => return (known, asked),
        }
    }
}

fn reached(listening: &[Listening], recipient: &str) -> Known<Delivery> {
    match reach_of(listening, recipient).0 {
        Reach::Known { delivery, .. } => delivery,
        Reach::NeedsFilter(at) => panic!("the filter of {at} is asked for again"),
    }
}

/// The best of what reaches each recipient that a tag names.
fn best(listening: &[Listening], tag: &str) -> Known<Delivery> {
    let recipient = Recipient::of(&[("email".to_owned(), tag.to_owned())].into(), "email", "alice");
    match recipient {
        Recipient::Malformed(_) => Known::Is(Delivery::Malformed),
        recipient => {
            let each = recipient.each().into_iter().map(|one| reached(listening, one));
            let delivery = |one: Known<Delivery>| *one.value().unwrap();
            Known::Is(each.map(delivery).min().unwrap())
        }
    }
}

const ALICES: &str = r#"{"recipient":["alice@example.com"]}"#;

#[test]
fn an_owner_is_reached_by_its_own_mailbox_or_by_whatever_takes_its_messages() {
    for (listening, expected) in [
        (&[("email", ALICE, Some(ALICES), &[][..])][..], Known::Is(Delivery::Reached)),
        (&[("email", ALICE, None, &[])], Known::Is(Delivery::Reached)),
        (&[("email-json", ALICE, Some(ALICES), &[])], Known::Is(Delivery::Reached)),
        (&[("sqs", "arn:aws:sqs:us-east-1:123456789012:mailer", None, &[])], Known::Is(Delivery::Reached)),
        (
            &[("lambda", "arn:aws:lambda:us-east-1:123456789012:function:mailer", Some(ALICES), &[])],
            Known::Is(Delivery::Reached),
        ),
        // Her other address asks for her messages; the operator's asks for everything and passes nothing on.
        (&[("email", "a.smith@example.org", Some(ALICES), &[])], Known::Is(Delivery::Reached)),
        (&[("email", "operator@example.com", None, &[])], Known::Is(Delivery::Unreached)),
        (
            &[("email", "operator@example.com", Some(r#"{"kind":["invitation"]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (&[("email", ALICE, Some(ALICES), &[("PendingConfirmation", "true")])], Known::Is(Delivery::Pending)),
        (
            &[("email", "bob@example.com", None, &[("PendingConfirmation", "true")])],
            Known::Is(Delivery::Unreached),
        ),
        (
            &[("email", ALICE, Some(r#"{"recipient":["other"]}"#), &[("PendingConfirmation", "true")])],
            Known::Is(Delivery::Pending),
        ),
        (&[("email", ALICE, Some(r#"{"kind":["enrolled"]}"#), &[])], Known::Is(Delivery::Filtered)),
        // SNS compares to the letter, and so her own mailbox keeps her messages out.
        (
            &[("email", "Alice@example.com", Some(r#"{"recipient":["Alice@example.com"]}"#), &[])],
            Known::Is(Delivery::Filtered),
        ),
        (&[("sqs", "q", Some(ALICES), &[("FilterPolicyScope", "MessageBody")])], Known::Unreadable),
        (&[("sqs", "q", Some(r#"{"$or":[]}"#), &[])], Known::Unreadable),
        (&[("email", "Alice@example.com", None, &[])], Known::Is(Delivery::Reached)),
        (
            &[(
                "email",
                "ALICE@EXAMPLE.com",
                Some(r#"{"recipient":[{"equals-ignore-case":"Alice@example.com"}]}"#),
                &[],
            )],
            Known::Is(Delivery::Reached),
        ),
        // What reaches one person reaches her only where it says so, and what only keeps messages reaches nobody.
        (&[("sms", "+15550100", None, &[])], Known::Is(Delivery::Unreached)),
        (
            &[("sms", "+15550100", Some(r#"{"account":["123456789012"]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (&[("sms", "+15550100", Some(ALICES), &[])], Known::Is(Delivery::Reached)),
        (
            &[("sms", "+15550100", Some(r#"{"recipient":[{"exists":true}]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (
            &[("sms", "+15550100", Some(r#"{"recipient":[{"suffix":"@example.com"}]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (
            &[("email", "security@example.com", Some(r#"{"recipient":[{"anything-but":"x"}]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (
            &[(
                "sms",
                "+15550100",
                Some(r#"{"recipient":[{"equals-ignore-case":"ALICE@example.com"}]}"#),
                &[],
            )],
            Known::Is(Delivery::Reached),
        ),
        (&[("application", "phone", None, &[])], Known::Is(Delivery::Unreached)),
        (&[("firehose", "archive", None, &[])], Known::Is(Delivery::Unreached)),
        (&[("firehose", "archive", Some(ALICES), &[])], Known::Is(Delivery::Unreached)),
        // The stack's own mailer.
        (
            &[("lambda", "mailer", Some(r#"{"recipient":[{"suffix":"@example.com"}]}"#), &[])],
            Known::Is(Delivery::Reached),
        ),
        (
            &[("lambda", "mailer", Some(r#"{"recipient":[{"suffix":"@example.org"}]}"#), &[])],
            Known::Is(Delivery::Unreached),
        ),
        (&[], Known::Is(Delivery::Unreached)),
    ] {
        assert_eq!(reached(listening, ALICE), expected, "{listening:?}");
    }
}

#[test]
fn a_recipient_is_one_thing_however_it_is_written() {
    let mailer = ("lambda", "mailer", Some(r#"{"recipient":[{"suffix":"@corp.example"}]}"#), &[][..]);
    let security = ("email", "security@corp.example", None, &[][..]);
    for (tag, expected) in [
        ("ann@corp.example ", Known::Is(Delivery::Reached)),
        ("ann@CORP.example", Known::Is(Delivery::Reached)),
        ("bob@elsewhere.example : ann@corp.example", Known::Is(Delivery::Reached)),
        ("ann@elsewhere.example", Known::Is(Delivery::Unreached)),
        ("ann@corp", Known::Is(Delivery::Malformed)),
        ("ann@corp.example:", Known::Is(Delivery::Reached)),
        ("ann@@corp.example", Known::Is(Delivery::Malformed)),
    ] {
        assert_eq!(best(&[mailer, security], tag), expected, "{tag}");
    }
    for tag in ["ann@corp.example ", "ann@corp.example:bob@corp.example", "ann@corp"] {
        assert!(best(&[security], tag).is_surely_not(), "{tag}: the security team is not the owner");
    }
}

#[test]
fn a_name_that_only_ends_like_an_address_is_not_reached_by_what_mails_addresses() {
    let name = "a,b@corp.example";
    let reach = |filter: Option<&'static str>| reached(&[("lambda", "mailer", filter, &[])], name);
    assert_eq!(reach(Some(r#"{"recipient":[{"suffix":"@corp.example"}]}"#)), Known::Is(Delivery::Unreached));
    assert_eq!(reach(Some(r#"{"recipient":["a,b@corp.example"]}"#)), Known::Is(Delivery::Reached));
    assert_eq!(reach(None), Known::Is(Delivery::Reached), "that takes names too");
}

#[test]
fn a_user_name_without_an_address_is_reached_by_a_teams_mailbox() {
    let team = [("email", "team@example.com", None, &[][..])];
    assert_eq!(reached(&team, "alice"), Known::Is(Delivery::Reached));
}

#[test]
fn the_own_mailbox_is_asked_first_and_others_only_if_it_does_not_deliver() {
    let queue = ("sqs", "q", None, &[][..]);
    let other = ("email", "bob@example.com", Some(r#"{"recipient":["bob@example.com"]}"#), &[][..]);
    let own = ("email", ALICE, Some(ALICES), &[][..]);
    assert_eq!(reach_of(&[other, queue, own], ALICE).1, [2]);
    // What may take everything before what belongs to somebody else.
    assert_eq!(reach_of(&[other, queue], ALICE).1, [1]);
    let archive = ("firehose", "f", None, &[][..]);
    assert_eq!(reach_of(&[archive], ALICE).1, [0; 0], "it reaches nobody");
}

#[test]
fn what_gets_every_owners_messages_is_named_where_an_owner_is_reached_by_it() {
    let catch_all = |listening: &[Listening]| match reach_of(listening, ALICE).0 {
        Reach::Known { catch_all, .. } => catch_all,
        Reach::NeedsFilter(at) => panic!("{at}"),
    };
    let queue = |filter: &'static str| [("sqs", "q", Some(filter), &[][..])];
    assert_eq!(catch_all(&[("sqs", "q", None, &[])]), Some(0));
    assert_eq!(catch_all(&[("email", ALICE, None, &[])]), None, "her own mailbox");
    for (filter, is_catch_all) in [
        (r#"{"recipient":[{"exists":true}]}"#, true),
        (r#"{"recipient":[{"anything-but":"x"}]}"#, true),
        (r#"{"recipient":[{"suffix":"example.com"}]}"#, true),
        (r#"{"recipient":[{"suffix":"@example.com"},{"exists":true}]}"#, true),
        (r#"{"kind":["invitation"]}"#, true),
        (r#"{}"#, true),
        (r#"{"recipient":[{"suffix":"@example.com"}]}"#, false),
        (r#"{"recipient":["bob@example.com","alice@example.com"]}"#, false),
        (r#"{"recipient":[{"equals-ignore-case":"ALICE@example.com"}]}"#, false),
        (r#"{"user":["alice"]}"#, false),
    ] {
        assert_eq!(catch_all(&queue(filter)).is_some(), is_catch_all, "{filter}");
    }
}

#[test]
fn a_filter_with_unknown_rules_is_named_and_one_that_cannot_be_read_is_unknown() {
    let unknown = ("sqs", "q", Some(r#"{"$or":[]}"#), &[][..]);
    let own = ("email", ALICE, Some(r#"{"kind":["enrolled"]}"#), &[][..]);
    let (known, _) = reach_of(&[own, unknown], ALICE);
    assert_eq!(known, Reach::Known { delivery: Known::Unreadable, catch_all: None, not_understood: vec![1] });
    let subscribed = subscribed(&[own, unknown]);
    let unreadable = [(&subscribed[0].0, Known::Is(&subscribed[0].1)), (&subscribed[1].0, Known::Unreadable)];
    let known = reach(&unreadable, ALICE, &MESSAGE);
    assert_eq!(known, Reach::Known { delivery: Known::Unreadable, catch_all: None, not_understood: vec![] });
}

#[test]
fn a_filter_says_what_it_names_lists_and_takes() {
    let filter = |policy: &str, on_body: bool| Filter::read(Some(policy), on_body);
    for policy in [
        r#"{"recipient":["alice@example.com"]}"#,
        r#"{"recipient":[{"equals-ignore-case":"ALICE@example.com"}]}"#,
        r#"{"recipient":["x",{"equals-ignore-case":"alice@example.com"}]}"#,
    ] {
        assert!(filter(policy, false).lists("recipient", ALICE), "{policy}");
        assert!(filter(policy, false).names("recipient"), "{policy}");
        assert!(!filter(policy, true).lists("recipient", ALICE) && !filter(policy, true).names("recipient"));
    }
    for policy in
        [r#"{"recipient":["bob@example.com"]}"#, r#"{"user":["alice@example.com"]}"#, "{}", "no json"]
    {
        assert!(!filter(policy, false).lists("recipient", ALICE), "{policy}");
    }
    assert!(!Filter::default().names("recipient") && !Filter::default().lists("recipient", ALICE));
    assert!(!filter(r#"{"user":["alice"]}"#, false).names("recipient"));
    let domain = r#"{"recipient":[{"suffix":"@example.com"},{"suffix":"@example.org"}]}"#;
    assert!(
        filter(domain, false).takes_domain("recipient") && !filter(domain, true).takes_domain("recipient")
    );
    for policy in [
        r#"{"recipient":[]}"#,
        r#"{"recipient":[{"suffix":"example.com"}]}"#,
        r#"{"recipient":[{"suffix":"@example.com"},"ann@example.org"]}"#,
        r#"{"user":[{"suffix":"@example.com"}]}"#,
    ] {
        assert!(!filter(policy, false).takes_domain("recipient"), "{policy}");
    }
}

#[test]
fn who_is_surely_out_of_reach_is_unreachable_and_why() {
    let mut facts = user("alice");
    for (delivery, is_unreachable) in [
        (Known::NotAsked, false),
        (Known::Unreadable, false),
        (Known::Is(Delivery::Reached), false),
        (Known::Is(Delivery::Pending), true),
        (Known::Is(Delivery::Malformed), true),
    ] {
        facts.delivery = delivery;
        let unreachable = facts.unreachable(&settings(&[]));
        assert_eq!(unreachable.is_some(), is_unreachable, "{delivery:?}");
        if let Some(unreachable) = unreachable {
            assert_eq!(Known::Is(unreachable.delivery), delivery);
            assert_eq!(unreachable.recipient.each(), [ALICE]);
        }
    }
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
fn a_user_whose_owner_was_never_reached_is_not_quarantined_and_has_time_once_it_was() {
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
    assert_eq!(planned(&heard(Delivery::Lapsed), &set), [Action::Subscribe], "its link works no more");
    assert_eq!(planned(&heard(Delivery::Lapsed), &[]), []);
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
