//! Which trail delivers IAM events.

use crate::cloud::{Cloud, names, published, writes};
use crate::mocks::in_region;
use crate::trails::trails;
use aws_sdk_cloudtrail::operation::describe_trails::DescribeTrailsOutput;
use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::cloudtrail::CloudTrail;
use mfa_warden::model::trail::IamEvents;
use mfa_warden::run::trail::iam_events;
use serde_json::{Value, json};

#[tokio::test]
async fn a_trail_that_logs_delivers_iam_events_and_the_organizations_is_asked_first() {
    let account = in_region("us-east-1");
    for (seen, expected) in [
        (&[][..], IamEvents::None),
        (&[("stopped", true, false)], IamEvents::None),
        (&[("stopped", true, false), ("own", false, true)], IamEvents::Account),
        (&[("own", false, true), ("organization", true, true)], IamEvents::Organization),
    ] {
        assert_eq!(iam_events(&trails(seen), &account).await.unwrap(), expected, "{seen:?}");
    }
}

#[tokio::test]
async fn trails_that_cannot_be_listed_are_no_reason_to_say_that_there_is_none() {
    let denied = mock!(aws_sdk_cloudtrail::Client::describe_trails).then_http_response(|| {
        let body = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
        aws_smithy_runtime_api::http::Response::new(400.try_into().unwrap(), body.into())
    });
    let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&denied]);
    let error = iam_events(&CloudTrail(client), &in_region("us-east-1")).await.unwrap_err();
    assert!(error.to_string().contains("failed to list the CloudTrail trails"), "{error}");
}

#[tokio::test]
async fn trails_are_not_asked_where_iam_events_do_not_arrive_anyway() {
    let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[]);
    let found = iam_events(&CloudTrail(client), &in_region("eu-central-1")).await.unwrap();
    assert_eq!(found, IamEvents::Elsewhere);
}

async fn look(cloud: &Cloud) -> Value {
    cloud.handle(json!({"action": "check_trails"})).await.unwrap()
}

#[tokio::test]
async fn operations_hear_once_that_no_trail_delivers_and_once_that_one_does_again() {
    let mut cloud = Cloud::new().await;
    let answer = look(&cloud).await;
    assert_eq!(answer["action"], "check_trails");
    assert_eq!(answer["iam_events"], "none", "{answer}");
    assert!(answer["warnings"][0].as_str().unwrap().starts_with("no CloudTrail trail"), "{answer}");
    let calls = cloud.calls();
    assert_eq!(
        names(&calls),
        ["DescribeTrails", "ListSubscriptionsByTopic", "ListTagsForResource", "Publish", "TagResource"]
    );
    let told = published(&calls);
    assert!(told[0].subject.ends_with(": no trail delivers IAM events"), "{}", told[0].subject);
    let text = format!(
        "No CloudTrail trail delivers IAM events in AWS account {} (us-east-1).\n\nUntil one does, ",
        cloud.account
    );
    assert!(told[0].text.starts_with(&text), "{}", told[0].text);

    look(&cloud).await;
    assert_eq!(
        names(&cloud.calls()),
        ["DescribeTrails", "ListSubscriptionsByTopic", "ListTagsForResource"],
        "they know"
    );

    cloud.warden.clients.cloudtrail = trails(&[("management", false, false)]);
    let answer = look(&cloud).await;
    assert_eq!(answer["iam_events"], "none", "it does not log: {answer}");
    assert_eq!(writes(&cloud.calls()), [""; 0]);
    cloud.warden.clients.cloudtrail = trails(&[("management", false, true)]);
    let answer = look(&cloud).await;
    assert_eq!((&answer["iam_events"], &answer["warnings"]), (&json!("account"), &json!([])), "{answer}");
    let told = published(&cloud.calls());
    assert!(told[0].subject.ends_with(": IAM events arrive again"), "{}", told[0].subject);
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), [""; 0]);
}

#[tokio::test]
async fn every_sweep_warns_as_long_as_no_trail_delivers_and_asks_nothing_for_it() {
    let cloud = Cloud::new().await;
    cloud.sweep().await;
    cloud.calls();
    let before = cloud.sweep().await;
    let calls = names(&cloud.calls()).len();
    look(&cloud).await;
    cloud.calls();
    let after = cloud.sweep().await;
    assert_eq!(names(&cloud.calls()).len(), calls);
    let warned = |answer: &Value| answer["warnings"].to_string().contains("no CloudTrail trail");
    assert!(!warned(&before) && warned(&after), "{after}");
}

#[tokio::test]
async fn a_dry_look_tells_and_writes_nothing() {
    let cloud = Cloud::new().await;
    let answer = cloud.handle(json!({"action": "check_trails", "dry_run": true})).await.unwrap();
    assert_eq!((&answer["dry_run"], &answer["iam_events"]), (&json!(true), &json!("none")));
    assert_eq!(names(&cloud.calls()), ["DescribeTrails", "ListSubscriptionsByTopic"]);
}

fn denying() -> CloudTrail {
    let denied = mock!(aws_sdk_cloudtrail::Client::describe_trails).then_http_response(|| {
        let body = r#"{"__type":"AccessDeniedException","Message":"not allowed @here"}"#;
        aws_smithy_runtime_api::http::Response::new(400.try_into().unwrap(), body.into())
    });
    CloudTrail(mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&denied]))
}

#[tokio::test]
async fn trails_that_cannot_be_read_are_unknown_and_told_once_and_fail_nothing() {
    let mut cloud = Cloud::new().await;
    cloud.warden.clients.cloudtrail = denying();
    let answer = look(&cloud).await;
    assert_eq!(answer["iam_events"], "unknown", "{answer}");
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("cannot tell whether a CloudTrail trail delivers IAM events"), "{warning}");
    assert!(!warning.contains(" @here"), "{warning}");
    assert!(published(&cloud.calls())[0].subject.ends_with(": the trails could not be read"));
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), [""; 0]);
    cloud.warden.clients.cloudtrail = trails(&[("management", false, true)]);
    look(&cloud).await;
    assert!(published(&cloud.calls())[0].subject.ends_with(": the trails can be read again"));
}

#[tokio::test]
async fn a_look_that_gets_no_answer_is_a_warning_and_no_news() {
    let cloud = Cloud::new().await;
    cloud.take_down("DescribeTrails");
    let answer = look(&cloud).await;
    assert_eq!(answer["iam_events"], "unknown", "{answer}");
    assert_eq!(writes(&cloud.calls()), [""; 0], "it may work tomorrow");
}

#[tokio::test]
async fn a_trail_that_cannot_be_read_hides_no_other_that_logs() {
    let trail = |name: &str, is_organization: bool| {
        let trail = aws_sdk_cloudtrail::types::Trail::builder().trail_arn(name).home_region("us-east-1");
        let trail = trail.is_multi_region_trail(true).include_global_service_events(true);
        trail.is_organization_trail(is_organization).build()
    };
    let listed = [trail("organization", true), trail("own", false)];
    let describe = mock!(aws_sdk_cloudtrail::Client::describe_trails)
        .then_output(move || DescribeTrailsOutput::builder().set_trail_list(Some(listed.to_vec())).build());
    let denied = mock!(aws_sdk_cloudtrail::Client::get_trail_status)
        .match_requests(|request| request.name() == Some("organization"))
        .then_http_response(|| {
            let body = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
            aws_smithy_runtime_api::http::Response::new(400.try_into().unwrap(), body.into())
        });
    let status = |is_logging: bool| {
        mock!(aws_sdk_cloudtrail::Client::get_trail_status)
            .match_requests(|request| request.name() == Some("own"))
            .then_output(move || GetTrailStatusOutput::builder().is_logging(is_logging).build())
    };
    let look = async |own: bool| {
        let status = status(own);
        let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&describe, &denied, &status]);
        iam_events(&CloudTrail(client), &in_region("us-east-1")).await
    };
    assert_eq!(look(true).await.unwrap(), IamEvents::Account);
    assert!(look(false).await.is_err(), "the one that could not be read may log");
}

#[tokio::test]
async fn what_nobody_received_is_told_again_when_somebody_listens() {
    let cloud = Cloud::new().await;
    cloud.end_operations_subscriptions().await;
    let answer = look(&cloud).await;
    assert!(answer["warnings"].to_string().contains("no confirmed subscription"), "{answer}");
    assert_eq!(writes(&cloud.calls()), ["Publish"], "it is not noted as told");
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), ["Publish"]);
}

#[tokio::test]
async fn a_problem_that_lasts_is_told_again_after_a_week() {
    let mut cloud = Cloud::new().await;
    look(&cloud).await;
    cloud.calls();
    cloud.wait(24 * 6);
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), [""; 0]);
    cloud.wait(25);
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), ["Publish", "TagResource"]);
}

#[tokio::test]
async fn operations_that_could_not_be_told_are_told_at_the_next_look() {
    let cloud = Cloud::new().await;
    cloud.take_down("Publish");
    let answer = look(&cloud).await;
    assert!(answer["warnings"].to_string().contains("operations were not told"), "{answer}");
    assert!(!writes(&cloud.calls()).contains(&"TagResource"));
    cloud.restore();
    look(&cloud).await;
    assert_eq!(writes(&cloud.calls()), ["Publish", "TagResource"]);
}
