//! Planning: facts, verdict and settings -> what to do, or what has to be learned first. Pure: no I/O, no clock, no
//! environment.

use crate::config::{AfterGrace, Settings};
use crate::facts::{Doubt, Enrolment, Secret, UserFacts, born};
use crate::preflight::Preflight;
use crate::reach::Reach;
use crate::recipient::Recipient;
use crate::verdict::{Status, Verdict};
use jiff::Timestamp;
use std::fmt;

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

/// Why something is left to a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Postponed {
    /// The user is outside `PILOT`.
    Pilot,
    /// Not now: `QUARANTINE_HOURS`.
    QuarantineHours,
    /// `MAX_QUARANTINES` are quarantined already.
    MaxQuarantines,
    /// `MAX_PROVISIONS` are provisioned already.
    MaxProvisions,
    /// The deadline of the invocation came.
    Deadline,
    /// Another run provisions this user and was faster.
    Race,
}

impl fmt::Display for Postponed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Postponed::Pilot => "outside the pilot",
            Postponed::QuarantineHours => "its quarantine waits for QUARANTINE_HOURS",
            Postponed::MaxQuarantines => "its quarantine is left to a later run by MAX_QUARANTINES",
            Postponed::MaxProvisions => "left to a later run by MAX_PROVISIONS",
            Postponed::Deadline => "the deadline of the run came first",
            Postponed::Race => "another run is at work for this user",
        })
    }
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody else's secret bears the name that the user's would have.
    ForeignSecret,
}

/// One thing to do for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a new version of the secret and the device that belongs to it.
    Provision {
        /// The secret as it was observed; `None`: there was none.
        secret: Option<Secret>,
        /// Why that secret is deleted and made anew before anything is written into it.
        doubt: Option<Doubt>,
        /// The user's unassigned devices of ours: all of them go once the new version is current.
        superseded: Vec<String>,
    },
    /// Put the resource policy that this version writes on the secret.
    PutPolicy,
    /// Attach the enrolment policy.
    Attach,
    /// Attach the quarantine policy.
    Quarantine,
    /// Tell the owner.
    Notify(Notice),
    /// Subscribe the owner's e-mail addresses to their own messages.
    Subscribe,
    /// End an enrolment: detach our policies, delete our unassigned devices, tell the owner, and last delete the
    /// secret, which till then shows that there is something left to do.
    Close {
        /// The secret's id ([`Secret::id`]).
        secret: String,
        /// Policies to detach.
        policies: Vec<Policy>,
        /// Devices to delete.
        devices: Vec<String>,
        /// What the owner is told; `None`: nothing.
        farewell: Option<Notice>,
    },
    /// Detach one of our policies.
    Detach(Policy),
    /// Delete an unassigned device of ours that no current version belongs to.
    DeleteDevice {
        /// The device's ARN.
        serial_number: String,
    },
}

/// The managed policies that may be attached to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `ENROLLMENT_POLICY_ARN`.
    Enrollment,
    /// `QUARANTINE_POLICY_ARN`.
    Quarantine,
}

/// What the owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A device is ready: how to enrol.
    Invitation,
    /// Still no MFA.
    Reminder,
    /// The grace period has passed, and the quarantine policy is attached.
    Quarantined,
    /// The user has MFA.
    Enrolled,
    /// MFA is no longer demanded.
    Withdrawn,
}

impl Notice {
    /// The value of the message attribute `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Notice::Invitation => "invitation",
            Notice::Reminder => "reminder",
            Notice::Quarantined => "quarantined",
            Notice::Enrolled => "enrolled",
            Notice::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "notify({})", self.kind())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Provision { .. } => f.write_str("provision"),
            Action::PutPolicy => f.write_str("put_policy"),
            Action::Attach => f.write_str("attach"),
            Action::Quarantine => f.write_str("quarantine"),
            Action::Notify(notice) => notice.fmt(f),
            Action::Subscribe => f.write_str("subscribe"),
            Action::Close { .. } => f.write_str("close"),
            Action::Detach(_) => f.write_str("detach"),
            Action::DeleteDevice { .. } => f.write_str("delete_device"),
        }
    }
}

impl Action {
    /// The notice to the owner that the action sends, if any.
    pub fn notice(&self) -> Option<Notice> {
        match self {
            Action::Notify(notice) => Some(*notice),
            Action::Close { farewell, .. } => *farewell,
            Action::Provision { .. }
            | Action::PutPolicy
            | Action::Attach
            | Action::Quarantine
            | Action::Subscribe
            | Action::Detach(_)
            | Action::DeleteDevice { .. } => None,
        }
    }
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

/// The plan for a user who has to enrol.
fn non_compliant(facts: &UserFacts, settings: &Settings, now: Timestamp) -> Result<Plan, Question> {
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
    match facts.enrolment(settings.settle, now) {
        Enrolment::Missing => Err(Question::Device),
        Enrolment::None | Enrolment::Broken => provisioning(facts, doubt, settings, now),
        Enrolment::Sound { .. } | Enrolment::Settling if is_tampered_with => {
            provisioning(facts, doubt, settings, now)
        }
        Enrolment::Sound { version, .. }
            if born(version).is_some_and(|born| now.duration_since(born) > settings.offer_ttl) =>
        {
            provisioning(facts, doubt, settings, now)
        }
        Enrolment::Sound { secret, version } => {
            follow_up(facts, secret, Some(version), is_admitted, settings, now)
        }
        Enrolment::Settling => follow_up(facts, secret, None, is_admitted, settings, now),
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

/// What an open enrolment needs. `version`: the one that can be used; `None`: its device is not listed yet.
fn follow_up(
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
fn preflight<'a>(facts: &'a UserFacts, settings: &Settings) -> Result<Option<&'a Preflight>, Question> {
    if !settings.preflight {
        return Ok(None);
    }
    facts.preflight.as_ref().map(Some).ok_or(Question::Preflight)
}

fn attaching(facts: &UserFacts, settings: &Settings) -> Option<Action> {
    let is_missing = facts.attached.is_some_and(|attached| !attached.enrollment);
    (settings.enrollment_policy_arn.is_some() && is_missing).then_some(Action::Attach)
}

/// The end of a quarantine that has no reason (any more), or whose user cannot enrol. `secret`: the one that is kept.
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

fn subscription(facts: &UserFacts, settings: &Settings) -> Option<Action> {
    let is_wanted = settings.subscribe_owners && facts.reach == Some(Reach::Unreached);
    let has_address = matches!(facts.recipient(settings), Recipient::Addresses(_));
    (is_wanted && has_address).then_some(Action::Subscribe)
}

/// What is left of a user without an open enrolment: our policies and our devices go.
fn leftovers(facts: &UserFacts) -> Vec<Action> {
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

/// The plan for a user who need not enrol: everything of ours goes.
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

fn close(facts: &UserFacts, secret: &Secret, farewell: Option<Notice>) -> Plan {
    let close = Action::Close {
        secret: secret.id().to_owned(),
        policies: attached_policies(facts).collect(),
        devices: facts.devices.clone(),
        farewell,
    };
    Plan { actions: vec![close], ..Plan::default() }
}
