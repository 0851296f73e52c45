//! SNS, in XML.

use crate::wire::{Answer, Aws, error, map, ok, refused};
use mfa_warden::aws::Clients;
use mfa_warden::model::message::Message;
use mfa_warden::model::subscription::{FilterPolicy, Protocol, Subscription};
use std::collections::BTreeMap;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:mfa-warden-owners";
const SUBSCRIPTION: &str =
    "arn:aws:sns:us-east-1:123456789012:mfa-warden-owners:5be8d5b0-8b1e-4f3a-9a5e-0a1b2c3d4e5f";

fn subscription(arn: &str, protocol: &str, endpoint: &str) -> String {
    format!(
        "
      <member>
        <Owner>123456789012</Owner>
        <Endpoint>{endpoint}</Endpoint>
        <Protocol>{protocol}</Protocol>
        <TopicArn>{TOPIC}</TopicArn>
        <SubscriptionArn>{arn}</SubscriptionArn>
      </member>"
    )
}

#[tokio::test]
async fn pending_and_deleted_subscriptions_have_a_word_for_an_arn_and_deliver_nothing() {
    let page = |members: &[String], rest: &str| {
        let members = members.concat();
        ok(
            "sns:ListSubscriptionsByTopic",
            &format!("    <Subscriptions>{members}\n    </Subscriptions>{rest}"),
        )
    };
    let first = [
        subscription("PendingConfirmation", "email", "alice@example.com"),
        subscription("Deleted", "email", "bob@example.com"),
    ];
    let second = [subscription(SUBSCRIPTION, "https", "https://example.com/hook?a=1&amp;b=2")];
    let answers =
        [page(&first, "\n    <NextToken>AAFmMw==</NextToken>"), page(&second, "\n    <NextToken/>")];
    let expected = |arn: Option<&str>, protocol: &str, endpoint: &str| Subscription {
        arn: arn.map(str::to_owned),
        protocol: Protocol::read(protocol),
        endpoint: endpoint.to_owned(),
    };
    assert_eq!(
        Aws::answering(answers).await.sns.subscriptions(TOPIC).await.unwrap(),
        [
            expected(None, "email", "alice@example.com"),
            expected(None, "email", "bob@example.com"),
            expected(Some(SUBSCRIPTION), "https", "https://example.com/hook?a=1&b=2"),
        ]
    );
    let gone = refused("sns:ListSubscriptionsByTopic", 404, "NotFound", "Topic does not exist");
    let said = error([gone], async |aws| aws.sns.subscriptions(TOPIC).await).await.to_string();
    assert_eq!(said, format!("failed to list the subscriptions of {TOPIC}: NotFound: Topic does not exist"));
}

fn attributes(more: &[(&str, &str)]) -> Answer {
    let known = [
        ("Owner", "123456789012"),
        ("RawMessageDelivery", "false"),
        ("TopicArn", TOPIC),
        ("Endpoint", "alice@example.com"),
        ("Protocol", "email"),
        ("PendingConfirmation", "false"),
        ("ConfirmationWasAuthenticated", "false"),
        ("SubscriptionPrincipal", "arn:aws:iam::123456789012:role/mfa-warden"),
        ("SubscriptionArn", SUBSCRIPTION),
    ];
    ok("sns:GetSubscriptionAttributes", &map("Attributes", known.iter().chain(more).copied()))
}

#[tokio::test]
async fn a_subscription_without_a_filter_has_no_entry_for_one() {
    let policy = r#"{"recipient":[{"equals-ignore-case":"alice@example.com"}]}"#;
    let filter = ("FilterPolicy", policy.replace('"', "&quot;"));
    let filter = (filter.0, filter.1.as_str());
    let answers = [
        attributes(&[]),
        attributes(&[filter, ("FilterPolicyScope", "MessageAttributes")]),
        attributes(&[filter, ("FilterPolicyScope", "MessageBody")]),
    ];
    let aws = Aws::answering(answers).await;
    let all = FilterPolicy { policy: None, on_body: false };
    assert_eq!(aws.sns.filter(SUBSCRIPTION).await.unwrap(), all);
    let own = FilterPolicy { policy: Some(policy.to_owned()), on_body: false };
    assert_eq!(aws.sns.filter(SUBSCRIPTION).await.unwrap(), own);
    assert_eq!(aws.sns.filter(SUBSCRIPTION).await.unwrap(), FilterPolicy { on_body: true, ..own });
}

#[tokio::test]
async fn a_filter_of_a_subscription_that_ended_is_an_error_and_never_no_filter() {
    let gone = refused("sns:GetSubscriptionAttributes", 404, "NotFound", "Subscription does not exist");
    let said = error([gone], async |aws| aws.sns.filter(SUBSCRIPTION).await).await.to_string();
    assert_eq!(
        said,
        format!(
            "failed to read the filter of the subscription {SUBSCRIPTION}: NotFound: Subscription does not exist"
        )
    );
}

#[tokio::test]
async fn a_subscription_waits_to_be_confirmed_and_a_full_quota_is_known_as_one() {
    let subscribe = async |aws: &Clients| aws.sns.subscribe(TOPIC, "alice@example.com").await;
    let pending = ok("sns:Subscribe", "    <SubscriptionArn>pending confirmation</SubscriptionArn>");
    subscribe(&*Aws::answering([pending]).await).await.unwrap();
    for (status, code, is_quota) in [
        (403, "FilterPolicyLimitExceeded", true),
        (403, "SubscriptionLimitExceeded", true),
        (400, "InvalidParameter", false),
    ] {
        let no = refused("sns:Subscribe", status, code, "no more");
        let said = error([no], subscribe).await;
        assert_eq!(said.is_quota(), is_quota, "{said}");
        let said = said.to_string();
        assert!(
            said.starts_with(&format!("failed to subscribe an owner to {TOPIC}: {code}: no more")),
            "{said}"
        );
        assert!(!said.contains("alice"), "{said}");
        assert_eq!(said.contains("raise the quota"), code.starts_with("Filter"), "{said}");
    }
}

#[tokio::test]
async fn a_topic_without_tags_has_an_empty_element_or_none() {
    let tags = |content: &str| ok("sns:ListTagsForResource", content);
    let tagged = "    <Tags>
      <member>
        <Value/>
        <Key>mfa-warden:asked</Key>
      </member>
    </Tags>";
    let aws = Aws::answering([tags("    <Tags/>"), tags("    "), tags(tagged)]).await;
    assert_eq!(aws.sns.tags(TOPIC).await.unwrap(), BTreeMap::new());
    assert_eq!(aws.sns.tags(TOPIC).await.unwrap(), BTreeMap::new());
    let tags = BTreeMap::from([("mfa-warden:asked".to_owned(), String::new())]);
    assert_eq!(aws.sns.tags(TOPIC).await.unwrap(), tags);
    let gone = refused("sns:ListTagsForResource", 404, "ResourceNotFound", "Resource does not exist");
    let said = error([gone], async |aws| aws.sns.tags(TOPIC).await).await.to_string();
    let expected = format!("failed to read the tags of {TOPIC}: ResourceNotFound: Resource does not exist");
    assert_eq!(said, expected);
}

#[tokio::test]
async fn tags_that_another_call_is_changing_are_known_as_such() {
    let tag = async |aws: &Clients| {
        aws.sns.set_tags(TOPIC, &BTreeMap::from([("k".to_owned(), "v".to_owned())])).await
    };
    let empty = ok("sns:TagResource", "    ");
    tag(&*Aws::answering([empty]).await).await.unwrap();
    for (code, is_concurrent) in
        [("ConcurrentAccess", true), ("StaleTag", false), ("TagLimitExceeded", false), ("TagPolicy", false)]
    {
        let no = refused("sns:TagResource", 400, code, "not now");
        let said = error([no], tag).await;
        assert_eq!(said.is_concurrent_access(), is_concurrent, "{said}");
        assert_eq!(said.to_string(), format!("failed to tag {TOPIC}: {code}: not now"));
    }
}

fn message() -> Message {
    Message {
        subject: "MFA".to_owned(),
        text: "text".to_owned(),
        data: Some("{}".to_owned()),
        attributes: vec![("recipient", "alice@example.com".to_owned())],
    }
}

#[tokio::test]
async fn a_message_is_published_or_refused_with_aws_s_reason() {
    let publish = async |aws: &Clients| aws.sns.publish(TOPIC, &message(), None).await;
    let id = "    <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId>";
    publish(&*Aws::answering([ok("sns:Publish", id)]).await).await.unwrap();
    for (status, code, message) in [
        (404, "NotFound", "Topic does not exist"),
        (400, "InvalidParameter", "Invalid parameter: Subject"),
        (400, "KMSAccessDenied", "The caller is not authorized to perform: kms:GenerateDataKey"),
        (400, "KMSDisabled", "The key is disabled."),
        (403, "InvalidSecurity", "The request must be sent over HTTPS."),
    ] {
        let no = refused("sns:Publish", status, code, message);
        let said = error([no], publish).await.to_string();
        assert_eq!(said, format!("failed to publish `MFA` to {TOPIC}: {code}: {message}"));
    }
}
