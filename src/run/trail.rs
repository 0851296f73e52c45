//! A look at the trails. If none delivers IAM events, changed users wait for the next sweep, and nobody notices.

use crate::aws::AwsError;
use crate::aws::cloudtrail::CloudTrail;
use crate::messages::operations;
use crate::model::account::Account;
use crate::model::text::without_addresses;
use crate::model::trail::{IamEvents, TrailAnswer};
use crate::model::warning::Warning;
use crate::reporting::summary;
use crate::rules::trail::{TAG, candidates};
use crate::run::Run;

/// Which trail delivers IAM events to this region. One call, and one for each trail until one logs. No call where they
/// arrive in another region.
///
/// # Errors
/// When AWS does not say.
pub async fn iam_events(cloudtrail: &CloudTrail, account: &Account) -> Result<IamEvents, AwsError> {
    if !account.gets_iam_events() {
        return Ok(IamEvents::Elsewhere);
    }
    let trails = cloudtrail.trails().await?;
    for trail in candidates(&trails, &account.region) {
        if cloudtrail.is_logging(&trail.arn).await? {
            return Ok(if trail.is_organization { IamEvents::Organization } else { IamEvents::Account });
        }
    }
    Ok(IamEvents::None)
}

impl Run<'_> {
    /// Looks whether a trail delivers IAM events, and tells operations if that changed since they were told last. A look
    /// that fails is an answer too: nothing depends on it, so Lambda need not try again.
    pub async fn check_trails(&self) -> TrailAnswer {
        let looked = iam_events(&self.clients.cloudtrail, self.account);
        let mut warnings = Vec::new();
        let iam_events = match self.in_time("read the CloudTrail trails", looked).await {
            Ok(IamEvents::None) => {
                warnings.push(Warning::NoTrail);
                IamEvents::None
            }
            Ok(events) => events,
            Err(error) => {
                warnings.push(Warning::Trails(error.into()));
                IamEvents::Unknown
            }
        };
        let account = self.account.id.clone();
        let mut answer = TrailAnswer { dry_run: self.dry_run, account, iam_events, warnings };
        if !self.dry_run {
            self.tell_of_trails(&mut answer).await;
        }
        answer
    }

    async fn tell_of_trails(&self, answer: &mut TrailAnswer) {
        let told = match self.memory.tags().await {
            Some(tags) => IamEvents::told(&tags),
            None => None,
        };
        if !answer.iam_events.is_news(told) {
            return;
        }
        let message = operations::trails(self.account, answer);
        let data = summary::trails(self.account, answer);
        if let Err(error) = self.tell(message, &data).await {
            answer.warnings.push(Warning::OperationsNotTold(error.into()));
            return;
        }
        let tag = [(TAG.to_owned(), answer.iam_events.name().to_owned())].into();
        if let Err(error) = self.memory.write(&tag).await {
            let error = without_addresses(&error.to_string());
            tracing::warn!(error, "operations will be told again what they already know of the trails");
        }
    }
}
