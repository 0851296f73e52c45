//! The texts that operations read.

use crate::answers::{busy_answer, said, shown, three_days_later};
use crate::builders::*;
use jiff::SignedDuration;
use mfa_warden::messages::operations::{failure, run_failed, summary, trails};
use mfa_warden::model::known::Known;
use mfa_warden::model::message::Message;
use mfa_warden::model::outcome::{Answer, RunKind};
use mfa_warden::model::trail::{IamEvents, TrailAnswer};
use mfa_warden::model::warning::Warning;
use mfa_warden::rules::changes::{Changes, Snapshot};

/// The message after a sweep that found `answer`, to operations that were told of `before` last.
fn told(
    message: fn(&mfa_warden::model::account::Account, &Answer, Changes<'_>) -> Message,
    answer: &Answer,
    before: Option<&Snapshot>,
) -> Message {
    message(&account(), answer, Changes { before, now: &Snapshot::of(answer, now()) })
}

#[test]
fn the_summary_leads_with_what_was_done_and_names_the_overdue_longest_first() {
    insta::assert_snapshot!(shown(&told(summary, &busy_answer(), None)));
}

#[test]
fn a_failure_names_who_why_and_that_it_is_tried_again() {
    insta::assert_snapshot!(shown(&told(failure, &busy_answer(), None)));
}

#[test]
fn a_summary_says_what_changed_since_the_last_and_who_was_in_trouble_before_comes_after_the_totals() {
    let (before, answer) = three_days_later();
    insta::assert_snapshot!(shown(&told(summary, &answer, Some(&before))));
}

#[test]
fn a_run_that_did_nothing_says_in_its_subject_what_is_over() {
    let before = Snapshot::of(&busy_answer(), now() - SignedDuration::from_hours(4));
    let message = told(summary, &Answer::new(RunKind::Sweep, false, "123456789012"), Some(&before));
    assert_eq!(message.subject, "mfa-warden 123456789012: 0 failed now, 0 overdue now, 0 deferred now");
}

#[test]
fn a_failed_run_says_that_nothing_was_done() {
    insta::assert_snapshot!(shown(&run_failed(
        &account(),
        &RunKind::Sweep,
        "failed to list the IAM users: AccessDenied: no"
    )));
}

#[test]
fn a_failed_check_names_its_user_and_raises_no_false_alarm() {
    insta::assert_snapshot!(shown(&run_failed(
        &account(),
        &RunKind::Check("alice".to_owned()),
        "failed to describe the secret `s`: no"
    )));
}

#[test]
fn whether_iam_events_arrive_is_told_with_what_to_do() {
    let told = |iam_events: IamEvents, warnings: Vec<Warning>| {
        let account_id = "123456789012".to_owned();
        let told = Some(IamEvents::None);
        shown(&trails(
            &account(),
            &TrailAnswer {
                dry_run: false,
                account: account_id,
                iam_events,
                operations_subscriptions: Known::NotAsked,
                warnings,
            },
            told,
        ))
    };
    let denied = Warning::Trails(said("list the CloudTrail trails", "AccessDenied", "not allowed"));
    insta::assert_snapshot!(
        [
            told(IamEvents::None, vec![Warning::NoTrail]),
            told(IamEvents::Unknown, vec![denied]),
            told(IamEvents::Account, Vec::new()),
        ]
        .join("\n=====\n")
    );
}
