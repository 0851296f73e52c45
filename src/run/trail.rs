//! Which trail delivers IAM events. If none does, changed users wait for the next sweep, and nobody notices.

use crate::aws::AwsError;
use crate::aws::cloudtrail::CloudTrail;
use crate::model::account::Account;
use crate::model::trail::IamEvents;
use crate::rules::trail::candidates;

/// Which trail delivers IAM events to this region. One call, and one for each trail until one logs.
///
/// # Errors
/// When AWS does not say.
pub async fn iam_events(cloudtrail: &CloudTrail, account: &Account) -> Result<IamEvents, AwsError> {
    let trails = cloudtrail.trails().await?;
    for trail in candidates(&trails, &account.region) {
        if cloudtrail.is_logging(&trail.arn).await? {
            return Ok(if trail.is_organization { IamEvents::Organization } else { IamEvents::Account });
        }
    }
    Ok(IamEvents::None)
}
