//! What a secret's policy allows, and to whom.

use crate::builders::*;
use mfa_warden::rules::owner_policy::{document, fingerprint};

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
