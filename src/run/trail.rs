//! Looks which trail delivers IAM events. Nobody else would notice that none does: sweeps go on as before.

use crate::aws::AwsError;
use crate::aws::cloudtrail::CloudTrail;
use crate::model::account::Account;
use crate::model::known::Known;
use crate::model::outcome::Answer;
use crate::model::trail::IamEvents;
use crate::model::warning::Warning;
use crate::rules::trail::{candidates, is_due};
use crate::run::Run;
use std::collections::BTreeMap;

/// The key of the tag on the operations topic that records when a sweep last looked.
pub(super) const LOOKED: &str = "mfa-warden:trail";

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

impl Run<'_> {
    /// Looks once a day, where IAM events arrive. `tags`: those of the operations topic. Returns whether it looked.
    pub(super) async fn look_at_trails(
        &self,
        answer: &mut Answer,
        tags: Option<&BTreeMap<String, String>>,
    ) -> bool {
        // If the tags cannot be read, every sweep would look.
        let is_due = tags.is_some_and(|tags| is_due(tags.get(LOOKED).map(String::as_str), (self.clock)()));
        if !is_due || !self.account.gets_iam_events() {
            return false;
        }
        let looking = iam_events(&self.clients.cloudtrail, self.account);
        let looked = self.in_time("list the CloudTrail trails", looking).await;
        answer.iam_events = looked
            .map_err(|error| tracing::info!(%error, "cannot tell whether a trail delivers IAM events"))
            .into();
        if answer.iam_events == Known::Is(IamEvents::None) {
            answer.warnings.push(Warning::NoTrail);
        }
        true
    }
}
