//! Whose secret it is: nothing is touched that is not this function's own, and no seed goes where somebody else may look.

use crate::cloud::{Cloud, names, writes};
use serde_json::{Value, json};

const NOTHING: [&str; 0] = [];

/// A secret of somebody's making.
async fn secret(cloud: &Cloud, name: &str, value: Option<&str>, tags: &[(&str, &str)]) {
    let tag = |(key, value): &(&str, &str)| {
        aws_sdk_secretsmanager::types::Tag::builder().key(*key).value(*value).build()
    };
    let request = cloud.secrets.create_secret().name(name).set_secret_string(value.map(str::to_owned));
    let request = request.set_tags((!tags.is_empty()).then(|| tags.iter().map(tag).collect()));
    request.send().await.unwrap();
}

async fn value(cloud: &Cloud, name: &str) -> Option<String> {
    let answer = cloud.secrets.get_secret_value().secret_id(name).send().await;
    answer.ok().and_then(|answer| answer.secret_string)
}

const NEW: [&str; 2] = ["provision", "notify(invitation)"];

#[tokio::test]
async fn what_only_bears_our_prefix_outlives_every_run_and_is_a_warning() {
    let mut cloud = Cloud::new().await;
    let others = [
        ("mfa-warden/smtp-relay", &[][..]),
        ("mfa-warden/AIDAEXAMPLEGONE0000001", &[]),
        ("mfa-warden/AIDAEXAMPLEGONE0000002", &[("mfa-warden:user-id", "AIDAEXAMPLEGONE0000001")]),
        ("mfa-warden/AIDAEXAMPLEGONE0000003/x", &[("mfa-warden:user-id", "AIDAEXAMPLEGONE0000003/x")]),
        ("mfa-warden/too-short", &[("mfa-warden:user-id", "too-short")]),
    ];
    for (name, tags) in &others {
        secret(&cloud, name, Some("theirs"), tags).await;
    }
    cloud.wait(48);
    for event in [json!({"action": "sweep"}), json!({"action": "check", "user": "smtp-relay"})] {
        let answer = cloud.handle(event).await.unwrap();
        assert_eq!(answer["actions"]["close"], 0, "{answer}");
        let warning = "mfa-warden leaves alone secrets under its prefix that it did not make";
        assert!(answer["warnings"].to_string().contains(warning), "{answer}");
        assert!(answer["warnings"].to_string().contains("mfa-warden/smtp-relay"), "{answer}");
    }
    assert!(
        !writes(&cloud.calls()).iter().any(|call| call.ends_with("Secret") || *call == "PutResourcePolicy")
    );
    for (name, _) in &others {
        assert_eq!(value(&cloud, name).await.as_deref(), Some("theirs"), "{name}");
    }
}

#[tokio::test]
async fn somebody_elses_secret_of_a_users_name_fails_that_user_and_no_other() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    let bob = cloud.user("bob").await;
    let name = format!("mfa-warden/{alice}");
    secret(&cloud, &name, Some("theirs"), &[("team", "relay")]).await;
    let answer = cloud.sweep().await;
    assert_eq!((&answer["failed"], &answer["actions"]["provision"]), (&json!(1), &json!(1)), "{answer}");
    let result = answer["outcomes"][0]["result"].as_str().unwrap();
    assert!(result.starts_with("failed: the name `mfa-warden/"), "{result}");
    assert!(cloud.check_result("alice").await.is_err());
    assert_eq!(value(&cloud, &name).await.as_deref(), Some("theirs"));
    assert!(cloud.devices().await.iter().all(|device| device.contains("/bob.")));
    cloud.assert_sound("bob", &bob).await;

    cloud.secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true).send().await.unwrap();
    assert_eq!(cloud.check("alice").await["outcomes"][0]["actions"], json!(NEW));
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn a_secret_that_somebody_may_have_prepared_is_created_again_before_a_seed_goes_in() {
    for prepared in [None, Some("theirs")] {
        let cloud = Cloud::new().await;
        let alice = cloud.user("alice").await;
        let name = format!("mfa-warden/{alice}");
        secret(&cloud, &name, prepared, &[("mfa-warden:user-id", &alice), ("mfa-warden:notices", "0")]).await;
        let answer = cloud.sweep().await;
        assert_eq!(answer["outcomes"][0]["actions"], json!(NEW), "{answer}");
        let calls = cloud.calls();
        let calls = writes(&calls);
        assert_eq!(calls[..3], ["DeleteSecret", "CreateSecret", "PutResourcePolicy"], "{calls:?}");
        cloud.assert_sound("alice", &alice).await;
        cloud.sweep().await;
        assert_eq!(writes(&cloud.calls()), NOTHING);
    }
}

#[tokio::test]
async fn a_prepared_secret_that_cannot_be_deleted_fails_its_user_and_gets_no_seed() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    let tags = [("mfa-warden:user-id", alice.as_str())];
    secret(&cloud, &format!("mfa-warden/{alice}"), Some("theirs"), &tags).await;
    cloud.take_down("DeleteSecret");
    let answer = cloud.sweep().await;
    let result = answer["outcomes"][0]["result"].as_str().unwrap();
    assert!(result.contains("may have been prepared by somebody else"), "{result}");
    assert!(result.contains("it has a version that mfa-warden did not make"), "{result}");
    let calls = cloud.calls();
    assert!(!names(&calls).contains(&"PutSecretValue") && !names(&calls).contains(&"CreateVirtualMFADevice"));
    let told = crate::cloud::published(&calls);
    assert!(told[0].text.contains("may have been prepared by somebody else"), "operations are told why");
}

#[tokio::test]
async fn an_empty_secret_named_after_a_compliant_user_brings_nobody_a_closing_notice() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.enroll("alice").await;
    secret(&cloud, &format!("mfa-warden/{alice}"), None, &[("mfa-warden:user-id", &alice)]).await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close"]), "{answer}");
    let reason = answer["outcomes"][0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("its owner gets no message, because nobody was invited"), "{reason}");
    assert_eq!(cloud.told(), []);
}

#[tokio::test]
async fn what_one_listing_of_users_lacks_is_not_gone() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24);
    for event in [json!({"action": "sweep"}), json!({"action": "check", "user": "nobody"})] {
        cloud.calls();
        cloud.hide_users_once();
        let answer = cloud.handle(event).await.unwrap();
        assert_eq!(answer["actions"]["close"], 0, "{answer}");
        assert_eq!(answer["actions"]["delete_device"], 0, "{answer}");
        let calls = cloud.calls();
        assert_eq!(names(&calls).iter().filter(|call| **call == "ListUsers").count(), 2);
        cloud.assert_sound("alice", &alice).await;
    }
    cloud.take_down("ListUsers");
    assert!(cloud.sweep_result().await.is_err());
    cloud.restore();
    let answer: Value = cloud.sweep().await;
    let calls = cloud.calls();
    assert_eq!(
        names(&calls).iter().filter(|call| **call == "ListUsers").count(),
        2,
        "the failed one, and one: {answer}"
    );
}

#[tokio::test]
async fn devices_of_nobody_are_judged_by_the_listings_and_cost_no_call_each() {
    let cloud = Cloud::new().await;
    for number in 0..20 {
        let device = cloud.iam.create_virtual_mfa_device().path("/mfa-warden/");
        device.virtual_mfa_device_name(format!("nobody-{number}.0a1b2c3d")).send().await.unwrap();
    }
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["delete_device"], 20, "{answer}");
    assert!(!names(&cloud.calls()).contains(&"GetUser"));
}

#[tokio::test]
async fn empty_listings_of_users_end_nothing_while_iam_counts_users() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24);
    cloud.hide_users();
    for event in [json!({"action": "sweep"}), json!({"action": "check", "user": "nobody"})] {
        let answer = cloud.handle(event).await.unwrap();
        assert_eq!(
            (&answer["actions"]["close"], &answer["actions"]["delete_device"]),
            (&json!(0), &json!(0))
        );
        assert!(answer["warnings"].to_string().contains("IAM lists no user but counts 1"), "{answer}");
    }
    cloud.take_down("GetAccountSummary");
    let answer = cloud.sweep().await;
    assert!(answer["warnings"].to_string().contains("their number could not be read"), "{answer}");
    cloud.restore();
    cloud.show_users();
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn what_one_listing_of_devices_lacks_is_not_gone() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(1);
    for event in [json!({"action": "sweep"}), json!({"action": "check", "user": "alice"})] {
        cloud.calls();
        cloud.hide_prepared_devices_once();
        let answer = cloud.handle(event).await.unwrap();
        assert_eq!(answer["actions"]["provision"], 0, "{answer}");
        let calls = cloud.calls();
        assert_eq!(names(&calls).iter().filter(|call| **call == "ListVirtualMFADevices").count(), 2);
        cloud.assert_sound("alice", &alice).await;
    }
}

#[tokio::test]
async fn nobodys_version_takes_the_device_of_another_user() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    let bob = cloud.user("bob").await;
    cloud.sweep().await;
    let device = cloud.devices().await.into_iter().find(|device| device.contains("/alice.")).unwrap();
    let (_, suffix) = device.rsplit_once('.').unwrap();
    let version = format!("{}{suffix}", &cloud.current(&bob).await[..28]);
    let planted = cloud.secrets.put_secret_value().secret_id(format!("mfa-warden/{bob}"));
    planted.client_request_token(version).secret_string("theirs").send().await.unwrap();
    cloud.wait(1);
    for event in [json!({"action": "check", "user": "bob"}), json!({"action": "sweep"})] {
        cloud.handle(event).await.unwrap();
        cloud.assert_sound("alice", &alice).await;
        cloud.assert_sound("bob", &bob).await;
    }
    // Nor does one that belongs to nobody any more.
    let version = format!("{}{suffix}", &cloud.current(&bob).await[..28]);
    let planted = cloud.secrets.put_secret_value().secret_id(format!("mfa-warden/{bob}"));
    planted.client_request_token(version).secret_string("theirs").send().await.unwrap();
    cloud.iam.delete_login_profile().user_name("bob").send().await.unwrap();
    cloud.iam.delete_user().user_name("bob").send().await.unwrap();
    cloud.wait(1);
    cloud.sweep().await;
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn of_a_user_that_is_gone_nobody_says_that_its_owner_tag_was_changed_and_it_is_counted() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "ann@corp.example").await;
    cloud.sweep().await;
    cloud.wait(1);
    cloud.iam.delete_login_profile().user_name("alice").send().await.unwrap();
    cloud.iam.delete_user().user_name("alice").send().await.unwrap();
    cloud.calls();
    let answer = cloud.sweep().await;
    let outcome = &answer["outcomes"][0];
    assert_eq!((&outcome["rule"], &outcome["actions"]), (&json!("user_gone"), &json!(["close"])), "{answer}");
    assert!(!outcome["reason"].to_string().contains("owner tag"), "{outcome}");
    assert_eq!((&answer["users"]["total"], &answer["users"]["not_applicable"]), (&json!(1), &json!(1)));
    let told = crate::cloud::published(&cloud.calls());
    assert_eq!(told.iter().filter(|message| message.topic == "owners").count(), 0);
    assert!(!told[0].text.contains("OWNER TAG CHANGED"), "{}", told[0].text);
}
