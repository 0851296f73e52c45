//! In what state an enrollment is, and whose secret it is.

use crate::builders::*;
use mfa_warden::model::enrollment::{Doubt, Enrollment};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::record::tag;
use mfa_warden::model::settings::Settings;
use mfa_warden::model::text::rfc3339;

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

#[test]
fn a_version_whose_device_may_not_be_listed_yet_is_not_doubted_and_one_from_the_future_is() {
    let none = settings(&[]);
    let of_age = |made_at: jiff::Timestamp| {
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::NOTIFIED, None)]);
        facts.devices.clear();
        secret(&mut facts).current_version = Some(version(made_at, 7));
        facts
    };
    assert_eq!(doubt(&of_age(ago("4m")), &none), None);
    let mut deleted = of_age(ago("4m"));
    secret(&mut deleted).scheduled_for_deletion = true;
    assert_eq!(doubt(&deleted, &none), Some(Doubt::OthersVersion), "nobody deletes what is being made");
    assert_eq!(doubt(&of_age(ago("6m")), &none), Some(Doubt::OthersVersion));
    // Clocks differ by no more than SETTLE.
    assert_eq!(doubt(&of_age(ago("-5m")), &none), None);
    assert_eq!(doubt(&of_age(ago("-301s")), &none), Some(Doubt::OthersVersion));
}

#[test]
fn an_enrollment_without_its_device_is_broken_only_once_two_listings_lack_it() {
    let mut facts = enrolled_since(user("alice"), "5d");
    facts.devices.clear();
    let settle = settings(&[]).settle;
    assert_eq!(facts.enrollment(settle, now()), Enrollment::Broken);
    facts.absence_is_sure = false;
    assert_eq!(facts.enrollment(settle, now()), Enrollment::Missing);
}

#[test]
fn a_reminder_is_due_when_more_than_the_time_has_passed() {
    let every = settings(&[]).remind_every;
    let is_due = |last: jiff::Timestamp| {
        let last = last.to_string();
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::LAST_NOTICE_AT, Some(&last))]);
        secret(&mut facts).reminder_due(every, now())
    };
    assert!(!is_due(ago("3d")) && is_due(ago("259201s")));
    assert!(!is_due(now()) && is_due(ago("-1s")), "one from the future silences nothing");
}

#[test]
fn an_owner_is_warned_once_more_than_the_time_of_a_warning_has_passed_since_it_heard() {
    let settings = settings(&[]);
    let warned = |heard: &str, age: &str| {
        let at = rfc3339(ago(heard));
        let mut facts = tagged(enrolled_since(user("alice"), age), &[(tag::HEARD_AT, Some(&at))]);
        let recipient = facts.recipient(&settings);
        secret(&mut facts).is_warned(&recipient, &settings, now())
    };
    assert!(warned("259201s", "5d"));
    assert!(!warned("3d", "5d"), "exactly the time of a warning is not more");
    assert!(!warned("3d", "3d"));
}
