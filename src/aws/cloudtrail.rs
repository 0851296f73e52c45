//! CloudTrail: the trails that the account sees, and whether they log.

use super::AwsError;
use crate::model::trail::Trail;

/// The CloudTrail client.
#[derive(Debug, Clone)]
pub struct CloudTrail(pub aws_sdk_cloudtrail::Client);

impl CloudTrail {
    /// The trails that apply to this region, those of other regions and of the organization included.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn trails(&self) -> Result<Vec<Trail>, AwsError> {
        let answer = self.0.describe_trails().include_shadow_trails(true).send().await;
        let answer = answer.map_err(|error| AwsError::new("list the CloudTrail trails", error))?;
        let trail = |trail: aws_sdk_cloudtrail::types::Trail| {
            Some(Trail {
                arn: trail.trail_arn?,
                home_region: trail.home_region.unwrap_or_default(),
                is_multi_region: trail.is_multi_region_trail.unwrap_or_default(),
                is_organization: trail.is_organization_trail.unwrap_or_default(),
                has_global_events: trail.include_global_service_events.unwrap_or_default(),
            })
        };
        Ok(answer.trail_list.unwrap_or_default().into_iter().filter_map(trail).collect())
    }

    /// Whether the trail logs. A trail of another region or of the organization is known by its ARN only.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn is_logging(&self, trail_arn: &str) -> Result<bool, AwsError> {
        let answer = self.0.get_trail_status().name(trail_arn).send().await;
        let answer = answer
            .map_err(|error| AwsError::new(format!("read the status of the trail {trail_arn}"), error))?;
        Ok(answer.is_logging.unwrap_or_default())
    }
}
