//! Planning: facts, verdict and settings -> a list of actions. Pure: no I/O, no clock, no environment.

use crate::config::{AfterGrace, Settings};
use crate::facts::{Enrolment, Lost, Secret, UserFacts, born};
use crate::reach::{Reach, is_email_address};
use crate::verdict::{Status, Verdict};
use jiff::Timestamp;
use std::fmt;

/// One thing to do for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a new version of the secret and the device that belongs to it.
    Provision {
        /// The secret as it was observed; `None`: there was none.
        secret: Option<Secret>,
        /// The user's unassigned devices of ours: all of them go once the new version is current.
        superseded: Vec<String>,
    },
    /// Attach the enrolment policy.
    Attach,
    /// Attach the quarantine policy.
    Quarantine,
    /// Tell the owner.
    Notify(Notice),
    /// Subscribe the owner's e-mail address to its own messages.
    Subscribe,
    /// End an enrolment: detach our policies, delete our unassigned devices, tell the owner, and last delete the
    /// secret, which till then shows that there is something left to do.
    Close {
        /// The secret's name.
        secret: String,
        /// Policies to detach.
        policies: Vec<Policy>,
        /// Devices to delete.
        devices: Vec<String>,
        /// What the owner is told; `None`: there is no owner any more.
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
            | Action::Attach
            | Action::Quarantine
            | Action::Subscribe
            | Action::Detach(_)
            | Action::DeleteDevice { .. } => None,
        }
    }
}

/// Plans for one user: the decision table in the crate's documentation, one arm a row.
pub fn plan(facts: &UserFacts, verdict: &Verdict, settings: &Settings, now: Timestamp) -> Vec<Action> {
    let enrolment = facts.enrolment(settings.settle, now);
    match verdict.status {
        Status::Unknown => Vec::new(),
        Status::NonCompliant => demand(facts, enrolment, settings, now),
        Status::Compliant => release(facts, Notice::Enrolled),
        Status::Exempt | Status::NotApplicable => release(facts, Notice::Withdrawn),
    }
}

/// The plan for a user who has to enrol.
fn demand(facts: &UserFacts, enrolment: Enrolment, settings: &Settings, now: Timestamp) -> Vec<Action> {
    let attached = facts.attached;
    let overdue = |secret: &Secret| secret.overdue_by(settings.grace_period, now).is_some();
    let quarantine =
        settings.after_grace == AfterGrace::Quarantine && facts.secret.as_ref().is_some_and(overdue);
    let attach = (settings.enrollment_policy_arn.is_some() && attached.is_some_and(|a| !a.enrollment))
        .then_some(Action::Attach);
    let lift =
        (!quarantine && attached.is_some_and(|a| a.quarantine)).then_some(Action::Detach(Policy::Quarantine));
    let provision = || Action::Provision { secret: facts.secret.clone(), superseded: facts.devices.clone() };
    let strays = || facts.strays().into_iter().map(|serial_number| Action::DeleteDevice { serial_number });

    let subscribe = (settings.subscribe_owners
        && facts.reach == Some(Reach::Unreached)
        && is_email_address(facts.recipient(settings)))
    .then_some(Action::Subscribe);
    // However late the first invitation came, between it and the quarantine there is time for one reminder. The age of
    // the seed shows it, which no tag can change.
    let warning = settings.remind_every.min(settings.grace_period);
    let older_than_a_warning = |version| born(version).is_some_and(|born| now.duration_since(born) > warning);
    // Who was out of reach and is not any more hears of it now.
    let within_reach = facts.reach == Some(Reach::Reached);
    let lost = facts.secret.as_ref().and_then(Secret::lost);

    // A seed that has expired is replaced even when nobody was ever told of it: an invitation to a seed about to go
    // would only confuse.
    let usable = match enrolment {
        Enrolment::Sound { secret, version } => {
            let expired = born(version).is_some_and(|born| now.duration_since(born) > settings.offer_ttl);
            // With an old seed the quarantine would follow the first message that arrives on its heels.
            let too_late =
                quarantine && within_reach && lost == Some(Lost::Everything) && older_than_a_warning(version);
            (!expired && !too_late).then_some((secret, version))
        }
        Enrolment::None | Enrolment::Broken => None,
    };
    let Some((secret, version)) = usable else {
        let invitation = Action::Notify(Notice::Invitation);
        return [provision()]
            .into_iter()
            .chain(attach)
            .chain([invitation])
            .chain(lift)
            .chain(subscribe)
            .collect();
    };
    let quarantined = attached.is_some_and(|a| a.quarantine);
    let warned = older_than_a_warning(version) && lost != Some(Lost::Everything);
    let again = within_reach && matches!(lost, Some(Lost::Everything | Lost::Invitation));
    let next: Vec<Action> = if !secret.notified_of(version) || again {
        vec![Action::Notify(Notice::Invitation)]
    } else if quarantine && warned && attached.is_some_and(|a| !a.quarantine) {
        vec![Action::Quarantine, Action::Notify(Notice::Quarantined)]
    } else if quarantine && quarantined && !secret.told_of_quarantine() {
        vec![Action::Notify(Notice::Quarantined)]
    } else if secret.reminder_due(settings.remind_every, now) || (within_reach && lost.is_some()) {
        vec![Action::Notify(Notice::Reminder)]
    } else {
        Vec::new()
    };
    attach.into_iter().chain(next).chain(lift).chain(strays()).chain(subscribe).collect()
}

/// The plan for a user who need not enrol: everything of ours goes.
fn release(facts: &UserFacts, farewell: Notice) -> Vec<Action> {
    let attached = facts.attached.unwrap_or_default();
    let policies = [(attached.enrollment, Policy::Enrollment), (attached.quarantine, Policy::Quarantine)];
    let policies = policies.into_iter().filter_map(|(attached, policy)| attached.then_some(policy));
    match &facts.secret {
        Some(secret) => vec![Action::Close {
            secret: secret.name.clone(),
            policies: policies.collect(),
            devices: facts.devices.clone(),
            farewell: Some(farewell),
        }],
        None => {
            let devices = facts.devices.iter().cloned();
            let delete = devices.map(|serial_number| Action::DeleteDevice { serial_number });
            policies.map(Action::Detach).chain(delete).collect()
        }
    }
}
