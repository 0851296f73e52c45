//! A secret and a device that name each other: names that hold for every user that IAM allows, versions and ages.

use crate::builders::*;
use jiff::SignedDuration;
use mfa_warden::model::enrollment::{created_at, description, is_made_for, user_of_device, version_suffix};
use mfa_warden::model::record::tag;
use mfa_warden::model::user::{is_unique_id, is_user_name};
use proptest::prelude::*;

#[test]
fn a_version_tells_when_it_was_born_only_if_it_is_ours() {
    assert_eq!(created_at(&version(ago("3d"), 1)), Some(ago("3d")));
    for other in ["", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "terraform-20260101", "ünïcödé"] {
        assert_eq!(created_at(other), None, "{other}");
    }
}

#[test]
fn devices_of_others_have_no_user() {
    for serial in [
        "GAKT00012345",
        "arn:aws:iam::123456789012:mfa/alice",
        "arn:aws:iam::123456789012:mfa/root-account-mfa-device",
        "arn:aws:iam::123456789012:mfa/mfa-warden/alice",
        "arn:aws:iam::123456789012:mfa/mfa-warden/alice.xyz",
        "arn:aws:iam::123456789012:mfa/mfa-warden/other/alice.0a1b2c3d",
        "arn:aws:iam::123456789012:u2f/user/alice/mfa-warden.0a1b2c3d",
    ] {
        assert_eq!(user_of_device(serial), None, "{serial}");
    }
}

#[test]
fn ours_is_only_what_is_named_after_a_unique_id_and_tagged_with_it() {
    let mut facts = enrolled_since(user("alice"), "1h");
    assert_eq!(secret(&mut facts).owner_id(), Some(USER_ID));
    for (name, tagged) in [
        (format!("mfa-warden/{USER_ID}"), None),
        (format!("mfa-warden/{USER_ID}"), Some("")),
        (format!("mfa-warden/{USER_ID}"), Some("AIDAEXAMPLEBOB0000001")),
        (format!("mfa-warden/{USER_ID}"), Some("aidaexamplealice00001")),
        (format!("mfa-warden/{USER_ID}/x"), Some(USER_ID)),
        ("mfa-warden/smtp-relay".to_owned(), Some("smtp-relay")),
        ("mfa-warden/".to_owned(), Some("")),
        (format!("other/{USER_ID}"), Some(USER_ID)),
    ] {
        let secret = secret(&mut facts);
        secret.name = name.clone();
        secret.tags.remove(tag::USER_ID);
        secret.tags.extend(tagged.map(|id| (tag::USER_ID.to_owned(), id.to_owned())));
        assert_eq!(secret.owner_id(), None, "{name} {tagged:?}");
    }
    for other in ["", "AIDA", "smtp-relay", "AIDAEXAMPLE-ALICE0001", "AIDAEXAMPLE/ALICE0001"] {
        assert!(!is_unique_id(other), "{other}");
    }
}

#[test]
fn a_device_is_made_for_the_version_whose_suffix_it_has() {
    let version = version(ago("1h"), 0x0a1b_2c3d);
    let device = |name: &str| format!("arn:aws:iam::123456789012:mfa/mfa-warden/{name}");
    assert!(is_made_for(&device("alice.0a1b2c3d"), &version));
    assert!(is_made_for(&device("former-name.0a1b2c3d"), &version), "the user was renamed since");
    for other in ["alice.0a1b2c3e", "alice", "0a1b2c3d"] {
        assert!(!is_made_for(&device(other), &version), "{other}");
    }
}

#[test]
fn a_secret_tells_its_age_its_seeds_age_and_whose_it_is() {
    let mut facts = enrolled_since(user("alice"), "5d");
    let secret = secret(&mut facts);
    assert_eq!(secret.noncompliant_since(), ago("5d"));
    assert_eq!(secret.seed_age(now()), Some(SignedDuration::from_hours(5 * 24)));
    assert_eq!(secret.user_name(), "alice");
    assert_eq!(secret.description, description("alice"));
    assert!(secret.description.ends_with("alice") && secret.description.len() > 40, "words for people");
    secret.tags.insert(tag::NONCOMPLIANT_SINCE.to_owned(), "2020-01-01T00:00:00Z".to_owned());
    assert_eq!(secret.noncompliant_since(), ago("5d"), "the tag is for people");
    secret.current_version = Some("terraform-1".to_owned());
    assert_eq!(secret.seed_age(now()), None);
    secret.description = "changed by hand".to_owned();
    assert_eq!(secret.user_name(), secret.name);
}

proptest! {
    #[test]
    fn a_devices_name_leads_back_to_its_user_whatever_the_name(name in "[A-Za-z0-9_+=,.@-]{1,64}", random: u32) {
        let version = version(now(), random);
        prop_assert!(is_user_name(&name));
        let serial = serial(&name, &version);
        prop_assert_eq!(user_of_device(&serial), Some(name.as_str()));
        let suffix = format!(".{random:08x}");
        prop_assert!(serial.ends_with(&suffix));
    }

    #[test]
    fn no_version_id_makes_its_suffix_panic(version in "\\PC{0,40}") {
        prop_assert!(version.ends_with(version_suffix(&version)));
        prop_assert!(version_suffix(&version).chars().count() <= 8);
    }
}
