//! What lasts from sweep to sweep, and when it is news.

use jiff::{SignedDuration, Timestamp};
use mfa_warden::report::{Answer, Ending, Open, Outcome};
use mfa_warden::standing::{Since, Standing, Trouble};
use mfa_warden::verdict::Status;
use proptest::prelude::*;

/// Above it are users who were out of reach before.
const NEWCOMERS: u8 = 9;

/// A sweep's answer with these users in these kinds of trouble.
fn answer(users: &[(u8, Trouble)]) -> Answer {
    let mut answer = Answer::new("sweep", false, "123456789012");
    for (number, trouble) in users {
        let result = match trouble {
            Trouble::Failed => Ending::Failed("no".to_owned()),
            Trouble::Deferred => Ending::Deferred,
            Trouble::Overdue | Trouble::Unreachable => Ending::None,
        };
        let open = Open {
            overdue: (*trouble == Trouble::Overdue).then_some(SignedDuration::from_hours(24 * 30)),
            unheard: *trouble == Trouble::Unreachable,
            unheard_before: *number > NEWCOMERS,
            ..Open::default()
        };
        answer.outcomes.push(Outcome {
            user: format!("user-{number}"),
            user_id: format!("AIDA{number}"),
            verdict: Status::NonCompliant,
            reason: String::new(),
            actions: Vec::new(),
            result,
            open: Some(open),
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
    for trouble in [Trouble::Failed, Trouble::Unreachable] {
        assert!(is_news(&[(11, trouble)], 4, &[(2, trouble)]), "{trouble:?}");
    }
    // Sweeps leave others each time, for they take users in random order.
    assert!(!is_news(&[(1, Trouble::Deferred)], 4, &[(2, Trouble::Deferred)]));
    assert!(!is_news(&[], 4, &[(11, Trouble::Unreachable)]), "a check has told of it");
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
        assert_eq!(Standing::parse(tag), None, "{tag}");
    }
    assert!(Standing::parse("2026-06-15T12:00:00Z").is_some());
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
        prop_assert_eq!(Standing::parse(&tag), Some(standing));
    }
}
