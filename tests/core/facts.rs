//! Names that must hold for every user IAM allows.

use crate::builders::*;
use mfa_warden::aws::secrets::owner_policy;
use mfa_warden::facts::{Account, born, is_user_name, rfc3339, user_of_device, version_suffix};
use proptest::prelude::*;

#[test]
fn the_account_is_read_from_the_functions_arn() {
    let read = |arn: &str| Account::from_function_arn(arn).map(|a| (a.partition, a.region, a.id));
    let expected = |partition: &str, region: &str| {
        Some((partition.to_owned(), region.to_owned(), "123456789012".to_owned()))
    };
    assert_eq!(read("arn:aws:lambda:us-east-1:123456789012:function:w"), expected("aws", "us-east-1"));
    assert_eq!(
        read("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:w:live"),
        expected("aws-us-gov", "us-gov-west-1")
    );
    for arn in
        ["", "mfa-warden", "arn:aws:lambda:us-east-1:12345:function:w", "arn:aws:iam::123456789012:role/w"]
    {
        assert_eq!(read(arn), None, "{arn}");
    }
}

#[test]
fn times_are_written_in_whole_seconds_of_utc() {
    assert_eq!(rfc3339("2026-06-15T14:00:00.987+02:00".parse().unwrap()), "2026-06-15T12:00:00Z");
}

#[test]
fn a_version_tells_when_it_was_born_only_if_it_is_ours() {
    assert_eq!(born(&version(ago("3d"), 1)), Some(ago("3d")));
    for other in ["", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "terraform-20260101", "ünïcödé"] {
        assert_eq!(born(other), None, "{other}");
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
fn the_policy_that_the_simulator_judges_is_the_one_that_is_written() {
    let mut alice = user("alice").user;
    alice.arn = "arn:aws:iam::123456789012:user/engineering/alice".to_owned();
    let judged =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/owner-policy.json")).unwrap();
    let judged: serde_json::Value = serde_json::from_slice(&judged).unwrap();
    let written: serde_json::Value = serde_json::from_str(&owner_policy(&alice)).unwrap();
    assert_eq!(written, judged);
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
