//! The line of metrics, as CloudWatch's embedded metric format specifies it.

use crate::builders::*;
use jiff::SignedDuration;
use mfa_warden::model::known::Known;
use mfa_warden::model::outcome::{Answer, OpenEnrollment, Outcome, RunKind, UserResult};
use mfa_warden::model::trail::{IamEvents, TrailAnswer};
use mfa_warden::model::verdict::{Reason, Status};
use mfa_warden::model::warning::Warning;
use mfa_warden::reporting::metrics::{Effort, embedded, embedded_trails};
use serde_json::{Value, json};

fn line(kind: RunKind, users: &[(Status, Option<OpenEnrollment>)]) -> Value {
    let mut answer = Answer::new(kind, false, "123456789012");
    for (verdict, open) in users {
        answer.users.add(*verdict);
        let outcome = Outcome::new("alice", USER_ID, *verdict, Reason::NoPassword, &[], UserResult::None);
        let outcome = Outcome { open: open.clone(), ..outcome };
        answer.add(outcome, &[]);
    }
    let effort = Effort { aws_calls: 12, duration: SignedDuration::from_millis(1500) };
    embedded(&answer, effort, now())
}

#[test]
fn a_sweep_writes_a_value_for_every_metric_that_it_declares_and_no_other() {
    let open = OpenEnrollment {
        seed_age: Some(SignedDuration::from_hours(48)),
        overdue: Some(SignedDuration::from_hours(1)),
        quarantined: true,
        ..OpenEnrollment::default()
    };
    let line = line(
        RunKind::Sweep,
        &[
            (Status::Compliant, None),
            (Status::Compliant, None),
            (Status::NonCompliant, Some(open)),
            (
                Status::NonCompliant,
                Some(OpenEnrollment {
                    seed_age: Some(SignedDuration::from_hours(1)),
                    ..OpenEnrollment::default()
                }),
            ),
            (Status::NotApplicable, None),
        ],
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&line).unwrap());
    let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    assert!(declared.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number()));
    let written = line.as_object().unwrap().len() - 4;
    assert_eq!(declared.len(), written, "_aws, the dimension, the level and the time besides");
    assert_eq!(line["level"], "INFO", "what LOG_LEVEL lets through does not hang on what Lambda guesses");
    assert_eq!(line["timestamp"], "2026-06-15T12:00:00Z");
    assert_eq!(line["Coverage"], 50.0);
    assert_eq!(line["OldestSeedAge"], 172_800);
}

#[test]
fn an_account_without_anyone_to_cover_is_covered_and_has_no_old_seed() {
    let line = line(RunKind::Sweep, &[(Status::NotApplicable, None)]);
    assert_eq!(
        (&line["Coverage"], &line["OldestSeedAge"], &line["Failed"]),
        (&json!(100.0), &json!(0), &json!(0))
    );
}

#[test]
fn a_check_tells_what_was_done_and_nothing_of_the_account() {
    let line = line(RunKind::Check("alice".to_owned()), &[(Status::NonCompliant, None)]);
    assert_eq!(line["Action"], "check");
    assert_eq!((&line["Users"], &line["Coverage"]), (&Value::Null, &Value::Null));
    assert_eq!((&line["AwsCalls"], &line["Duration"]), (&json!(12), &json!(1500)));
}

#[test]
fn a_look_at_the_trails_writes_whether_iam_events_arrive_where_that_is_known() {
    let effort = Effort { aws_calls: 2, duration: SignedDuration::from_millis(300) };
    for (iam_events, delivered) in [
        (IamEvents::Organization, json!(1)),
        (IamEvents::Account, json!(1)),
        (IamEvents::None, json!(0)),
        (IamEvents::Unknown, Value::Null),
        (IamEvents::Elsewhere, Value::Null),
    ] {
        let answer = TrailAnswer {
            dry_run: false,
            account: "123456789012".to_owned(),
            iam_events,
            operations_subscriptions: Known::Is(2),
            warnings: vec![Warning::NoTrail],
        };
        let line = embedded_trails(&answer, effort, now());
        assert_eq!(line["IamEventsDelivered"], delivered, "{line}");
        assert_eq!(line["OperationsSubscriptions"], 2);
        assert_eq!((&line["Action"], &line["Warnings"]), (&json!("check_trails"), &json!(1)));
        assert_eq!((&line["AwsCalls"], &line["Duration"]), (&json!(2), &json!(300)));
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert!(declared.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number()), "{line}");
    }
}
