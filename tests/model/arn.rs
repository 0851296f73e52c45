//! ARNs: what is read as one, and that the parts make the same ARN again.

use mfa_warden::model::arn::{Arn, is_account_id};
use proptest::prelude::*;

fn parts(text: &str) -> Option<[&str; 5]> {
    Arn::parse(text).map(|arn| [arn.partition, arn.service, arn.region, arn.account, arn.resource])
}

#[test]
fn every_part_is_read() {
    for (arn, expected) in [
        ("arn:aws:sns:eu-west-1:123456789012:owners", ["aws", "sns", "eu-west-1", "123456789012", "owners"]),
        ("arn:aws-us-gov:iam::123456789012:root", ["aws-us-gov", "iam", "", "123456789012", "root"]),
        ("arn:aws-cn:iam::123456789012:user/a/wei", ["aws-cn", "iam", "", "123456789012", "user/a/wei"]),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", ["aws", "iam", "", "aws", "policy/ReadOnlyAccess"]),
        ("arn:aws:s3:::bucket", ["aws", "s3", "", "", "bucket"]),
    ] {
        assert_eq!(parts(arn), Some(expected), "{arn}");
    }
}

#[test]
fn the_resource_may_hold_colons() {
    for (arn, resource) in [
        ("arn:aws:lambda:us-east-1:123456789012:function:w:live", "function:w:live"),
        (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa-warden/A-000000",
            "secret:mfa-warden/A-000000",
        ),
        ("arn:aws:sns:us-east-1:123456789012:owners:5be8d5b0-8b1e", "owners:5be8d5b0-8b1e"),
        ("arn:aws:iam::123456789012:::", "::"),
        ("arn:aws:iam::123456789012:arn:aws:iam::1:root", "arn:aws:iam::1:root"),
    ] {
        assert_eq!(Arn::parse(arn).map(|arn| arn.resource), Some(resource), "{arn}");
    }
}

#[test]
fn nothing_else_is_an_arn() {
    for text in [
        "",
        "arn",
        "arn:",
        "arn:aws:iam::123456789012",
        "ARN:aws:iam::123456789012:root",
        " arn:aws:iam::123456789012:root",
        "xarn:aws:iam::123456789012:root",
        // Hardware tokens.
        "GAKT00012345",
        "1234567890",
        // Names, ids and aliases that stand where an ARN may stand.
        "mfa-warden/AIDAEXAMPLEALICE00001",
        "alias/mine",
        "PendingConfirmation",
        // IPv6 addresses, and what looks like them.
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "::ffff:192.0.2.1",
        "::::::",
    ] {
        assert_eq!(Arn::parse(text), None, "{text}");
    }
}

#[test]
fn empty_parts_are_for_the_reader_to_refuse() {
    assert_eq!(parts("arn:::::"), Some([""; 5]));
}

#[test]
fn an_account_id_has_twelve_digits() {
    assert!(is_account_id("123456789012") && is_account_id("000000000000"));
    for text in ["", "aws", "12345678901", "1234567890123", "12345678901x", "1234-5678-90", "١٢٣٤٥٦"] {
        assert!(!is_account_id(text), "{text}");
    }
}

proptest! {
    #[test]
    fn parts_make_the_same_arn_again(
        head in proptest::array::uniform4("[^:]{0,12}"), resource in ".{0,40}",
    ) {
        let [partition, service, region, account] = &head;
        let arn = Arn { partition, service, region, account, resource: &resource };
        let text = arn.to_string();
        prop_assert_eq!(Arn::parse(&text), Some(arn));
    }

    #[test]
    fn an_arn_is_written_as_it_was_read(text in "(arn:)?[a:]{0,12}") {
        if let Some(arn) = Arn::parse(&text) {
            prop_assert_eq!(arn.to_string(), text);
        }
    }
}
