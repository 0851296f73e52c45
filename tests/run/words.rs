//! Words of others stay words: every door that they come in by, every window that they could be seen in.

#[path = "../support/words.rs"]
mod hostile;

use crate::cloud::{Cloud, published};
use hostile::{HOSTILE, HOSTILE_IN_XML, assert_harmless};
use serde_json::Value;

/// All strings of an answer.
fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| strings(one, into)),
        // A user's name is what a caller asks for again: IAM's letters as they are.
        Value::Object(all) => all.iter().filter(|(key, _)| *key != "user").for_each(|(key, one)| {
            into.push(key.clone());
            strings(one, into);
        }),
        _ => {}
    }
}

/// Looks at everything that a run says: messages to owners and operations, and its answer.
fn look(door: &str, cloud: &Cloud, answer: &Value) {
    let mut said = Vec::new();
    strings(answer, &mut said);
    for text in &said {
        assert_harmless(&format!("{door}, answer"), text);
    }
    let messages = published(&cloud.calls());
    for message in &messages {
        let window = format!("{door}, {}", message.topic);
        assert_harmless(&window, &message.text);
        assert_harmless(&window, &message.subject);
        if message.topic == "owners" {
            assert!(!message.text.contains("evil"), "{window}: no free words of others: {}", message.text);
        }
    }
    assert!(
        said.iter().any(|text| text.contains("evil")) || messages.iter().any(|m| m.text.contains("evil")),
        "{door}: nothing came in by this door: {answer}"
    );
}

#[tokio::test]
async fn words_of_others_are_shown_as_words_whichever_door_they_come_in_by() {
    // Tags of users.
    for (key, value) in [
        ("email", format!("a@b {HOSTILE_IN_XML}")),
        ("mfa-exempt", format!("permanent {HOSTILE_IN_XML}")),
        ("mfa-exempt", HOSTILE_IN_XML.to_owned()),
    ] {
        let cloud = Cloud::new().await;
        cloud.user("alice").await;
        cloud.sweep().await;
        cloud.calls();
        cloud.tag("alice", key, &value).await;
        cloud.user("bob").await;
        let answer = cloud.sweep().await;
        look(&format!("the tag {key}"), &cloud, &answer);
    }

    // Names and descriptions of secrets, and names of devices, of users that are gone.
    let mut cloud = Cloud::new().await;
    for (name, tags) in
        [("mfa-warden/AIDAEXAMPLEGONE0000001", true), ("mfa-warden/<b>evil</b>`rm`@here", false)]
    {
        let secret = cloud.secrets.create_secret().name(name).description(HOSTILE);
        let tag = aws_sdk_secretsmanager::types::Tag::builder()
            .key("mfa-warden:user-id")
            .value("AIDAEXAMPLEGONE0000001");
        secret.set_tags(tags.then(|| vec![tag.build()])).send().await.unwrap();
    }
    let device = cloud.iam.create_virtual_mfa_device().path("/mfa-warden/");
    device.virtual_mfa_device_name("@here=evil.0a1b2c3d").send().await.unwrap();
    cloud.wait(24);
    let answer = cloud.sweep().await;
    look("secrets and devices of nobody", &cloud, &answer);

    // The name of the device that was enabled.
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.calls();
    let device =
        cloud.iam.create_virtual_mfa_device().virtual_mfa_device_name("@here=evil").send().await.unwrap();
    cloud.enable("alice", &device.virtual_mfa_device.unwrap().serial_number).await;
    let answer = cloud.sweep().await;
    look("a device of the user's own making", &cloud, &answer);

    // What AWS said, of a user and of everything.
    for api in
        ["GetLoginProfile", "CreateVirtualMFADevice", "ListSubscriptionsByTopic", "ListEntitiesForPolicy"]
    {
        let cloud = Cloud::quarantining(&[]).await;
        cloud.user("alice").await;
        cloud.take_down_saying(api, HOSTILE);
        let answer = cloud.sweep().await;
        if api == "CreateVirtualMFADevice" {
            // That one carries a seed: none of its words are repeated.
            assert!(!answer.to_string().contains("evil"), "{answer}");
            continue;
        }
        look(api, &cloud, &answer);
    }
    let cloud = Cloud::new().await;
    cloud.take_down_saying("ListUsers", HOSTILE);
    let error = cloud.sweep_result().await.unwrap_err().to_string();
    assert_harmless("the sweep failed", &error);
    look("ListUsers", &cloud, &Value::String(error));

    // Subscriptions of the owner topic.
    let cloud = Cloud::with_nobody_listening(Cloud::next_account(), &[]).await;
    cloud.user("alice").await;
    let subscribe = cloud.sns.subscribe().topic_arn(&cloud.warden.settings.owner_topic_arn);
    subscribe.protocol("email").endpoint("@here<b>evil</b>`rm`@evil.example").send().await.unwrap();
    let answer = cloud.sweep().await;
    look("a subscription", &cloud, &answer);
}
