//! The report to operations, as data for machines.

use crate::model::account::Account;
use crate::model::outcome::{Answer, Outcome, RunKind, UserResult};
use crate::model::text::{LONGEST_ERROR, shown, shown_within};
use crate::model::trail::TrailAnswer;
use crate::model::verdict::Status;
use crate::reporting::answer::{ActionsJson, CHECK_TRAILS, OutcomeJson, UsersJson, texts};
use crate::rules::changes::{Changes, Problem};
use serde_json::{Map, Value, json};

/// The most users in the data.
const LISTED: usize = 50;

/// The most warnings in the data.
const WARNINGS: usize = 20;

/// The most bytes of the data. SNS takes 256 KiB for one text and five copies of the data, in which JSON escapes quotes
/// and line ends.
const DATA_BYTES: usize = 24 * 1024;

/// The data for machines: the answer without users that have nothing to report, news first, cut to what fits. A check
/// does not know since when its user has a problem.
pub fn data(kind: &str, account: &Account, answer: &Answer, since: Changes<'_>) -> Value {
    let is_sweep = answer.is_sweep();
    let told = |outcome: &&Outcome| {
        let waits =
            outcome.overdue().is_some() || outcome.unreachable.is_some() || !outcome.blockers.is_empty();
        outcome.result != UserResult::None || outcome.verdict == Status::Unknown || waits
    };
    let rank = |outcome: &&Outcome| {
        let in_new_trouble = since.is_newly_overdue(outcome) || since.is_newly_unreachable(outcome);
        let ranks = [
            outcome.cause().is_some(),
            in_new_trouble,
            outcome.result == UserResult::Done,
            outcome.result == UserResult::Deferred,
        ];
        ranks.iter().position(|holds| *holds).unwrap_or(ranks.len())
    };
    let user = |outcome: &Outcome| {
        let mut user = json!(OutcomeJson::from(outcome));
        if let Some(open) = &outcome.open {
            user["overdue_seconds"] = json!(open.overdue.map(|time| time.as_secs()));
            user["newly_overdue"] = json!(is_sweep.then(|| since.is_newly_overdue(outcome)));
            user["quarantined"] = json!(open.quarantined);
        }
        if outcome.open.is_some() || outcome.unreachable.is_some() {
            user["unreachable"] = json!(outcome.unreachable.as_ref().map(ToString::to_string));
            user["newly_unreachable"] = json!(is_sweep.then(|| since.is_newly_unreachable(outcome)));
            user["denied"] = json!(texts(&outcome.blockers));
            user["not_quarantined"] = json!(texts(&outcome.not_quarantined));
        }
        user
    };
    let problem = |problem: Problem| {
        let before = since.before.map(|before| before.users(problem));
        (problem.name().to_owned(), json!({"users": since.now.users(problem), "before": before}))
    };
    let problem: Map<_, _> = Problem::ALL.into_iter().map(problem).collect();
    let mut users: Vec<&Outcome> = answer.outcomes.iter().filter(told).collect();
    users.sort_by_key(rank);
    let with = |listed: usize| {
        let shown: Vec<Value> = users.iter().take(listed).map(|outcome| user(outcome)).collect();
        json!({
            "kind": kind, "account": account.id, "region": account.region, "action": answer.kind.name(),
            "users": UsersJson::from(answer.users), "actions": ActionsJson::from(answer.actions), "failed": answer.failed, "deferred": answer.deferred,
            "trouble": is_sweep.then_some(&problem), "catch_all": answer.catch_all.value(),
            "outcomes": shown, "outcomes_omitted": users.len().saturating_sub(listed),
            "warnings": texts(answer.warnings.iter().take(WARNINGS)),
            "warnings_omitted": answer.warnings.len().saturating_sub(WARNINGS),
        })
    };
    let mut listed = LISTED;
    loop {
        let data = with(listed);
        if listed == 0 || data.to_string().len() <= DATA_BYTES {
            return data;
        }
        listed /= 2;
    }
}

/// The data for machines about a look at the trails.
pub fn trails(account: &Account, answer: &TrailAnswer) -> Value {
    json!({
        "kind": "summary", "account": account.id, "region": account.region, "action": CHECK_TRAILS,
        "iam_events": answer.iam_events.name(), "warnings": texts(&answer.warnings),
    })
}

/// The data for machines when a whole run failed: a sweep, or the check of `user`.
pub fn run_failed(account: &Account, kind: &RunKind, error: &str) -> Value {
    let user = match kind {
        RunKind::Sweep => None,
        RunKind::Check(user) => Some(shown(user)),
    };
    json!({
        "kind": "failure", "account": account.id, "region": account.region,
        "action": kind.name(),
        "user": user, "error": shown_within(error, 2 * LONGEST_ERROR),
    })
}
