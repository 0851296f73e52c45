//! Messages to operations, for people (for machines: `reporting::summary`). They lead with what changed. Pure.

use crate::messages::format::date;
use crate::model::account::Account;
use crate::model::action::{Postponed, Step};
use crate::model::message::Message;
use crate::model::outcome::{Answer, Outcome, RunKind, UserResult};
use crate::model::text::{LONGEST_ERROR, shown, shown_within};
use crate::model::trail::{IamEvents, TrailAnswer};
use crate::model::verdict::Status;
use crate::rules::changes::{Changes, Problem};
use crate::words::duration;
use jiff::SignedDuration;
use std::fmt::{self, Write};

/// The most users named in one section of a message to operations.
const NAMED: usize = 100;

const TEXT_BYTES: usize = 48_000;

/// The summary for operations: what a run did and found.
pub fn summary(account: &Account, answer: &Answer, since: Changes<'_>) -> Message {
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
    count(answer.actions.delete_device, "orphaned devices deleted");
    count(answer.actions.attach.saturating_sub(answer.actions.provision), "policies attached again");
    count(answer.actions.detach, "policies detached");
    count(answer.actions.put_policy, "secret policies updated");
    count(answer.failed, "failed");
    count(u32::try_from(answer.deferred_for_now()).unwrap_or(u32::MAX), "deferred");
    if done.is_empty() && since.before.is_some() {
        let now = |problem: Problem| format!("{} {} now", since.now.users(problem), label(problem));
        done.extend(since.changed().into_iter().map(now));
    }
    if done.is_empty() {
        let now = |problem: &Problem| since.now.users(*problem) > 0;
        let now = Problem::ALL.into_iter().filter(now);
        done.extend(now.map(|problem| format!("{} {}", since.now.users(problem), label(problem))));
    }
    if done.is_empty() && answer.users.exempt > 0 {
        done.push(format!("{} exempt", answer.users.exempt));
    }
    if answer.nobody_listens {
        done.insert(0, "NO OWNER RECEIVES MESSAGES".to_owned());
    }
    let new = |outcome: &&Outcome| outcome.did(Step::Provision);
    let resolved = |outcome: &&Outcome| outcome.did(Step::Close);
    let rest = |outcome: &&Outcome| outcome.result == UserResult::Done && !new(outcome) && !resolved(outcome);
    let section = |title: &str, wanted: &dyn Fn(&&Outcome) -> bool| section(title, answer, wanted);
    let rest = |outcome: &&Outcome| rest(outcome) && !outcome.reattached;
    let text = [
        place(account, answer),
        nobody_listens(answer),
        changed(since),
        section("DEVICE PREPARED", &new),
        resolved_by(answer, &resolved),
        section("OTHER CHANGES", &rest),
        section(
            "POLICY ATTACHED AGAIN (another tool may be detaching it; this is reported once)",
            &|outcome| outcome.reattached,
        ),
        recipients_changed(answer),
        newly_overdue(answer, since),
        failures(answer),
        newly_unreachable(answer, since),
        not_quarantined(answer),
        denied(answer),
        section("POSTPONED TO A LATER RUN", &|outcome| {
            outcome.result == UserResult::Deferred && outcome.postponed != Some(Postponed::Pilot)
        }),
        warnings(answer),
        totals(answer),
        overdue_before(answer, since),
        unreachable_before(answer, since),
        catch_all(answer, since),
        section("EXEMPT", &|outcome| outcome.verdict == Status::Exempt && outcome.result != UserResult::Done),
        section("INVITED EARLIER, STILL WITHOUT MFA", &|outcome| {
            outcome.open.is_some()
                && outcome.verdict == Status::NonCompliant
                && outcome.result == UserResult::None
                && outcome.overdue().is_none()
        }),
    ]
    .concat();
    to_operations("summary", account, &done.join(", "), text)
}

/// The message for operations when users failed or could not be read.
pub fn failure(account: &Account, answer: &Answer, since: Changes<'_>) -> Message {
    let text = [
        place(account, answer),
        nobody_listens(answer),
        changed(since),
        failures(answer),
        newly_overdue(answer, since),
        newly_unreachable(answer, since),
        not_quarantined(answer),
        denied(answer),
        warnings(answer),
        totals(answer),
        overdue_before(answer, since),
        unreachable_before(answer, since),
        catch_all(answer, since),
    ]
    .concat();
    let unreadable = answer.outcomes.iter().filter(|outcome| outcome.is_unreadable()).count();
    let what = format!("{} failed, {unreadable} unreadable", answer.failed);
    to_operations("failure", account, &what, text)
}

/// The message for operations when a whole run failed: a sweep, or the check of `user`.
pub fn run_failed(account: &Account, kind: &RunKind, error: &str) -> Message {
    let place = format!("AWS account {} ({})", account.id, account.region);
    let error = &shown_within(error, 2 * LONGEST_ERROR);
    let (what, text) = match kind {
        RunKind::Check(user) => (
            format!("the check of {} failed", shown(user)),
            format!(
                "The check of the user {user} in {place} failed. Nothing was done:\n\n  {error}\n\n\
                 Lambda tries this check twice more. After that the next sweep checks the user.\n",
                user = shown(user),
            ),
        ),
        RunKind::Sweep => (
            "the sweep failed".to_owned(),
            format!(
                "The sweep of {place} failed. Nothing was done:\n\n  {error}\n\n\
                 The function will try again. If this message repeats, fix the cause: until then no sweep finds or\n\
                 reminds users without MFA.\n"
            ),
        ),
    };
    to_operations("failure", account, &what, text)
}

/// What a look at the trails found: IAM events do not arrive, or they arrive again. `told`: what operations were told last.
pub fn trails(account: &Account, answer: &TrailAnswer, told: Option<IamEvents>) -> Message {
    let place = format!("AWS account {} ({})", account.id, account.region);
    let (what, mut text) = match answer.iam_events {
        IamEvents::None => (
            "no trail delivers IAM events",
            format!(
                "No CloudTrail trail delivers IAM events in {place}.\n\n\
                 Until one does, a new user without MFA, or a user who loses it, waits for the next sweep.\n"
            ),
        ),
        IamEvents::Unknown => (
            "the trails could not be read",
            format!(
                "The CloudTrail trails of {place} could not be read.\n\n\
                 If none delivers IAM events, changed users wait for the next sweep.\n"
            ),
        ),
        IamEvents::Organization | IamEvents::Account | IamEvents::Elsewhere
            if told == Some(IamEvents::Unknown) =>
        {
            (
                "the trails can be read again",
                format!("The CloudTrail trails of {place} can be read again, and IAM events arrive.\n"),
            )
        }
        IamEvents::Organization | IamEvents::Account | IamEvents::Elsewhere => (
            "IAM events arrive again",
            format!(
                "IAM events arrive again in {place}.\n\n\
                 The function looks at changed users at once. There is nothing to do.\n"
            ),
        ),
    };
    for warning in &answer.warnings {
        text += &format!("\n- {warning}\n");
    }
    to_operations("summary", account, what, text)
}

fn to_operations(kind: &str, account: &Account, what: &str, mut text: String) -> Message {
    text.truncate(text.floor_char_boundary(TEXT_BYTES));
    Message {
        subject: format!("mfa-warden {}: {what}", account.id).chars().take(99).collect(),
        text,
        data: None,
        attributes: vec![("kind", kind.to_owned()), ("account", account.id.clone())],
    }
}

pub(crate) fn place(account: &Account, answer: &Answer) -> String {
    format!(
        "AWS account {} ({}): what this {} changed and found.\n",
        account.id,
        account.region,
        answer.kind.name()
    )
}

/// A kind of problem, as people read it.
fn label(problem: Problem) -> &'static str {
    match problem {
        Problem::Failed => "failed",
        Problem::Overdue => "overdue",
        Problem::Unreachable => "unreachable",
        Problem::Blocked => "overdue but not quarantined",
        Problem::Reattached => "policies attached again",
        Problem::CatchAll => "subscriptions that get every owner's messages",
        Problem::Deferred => "deferred",
    }
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

pub(crate) fn failures(answer: &Answer) -> String {
    let failed = section("FAILED (the next run tries again)", answer, &|outcome| {
        matches!(outcome.result, UserResult::Failed(_))
    });
    let unreadable = section("COULD NOT BE READ (nothing was done for these users)", answer, &|outcome| {
        outcome.is_unreadable()
    });
    failed + &unreadable
}

/// Problems whose users differ from those that operations were told last.
pub(crate) fn changed(since: Changes<'_>) -> String {
    let Some(before) = since.before else { return String::new() };
    let line = |problem: Problem| {
        let name = label(problem);
        match (before.users(problem), since.now.users(problem)) {
            (then, now) if then == now => format!("- {name}: {now} (was {then}, but other users)"),
            (then, now) => format!("- {name}: {now} (was {then})"),
        }
    };
    let lines: Vec<String> = since.changed().into_iter().map(line).collect();
    titled(&format!("CHANGED SINCE {}", date(before.at)), &lines)
}

pub(crate) fn newly_overdue(answer: &Answer, since: Changes<'_>) -> String {
    let title = match since.before {
        Some(_) => "NEWLY OVERDUE, LONGEST FIRST",
        None => "OVERDUE, LONGEST FIRST",
    };
    overdue(title, answer, &|outcome| since.is_newly_overdue(outcome))
}

fn overdue_before(answer: &Answer, since: Changes<'_>) -> String {
    overdue("STILL OVERDUE, LONGEST FIRST", answer, &|outcome| !since.is_newly_overdue(outcome))
}

/// Users past the grace period, and by how much: the longest first.
pub(crate) fn overdue(title: &str, answer: &Answer, wanted: &dyn Fn(&&Outcome) -> bool) -> String {
    let mut overdue: Vec<(SignedDuration, &Outcome)> = answer
        .outcomes
        .iter()
        .filter(wanted)
        .filter_map(|outcome| Some((outcome.overdue()?, outcome)))
        .collect();
    overdue.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let line = |(time, outcome): &(SignedDuration, &Outcome)| {
        format!("- {}: {} past the grace period", shown(&outcome.user), duration(*time))
    };
    let lines: Vec<String> = overdue.iter().map(line).collect();
    titled(title, &lines)
}

pub(crate) fn newly_unreachable(answer: &Answer, since: Changes<'_>) -> String {
    if !since.has_grown(Problem::Unreachable) && since.before.is_some() {
        return String::new();
    }
    unreachable(
        "OWNERS WE CANNOT REACH (no device is prepared until a subscription of the owner topic reaches them)",
        answer,
    )
}

fn unreachable_before(answer: &Answer, since: Changes<'_>) -> String {
    if since.has_grown(Problem::Unreachable) || since.before.is_none() {
        return String::new();
    }
    unreachable("OWNERS WE STILL CANNOT REACH", answer)
}

/// Owners that no message reaches, and why.
pub(crate) fn unreachable(title: &str, answer: &Answer) -> String {
    let why =
        |outcome: &Outcome| Some(format!("- {}: {}", shown(&outcome.user), outcome.unreachable.as_ref()?));
    let lines: Vec<String> = answer.outcomes.iter().filter_map(why).collect();
    titled(title, &lines)
}

/// The first thing to know where no owner receives anything.
pub(crate) fn nobody_listens(answer: &Answer) -> String {
    if !answer.nobody_listens {
        return String::new();
    }
    "\nNO OWNER RECEIVES MESSAGES\n\nThe owner topic has no subscription, so no device is prepared for anybody. \
     Subscribe the owners, subscribe\na queue or a function that mails them, or set SUBSCRIBE_OWNERS=true.\n"
        .to_owned()
}

/// Subscriptions that make every owner count as reached, although their endpoint may forward nothing. One that is new since
/// the last message is marked.
pub(crate) fn catch_all(answer: &Answer, since: Changes<'_>) -> String {
    let lines: Vec<String> =
        answer.catch_all.value().into_iter().flatten().map(|one| format!("- {one}")).collect();
    let new = if since.has_grown(Problem::CatchAll) { "NEW: " } else { "" };
    titled(
        &format!(
            "{new}SUBSCRIPTIONS THAT GET EVERY OWNER'S MESSAGES (with them every owner counts as reached: check that they are yours)"
        ),
        &lines,
    )
}

/// Closed enrollments, with the address that the device was enabled from, where CloudTrail reported one.
fn resolved_by(answer: &Answer, resolved: &dyn Fn(&&Outcome) -> bool) -> String {
    let from = |outcome: &Outcome| {
        let at = outcome.enabled_at.map(|at| format!("; enabled on {}", date(at)));
        let from = outcome.source.map(|address| format!(" from {address}, as CloudTrail reports"));
        [at, from].into_iter().flatten().collect::<String>()
    };
    let outcomes = answer.outcomes.iter().filter(resolved);
    let lines: Vec<String> = outcomes.map(|outcome| line(outcome) + &from(outcome)).collect();
    titled("RESOLVED", &lines)
}

/// Users whose owner tag was changed since the invitation.
fn recipients_changed(answer: &Answer) -> String {
    let changed = answer.outcomes.iter().filter(|outcome| outcome.recipient_changed);
    let lines: Vec<String> = changed.map(|outcome| format!("- {}", shown(&outcome.user))).collect();
    titled(
        "OWNER TAG CHANGED SINCE THE INVITATION (the new recipient is invited; check who changed the tag)",
        &lines,
    )
}

/// Users due for quarantine but not quarantined, and why.
pub(crate) fn not_quarantined(answer: &Answer) -> String {
    let lines = each_reason(answer, |outcome| &outcome.not_quarantined);
    titled("OVERDUE BUT NOT QUARANTINED (these users may be unable to enroll)", &lines)
}

/// A line for each reason of each user.
fn each_reason<R: fmt::Display>(answer: &Answer, of: impl Fn(&Outcome) -> &[R]) -> Vec<String> {
    let each = |outcome: &Outcome| {
        let line = |reason: &R| format!("- {}: {reason}", shown(&outcome.user));
        of(outcome).iter().map(line).collect::<Vec<_>>()
    };
    answer.outcomes.iter().flat_map(each).collect()
}

/// Users that a policy keeps from enrolling, and which policy.
pub(crate) fn denied(answer: &Answer) -> String {
    let lines = each_reason(answer, |outcome| &outcome.blockers);
    titled(
        "A POLICY BLOCKS ENROLLMENT (allow the action without MFA, or point the owner to \"Assign MFA device\" in the console)",
        &lines,
    )
}

pub(crate) fn warnings(answer: &Answer) -> String {
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

pub(crate) fn line(outcome: &Outcome) -> String {
    let mut line = format!("- {}: {}", shown(&outcome.user), outcome.why);
    if !outcome.steps.is_empty() {
        let _ = write!(line, " -> {}", outcome.listed_steps());
    }
    if let UserResult::Failed(cause) = &outcome.result {
        let _ = write!(line, "; {cause}");
    }
    line
}
