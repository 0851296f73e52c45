//! The account, and the ARNs of what is in it.

use crate::builders::*;
use mfa_warden::model::account::Account;
use mfa_warden::model::arn::Arn;

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
fn iam_calls_are_judged_in_the_one_region_that_each_partition_has_for_iam() {
    let region = |partition: &str| {
        let account = Account {
            partition: partition.to_owned(),
            region: "own-region-1".to_owned(),
            id: "123456789012".to_owned(),
        };
        account.iam_region().to_owned()
    };
    for (partition, expected) in [
        ("aws", "us-east-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-eusc", "eusc-de-east-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-iso-e", "eu-isoe-west-1"),
        ("aws-iso-f", "us-isof-south-1"),
        ("aws-new", "own-region-1"),
    ] {
        assert_eq!(region(partition), expected, "{partition}");
    }
}

#[test]
fn only_govcloud_has_no_root_user_who_can_sign_in() {
    let in_partition = |partition: &str| Account { partition: partition.to_owned(), ..account() };
    assert!(in_partition("aws").has_root_user() && in_partition("aws-cn").has_root_user());
    assert!(!in_partition("aws-us-gov").has_root_user());
}

#[test]
fn a_secret_and_a_device_are_named_after_the_user() {
    assert_eq!(
        account().secret_arn(USER_ID),
        format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa-warden/{USER_ID}-000000")
    );
    assert_eq!(
        account().serial_number("alice", "019f0000-0000-7000-8000-00000a1b2c3d"),
        "arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d"
    );
}

#[test]
fn what_the_account_holds_has_an_arn_with_its_partition_and_region() {
    let account = Account {
        partition: "aws-cn".to_owned(),
        region: "cn-northwest-1".to_owned(),
        id: "123456789012".to_owned(),
    };
    assert_eq!(account.policy_arn("q"), "arn:aws-cn:iam::123456789012:policy/q");
    assert_eq!(account.role_arn("w"), "arn:aws-cn:iam::123456789012:role/w");
    assert_eq!(account.topic_arn("owners"), "arn:aws-cn:sns:cn-northwest-1:123456789012:owners");
}

#[test]
fn no_other_arn_is_that_of_a_function() {
    for arn in [
        "arn:aws:iam:us-east-1:123456789012:function:w",
        "arn:aws:lambda:us-east-1:123456789012:layer:w",
        "arn:aws:lambda:us-east-1:123456789012:function",
        "arn:aws:lambda:us-east-1::function:w",
    ] {
        assert_eq!(Account::from_function_arn(arn), None, "{arn}");
    }
}

#[test]
fn an_account_is_that_of_an_arn_with_the_region_that_is_given() {
    let of = |arn| Account::of(Arn::parse(arn).unwrap(), "us-east-1");
    assert_eq!(of("arn:aws:sts::123456789012:assumed-role/admin/me"), Some(account()));
    assert_eq!(of("arn:aws:sns:eu-west-1:123456789012:owners"), Some(account()));
    assert_eq!(of("arn:aws:iam::aws:policy/ReadOnlyAccess"), None);
}

#[test]
fn a_prepared_device_of_this_account_tells_its_user() {
    let device = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d";
    assert_eq!(account().user_of_device(device), Some("alice"));
    for other in [
        "GAKT00012345".to_owned(),
        "arn:aws:iam::123456789012:mfa/alice".to_owned(),
        device.replace("aws", "aws-cn"),
        device.replace("iam", "sts"),
        device.replace("::", ":us-east-1:"),
        device.replace("123456789012", "210987654321"),
        device.replace("mfa/", "other:mfa/"),
    ] {
        assert_eq!(account().user_of_device(&other), None, "{other}");
    }
}
