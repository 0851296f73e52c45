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
    /// The addresses that this run is the first to see waiting.
    waiting: Mutex<BTreeSet<String>>,
    /// Held while an address is recorded: users of one run may share tags.
    asking: tokio::sync::Mutex<()>,
}

impl<'a> Memory<'a> {
    /// The memory in a topic's tags. Nothing is read yet.
    pub fn new(sns: &'a Sns, topic_arn: &'a str, clock: fn() -> Timestamp) -> Self {
        Memory {
            sns,
            topic_arn: Some(topic_arn),
            clock,
            at_first: OnceCell::new(),
            waiting: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
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

    /// Whether an address with a subscription that waits may be asked again. If this run is the first to see it waiting, it
    /// got the link an unknown time ago, and counts as asked now.
    pub async fn may_ask_again(&self, address: &str) -> bool {
        let Some(tags) = self.at_first().await else { return false };
        let asked = Asked::parse(tags, (self.clock)());
        if !asked.knows(address)
            && let Ok(mut waiting) = self.waiting.lock()
        {
            waiting.insert(address.to_owned());
        }
        asked.may_be_asked(address, true, (self.clock)())
    }

    /// Whether an address may be asked now. If so, this is recorded first: if it cannot be recorded, the address is not
    /// asked, because the next runs would ask it again and again. `waits`: it has a subscription that is not confirmed.
    pub async fn claim_asking(&self, address: &str, waits: bool) -> bool {
        let _one_at_a_time = self.asking.lock().await;
        // What other runs wrote meanwhile counts.
        let Some(tags) = self.tags().await else { return false };
        let now = (self.clock)();
        let mut asked = Asked::parse(&tags, now);
        if !asked.may_be_asked(address, waits, now) {
            return false;
        }
        asked.note(address, now);
        self.write_asked(&asked).await
    }

    /// Records the addresses that this run was the first to see waiting.
    pub async fn note_waiting(&self) {
        let waiting =
            self.waiting.lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default();
        if waiting.is_empty() {
            return;
        }
        let _one_at_a_time = self.asking.lock().await;
        let Some(tags) = self.tags().await else { return };
        let now = (self.clock)();
        let mut asked = Asked::parse(&tags, now);
        for address in &waiting {
            if !asked.knows(address) {
                asked.note(address, now);
            }
        }
        self.write_asked(&asked).await;
    }

    async fn write_asked(&self, asked: &Asked) -> bool {
        let written = self.write(&asked.changes()).await;
        if let Err(error) = &written {
            let error = without_addresses(&error.to_string());
            tracing::warn!(error, "whom SNS asks to confirm cannot be recorded, so nobody is asked");
        }
        written.is_ok()
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
