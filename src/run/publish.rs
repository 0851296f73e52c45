//! Telling operations what a run did and found, if that is news.

use crate::aws::AwsError;
use crate::messages::operations;
use crate::model::message::Message;
use crate::model::outcome::Answer;
use crate::model::warning::Warning;
use crate::reporting::summary;
use crate::rules::changes::{Since, Standing};
use crate::rules::history::History;
use crate::run::Run;
use serde_json::Value;
use std::collections::BTreeMap;

/// Key of the tag on the operations topic that says what sweeps told them last.
const TOLD: &str = "mfa-warden:told";

impl Run<'_> {
    /// Tells operations what a run did and found, if that is news. `changed`: CloudTrail reported a change, so that an
    /// exemption seen now is news. A tag of the topic says what sweeps told last, so that what goes on is not told again
    /// at each of them.
    pub(crate) async fn tell_operations(&self, answer: &mut Answer, changed: bool) {
        let (account, began) = (self.account, self.began);
        let is_sweep = answer.is_sweep();
        let mut before = None;
        if is_sweep {
            before = self.memory.tags().await.get(TOLD).and_then(|told| Standing::parse(told, began));
        }
        let standing = Standing::of(answer, began).remembering(before.as_ref(), answer);
        let since = Since { before: before.as_ref(), now: &standing };
        let is_news = is_sweep && since.is_news(answer);
        let failures = answer.outcomes.iter().any(|outcome| outcome.cause().is_some());
        let exempted = changed && answer.users.exempt > 0;
        let mut messages = Vec::new();
        let did = answer.has_done_something() || (answer.actions.any() && !is_sweep);
        if did || answer.deferred_for_now() > 0 && !is_sweep || exempted || (is_news && !failures) {
            messages.push((
                operations::summary(account, answer, since),
                summary::data("summary", account, answer, since),
            ));
        }
        if failures && (is_news || !is_sweep) {
            messages.push((
                operations::failure(account, answer, since),
                summary::data("failure", account, answer, since),
            ));
        }
        let mut told = !messages.is_empty();
        for (message, data) in messages {
            // Users were served all the same, so this must not make Lambda repeat the run.
            if let Err(error) = self.tell(message, &data).await {
                told = false;
                answer.warnings.push(Warning::OperationsNotTold(error.into()));
            }
        }
        let mut remembered = self.grace_periods_used(answer).await;
        if told && is_sweep && (is_news || !since.changed().is_empty()) {
            remembered.insert(TOLD.to_owned(), standing.to_string());
        }
        if let Err(error) = self.memory.write(&remembered).await {
            tracing::warn!(
                %error,
                "operations will be told again of what they know, and who loses MFA again has a whole grace period"
            );
        }
    }

    /// What is to be remembered of the enrollments that a run closed.
    async fn grace_periods_used(&self, answer: &Answer) -> BTreeMap<String, String> {
        let closed = answer.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.grace_used?)));
        let mut closed = closed.peekable();
        if closed.peek().is_none() {
            return BTreeMap::new();
        }
        let now = (self.clock)();
        let mut history = History::parse(&self.memory.tags().await, now);
        closed.for_each(|(outcome, used)| history.note(&outcome.user_id, used, now));
        history.changes()
    }

    /// Tells operations that the whole run failed: a sweep, or the check of `user`. That they could not be told either is
    /// logged, and must not hide why the run failed.
    pub(crate) async fn tell_of_failure(&self, user: Option<&str>, error: &str) {
        let message = operations::run_failed(self.account, user, error);
        let data = summary::run_failed(self.account, user, error);
        if let Err(error) = self.tell(message, &data).await {
            tracing::error!(%error, "operations were not told");
        }
    }

    /// Publishes to the operations topic: `message` for people, `data` for machines.
    async fn tell(&self, message: Message, data: &Value) -> Result<(), AwsError> {
        let message = Message { data: Some(data.to_string()), ..message };
        let topic_arn = &self.settings.ops_topic_arn;
        self.clients.sns.publish(topic_arn, &message, self.settings.ops_chat).await
    }
}
