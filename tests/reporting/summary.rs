//! What operations hear, for machines.

use crate::answers::{busy_answer, outcome, said, three_days_later};
use crate::builders::*;
use mfa_warden::messages::operations;
use mfa_warden::model::action::Step;
use mfa_warden::model::outcome::{Answer, RunKind, UserResult};
use mfa_warden::model::verdict::Status;
use mfa_warden::model::warning::Warning;
use mfa_warden::reporting::summary::data;
use mfa_warden::rules::changes::{Changes, Snapshot};
use serde_json::{Value, json};

/// The message after a sweep that found `answer`: its text and its data.
fn told(kind: &str, answer: &Answer) -> (String, Value) {
    let snapshot = Snapshot::of(answer, now());
    let since = Changes { before: None, now: &snapshot };
    let message = match kind {
        "failure" => operations::failure(&account(), answer, since),
        _ => operations::summary(&account(), answer, since),
    };
    (message.text, data(kind, &account(), answer, since))
}

#[test]
fn a_summary_of_five_thousand_users_stays_far_below_what_sns_takes() {
    let mut answer = busy_answer();
    answer.outcomes = (0..5000)
        .map(|n| outcome(&format!("user-{n}"), Status::NonCompliant, &[Step::Provision], UserResult::Done))
        .collect();
    let (text, data) = told("summary", &answer);
    assert!(text.len() < 32 * 1024, "{}", text.len());
    assert!(text.contains("and 4900 more"));
    let length = data.to_string().len();
    assert!(length < 24 * 1024, "{length}");
    assert_eq!(data["outcomes_omitted"], 4950);
}

#[test]
fn an_outage_with_long_errors_still_fits_into_one_message_for_machines() {
    let mut answer = busy_answer();
    let cause = said("do it", "Denied", &"\"never\" ".repeat(400));
    answer.outcomes = (0..500)
        .map(|n| outcome(&format!("user-{n}"), Status::Unknown, &[], UserResult::Failed(cause.clone())))
        .collect();
    answer.warnings = (0..500).map(|n| Warning::NoSuchUser(format!("somebody-{n}"))).collect();
    let (text, data) = told("failure", &answer);
    // As it is published: SNS takes 256 KiB.
    let copies = vec![data.to_string(); 5];
    let copies = json!({"default": text, "copies": copies});
    assert!(copies.to_string().len() < 250 * 1024, "{}", copies.to_string().len());
    assert!(!data["outcomes"].as_array().unwrap().is_empty());
    assert_eq!(data["warnings_omitted"], 480);
}

#[test]
fn machines_get_the_news_first_and_of_a_check_no_guess_at_what_is_new() {
    let mut answer = busy_answer();
    answer.outcomes.rotate_left(5);
    let (_, data) = told("summary", &answer);
    let users: Vec<&str> =
        data["outcomes"].as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["heidi", "bob", "frank", "grace", "alice", "dave", "carol"]);

    answer.kind = RunKind::Check("alice".to_owned());
    let (_, data) = told("summary", &answer);
    assert_eq!(data["trouble"], Value::Null);
    assert_eq!(data["outcomes"][2]["newly_overdue"], Value::Null);
}

#[test]
fn machines_get_what_changed_since_the_last_summary_in_numbers_and_by_user() {
    let (before, answer) = three_days_later();
    let snapshot = Snapshot::of(&answer, now());
    let since = Changes { before: Some(&before), now: &snapshot };
    let data = data("summary", &account(), &answer, since);
    assert_eq!(
        data["trouble"],
        json!({
            "failed": {"users": 0, "before": 2}, "overdue": {"users": 2, "before": 1},
            "unreachable": {"users": 2, "before": 0}, "deferred": {"users": 1, "before": 2},
            "blocked": {"users": 0, "before": 0}, "reattached": {"users": 0, "before": 0},
            "catch_all": {"users": 0, "before": 0},
        })
    );
    let user = |name: &str| {
        data["outcomes"].as_array().unwrap().iter().find(|outcome| outcome["user"] == name).unwrap().clone()
    };
    assert_eq!([&user("frank")["newly_overdue"], &user("grace")["newly_overdue"]], [true, false]);
    assert_eq!([&user("mallory")["newly_unreachable"], &user("niaj")["newly_unreachable"]], [true, true]);
}
