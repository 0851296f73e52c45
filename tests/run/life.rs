//! The life of an enrollment over HTTP against moto: events, elapsed time, policies.

use crate::cloud::{Cloud, published, writes};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const NOTHING: [&str; 0] = [];

fn days_on(days: i64) -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

/// A CloudTrail event of this account, from its sample in events/.
fn event(cloud: &Cloud, sample: &str, change: impl Fn(&mut Value)) -> Value {
    let path = format!("{}/events/cloudtrail-{sample}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace("123456789012", &cloud.account);
    let mut event = serde_json::from_str(&text).unwrap();
    change(&mut event);
    event
}

async fn happened(cloud: &Cloud, sample: &str) -> Value {
    cloud.handle(event(cloud, sample, |_| {})).await.unwrap()
}

async fn secret_exists(cloud: &Cloud, id: &str) -> bool {
    cloud.secrets.describe_secret().secret_id(format!("mfa-warden/{id}")).send().await.is_ok()
}

fn kinds(cloud: &Cloud) -> Vec<String> {
    let owners = published(&cloud.calls()).into_iter().filter(|message| message.topic == "owners");
    owners.map(|message| message.attributes["kind"].clone()).collect()
}

#[tokio::test]
async fn enrolling_with_the_prepared_device_closes_the_enrollment_by_event() {
    let cloud = Cloud::new().await;
    cloud.user_without_password("alice", "/").await;
    assert_eq!(happened(&cloud, "create-user").await["users"]["not_applicable"], 1);
    cloud.iam.create_login_profile().user_name("alice").password("correct horse").send().await.unwrap();
    assert_eq!(happened(&cloud, "create-login-profile").await["actions"]["provision"], 1);
    let id = cloud.iam.get_user().user_name("alice").send().await.unwrap().user.unwrap().user_id;
    let value = cloud.value(&id).await;
    cloud.enable("alice", value["serial_number"].as_str().unwrap()).await;
    cloud.calls();

    let answer = happened(&cloud, "enable-mfa-device").await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close", "notify(enrolled)"]));
    assert!(answer["outcomes"][0]["reason"].as_str().unwrap().contains("its seed existed for"));
    let calls = cloud.calls();
    assert_eq!(
        writes(&calls),
        ["TagResource", "Publish", "DeleteSecret", "Publish", "TagResource"],
        "noted and told first, deleted last, and the time remembered that it took; the device stays"
    );
    let deletion = calls.iter().find(|call| call.api == "DeleteSecret").unwrap();
    assert_eq!(deletion.parameter("ForceDeleteWithoutRecovery").unwrap(), "true");
    assert!(!secret_exists(&cloud, &id).await);
    let devices = cloud.iam.list_mfa_devices().user_name("alice").send().await.unwrap().mfa_devices;
    assert_eq!(devices[0].serial_number, value["serial_number"]);
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);

    // Deactivated, the prepared device is unassigned and its seed is known to the person who enrolled: a new one.
    let serial = value["serial_number"].as_str().unwrap();
    cloud.iam.deactivate_mfa_device().user_name("alice").serial_number(serial).send().await.unwrap();
    let answer = happened(&cloud, "deactivate-mfa-device").await;
    assert_eq!(answer["actions"]["provision"], 1, "{answer}");
    cloud.assert_sound("alice", &id).await;
}

#[tokio::test]
async fn mfa_on_and_off_again_and_again_does_not_restart_the_grace_period() {
    let mut cloud = Cloud::quarantining(&[]).await;
    let alice = cloud.user("alice").await;
    let off = async |cloud: &Cloud| {
        let devices = cloud.iam.list_mfa_devices().user_name("alice").send().await.unwrap().mfa_devices;
        let serial = &devices[0].serial_number;
        cloud.iam.deactivate_mfa_device().user_name("alice").serial_number(serial).send().await.unwrap();
        cloud.iam.delete_virtual_mfa_device().serial_number(serial).send().await.unwrap();
    };
    for (round, days) in [10, 3, 3].into_iter().enumerate() {
        let answer = cloud.sweep().await;
        assert_eq!(answer["actions"]["provision"], 1, "round {round}: {answer}");
        let is_told = answer["outcomes"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("of its grace period were used in an earlier enrollment");
        assert_eq!(is_told, round > 0, "round {round}: {answer}");
        cloud.wait(24 * days - 1);
        // By a sweep or by an event.
        cloud.enroll("alice").await;
        let answer = if round == 0 { cloud.sweep().await } else { cloud.check("alice").await };
        assert_eq!(answer["actions"]["close"], 1, "round {round}: {answer}");
        assert!(!secret_exists(&cloud, &alice).await);
        cloud.calls();
        off(&cloud).await;
    }
    // Fifteen of fourteen days are used up: what is left is a quarter.
    let answer = happened(&cloud, "deactivate-mfa-device").await;
    assert_eq!(answer["actions"]["provision"], 1, "{answer}");
    cloud.wait(24 * 3 + 11);
    assert_eq!(cloud.sweep().await["actions"]["quarantine"], 0);
    cloud.wait(2);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["quarantine", "notify(quarantined)"]), "{answer}");
    // A month with MFA, and all is forgotten.
    cloud.enroll("alice").await;
    assert_eq!(cloud.sweep().await["actions"]["close"], 1);
    cloud.wait(24 * 31);
    off(&cloud).await;
    assert_eq!(cloud.sweep().await["actions"]["provision"], 1);
    cloud.wait(24 * 13);
    assert_eq!(cloud.sweep().await["actions"]["quarantine"], 0);
}

#[tokio::test]
async fn where_the_topic_cannot_be_read_or_tagged_a_grace_period_is_a_whole_one_and_nothing_fails() {
    for outage in ["ListTagsForResource", "the topic is gone"] {
        let mut cloud = Cloud::quarantining(&[]).await;
        cloud.user("alice").await;
        cloud.sweep().await;
        cloud.wait(24 * 10);
        cloud.enroll("alice").await;
        let topic = &cloud.warden.settings.ops_topic_arn;
        match outage {
            "ListTagsForResource" => cloud.take_down(outage),
            _ => drop(cloud.sns.delete_topic().topic_arn(topic).send().await.unwrap()),
        }
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["actions"]["close"], &answer["failed"]),
            (&json!(1), &json!(0)),
            "{outage}: {answer}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_others_is_not_written_over() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24);
    cloud.enroll("alice").await;
    cloud.take_down("ListTagsForResource");
    cloud.calls();
    assert_eq!(cloud.check("alice").await["actions"]["close"], 1);
    let tagged = cloud.calls().into_iter().filter(|call| call.api == "TagResource").count();
    assert_eq!(tagged, 1, "the secret, and not the topic");
}

#[tokio::test]
async fn only_setting_up_mfa_is_remembered_and_no_exemption() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24);
    cloud.tag("alice", "mfa-exempt", "permanent break-glass").await;
    assert_eq!(cloud.sweep().await["actions"]["close"], 1);
    let topic = &cloud.warden.settings.ops_topic_arn;
    let tags = cloud.sns.list_tags_for_resource().resource_arn(topic).send().await.unwrap().tags.unwrap();
    assert!(!tags.iter().any(|tag| tag.key.starts_with("mfa-warden:closed-")), "{tags:?}");
}

#[tokio::test]
async fn enrolling_in_another_way_removes_the_prepared_device() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.enroll("alice").await;
    cloud.calls();
    let answer = happened(&cloud, "enable-mfa-device-self").await;
    assert_eq!(answer["actions"]["close"], 1, "{answer}");
    let expected =
        ["DeleteVirtualMFADevice", "TagResource", "Publish", "DeleteSecret", "Publish", "TagResource"];
    assert_eq!(writes(&cloud.calls()), expected);
    assert_eq!(cloud.devices().await, Vec::<String>::new());
    assert!(!secret_exists(&cloud, &alice).await);
}

#[tokio::test]
async fn a_device_enabled_between_listing_and_looking_is_kept_and_no_failure() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let serial = cloud.devices().await.remove(0);
    // The listing is of a moment ago: it shows the device unassigned, and ListMFADevices shows it assigned.
    cloud.enable("alice", &serial).await;
    cloud.show_devices_unassigned();
    let answer = cloud.sweep().await;
    assert_eq!((&answer["actions"]["close"], &answer["failed"]), (&json!(1), &json!(0)), "{answer}");
    let devices = cloud.iam.list_mfa_devices().user_name("alice").send().await.unwrap().mfa_devices;
    assert_eq!(devices[0].serial_number, serial);
    assert!(!secret_exists(&cloud, &alice).await);
}

#[tokio::test]
async fn an_exemption_withdraws_and_its_end_invites_again() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.tag("alice", "mfa-exempt", "2999-12-31 broken phone").await;
    cloud.calls();
    let answer = happened(&cloud, "tag-user").await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close", "notify(withdrawn)"]));
    assert!(!secret_exists(&cloud, &alice).await);
    let calls = cloud.calls();
    let messages = published(&calls);
    assert!(messages[0].text.contains("you are exempt"), "{}", messages[0].text);
    assert!(!messages[0].text.contains("broken phone"), "no words of others in mail to owners");
    assert!(messages[1].text.contains("exempt through 2999-12-31: broken phone"), "{}", messages[1].text);
    cloud.iam.untag_user().user_name("alice").tag_keys("mfa-exempt").send().await.unwrap();
    assert_eq!(happened(&cloud, "untag-user").await["actions"]["provision"], 1);
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn operations_hear_of_a_new_exemption_even_when_nothing_was_to_be_done() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.tag("alice", "mfa-exempt", "permanent break-glass").await;
    happened(&cloud, "tag-user").await;
    let messages = published(&cloud.calls());
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text.contains("- alice: exempt permanently: break-glass"), "{}", messages[0].text);
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "no news any more");
}

#[tokio::test]
async fn a_new_access_key_invites_where_the_scope_counts_it() {
    for (scope, provisions) in [("credentials", 1), ("console", 0)] {
        let cloud = Cloud::with(&[("MFA_SCOPE", scope)]).await;
        cloud.user_without_password("alice", "/robots/").await;
        cloud.iam.create_access_key().user_name("alice").send().await.unwrap();
        let answer = happened(&cloud, "create-access-key-self").await;
        assert_eq!(answer["actions"]["provision"], provisions, "{scope}: {answer}");
    }
}

#[tokio::test]
async fn losing_the_password_withdraws() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.iam.delete_login_profile().user_name("alice").send().await.unwrap();
    let answer = happened(&cloud, "delete-login-profile").await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close", "notify(withdrawn)"]));
    assert!(!secret_exists(&cloud, &alice).await);
}

#[tokio::test]
async fn what_a_deleted_user_leaves_is_removed_in_silence() {
    for by_event in [true, false] {
        let cloud = Cloud::new().await;
        let alice = cloud.user("alice").await;
        let bob = cloud.user("bob").await;
        cloud.sweep().await;
        cloud.iam.delete_login_profile().user_name("alice").send().await.unwrap();
        cloud.iam.delete_user().user_name("alice").send().await.unwrap();
        cloud.calls();
        let answer = if by_event { happened(&cloud, "delete-user").await } else { cloud.sweep().await };
        assert_eq!(
            (&answer["actions"]["close"], &answer["actions"]["notify"]),
            (&json!(1), &json!(0)),
            "{answer}"
        );
        let gone = answer["outcomes"].as_array().unwrap().iter().find(|o| o["user"] == "alice").unwrap();
        assert_eq!((&gone["user_id"], &gone["verdict"]), (&json!(alice), &json!("not_applicable")));
        assert!(!secret_exists(&cloud, &alice).await);
        cloud.assert_sound("bob", &bob).await;
        assert_eq!(cloud.devices().await.len(), 1);
        assert_eq!(kinds(&cloud), NOTHING);
    }
}

#[tokio::test]
async fn the_secret_of_a_user_too_new_for_the_listings_is_left_alone() {
    let cloud = Cloud::new().await;
    let secret = cloud.secrets.create_secret().name("mfa-warden/AIDATOONEWTOBELISTED").secret_string("x");
    secret.send().await.unwrap();
    assert_eq!(cloud.sweep().await["actions"]["close"], 0);
    assert!(secret_exists(&cloud, "AIDATOONEWTOBELISTED").await);
}

#[tokio::test]
async fn a_user_that_the_listing_does_not_show_yet_keeps_its_enrollment() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.iam.create_user().user_name("robot").path("/nobody/").send().await.unwrap();
    cloud.check("alice").await;
    // The listing lags: it shows nobody but the robot. IAM itself knows alice.
    cloud.hide_users();
    let answer = cloud.sweep().await;
    assert_eq!((&answer["users"]["total"], &answer["actions"]["close"]), (&json!(1), &json!(0)), "{answer}");
    cloud.show_users();
    cloud.assert_sound("alice", &alice).await;
    cloud.hide_users();
    cloud.take_down("GetUser");
    let answer = cloud.sweep().await;
    assert!(answer["warnings"].to_string().contains("cannot tell whether the user"), "{answer}");
    cloud.show_users();
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn a_renamed_users_enrollment_follows() {
    let cloud = Cloud::new().await;
    let id = cloud.user("alice").await;
    cloud.sweep().await;
    let before = cloud.secret_tags(&id).await["mfa-warden:noncompliant-since"].clone();
    cloud.iam.update_user().user_name("alice").new_user_name("alicia").send().await.unwrap();
    let answer = happened(&cloud, "update-user-renamed").await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    cloud.assert_sound("alicia", &id).await;
    assert_eq!(cloud.devices().await.len(), 1, "the device of the old name is gone");
    assert_eq!(cloud.secret_tags(&id).await["mfa-warden:noncompliant-since"], before);
}

#[tokio::test]
async fn a_new_user_under_an_old_name_inherits_nothing() {
    let mut cloud = Cloud::new().await;
    let first = cloud.user("alice").await;
    cloud.sweep().await;
    let old = cloud.value(&first).await;
    cloud.iam.delete_login_profile().user_name("alice").send().await.unwrap();
    cloud.iam.delete_user().user_name("alice").send().await.unwrap();
    let second = cloud.user("alice").await;
    assert_ne!(first, second);
    cloud.warden.clock = || days_on(20);
    let answer = cloud.sweep().await;
    assert_eq!(
        (&answer["actions"]["provision"], &answer["actions"]["close"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    cloud.assert_sound("alice", &second).await;
    assert_eq!(cloud.devices().await.len(), 1);
    assert_ne!(cloud.value(&second).await["seed"], old["seed"]);
    assert!(!secret_exists(&cloud, &first).await);
    let text = published(&cloud.calls()).into_iter().rfind(|m| m.topic == "owners").unwrap().text;
    assert!(text.contains("Please set it up by"), "a grace period of its own: {text}");
}

#[tokio::test]
async fn owners_are_reminded_and_then_operations_hear_who_is_overdue() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    assert_eq!(kinds(&cloud), ["invitation"]);
    cloud.warden.clock = || days_on(2);
    cloud.sweep().await;
    assert_eq!(kinds(&cloud), NOTHING);
    cloud.warden.clock = || days_on(4);
    cloud.sweep().await;
    assert_eq!(kinds(&cloud), ["reminder"]);
    cloud.sweep().await;
    assert_eq!(kinds(&cloud), NOTHING);
    cloud.warden.clock = || days_on(16);
    cloud.sweep().await;
    let messages = published(&cloud.calls());
    assert!(messages[0].text.contains("Please set it up now"));
    assert!(messages[1].text.contains("- alice: 2 days past the grace period"), "{}", messages[1].text);
}

#[tokio::test]
async fn an_unused_seed_is_rotated_and_the_clock_goes_on() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let before = cloud.value(&alice).await;
    cloud.calls();
    cloud.warden.clock = || days_on(31);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    let calls = cloud.calls();
    assert_eq!(
        writes(&calls),
        [
            "PutResourcePolicy",
            "CreateVirtualMFADevice",
            "PutSecretValue",
            "UpdateSecretVersionStage",
            "DeleteVirtualMFADevice",
            "Publish",
            "TagResource",
            "Publish",
            "TagResource"
        ]
    );
    cloud.assert_sound("alice", &alice).await;
    assert_ne!(cloud.value(&alice).await["seed"], before["seed"]);
    let text = &published(&calls)[0].text;
    assert!(
        text.contains("It was due by") && text.contains("Delete the entry of an earlier message"),
        "{text}"
    );
}

async fn with_policies() -> (Cloud, [String; 2]) {
    let account = Cloud::next_account();
    let arn = |name: &str| format!("arn:aws:iam::{account}:policy/{name}");
    let arns = [arn("mfa-warden-enrollment"), arn("mfa-warden-quarantine")];
    let settings = [
        ("ENROLLMENT_POLICY_ARN", arns[0].as_str()),
        ("QUARANTINE_POLICY_ARN", arns[1].as_str()),
        ("AFTER_GRACE", "quarantine"),
    ];
    let cloud = Cloud::in_account(account.clone(), &settings).await;
    for name in ["mfa-warden-enrollment", "mfa-warden-quarantine"] {
        let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]});
        let policy = cloud.iam.create_policy().policy_name(name).policy_document(document.to_string());
        policy.send().await.unwrap();
    }
    (cloud, arns)
}

async fn attached(cloud: &Cloud, user: &str) -> Vec<String> {
    let listed = cloud.iam.list_attached_user_policies().user_name(user).send().await.unwrap();
    let mut arns: Vec<String> = listed
        .attached_policies
        .unwrap_or_default()
        .into_iter()
        .filter_map(|policy| policy.policy_arn)
        .collect();
    arns.sort();
    arns
}

#[tokio::test]
async fn policies_come_with_the_enrollment_the_quarantine_with_the_deadline_and_both_go_with_mfa() {
    let (mut cloud, [enrollment, quarantine]) = with_policies().await;
    let alice = cloud.user("alice").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "attach", "notify(invitation)"]));
    assert_eq!(attached(&cloud, "alice").await, std::slice::from_ref(&enrollment));
    cloud.calls();
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);

    cloud.warden.clock = || days_on(15);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["quarantine", "notify(quarantined)"]));
    assert_eq!(attached(&cloud, "alice").await, [enrollment, quarantine]);
    assert!(cloud.secret_tags(&alice).await.contains_key("mfa-warden:quarantined-at"));
    cloud.calls();
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);

    cloud.enroll("alice").await;
    let answer = happened(&cloud, "enable-mfa-device").await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close", "notify(enrolled)"]));
    assert_eq!(attached(&cloud, "alice").await, NOTHING);
    cloud.calls();
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
}

#[tokio::test]
async fn policies_are_attached_after_a_crash_and_detached_even_without_a_secret() {
    let (cloud, [enrollment, quarantine]) = with_policies().await;
    let alice = cloud.user("alice").await;
    cloud.take_down("AttachUserPolicy");
    let answer = cloud.sweep().await;
    assert_eq!(answer["failed"], 1);
    assert_eq!(
        answer["outcomes"][0]["actions"],
        json!(["provision", "notify(invitation)"]),
        "told all the same"
    );
    cloud.restore();
    assert_eq!(cloud.check("alice").await["actions"]["attach"], 1);
    cloud.assert_sound("alice", &alice).await;

    cloud.user("bob").await;
    cloud.enroll("bob").await;
    for arn in [&enrollment, &quarantine] {
        cloud.iam.attach_user_policy().user_name("bob").policy_arn(arn).send().await.unwrap();
    }
    assert_eq!(cloud.sweep().await["actions"]["detach"], 2);
    assert_eq!(attached(&cloud, "bob").await, NOTHING);
}

#[tokio::test]
async fn unreadable_attachments_are_a_warning_and_left_alone() {
    let (mut cloud, _) = with_policies().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.warden.clock = || days_on(15);
    for api in ["ListEntitiesForPolicy", "ListAttachedUserPolicies"] {
        cloud.take_down(api);
        let answer =
            if api == "ListEntitiesForPolicy" { cloud.sweep().await } else { cloud.check("alice").await };
        assert_eq!(answer["actions"]["quarantine"], 0);
        assert!(answer["warnings"].to_string().contains("policies are attached to, so none"), "{answer}");
    }
}

#[tokio::test]
async fn our_own_devices_deletion_is_no_news_and_starts_no_loop() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.calls();
    happened(&cloud, "delete-virtual-mfa-device-own-role").await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn a_prepared_device_deleted_by_hand_is_replaced_by_event_once_settled() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let device = cloud.devices().await.remove(0);
    cloud.iam.delete_virtual_mfa_device().serial_number(device).send().await.unwrap();
    cloud.warden.clock = || days_on(1);
    let answer = happened(&cloud, "delete-virtual-mfa-device").await;
    assert_eq!(answer["actions"]["provision"], 1, "{answer}");
    cloud.assert_sound("alice", &alice).await;
}
