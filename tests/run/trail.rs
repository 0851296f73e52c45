//! Whether a trail delivers IAM events: looked at once a day.

use crate::cloud::Cloud;
use crate::trails::trails;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::cloudtrail::CloudTrail;

const NO_TRAIL: &str = "no CloudTrail trail that logs delivers IAM events";

async fn is_warned(cloud: &Cloud) -> bool {
    cloud.sweep().await["warnings"].to_string().contains(NO_TRAIL)
}

#[tokio::test]
async fn an_account_without_a_trail_that_logs_is_warned_of_it_once_a_day() {
    let mut cloud = Cloud::new().await;
    cloud.warden.clients.cloudtrail = trails(&[("stopped", true, false)]);
    assert!(is_warned(&cloud).await);
    assert!(!is_warned(&cloud).await, "the same day");
    cloud.wait(25);
    assert!(is_warned(&cloud).await);
    cloud.wait(25);
    cloud.warden.clients.cloudtrail = trails(&[("stopped", true, false), ("own", false, true)]);
    assert!(!is_warned(&cloud).await);
}

#[tokio::test]
async fn a_check_does_not_look_and_a_dry_run_neither() {
    let mut cloud = Cloud::new().await;
    cloud.warden.clients.cloudtrail = trails(&[]);
    cloud.user("alice").await;
    assert!(!cloud.check("alice").await["warnings"].to_string().contains(NO_TRAIL));
    let planned = cloud.handle(serde_json::json!({"action": "sweep", "dry_run": true})).await.unwrap();
    assert!(!planned["warnings"].to_string().contains(NO_TRAIL));
    assert!(is_warned(&cloud).await, "neither of them was the look of the day");
}

#[tokio::test]
async fn trails_that_cannot_be_listed_are_no_reason_to_say_that_there_is_none() {
    let mut cloud = Cloud::new().await;
    let denied = mock!(aws_sdk_cloudtrail::Client::describe_trails).then_http_response(|| {
        let body = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
        aws_smithy_runtime_api::http::Response::new(400.try_into().unwrap(), body.into())
    });
    let client = mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&denied]);
    cloud.warden.clients.cloudtrail = CloudTrail(client);
    assert!(!is_warned(&cloud).await);
    assert!(!is_warned(&cloud).await);
    assert_eq!(denied.num_calls(), 1, "asked once a day");
}
