//! SNS: publishing a message with the attributes that subscriptions filter on.

use super::AwsError;
use crate::notice::Message;
use aws_sdk_sns::types::MessageAttributeValue;

/// The SNS client.
#[derive(Debug, Clone)]
pub struct Sns(pub aws_sdk_sns::Client);

impl Sns {
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
