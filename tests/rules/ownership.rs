//! Whose devices and secrets these are.

use crate::builders::*;
use mfa_warden::model::user::{Device, User};
use mfa_warden::rules::ownership::DevicesWithoutSecret;

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
