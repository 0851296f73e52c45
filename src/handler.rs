//! One invocation: it takes an event, reports to operations and returns an answer.

use crate::aws::Clients;
use crate::model::account::Account;
use crate::model::outcome::{Outcome, RunKind};
use crate::model::settings::{Misplaced, Settings};
use crate::model::text::without_addresses;
use crate::model::trail::TrailAnswer;
use crate::model::warning::Warning;
use crate::reporting::answer::Response;
use crate::reporting::metrics;
use crate::reporting::metrics::Effort;
use crate::rules::trigger::Trigger;
use crate::run::Run;
use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
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
    /// Handles one event. `function_arn` is the invoked function's ARN, `time_left` the time until Lambda ends the
    /// invocation.
    ///
    /// # Errors
    /// When the function does not know the event, when a sweep cannot list the account, and when the user of a check
    /// failed or is unreadable (so that Lambda tries again).
    pub async fn handle(
        &self,
        event: &Value,
        function_arn: &str,
        time_left: Duration,
    ) -> anyhow::Result<Response> {
        let account = Account::from_function_arn(function_arn)
            .with_context(|| format!("the invoked function's ARN `{function_arn}` is malformed"))?;
        let misplaced = self.settings.misplaced(&account);
        if !misplaced.is_empty() {
            return Err(anyhow!(
                "nothing was done, because settings name another region or account: {}. Correct the function's environment",
                misplaced
                    .iter()
                    .map(|Misplaced { variable, place, here }| format!(
                        "{variable} is in {place}, and the function runs in {here}"
                    ))
                    .collect::<Vec<_>>()
                    .join("; ")
            ));
        }
        let (kind, dry_run, changed, source) = match Trigger::parse(event, &account)? {
            Trigger::Sweep { dry_run } => (RunKind::Sweep, dry_run, false, None),
            Trigger::Check { user, dry_run, changed, source } => {
                (RunKind::Check(user), dry_run, changed, source)
            }
            Trigger::CheckTrails { dry_run } => {
                let stop_at = Instant::now() + time_left.saturating_sub(reserve(time_left));
                let dry_run = dry_run || self.settings.dry_run;
                let run = Run::new(&self.clients, &self.settings, &account, self.clock, dry_run, stop_at);
                return Ok(Response::Trails(self.check_trails(&run).await));
            }
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
        // Reports to operations must end here: the last half second is for the answer.
        let until = started + time_left.saturating_sub(Duration::from_millis(500));
        let action = kind.name();
        let ran = match &kind {
            RunKind::Sweep => Box::pin(run.sweep()).await,
            RunKind::Check(user) => Box::pin(run.check(user)).await,
        };
        let mut answer = match ran {
            Ok(answer) => answer,
            Err(error) => {
                let error = error.to_string();
                // Lambda logs the returned error too.
                let masked = without_addresses(&error);
                tracing::error!(error = masked, "the {action} failed");
                if !run.dry_run {
                    let telling = run.tell_of_failure(&kind, &error);
                    if tokio::time::timeout_at(until, telling).await.is_err() {
                        tracing::error!("the deadline came before operations were told of the failure");
                    }
                }
                return Err(anyhow!(masked));
            }
        };
        if !run.dry_run {
            let telling = run.tell_operations(&mut answer, changed);
            if tokio::time::timeout_at(until, Box::pin(telling)).await.is_err() {
                tracing::error!("the deadline came before operations were told of this {action}");
            }
            // A separate line and not a log event: CloudWatch looks for the format at the line's top level.
            println!("{}", metrics::embedded(&answer, self.effort(started, calls), (self.clock)()));
        }
        log(&answer.warnings);
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
        // The schedule repeats a sweep; only Lambda's retry repeats a check.
        match (&kind, answer.outcomes.iter().find_map(Outcome::cause)) {
            (RunKind::Check(user), Some(cause)) => {
                Err(anyhow!("the check of `{user}` failed: {}", without_addresses(&cause.to_string())))
            }
            _ => Ok(Response::Ran(Box::new(answer))),
        }
    }

    /// Looks whether a trail delivers IAM events.
    async fn check_trails(&self, run: &Run<'_>) -> TrailAnswer {
        let (started, calls) = (Instant::now(), self.clients.calls.made());
        let answer = run.check_trails().await;
        if !run.dry_run {
            println!("{}", metrics::embedded_trails(&answer, self.effort(started, calls), (self.clock)()));
        }
        log(&answer.warnings);
        tracing::info!(iam_events = answer.iam_events.name(), dry_run = run.dry_run, "trails checked");
        answer
    }

    /// What was spent since the run started, when the clients had made `calls`.
    fn effort(&self, started: Instant, calls: u32) -> Effort {
        Effort {
            aws_calls: self.clients.calls.made() - calls,
            duration: SignedDuration::try_from(started.elapsed()).unwrap_or_default(),
        }
    }
}

fn log(warnings: &[Warning]) {
    for warning in warnings {
        let words = without_addresses(&warning.to_string());
        match warning {
            Warning::OperationsNotTold(_) => tracing::error!("{words}"),
            _ => tracing::warn!("{words}"),
        }
    }
}

/// Time reserved at the end of an invocation, for turns already started and for the message to operations.
fn reserve(time_left: Duration) -> Duration {
    (time_left / 6).clamp(Duration::from_secs(3), Duration::from_secs(30))
}
