//! What the function remembers beyond single users: tags of the operations topic, read only when needed.

use crate::aws::AwsError;
use crate::aws::again::ask_again;
use crate::aws::sns::Sns;
use crate::model::text::without_addresses;
use crate::rules::history::History;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a read of the tags may take: an owner must not wait longer for it.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The pause before a second write, in milliseconds, when another run wrote at the same moment.
const WRITE_PAUSES: [u64; 1] = [300];

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
    /// The memory in a topic's tags. Nothing is read yet.
    pub fn new(sns: &'a Sns, topic_arn: &'a str, clock: fn() -> Timestamp) -> Self {
        Memory { sns, topic_arn, clock, at_first: OnceCell::new() }
    }

    /// The present tags; `None`: they cannot be read, which is logged. Operations are then told again what they know,
    /// and users get a full grace period.
    pub async fn tags(&self) -> Option<BTreeMap<String, String>> {
        match tokio::time::timeout(PATIENCE, self.sns.tags(self.topic_arn)).await {
            Ok(Ok(tags)) => Some(tags),
            Ok(Err(error)) => {
                let error = without_addresses(&error.to_string());
                tracing::warn!(
                    error,
                    "cannot read the topic's tags: earlier messages and used grace are unknown"
                );
                None
            }
            Err(_) => {
                tracing::warn!(
                    "cannot read the topic's tags, SNS is too slow: earlier messages and used grace are unknown"
                );
                None
            }
        }
    }

    /// The tags when this run first needed them: read once.
    pub async fn at_first(&self) -> &Option<BTreeMap<String, String>> {
        self.at_first.get_or_init(|| self.tags()).await
    }

    /// How much of its grace period a user used in enrollments that were closed.
    pub async fn grace_used(&self, user_id: &str) -> SignedDuration {
        self.at_first()
            .await
            .as_ref()
            .map_or(SignedDuration::ZERO, |tags| History::parse(tags, (self.clock)()).used(user_id))
    }

    /// Writes tags; tags with other keys stay. SNS refuses the call while another run tags the topic: it is then tried
    /// once more.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn write(&self, tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
        let write = async || self.sns.set_tags(self.topic_arn, tags).await;
        ask_again(&WRITE_PAUSES, write, |written| {
            !written.as_ref().is_err_and(AwsError::is_concurrent_access)
        })
        .await
    }
}
