//! What is known about one user and its enrollment. Plain data, gathered by the AWS edge.

use crate::model::action::Policy;
use crate::model::blocker::Blocker;
use crate::model::delivery::Delivery;
use crate::model::enrollment::{DEVICE_PATH, Secret, device_name, is_made_for, user_of_device};
use crate::model::known::Known;
use crate::model::recipient::Recipient;
use crate::model::settings::Settings;
use crate::model::user::{AssignedDevice, Attached, User};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Everything that a verdict on one user needs. Every read succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// The user.
    pub user: User,
    /// The user's IAM tags.
    pub tags: BTreeMap<String, String>,
    /// The assigned MFA devices, of any kind.
    pub mfa_devices: Vec<AssignedDevice>,
    /// Whether the user has a login profile, that is, a console password. Not asked for a user with MFA.
    pub password: Known<bool>,
    /// Whether the user has an active access key. Asked only if the scope needs it.
    pub active_access_key: Known<bool>,
    /// The user's secret, if mfa-warden made one.
    pub secret: Option<Secret>,
    /// Whether the secret was read by its name in this run; listings may lag.
    pub secret_is_fresh: bool,
    /// Whether a secret that mfa-warden did not make has the name that the user's secret would have.
    pub foreign_secret: bool,
    /// Serial numbers of the user's unassigned mfa-warden devices: those under its present name, and the one that was made
    /// for the current version under a former name.
    pub devices: Vec<String>,
    /// Whether two listings agree on the devices that are missing from `devices`.
    pub absence_is_sure: bool,
    /// Which of mfa-warden's policies are attached to the user.
    pub attached: Known<Attached>,
    /// Whether messages reach the owner.
    pub delivery: Known<Delivery>,
    /// What keeps the owner from enrolling, as IAM's simulator says.
    pub blockers: Known<Vec<Blocker>>,
    /// Whether the current version was made in this run.
    pub version_is_new: bool,
    /// Whether the user no longer exists, so that these facts are about what is left of it.
    pub is_gone: bool,
}

impl UserFacts {
    /// What is left of a deleted user: a secret named after its unique id, or only unassigned devices (then `user_id` is
    /// empty). The user's name comes from the secret's description or from the devices.
    pub fn gone(user_id: &str, secret: Option<Secret>, devices: Vec<String>) -> Self {
        let of_device = || devices.first().and_then(|serial_number| user_of_device(serial_number));
        let name = secret.as_ref().map(Secret::user_name).or_else(of_device).unwrap_or_default().to_owned();
        UserFacts {
            user: User {
                name,
                id: user_id.to_owned(),
                arn: String::new(),
                created_at: Timestamp::UNIX_EPOCH,
            },
            tags: BTreeMap::new(),
            mfa_devices: Vec::new(),
            password: Known::NotAsked,
            active_access_key: Known::NotAsked,
            // Without a secret there is nothing to read again.
            secret_is_fresh: secret.is_none(),
            secret,
            foreign_secret: false,
            devices,
            absence_is_sure: true,
            attached: Known::NotAsked,
            delivery: Known::NotAsked,
            blockers: Known::NotAsked,
            version_is_new: false,
            is_gone: true,
        }
    }

    /// Whether the user is known to have a console password.
    pub fn has_password(&self) -> bool {
        self.password == Known::Is(true)
    }

    /// Whether the quarantine policy is known to be attached.
    pub fn is_quarantined(&self) -> bool {
        self.attached.is_and(|attached| attached.quarantine)
    }

    /// Records that a policy was attached or detached, if the attached policies are known.
    pub fn set_attached(&mut self, policy: Policy, is_attached: bool) {
        let Known::Is(attached) = &mut self.attached else { return };
        match policy {
            Policy::Enrollment => attached.enrollment = is_attached,
            Policy::Quarantine => attached.quarantine = is_attached,
        }
    }

    /// Who receives the messages about the user.
    pub fn recipient(&self, settings: &Settings) -> Recipient {
        Recipient::of(&self.tags, &settings.owner_tag, &self.user.name)
    }

    /// The unassigned device that belongs to `version`.
    pub fn device_of(&self, version: &str) -> Option<&str> {
        let name = device_name(&self.user.name, version);
        let ours =
            |serial: &&String| serial.rsplit_once(DEVICE_PATH).is_some_and(|(_, device)| device == name);
        self.devices.iter().find(ours).map(String::as_str)
    }

    /// Whether the device of `version` exists under another name of the user.
    pub(crate) fn renamed(&self, version: &str) -> bool {
        self.device_of(version).is_none() && self.devices.iter().any(|serial| is_made_for(serial, version))
    }

    /// Unassigned mfa-warden devices that do not belong to the current version.
    pub fn orphaned_devices(&self) -> Vec<String> {
        let current = self.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
        let kept = current.and_then(|version| self.device_of(version));
        let is_orphaned = |serial: &&String| Some(serial.as_str()) != kept;
        self.devices.iter().filter(is_orphaned).cloned().collect()
    }
}
