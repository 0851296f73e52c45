//! `plan` and `check`: the function's own sweep and check, as dry runs.

use crate::connect::{Connection, connect};
use crate::options::settings::SettingsArgs;
use crate::options::{CheckArgs, Global, PlanArgs};
use crate::other_region;
use crate::read_only::read_only;
use crate::terminal::output::{Format, Look, cell, count, csv, lines, plain, print, short, wrapped};
use crate::terminal::progress::with_progress;
use anyhow::bail;
use comfy_table::{Color, ColumnConstraint, Width};
use jiff::Timestamp;
use mfa_warden::Settings;
use mfa_warden::aws::Clients;
use mfa_warden::model::action::Postponed;
use mfa_warden::model::outcome::{ActionCounts, Answer, Outcome, UserCounts, UserResult};
use mfa_warden::model::rule::Rule;
use mfa_warden::model::verdict::Status;
use mfa_warden::model::warning::Warning;
use mfa_warden::reporting::answer::{AnswerJson, result};
use mfa_warden::run::Run;
use mfa_warden::run::memory::Memory;
use mfa_warden::run::subscriptions::OwnerTopic;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// Width of the actions on a terminal, in columns: that of the commonest plan, `provision, notify(invitation)`.
const ACTIONS: u16 = 29;

/// The deadline of a run: the command line needs none, and nobody waits longer.
const A_DAY: Duration = Duration::from_secs(86_400);

/// Shows what a sweep would do.
///
/// # Errors
/// When the account cannot be read.
pub async fn plan(global: &Global, args: &PlanArgs, clock: fn() -> Timestamp) -> anyhow::Result<ExitCode> {
    let settings = args.settings.read()?;
    let connection = connect(global).await?;
    let settings = args.settings.at(settings, &connection.account)?;
    let clients = read_only(&connection.config);
    let reading = format!("Reading account {}", connection.account.id);
    let run = dry_run(&connection, &clients, &settings, &args.settings, clock);
    let answer = with_progress(&reading, Some(&run.progress), run.sweep()).await;
    let answer = connection.told(answer).await?;
    show(&answer, None, args.format.into(), &connection, global, &run)
}

/// Shows what a check of one user would do.
///
/// # Errors
/// When the user does not exist, or IAM does not say whether it exists.
pub async fn check(global: &Global, args: &CheckArgs, clock: fn() -> Timestamp) -> anyhow::Result<ExitCode> {
    let settings = args.settings.read()?;
    let connection = connect(global).await?;
    let settings = args.settings.at(settings, &connection.account)?;
    let clients = read_only(&connection.config);
    let reading = format!("Reading user {}", args.user);
    let run = dry_run(&connection, &clients, &settings, &args.settings, clock);
    let answer = with_progress(&reading, Some(&run.progress), run.check(&args.user)).await;
    let answer = connection.told(answer).await?;
    if answer.warnings.iter().any(|warning| matches!(warning, Warning::NoSuchUser(_))) {
        let account = &connection.account.id;
        bail!(
            "there is no IAM user `{}` in account {account}; `{}` lists the users without MFA",
            args.user,
            global.command("plan")
        );
    }
    show(&answer, Some(&args.user), args.format.into(), &connection, global, &run)
}

/// The function's own run, with the operator's clients, which only read.
pub fn dry_run<'a>(
    connection: &'a Connection,
    clients: &'a Clients,
    settings: &'a Settings,
    given: &SettingsArgs,
    clock: fn() -> Timestamp,
) -> Run<'a> {
    let run = Run::new(clients, settings, &connection.account, clock, true, Instant::now() + A_DAY);
    let owner_topic = if given.names_topic() { run.owner_topic } else { OwnerTopic::unknown(&clients.sns) };
    let memory = if given.names_ops_topic() { run.memory } else { Memory::unknown(&clients.sns, clock) };
    Run { owner_topic, memory, ..run }
}

fn show(
    answer: &Answer,
    checked: Option<&str>,
    format: Format,
    connection: &Connection,
    global: &Global,
    run: &Run<'_>,
) -> anyhow::Result<ExitCode> {
    let region = &connection.account.region;
    let found = run.devices_without_secret.get().copied().unwrap_or_default();
    let elsewhere = other_region::warning(found, checked, region);
    let look = Look::new(global);
    print(&match format {
        Format::Json => serde_json::to_string_pretty(&AnswerJson::from(answer))? + "\n",
        Format::Csv => as_csv(answer)?,
        Format::Table => {
            let elsewhere = elsewhere.iter().map(|words| warned(words, look));
            as_table(answer, checked, region, look) + &elsewhere.collect::<String>()
        }
    })?;
    if format != Format::Table {
        elsewhere.iter().for_each(|words| eprintln!("warden: warning: {words}"));
    }
    if format == Format::Csv {
        for warning in &answer.warnings {
            eprintln!("warden: warning: {}", plain(&warning.to_string()));
        }
    }
    Ok(ExitCode::from(exit_code(answer.users)))
}

/// The exit code. Users without MFA are a finding (2), whether or not other users could be read. If the only problem is
/// unreadable users, that is a failure (1): nobody can say that all have MFA.
fn exit_code(users: UserCounts) -> u8 {
    match (users.non_compliant, users.unknown) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 2,
    }
}

/// A verdict in words, and its color.
pub fn words(status: Status) -> (&'static str, Color) {
    match status {
        Status::Compliant => ("with MFA", Color::Green),
        Status::NonCompliant => ("without MFA", Color::Yellow),
        Status::Exempt => ("exempt", Color::Cyan),
        Status::NotApplicable => ("not applicable", Color::DarkGrey),
        Status::Unknown => ("unknown", Color::Red),
    }
}

/// What would be done for one user.
fn would(outcome: &Outcome) -> String {
    match &outcome.result {
        UserResult::Deferred => match outcome.postponed {
            Some(Postponed::Pilot) => "nothing (outside the pilot)".to_owned(),
            _ => "next run".to_owned(),
        },
        UserResult::Failed(cause) => format!("failed: {cause}"),
        UserResult::None | UserResult::Planned | UserResult::Done if outcome.steps.is_empty() => {
            let invited = outcome.verdict == Status::NonCompliant;
            let words = match (&outcome.unreachable, &outcome.open) {
                (Some(_), None) => "nothing until the owner can be told",
                _ if invited => "wait for the owner",
                _ => "nothing",
            };
            words.to_owned()
        }
        UserResult::None | UserResult::Planned | UserResult::Done => outcome.listed_steps(),
    }
}

/// The table, with the totals below it. `checked`: the user of a check.
fn as_table(answer: &Answer, checked: Option<&str>, region: &str, look: Look) -> String {
    let mut text = format!("Account {}, region {region}\n", answer.account);
    if !answer.outcomes.is_empty() {
        let mut table = look.table(["USER", "VERDICT", "WHY", "WOULD DO"]);
        // Leaves the room to the reasons.
        let narrow = ColumnConstraint::UpperBoundary(Width::Fixed(ACTIONS));
        table.column_mut(3).filter(|_| look.width.is_some()).map(|column| column.set_constraint(narrow));
        for outcome in &answer.outcomes {
            let (verdict, color) = words(outcome.verdict);
            let mut why = outcome.why.to_string();
            if let Some(overdue) = outcome.overdue() {
                let _ = write!(why, "; overdue by {}", short(overdue));
            }
            let is_said = outcome.rule == Some(Rule::Unreachable);
            let unreachable = outcome.unreachable.as_ref().filter(|_| !is_said);
            let more = unreachable.into_iter().map(ToString::to_string);
            let more = more.chain(outcome.blockers.iter().map(ToString::to_string));
            for more in more.chain(outcome.not_quarantined.iter().map(ToString::to_string)) {
                let _ = write!(why, "; {more}");
            }
            table.add_row([cell(&outcome.user), cell(verdict).fg(color), cell(&why), cell(&would(outcome))]);
        }
        let _ = write!(text, "\n{}", lines(&table));
    }
    let users = match checked {
        Some(name) => format!("{name}: {}.", verdicts(answer.users).concat().trim_start_matches("1 ")),
        None => {
            let verdicts = verdicts(answer.users).join(", ");
            let colon = if verdicts.is_empty() { "" } else { ": " };
            format!("{}{colon}{verdicts}.", count(answer.users.total, "user"))
        }
    };
    let _ = writeln!(text, "\n{}", wrapped(&users, look.width));
    let _ = writeln!(text, "{}", wrapped(&format!("{} Nothing was changed.", actions(answer)), look.width));
    for warning in &answer.warnings {
        text.push_str(&warned(&plain(&warning.to_string()), look));
    }
    text
}

/// A warning below a table.
pub fn warned(words: &str, look: Look) -> String {
    wrapped(&format!("Warning: {words}"), look.width) + "\n"
}

/// The number of users for each verdict that occurs.
fn verdicts(users: UserCounts) -> Vec<String> {
    let UserCounts { total: _, compliant, non_compliant, exempt, not_applicable, unknown } = users;
    let kinds = [
        (compliant, Status::Compliant),
        (non_compliant, Status::NonCompliant),
        (exempt, Status::Exempt),
        (not_applicable, Status::NotApplicable),
        (unknown, Status::Unknown),
    ];
    let some = kinds.into_iter().filter(|(number, _)| *number > 0);
    some.map(|(number, status)| format!("{number} {}", words(status).0)).collect()
}

fn actions(answer: &Answer) -> String {
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
    } = answer.actions;
    let kinds = [
        (provision, "provision"),
        (attach, "attach"),
        (notify, "notify"),
        (quarantine, "quarantine"),
        (close, "close"),
        (detach, "detach"),
        (delete_device, "delete_device"),
        (put_policy, "put_policy"),
        (subscribe, "subscribe"),
    ];
    let done = kinds.into_iter().filter(|(number, _)| *number > 0);
    let mut done: Vec<String> = done.map(|(number, name)| format!("{name} {number}")).collect();
    if answer.deferred > 0 {
        let pilot = answer.outcomes.iter().filter(|o| o.postponed == Some(Postponed::Pilot)).count();
        let others = answer.deferred.saturating_sub(u32::try_from(pilot).unwrap_or(u32::MAX));
        done.extend((others > 0).then(|| format!("leave {others} to a later run")));
        done.extend((pilot > 0).then(|| format!("leave {pilot} alone (outside --pilot)")));
    }
    let done = if done.is_empty() { "do nothing".to_owned() } else { done.join(", ") };
    format!("A {} would {done}.", answer.kind.name())
}

fn as_csv(answer: &Answer) -> anyhow::Result<String> {
    let row = |outcome: &Outcome| {
        [
            outcome.user.clone(),
            outcome.user_id.clone(),
            outcome.verdict.name().to_owned(),
            outcome.why.to_string(),
            outcome.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            result(&outcome.result),
            outcome.overdue().map_or(String::new(), |overdue| overdue.as_secs().to_string()),
            outcome.unreachable.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    };
    csv(
        ["user", "user_id", "verdict", "reason", "actions", "result", "overdue_seconds", "unreachable"],
        answer.outcomes.iter().map(row),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use mfa_warden::model::action::{Notice, Step};
    use mfa_warden::model::failure::{AwsFailure, Failure};
    use mfa_warden::model::outcome::{OpenEnrollment, RunKind};
    use mfa_warden::model::verdict::Reason;

    const PLAIN: Look = Look { width: Some(100), color: false };

    fn outcome(user: &str, verdict: Status, reason: Reason, steps: &[Step], result: UserResult) -> Outcome {
        let outcome = Outcome::new(user, "AIDAEXAMPLE", verdict, reason, &[], result);
        Outcome { steps: steps.to_vec(), ..outcome }
    }

    fn answer() -> Answer {
        let open = Some(OpenEnrollment {
            overdue: Some(SignedDuration::from_hours(30)),
            ..OpenEnrollment::default()
        });
        let reason = || Reason::NoMfa { password: true, active_access_key: false, exemption: None };
        let mut answer = Answer::new(RunKind::Sweep, true, "123456789012");
        answer.outcomes = vec![
            outcome(
                "anna.schmidt",
                Status::NonCompliant,
                reason(),
                &[Step::Provision, Step::Attach, Step::Notify(Notice::Invitation)],
                UserResult::Planned,
            ),
            Outcome {
                open,
                ..outcome("ben+oncall@example.com", Status::NonCompliant, reason(), &[], UserResult::None)
            },
            outcome(
                "d_okafor",
                Status::Exempt,
                Reason::ExemptThrough(
                    jiff::civil::date(2026, 12, 24),
                    "waits for a hardware token".to_owned(),
                ),
                &[],
                UserResult::None,
            ),
            outcome("eve=contractor", Status::NonCompliant, reason(), &[], UserResult::Deferred),
            outcome(
                "frank",
                Status::Unknown,
                Reason::Unreadable(Failure::Aws(AwsFailure {
                    attempted: "read the login profile of `frank`".to_owned(),
                    code: Some("AccessDenied".to_owned()),
                    said: "AccessDenied: \u{1b}[31mno, \"never\"".to_owned(),
                })),
                &[],
                UserResult::None,
            ),
        ];
        answer.users =
            UserCounts { total: 9, compliant: 3, non_compliant: 3, exempt: 1, not_applicable: 1, unknown: 1 };
        answer.actions = ActionCounts { provision: 1, attach: 1, notify: 1, ..ActionCounts::default() };
        answer.deferred = 1;
        answer.warnings = vec![Warning::RootWithoutMfa];
        answer
    }

    #[test]
    fn a_plan_is_readable_at_a_hundred_columns() {
        let table = as_table(&answer(), None, "eu-west-1", PLAIN);
        assert!(table.lines().all(|line| line.chars().count() <= 100));
        insta::assert_snapshot!(table);
    }

    #[test]
    fn colors_mark_verdicts_and_change_no_other_character() {
        let colored = as_table(&answer(), None, "eu-west-1", Look { color: true, ..PLAIN });
        assert!(colored.contains("\u{1b}["));
        let stripped = anstream::adapter::strip_str(&colored).to_string();
        let stripped: String = stripped.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        assert_eq!(stripped, as_table(&answer(), None, "eu-west-1", PLAIN));
    }

    #[test]
    fn an_account_in_order_is_told_in_three_lines() {
        let mut answer = Answer::new(RunKind::Sweep, true, "123456789012");
        answer.users = UserCounts { total: 1, compliant: 1, ..UserCounts::default() };
        insta::assert_snapshot!(as_table(&answer, None, "eu-west-1", PLAIN), @r"
        Account 123456789012, region eu-west-1

        1 user: 1 with MFA.
        A sweep would do nothing. Nothing was changed.
        ");
    }

    #[test]
    fn csv_has_a_row_a_user_and_quotes_what_needs_it() {
        insta::assert_snapshot!(as_csv(&answer()).unwrap());
    }

    #[test]
    fn users_without_mfa_outweigh_unreadable_ones_and_those_are_no_success() {
        let code = |non_compliant, unknown| {
            exit_code(UserCounts { non_compliant, unknown, ..UserCounts::default() })
        };
        assert_eq!([code(0, 0), code(0, 1), code(1, 0), code(1, 1)], [0, 1, 2, 2]);
    }
}
