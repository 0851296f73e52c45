//! Planning: facts, verdict and settings -> a list of actions. Pure: no I/O, no clock, no environment.

use crate::config::Settings;
use crate::facts::{Enrolment, Secret, UserFacts};
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
    /// Tell the owner.
    Notify(Notice),
    /// Delete an unassigned device of ours that no current version belongs to.
    DeleteDevice {
        /// The device's ARN.
        serial_number: String,
    },
}

/// What the owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A device is ready: how to enrol.
    Invitation,
}

impl Notice {
    /// The value of the message attribute `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Notice::Invitation => "invitation",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Provision { .. } => f.write_str("provision"),
            Action::Notify(notice) => write!(f, "notify({})", notice.kind()),
            Action::DeleteDevice { .. } => f.write_str("delete_device"),
        }
    }
}

/// Plans for one user: the decision table in the crate's documentation, one arm a row.
pub fn plan(facts: &UserFacts, verdict: &Verdict, settings: &Settings, now: Timestamp) -> Vec<Action> {
    let strays = facts.strays().into_iter().map(|serial_number| Action::DeleteDevice { serial_number });
    match (verdict.status, facts.enrolment(settings.settle, now)) {
        (Status::Unknown, _) => Vec::new(),
        (Status::NonCompliant, Enrolment::None | Enrolment::Broken) => vec![
            Action::Provision { secret: facts.secret.clone(), superseded: facts.devices.clone() },
            Action::Notify(Notice::Invitation),
        ],
        (Status::NonCompliant, Enrolment::Sound { secret, version }) if !secret.notified_of(version) => {
            [Action::Notify(Notice::Invitation)].into_iter().chain(strays).collect()
        }
        (
            Status::NonCompliant | Status::Compliant | Status::Exempt | Status::NotApplicable,
            Enrolment::None | Enrolment::Broken | Enrolment::Sound { .. },
        ) => strays.collect(),
    }
}
