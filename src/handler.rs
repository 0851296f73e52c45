//! One invocation: event in, answer out, operations told.

use crate::aws::Clients;
use crate::config::Settings;
use crate::facts::Account;
use crate::metrics::{self, Effort};
use crate::notice;
use crate::reconcile::Run;
use crate::report::{Answer, Ending, Outcome, Response};
use crate::trigger::Trigger;
use crate::verdict::Status;
use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::time::Instant;

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
        let (user, dry_run, changed) = match Trigger::parse(event, &account)? {
            Trigger::Sweep { dry_run } => (None, dry_run, false),
            Trigger::Check { user, dry_run, changed } => (Some(user), dry_run, changed),
            Trigger::Ignore(reason) => {
                tracing::info!(reason, "event ignored");
                return Ok(Response::Ignored { action: "ignored", reason });
            }
        };
        let run = Run {
            clients: &self.clients,
            settings: &self.settings,
            account: &account,
            clock: self.clock,
            dry_run: dry_run || self.settings.dry_run,
            stop_at: Instant::now() + time_left.saturating_sub(reserve(time_left)),
            provisions_left: AtomicU32::new(self.settings.max_provisions),
        };
        let (started, calls) = (Instant::now(), self.clients.calls.made());
        let (action, ran) = match &user {
            Some(user) => ("check", run.check(user).await),
            None => ("sweep", run.sweep().await),
        };
        let mut answer = match ran {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "the {action} failed");
                if !run.dry_run {
                    // That they could not be told either is logged, and must not hide why the run failed.
                    let _ =
                        self.tell(notice::run_failed(&account, user.as_deref(), &error.to_string())).await;
                }
                return Err(anyhow!(error));
            }
        };
        if !run.dry_run {
            self.tell_operations(&account, &mut answer, changed).await;
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
        match user.and_then(|user| Some((user, answer.outcomes.iter().find_map(cause)?))) {
            Some((user, cause)) => Err(anyhow!("the check of `{user}` failed: {cause}")),
            None => Ok(Response::Ran(Box::new(answer))),
        }
    }

    /// Tells operations what a run did and found, if it did or found anything. `changed`: CloudTrail reported a
    /// change, so that an exemption seen now is news.
    async fn tell_operations(&self, account: &Account, answer: &mut Answer, changed: bool) {
        let exempted = changed && answer.users.exempt > 0;
        let mut messages = Vec::new();
        if answer.actions.any() || answer.deferred > 0 || exempted {
            messages.push(notice::summary(account, answer));
        }
        if answer.outcomes.iter().any(|outcome| cause(outcome).is_some()) {
            messages.push(notice::failure(account, answer));
        }
        for message in messages {
            // Users were served all the same, so this must not make Lambda repeat the run.
            if let Err(error) = self.tell(message).await {
                answer.warnings.push(format!("operations were not told: {error}"));
            }
        }
    }

    async fn tell(&self, message: notice::Message) -> Result<(), crate::aws::AwsError> {
        let told = self.clients.sns.publish(&self.settings.ops_topic_arn, &message).await;
        told.inspect_err(|error| tracing::error!(%error, "operations were not told"))
    }
}

/// What kept a user from being served, if anything did: an action that failed, or a read.
fn cause(outcome: &Outcome) -> Option<&str> {
    match &outcome.result {
        Ending::Failed(cause) => Some(cause),
        Ending::None if outcome.verdict == Status::Unknown => Some(&outcome.reason),
        _ => None,
    }
}

/// Time kept back at the end of an invocation, for users already begun and for the message to operations.
fn reserve(time_left: Duration) -> Duration {
    (time_left / 6).clamp(Duration::from_secs(3), Duration::from_secs(30))
}
