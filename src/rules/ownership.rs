//! Which secrets and devices belong to whom, and which to nobody.

use crate::model::enrollment::{SECRET_PREFIX, Secret, is_made_for, user_of_device};
use crate::model::user::{Device, User};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Secrets by user id, and unassigned devices of ours by the lower-case name of their user (IAM's names are unique
/// without regard to case). Users take theirs; what remains is nobody's.
pub(crate) struct Ownership {
    pub(crate) devices: HashMap<String, Vec<String>>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// What follows [`SECRET_PREFIX`] in the names of secrets that are not ours. They are never touched.
    pub(crate) foreign: HashSet<String>,
}

impl Ownership {
    pub(crate) fn new(devices: &[Device], secrets: Vec<Secret>) -> Self {
        let mut by_user: HashMap<String, Vec<String>> = HashMap::new();
        for device in devices.iter().filter(|device| device.assigned_to.is_none()) {
            if let Some(user) = user_of_device(&device.serial_number) {
                by_user.entry(user.to_ascii_lowercase()).or_default().push(device.serial_number.clone());
            }
        }
        let mut ownership = Ownership { devices: by_user, secrets: BTreeMap::new(), foreign: HashSet::new() };
        for secret in secrets {
            match secret.owner_id().map(str::to_owned) {
                Some(user_id) => drop(ownership.secrets.insert(user_id, secret)),
                None => {
                    ownership.foreign.insert(secret.name[SECRET_PREFIX.len()..].to_owned());
                }
            }
        }
        ownership
    }

    /// The user's devices: by its name, and by the version they were made for under a former name. What is named after
    /// somebody `present` (names in lower case) is theirs: whoever can write versions can choose what they end in.
    pub(crate) fn devices_of(
        &mut self,
        user: &User,
        secret: Option<&Secret>,
        present: &HashSet<String>,
    ) -> Vec<String> {
        let mut devices = self.devices.remove(&user.name.to_ascii_lowercase()).unwrap_or_default();
        let version = secret.and_then(|secret| secret.current_version.as_deref());
        devices.extend(take_version(&mut self.devices, version, present));
        devices
    }

    /// The other names, in lower case, under which a device may have been made for the user's secret.
    pub(crate) fn former_names(&self, user: &User, secret: Option<&Secret>) -> Vec<String> {
        let own = user.name.to_ascii_lowercase();
        let Some(version) = secret.and_then(|secret| secret.current_version.as_deref()) else {
            return Vec::new();
        };
        let is_of_version = |serials: &[String]| serials.iter().any(|serial| is_made_for(serial, version));
        let others = self.devices.iter().filter(|(name, serials)| **name != own && is_of_version(serials));
        others.map(|(name, _)| name.clone()).collect()
    }
}

/// The names of the users, in lower case: IAM's names are unique without regard to case.
pub(crate) fn names_of(users: &[User]) -> HashSet<String> {
    users.iter().map(|user| user.name.to_ascii_lowercase()).collect()
}

/// Takes the devices made for `version` under names that nobody `present` has.
pub(crate) fn take_version(
    devices: &mut HashMap<String, Vec<String>>,
    version: Option<&str>,
    present: &HashSet<String>,
) -> Vec<String> {
    let Some(version) = version else {
        return Vec::new();
    };
    let former = devices.iter_mut().filter(|(name, _)| !present.contains(*name));
    former.flat_map(|(_, own)| own.extract_if(.., |serial| is_made_for(serial, version))).collect()
}
