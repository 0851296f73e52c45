//! What lasts from sweep to sweep, and when it is news.

use crate::builders::failed;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::model::blocker::NotQuarantined;
use mfa_warden::model::delivery::{Reach, Unreachable};
use mfa_warden::model::outcome::{Answer, Ending, Open, Outcome, RunKind};
use mfa_warden::model::recipient::Recipient;
use mfa_warden::model::verdict::Reason;
use mfa_warden::model::verdict::Status;
use mfa_warden::rules::changes::{Since, Standing, Trouble};
use proptest::prelude::*;

/// A sweep's answer with these users in these kinds of trouble.
fn answer(users: &[(u8, Trouble)]) -> Answer {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    for (number, trouble) in users {
        let result = match trouble {
            Trouble::Failed => Ending::Failed(failed()),
            Trouble::Deferred => Ending::Deferred,
            Trouble::Reattached => Ending::Done,
            Trouble::Overdue | Trouble::Unreachable | Trouble::Blocked => Ending::None,
            Trouble::CatchAll => {
                answer.catch_all.get_or_insert_default().push(format!("sqs queue-{number}"));
                continue;
            }
        };
        let open = Open {
            overdue: (*trouble == Trouble::Overdue).then_some(SignedDuration::from_hours(24 * 30)),
            ..Open::default()
        };
        let (name, id) = (format!("user-{number}"), format!("AIDA{number}"));
        answer.outcomes.push(Outcome {
            open: Some(open),
            unreachable: (*trouble == Trouble::Unreachable).then(|| Unreachable {
                delivery: Reach::Unreached,
                recipient: Recipient::Name("x".to_owned()),
            }),
            spared: if *trouble == Trouble::Blocked { vec![NotQuarantined::NoAnswer] } else { Vec::new() },
            reattached: *trouble == Trouble::Reattached,
            ..Outcome::new(&name, &id, Status::NonCompliant, Reason::NoPassword, &[], result)
        });
    }
    answer
}

fn noon() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// Whether a sweep `hours` after noon is news, of which operations were told what there was at noon.
fn is_news(before: &[(u8, Trouble)], hours: i64, users: &[(u8, Trouble)]) -> bool {
    let answer = answer(users);
    let before = Standing::of(&self::answer(before), noon());
    let now = Standing::of(&answer, noon() + SignedDuration::from_hours(hours));
    Since { before: Some(&before), now: &now }.is_news(&answer)
}

#[test]
fn it_is_news_when_somebody_gets_into_trouble() {
    for trouble in Trouble::ALL {
        let users = [(11, trouble)];
        if trouble == Trouble::CatchAll {
            // The first summary names them; what is news is that there is another one.
            let first = answer(&users);
            let now = Standing::of(&first, noon());
            assert!(!Since { before: None, now: &now }.is_news(&first));
            assert!(!is_news(&[], 4, &users), "nobody looked before");
            let looked = Answer { catch_all: Some(Vec::new()), ..answer(&[]) };
            let before = Standing::parse(&Standing::of(&looked, noon()).to_string(), noon());
            assert!(Since { before: before.as_ref(), now: &now }.is_news(&first), "it was not there");
            assert!(is_news(&users, 4, &[(11, trouble), (2, trouble)]));
            continue;
        }
        assert!(is_news(&[], 4, &[(1, trouble)]), "{trouble:?}");
        assert!(is_news(&users, 4, &[(11, trouble), (2, trouble)]), "{trouble:?}");
        assert!(!is_news(&users, 4, &users), "{trouble:?}");
        let now = Standing::of(&answer(&users), noon());
        assert!(Since { before: None, now: &now }.is_news(&answer(&users)), "nobody knows what was told");
    }
    assert!(!is_news(&[], 4, &[]));
}

#[test]
fn getting_out_of_trouble_is_told_by_the_run_that_did_it_but_for_failures() {
    for trouble in Trouble::ALL {
        assert_eq!(is_news(&[(1, trouble)], 4, &[]), trouble == Trouble::Failed, "{trouble:?}");
    }
}

#[test]
fn one_who_comes_as_another_goes_is_news() {
    let overdue = |number, minutes| {
        let mut answer = answer(&[(number, Trouble::Overdue)]);
        let open = answer.outcomes[0].open.as_mut().unwrap();
        open.overdue = Some(SignedDuration::from_mins(minutes));
        answer
    };
    let before = Standing::of(&overdue(1, 600), noon());
    let later = noon() + SignedDuration::from_hours(4);
    for (minutes, news) in [(239, true), (241, false)] {
        let answer = overdue(2, minutes);
        let now = Standing::of(&answer, later);
        let since = Since { before: Some(&before), now: &now };
        assert_eq!(since.is_news(&answer), news, "{minutes}");
        assert_eq!(since.changed(), [Trouble::Overdue]);
    }
    for trouble in
        [Trouble::Failed, Trouble::Unreachable, Trouble::Blocked, Trouble::Reattached, Trouble::CatchAll]
    {
        assert!(is_news(&[(11, trouble)], 4, &[(2, trouble)]), "{trouble:?}");
    }
    // Sweeps leave others each time, for they take users in random order.
    assert!(!is_news(&[(1, Trouble::Deferred)], 4, &[(2, Trouble::Deferred)]));
}

#[test]
fn what_lasts_is_told_once_but_for_failures_which_are_told_again_the_next_day() {
    for trouble in Trouble::ALL {
        let users = [(11, trouble)];
        assert!(!is_news(&users, 8, &users), "{trouble:?}");
        assert_eq!(is_news(&users, 13, &users), trouble == Trouble::Failed, "{trouble:?}");
    }
}

#[test]
fn another_order_of_the_same_users_is_the_same() {
    let users = [(1, Trouble::Failed), (2, Trouble::Failed), (3, Trouble::Overdue)];
    let mut turned = users;
    turned.reverse();
    assert_eq!(Standing::of(&answer(&users), noon()), Standing::of(&answer(&turned), noon()));
}

#[test]
fn a_tag_that_is_none_of_ours_is_no_memory() {
    for tag in [
        "",
        "2026-06-15",
        "2026-06-15T12:00:00Z failed",
        "2026-06-15T12:00:00Z failed=1:xyz",
        "x failed=1:00",
    ] {
        assert_eq!(Standing::parse(tag, noon()), None, "{tag}");
    }
    assert!(Standing::parse("2026-06-15T12:00:00Z", noon()).is_some());
}

#[test]
fn a_memory_from_the_future_is_none_and_silences_nothing() {
    assert_eq!(Standing::parse("2999-06-15T12:00:00Z failed=1:00000000", noon()), None);
}

/// What is written today is read by every later build.
#[test]
fn a_digest_is_the_same_in_every_build() {
    let standing = Standing::of(&answer(&[(1, Trouble::Failed), (2, Trouble::Failed)]), noon());
    assert_eq!(standing.to_string(), "2026-06-15T12:00:00Z failed=2:66221c5b074db5e1");
}

#[test]
fn what_version_0_1_0_told_is_not_told_again_for_its_digest_alone() {
    let one = answer(&[(1, Trouble::Overdue)]);
    let before =
        Standing::parse("2026-06-15T12:00:00.5Z overdue=1:0a1b2c3d", noon() + SignedDuration::from_hours(1));
    let now = Standing::of(&one, noon() + SignedDuration::from_hours(2));
    let since = Since { before: before.as_ref(), now: &now };
    assert_eq!(since.changed(), []);
    let two = answer(&[(1, Trouble::Overdue), (2, Trouble::Overdue)]);
    let now = Standing::of(&two, noon() + SignedDuration::from_hours(2));
    assert_eq!(Since { before: before.as_ref(), now: &now }.changed(), [Trouble::Overdue]);
}

#[test]
fn the_memory_of_five_thousand_users_in_every_trouble_fits_into_a_tag() {
    let mut all = answer(&[]);
    for trouble in Trouble::ALL {
        let one = answer(&[(1, trouble)]);
        for number in 0..5000 {
            all.outcomes.extend(
                one.outcomes
                    .iter()
                    .cloned()
                    .map(|outcome| Outcome { user_id: format!("AIDA{number}"), ..outcome }),
            );
        }
    }
    all.catch_all = Some((0..200).map(|n| format!("sqs queue-{n}")).collect());
    let tag = Standing::of(&all, noon() + SignedDuration::from_nanos(123_456_789)).to_string();
    assert!(tag.len() <= 256, "{}: {tag}", tag.len());
}

#[test]
fn a_run_that_did_not_look_at_subscriptions_forgets_none() {
    let before = Standing::of(&answer(&[(1, Trouble::CatchAll)]), noon());
    let idle = answer(&[]);
    let now = Standing::of(&idle, noon()).remembering(Some(&before), &idle);
    assert_eq!(now.users(Trouble::CatchAll), 1);
    let looked = Answer { catch_all: Some(Vec::new()), ..answer(&[]) };
    assert_eq!(Standing::of(&looked, noon()).remembering(Some(&before), &looked).users(Trouble::CatchAll), 0);
}

#[test]
fn an_owner_topic_that_nobody_listens_to_is_news_each_day() {
    let answer = || Answer { nobody_listens: true, ..answer(&[]) };
    let before = Standing::of(&answer(), noon());
    let is_news = |hours| {
        let now = Standing::of(&answer(), noon() + SignedDuration::from_hours(hours));
        Since { before: Some(&before), now: &now }.is_news(&answer())
    };
    assert_eq!([is_news(4), is_news(13)], [false, true]);
}

#[test]
fn users_outside_the_pilot_are_no_trouble() {
    let mut answer = answer(&[(1, Trouble::Deferred)]);
    answer.outcomes[0].postponed = Some(mfa_warden::model::action::Postponed::Pilot);
    let now = Standing::of(&answer, noon());
    assert_eq!(now.users(Trouble::Deferred), 0);
    assert_eq!(answer.deferred_for_now(), 0);
}

proptest! {
    #[test]
    fn what_was_told_is_read_from_the_tag_as_it_was_written(
        users in prop::collection::vec((any::<u8>(), prop::sample::select(Trouble::ALL.to_vec())), 0..50),
    ) {
        let standing = Standing::of(&answer(&users), noon() + SignedDuration::from_nanos(123_456_789));
        let tag = standing.to_string();
        // What SNS takes as the value of a tag.
        prop_assert!(tag.len() <= 256);
        prop_assert!(tag.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c)), "{}", tag);
        prop_assert_eq!(Standing::parse(&tag, standing.at), Some(standing));
    }
}
