//! What is known: of the account, of one user, of one enrollment. Plain data, gathered by the AWS edge.

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

/// Everything that is judged of one user, all of it read successfully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// Who.
    pub user: User,
    /// The user's IAM tags.
    pub tags: BTreeMap<String, String>,
    /// The assigned MFA devices, of any kind.
    pub mfa_devices: Vec<AssignedDevice>,
    /// Whether the user has a login profile, that is a console password; of a user with MFA nobody asks.
    pub password: Known<bool>,
    /// Whether the user has an active access key; asked only where the scope needs it.
    pub active_access_key: Known<bool>,
    /// The user's secret, if there is one of ours.
    pub secret: Option<Secret>,
    /// Whether the secret was read by its name in this run; listings may lag.
    pub secret_is_fresh: bool,
    /// Somebody else's secret bears the name that the user's would have.
    pub foreign_secret: bool,
    /// Serial numbers of unassigned devices of ours: those under the user's present name, and the one that the
    /// current version was made for under a former name.
    pub devices: Vec<String>,
    /// Whether two listings lack what `devices` lacks.
    pub absence_is_sure: bool,
    /// Which of our policies are attached to the user.
    pub attached: Known<Attached>,
    /// Whether messages arrive at the owner.
    pub delivery: Known<Delivery>,
    /// What keeps the owner from enrolling, as IAM's simulator says.
    pub blockers: Known<Vec<Blocker>>,
    /// Whether the current version was made in this run.
    pub version_is_new: bool,
    /// There is no such user any more: this is what is left of it.
    pub is_gone: bool,
}

impl UserFacts {
    /// What is left of a user that is gone: a secret by its unique id, or only unassigned devices (then `user_id` is
    /// empty). Its name is what the secret's description or the devices say.
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
            // Without a secret there is none to be read again.
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

    /// Notes that a policy was attached or detached, where it is known which are.
    pub fn set_attached(&mut self, policy: Policy, is_attached: bool) {
        let Known::Is(attached) = &mut self.attached else { return };
        match policy {
            Policy::Enrollment => attached.enrollment = is_attached,
            Policy::Quarantine => attached.quarantine = is_attached,
        }
    }

    /// Who is told.
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

    /// Unassigned devices of ours that no current version belongs to.
    pub fn orphaned_devices(&self) -> Vec<String> {
        let current = self.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
        let kept = current.and_then(|version| self.device_of(version));
        let is_orphaned = |serial: &&String| Some(serial.as_str()) != kept;
        self.devices.iter().filter(is_orphaned).cloned().collect()
    }
}
