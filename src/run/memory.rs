//! What the function remembers beyond single users: tags of the operations topic, read only when needed.

use crate::aws::AwsError;
use crate::aws::again::ask_again;
use crate::aws::sns::Sns;
use crate::model::text::without_addresses;
use crate::rules::asked::Asked;
use crate::rules::history::History;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
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
    /// `None`: unknown, so nothing is remembered.
    topic_arn: Option<&'a str>,
    clock: fn() -> Timestamp,
    /// The tags when the run first needed them; `None`: they could not be read.
    at_first: OnceCell<Option<BTreeMap<String, String>>>,
    /// The addresses that SNS asked in this run, and those that this run is the first to see waiting.
    asked: Mutex<BTreeSet<String>>,
}

impl<'a> Memory<'a> {
    /// The memory in a topic's tags. Nothing is read yet.
    pub fn new(sns: &'a Sns, topic_arn: &'a str, clock: fn() -> Timestamp) -> Self {
        Memory { sns, topic_arn: Some(topic_arn), clock, at_first: OnceCell::new(), asked: Mutex::default() }
    }

    /// The memory where the topic is unknown: nothing is read or written.
    pub fn unknown(sns: &'a Sns, clock: fn() -> Timestamp) -> Self {
        Memory { topic_arn: None, ..Memory::new(sns, "", clock) }
    }

    /// The present tags; `None`: they cannot be read, which is logged. Operations are then told again what they know,
    /// and users get a full grace period.
    pub async fn tags(&self) -> Option<BTreeMap<String, String>> {
        let topic_arn = self.topic_arn?;
        match tokio::time::timeout(PATIENCE, self.sns.tags(topic_arn)).await {
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

    /// Whether the link that SNS mailed to the address, to confirm its subscription, no longer works. An address that this
    /// run is the first to see waiting got it an unknown time ago: it counts as asked now.
    pub async fn link_has_lapsed(&self, address: &str) -> bool {
        let Some(tags) = self.at_first().await else { return false };
        let now = (self.clock)();
        let asked = Asked::parse(tags, now);
        if !asked.knows(address) {
            self.note_asked(address);
        }
        asked.has_lapsed(address, now)
    }

    /// Records that SNS asks the address to confirm its subscription.
    pub fn note_asked(&self, address: &str) {
        if let Ok(mut asked) = self.asked.lock() {
            asked.insert(address.to_owned());
        }
    }

    /// Writes down whom SNS asked in this run. If that fails, these owners are asked again later than they could be.
    pub async fn write_asked(&self) {
        let addresses = self.asked.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default();
        if addresses.is_empty() {
            return;
        }
        // What other runs wrote since must stay.
        let Some(tags) = self.tags().await else { return };
        let now = (self.clock)();
        let mut asked = Asked::parse(&tags, now);
        addresses.iter().for_each(|address| asked.note(address, now));
        if let Err(error) = self.write(&asked.changes()).await {
            let error = without_addresses(&error.to_string());
            tracing::warn!(error, "it is not recorded which owners SNS asked to confirm their subscriptions");
        }
    }

    /// Writes tags; tags with other keys stay. SNS refuses the call while another run tags the topic: it is then tried
    /// once more.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn write(&self, tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
        let Some(topic_arn) = self.topic_arn else { return Ok(()) };
        let write = async || self.sns.set_tags(topic_arn, tags).await;
        ask_again(&WRITE_PAUSES, write, |written| {
            !written.as_ref().is_err_and(AwsError::is_concurrent_access)
        })
        .await
    }
}
