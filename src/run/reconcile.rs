//! One user's turn: observe, judge, plan, act.

use crate::model::action::{Action, Notice, Obstacle, Policy, Postponed};
use crate::model::enrollment::Secret;
use crate::model::facts::UserFacts;
use crate::model::failure::{Failure, Unreadable};
use crate::model::known::Known;
use crate::model::outcome::{OpenEnrollment, Outcome, UserResult};
use crate::model::rule::Rule;
use crate::model::text::without_addresses;
use crate::model::user::{Attached, User};
use crate::model::verdict::{Reason, Remark, Status, Verdict, Why};
use crate::rules::judge::judge;
use crate::rules::plan::{Plan, Question};
use crate::run::execute::Halt;
use crate::run::{Run, Subject, Turn};
use jiff::SignedDuration;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;

impl Run<'_> {
    /// Takes one user's turn, within the deadline.
    pub(super) async fn reconcile_user(&self, subject: Subject) -> Turn {
        let (User { name, id, .. }, secret, attached) = subject.listed();
        let open = secret.map(|secret| self.open(secret, attached));
        // A deleted user's status is known without a turn.
        let status = match subject {
            Subject::Present(_) => Status::Unknown,
            Subject::Gone(_) => Status::NotApplicable,
        };
        let (name, id) = (name.clone(), id.clone());
        let left = |reason: Reason| {
            let outcome = Outcome {
                open: open.clone().filter(|_| status == Status::Unknown),
                postponed: Some(Postponed::Deadline),
                ..Outcome::new(&name, &id, status, reason, &[], UserResult::Deferred)
            };
            (outcome, Vec::new())
        };
        if Instant::now() >= self.stop_at {
            return left(Reason::NotLookedAt);
        }
        match tokio::time::timeout_at(self.give_up_at, Box::pin(self.work(subject))).await {
            Ok((outcome, done)) => {
                log(&outcome);
                (outcome, done)
            }
            // This is as if the process had died here: the next run repairs it.
            Err(_) => {
                tracing::warn!(user = name, user_id = id, "cut off at the deadline: the next run continues");
                left(Reason::CutOff)
            }
        }
    }

    /// Observes, judges, plans and acts.
    async fn work(&self, subject: Subject) -> Turn {
        let (user, secret, attached) = subject.listed();
        let (user, listed) = (user.clone(), secret.cloned());
        let now = (self.clock)();
        let is_gone = matches!(subject, Subject::Gone(_));
        let mut observed = match subject {
            Subject::Present(candidate) => self.observe(candidate).await,
            Subject::Gone(facts) => Ok(facts),
        };
        let verdict = judge(&observed, self.settings.scope, now);
        let planned = match &mut observed {
            Ok(facts) => self.plan(facts, &verdict, now).await,
            Err(_) => Ok(Plan::by(Rule::Unknown)),
        };
        let (mut facts, mut plan) = match (observed, planned) {
            (Ok(facts), Ok(plan)) => (facts, plan),
            (Err(unreadable), _) | (Ok(_), Err(unreadable)) => {
                let open = listed.as_ref().filter(|_| !is_gone).map(|secret| self.open(secret, attached));
                return (unreadable_outcome(&user, unreadable, open), Vec::new());
            }
        };
        let before = facts.secret.clone();
        self.limit(&mut plan);
        let actions = std::mem::take(&mut plan.actions);
        let (done, result) = if actions.is_empty() {
            (Vec::new(), UserResult::None)
        } else if self.dry_run {
            (actions, UserResult::Planned)
        } else {
            self.execute(&mut facts, actions, &verdict, &mut plan).await
        };
        let result = match result {
            UserResult::Failed(_) => result,
            _ if plan.obstacle == Some(Obstacle::ForeignSecret) => {
                UserResult::Failed(Failure::ForeignSecret(user.id))
            }
            _ if plan.postponed.is_some() => UserResult::Deferred,
            result => result,
        };
        (self.outcome(&facts, verdict, before.as_ref(), plan, &done, result), done)
    }

    /// The outcome of a user's turn. `before`: its secret before any action.
    fn outcome(
        &self,
        facts: &UserFacts,
        verdict: Verdict,
        before: Option<&Secret>,
        plan: Plan,
        done: &[Action],
        result: UserResult,
    ) -> Outcome {
        let User { name, id, .. } = &facts.user;
        let is_noncompliant = verdict.status == Status::NonCompliant;
        let is_closed = done.iter().any(|action| matches!(action, Action::Close { .. }));
        let is_open = is_noncompliant && !(is_closed && self.dry_run);
        let is_again = |action: &Action| matches!(action, Action::Attach | Action::Quarantine);
        let remarks = self.remarks(facts, &verdict, before, &plan, done);
        let blockers = facts.blockers.sure().filter(|_| is_noncompliant).cloned().collect();
        Outcome {
            rule: Some(plan.rule),
            open: facts.secret.as_ref().filter(|_| is_open).map(|secret| self.open(secret, facts.attached)),
            unreachable: facts.unreachable(self.settings).filter(|_| is_noncompliant),
            blockers,
            // Only for users that enrolled: the others did not choose when it closed.
            grace_used: before
                .filter(|_| is_closed && plan.rule == Rule::HasMfa)
                .and_then(|secret| self.age(secret)),
            not_quarantined: plan.not_quarantined,
            postponed: plan.postponed,
            recipient_changed: self.is_recipient_changed(facts, before),
            reattached: !done.is_empty() && done.iter().all(is_again) && before.is_some(),
            source: self.source.filter(|_| is_closed && verdict.status == Status::Compliant),
            enabled_at: facts.mfa_devices.iter().map(|device| device.enabled_at).max(),
            ..Outcome::new(name, id, verdict.status, Why { reason: verdict.reason, remarks }, done, result)
        }
    }

    /// How much of the grace period was used, in this enrollment and in earlier ones.
    fn age(&self, secret: &Secret) -> Option<SignedDuration> {
        let now = (self.clock)();
        let first = secret.first_notice_at(now)?;
        Some(now.duration_since(first).saturating_add(secret.grace_used()))
    }

    /// Remarks on a user's turn. `before`: its secret before any action.
    fn remarks(
        &self,
        facts: &UserFacts,
        verdict: &Verdict,
        before: Option<&Secret>,
        plan: &Plan,
        done: &[Action],
    ) -> Vec<Remark> {
        let now = (self.clock)();
        let mut remarks = Vec::new();
        let closed = done.iter().any(|action| matches!(action, Action::Close { .. }));
        let life = before.filter(|_| closed).and_then(|secret| secret.seed_age(now));
        remarks.extend(life.map(Remark::SeedExistedFor));
        let made_again = facts.secret.as_ref().filter(|_| before.is_none());
        let used = made_again.map(Secret::grace_used).filter(|used| used.is_positive());
        remarks.extend(used.map(Remark::GraceUsed));
        let told_of_closing = done.iter().filter_map(Action::notice).any(is_closing_notice);
        if closed && !told_of_closing && verdict.status != Status::NonCompliant && !facts.is_gone {
            let was_told = before.is_some_and(|secret| secret.closing_notice_sent(now));
            remarks.push(if was_told { Remark::ToldAlready } else { Remark::NeverInvited });
        }
        let unreachable = facts
            .unreachable(self.settings)
            .filter(|_| matches!(plan.rule, Rule::Unreachable | Rule::NeverReached));
        remarks.extend(unreachable.map(Remark::NothingPrepared));
        remarks.extend(plan.postponed.map(Remark::Postponed));
        let is_changed = self.is_recipient_changed(facts, before);
        remarks.extend(is_changed.then_some(Remark::RecipientChanged));
        remarks
    }

    /// Whether the owner tag changed since the invitation. A deleted user's tag is unknown.
    fn is_recipient_changed(&self, facts: &UserFacts, before: Option<&Secret>) -> bool {
        let recipient = facts.recipient(self.settings);
        !facts.is_gone && before.is_some_and(|secret| secret.recipient_changed(&recipient))
    }

    /// The open enrollment, as its secret and the attached policies show it.
    pub(super) fn open(&self, secret: &Secret, attached: Known<Attached>) -> OpenEnrollment {
        let now = (self.clock)();
        OpenEnrollment {
            seed_age: secret.seed_age(now),
            overdue: secret.overdue_by(self.settings, self.began),
            quarantined: attached.is_and(|attached| attached.quarantine),
            undelivered: secret.undelivered_notice(now).is_some(),
        }
    }

    /// Counts the plan's provision or quarantine against the run's limit. Postpones it if none is left.
    fn limit(&self, plan: &mut Plan) {
        let take = |left: &AtomicU32| {
            let one_less = |left: u32| left.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        };
        let has = |plan: &Plan, wanted: &dyn Fn(&Action) -> bool| plan.actions.iter().any(wanted);
        if has(plan, &|action| matches!(action, Action::Provision { .. })) && !take(&self.provisions_left) {
            // Detaching a policy does not wait.
            plan.actions.retain(|action| matches!(action, Action::Detach(_)));
            plan.postponed = Some(Postponed::MaxProvisions);
        }
        if has(plan, &|action| *action == Action::Quarantine) && !take(&self.quarantines_left) {
            let is_of_it =
                |action: &Action| matches!(action, Action::Quarantine | Action::Notify(Notice::Quarantined));
            plan.actions.retain(|action| !is_of_it(action));
            plan.actions.extend(plan.instead.take());
            plan.postponed = Some(Postponed::MaxQuarantines);
        }
    }

    /// Carries out the plan. The first failure ends it, except a failure to attach the enrollment policy.
    async fn execute(
        &self,
        facts: &mut UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
        plan: &mut Plan,
    ) -> (Vec<Action>, UserResult) {
        let mut done = Vec::new();
        let mut unattached = None;
        let ended = self.go_through(facts, actions, verdict, plan, &mut done, &mut unattached).await;
        // A quarantined user without the enrollment policy is locked out, unless another policy is known to let it
        // enroll.
        let is_quarantined = facts.is_quarantined();
        let is_unable = facts.blockers.value().is_none() || facts.blockers.is_unable_to_enroll(true);
        if unattached.is_some() && is_quarantined && is_unable {
            let lift = Action::Detach(Policy::Quarantine);
            match self.execute_action(&lift, verdict, facts).await {
                Ok(()) => done.push(lift),
                Err(Halt::Failed(cause)) => return (done, UserResult::Failed(cause)),
                Err(_) => {}
            }
        }
        let ending = match (ended, unattached) {
            (Some(ending), _) => ending,
            (None, Some(cause)) => UserResult::Failed(cause),
            (None, None) if done.is_empty() => UserResult::None,
            (None, None) => UserResult::Done,
        };
        (done, ending)
    }

    /// Carries out the actions in order. If one ends the plan early, returns why. `unattached` receives why the
    /// enrollment policy could not be attached.
    async fn go_through(
        &self,
        facts: &mut UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
        plan: &mut Plan,
        done: &mut Vec<Action>,
        unattached: &mut Option<Failure>,
    ) -> Option<UserResult> {
        let mut planned_again = false;
        let mut queue = actions.into_iter();
        while let Some(action) = queue.next() {
            if action == Action::Quarantine && unattached.is_some() {
                // A user that may do nothing but enroll, and may not enroll, would be locked out.
                return None;
            }
            match self.execute_action(&action, verdict, facts).await {
                Ok(()) => done.push(action),
                // The owner must be told of the device even without the policy: many do not need it.
                Err(Halt::Failed(cause)) if action == Action::Attach => *unattached = Some(cause),
                Err(Halt::LeftUndone | Halt::Destroyed) => {}
                Err(Halt::RaceLost) => {
                    plan.postponed = Some(Postponed::Race);
                    return Some(UserResult::Deferred);
                }
                Err(Halt::Failed(cause)) => return Some(UserResult::Failed(cause)),
                Err(Halt::SecretChanged) if planned_again => {
                    return Some(UserResult::Failed(Failure::SecretChangedTwice));
                }
                Err(Halt::SecretChanged) => {
                    planned_again = true;
                    self.give_back(std::iter::once(&action).chain(queue.as_slice()));
                    let now = (self.clock)();
                    let learned = self.learn(Question::Secret, facts, now).await;
                    let planned = match learned {
                        Ok(()) => self.plan(facts, verdict, now).await,
                        Err(unreadable) => Err(unreadable),
                    };
                    match planned {
                        Ok(again) => {
                            *plan = again;
                            self.limit(plan);
                            queue = std::mem::take(&mut plan.actions).into_iter();
                        }
                        Err(unreadable) => return Some(UserResult::Failed(unreadable.0)),
                    }
                }
            }
        }
        None
    }

    /// Gives back the provisions and quarantines that a plan took and did not use.
    fn give_back<'a>(&self, unused: impl Iterator<Item = &'a Action>) {
        for action in unused {
            match action {
                Action::Provision { .. } => drop(self.provisions_left.fetch_add(1, Ordering::Relaxed)),
                Action::Quarantine => drop(self.quarantines_left.fetch_add(1, Ordering::Relaxed)),
                _ => {}
            }
        }
    }
}

impl Subject {
    /// What the listings show: the user, its secret, and which of mfa-warden's policies are attached.
    fn listed(&self) -> (&User, Option<&Secret>, Known<Attached>) {
        match self {
            Subject::Present(candidate) => (&candidate.user, candidate.secret.as_ref(), candidate.attached),
            Subject::Gone(facts) => (&facts.user, facts.secret.as_ref(), facts.attached),
        }
    }
}

fn is_closing_notice(notice: Notice) -> bool {
    matches!(notice, Notice::Enrolled | Notice::Withdrawn)
}

/// The outcome for a user that could not be read. `open`: its enrollment, as a listing shows it.
fn unreadable_outcome(user: &User, unreadable: Unreadable, open: Option<OpenEnrollment>) -> Outcome {
    let reason = Reason::Unreadable(unreadable.0);
    let outcome = Outcome::new(&user.name, &user.id, Status::Unknown, reason, &[], UserResult::None);
    Outcome { open, rule: Some(Rule::Unknown), ..outcome }
}

/// Logs the outcome of a user's turn.
fn log(outcome: &Outcome) {
    let Outcome { user, user_id, .. } = outcome;
    let reason = without_addresses(&outcome.why.to_string());
    let rule = outcome.rule.map(Rule::name);
    match &outcome.result {
        UserResult::Failed(cause) => {
            let cause = without_addresses(&cause.to_string());
            tracing::error!(user, user_id, rule, cause, "user `{user}` failed");
        }
        UserResult::None if outcome.verdict == Status::Unknown => {
            tracing::error!(user, user_id, rule, cause = reason, "user `{user}` could not be read");
        }
        UserResult::None => tracing::debug!(user, user_id, rule, reason, "nothing to do for `{user}`"),
        result => {
            let actions = outcome.listed_steps();
            tracing::info!(user, user_id, rule, reason, actions, result = ?result, "user `{user}`");
        }
    }
}
