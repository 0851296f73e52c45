//! The answer's shape, to the letter.

use crate::answers::{NO_MFA, said};
use crate::builders::*;
use mfa_warden::model::action::{Action, Notice};
use mfa_warden::model::outcome::{Answer, Outcome, RunKind, UserResult};
use mfa_warden::model::rule::Rule;
use mfa_warden::model::verdict::Status;
use mfa_warden::model::warning::Warning;
use mfa_warden::reporting::answer::{AnswerJson, Response, result};
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
        serde_json::to_value(AnswerJson::from(&answer)).unwrap(),
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
fn the_function_answers_with_the_same_fields() {
    let mut answer = Answer::new(RunKind::Check("alice".to_owned()), true, "123456789012");
    answer.actions.put_policy = 2;
    answer.actions.subscribe = 3;
    answer.add(outcome(Status::Exempt, &[], UserResult::Failed(failed())), &[]);
    answer.warnings.push(Warning::RootWithoutMfa);
    let json = serde_json::to_string(&AnswerJson::from(&answer)).unwrap();
    assert_eq!(serde_json::to_string(&Response::Ran(Box::new(answer))).unwrap(), json);
    for part in [
        r#"{"action":"check","dry_run":true,"account":"123456789012","users":{"total":0,"#,
        r#""detach":0,"put_policy":2,"subscribe":3},"failed":1,"deferred":0,"outcomes":[{"user":"alice","#,
        r#""reason":"console password, no MFA device","actions":[],"result":"failed: "#,
        r#""warnings":["the root user has a password"#,
    ] {
        assert!(json.contains(part), "{json}");
    }
}

#[test]
fn verdicts_are_written_as_documented() {
    let kinds =
        [Status::Compliant, Status::NonCompliant, Status::Exempt, Status::NotApplicable, Status::Unknown];
    let written = kinds.map(Status::name);
    assert_eq!(written, ["compliant", "non_compliant", "exempt", "not_applicable", "unknown"]);
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
        assert_eq!(result(&ending), text);
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
fn a_closing_that_tells_the_owner_is_two_actions_in_the_answer() {
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
