//! The answer of an invocation, as JSON. Callers rely on its form.

use crate::model::outcome::{ActionCounts, Answer, Outcome, UserCounts, UserResult};
use crate::model::trail::TrailAnswer;
use serde::{Serialize, Serializer};

/// The answer of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// A sweep or a check.
    Ran(#[serde(serialize_with = "as_json")] Box<Answer>),
    /// A look at the trails.
    Trails(#[serde(serialize_with = "trails_as_json")] TrailAnswer),
    /// The event was ignored: no user was looked at.
    Ignored {
        /// `ignored`.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

fn as_json<S: Serializer>(answer: &Answer, serializer: S) -> Result<S::Ok, S::Error> {
    AnswerJson::from(answer).serialize(serializer)
}

/// The name of a look at the trails, in events, answers and metrics.
pub const CHECK_TRAILS: &str = "check_trails";

fn trails_as_json<S: Serializer>(answer: &TrailAnswer, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct TrailsJson<'a> {
        action: &'static str,
        dry_run: bool,
        account: &'a str,
        iam_events: &'static str,
        warnings: Vec<String>,
    }
    TrailsJson {
        action: CHECK_TRAILS,
        dry_run: answer.dry_run,
        account: &answer.account,
        iam_events: answer.iam_events.name(),
        warnings: texts(&answer.warnings),
    }
    .serialize(serializer)
}

/// The fields of an answer's JSON, in their order.
#[derive(Debug, Serialize)]
pub struct AnswerJson<'a> {
    action: &'static str,
    dry_run: bool,
    account: &'a str,
    users: UsersJson,
    actions: ActionsJson,
    failed: u32,
    deferred: u32,
    outcomes: Vec<OutcomeJson<'a>>,
    warnings: Vec<String>,
}

impl<'a> From<&'a Answer> for AnswerJson<'a> {
    fn from(answer: &'a Answer) -> Self {
        AnswerJson {
            action: answer.kind.name(),
            dry_run: answer.dry_run,
            account: &answer.account,
            users: answer.users.into(),
            actions: answer.actions.into(),
            failed: answer.failed,
            deferred: answer.deferred,
            outcomes: answer.outcomes.iter().map(OutcomeJson::from).collect(),
            warnings: texts(&answer.warnings),
        }
    }
}

/// One user in an answer.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeJson<'a> {
    user: &'a str,
    user_id: &'a str,
    verdict: &'static str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    actions: Vec<String>,
    result: String,
}

impl<'a> From<&'a Outcome> for OutcomeJson<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        OutcomeJson {
            user: &outcome.user,
            user_id: &outcome.user_id,
            verdict: outcome.verdict.name(),
            reason: outcome.why.to_string(),
            rule: outcome.rule.map(|rule| rule.name()),
            actions: texts(&outcome.steps),
            result: result(&outcome.result),
        }
    }
}

/// Users by verdict.
#[derive(Debug, Serialize)]
pub(super) struct UsersJson {
    total: u32,
    compliant: u32,
    non_compliant: u32,
    exempt: u32,
    not_applicable: u32,
    unknown: u32,
}

impl From<UserCounts> for UsersJson {
    fn from(users: UserCounts) -> Self {
        let UserCounts { total, compliant, non_compliant, exempt, not_applicable, unknown } = users;
        UsersJson { total, compliant, non_compliant, exempt, not_applicable, unknown }
    }
}

/// Actions by kind.
#[derive(Debug, Serialize)]
pub(super) struct ActionsJson {
    provision: u32,
    notify: u32,
    quarantine: u32,
    close: u32,
    delete_device: u32,
    attach: u32,
    detach: u32,
    #[serde(skip_serializing_if = "is_zero")]
    put_policy: u32,
    /// Left out if zero, because it needs a setting.
    #[serde(skip_serializing_if = "is_zero")]
    subscribe: u32,
}

impl From<ActionCounts> for ActionsJson {
    fn from(actions: ActionCounts) -> Self {
        let ActionCounts {
            provision,
            notify,
            quarantine,
            close,
            delete_device,
            attach,
            detach,
            put_policy,
            subscribe,
        } = actions;
        ActionsJson {
            provision,
            notify,
            quarantine,
            close,
            delete_device,
            attach,
            detach,
            put_policy,
            subscribe,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How the work on a user ended: `done`, `planned`, `none`, `deferred` or `failed: <cause>`.
pub fn result(result: &UserResult) -> String {
    match result {
        UserResult::Done => "done".to_owned(),
        UserResult::Planned => "planned".to_owned(),
        UserResult::None => "none".to_owned(),
        UserResult::Deferred => "deferred".to_owned(),
        UserResult::Failed(cause) => format!("failed: {cause}"),
    }
}

/// Each in the words that people read.
pub(super) fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}
