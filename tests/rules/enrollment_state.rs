//! Names that must hold for every user IAM allows.

use crate::builders::*;
use mfa_warden::model::account::Account;
use mfa_warden::model::enrollment::{Doubt, Enrollment, created_at, user_of_device, version_suffix};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::record::tag;
use mfa_warden::model::settings::Settings;
use mfa_warden::model::text::rfc3339;
use mfa_warden::model::user::{is_unique_id, is_user_name};
use mfa_warden::rules::owner_policy::{document, fingerprint};
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
fn the_policy_that_the_simulator_judges_is_the_one_that_is_written() {
    let mut alice = user("alice").user;
    alice.arn = "arn:aws:iam::123456789012:user/engineering/alice".to_owned();
    let judged =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/owner-policy.json")).unwrap();
    let judged: serde_json::Value = serde_json::from_slice(&judged).unwrap();
    let written: serde_json::Value = serde_json::from_str(&document(&alice, Some(ROLE))).unwrap();
    assert_eq!(written, judged);
}

#[test]
fn the_role_is_named_with_and_without_a_path_and_unknown_where_none_is_set() {
    let condition = |role: Option<&str>| {
        let policy: serde_json::Value = serde_json::from_str(&document(&user("alice").user, role)).unwrap();
        policy["Statement"][2]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].clone()
    };
    let patterns = serde_json::json!([
        "arn:aws-cn:iam::123456789012:role/warden",
        "arn:aws-cn:iam::123456789012:role/*/warden"
    ]);
    assert_eq!(condition(Some("arn:aws-cn:iam::123456789012:role/warden")), patterns);
    assert_eq!(condition(Some("arn:aws-cn:iam::123456789012:role/a/b/warden")), patterns);
    assert_eq!(condition(None), serde_json::Value::Null);
    let roleless = document(&user("alice").user, None);
    assert!(!roleless.contains("secretsmanager:PutSecretValue"), "the function would lock itself out");
    assert!(roleless.contains("secretsmanager:ReplicateSecretToRegions"));
}

#[test]
fn a_policys_fingerprint_is_the_start_of_its_sha_256() {
    // RFC 6234's test vector "abc".
    assert_eq!(fingerprint("abc"), "ba7816bf");
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

fn tagged(mut facts: UserFacts, tags: &[(&str, Option<&str>)]) -> UserFacts {
    for (key, value) in tags {
        secret(&mut facts).tags.remove(*key);
        secret(&mut facts).tags.extend(value.map(|value| ((*key).to_owned(), value.to_owned())));
    }
    facts
}

#[test]
fn the_grace_period_counts_from_the_first_notice_that_went_out_and_never_from_before_the_secret() {
    let created = ago("20d");
    let first = |tags: &[(&str, Option<&str>)]| {
        let mut facts = tagged(enrolled_since(user("alice"), "20d"), tags);
        secret(&mut facts).first_notice_at(now())
    };
    let five_days_ago = ago("5d").to_string();
    let set = |time: &'static str| (tag::FIRST_NOTICE_AT, Some(time));
    let notices = |count: &'static str| (tag::NOTICES, Some(count));
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, Some(&five_days_ago))]), Some(ago("5d")));
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, Some(&five_days_ago)), notices("0")]), Some(ago("5d")));
    assert_eq!(first(&[set("2000-01-01T00:00:00Z")]), Some(created));
    for forged in ["2999-01-01T00:00:00Z", "soon", ""] {
        assert_eq!(first(&[set(forged)]), Some(created), "{forged}: notices went out");
        assert_eq!(first(&[set(forged), notices("0")]), None, "{forged}: none went out");
    }
    assert_eq!(
        first(&[(tag::FIRST_NOTICE_AT, None), notices("3")]),
        Some(created),
        "as version 0.1.0 left it"
    );
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, None), notices("0")]), None);
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, None), notices("-1")]), Some(created), "no count of ours");
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, None), (tag::NOTICES, None)]), Some(created), "it was invited");
}

#[test]
fn a_version_is_heard_of_only_since_it_exists_and_only_in_the_past() {
    let heard = |at: &str| {
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::HEARD_AT, Some(at))]);
        secret(&mut facts).heard_at(now())
    };
    assert_eq!(heard(&rfc3339(ago("4d"))), Some(ago("4d")));
    assert_eq!(heard(&rfc3339(ago("5d"))), Some(ago("5d")));
    for other in [rfc3339(ago("6d")), "2999-01-01T00:00:00Z".to_owned(), "yes".to_owned(), String::new()] {
        assert_eq!(heard(&other), None, "{other}");
    }
}

#[test]
fn a_recipient_is_compared_as_people_write_it() {
    let changed = |tag: &str, invited: &str| {
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::RECIPIENT, Some(invited))]);
        facts.tags.insert("email".to_owned(), tag.to_owned());
        let recipient = facts.recipient(&settings(&[]));
        secret(&mut facts).recipient_changed(&recipient)
    };
    assert!(!changed(" Ann@corp.example ", "ann@corp.example"));
    assert!(!changed("ann@corp.example, bob@corp.example", "ann@corp.example bob@corp.example"));
    assert!(changed("mallory@corp.example", "ann@corp.example"));
    assert!(!changed("mallory@corp.example", ""), "earlier versions did not remember whom");
}

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
