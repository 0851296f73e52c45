//! A look at the trails. If none delivers IAM events, changed users wait for the next sweep, and nobody notices.

use crate::aws::AwsError;
use crate::aws::cloudtrail::CloudTrail;
use crate::messages::operations;
use crate::model::account::Account;
use crate::model::known::Known;
use crate::model::text::without_addresses;
use crate::model::trail::{IamEvents, TrailAnswer};
use crate::model::warning::Warning;
use crate::reporting::summary;
use crate::rules::trail::{TAG, Told, candidates};
use crate::run::Run;

/// Which trail delivers IAM events to this region. One call, and one for each trail until one logs. No call where they
/// arrive in another region.
///
/// # Errors
/// When AWS does not say: the trails cannot be listed, or none is known to log and one could not be read.
pub async fn iam_events(cloudtrail: &CloudTrail, account: &Account) -> Result<IamEvents, AwsError> {
    if !account.gets_iam_events() {
        return Ok(IamEvents::Elsewhere);
    }
    let trails = cloudtrail.trails().await?;
    let mut unread = None;
    for trail in candidates(&trails, &account.region) {
        match cloudtrail.is_logging(&trail.arn).await {
            Ok(true) if trail.is_organization => return Ok(IamEvents::Organization),
            Ok(true) => return Ok(IamEvents::Account),
            Ok(false) => {}
            Err(error) => unread = Some(error),
        }
    }
    unread.map_or(Ok(IamEvents::None), Err)
}

impl Run<'_> {
    /// Looks whether a trail delivers IAM events and whether operations listen, and tells operations if IAM events
    /// stopped or came back since they were told last. A look that fails is an answer too: nothing depends on it, so
    /// Lambda need not try again.
    pub async fn check_trails(&self) -> TrailAnswer {
        let looked = iam_events(&self.clients.cloudtrail, self.account);
        let mut warnings = Vec::new();
        let mut may_pass = false;
        let iam_events = match self.in_time("read the CloudTrail trails", looked).await {
            Ok(IamEvents::None) => {
                warnings.push(Warning::NoTrail);
                IamEvents::None
            }
            Ok(events) => events,
            Err(error) => {
                may_pass = error.may_pass();
                warnings.push(Warning::Trails(error.into()));
                IamEvents::Unknown
            }
        };
        // Sweeps that act have no call left for this. So a mailbox of operations that vanished is noticed within a day.
        let operations_subscriptions = self.operations_subscriptions(&mut warnings).await;
        let account = self.account.id.clone();
        let mut answer =
            TrailAnswer { dry_run: self.dry_run, account, iam_events, operations_subscriptions, warnings };
        if !self.dry_run && !may_pass {
            self.tell_of_trails(&mut answer).await;
        }
        answer
    }

    async fn tell_of_trails(&self, answer: &mut TrailAnswer) {
        // Without its memory the function would tell the same each day.
        let Some(tags) = self.memory.tags().await else { return };
        let now = (self.clock)();
        let told = Told::read(&tags, now);
        if !answer.iam_events.is_news(told, now) {
            return;
        }
        let message = operations::trails(self.account, answer, told.map(|told| told.events));
        let data = summary::trails(self.account, answer);
        if let Err(error) = self.tell(message, &data).await {
            answer.warnings.push(Warning::OperationsNotTold(error.into()));
            return;
        }
        if answer.operations_subscriptions == Known::Is(0) {
            // What nobody received is told again.
            return;
        }
        let tag = [(TAG.to_owned(), Told { events: answer.iam_events, at: now }.tag())].into();
        if let Err(error) = self.memory.write(&tag).await {
            let error = without_addresses(&error.to_string());
            tracing::warn!(error, "operations will be told again what they already know of the trails");
        }
    }
}
