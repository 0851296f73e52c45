//! SNS: subscriptions, tags, and messages with the attributes that subscriptions filter on.

use super::{AwsError, Page, all_pages};
use crate::model::arn::Arn;
use crate::model::message::Message;
use crate::model::subscription::{FilterPolicy, Protocol, Subscription};
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::tag_resource::TagResourceError;
use aws_sdk_sns::types::{MessageAttributeValue, Tag};
use serde_json::json;
use std::collections::BTreeMap;

/// The SNS client.
#[derive(Debug, Clone)]
pub struct Sns(pub aws_sdk_sns::Client);

impl Sns {
    /// All subscriptions of the topic.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn subscriptions(&self, topic_arn: &str) -> Result<Vec<Subscription>, AwsError> {
        let attempted = format!("list the subscriptions of {topic_arn}");
        let listed = all_pages(&attempted, async |token| {
            let request = self.0.list_subscriptions_by_topic().topic_arn(topic_arn).set_next_token(token);
            let answer = request.send().await.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_token(answer.subscriptions.unwrap_or_default(), answer.next_token))
        });
        let subscription = |subscription: aws_sdk_sns::types::Subscription| Subscription {
            // Before there is an ARN, AWS says `PendingConfirmation`. `Deleted` delivers nothing either.
            arn: subscription.subscription_arn.filter(|arn| Arn::parse(arn).is_some()),
            protocol: Protocol::read(subscription.protocol.as_deref().unwrap_or_default()),
            endpoint: subscription.endpoint.unwrap_or_default(),
        };
        Ok(listed.await?.into_iter().map(subscription).collect())
    }

    /// The filter policy of a subscription.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn filter(&self, subscription_arn: &str) -> Result<FilterPolicy, AwsError> {
        let answer = self.0.get_subscription_attributes().subscription_arn(subscription_arn).send().await;
        let answer = answer.map_err(|error| {
            AwsError::new(format!("read the filter of the subscription {subscription_arn}"), error)
        })?;
        let attributes = answer.attributes.unwrap_or_default();
        let attribute = |name: &str| attributes.get(name).filter(|text| !text.is_empty());
        let on_body = attribute("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody");
        Ok(FilterPolicy { policy: attribute("FilterPolicy").cloned(), on_body })
    }

    /// Subscribes an e-mail address to the messages whose `recipient` it is, in any case: the tags of several users may
    /// spell one mailbox differently. SNS asks the address to confirm.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn subscribe(&self, topic_arn: &str, address: &str) -> Result<(), AwsError> {
        let request = self.0.subscribe().topic_arn(topic_arn).protocol("email").endpoint(address);
        let answer = request
            .attributes("FilterPolicy", json!({"recipient": [{"equals-ignore-case": address}]}).to_string())
            .send()
            .await;
        answer.map(|_| ()).map_err(|error| AwsError::new(format!("subscribe an owner to {topic_arn}"), error))
    }

    /// The topic's tags.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn tags(&self, topic_arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let answer = self.0.list_tags_for_resource().resource_arn(topic_arn).send().await;
        let answer = answer.map_err(|error| AwsError::new(format!("read the tags of {topic_arn}"), error))?;
        Ok(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// Sets tags of the topic; tags with other keys stay.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn set_tags(&self, topic_arn: &str, tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
        let attempted = || format!("tag {topic_arn}");
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags: Result<Vec<Tag>, _> = tags.collect();
        let tags = tags.map_err(|error| {
            AwsError::new(attempted(), SdkError::<TagResourceError>::construction_failure(error))
        })?;
        let answer = self.0.tag_resource().resource_arn(topic_arn).set_tags(Some(tags)).send().await;
        answer.map(|_| ()).map_err(|error| AwsError::new(attempted(), error))
    }

    /// Publishes `message` to the topic. `by_protocol`: one text for each protocol, in JSON (`MessageStructure=json`);
    /// `None`: all protocols get the message's text.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn publish(
        &self,
        topic_arn: &str,
        message: &Message,
        by_protocol: Option<String>,
    ) -> Result<(), AwsError> {
        let mut request = self.0.publish().topic_arn(topic_arn).subject(&message.subject);
        request = match by_protocol {
            Some(by_protocol) => request.message_structure("json").message(by_protocol),
            None => request.message(&message.text),
        };
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| AwsError::new("build a message attribute", aws_sdk_sns::error::SdkError::<aws_sdk_sns::operation::publish::PublishError>::construction_failure(error)))?;
            request = request.message_attributes(*name, value);
        }
        let attempted = || format!("publish `{}` to {topic_arn}", message.subject);
        request.send().await.map(|_| ()).map_err(|error| AwsError::new(attempted(), error))
    }
}
