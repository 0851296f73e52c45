//! The results of a run, for each user and in total, as data. `reporting::answer` writes them as JSON.

use crate::model::action::{Action, Postponed, Step, steps};
use crate::model::blocker::{Blocker, NotQuarantined};
use crate::model::delivery::Unreachable;
use crate::model::failure::Failure;
use crate::model::known::Known;
use crate::model::rule::Rule;
use crate::model::text::shown;
use crate::model::user::is_user_name;
use crate::model::verdict::{Reason, Status, Why};
use crate::model::warning::Warning;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// The result of one run for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The user's name.
    pub user: String,
    /// The user's unique id; empty if unknown.
    pub user_id: String,
    /// The verdict.
    pub verdict: Status,
    /// The reason, and remarks.
    pub why: Why,
    /// The row of the decision table that decided; `None`: the deadline passed first.
    pub rule: Option<Rule>,
    /// What was done (planned, in a dry run), in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub result: UserResult,
    /// The enrollment that stays open after this run.
    pub open: Option<OpenEnrollment>,
    /// Why no message reaches the owner, if none does.
    pub unreachable: Option<Unreachable>,
    /// What keeps the owner from enrolling, if IAM was asked.
    pub blockers: Vec<Blocker>,
    /// Why the user is not quarantined, although it is overdue and was warned.
    pub not_quarantined: Vec<NotQuarantined>,
    /// Why something is left to a later run, if it is.
    pub postponed: Option<Postponed>,
    /// Whether the owner tag no longer names the person who was invited.
    pub recipient_changed: bool,
    /// Whether the run only attached the enrollment policy again.
    pub reattached: bool,
    /// How much of its grace period the user had used up when the enrollment was closed.
    pub grace_used: Option<SignedDuration>,
    /// When the newest of the user's MFA devices was enabled.
    pub enabled_at: Option<Timestamp>,
    /// The source address of the change that closed the enrollment, as CloudTrail reported it.
    pub source: Option<IpAddr>,
}

/// An enrollment that waits for its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenEnrollment {
    /// How long the current seed has existed; `None`: there is none.
    pub seed_age: Option<SignedDuration>,
    /// How long the user has been without MFA beyond the grace period.
    pub overdue: Option<SignedDuration>,
    /// Whether the quarantine policy is attached.
    pub quarantined: bool,
    /// Whether the last notice is known to have reached nobody.
    pub undelivered: bool,
}

impl Outcome {
    /// An outcome with only the fields that the answer shows.
    pub fn new(
        user: &str,
        user_id: &str,
        verdict: Status,
        why: impl Into<Why>,
        actions: &[Action],
        result: UserResult,
    ) -> Self {
        Outcome {
            // IAM limits names. The name of a deleted user comes from a description, which may hold anything.
            user: if is_user_name(user) { user.to_owned() } else { shown(user) },
            user_id: shown(user_id),
            verdict,
            why: why.into(),
            rule: None,
            steps: steps(actions),
            result,
            open: None,
            unreachable: None,
            blockers: Vec::new(),
            not_quarantined: Vec::new(),
            postponed: None,
            recipient_changed: false,
            reattached: false,
            grace_used: None,
            enabled_at: None,
            source: None,
        }
    }

    /// Whether it is known that no message reaches the owner.
    pub fn is_unreachable(&self) -> bool {
        self.unreachable.is_some() || self.open.as_ref().is_some_and(|open| open.undelivered)
    }

    /// The failed action or read that stopped the work on the user, if any.
    pub fn cause(&self) -> Option<&Failure> {
        match (&self.result, &self.why.reason) {
            (UserResult::Failed(cause), _) => Some(cause),
            (_, Reason::Unreadable(cause)) if self.is_unreadable() => Some(cause),
            _ => None,
        }
    }

    /// What was done, as text for people.
    pub fn listed_steps(&self) -> String {
        self.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Whether the run did this for the user and completed the user's whole plan.
    pub fn did(&self, step: Step) -> bool {
        self.result == UserResult::Done && self.steps.contains(&step)
    }

    /// Whether the run looked at the user but could not read it. A user that is left to the next run was not looked at.
    pub fn is_unreadable(&self) -> bool {
        self.verdict == Status::Unknown && self.result == UserResult::None
    }

    /// How long the user is overdue, if it is.
    pub fn overdue(&self) -> Option<SignedDuration> {
        self.open.as_ref()?.overdue
    }
}

/// How the work on a user ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserResult {
    /// The run carried out the whole plan.
    Done,
    /// A dry run: the run would have done this.
    Planned,
    /// There was nothing to do.
    None,
    /// Left to the next run.
    Deferred,
    /// An action failed. The actions listed before it were done.
    Failed(Failure),
}

/// Users by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// All users; the sum of the others.
    pub total: u32,
    /// See [`Status::Compliant`].
    pub compliant: u32,
    /// See [`Status::NonCompliant`].
    pub non_compliant: u32,
    /// See [`Status::Exempt`].
    pub exempt: u32,
    /// See [`Status::NotApplicable`].
    pub not_applicable: u32,
    /// See [`Status::Unknown`].
    pub unknown: u32,
}

impl UserCounts {
    /// Counts one more user.
    pub fn add(&mut self, status: Status) {
        self.total += 1;
        *match status {
            Status::Compliant => &mut self.compliant,
            Status::NonCompliant => &mut self.non_compliant,
            Status::Exempt => &mut self.exempt,
            Status::NotApplicable => &mut self.not_applicable,
            Status::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// Actions done (planned, in a dry run).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActionCounts {
    /// Devices and versions made.
    pub provision: u32,
    /// Messages to owners.
    pub notify: u32,
    /// Quarantine policies attached.
    pub quarantine: u32,
    /// Enrollments closed.
    pub close: u32,
    /// Devices deleted without closing an enrollment.
    pub delete_device: u32,
    /// Enrollment policies attached.
    pub attach: u32,
    /// Policies detached.
    pub detach: u32,
    /// Resource policies put on secrets that earlier versions made.
    pub put_policy: u32,
    /// Owners subscribed.
    pub subscribe: u32,
}

impl ActionCounts {
    /// Counts one more action.
    pub fn add(&mut self, action: &Action) {
        let own = match action {
            Action::Provision { .. } => Some(&mut self.provision),
            Action::Attach => Some(&mut self.attach),
            Action::Quarantine => Some(&mut self.quarantine),
            Action::Close { .. } => Some(&mut self.close),
            Action::Detach(_) => Some(&mut self.detach),
            Action::DeleteDevice { .. } => Some(&mut self.delete_device),
            Action::PutPolicy => Some(&mut self.put_policy),
            Action::Subscribe => Some(&mut self.subscribe),
            Action::Notify(_) => None,
        };
        if let Some(own) = own {
            *own += 1;
        }
        if action.notice().is_some() {
            self.notify += 1;
        }
    }

    /// Whether anything was done.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// What a run looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunKind {
    /// Every user.
    Sweep,
    /// The user of this name.
    Check(String),
}

impl RunKind {
    /// Its name in answers, messages and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            RunKind::Sweep => "sweep",
            RunKind::Check(_) => "check",
        }
    }
}

/// What a sweep or a check did and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was looked at.
    pub kind: RunKind,
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// The account.
    pub account: String,
    /// Users by verdict.
    pub users: UserCounts,
    /// Actions by kind.
    pub actions: ActionCounts,
    /// Users whose plan failed.
    pub failed: u32,
    /// Users left to the next run.
    pub deferred: u32,
    /// Every user, by name, except compliant and not applicable users with nothing to do.
    pub outcomes: Vec<Outcome>,
    /// What people should know that is not about a single user.
    pub warnings: Vec<Warning>,
    /// Subscriptions to the owner topic that count as reaching every owner; `None`: this run did not look.
    pub catch_all: Known<Vec<String>>,
    /// Whether the owner topic has no subscription at all.
    pub nobody_listens: bool,
    /// How many confirmed subscriptions the operations topic has. A run asks only before it tells operations something.
    pub operations_subscriptions: Known<usize>,
}

impl Answer {
    /// An answer with nothing in it yet.
    pub fn new(kind: RunKind, dry_run: bool, account: &str) -> Self {
        Answer {
            kind,
            dry_run,
            account: account.to_owned(),
            users: UserCounts::default(),
            actions: ActionCounts::default(),
            failed: 0,
            deferred: 0,
            outcomes: Vec::new(),
            warnings: Vec::new(),
            catch_all: Known::NotAsked,
            nobody_listens: false,
            operations_subscriptions: Known::NotAsked,
        }
    }

    /// Whether the run did something that operations should be told of every time. Attaching a policy again that another
    /// tool keeps detaching does not count.
    pub fn has_done_something(&self) -> bool {
        let again = self.outcomes.iter().filter(|outcome| outcome.reattached).flat_map(|one| &one.steps);
        let mut others = self.actions;
        for step in again {
            let count = if *step == Step::Attach { &mut others.attach } else { &mut others.quarantine };
            *count = count.saturating_sub(1);
        }
        others.any()
    }

    /// Whether every user was looked at.
    pub fn is_sweep(&self) -> bool {
        self.kind == RunKind::Sweep
    }

    /// How many users are left to a later run for a reason other than the pilot.
    pub fn deferred_for_now(&self) -> usize {
        let is = |outcome: &&Outcome| {
            outcome.result == UserResult::Deferred && outcome.postponed != Some(Postponed::Pilot)
        };
        self.outcomes.iter().filter(is).count()
    }

    /// Adds the outcome of one user. `done` are the actions to count.
    pub fn add(&mut self, outcome: Outcome, done: &[Action]) {
        for action in done {
            self.actions.add(action);
        }
        match outcome.result {
            UserResult::Failed(_) => self.failed += 1,
            UserResult::Deferred => self.deferred += 1,
            UserResult::Done | UserResult::Planned | UserResult::None => {}
        }
        let plain = matches!(outcome.verdict, Status::Compliant | Status::NotApplicable)
            && outcome.result == UserResult::None;
        if !plain {
            self.outcomes.push(outcome);
        }
    }
}
