//! The messages for operations: text for people, the same as JSON for machines. They lead with what changed. Pure.

use crate::facts::Account;
use crate::notice::{Message, words};
use crate::report::{Answer, Ending, Open, Outcome};
use crate::verdict::Status;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most users named in one section of a message to operations.
const NAMED: usize = 100;

/// The most users in what machines get: five copies of it and the text fit into SNS's 256 KiB.
const LISTED: usize = 50;

/// The summary for operations: what a run did and found.
pub fn summary(account: &Account, answer: &Answer) -> Message {
    let mut done: Vec<String> = Vec::new();
    let mut count = |number: u32, words: &str| {
        if number > 0 {
            done.push(format!("{number} {words}"));
        }
    };
    count(answer.actions.provision, "provisioned");
    count(answer.actions.notify, "notified");
    count(answer.actions.quarantine, "quarantined");
    count(answer.actions.close, "closed");
    count(answer.actions.subscribe, "subscribed");
    count(answer.actions.delete_device, "stray devices deleted");
    count(answer.failed, "failed");
    count(answer.deferred, "deferred");
    if done.is_empty() {
        done.push("news".to_owned());
    }
    let did = |outcome: &&Outcome, action: &str| {
        outcome.result == Ending::Done && outcome.actions.iter().any(|done| done == action)
    };
    let new = |outcome: &&Outcome| did(outcome, "provision");
    let resolved = |outcome: &&Outcome| did(outcome, "close");
    let rest = |outcome: &&Outcome| outcome.result == Ending::Done && !new(outcome) && !resolved(outcome);
    let section = |title: &str, wanted: &dyn Fn(&&Outcome) -> bool| section(title, answer, wanted);
    let text = [
        place(account, answer),
        section("NEW: GIVEN A DEVICE", &new),
        section("RESOLVED", &resolved),
        section("DONE BESIDES", &rest),
        overdue(answer),
        failures(answer),
        unreachable(answer),
        denied(answer),
        section("LEFT TO THE NEXT RUN (deadline or MAX_PROVISIONS)", &|outcome| {
            outcome.result == Ending::Deferred
        }),
        warnings(answer),
        totals(answer),
        section("EXEMPT", &|outcome| outcome.verdict == Status::Exempt && outcome.result != Ending::Done),
        section("STILL WITHOUT MFA, INVITED BEFORE", &|outcome| {
            outcome.verdict == Status::NonCompliant
                && outcome.result == Ending::None
                && outcome.overdue().is_none()
        }),
    ]
    .concat();
    to_operations("summary", account, &done.join(", "), text, data("summary", account, answer))
}

/// The message for operations when users failed or could not be read.
pub fn failure(account: &Account, answer: &Answer) -> Message {
    let text = [
        place(account, answer),
        failures(answer),
        overdue(answer),
        unreachable(answer),
        denied(answer),
        warnings(answer),
        totals(answer),
    ]
    .concat();
    let unreadable = answer.outcomes.iter().filter(|outcome| outcome.is_unreadable()).count();
    let what = format!("{} failed, {unreadable} unreadable", answer.failed);
    to_operations("failure", account, &what, text, data("failure", account, answer))
}

/// The message for operations when a whole run failed: a sweep, or the check of `user`.
pub fn run_failed(account: &Account, user: Option<&str>, error: &str) -> Message {
    let place = format!("AWS account {} ({})", account.id, account.region);
    let (what, text) = match user {
        Some(user) => (
            format!("the check of {user} failed"),
            format!(
                "The check of the user {user} of {place} failed, and nothing was done:\n\n  {error}\n\n\
                 Lambda tries again twice; after that the next sweep looks at the user.\n"
            ),
        ),
        None => (
            "the sweep failed".to_owned(),
            format!(
                "The sweep of {place} failed, and nothing was done:\n\n  {error}\n\n\
                 It is tried again. If this message repeats, correct the cause; until then nobody without MFA is found\n\
                 or followed up by schedule.\n"
            ),
        ),
    };
    let data = json!({
        "kind": "failure", "account": account.id, "region": account.region,
        "action": if user.is_some() { "check" } else { "sweep" }, "user": user, "error": error,
    });
    to_operations("failure", account, &what, text, data)
}

/// What machines get: the answer without users that nothing is to be said of, and no more users than fit.
fn data(kind: &str, account: &Account, answer: &Answer) -> Value {
    let told = |outcome: &&Outcome| {
        let open = outcome.open.as_ref();
        let waits = open.is_some_and(|open| {
            open.overdue.is_some() || open.unreachable.is_some() || !open.denied.is_empty()
        });
        outcome.result != Ending::None || outcome.verdict == Status::Unknown || waits
    };
    let user = |outcome: &Outcome| {
        let mut user = json!(outcome);
        if let Some(open) = &outcome.open {
            user["overdue_seconds"] = json!(open.overdue.map(|time| time.as_secs()));
            user["quarantined"] = json!(open.quarantined);
            user["unreachable"] = json!(open.unreachable);
            user["denied"] = json!(open.denied);
        }
        user
    };
    let users: Vec<&Outcome> = answer.outcomes.iter().filter(told).collect();
    let shown: Vec<Value> = users.iter().take(LISTED).map(|outcome| user(outcome)).collect();
    json!({
        "kind": kind, "account": account.id, "region": account.region, "action": answer.action,
        "users": answer.users, "actions": answer.actions, "failed": answer.failed, "deferred": answer.deferred,
        "outcomes": shown, "outcomes_omitted": users.len().saturating_sub(LISTED), "warnings": answer.warnings,
    })
}

fn to_operations(kind: &str, account: &Account, what: &str, text: String, data: Value) -> Message {
    Message {
        subject: format!("mfa-warden {}: {what}", account.id).chars().take(99).collect(),
        // SNS takes 256 KiB; a character has four bytes at most.
        text: text.chars().take(60_000).collect(),
        data: Some(data.to_string()),
        attributes: vec![("kind", kind.to_owned()), ("account", account.id.clone())],
    }
}

fn place(account: &Account, answer: &Answer) -> String {
    format!(
        "AWS account {} ({}), what this {} changed and found:\n",
        account.id, account.region, answer.action
    )
}

fn totals(answer: &Answer) -> String {
    let users = answer.users;
    format!(
        "\n{} USER{} IN ALL\n\n\
         \x20 {:>5}  with MFA\n  {:>5}  without MFA\n  {:>5}  exempt\n  {:>5}  not applicable\n  {:>5}  unknown\n",
        users.total,
        if users.total == 1 { "" } else { "S" },
        users.compliant,
        users.non_compliant,
        users.exempt,
        users.not_applicable,
        users.unknown,
    )
}

fn failures(answer: &Answer) -> String {
    let failed = section("FAILED (the next run tries again)", answer, &|outcome| {
        matches!(outcome.result, Ending::Failed(_))
    });
    let unreadable =
        section("UNREADABLE (nothing was done for these)", answer, &|outcome| outcome.is_unreadable());
    failed + &unreadable
}

/// Who is beyond the grace period, and by how much: the longest first.
fn overdue(answer: &Answer) -> String {
    let mut overdue: Vec<(SignedDuration, &Outcome)> =
        answer.outcomes.iter().filter_map(|outcome| Some((outcome.overdue()?, outcome))).collect();
    overdue.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let line = |(time, outcome): &(SignedDuration, &Outcome)| {
        format!("- {}: {} over the grace period", outcome.user, words(*time))
    };
    let lines: Vec<String> = overdue.iter().map(line).collect();
    titled("OVERDUE, LONGEST FIRST", &lines)
}

/// Whose messages arrive nowhere, and why.
fn unreachable(answer: &Answer) -> String {
    let why = |outcome: &Outcome| {
        Some(format!("- {}: {}", outcome.user, outcome.open.as_ref()?.unreachable.as_ref()?))
    };
    let lines: Vec<String> = answer.outcomes.iter().filter_map(why).collect();
    titled("UNREACHABLE OWNERS (told again as soon as a subscription lets them hear it)", &lines)
}

/// Whom a policy of the account keeps from enrolling, and which.
fn denied(answer: &Answer) -> String {
    let outcomes = answer.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.open.as_ref()?)));
    let each = |(outcome, open): (&Outcome, &Open)| {
        open.denied.iter().map(|denial| format!("- {}: {denial}", outcome.user)).collect::<Vec<_>>()
    };
    let lines: Vec<String> = outcomes.flat_map(each).collect();
    titled(
        "KEPT FROM ENROLLING BY A POLICY (allow it without MFA, or let them use the console's own way)",
        &lines,
    )
}

fn warnings(answer: &Answer) -> String {
    let lines: Vec<String> = answer.warnings.iter().map(|warning| format!("- {warning}")).collect();
    titled("WARNINGS", &lines)
}

fn section(title: &str, answer: &Answer, wanted: &dyn Fn(&&Outcome) -> bool) -> String {
    let lines: Vec<String> = answer.outcomes.iter().filter(wanted).map(line).collect();
    titled(title, &lines)
}

fn titled(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}\n\n");
    for line in lines.iter().take(NAMED) {
        let _ = writeln!(text, "{line}");
    }
    if lines.len() > NAMED {
        let _ = writeln!(text, "- and {} more; a dry run's answer names them all", lines.len() - NAMED);
    }
    text
}

fn line(outcome: &Outcome) -> String {
    let mut line = format!("- {}: {}", outcome.user, outcome.reason);
    if !outcome.actions.is_empty() {
        let _ = write!(line, " -> {}", outcome.actions.join(", "));
    }
    if let Ending::Failed(cause) = &outcome.result {
        let _ = write!(line, "; {cause}");
    }
    line
}

/// Who is in which kind of trouble, as a few letters that fit into a tag: operations are told again when it differs from
/// what they were told last. It names the day, so that trouble that stays is told once a day.
pub fn standing(answer: &Answer, now: jiff::Timestamp) -> Option<String> {
    let digest = |wanted: &dyn Fn(&Outcome) -> bool| {
        let mut users: Vec<&str> = answer
            .outcomes
            .iter()
            .filter(|outcome| wanted(outcome))
            .map(|outcome| outcome.user.as_str())
            .collect();
        users.sort_unstable();
        let mut hasher = DefaultHasher::new();
        users.hash(&mut hasher);
        (!users.is_empty()).then(|| format!("{:08x}", hasher.finish() & 0xffff_ffff))
    };
    let open = |outcome: &Outcome, wanted: &dyn Fn(&Open) -> bool| outcome.open.as_ref().is_some_and(wanted);
    let parts = [
        ("failed", digest(&|outcome| outcome.cause().is_some())),
        ("overdue", digest(&|outcome| outcome.overdue().is_some())),
        ("unreachable", digest(&|outcome| open(outcome, &|open| open.unreachable.is_some()))),
        ("deferred", digest(&|outcome| outcome.result == Ending::Deferred)),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(name, digest)| Some(format!("{name}={}", digest?))).collect();
    (!parts.is_empty()).then(|| format!("{} {}", now.strftime("%F"), parts.join(" ")))
}
