//! Reports to operations: what a run did and found, if that is news.

use crate::aws::AwsError;
use crate::messages::operations;
use crate::messages::protocols::by_protocol;
use crate::model::known::Known;
use crate::model::message::Message;
use crate::model::outcome::{Answer, RunKind};
use crate::model::text::without_addresses;
use crate::model::trail::IamEvents;
use crate::model::warning::Warning;
use crate::reporting::summary;
use crate::rules::changes::{Changes, Snapshot};
use crate::rules::history::History;
use crate::rules::trail::Told;
use crate::run::Run;
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::BTreeMap;

/// The key of the tag on the operations topic that records what sweeps last told them.
const TOLD: &str = "mfa-warden:told";

impl Run<'_> {
    /// Tells operations what a run did and found, if that is news. `changed`: CloudTrail reported a change, so an
    /// exemption seen now is news. A tag of the topic records what sweeps last told, so that they do not repeat a
    /// problem that goes on.
    pub(crate) async fn tell_operations(&self, answer: &mut Answer, changed: bool) {
        let (account, began) = (self.account, self.began);
        let is_sweep = answer.is_sweep();
        let closed: Vec<(&str, SignedDuration)> = answer
            .outcomes
            .iter()
            .filter_map(|outcome| Some((outcome.user_id.as_str(), outcome.grace_used?)))
            .collect();
        let tags = match is_sweep {
            // What other runs wrote since this run first needed the tags must stay.
            _ if !closed.is_empty() => self.memory.tags().await,
            true => self.memory.at_first().await.clone(),
            false => None,
        };
        // A look of its own, once a day, writes this tag.
        let told_of_trails = tags.as_ref().and_then(|tags| Told::read(tags, began));
        let no_trail = told_of_trails.is_some_and(|told| told.events == IamEvents::None);
        if is_sweep && no_trail && self.account.gets_iam_events() {
            answer.warnings.push(Warning::NoTrail);
        }
        let closings = self.grace_periods_used(&closed, tags.as_ref());
        let told_before = tags.as_ref().filter(|_| is_sweep).and_then(|tags| tags.get(TOLD));
        let before = told_before.and_then(|told| Snapshot::parse(told, began));
        let snapshot = Snapshot::of(answer, began).remembering(before.as_ref(), answer);
        let since = Changes { before: before.as_ref(), now: &snapshot };
        let is_news = is_sweep && since.is_news(answer);
        let failures = answer.outcomes.iter().any(|outcome| outcome.cause().is_some());
        let exempted = changed && answer.users.exempt > 0;
        let mut messages = Vec::new();
        let did = answer.has_done_something() || (answer.actions.any() && !is_sweep);
        let summarizes =
            did || answer.deferred_for_now() > 0 && !is_sweep || exempted || (is_news && !failures);
        let reports_failures = failures && (is_news || !is_sweep);
        // A sweep that acts is at the end of its budget of calls.
        if (summarizes || reports_failures) && !(is_sweep && answer.actions.any()) {
            self.look_for_operations(answer).await;
        }
        if summarizes {
            messages.push((
                operations::summary(account, answer, since),
                summary::data("summary", account, answer, since),
            ));
        }
        if reports_failures {
            messages.push((
                operations::failure(account, answer, since),
                summary::data("failure", account, answer, since),
            ));
        }
        // What nobody received is told again.
        let mut told = !messages.is_empty() && answer.operations_subscriptions != Known::Is(0);
        for (message, data) in messages {
            // The users were served, so this failure must not make Lambda repeat the run.
            if let Err(error) = self.tell(message, &data).await {
                told = false;
                answer.warnings.push(Warning::OperationsNotTold(error.into()));
            }
        }
        if told && is_sweep && (is_news || !since.changed().is_empty()) {
            let tag = [(TOLD.to_owned(), snapshot.to_string())].into();
            if let Err(error) = self.memory.write(&tag).await {
                let error = without_addresses(&error.to_string());
                tracing::warn!(error, "the next sweep tells operations again what they already know");
            }
        }
        // A separate call: if one write fails, the other may still succeed.
        if !closings.is_empty()
            && let Err(error) = self.memory.write(&closings).await
        {
            let error = without_addresses(&error.to_string());
            tracing::warn!(error, "users who lose MFA again will get a full grace period");
        }
    }

    /// Notes how many confirmed subscriptions the operations topic has. A mailbox can vanish: anybody who opens the link in
    /// the footer of a message ends its subscription.
    async fn look_for_operations(&self, answer: &mut Answer) {
        answer.operations_subscriptions = self.operations_subscriptions(&mut answer.warnings).await;
    }

    /// How many confirmed subscriptions the operations topic has. None, or no answer, is a warning.
    pub(super) async fn operations_subscriptions(&self, warnings: &mut Vec<Warning>) -> Known<usize> {
        let listed = self.clients.sns.subscriptions(&self.settings.ops_topic_arn).await;
        let confirmed = listed
            .map(|listed| listed.iter().filter(|subscription| subscription.arn.is_some()).count())
            .map_err(|error| warnings.push(Warning::OperationsSubscriptions(error.into())))
            .into();
        if confirmed == Known::Is(0) {
            warnings.push(Warning::NoOperationsSubscription);
        }
        confirmed
    }

    /// The tags that record the grace periods of the enrollments that a run closed. Empty if the present tags could not
    /// be read, because users share tags.
    fn grace_periods_used(
        &self,
        closed: &[(&str, SignedDuration)],
        tags: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<String, String> {
        let Some(tags) = tags.filter(|_| !closed.is_empty()) else { return BTreeMap::new() };
        let now = (self.clock)();
        let mut history = History::parse(tags, now);
        closed.iter().for_each(|(user_id, used)| history.note(user_id, *used, now));
        history.changes()
    }

    /// Tells operations that the whole run failed: a sweep, or the check of `user`. If that fails too, it is only
    /// logged: it must not hide why the run failed.
    pub(crate) async fn tell_of_failure(&self, kind: &RunKind, error: &str) {
        let message = operations::run_failed(self.account, kind, error);
        let data = summary::run_failed(self.account, kind, error);
        if let Err(error) = self.tell(message, &data).await {
            let error = without_addresses(&error.to_string());
            tracing::error!(error, "operations were not told of the failure");
        }
    }

    /// Publishes to the operations topic: `message` for people, `data` for machines.
    pub(super) async fn tell(&self, message: Message, data: &Value) -> Result<(), AwsError> {
        let message = Message { data: Some(data.to_string()), ..message };
        let topic_arn = &self.settings.ops_topic_arn;
        let by_protocol = by_protocol(&message, self.settings.ops_chat);
        self.clients.sns.publish(topic_arn, &message, by_protocol).await
    }
}
