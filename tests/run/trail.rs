//! Which trail delivers IAM events.

use crate::mocks::in_region;
use crate::trails::trails;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::cloudtrail::CloudTrail;
use mfa_warden::model::trail::IamEvents;
use mfa_warden::run::trail::iam_events;

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
