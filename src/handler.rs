//! One invocation: event in, answer out, operations told.

use crate::aws::Clients;
use crate::config::Settings;
use crate::facts::Account;
use crate::history::History;
use crate::metrics::{self, Effort};
use crate::notice::Message;
use crate::operations;
use crate::reconcile::Run;
use crate::report::{Answer, Outcome, Response};
use crate::standing::{Since, Standing};
use crate::trigger::Trigger;
use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Key of the tag on the operations topic that says what sweeps told them last.
const TOLD: &str = "mfa-warden:told";

/// The function, ready for invocations.
#[derive(Debug, Clone)]
pub struct Warden {
    /// The settings.
    pub settings: Settings,
    /// The AWS clients.
    pub clients: Clients,
    /// The clock: the system's, or a test's.
    pub clock: fn() -> Timestamp,
}

impl Warden {
    /// Handles one event. `function_arn` is the invoked function's, `time_left` what remains until Lambda ends
    /// the invocation.
    ///
    /// # Errors
    /// When the event is none of ours, when a sweep could not list the account, and when a check's user failed or
    /// was unreadable (so that Lambda tries again).
    pub async fn handle(
        &self,
        event: &Value,
        function_arn: &str,
        time_left: Duration,
    ) -> anyhow::Result<Response> {
        let account = Account::from_function_arn(function_arn)
            .with_context(|| format!("the invoked function's ARN `{function_arn}` is not understood"))?;
        let misplaced = self.settings.misplaced(&account.partition, &account.region, &account.id);
        if !misplaced.is_empty() {
            return Err(anyhow!(
                "nothing was done, the settings are of another place: {}. Correct the function's environment",
                misplaced.join("; ")
            ));
        }
        let (user, dry_run, changed, source) = match Trigger::parse(event, &account)? {
            Trigger::Sweep { dry_run } => (None, dry_run, false, None),
            Trigger::Check { user, dry_run, changed, source } => (Some(user), dry_run, changed, source),
            Trigger::Ignore(reason) => {
                tracing::info!(reason, "event ignored");
                return Ok(Response::Ignored { action: "ignored", reason });
            }
        };
        let stop_at = Instant::now() + time_left.saturating_sub(reserve(time_left));
        let dry_run = dry_run || self.settings.dry_run;
        let run = Run::new(&self.clients, &self.settings, &account, self.clock, dry_run, stop_at);
        let run = Run { source, ..run };
        let (started, calls) = (Instant::now(), self.clients.calls.made());
        // What is left of the time, less a moment for the answer.
        let until = started + time_left.saturating_sub(Duration::from_millis(500));
        let (action, ran) = match &user {
            Some(user) => ("check", Box::pin(run.check(user)).await),
            None => ("sweep", Box::pin(run.sweep()).await),
        };
        let mut answer = match ran {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "the {action} failed");
                if !run.dry_run {
                    // That they could not be told either is logged, and must not hide why the run failed.
                    let message = operations::run_failed(&account, user.as_deref(), &error.to_string());
                    if tokio::time::timeout_at(until, self.tell(message)).await.is_err() {
                        tracing::error!("operations were not told of the failure: the deadline came first");
                    }
                }
                return Err(anyhow!(error));
            }
        };
        if !run.dry_run {
            let telling = self.tell_operations(&account, &mut answer, &run, changed);
            if tokio::time::timeout_at(until, Box::pin(telling)).await.is_err() {
                tracing::error!("operations were not told of this {action}: the deadline came first");
            }
            let effort = Effort {
                aws_calls: self.clients.calls.made() - calls,
                duration: SignedDuration::try_from(started.elapsed()).unwrap_or_default(),
            };
            // As a line of its own and not as a log event: CloudWatch looks for the format at the line's top level.
            println!("{}", metrics::embedded(&answer, effort, (self.clock)()));
        }
        for warning in &answer.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!(
            action,
            dry_run = run.dry_run,
            users = answer.users.total,
            non_compliant = answer.users.non_compliant,
            unknown = answer.users.unknown,
            failed = answer.failed,
            deferred = answer.deferred,
            warnings = answer.warnings.len(),
            "{action} finished"
        );
        // A sweep comes again by itself; a check must be repeated by Lambda.
        match user.and_then(|user| Some((user, answer.outcomes.iter().find_map(Outcome::cause)?))) {
            Some((user, cause)) => Err(anyhow!("the check of `{user}` failed: {cause}")),
            None => Ok(Response::Ran(Box::new(answer))),
        }
    }

    /// Tells operations what a run did and found, if that is news. `changed`: CloudTrail reported a change, so that an
    /// exemption seen now is news. A tag of the topic says what sweeps told last, so that what goes on is not told again
    /// at each of them.
    async fn tell_operations(&self, account: &Account, answer: &mut Answer, run: &Run<'_>, changed: bool) {
        let began = run.began;
        let is_sweep = answer.action == "sweep";
        let mut before = None;
        if is_sweep {
            before = run.memory.tags().await.get(TOLD).and_then(|told| Standing::parse(told, began));
        }
        let standing = Standing::of(answer, began).remembering(before.as_ref(), answer);
        let since = Since { before: before.as_ref(), now: &standing };
        let is_news = is_sweep && since.is_news(answer);
        let failures = answer.outcomes.iter().any(|outcome| outcome.cause().is_some());
        let exempted = changed && answer.users.exempt > 0;
        let mut messages = Vec::new();
        let did = answer.has_done_something() || (answer.actions.any() && !is_sweep);
        if did || answer.deferred_for_now() > 0 && !is_sweep || exempted || (is_news && !failures) {
            messages.push(operations::summary(account, answer, since));
        }
        if failures && (is_news || !is_sweep) {
            messages.push(operations::failure(account, answer, since));
        }
        let mut told = !messages.is_empty();
        for message in messages {
            // Users were served all the same, so this must not make Lambda repeat the run.
            if let Err(error) = self.tell(message).await {
                told = false;
                answer.warnings.push(format!("operations were not told: {error}"));
            }
        }
        let mut remembered = self.grace_periods_used(answer, run).await;
        if told && is_sweep && (is_news || !since.changed().is_empty()) {
            remembered.insert(TOLD.to_owned(), standing.to_string());
        }
        if let Err(error) = run.memory.write(&remembered).await {
            tracing::warn!(
                %error,
                "operations will be told again of what they know, and who loses MFA again has a whole grace period"
            );
        }
    }

    /// What is to be remembered of the enrollments that a run closed.
    async fn grace_periods_used(&self, answer: &Answer, run: &Run<'_>) -> BTreeMap<String, String> {
        let closed = answer.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.grace_used?)));
        let mut closed = closed.peekable();
        if closed.peek().is_none() {
            return BTreeMap::new();
        }
        let now = (self.clock)();
        let mut history = History::parse(&run.memory.tags().await, now);
        closed.for_each(|(outcome, used)| history.note(&outcome.user_id, used, now));
        history.changes()
    }

    async fn tell(&self, message: Message) -> Result<(), crate::aws::AwsError> {
        let told =
            self.clients.sns.publish(&self.settings.ops_topic_arn, &message, self.settings.ops_chat).await;
        told.inspect_err(|error| tracing::error!(%error, "operations were not told"))
    }
}

/// Time kept back at the end of an invocation, for users already begun and for the message to operations.
fn reserve(time_left: Duration) -> Duration {
    (time_left / 6).clamp(Duration::from_secs(3), Duration::from_secs(30))
}
