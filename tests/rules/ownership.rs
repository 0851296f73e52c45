//! Whose devices and secrets these are.

use crate::builders::*;
use mfa_warden::model::user::{Device, User};
use mfa_warden::rules::ownership::{DevicesWithoutSecret, Ownership, names_of, take_version};
use std::collections::HashSet;

#[test]
fn a_device_without_a_secret_here_is_one_whose_user_and_version_have_none() {
    let mut alice = enrolled_since(user("alice"), "5d");
    let version = secret(&mut alice).current_version.clone().unwrap();
    let secrets = [(USER_ID.to_owned(), secret(&mut alice).clone())].into();
    let bob = User { name: "bob".to_owned(), id: "AIDAEXAMPLEBOB0000001".to_owned(), ..alice.user.clone() };
    let users = [alice.user, bob];
    let device = |serial_number: &str| Device { serial_number: serial_number.to_owned(), assigned_to: None };
    let ours = |name: &str| device(&format!("arn:aws:iam::123456789012:mfa/mfa-warden/{name}"));
    let found = |devices: &[Device]| DevicesWithoutSecret::among(devices, &secrets, &users);
    let have_one = [
        device(&serial("alice", &version)),
        device(&serial("former-name", &version)),
        ours("Alice.00000000"),
        device("arn:aws:iam::123456789012:mfa/bob"),
        device("GAKT00012345"),
        Device { assigned_to: Some("arn:aws:iam::123456789012:user/bob".to_owned()), ..ours("bob.0a1b2c3d") },
    ];
    assert_eq!(found(&have_one), DevicesWithoutSecret { devices: 0, has_others: true });
    let have_none = [ours("bob.0a1b2c3d"), ours("gone.0a1b2c3d")];
    assert_eq!(found(&[&have_one[..], &have_none].concat()).devices, 2);
    let nowhere = DevicesWithoutSecret::among(&have_one[..3], &[].into(), &users);
    assert_eq!(nowhere, DevicesWithoutSecret { devices: 3, has_others: false });
    let one = ["serial".to_owned()];
    assert_eq!(DevicesWithoutSecret::of_user(&one, false).devices, 1);
    assert_eq!(DevicesWithoutSecret::of_user(&one, true), DevicesWithoutSecret::default());
}

fn unassigned(serial_number: &str) -> Device {
    Device { serial_number: serial_number.to_owned(), assigned_to: None }
}

fn present(names: &[&str]) -> HashSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn devices_in_use_and_devices_of_others_belong_to_nobody_here() {
    let version = version(ago("1h"), 1);
    let in_use = Device { assigned_to: Some("arn".to_owned()), ..unassigned(&serial("alice", &version)) };
    let devices =
        [in_use, unassigned("arn:aws:iam::123456789012:mfa/alice"), unassigned(&serial("Alice", &version))];
    let ownership = Ownership::new(&devices, Vec::new());
    assert_eq!(ownership.devices.keys().collect::<Vec<_>>(), ["alice"], "IAM's names have no case");
    assert_eq!(ownership.devices["alice"], [serial("Alice", &version)]);
}

#[test]
fn secrets_that_mfa_warden_did_not_make_are_foreign() {
    let mut facts = enrolled_since(user("alice"), "1d");
    let own = secret(&mut facts).clone();
    let mut other = own.clone();
    other.name = "mfa-warden/smtp-relay".to_owned();
    let ownership = Ownership::new(&[], vec![own.clone(), other]);
    assert_eq!(ownership.secrets.keys().collect::<Vec<_>>(), [USER_ID]);
    assert_eq!(ownership.foreign, present(&["smtp-relay"]));
}

#[test]
fn a_user_takes_the_devices_of_its_name_and_those_of_its_version_that_nobody_else_is_named_after() {
    let mut facts = enrolled_since(user("alice"), "1d");
    let secret = secret(&mut facts).clone();
    let own = secret.current_version.clone().unwrap();
    let other = version(ago("2d"), 2);
    let devices: Vec<Device> = [
        serial("alice", &other),
        serial("former", &own),
        serial("former", &other),
        serial("bob", &own),
        serial("unrelated", &other),
    ]
    .iter()
    .map(|serial_number| unassigned(serial_number))
    .collect();
    let mut ownership = Ownership::new(&devices, Vec::new());
    let mut former = ownership.former_names(&facts.user, Some(&secret));
    former.sort_unstable();
    assert_eq!(former, ["bob", "former"]);
    assert_eq!(ownership.former_names(&facts.user, None), Vec::<String>::new());
    let taken = ownership.devices_of(&facts.user, Some(&secret), &present(&["bob"]));
    assert_eq!(taken, [serial("alice", &other), serial("former", &own)]);
    assert_eq!(ownership.devices["former"], [serial("former", &other)]);
    assert_eq!(ownership.devices["bob"], [serial("bob", &own)], "bob exists");
}

#[test]
fn what_belongs_to_a_version_is_taken_once_and_nothing_without_one() {
    let own = version(ago("1d"), 1);
    let devices = [unassigned(&serial("former", &own))];
    let mut by_user = Ownership::new(&devices, Vec::new()).devices;
    assert_eq!(take_version(&mut by_user, None, &present(&[])), Vec::<String>::new());
    assert_eq!(take_version(&mut by_user, Some(&own), &present(&["former"])), Vec::<String>::new());
    assert_eq!(take_version(&mut by_user, Some(&own), &present(&[])), [serial("former", &own)]);
    assert_eq!(take_version(&mut by_user, Some(&own), &present(&[])), Vec::<String>::new());
}

#[test]
fn names_are_compared_in_lower_case() {
    let users = [user("Alice").user, user("o+c=a,l@e.x").user];
    assert_eq!(names_of(&users), present(&["alice", "o+c=a,l@e.x"]));
}
