//! What can be done for a user, each action complete in itself.

use crate::model::enrollment::{Doubt, Secret};
use std::fmt;

/// Why something is left to a later run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Postponed {
    /// The user is outside `PILOT`.
    Pilot,
    /// The time is outside `QUARANTINE_HOURS`.
    QuarantineHours,
    /// This run has quarantined `MAX_QUARANTINES` users already.
    MaxQuarantines,
    /// This run has provisioned `MAX_PROVISIONS` users already.
    MaxProvisions,
    /// The deadline of the invocation passed.
    Deadline,
    /// Another run provisioned this user first.
    Race,
}

/// Why nothing can be done until somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A secret that mfa-warden did not make has the name that the user's secret would have.
    ForeignSecret,
}

/// One thing to do for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a new version of the secret and the device that belongs to it.
    Provision {
        /// The secret as observed; `None`: there was none.
        secret: Option<Secret>,
        /// Why that secret is deleted and created again before anything is written into it.
        doubt: Option<Doubt>,
        /// The user's unassigned mfa-warden devices. All are deleted once the new version is current.
        superseded: Vec<String>,
    },
    /// Put this version's resource policy on the secret.
    PutPolicy,
    /// Attach the enrollment policy.
    Attach,
    /// Attach the quarantine policy.
    Quarantine,
    /// Tell the owner.
    Notify(Notice),
    /// Subscribe the owner's e-mail addresses to the messages for them.
    Subscribe,
    /// End an enrollment: detach mfa-warden's policies, delete its unassigned devices, tell the owner, and last delete
    /// the secret. Until then the secret shows that work is left.
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
    /// Detach one of mfa-warden's policies.
    Detach(Policy),
    /// Delete an unassigned mfa-warden device that belongs to no current version.
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

/// The name of an action in answers and logs.
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
    /// [`Action::Notify`], and the closing notice of [`Action::Close`].
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

/// The names of the actions. Closing with a notice gives two names.
pub fn steps(actions: &[Action]) -> Vec<Step> {
    actions.iter().flat_map(Action::steps).collect()
}

impl Action {
    /// The name of the action, and of the closing notice if it sends one.
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
