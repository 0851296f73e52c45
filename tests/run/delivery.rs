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
async fn nothing_is_prepared_for_an_owner_out_of_reach_and_operations_hear_why_until_somebody_listens() {
    let cloud = cloud_with_bob_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    let why = "no subscription of the owner topic lets messages to alice@example.com through";
    assert_eq!(answer["outcomes"][0]["result"], "none", "{answer}");
    assert_eq!(
        answer["outcomes"][0]["reason"],
        format!("console password, no MFA device; no device is prepared: {why}")
    );
    let calls = cloud.calls();
    assert_eq!(writes(&calls), ["Publish", "TagResource"], "operations are told, and nobody else");
    assert!(published(&calls)[0].text.contains(&format!("- alice: {why}")));
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "nobody has come to listen");

    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    cloud.assert_sound("alice", &alice).await;
    let tags = cloud.secret_tags(&alice).await;
    assert_eq!(tags["mfa-warden:heard-at"], tags["mfa-warden:first-notice-at"]);
    assert_eq!(tags["mfa-warden:recipient"], "alice@example.com");
    assert_eq!(tags.get("mfa-warden:unreached"), None, "that was version 0.1.0's");
    cloud.calls();
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
}

#[tokio::test]
async fn every_address_of_an_owner_tag_is_told_and_one_that_hears_is_enough() {
    let cloud = cloud_with_nobody_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", " ann@corp.example:Bob@CORP.example ").await;
    cloud.subscribe("Bob@corp.example").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    let messages = published(&cloud.calls());
    let recipients: Vec<&str> = messages
        .iter()
        .filter(|message| message.topic == "owners")
        .map(|message| message.attributes["recipient"].as_str())
        .collect();
    assert_eq!(recipients, ["ann@corp.example", "Bob@corp.example"]);
    let tags = cloud.secret_tags(&alice).await;
    assert_eq!(tags["mfa-warden:recipient"], "ann@corp.example Bob@corp.example");
    assert_ne!(tags["mfa-warden:heard-at"], "");
}

#[tokio::test]
async fn what_is_no_address_is_unreachable_with_the_reason() {
    let cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@@example.com").await;
    cloud.subscribe("security@example.com").await;
    let answer = cloud.sweep().await;
    let reason = answer["outcomes"][0]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with(
            "the owner tag says `alice@(at)example.com`, which is neither an e-mail address nor a name"
        ),
        "{reason}"
    );
    assert_eq!(answer["actions"]["subscribe"], Value::Null);
}

#[tokio::test]
async fn tag_keys_have_no_case() {
    let cloud = cloud_with_nobody_listening(&[]).await;
    for (user, key, value) in
        [("alice", "Email", "alice@example.com"), ("dave", "MFA-Exempt", "permanent robot")]
    {
        cloud.user(user).await;
        cloud.tag(user, key, value).await;
    }
    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    assert_eq!(answer["outcomes"][1]["verdict"], "exempt", "{answer}");
}

#[tokio::test]
async fn an_owner_who_does_not_confirm_is_asked_again_after_two_days() {
    let mut cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "Alice@example.com").await;
    cloud.leave_mailboxes_pending();
    cloud.sweep().await;
    assert_eq!(names(&cloud.calls()).iter().filter(|name| **name == "Subscribe").count(), 1);
    for hours in [1, 23, 24] {
        cloud.wait(hours);
        let answer = cloud.sweep().await;
        assert_eq!(answer["actions"]["subscribe"], Value::Null, "the link still works: {answer}");
        let reason = answer["outcomes"][0]["reason"].as_str().unwrap();
        assert!(reason.ends_with("is not confirmed yet"), "{answer}");
        cloud.calls();
    }
    cloud.wait(24);
    let answer = cloud.handle(json!({"action": "sweep", "dry_run": true})).await.unwrap();
    assert_eq!(answer["outcomes"][0]["actions"], json!(["subscribe"]), "{answer}");
    assert_eq!(writes(&cloud.calls()), NOTHING);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["subscribe"]), "{answer}");
    cloud.calls();
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["subscribe"], Value::Null, "that was a moment ago: {answer}");
}

/// The addresses that SNS was made to ask since the last look.
fn asked(cloud: &Cloud) -> Vec<String> {
    let calls = cloud.calls();
    calls
        .iter()
        .filter(|call| call.api == "Subscribe")
        .map(|call| call.parameter("Endpoint").unwrap())
        .collect()
}

#[tokio::test]
async fn one_address_whose_link_lapsed_makes_sns_ask_no_other() {
    let mut cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.leave_mailboxes_pending();
    cloud.user("alice").await;
    cloud.tag("alice", "email", "old@example.com").await;
    cloud.check("alice").await;
    assert_eq!(asked(&cloud), ["old@example.com"]);
    cloud.wait(24 * 4);
    cloud.user("bob").await;
    cloud.tag("bob", "email", "new@example.com").await;
    cloud.check("bob").await;
    assert_eq!(asked(&cloud), ["new@example.com"]);
    cloud.tag("bob", "email", "old@example.com:new@example.com").await;
    cloud.check("bob").await;
    assert_eq!(asked(&cloud), ["old@example.com"], "the other was asked a moment ago");
    cloud.check("bob").await;
    assert_eq!(asked(&cloud), [""; 0]);
}

#[tokio::test]
async fn nobody_is_asked_where_it_cannot_be_recorded() {
    let cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.leave_mailboxes_pending();
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    for api in ["ListTagsForResource", "TagResource"] {
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert_eq!(answer["failed"], 0, "{answer}");
        assert_eq!(asked(&cloud), [""; 0], "{api}: each run would ask again");
        cloud.restore();
    }
    cloud.sweep().await;
    assert_eq!(asked(&cloud), ["alice@example.com"]);
}

#[tokio::test]
async fn users_with_one_address_make_sns_ask_it_once() {
    let cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.leave_mailboxes_pending();
    for name in ["alice", "bob", "carol"] {
        cloud.user(name).await;
        cloud.tag(name, "email", "Team@example.com").await;
    }
    cloud.sweep().await;
    cloud.sweep().await;
    assert_eq!(asked(&cloud), ["Team@example.com"]);
}

#[tokio::test]
async fn an_owner_who_waited_before_this_was_recorded_is_asked_again_later_and_not_at_once() {
    let mut cloud = cloud_with_nobody_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.subscribe("alice@example.com").await;
    cloud.leave_mailboxes_pending();
    cloud.calls();
    cloud.take_down("TagResource");
    let answer = cloud.sweep().await;
    assert_eq!(answer["failed"], 0, "what is not recorded fails nobody: {answer}");
    cloud.restore();
    cloud.sweep().await;
    cloud.wait(24 * 4);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["subscribe"]), "{answer}");
    cloud.wait(24 * 4);
    cloud.take_down("ListTagsForResource");
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["subscribe"], Value::Null, "when it was asked is unknown: {answer}");
}

#[tokio::test]
async fn owners_are_subscribed_by_mail_with_a_filter_of_their_own() {
    let cloud = cloud_with_bob_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    for name in ["alice", "carol"] {
        cloud.user(name).await;
    }
    cloud.tag("alice", "email", "alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["subscribe"]), "{answer}");
    assert_eq!(answer["outcomes"][1]["actions"], json!([]), "no address, and bob's mailbox is not hers");
    assert_eq!(answer["actions"]["subscribe"], 1);
    let calls = cloud.calls();
    let subscribe = calls.iter().find(|call| call.api == "Subscribe").unwrap();
    assert_eq!(subscribe.parameter("Protocol").unwrap(), "email");
    assert_eq!(subscribe.parameter("Endpoint").unwrap(), "alice@example.com");
    assert_eq!(
        subscribe.parameter("Attributes.entry.1.value").unwrap(),
        r#"{"recipient":[{"equals-ignore-case":"alice@example.com"}]}"#
    );
    // Moto confirms by itself.
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
}

/// Leaves the owner topic.
async fn unsubscribe(cloud: &Cloud, address: &str) {
    let topic = &cloud.warden.settings.owner_topic_arn;
    let listed = cloud.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let hers = listed.subscriptions().iter().find(|one| one.endpoint() == Some(address)).unwrap();
    cloud.sns.unsubscribe().subscription_arn(hers.subscription_arn().unwrap()).send().await.unwrap();
}

#[tokio::test]
async fn leaving_the_topic_after_the_invitation_is_no_way_around_the_quarantine() {
    let mut cloud = quarantining_cloud(&[("OFFER_TTL", "20d"), ("GRACE_PERIOD", "8d")]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.subscribe("alice@example.com").await;
    cloud.sweep().await;
    unsubscribe(&cloud, "alice@example.com").await;
    let in_days = |days: i64| {
        assert!([10, 21].contains(&days));
        if days == 10 {
            || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(10 * 24)
        } else {
            || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(21 * 24)
        }
    };
    cloud.warden.clock = in_days(10);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["quarantine", "notify(quarantined)"]), "{answer}");
    // A new seed takes the place of the old one, and the quarantine goes on.
    cloud.warden.clock = in_days(21);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!([]), "{answer}");

    cloud.calls();
    cloud.subscribe("alice@example.com").await;
    let answer = cloud.sweep().await;
    assert_eq!(
        answer["outcomes"][0]["actions"],
        json!(["notify(invitation)"]),
        "the new device is news: {answer}"
    );
    let tags = cloud.secret_tags(&alice).await;
    assert_eq!(tags["mfa-warden:heard-at"], tags["mfa-warden:last-notice-at"]);
    assert_eq!(writes(&cloud.calls())[..3], ["TagResource", "Publish", "TagResource"], "proven, told, noted");
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
async fn an_owner_who_heard_the_invitation_and_left_keeps_the_device_and_operations_hear_of_it() {
    let mut cloud = cloud_with_bob_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.subscribe("alice@example.com").await;
    cloud.sweep().await;
    unsubscribe(&cloud, "alice@example.com").await;
    cloud.warden.clock = || jiff::Timestamp::now() + jiff::SignedDuration::from_hours(4 * 24);
    cloud.calls();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(reminder)"]), "{answer}");
    let calls = cloud.calls();
    assert_eq!(writes(&calls)[..2], ["TagResource", "Publish"], "noted, and then published: at most once");
    assert!(published(&calls)[1].text.contains("OWNERS WE CANNOT REACH"));
    cloud.assert_sound("alice", &alice).await;
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
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
async fn what_was_prepared_while_nobody_could_tell_whom_it_reaches_ends_when_it_surely_reaches_nobody() {
    for api in ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"] {
        let cloud = cloud_with_bob_listening(&[]).await;
        let alice = cloud.user("alice").await;
        cloud.tag("alice", "email", "alice@example.com").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
        assert_eq!(
            cloud.secret_tags(&alice).await.get("mfa-warden:heard-at"),
            None,
            "unknown is not reached"
        );
        cloud.calls();
        cloud.sweep().await;
        assert_eq!(writes(&cloud.calls()), NOTHING);
        cloud.restore();
        let answer = cloud.sweep().await;
        assert_eq!(answer["outcomes"][0]["actions"], json!(["close"]), "{answer}");
        assert_eq!(cloud.devices().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_subscribed_is_told_and_fails_nobody() {
    let cloud = cloud_with_bob_listening(&[("SUBSCRIBE_OWNERS", "true")]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.take_down("Subscribe");
    let answer = cloud.sweep().await;
    assert_eq!(
        (&answer["failed"], &answer["outcomes"][0]["result"]),
        (&json!(0), &json!("none")),
        "{answer}"
    );
    assert!(
        answer["warnings"].to_string().contains("some owners cannot be subscribed: alice@example.com"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_of_the_topic_is_a_warning_and_owners_are_told_as_ever() {
    for api in ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"] {
        let cloud = cloud_with_bob_listening(&[]).await;
        let alice = cloud.user("alice").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert!(
            answer["warnings"].to_string().contains("cannot tell whether messages reach the owners"),
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
    assert!(summary(&cloud).contains("OWNERS WE CANNOT REACH"), "operations hear who was not reached");
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
        // The owner topic, and not that of operations.
        ["ListSubscriptionsByTopic", "GetSubscriptionAttributes"]
            .map(|api| calls.iter().filter(|call| call.api == api && call.body.contains("owners")).count())
    };
    assert_eq!(count(&cloud), [0, 0]);
    for name in ["alice", "carol", "dave"] {
        cloud.user(name).await;
    }
    cloud.sweep().await;
    assert_eq!(count(&cloud), [1, 1], "bob's filter is read once for all");
    let _: Value = cloud.sweep().await;
}

#[tokio::test]
async fn an_owner_counts_as_having_heard_only_of_what_went_out_while_somebody_listened() {
    let cloud = cloud_with_nobody_listening(&[]).await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "ann@corp.example:bob@corp.example").await;
    cloud.subscribe("ann@corp.example").await;
    cloud.take_down_for("Publish", "ann@corp.example");
    cloud.sweep().await;
    let heard = cloud.secret_tags(&alice).await.get("mfa-warden:heard-at").cloned();
    assert_eq!(heard.unwrap_or_default(), "", "ann's message was refused, and nobody reads bob's");
    cloud.restore();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(invitation)"]), "{answer}");
    assert_ne!(cloud.secret_tags(&alice).await["mfa-warden:heard-at"], "");
    assert_eq!(cloud.sweep().await["outcomes"][0]["actions"], json!([]));
}
