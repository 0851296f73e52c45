//! `explain`: which row of the decision table applies to a user, on which facts, and what would change it.

use crate::commands::plan::{dry_run, words};
use crate::connect::connect;
use crate::options::{ExplainArgs, Global};
use crate::other_region;
use crate::read_only::read_only;
use crate::terminal::output::{Look, cell, lines, plain, print, short, wrapped};
use crate::terminal::progress::with_progress;
use anyhow::bail;
use jiff::Timestamp;
use mfa_warden::Settings;
use mfa_warden::messages::rules::{applies, follows};
use mfa_warden::model::action::{Action, Step, steps};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::{Secret, created_at};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::failure::{Failure, Unreadable};
use mfa_warden::model::known::Known;
use mfa_warden::model::rule::Rule;
use mfa_warden::model::text::{rfc3339, shown};
use mfa_warden::rules::explain::{Change, Explanation};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::ExitCode;

/// Explains what the function does for one user.
///
/// # Errors
/// When there is no such user, or it cannot be read.
pub async fn explain(
    global: &Global,
    args: &ExplainArgs,
    clock: fn() -> Timestamp,
) -> anyhow::Result<ExitCode> {
    let settings = args.settings.read()?;
    let connection = connect(global).await?;
    let settings = args.settings.at(settings, &connection.account)?;
    let clients = read_only(&connection.config);
    let run = dry_run(&connection, &clients, &settings, &args.settings, clock);
    let reading = format!("Reading user {}", args.user);
    let explained = with_progress(&reading, None, run.explain(&args.user)).await;
    let explained = match explained {
        Err(Unreadable(failure)) => bail!(match &failure {
            Failure::Aws(failed) => connection.refusal(failed).await.unwrap_or_else(|| failure.to_string()),
            _ => failure.to_string(),
        }),
        Ok(explained) => explained,
    };
    let Some((explanation, warnings)) = explained else {
        let account = &connection.account.id;
        bail!(
            "there is no IAM user `{}` in account {account}; `{}` lists the users without MFA",
            args.user,
            global.command("plan")
        );
    };
    for warning in &warnings {
        eprintln!("warden: warning: {}", plain(&warning.to_string()));
    }
    let found = run.devices_without_secret.get().copied().unwrap_or_default();
    if let Some(words) = other_region::warning(found, Some(&args.user), &connection.account.region) {
        eprintln!("warden: warning: {words}");
    }
    let topic_is_known = args.settings.names_topic();
    print(&if args.json {
        serde_json::to_string_pretty(&as_json(&explanation, &settings, topic_is_known, clock()))? + "\n"
    } else {
        let look = Look::new(global);
        as_text(&explanation, &settings, &connection.account.id, topic_is_known, look, clock())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The facts, each with its name.
fn facts(
    facts: &UserFacts,
    settings: &Settings,
    topic_is_known: bool,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut rows = vec![("unique id", facts.user.id.clone()), ("path", facts.user.path().to_owned())];
    let mut add = |name: &'static str, value: String| rows.push((name, value));
    let devices: Vec<String> = facts.mfa_devices.iter().map(|device| shown(&device.serial_number)).collect();
    add("MFA devices", if devices.is_empty() { "none".to_owned() } else { devices.join(", ") });
    if devices.is_empty() {
        add("console password", yes(facts.has_password()));
        if let Known::Is(has_key) = facts.active_access_key {
            add("active access key", yes(has_key));
        }
    }
    let recipient = facts.recipient(settings);
    let whom: Vec<String> = recipient.each().iter().map(|one| shown(one)).collect();
    add("who is told", whom.join(" and "));
    let reach =
        if topic_is_known { delivery(facts.delivery) } else { "not checked (give --owner-topic-arn)" };
    add("messages reach the owner", reach.to_owned());
    let blocks = match &facts.blockers {
        Known::NotAsked => "not checked".to_owned(),
        Known::Unreadable => "IAM gave no answer".to_owned(),
        Known::Is(blockers) if blockers.is_empty() => "nothing".to_owned(),
        Known::Is(blockers) => blockers.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    };
    add("what blocks enrolling", blocks);
    if let Known::Is(attached) = facts.attached {
        if settings.enrollment_policy_arn.is_some() {
            add("enrollment policy attached", yes(attached.enrollment));
        }
        if settings.quarantine_policy_arn.is_some() {
            add("quarantined", yes(attached.quarantine));
        }
    }
    match &facts.secret {
        None if facts.foreign_secret => {
            add("secret", "a secret that mfa-warden did not make has its name".to_owned())
        }
        None => add("secret", "none".to_owned()),
        Some(secret) => secret_facts(facts, secret, settings, now, &mut add),
    }
    rows
}

fn secret_facts(
    facts: &UserFacts,
    secret: &Secret,
    settings: &Settings,
    now: Timestamp,
    add: &mut impl FnMut(&'static str, String),
) {
    let ago = |time: Timestamp| format!("{} ({} ago)", rfc3339(time), short(now.duration_since(time)));
    let or = |time: Option<Timestamp>, none: &str| time.map_or(none.to_owned(), ago);
    add("secret", format!("{}, made {}", secret.name, ago(secret.created_at)));
    let version = secret.current_version.as_deref();
    add("seed made", or(version.and_then(created_at), "there is none"));
    let device = version.and_then(|version| facts.device_of(version));
    add("prepared device", device.map_or("none, or enabled".to_owned(), shown));
    add("first notice", or(secret.first_notice_at(now), "none went out"));
    add("last notice", format!("{}; {} in all", or(secret.last_notice_at(), "none"), secret.notices()));
    add("known to be received", or(secret.heard_at(now), "not known for this device"));
    let used = secret.grace_used();
    if used.is_positive() {
        add("grace period used before", short(used));
    }
    let overdue = match (secret.overdue_by(settings, now), secret.first_notice_at(now)) {
        (Some(time), _) => format!("for {}", short(time)),
        (None, None) => "no, because no notice went out".to_owned(),
        (None, Some(first)) => {
            let left = secret.grace(settings) - now.duration_since(first);
            format!("no, in {}", short(left))
        }
    };
    add("overdue", overdue);
    add(
        "warned",
        if secret.is_warned(&facts.recipient(settings), settings, now) { "yes" } else { "no" }.to_owned(),
    );
}

fn delivery(delivery: Known<Delivery>) -> &'static str {
    match delivery {
        Known::NotAsked => "not checked: nothing depends on it",
        Known::Is(Delivery::Reached) => "yes",
        Known::Unreadable => "not known: the subscriptions cannot be read or understood",
        Known::Is(Delivery::Pending) => "no: the subscription is not confirmed yet",
        Known::Is(Delivery::Lapsed) => "no: the subscription was not confirmed within two days",
        Known::Is(Delivery::Filtered) => "no: the filter of the owner's own subscription blocks them",
        Known::Is(Delivery::Unreached) => "no: no subscription of the owner topic lets them through",
        Known::Is(Delivery::Malformed) => "no: the owner tag holds no address",
    }
}

/// A change in words.
fn change(change: Change) -> String {
    match change {
        Change::Enrolls => "the user sets up MFA".to_owned(),
        Change::LosesMfa => {
            "the user loses its MFA device (and has a password, and can be reached)".to_owned()
        }
        Change::Exempted => {
            "the user gets a tag `mfa-exempt` with a date or `permanent`, and a reason".to_owned()
        }
        Change::Reached => {
            "messages can reach the owner, through a subscription or another owner tag".to_owned()
        }
        Change::Unreached => "messages can no longer reach the owner".to_owned(),
        Change::Unblocked => "what blocks enrolling is removed".to_owned(),
        Change::Admitted => "PILOT admits the user".to_owned(),
        Change::QuarantineSet => "AFTER_GRACE=quarantine is set".to_owned(),
        Change::Until(time) => format!("nothing happens until {}", rfc3339(time)),
    }
}

fn would(actions: &[Action], rule: Rule) -> String {
    let steps: Vec<String> = steps(actions).iter().map(ToString::to_string).collect();
    let is_nothing = matches!(rule, Rule::HasMfa | Rule::NeedNotEnroll | Rule::UserGone);
    match steps.is_empty() {
        // With these rows, the function acts only if something is left to remove.
        true if is_nothing => "nothing".to_owned(),
        true => without_code(follows(rule)),
        false => steps.join(", "),
    }
}

/// The text without its code spans, which a terminal does not show.
fn without_code(text: &str) -> String {
    text.replace('`', "")
}

fn as_text(
    explanation: &Explanation,
    settings: &Settings,
    account: &str,
    topic_is_known: bool,
    look: Look,
    now: Timestamp,
) -> String {
    let Explanation { facts: known, verdict, plan, changes } = explanation;
    let mut text = String::new();
    let mut table = look.table(["USER", &format!("{} in account {account}", known.user.name)]);
    table.add_row([cell("Verdict"), cell(&format!("{}: {}", words(verdict.status).0, verdict.reason))]);
    table.add_row([cell("Rule"), cell(&format!("{}: {}", plan.rule, without_code(applies(plan.rule))))]);
    table.add_row([cell("Would do"), cell(&would(&plan.actions, plan.rule))]);
    text.push_str(&lines(&table));
    let mut table = look.table(["FACT", ""]);
    for (name, value) in facts(known, settings, topic_is_known, now) {
        table.add_row([cell(name), cell(&value)]);
    }
    let _ = write!(text, "\n{}", lines(&table));
    text.push_str("\nWHAT WOULD CHANGE IT\n\n");
    if changes.is_empty() {
        text.push_str("None of the changes that this command tries.\n");
    }
    for (what, rule) in changes {
        let line = format!("- {} -> {rule}: {}", change(*what), without_code(follows(*rule)));
        let _ = writeln!(text, "{}", wrapped(&line, look.width));
    }
    text
}

fn as_json(explanation: &Explanation, settings: &Settings, topic_is_known: bool, now: Timestamp) -> Value {
    let Explanation { facts: known, verdict, plan, changes } = explanation;
    let facts = facts(known, settings, topic_is_known, now);
    let facts: serde_json::Map<String, Value> =
        facts.into_iter().map(|(name, value)| (name.replace(' ', "_"), value.into())).collect();
    let changes: Vec<Value> = changes
        .iter()
        .map(|(what, rule)| json!({"if": change(*what), "rule": rule.name(), "follows": without_code(follows(*rule))}))
        .collect();
    json!({
        "user": known.user.name, "user_id": known.user.id, "verdict": verdict.status.name(), "reason": verdict.reason.to_string(),
        "rule": plan.rule.name(), "applies": without_code(applies(plan.rule)), "actions": steps(&plan.actions).iter().map(Step::to_string).collect::<Vec<_>>(),
        "facts": facts, "changes": changes,
    })
}
