//! CloudTrail, in JSON.

use crate::wire::{Aws, ok, refused};
use mfa_warden::model::trail::Trail;

const OWN: &str = "arn:aws:cloudtrail:us-east-1:123456789012:trail/own";
const ORGANIZATION: &str = "arn:aws:cloudtrail:us-east-1:210987654321:trail/organization";

#[tokio::test]
async fn trails_of_the_account_and_of_the_organization_are_told_apart_and_what_is_left_out_is_false() {
    let listed = ok(
        "cloudtrail:DescribeTrails",
        r#"{"trailList":[
        {"Name":"own","S3BucketName":"logs","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,
        "HomeRegion":"us-east-1","TrailARN":"arn:aws:cloudtrail:us-east-1:123456789012:trail/own",
        "LogFileValidationEnabled":true,"HasCustomEventSelectors":true,"HasInsightSelectors":false,
        "IsOrganizationTrail":false},
        {"Name":"organization","S3BucketName":"logs","HomeRegion":"us-east-1","IncludeGlobalServiceEvents":true,
        "IsMultiRegionTrail":true,"TrailARN":"arn:aws:cloudtrail:us-east-1:210987654321:trail/organization",
        "IsOrganizationTrail":true,"AFutureField":{}},
        {"Name":"bare","TrailARN":"arn:aws:cloudtrail:us-east-1:123456789012:trail/bare"}]}"#,
    );
    let trails = Aws::answering([listed]).await.cloudtrail.trails().await.unwrap();
    let own = Trail {
        arn: OWN.to_owned(),
        home_region: "us-east-1".to_owned(),
        is_multi_region: true,
        is_organization: false,
        has_global_events: true,
    };
    let organization = Trail { arn: ORGANIZATION.to_owned(), is_organization: true, ..own.clone() };
    assert_eq!(trails[..2], [own, organization]);
    let bare = &trails[2];
    assert!(!bare.is_multi_region && !bare.is_organization && !bare.has_global_events);
}

#[tokio::test]
async fn a_trail_logs_only_where_its_status_says_so() {
    for (status, is_logging) in [
        (
            r#"{"IsLogging":true,"LatestDeliveryTime":1.7815248E9,"StartLoggingTime":1.7E9,"LatestDeliveryError":""}"#,
            true,
        ),
        (r#"{"IsLogging":false,"StopLoggingTime":1.7E9,"TimeLoggingStopped":"2026-01-01T00:00:00Z"}"#, false),
        ("{}", false),
    ] {
        let aws = Aws::answering([ok("cloudtrail:GetTrailStatus", status)]).await;
        assert_eq!(aws.cloudtrail.is_logging(OWN).await.unwrap(), is_logging, "{status}");
    }
}

#[tokio::test]
async fn a_trail_that_is_gone_is_no_trail_that_does_not_log() {
    let gone = refused("cloudtrail:GetTrailStatus", 400, "TrailNotFoundException", "Unknown trail: own");
    let aws = Aws::answering([gone]).await;
    let said = aws.cloudtrail.is_logging(OWN).await.unwrap_err().to_string();
    assert!(
        said.contains("failed to read the status of the trail") && said.contains("TrailNotFound"),
        "{said}"
    );
    let denied =
        refused("cloudtrail:DescribeTrails", 400, "AccessDeniedException", "no identity-based policy");
    let aws = Aws::answering([denied]).await;
    let said = aws.cloudtrail.trails().await.unwrap_err().to_string();
    assert!(said.contains("failed to list the CloudTrail trails: AccessDeniedException"), "{said}");
}
