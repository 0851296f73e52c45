//! What can be done for a user, each action complete in itself.

use crate::model::enrollment::{Doubt, Secret};
use std::fmt;

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
    /// Attach the enrollment policy.
    Attach,
    /// Attach the quarantine policy.
    Quarantine,
    /// Tell the owner.
    Notify(Notice),
    /// Subscribe the owner's e-mail addresses to their own messages.
    Subscribe,
    /// End an enrollment: detach our policies, delete our unassigned devices, tell the owner, and last delete the
    /// secret, which till then shows that there is something left to do.
    Close {
        /// The secret's id ([`Secret::id`]).
        secret: String,
        /// Policies to detach.
        policies: Vec<Policy>,
        /// Devices to delete.
        devices: Vec<String>,
        /// What the owner is told; `None`: nothing.
        closing_notice: Option<Notice>,
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
    /// A device is ready: how to enroll.
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

/// An action by its name, as answers and logs have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// [`Action::Provision`].
    Provision,
    /// [`Action::PutPolicy`].
    PutPolicy,
    /// [`Action::Attach`].
    Attach,
    /// [`Action::Quarantine`].
    Quarantine,
    /// [`Action::Notify`], and what a closing tells.
    Notify(Notice),
    /// [`Action::Subscribe`].
    Subscribe,
    /// [`Action::Close`].
    Close,
    /// [`Action::Detach`].
    Detach,
    /// [`Action::DeleteDevice`].
    DeleteDevice,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Provision => f.write_str("provision"),
            Step::PutPolicy => f.write_str("put_policy"),
            Step::Attach => f.write_str("attach"),
            Step::Quarantine => f.write_str("quarantine"),
            Step::Notify(notice) => write!(f, "notify({})", notice.kind()),
            Step::Subscribe => f.write_str("subscribe"),
            Step::Close => f.write_str("close"),
            Step::Detach => f.write_str("detach"),
            Step::DeleteDevice => f.write_str("delete_device"),
        }
    }
}

/// The actions by their names. A closing that tells the owner is two things to a reader.
pub fn steps(actions: &[Action]) -> Vec<Step> {
    actions.iter().flat_map(Action::steps).collect()
}

impl Action {
    /// The action by its name, and the notice that a closing sends.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let (step, closing_notice) = match self {
            Action::Provision { .. } => (Step::Provision, None),
            Action::PutPolicy => (Step::PutPolicy, None),
            Action::Attach => (Step::Attach, None),
            Action::Quarantine => (Step::Quarantine, None),
            Action::Notify(notice) => (Step::Notify(*notice), None),
            Action::Subscribe => (Step::Subscribe, None),
            Action::Close { closing_notice, .. } => (Step::Close, *closing_notice),
            Action::Detach(_) => (Step::Detach, None),
            Action::DeleteDevice { .. } => (Step::DeleteDevice, None),
        };
        [Some(step), closing_notice.map(Step::Notify)].into_iter().flatten()
    }

    /// The notice to the owner that the action sends, if any.
    pub fn notice(&self) -> Option<Notice> {
        match self {
            Action::Notify(notice) => Some(*notice),
            Action::Close { closing_notice, .. } => *closing_notice,
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
