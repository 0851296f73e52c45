//! The answer's shape, to the letter.

use crate::answers::{NO_MFA, said};
use crate::builders::*;
use mfa_warden::model::action::{Action, Notice};
use mfa_warden::model::outcome::{Answer, Outcome, RunKind, UserResult};
use mfa_warden::model::rule::Rule;
use mfa_warden::model::verdict::Status;
use serde_json::json;

fn outcome(verdict: Status, actions: &[Action], result: UserResult) -> Outcome {
    Outcome::new("alice", USER_ID, verdict, NO_MFA, actions, result)
}

#[test]
fn an_answer_has_the_documented_shape() {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    let actions = [
        Action::Provision { secret: None, doubt: None, superseded: vec![] },
        Action::Notify(Notice::Invitation),
    ];
    answer.users.add(Status::NonCompliant);
    let done = outcome(Status::NonCompliant, &actions, UserResult::Done);
    answer.add(Outcome { rule: Some(Rule::NotPrepared), ..done }, &actions);
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({
            "action": "sweep", "dry_run": false, "account": "123456789012",
            "users": {"total": 1, "compliant": 0, "non_compliant": 1, "exempt": 0, "not_applicable": 0, "unknown": 0},
            "actions": {"provision": 1, "notify": 1, "quarantine": 0, "close": 0, "delete_device": 0, "attach": 0, "detach": 0},
            "failed": 0, "deferred": 0,
            "outcomes": [{
                "user": "alice", "user_id": USER_ID, "verdict": "non_compliant",
                "reason": "console password, no MFA device", "rule": "not_prepared",
                "actions": ["provision", "notify(invitation)"], "result": "done"
            }],
            "warnings": []
        })
    );
}

#[test]
fn results_are_written_as_documented() {
    for (ending, text) in [
        (UserResult::Done, "done"),
        (UserResult::Planned, "planned"),
        (UserResult::None, "none"),
        (UserResult::Deferred, "deferred"),
        (UserResult::Failed(said("read it", "Denied", "no")), "failed: failed to read it: Denied: no"),
    ] {
        assert_eq!(serde_json::to_value(ending).unwrap(), json!(text));
    }
}

#[test]
fn who_is_plainly_compliant_or_not_applicable_is_counted_and_not_listed() {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    for verdict in [Status::Compliant, Status::NotApplicable] {
        answer.add(outcome(verdict, &[], UserResult::None), &[]);
    }
    assert_eq!(answer.outcomes, []);
    for verdict in [Status::NonCompliant, Status::Exempt, Status::Unknown] {
        answer.add(outcome(verdict, &[], UserResult::None), &[]);
    }
    answer.add(outcome(Status::Compliant, &[], UserResult::Failed(failed())), &[]);
    assert_eq!((answer.outcomes.len(), answer.failed), (4, 1));
}

#[test]
fn a_closing_that_tells_the_owner_is_two_actions_to_whoever_reads_the_answer() {
    let close = |closing_notice| Action::Close {
        secret: "s".to_owned(),
        policies: vec![],
        devices: vec![],
        closing_notice,
    };
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    answer.add(
        outcome(Status::Compliant, &[], UserResult::Done),
        &[close(Some(Notice::Enrolled)), close(None)],
    );
    assert_eq!((answer.actions.close, answer.actions.notify), (2, 1));
    assert_eq!(names(&[close(Some(Notice::Enrolled)), close(None)]), ["close", "notify(enrolled)", "close"]);
}
