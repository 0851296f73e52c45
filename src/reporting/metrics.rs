//! The metrics of a run, in CloudWatch's embedded metric format: one log line, which CloudWatch turns into metrics.
//! Pure.
//!
//! The format is plain JSON (CloudWatch user guide, "Embedded metric format specification"); the crates that write it
//! need a global recorder for the whole process.

use crate::model::known::Known;
use crate::model::outcome::{Answer, OpenEnrollment};
use crate::model::text::rfc3339;
use crate::model::trail::TrailAnswer;
use crate::reporting::answer::CHECK_TRAILS;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// The namespace of all metrics.
const NAMESPACE: &str = "mfa-warden";

/// The effort of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// AWS calls, retries included.
    pub aws_calls: u32,
    /// The time from the event to the answer.
    pub duration: SignedDuration,
}

/// The metrics line of a run. A sweep's line describes the whole account, a check's only what was done.
pub fn embedded(answer: &Answer, effort: Effort, now: Timestamp) -> Value {
    let mut metrics = Metrics::default();
    if answer.is_sweep() {
        let users = answer.users;
        let demanded = users.compliant + users.non_compliant + users.unknown;
        // An account in which nobody must have MFA is fully covered.
        let coverage =
            if demanded == 0 { 100.0 } else { f64::from(users.compliant) * 100.0 / f64::from(demanded) };
        let open: Vec<&OpenEnrollment> =
            answer.outcomes.iter().filter_map(|outcome| outcome.open.as_ref()).collect();
        let count =
            |wanted: &dyn Fn(&OpenEnrollment) -> bool| open.iter().filter(|open| wanted(open)).count();
        let oldest = open.iter().filter_map(|open| open.seed_age).max().unwrap_or_default();
        let unknown = answer.outcomes.iter().filter(|outcome| outcome.is_unreadable()).count();
        metrics.add("Users", "Count", users.total);
        metrics.add("Compliant", "Count", users.compliant);
        metrics.add("NonCompliant", "Count", users.non_compliant);
        metrics.add("Exempt", "Count", users.exempt);
        metrics.add("NotApplicable", "Count", users.not_applicable);
        metrics.add("Unknown", "Count", unknown);
        metrics.add("Coverage", "Percent", coverage);
        metrics.add("OpenEnrollments", "Count", open.len());
        metrics.add("Overdue", "Count", count(&|open| open.overdue.is_some()));
        metrics.add("Quarantined", "Count", count(&|open| open.quarantined));
        let unreachable = answer.outcomes.iter().filter(|outcome| outcome.is_unreachable()).count();
        metrics.add("Unreachable", "Count", unreachable);
        metrics.add("OldestSeedAge", "Seconds", oldest.as_secs());
    }
    metrics.add("Provisions", "Count", answer.actions.provision);
    metrics.add("Notices", "Count", answer.actions.notify);
    metrics.add("Closed", "Count", answer.actions.close);
    metrics.add("Failed", "Count", answer.failed);
    metrics.add("Deferred", "Count", answer.deferred);
    metrics.add("Warnings", "Count", answer.warnings.len());
    if let Known::Is(subscriptions) = answer.operations_subscriptions {
        metrics.add("OperationsSubscriptions", "Count", subscriptions);
    }
    metrics.spent(effort);
    metrics.line(answer.kind.name(), now)
}

/// The metrics line of a look at the trails. Without `IamEventsDelivered` where that is unknown or not expected.
pub fn embedded_trails(answer: &TrailAnswer, effort: Effort, now: Timestamp) -> Value {
    let mut metrics = Metrics::default();
    if let Some(is_delivered) = answer.iam_events.is_delivered() {
        metrics.add("IamEventsDelivered", "Count", u8::from(is_delivered));
    }
    if let Known::Is(subscriptions) = answer.operations_subscriptions {
        metrics.add("OperationsSubscriptions", "Count", subscriptions);
    }
    metrics.add("Warnings", "Count", answer.warnings.len());
    metrics.spent(effort);
    metrics.line(CHECK_TRAILS, now)
}

#[derive(Default)]
struct Metrics {
    definitions: Vec<Value>,
    values: Map<String, Value>,
}

impl Metrics {
    fn add(&mut self, name: &str, unit: &str, value: impl Into<Value>) {
        self.definitions.push(json!({"Name": name, "Unit": unit}));
        self.values.insert(name.to_owned(), value.into());
    }

    fn spent(&mut self, effort: Effort) {
        self.add("AwsCalls", "Count", effort.aws_calls);
        let milliseconds = i64::try_from(effort.duration.as_millis()).unwrap_or(i64::MAX);
        self.add("Duration", "Milliseconds", milliseconds);
    }

    fn line(mut self, action: &str, now: Timestamp) -> Value {
        let directive =
            json!({"Namespace": NAMESPACE, "Dimensions": [["Action"]], "Metrics": self.definitions});
        let metadata = json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]});
        self.values.insert("_aws".to_owned(), metadata);
        // With a level and a time of its own, Lambda's JSON logging has nothing to guess.
        self.values.insert("level".to_owned(), "INFO".into());
        self.values.insert("timestamp".to_owned(), rfc3339(now).into());
        self.values.insert("Action".to_owned(), action.into());
        Value::Object(self.values)
    }
}
