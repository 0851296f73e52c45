//! What this function remembers beyond single users: tags of the operations topic, read once a run and only when needed.

use crate::aws::AwsError;
use crate::aws::sns::Sns;
use crate::rules::history::History;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long reading may take: nothing that it is good for is worth keeping an owner waiting.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Between two attempts to write, where another run wrote at the same moment.
const AGAIN: Duration = Duration::from_millis(300);

/// The tags of the operations topic, as one run sees them.
#[derive(Debug)]
pub struct Memory<'a> {
    sns: &'a Sns,
    topic_arn: &'a str,
    clock: fn() -> Timestamp,
    /// The tags when the run first needed them; `None`: they could not be read.
    at_first: OnceCell<Option<BTreeMap<String, String>>>,
}

impl<'a> Memory<'a> {
    /// The memory in that topic's tags; nothing is read yet.
    pub fn new(sns: &'a Sns, topic_arn: &'a str, clock: fn() -> Timestamp) -> Self {
        Memory { sns, topic_arn, clock, at_first: OnceCell::new() }
    }

    /// The tags as they are now; `None`: they cannot be read, which is logged. Then operations are told again of what they
    /// know, and a grace period is a whole one.
    pub async fn tags(&self) -> Option<BTreeMap<String, String>> {
        match tokio::time::timeout(PATIENCE, self.sns.tags(self.topic_arn)).await {
            Ok(Ok(tags)) => Some(tags),
            Ok(Err(error)) => {
                tracing::warn!(%error, "nothing is known of what earlier runs told, and of grace periods used before");
                None
            }
            Err(_) => {
                tracing::warn!(
                    "nothing is known of what earlier runs told, and of grace periods used before: SNS does not answer"
                );
                None
            }
        }
    }

    /// How much of its grace period a user has used up in enrollments that were closed.
    pub async fn grace_used(&self, user_id: &str) -> SignedDuration {
        let tags = self.at_first.get_or_init(|| self.tags()).await;
        tags.as_ref().map_or(SignedDuration::ZERO, |tags| History::parse(tags, (self.clock)()).used(user_id))
    }

    /// Writes tags; those of other keys stay. Another run may be tagging the topic at the same moment, which SNS refuses:
    /// then once more.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn write(&self, tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
        match self.sns.set_tags(self.topic_arn, tags).await {
            Err(error) if error.is_concurrent_access() => {
                tokio::time::sleep(AGAIN).await;
                self.sns.set_tags(self.topic_arn, tags).await
            }
            written => written,
        }
    }
}
