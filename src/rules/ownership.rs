//! Which secrets and devices belong to which user, and which to nobody.

use crate::model::enrollment::{SECRET_PREFIX, Secret, is_made_for, user_of_device, version_suffix};
use crate::model::user::{Device, User};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Secrets by user id, and unassigned mfa-warden devices by the lower-case name of their user (IAM's names are unique
/// regardless of case). Each user takes its own; what remains belongs to nobody.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    /// Serial numbers by the user's name in lower case.
    pub devices: HashMap<String, Vec<String>>,
    /// The secrets that mfa-warden made, by their user's unique id.
    pub secrets: BTreeMap<String, Secret>,
    /// The names, without [`SECRET_PREFIX`], of secrets that mfa-warden did not make. They are never touched.
    pub foreign: HashSet<String>,
}

impl Ownership {
    /// Sorts the account's virtual devices and the secrets under [`SECRET_PREFIX`]. Devices in use are left out.
    pub fn new(devices: &[Device], secrets: Vec<Secret>) -> Self {
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

    /// Takes the user's devices: those under its name, and those made for its version under a former name. A device named
    /// after a `present` user (names in lower case) stays that user's: an attacker who can write versions can choose how
    /// their ids end.
    pub fn devices_of(
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
    pub fn former_names(&self, user: &User, secret: Option<&Secret>) -> Vec<String> {
        let own = user.name.to_ascii_lowercase();
        let Some(version) = secret.and_then(|secret| secret.current_version.as_deref()) else {
            return Vec::new();
        };
        let is_of_version = |serials: &[String]| serials.iter().any(|serial| is_made_for(serial, version));
        let others = self.devices.iter().filter(|(name, serials)| **name != own && is_of_version(serials));
        others.map(|(name, _)| name.clone()).collect()
    }
}

/// The names of the users, in lower case: IAM's names are unique regardless of case.
pub fn names_of(users: &[User]) -> HashSet<String> {
    users.iter().map(|user| user.name.to_ascii_lowercase()).collect()
}

/// Takes the devices made for `version` under names that no `present` user has.
pub fn take_version(
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

/// Unassigned mfa-warden devices whose secrets are not in the region that was looked at. IAM is the same in every region,
/// Secrets Manager is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DevicesWithoutSecret {
    /// How many there are.
    pub devices: usize,
    /// Whether the region has other secrets of mfa-warden. It then probably runs there.
    pub has_others: bool,
}

impl DevicesWithoutSecret {
    /// Those among `devices`, by complete listings. `secrets`: mfa-warden's own in the region, by their user's id. A device
    /// has its secret there if its user has one, or if it was made for the version of one under a former name.
    pub fn among(devices: &[Device], secrets: &BTreeMap<String, Secret>, users: &[User]) -> Self {
        let owners = users.iter().filter(|user| secrets.contains_key(&user.id));
        let owners: HashSet<String> = owners.map(|user| user.name.to_ascii_lowercase()).collect();
        let versions = secrets.values().filter_map(|secret| secret.current_version.as_deref());
        let suffixes: HashSet<&str> = versions.map(version_suffix).collect();
        let has_secret = |device: &&Device| {
            user_of_device(&device.serial_number).is_none_or(|user| {
                let suffix = device.serial_number.rsplit_once('.').map_or("", |(_, suffix)| suffix);
                owners.contains(&user.to_ascii_lowercase()) || suffixes.contains(suffix)
            })
        };
        let unassigned = devices.iter().filter(|device| device.assigned_to.is_none());
        DevicesWithoutSecret {
            devices: unassigned.filter(|device| !has_secret(device)).count(),
            has_others: !secrets.is_empty(),
        }
    }

    /// The same for one user: its own unassigned devices, and whether it has a secret.
    pub fn of_user(devices: &[String], has_secret: bool) -> Self {
        DevicesWithoutSecret { devices: if has_secret { 0 } else { devices.len() }, has_others: false }
    }
}
