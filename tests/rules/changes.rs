//! What lasts from sweep to sweep, and when it is news.

use crate::builders::failed;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::model::blocker::NotQuarantined;
use mfa_warden::model::delivery::{Delivery, Unreachable};
use mfa_warden::model::known::Known;
use mfa_warden::model::outcome::{Answer, OpenEnrollment, Outcome, RunKind, UserResult};
use mfa_warden::model::recipient::Recipient;
use mfa_warden::model::verdict::Reason;
use mfa_warden::model::verdict::Status;
use mfa_warden::rules::changes::{Changes, Problem, Snapshot};
use proptest::prelude::*;

/// A sweep's answer with these users in these kinds of problem.
fn answer(users: &[(u8, Problem)]) -> Answer {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    for (number, problem) in users {
        let result = match problem {
            Problem::Failed => UserResult::Failed(failed()),
            Problem::Deferred => UserResult::Deferred,
            Problem::Reattached => UserResult::Done,
            Problem::Overdue | Problem::Unreachable | Problem::Blocked => UserResult::None,
            Problem::CatchAll => {
                let mut named = answer.catch_all.value().cloned().unwrap_or_default();
                named.push(format!("sqs queue-{number}"));
                answer.catch_all = Known::Is(named);
                continue;
            }
        };
        let open = OpenEnrollment {
            overdue: (*problem == Problem::Overdue).then_some(SignedDuration::from_hours(24 * 30)),
            ..OpenEnrollment::default()
        };
        let (name, id) = (format!("user-{number}"), format!("AIDA{number}"));
        answer.outcomes.push(Outcome {
            open: Some(open),
            unreachable: (*problem == Problem::Unreachable).then(|| Unreachable {
                delivery: Delivery::Unreached,
                recipient: Recipient::Name("x".to_owned()),
            }),
            not_quarantined: if *problem == Problem::Blocked {
                vec![NotQuarantined::NoAnswer]
            } else {
                Vec::new()
            },
            reattached: *problem == Problem::Reattached,
            ..Outcome::new(&name, &id, Status::NonCompliant, Reason::NoPassword, &[], result)
        });
    }
    answer
}

fn noon() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// Whether a sweep `hours` after noon is news, of which operations were told what there was at noon.
fn is_news(before: &[(u8, Problem)], hours: i64, users: &[(u8, Problem)]) -> bool {
    let answer = answer(users);
    let before = Snapshot::of(&self::answer(before), noon());
    let now = Snapshot::of(&answer, noon() + SignedDuration::from_hours(hours));
    Changes { before: Some(&before), now: &now }.is_news(&answer)
}

#[test]
fn it_is_news_when_somebody_gets_into_trouble() {
    for problem in Problem::ALL {
        let users = [(11, problem)];
        if problem == Problem::CatchAll {
            // The first summary names them; what is news is that there is another one.
            let first = answer(&users);
            let now = Snapshot::of(&first, noon());
            assert!(!Changes { before: None, now: &now }.is_news(&first));
            assert!(!is_news(&[], 4, &users), "nobody looked before");
            let looked = Answer { catch_all: Known::Is(Vec::new()), ..answer(&[]) };
            let before = Snapshot::parse(&Snapshot::of(&looked, noon()).to_string(), noon());
            assert!(Changes { before: before.as_ref(), now: &now }.is_news(&first), "it was not there");
            assert!(is_news(&users, 4, &[(11, problem), (2, problem)]));
            continue;
        }
        assert!(is_news(&[], 4, &[(1, problem)]), "{problem:?}");
        assert!(is_news(&users, 4, &[(11, problem), (2, problem)]), "{problem:?}");
        assert!(!is_news(&users, 4, &users), "{problem:?}");
        let now = Snapshot::of(&answer(&users), noon());
        assert!(Changes { before: None, now: &now }.is_news(&answer(&users)), "nobody knows what was told");
    }
    assert!(!is_news(&[], 4, &[]));
}

#[test]
fn getting_out_of_trouble_is_told_by_the_run_that_did_it_but_for_failures() {
    for problem in Problem::ALL {
        assert_eq!(is_news(&[(1, problem)], 4, &[]), problem == Problem::Failed, "{problem:?}");
    }
}

#[test]
fn one_who_comes_as_another_goes_is_news() {
    let overdue = |number, minutes| {
        let mut answer = answer(&[(number, Problem::Overdue)]);
        let open = answer.outcomes[0].open.as_mut().unwrap();
        open.overdue = Some(SignedDuration::from_mins(minutes));
        answer
    };
    let before = Snapshot::of(&overdue(1, 600), noon());
    let later = noon() + SignedDuration::from_hours(4);
    for (minutes, news) in [(239, true), (241, false)] {
        let answer = overdue(2, minutes);
        let now = Snapshot::of(&answer, later);
        let since = Changes { before: Some(&before), now: &now };
        assert_eq!(since.is_news(&answer), news, "{minutes}");
        assert_eq!(since.changed(), [Problem::Overdue]);
    }
    for problem in
        [Problem::Failed, Problem::Unreachable, Problem::Blocked, Problem::Reattached, Problem::CatchAll]
    {
        assert!(is_news(&[(11, problem)], 4, &[(2, problem)]), "{problem:?}");
    }
    // Sweeps leave others each time, for they take users in random order.
    assert!(!is_news(&[(1, Problem::Deferred)], 4, &[(2, Problem::Deferred)]));
}

#[test]
fn what_lasts_is_told_once_but_for_failures_which_are_told_again_the_next_day() {
    for problem in Problem::ALL {
        let users = [(11, problem)];
        assert!(!is_news(&users, 8, &users), "{problem:?}");
        assert_eq!(is_news(&users, 13, &users), problem == Problem::Failed, "{problem:?}");
    }
}

#[test]
fn another_order_of_the_same_users_is_the_same() {
    let users = [(1, Problem::Failed), (2, Problem::Failed), (3, Problem::Overdue)];
    let mut turned = users;
    turned.reverse();
    assert_eq!(Snapshot::of(&answer(&users), noon()), Snapshot::of(&answer(&turned), noon()));
}

#[test]
fn a_tag_that_mfa_warden_did_not_write_is_no_memory() {
    for tag in [
        "",
        "2026-06-15",
        "2026-06-15T12:00:00Z failed",
        "2026-06-15T12:00:00Z failed=1:xyz",
        "x failed=1:00",
    ] {
        assert_eq!(Snapshot::parse(tag, noon()), None, "{tag}");
    }
    assert!(Snapshot::parse("2026-06-15T12:00:00Z", noon()).is_some());
}

#[test]
fn a_memory_from_the_future_is_none_and_silences_nothing() {
    assert_eq!(Snapshot::parse("2999-06-15T12:00:00Z failed=1:00000000", noon()), None);
}

/// What is written today is read by every later build.
#[test]
fn a_digest_is_the_same_in_every_build() {
    let snapshot = Snapshot::of(&answer(&[(1, Problem::Failed), (2, Problem::Failed)]), noon());
    assert_eq!(snapshot.to_string(), "2026-06-15T12:00:00Z failed=2:66221c5b074db5e1");
}

#[test]
fn what_version_0_1_0_told_is_not_told_again_for_its_digest_alone() {
    let one = answer(&[(1, Problem::Overdue)]);
    let before =
        Snapshot::parse("2026-06-15T12:00:00.5Z overdue=1:0a1b2c3d", noon() + SignedDuration::from_hours(1));
    let now = Snapshot::of(&one, noon() + SignedDuration::from_hours(2));
    let since = Changes { before: before.as_ref(), now: &now };
    assert_eq!(since.changed(), []);
    let two = answer(&[(1, Problem::Overdue), (2, Problem::Overdue)]);
    let now = Snapshot::of(&two, noon() + SignedDuration::from_hours(2));
    assert_eq!(Changes { before: before.as_ref(), now: &now }.changed(), [Problem::Overdue]);
}

#[test]
fn the_memory_of_five_thousand_users_in_every_trouble_fits_into_a_tag() {
    let mut all = answer(&[]);
    for problem in Problem::ALL {
        let one = answer(&[(1, problem)]);
        for number in 0..5000 {
            all.outcomes.extend(
                one.outcomes
                    .iter()
                    .cloned()
                    .map(|outcome| Outcome { user_id: format!("AIDA{number}"), ..outcome }),
            );
        }
    }
    all.catch_all = Known::Is((0..200).map(|n| format!("sqs queue-{n}")).collect());
    let tag = Snapshot::of(&all, noon() + SignedDuration::from_nanos(123_456_789)).to_string();
    assert!(tag.len() <= 256, "{}: {tag}", tag.len());
}

#[test]
fn a_run_that_did_not_look_at_subscriptions_forgets_none() {
    let before = Snapshot::of(&answer(&[(1, Problem::CatchAll)]), noon());
    let idle = answer(&[]);
    let now = Snapshot::of(&idle, noon()).remembering(Some(&before), &idle);
    assert_eq!(now.users(Problem::CatchAll), 1);
    let looked = Answer { catch_all: Known::Is(Vec::new()), ..answer(&[]) };
    assert_eq!(Snapshot::of(&looked, noon()).remembering(Some(&before), &looked).users(Problem::CatchAll), 0);
}

#[test]
fn an_owner_topic_that_nobody_listens_to_is_news_each_day() {
    let answer = || Answer { nobody_listens: true, ..answer(&[]) };
    let before = Snapshot::of(&answer(), noon());
    let is_news = |hours| {
        let now = Snapshot::of(&answer(), noon() + SignedDuration::from_hours(hours));
        Changes { before: Some(&before), now: &now }.is_news(&answer())
    };
    assert_eq!([is_news(4), is_news(13)], [false, true]);
}

#[test]
fn users_outside_the_pilot_are_no_trouble() {
    let mut answer = answer(&[(1, Problem::Deferred)]);
    answer.outcomes[0].postponed = Some(mfa_warden::model::action::Postponed::Pilot);
    let now = Snapshot::of(&answer, noon());
    assert_eq!(now.users(Problem::Deferred), 0);
    assert_eq!(answer.deferred_for_now(), 0);
}

proptest! {
    #[test]
    fn what_was_told_is_read_from_the_tag_as_it_was_written(
        users in prop::collection::vec((any::<u8>(), prop::sample::select(Problem::ALL.to_vec())), 0..50),
    ) {
        let snapshot = Snapshot::of(&answer(&users), noon() + SignedDuration::from_nanos(123_456_789));
        let tag = snapshot.to_string();
        // What SNS takes as the value of a tag.
        prop_assert!(tag.len() <= 256);
        prop_assert!(tag.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c)), "{}", tag);
        prop_assert_eq!(Snapshot::parse(&tag, snapshot.at), Some(snapshot));
    }
}

#[test]
fn newly_overdue_is_who_was_not_when_operations_were_told_last() {
    let overdue_for = |time: SignedDuration| {
        let mut outcome = answer(&[(11, Problem::Overdue)]).outcomes.remove(0);
        outcome.open.as_mut().unwrap().overdue = Some(time);
        outcome
    };
    let since = |before: &[(u8, Problem)], overdue: SignedDuration| {
        let before = Snapshot::of(&answer(before), noon());
        let now = Snapshot::of(&answer(&[(11, Problem::Overdue)]), noon() + SignedDuration::from_hours(4));
        Changes { before: Some(&before), now: &now }.is_newly_overdue(&overdue_for(overdue))
    };
    let others = [(12, Problem::Overdue)];
    assert!(since(&others, SignedDuration::from_hours(3)));
    assert!(!since(&others, SignedDuration::from_hours(4)), "it was overdue in that very moment");
    assert!(!since(&others, SignedDuration::from_hours(5)));
    let shortened = SignedDuration::from_hours(24 * 30);
    assert!(since(&[], shortened), "nobody was overdue before GRACE_PERIOD was shortened");
    let reachable = Outcome { open: None, ..overdue_for(shortened) };
    let now = Snapshot::of(&answer(&[]), noon());
    assert!(!Changes { before: None, now: &now }.is_newly_overdue(&reachable));
}

#[test]
fn newly_unreachable_are_the_unreachable_where_they_became_more_or_others() {
    let outcome = |problem| answer(&[(11, problem)]).outcomes.remove(0);
    let is_new = |before: &[(u8, Problem)], now: &[(u8, Problem)], of: &Outcome| {
        let (before, now) = (Snapshot::of(&answer(before), noon()), Snapshot::of(&answer(now), noon()));
        Changes { before: Some(&before), now: &now }.is_newly_unreachable(of)
    };
    let (unreachable, overdue) = (outcome(Problem::Unreachable), outcome(Problem::Overdue));
    let (one, two) = ([(11, Problem::Unreachable)], [(11, Problem::Unreachable), (12, Problem::Unreachable)]);
    assert!(is_new(&one, &two, &unreachable));
    assert!(is_new(&[(12, Problem::Unreachable)], &one, &unreachable), "another one");
    assert!(!is_new(&one, &two, &overdue), "that user is reached");
    assert!(!is_new(&one, &one, &unreachable));
    assert!(!is_new(&two, &one, &unreachable), "fewer");
}
