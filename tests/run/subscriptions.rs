//! Who hears the owner topic, by answers that no emulator gives: pending subscriptions, quotas, a full mailbox's pace.

use aws_sdk_sns::Client;
use aws_sdk_sns::operation::get_subscription_attributes::GetSubscriptionAttributesOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::subscribe::{SubscribeError, SubscribeOutput};
use aws_sdk_sns::types::Subscription;
use aws_sdk_sns::types::error::{FilterPolicyLimitExceededException, InvalidParameterException};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use mfa_warden::aws::sns::Sns;
use mfa_warden::messages::owner::attributes;
use mfa_warden::model::action::Notice;
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::known::Known;
use mfa_warden::model::recipient::Recipient;
use mfa_warden::run::subscriptions::{Mailbox, OwnerTopic};
use std::time::Duration;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:owners";
const ALICE: &str = "alice@example.com";

/// Protocol, endpoint and filter of a subscription, and what else its attributes say; without a filter it takes
/// everything.
type Listening = (&'static str, &'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

struct Topic {
    list: Rule,
    filters: Vec<Rule>,
}

impl Topic {
    fn with(listening: &[Listening]) -> Self {
        let arn = |number: usize| format!("{TOPIC}:{number}");
        let subscriptions: Vec<Subscription> = listening
            .iter()
            .enumerate()
            .map(|(number, (protocol, endpoint, _, more))| {
                let pending = more.contains(&("PendingConfirmation", "true"));
                let arn = if pending { "PendingConfirmation".to_owned() } else { arn(number) };
                Subscription::builder().subscription_arn(arn).protocol(*protocol).endpoint(*endpoint).build()
            })
            .collect();
        let list = mock!(Client::list_subscriptions_by_topic).then_output(move || {
            let subscriptions = Some(subscriptions.clone());
            ListSubscriptionsByTopicOutput::builder().set_subscriptions(subscriptions).build()
        });
        let filter = |(number, (_, _, filter, more)): (usize, &Listening)| {
            let (own, filter, more) = (arn(number), *filter, *more);
            mock!(Client::get_subscription_attributes)
                .match_requests(move |request| request.subscription_arn() == Some(&own))
                .then_output(move || {
                    let attributes = filter.map(|filter| ("FilterPolicy", filter));
                    let attributes = attributes.into_iter().chain(more.iter().copied());
                    let attributes =
                        attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                    GetSubscriptionAttributesOutput::builder().set_attributes(Some(attributes)).build()
                })
        };
        Topic { list, filters: listening.iter().enumerate().map(filter).collect() }
    }

    fn sns(&self, more: &[&Rule]) -> Sns {
        let rules: Vec<&Rule> =
            [&self.list].into_iter().chain(&self.filters).chain(more.iter().copied()).collect();
        Sns(mock_client!(aws_sdk_sns, RuleMode::MatchAny, &rules))
    }
}

/// The warnings of a run, in words.
fn said(owner_topic: &OwnerTopic<'_>) -> Vec<String> {
    owner_topic.warnings().iter().map(ToString::to_string).collect()
}

async fn reach(listening: &[Listening], recipient: &str) -> (Known<Delivery>, Vec<String>) {
    let sns = Topic::with(listening).sns(&[]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    let tags = [("email".to_owned(), recipient.to_owned())].into();
    let recipient = Recipient::of(&tags, "email", "alice");
    let attributes = |one: &str| attributes(Notice::Invitation, one, "alice", "123456789012");
    (owner_topic.delivery(&recipient, attributes).await, said(&owner_topic))
}

const ALICES: &str = r#"{"recipient":["alice@example.com"]}"#;

#[tokio::test]
async fn subscriptions_that_count_for_everybody_are_named() {
    let sns = Topic::with(&[
        ("email", ALICE, Some(ALICES), &[]),
        ("sqs", "arn:aws:sqs:us-east-1:123456789012:somebodys", None, &[]),
    ])
    .sns(&[]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    let reach = async |name: &str| {
        let tags = [("email".to_owned(), name.to_owned())].into();
        let recipient = Recipient::of(&tags, "email", "alice");
        owner_topic.delivery(&recipient, |one| attributes(Notice::Invitation, one, "alice", "1")).await
    };
    assert_eq!(reach(ALICE).await, Known::Is(Delivery::Reached));
    assert_eq!(owner_topic.catch_all(), Vec::<String>::new(), "her own mailbox is enough");
    assert_eq!(reach("bob@example.com").await, Known::Is(Delivery::Reached));
    assert_eq!(owner_topic.catch_all(), ["sqs arn:aws:sqs:us-east-1:123456789012:somebodys"]);
    for (filter, named) in [
        (r#"{"recipient":[{"exists":true}]}"#, true),
        (r#"{"recipient":[{"anything-but":"x"}]}"#, true),
        (r#"{"kind":["invitation"]}"#, true),
        (r#"{"recipient":[{"suffix":"@example.com"}]}"#, false),
        (r#"{"user":["alice"]}"#, false),
    ] {
        let sns = Topic::with(&[("sqs", "q", Some(filter), &[])]).sns(&[]);
        let owner_topic = OwnerTopic::new(&sns, TOPIC);
        let recipient = Recipient::of(&[("email".to_owned(), ALICE.to_owned())].into(), "email", "alice");
        owner_topic.delivery(&recipient, |one| attributes(Notice::Invitation, one, "alice", "1")).await;
        assert_eq!(!owner_topic.catch_all().is_empty(), named, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_told() {
    let queue = ("sqs", "q", Some(r#"{"$or":[{"user":["alice"]}]}"#), &[][..]);
    let (reach, troubles) = reach(&[queue], ALICE).await;
    assert_eq!(reach, Known::Unreadable);
    assert!(
        troubles[0].contains("has rules that mfa-warden does not know")
            && troubles[0].contains(&format!("{TOPIC}:0")),
        "{troubles:?}"
    );
}

#[tokio::test]
async fn a_full_topic_is_told_once_and_asked_no_more() {
    let topic = Topic::with(&[]);
    let full = mock!(Client::subscribe).then_error(|| {
        SubscribeError::FilterPolicyLimitExceededException(
            FilterPolicyLimitExceededException::builder()
                .message("Filter policy limit exceeded")
                .meta(ErrorMetadata::builder().code("FilterPolicyLimitExceeded").build())
                .build(),
        )
    });
    let sns = topic.sns(&[&full]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    for number in 0..5 {
        let address = format!("user-{number}@example.com");
        assert!(!(owner_topic.may_subscribe(&address) && owner_topic.subscribe(&address).await));
    }
    assert_eq!(full.num_calls(), 1);
    let troubles = said(&owner_topic);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].contains("no more owners can be subscribed"), "{troubles:?}");
    assert!(troubles[0].contains("raise the quota of filter policies"), "{troubles:?}");
}

#[tokio::test]
async fn an_address_that_sns_refuses_keeps_no_other_from_being_subscribed() {
    let topic = Topic::with(&[]);
    let refused = mock!(Client::subscribe)
        .match_requests(|request| request.endpoint() == Some("a@example..com"))
        .then_error(|| {
            SubscribeError::InvalidParameterException(InvalidParameterException::builder().build())
        });
    let taken = mock!(Client::subscribe)
        .match_requests(|request| request.endpoint() == Some(ALICE))
        .then_output(|| SubscribeOutput::builder().build());
    let sns = topic.sns(&[&refused, &taken]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    assert!(!owner_topic.subscribe("a@example..com").await);
    assert!(owner_topic.subscribe(ALICE).await);
    assert!(
        owner_topic.may_subscribe(ALICE) && !owner_topic.may_subscribe("Alice@example.com"),
        "once a run"
    );
    assert!(said(&owner_topic)[0].contains("some owners cannot be subscribed: a@example..com"));
}

/// How long ten messages take to be let out, by a clock that jumps.
async fn ten_messages(listening: &[Listening]) -> (Duration, usize) {
    let topic = Topic::with(listening);
    let sns = topic.sns(&[]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    let started = tokio::time::Instant::now();
    owner_topic.pace().await;
    assert_eq!(topic.list.num_calls(), 0, "the first message waits for nothing and asks nothing");
    for _ in 1..10 {
        owner_topic.pace().await;
    }
    (started.elapsed(), topic.list.num_calls())
}

#[tokio::test(start_paused = true)]
async fn mailboxes_and_functions_get_no_more_than_four_messages_a_second_and_queues_as_many_as_there_are() {
    for protocol in ["email", "email-json", "lambda"] {
        let (time, lists) = ten_messages(&[(protocol, "team@example.com", None, &[][..])]).await;
        assert!(time >= Duration::from_millis(9 * 250), "{protocol}: {time:?}");
        assert_eq!(lists, 1);
    }
    let queue = [("sqs", "q", None, &[][..])];
    assert!(ten_messages(&queue).await.0 < Duration::from_millis(125));
}

#[tokio::test]
async fn a_mailbox_waits_is_confirmed_or_is_not_subscribed() {
    let sns = Topic::with(&[
        ("email", ALICE, None, &[("PendingConfirmation", "true")]),
        ("email", "bob@example.com", None, &[]),
        ("sqs", "q", None, &[]),
    ])
    .sns(&[]);
    let owner_topic = OwnerTopic::new(&sns, TOPIC);
    assert_eq!(owner_topic.mailbox("Alice@example.com").await, Some(Mailbox::Waits));
    assert_eq!(owner_topic.mailbox("bob@example.com").await, Some(Mailbox::Confirmed));
    assert_eq!(owner_topic.mailbox("carol@example.com").await, None);
}
