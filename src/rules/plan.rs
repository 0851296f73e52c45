//! Planning: facts, verdict and settings -> what to do, or what has to be learned first. Pure: no I/O, no clock, no
//! environment.

use crate::model::action::{Action, Notice, Obstacle, Policy, Postponed};
use crate::model::blocker::Preflight;
use crate::model::delivery::Reach;
use crate::model::enrollment::{Doubt, Enrollment, Secret, born};
use crate::model::facts::UserFacts;
use crate::model::recipient::Recipient;
use crate::model::settings::{AfterGrace, Settings};
use crate::model::verdict::{Status, Verdict};
use jiff::Timestamp;

/// What follows from what is known.
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for a moment")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Something else has to be known first.
    Learn(Question),
    /// This is to be done.
    Do(Plan),
}

/// What a plan may hang on that is not read of every user. Each is asked once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The user's secret as it is now: listings may lag.
    Secret,
    /// Whether the device of the secret's version is in a second listing: pages of one may have missed it.
    Device,
    /// Whether messages arrive at the owner.
    Delivery,
    /// What keeps the owner from enrolling.
    Preflight,
}

/// What is to be done for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub actions: Vec<Action>,
    /// What was left to a later run, and why.
    pub postponed: Option<Postponed>,
    /// What stands in the way for good, until somebody removes it.
    pub obstacle: Option<Obstacle>,
    /// Nothing is prepared, because nobody can tell the owner.
    pub unreachable: bool,
    /// Why the user is not quarantined, although it is overdue and was warned.
    pub spared: Vec<String>,
    /// What is due instead of a quarantine that is left to a later run.
    pub instead: Option<Action>,
}

/// Plans for one user: the decision table in the crate's documentation.
pub fn next(facts: &UserFacts, verdict: &Verdict, settings: &Settings, now: Timestamp) -> Next {
    let decided = match verdict.status {
        Status::Unknown => Ok(Plan::default()),
        Status::NonCompliant => non_compliant(facts, settings, now),
        Status::Compliant => Ok(closing(facts, Notice::Enrolled, now)),
        Status::Exempt | Status::NotApplicable => Ok(closing(facts, Notice::Withdrawn, now)),
    };
    // What a listing shows of a secret only finds candidates: before anything is done the secret is read by name.
    let has_something = facts.secret.is_some() || facts.foreign_secret || !facts.devices.is_empty();
    let is_stale = has_something && !facts.secret_is_fresh;
    match decided {
        Ok(plan) if is_stale && plan != Plan::default() => Next::Learn(Question::Secret),
        Ok(plan) => Next::Do(plan),
        Err(Question::Preflight | Question::Device) if is_stale => Next::Learn(Question::Secret),
        Err(question) => Next::Learn(question),
    }
}

/// The plan for a user who has to enroll.
pub(crate) fn non_compliant(
    facts: &UserFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Plan, Question> {
    if facts.foreign_secret {
        // Nobody can be quarantined whom we offer nothing. The rest stays: what lost its tag may get it back.
        let is_quarantined = facts.attached.is_some_and(|attached| attached.quarantine);
        let actions = is_quarantined.then_some(Action::Detach(Policy::Quarantine)).into_iter().collect();
        return Ok(Plan { actions, obstacle: Some(Obstacle::ForeignSecret), ..Plan::default() });
    }
    let is_admitted = settings.pilot.as_ref().is_none_or(|pilot| pilot.admits(&facts.user, &facts.tags));
    let Some(secret) = &facts.secret else {
        if !is_admitted {
            let postponed = Some(Postponed::Pilot);
            return Ok(Plan { actions: leftovers(facts), postponed, ..Plan::default() });
        }
        if delivery(facts)?.is_surely_not() {
            let actions = leftovers(facts).into_iter().chain(subscription(facts, settings)).collect();
            return Ok(Plan { actions, unreachable: true, ..Plan::default() });
        }
        return provisioning(facts, None, settings, now);
    };
    // A seed is kept for nobody who cannot be told of it. Who has heard once goes on: leaving the topic ends nothing.
    if secret.is_unheard_of(now) && delivery(facts)?.is_surely_not() {
        let Plan { mut actions, .. } = close(facts, secret, None);
        actions.extend(subscription(facts, settings));
        return Ok(Plan { actions, unreachable: true, ..Plan::default() });
    }
    // What nobody was told of is nothing that goes on.
    if !is_admitted && secret.first_notice_at(now).is_none() {
        let actions = lifting(facts, None, settings, now).into_iter().collect();
        return Ok(Plan { actions, postponed: Some(Postponed::Pilot), ..Plan::default() });
    }
    if settings.subscribe_owners {
        delivery(facts)?;
    }
    let doubt = facts.doubt(settings, now);
    let is_tampered_with = matches!(doubt, Some(Doubt::Replicated | Doubt::Rotates));
    match facts.enrollment(settings.settle, now) {
        Enrollment::Missing => Err(Question::Device),
        Enrollment::None | Enrollment::Broken => provisioning(facts, doubt, settings, now),
        Enrollment::Sound { .. } | Enrollment::Settling if is_tampered_with => {
            provisioning(facts, doubt, settings, now)
        }
        Enrollment::Sound { version, .. }
            if born(version).is_some_and(|born| now.duration_since(born) > settings.offer_ttl) =>
        {
            provisioning(facts, doubt, settings, now)
        }
        Enrollment::Sound { secret, version } => {
            follow_up(facts, secret, Some(version), is_admitted, settings, now)
        }
        Enrollment::Settling => follow_up(facts, secret, None, is_admitted, settings, now),
    }
}

/// Whether messages arrive at the owner.
fn delivery(facts: &UserFacts) -> Result<Reach, Question> {
    facts.reach.ok_or(Question::Delivery)
}

/// A new version, and an invitation to it. A seed that has expired is replaced even when nobody was ever told of it: an
/// invitation to a seed about to go would only confuse.
fn provisioning(
    facts: &UserFacts,
    doubt: Option<Doubt>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Plan, Question> {
    delivery(facts)?;
    preflight(facts, settings)?;
    let provision = Action::Provision {
        secret: facts.secret.clone(),
        doubt: facts.secret.as_ref().and(doubt),
        superseded: facts.devices.clone(),
    };
    // With a secret made anew the clock begins anew.
    let kept = facts.secret.as_ref().filter(|_| doubt.is_none());
    let lift = lifting(facts, kept, settings, now);
    // Whoever is to be free is so first, whatever fails afterwards.
    let actions = lift.into_iter().chain([provision]).chain(attaching(facts, settings));
    let actions = actions.chain([Action::Notify(Notice::Invitation)]);
    Ok(Plan { actions: actions.chain(subscription(facts, settings)).collect(), ..Plan::default() })
}

/// What an open enrollment needs. `version`: the one that can be used; `None`: its device is not listed yet.
pub(crate) fn follow_up(
    facts: &UserFacts,
    secret: &Secret,
    version: Option<&str>,
    is_admitted: bool,
    settings: &Settings,
    now: Timestamp,
) -> Result<Plan, Question> {
    let is_quarantined = facts.attached.is_some_and(|attached| attached.quarantine);
    let is_due = settings.after_grace == AfterGrace::Quarantine && secret.overdue_by(settings, now).is_some();
    let lift = if is_quarantined {
        preflight(facts, settings)?;
        lifting(facts, Some(secret), settings, now)
    } else {
        None
    };
    let recipient = facts.recipient(settings);
    let mut spared = Vec::new();
    let mut postponed = None;
    let mut instead = None;
    let mut next = Vec::new();
    if let Some(version) = version {
        let is_told = secret.notified_of(version);
        // Nothing hangs on it for a recipient who has heard, and it takes calls.
        let is_again = secret.undelivered(now) && delivery(facts)? == Reach::Reached;
        let is_somebody_else = secret.recipient_changed(&recipient) && !delivery(facts)?.is_surely_not();
        let is_warned = secret.is_warned(&recipient, settings, now);
        let mut quarantine_may_begin = is_due && is_warned && is_admitted && lift.is_none();
        quarantine_may_begin &= facts.attached.is_some() && !is_quarantined;
        if !is_told || is_again || is_somebody_else {
            delivery(facts)?;
            preflight(facts, settings)?;
            next = vec![Action::Notify(Notice::Invitation)];
        } else if is_quarantined && is_due && lift.is_none() && !secret.told_of_quarantine(now) {
            if secret.heard_at(now).is_none() {
                delivery(facts)?;
            }
            next = vec![Action::Notify(Notice::Quarantined)];
        } else {
            if quarantine_may_begin && settings.preflight {
                let answer = preflight(facts, settings)?;
                if answer.is_none_or(|answer| !answer.is_able_to_enroll()) {
                    spared = answer.map(Preflight::reasons_not_to_quarantine).unwrap_or_default();
                    quarantine_may_begin = false;
                }
            }
            let is_reminder_due = secret.reminder_due(settings.remind_every, now);
            let in_hours = settings.quarantine_hours.as_ref().is_none_or(|hours| hours.allow(now));
            if quarantine_may_begin && in_hours {
                // Who was told of it a moment ago has lost the policy to another tool: that is no news to the owner.
                let told = secret.was_told_of_quarantine_within(settings.remind_every, now);
                next.push(Action::Quarantine);
                next.extend((!told).then_some(Action::Notify(Notice::Quarantined)));
                // Whoever may be quarantined has heard, so nothing hangs on whether it is reached now.
                instead = is_reminder_due.then_some(Action::Notify(Notice::Reminder));
            } else {
                postponed = quarantine_may_begin.then_some(Postponed::QuarantineHours);
                if is_reminder_due {
                    delivery(facts)?;
                    preflight(facts, settings)?;
                    next.push(Action::Notify(Notice::Reminder));
                }
            }
        }
    }
    let put_policy = (!facts.has_current_policy(settings)).then_some(Action::PutPolicy);
    let strays = facts.strays().into_iter().map(|serial_number| Action::DeleteDevice { serial_number });
    // Whoever is to be free is so first, whatever fails afterwards.
    let actions = lift.into_iter().chain(put_policy).chain(attaching(facts, settings)).chain(next);
    let actions = actions.chain(strays).chain(subscription(facts, settings)).collect();
    Ok(Plan { actions, postponed, spared, instead, ..Plan::default() })
}

/// What the simulator said, where it is asked at all.
pub(crate) fn preflight<'a>(
    facts: &'a UserFacts,
    settings: &Settings,
) -> Result<Option<&'a Preflight>, Question> {
    if !settings.preflight {
        return Ok(None);
    }
    facts.preflight.as_ref().map(Some).ok_or(Question::Preflight)
}

fn attaching(facts: &UserFacts, settings: &Settings) -> Option<Action> {
    let is_missing = facts.attached.is_some_and(|attached| !attached.enrollment);
    (settings.enrollment_policy_arn.is_some() && is_missing).then_some(Action::Attach)
}

/// The end of a quarantine that has no reason (any more), or whose user cannot enroll. `secret`: the one that is kept.
fn lifting(
    facts: &UserFacts,
    secret: Option<&Secret>,
    settings: &Settings,
    now: Timestamp,
) -> Option<Action> {
    let attached = facts.attached.filter(|attached| attached.quarantine)?;
    let is_due = settings.after_grace == AfterGrace::Quarantine
        && secret.is_some_and(|secret| secret.overdue_by(settings, now).is_some());
    let policy_counts = settings.enrollment_policy_arn.is_none() || attached.enrollment;
    let is_unable = facts.preflight.as_ref().is_some_and(|answer| answer.is_unable_to_enroll(policy_counts));
    (!is_due || is_unable).then_some(Action::Detach(Policy::Quarantine))
}

pub(crate) fn subscription(facts: &UserFacts, settings: &Settings) -> Option<Action> {
    let is_wanted = settings.subscribe_owners && facts.reach == Some(Reach::Unreached);
    let has_address = matches!(facts.recipient(settings), Recipient::Addresses(_));
    (is_wanted && has_address).then_some(Action::Subscribe)
}

/// What is left of a user without an open enrollment: our policies and our devices go.
pub(crate) fn leftovers(facts: &UserFacts) -> Vec<Action> {
    let devices = facts.devices.iter().cloned();
    let delete = devices.map(|serial_number| Action::DeleteDevice { serial_number });
    attached_policies(facts).map(Action::Detach).chain(delete).collect()
}

fn attached_policies(facts: &UserFacts) -> impl Iterator<Item = Policy> + use<> {
    let attached = facts.attached.unwrap_or_default();
    // The quarantine goes first: whoever is left with it alone could do nothing at all.
    let policies = [(attached.quarantine, Policy::Quarantine), (attached.enrollment, Policy::Enrollment)];
    policies.into_iter().filter_map(|(attached, policy)| attached.then_some(policy))
}

/// The plan for a user who need not enroll: everything of ours goes.
fn closing(facts: &UserFacts, farewell: Notice, now: Timestamp) -> Plan {
    match &facts.secret {
        Some(secret) => {
            // One that nobody was invited to takes none: whoever can make secrets could otherwise have us write to
            // everybody. One that somebody else scheduled for deletion is restored first, so its owner still hears.
            let is_due = !secret.was_bidden_farewell(now) && secret.was_invited();
            close(facts, secret, is_due.then_some(farewell))
        }
        None => Plan { actions: leftovers(facts), ..Plan::default() },
    }
}

pub(crate) fn close(facts: &UserFacts, secret: &Secret, farewell: Option<Notice>) -> Plan {
    let close = Action::Close {
        secret: secret.id().to_owned(),
        policies: attached_policies(facts).collect(),
        devices: facts.devices.clone(),
        farewell,
    };
    Plan { actions: vec![close], ..Plan::default() }
}
