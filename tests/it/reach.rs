//! Owners out of reach, over HTTP against moto.

use crate::cloud::{Cloud, names, published, writes};
use serde_json::{Value, json};

const NOTHING: [&str; 0] = [];

fn summary(cloud: &Cloud) -> String {
    let messages = published(&cloud.calls());
    messages.into_iter().filter(|message| message.topic == "ops").map(|message| message.text).collect()
}

async fn cloud_with_nobody_listening(settings: &[(&str, &str)]) -> Cloud {
    Cloud::with_nobody_listening(Cloud::next_account(), settings).await
}

/// An account with a quarantine policy, in which nobody listens.
async fn quarantining_cloud(settings: &[(&str, &str)]) -> Cloud {
    let account = Cloud::next_account();
    let policy = format!("arn:aws:iam::{account}:policy/mfa-warden-quarantine");
    let own = [("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", policy.as_str())];
    let cloud = Cloud::with_nobody_listening(account, &[&own, settings].concat()).await;
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let policy = cloud.iam.create_policy().policy_name("mfa-warden-quarantine").policy_document(document);
    policy.send().await.unwrap();
    cloud
}

/// Another owner is subscribed: somebody listens, but not everybody is heard.
async fn cloud_with_bob_listening(settings: &[(&str, &str)]) -> Cloud {
    let cloud = cloud_with_nobody_listening(settings).await;
    cloud.subscribe("bob@example.com").await;
    cloud
}

#[tokio::test]
async fn an_owner_out_of_reach_is_told_again_when_subscribed_and_operations_hear_why() {
    let cloud = cloud_with_bob_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["result"], "done", "{answer}");
    assert!(
        summary(&cloud).contains(
            "- alice: no subscription of the owner topic lets messages to alice@example.com through"
        )
    );
    let version = cloud.current(&alice).await;
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], version[version.len() - 8..]);
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "nobody has come to listen");

    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(invitation)"]), "{answer}");
    cloud.assert_sound("alice", &alice).await;
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], "");
    cloud.calls();
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
}

#[tokio::test]
async fn owners_are_subscribed_by_mail_with_a_filter_of_their_own() {
    let cloud = cloud_with_bob_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    for name in ["alice", "carol"] {
        cloud.user(name).await;
    }
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(
        answer["outcomes"][0]["actions"],
        json!(["provision", "notify(invitation)", "subscribe"]),
        "{answer}"
    );
    assert_eq!(answer["outcomes"][1]["actions"], json!(["provision", "notify(invitation)"]), "no address");
    assert_eq!(answer["actions"]["subscribe"], 1);
    let calls = cloud.calls();
    let subscribe = calls.iter().find(|call| call.api == "Subscribe").unwrap();
    assert_eq!(subscribe.parameter("Protocol").unwrap(), "email");
    assert_eq!(subscribe.parameter("Endpoint").unwrap(), "alice@example.com");
    assert_eq!(
        subscribe.parameter("Attributes.entry.1.value").unwrap(),
        r#"{"recipient":["alice@example.com"]}"#
    );
}

#[tokio::test]
async fn leaving_the_topic_before_a_new_seed_is_no_way_around_the_quarantine() {
    let mut cloud = quarantining_cloud(&[("OFFER_TTL", "5d"), ("GRACE_PERIOD", "8d")]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.subscribe("alice@example.com").await;
    cloud.sweep().await;
    let topic = &cloud.warden.settings.owner_topic_arn;
    let listed = cloud.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let hers = listed.subscriptions()[0].subscription_arn().unwrap();
    cloud.sns.unsubscribe().subscription_arn(hers).send().await.unwrap();

    cloud.warden.clock = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(6 * 24);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    let version = cloud.current(&alice).await;
    let mark = format!("{} invitation", &version[version.len() - 8..]);
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], mark);
    cloud.warden.clock = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(10 * 24);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["quarantine", "notify(quarantined)"]), "{answer}");

    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(
        answer["outcomes"][0]["actions"],
        json!(["notify(invitation)"]),
        "the new device is news: {answer}"
    );
    let messages = published(&cloud.calls());
    let invitation = messages.iter().rfind(|message| message.topic == "owners").unwrap();
    assert!(invitation.text.contains("It replaces the device of an earlier message"), "{}", invitation.text);
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], "");
}

#[tokio::test]
async fn users_who_share_an_address_are_asked_to_confirm_it_once() {
    let cloud = cloud_with_bob_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    for name in ["alice", "alice-admin"] {
        cloud.user(name).await;
        cloud.tag(name, "email", "alice@example.com").await;
    }
    let answer = cloud.sweep().await;
    assert_eq!((&answer["actions"]["subscribe"], &answer["failed"]), (&json!(1), &json!(0)), "{answer}");
    assert_eq!(names(&cloud.calls()).iter().filter(|api| **api == "Subscribe").count(), 1);
}

#[tokio::test]
async fn a_reminder_that_reached_nobody_is_sent_again_when_somebody_listens_and_operations_hear_of_it() {
    let mut cloud = cloud_with_bob_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.subscribe("alice@example.com").await;
    cloud.sweep().await;
    assert_eq!(cloud.secret_tags(&alice).await.get("mfa-warden:unreached"), None);

    let topic = &cloud.warden.settings.owner_topic_arn;
    let listed = cloud.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let hers = listed.subscriptions().iter().find(|one| one.endpoint() == Some("alice@example.com")).unwrap();
    cloud.sns.unsubscribe().subscription_arn(hers.subscription_arn().unwrap()).send().await.unwrap();
    cloud.calls();
    cloud.warden.clock = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(4 * 24);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(reminder)"]), "{answer}");
    assert!(summary(&cloud).contains("UNREACHABLE OWNERS"));
    let version = cloud.current(&alice).await;
    let mark = format!("{} reminder", &version[version.len() - 8..]);
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], mark);
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "nobody has come to listen");

    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(reminder)"]), "{answer}");
    assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], "");
}

#[tokio::test]
async fn the_first_owners_of_a_new_topic_are_subscribed_too() {
    let cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["subscribe"], 1, "{answer}");
}

#[tokio::test]
async fn one_failed_look_at_the_topic_does_not_make_the_unreached_reached() {
    let cloud = cloud_with_bob_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let unreached = cloud.secret_tags(&alice).await["mfa-warden:unreached"].clone();
    assert_ne!(unreached, "");
    cloud.calls();
    for api in ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"] {
        cloud.take_down(api);
        cloud.sweep().await;
        assert_eq!(writes(&cloud.calls()), NOTHING);
        assert_eq!(cloud.secret_tags(&alice).await["mfa-warden:unreached"], unreached);
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_subscribed_is_told_and_fails_nobody() {
    let cloud = cloud_with_bob_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.take_down("Subscribe");
    let answer = cloud.sweep().await;
    assert_eq!(
        (&answer["failed"], &answer["outcomes"][0]["result"]),
        (&json!(0), &json!("done")),
        "{answer}"
    );
    assert!(answer["warnings"].to_string().contains("alice@example.com cannot be subscribed"), "{answer}");
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn what_cannot_be_read_of_the_topic_is_a_warning_and_owners_are_told_as_ever() {
    for api in ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"] {
        let cloud = cloud_with_bob_listening(&[]).await;
        let alice = cloud.user("alice").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert!(
            answer["warnings"].to_string().contains("cannot tell whether owners are reached"),
            "{answer}"
        );
        cloud.assert_sound("alice", &alice).await;
        assert_eq!(cloud.secret_tags(&alice).await.get("mfa-warden:unreached"), None);
    }
}

#[tokio::test]
async fn nobody_is_quarantined_for_invitations_to_a_topic_without_any_subscription() {
    let mut cloud = quarantining_cloud(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    assert!(answer["warnings"].to_string().contains("the owner topic has no subscription"), "{answer}");
    assert!(summary(&cloud).contains("UNREACHABLE OWNERS"), "operations hear who was not reached");
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "nobody has come to listen");

    cloud.warden.clock = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(20 * 24);
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["quarantine"], 0, "{answer}");
    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(
        answer["outcomes"][0]["actions"],
        json!(["provision", "notify(invitation)"]),
        "a new seed, and so time before the quarantine: {answer}"
    );
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn the_subscriptions_are_listed_once_a_sweep_and_only_when_somebody_is_to_be_told() {
    let cloud = cloud_with_bob_listening(&[]).await;
    cloud.user_without_password("robot", "/").await;
    cloud.sweep().await;
    let count = |cloud: &Cloud| {
        let calls = cloud.calls();
        let names: Vec<String> = names(&calls).into_iter().map(str::to_owned).collect();
        ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"]
            .map(|api| names.iter().filter(|name| *name == api).count())
    };
    assert_eq!(count(&cloud), [0, 0]);
    for name in ["alice", "carol", "dave"] {
        cloud.user(name).await;
    }
    cloud.sweep().await;
    assert_eq!(count(&cloud), [1, 1], "bob's filter is read once for all");
    let _: Value = cloud.sweep().await;
}
