//! What became of a user, and of a run.

use crate::builders::failed;
use mfa_warden::model::action::{Action, Notice, Policy, Step};
use mfa_warden::model::outcome::{ActionCounts, Answer, Outcome, RunKind, UserResult};
use mfa_warden::model::verdict::{Reason, Status};

fn outcome(verdict: Status, reason: Reason, actions: &[Action], result: UserResult) -> Outcome {
    Outcome::new("alice", "AIDAEXAMPLEALICE00001", verdict, reason, actions, result)
}

#[test]
fn a_cause_is_an_action_that_failed_or_a_read_that_did() {
    let unread =
        |result| outcome(Status::Unknown, Reason::Unreadable(failed()), &[], result).cause().cloned();
    assert_eq!(unread(UserResult::None), Some(failed()));
    assert_eq!(unread(UserResult::Deferred), None, "it was not looked at");
    let acted = outcome(Status::NonCompliant, Reason::NoPassword, &[], UserResult::Failed(failed()));
    assert_eq!(acted.cause(), Some(&failed()));
    let done = outcome(Status::NonCompliant, Reason::NoPassword, &[], UserResult::Done);
    assert_eq!(done.cause(), None);
}

#[test]
fn what_was_planned_or_broke_off_was_not_done() {
    for (result, did) in
        [(UserResult::Done, true), (UserResult::Planned, false), (UserResult::Deferred, false)]
    {
        let outcome = outcome(Status::NonCompliant, Reason::NoPassword, &[Action::Attach], result.clone());
        assert_eq!(outcome.did(Step::Attach), did, "{result:?}");
        assert!(!outcome.did(Step::Close));
    }
}

#[test]
fn every_action_is_counted_once_and_every_notice_as_one() {
    let close = |closing_notice| Action::Close {
        secret: "s".to_owned(),
        policies: Vec::new(),
        devices: Vec::new(),
        closing_notice,
    };
    let counted = |actions: &[Action]| {
        let mut counts = ActionCounts::default();
        actions.iter().for_each(|action| counts.add(action));
        counts
    };
    let none = ActionCounts::default();
    assert!(!none.any());
    let serial_number = "s".to_owned();
    for (action, expected) in [
        (
            Action::Provision { secret: None, doubt: None, superseded: Vec::new() },
            ActionCounts { provision: 1, ..none },
        ),
        (Action::Attach, ActionCounts { attach: 1, ..none }),
        (Action::Quarantine, ActionCounts { quarantine: 1, ..none }),
        (close(None), ActionCounts { close: 1, ..none }),
        (close(Some(Notice::Enrolled)), ActionCounts { close: 1, notify: 1, ..none }),
        (Action::Detach(Policy::Quarantine), ActionCounts { detach: 1, ..none }),
        (Action::DeleteDevice { serial_number }, ActionCounts { delete_device: 1, ..none }),
        (Action::PutPolicy, ActionCounts { put_policy: 1, ..none }),
        (Action::Subscribe, ActionCounts { subscribe: 1, ..none }),
        (Action::Notify(Notice::Reminder), ActionCounts { notify: 1, ..none }),
    ] {
        assert_eq!(counted(std::slice::from_ref(&action)), expected, "{action:?}");
        assert!(expected.any());
    }
}

#[test]
fn attaching_again_what_another_tool_detaches_is_nothing_that_is_told_each_time() {
    let answer = |outcomes: &[(bool, &[Action])]| {
        let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
        for (reattached, actions) in outcomes {
            let outcome = outcome(Status::NonCompliant, Reason::NoPassword, actions, UserResult::Done);
            answer.add(Outcome { reattached: *reattached, ..outcome }, actions);
        }
        answer
    };
    assert!(!answer(&[]).has_done_something());
    let again: &[Action] = &[Action::Attach, Action::Quarantine];
    for one in again {
        assert!(!answer(&[(true, std::slice::from_ref(one))]).has_done_something(), "{one:?}");
    }
    assert!(!answer(&[(true, again)]).has_done_something());
    assert!(!answer(&[(true, &[Action::Attach]), (true, &[Action::Quarantine])]).has_done_something());
    assert!(answer(&[(true, again), (false, &[Action::Quarantine])]).has_done_something());
    assert!(answer(&[(false, &[Action::Attach])]).has_done_something());
}

#[test]
fn only_who_is_plainly_in_order_is_counted_and_not_listed() {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    for (status, result) in [
        (Status::Compliant, UserResult::None),
        (Status::NotApplicable, UserResult::None),
        (Status::Compliant, UserResult::Done),
        (Status::NonCompliant, UserResult::None),
        (Status::NonCompliant, UserResult::Failed(failed())),
        (Status::Unknown, UserResult::Deferred),
    ] {
        answer.add(outcome(status, Reason::NoPassword, &[], result), &[]);
    }
    assert_eq!((answer.outcomes.len(), answer.failed, answer.deferred), (4, 1, 1));
    assert_eq!(answer.deferred_for_now(), 1);
}
