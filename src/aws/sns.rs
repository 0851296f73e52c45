//! SNS: publishing a message with the attributes that subscriptions filter on.

use super::AwsError;
use crate::notice::Message;
use crate::reach::{Filter, Subscription};
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;

/// The SNS client.
#[derive(Debug, Clone)]
pub struct Sns(pub aws_sdk_sns::Client);

impl Sns {
    /// All subscriptions of the topic.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn subscriptions(&self, topic_arn: &str) -> Result<Vec<Subscription>, AwsError> {
        let mut pages = self.0.list_subscriptions_by_topic().topic_arn(topic_arn).into_paginator().send();
        let mut subscriptions = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| AwsError::new(format!("list the subscriptions of {topic_arn}"), error))?;
            subscriptions.extend(page.subscriptions.unwrap_or_default().into_iter().map(|subscription| {
                // Where there is no ARN yet, AWS says `PendingConfirmation`; `Deleted` delivers nothing either.
                let arn = subscription.subscription_arn.filter(|arn| arn.starts_with("arn:"));
                Subscription {
                    arn,
                    protocol: subscription.protocol.unwrap_or_default(),
                    endpoint: subscription.endpoint.unwrap_or_default(),
                }
            }));
        }
        Ok(subscriptions)
    }

    /// What a subscription lets through.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn filter(&self, subscription_arn: &str) -> Result<Filter, AwsError> {
        let answer = self.0.get_subscription_attributes().subscription_arn(subscription_arn).send().await;
        let answer = answer.map_err(|error| {
            AwsError::new(format!("read the filter of the subscription {subscription_arn}"), error)
        })?;
        let mut attributes = answer.attributes.unwrap_or_default();
        Ok(Filter {
            policy: attributes.remove("FilterPolicy").filter(|policy| !policy.is_empty()),
            on_body: attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody"),
        })
    }

    /// Subscribes an e-mail address to the messages whose `recipient` it is. SNS asks the address to confirm.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn subscribe(&self, topic_arn: &str, address: &str) -> Result<(), AwsError> {
        let request = self.0.subscribe().topic_arn(topic_arn).protocol("email").endpoint(address);
        let answer =
            request.attributes("FilterPolicy", json!({"recipient": [address]}).to_string()).send().await;
        answer
            .map(|_| ())
            .map_err(|error| AwsError::new(format!("subscribe {address} to {topic_arn}"), error))
    }

    /// Publishes `message` to the topic.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn publish(&self, topic_arn: &str, message: &Message) -> Result<(), AwsError> {
        let mut request =
            self.0.publish().topic_arn(topic_arn).subject(&message.subject).message(&message.text);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| AwsError::new("build a message attribute", aws_sdk_sns::error::SdkError::<aws_sdk_sns::operation::publish::PublishError>::construction_failure(error)))?;
            request = request.message_attributes(*name, value);
        }
        let attempted = || format!("publish `{}` to {topic_arn}", message.subject);
        request.send().await.map(|_| ()).map_err(|error| AwsError::new(attempted(), error))
    }
}
