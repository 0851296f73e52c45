//! CloudTrail in tests.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::operation::describe_trails::DescribeTrailsOutput;
use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types::Trail;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::cloudtrail::CloudTrail;

/// An account that sees these trails: name, whether it is the organization's, whether it logs.
pub fn trails(trails: &[(&'static str, bool, bool)]) -> CloudTrail {
    let arn = |name: &str| format!("arn:aws:cloudtrail:us-east-1:123456789012:trail/{name}");
    let listed: Vec<Trail> = trails
        .iter()
        .map(|(name, is_organization, _)| {
            let trail = Trail::builder().trail_arn(arn(name)).home_region("us-east-1");
            let trail = trail.is_multi_region_trail(true).include_global_service_events(true);
            trail.is_organization_trail(*is_organization).build()
        })
        .collect();
    let logging: Vec<String> =
        trails.iter().filter(|(_, _, is_logging)| *is_logging).map(|(name, _, _)| arn(name)).collect();
    let describe = mock!(Client::describe_trails)
        .then_output(move || DescribeTrailsOutput::builder().set_trail_list(Some(listed.clone())).build());
    let status = mock!(Client::get_trail_status).then_compute_output(move |request| {
        let is_logging = logging.iter().any(|arn| Some(arn.as_str()) == request.name());
        GetTrailStatusOutput::builder().is_logging(is_logging).build()
    });
    CloudTrail(mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&describe, &status]))
}
