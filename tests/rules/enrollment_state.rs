//! In what state an enrollment is, and whose secret it is.

use crate::builders::*;
use mfa_warden::model::enrollment::{Doubt, Enrollment};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::record::tag;
use mfa_warden::model::settings::Settings;

fn doubt(facts: &UserFacts, settings: &Settings) -> Option<Doubt> {
    facts.doubt(settings, now())
}

#[test]
fn a_seed_goes_only_into_a_secret_that_the_function_made() {
    let none = settings(&[]);
    let own = enrolled_since(user("alice"), "5d");
    assert_eq!(doubt(&own, &none), None);
    let mut lost_device = own.clone();
    lost_device.devices.clear();
    assert_eq!(doubt(&lost_device, &none), None, "its owner was told of that version");
    let untold = tagged(lost_device, &[(tag::NOTIFIED, None)]);
    assert_eq!(
        doubt(&untold, &none),
        Some(Doubt::OthersVersion),
        "a version without a device, that nobody was told of"
    );
    for version in
        ["6ba7b810-9dad-41d1-80b4-00c04fd430c8".to_owned(), "terraform-1".to_owned(), version(ago("-1h"), 7)]
    {
        let mut facts = own.clone();
        secret(&mut facts).current_version = Some(version.clone());
        assert_eq!(doubt(&facts, &none), Some(Doubt::OthersVersion), "{version}");
        assert_eq!(facts.enrollment(none.settle, now()), Enrollment::Broken, "{version}");
    }
    type Change = fn(&mut mfa_warden::model::enrollment::Secret);
    let changes: [(Change, Doubt); 4] = [
        (|secret| secret.current_version = None, Doubt::NoValue),
        (|secret| secret.replicated = true, Doubt::Replicated),
        (|secret| secret.rotates = true, Doubt::Rotates),
        (
            |secret| secret.kms_key_id = Some("arn:aws:kms:us-east-1:210987654321:key/1".to_owned()),
            Doubt::OtherKey,
        ),
    ];
    for (change, expected) in changes {
        let mut facts = own.clone();
        change(secret(&mut facts));
        assert_eq!(doubt(&facts, &none), Some(expected));
    }
}

#[test]
fn one_key_may_be_named_in_several_ways() {
    let is_other = |own: Option<&str>, set: &str| {
        let mut facts = enrolled_since(user("alice"), "1h");
        secret(&mut facts).kms_key_id = own.map(str::to_owned);
        doubt(&facts, &settings(&[("SECRET_KMS_KEY_ID", set)])) == Some(Doubt::OtherKey)
    };
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1234";
    for (own, set, other) in [
        (Some(arn), arn, false),
        (Some(arn), "1234", false),
        (Some("1234"), arn, false),
        (Some(arn), "alias/mine", false),
        (Some("arn:aws:kms:us-east-1:123456789012:alias/mine"), "alias/mine", false),
        (Some("alias/mine"), "alias/other", true),
        (Some(arn), "5678", true),
        (None, arn, true),
        (Some(arn), "", true),
        (Some("alias/aws/secretsmanager"), "", false),
    ] {
        assert_eq!(is_other(own, set), other, "{own:?} {set}");
    }
}
