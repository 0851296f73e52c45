//! The owner topic's subscriptions. A run reads them once, and only if it has something to tell an owner.

use crate::aws::AwsError;
use crate::aws::sns::Sns;
use crate::model::delivery::Delivery;
use crate::model::known::Known;
use crate::model::recipient::Recipient;
use crate::model::subscription::{FilterPolicy, Subscription};
use crate::model::text::shown;
use crate::model::warning::Warning;
use crate::rules::delivery::{Filter, Listener, Reach, reach};
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

/// The pause between two messages if mailboxes or functions are subscribed: SNS suspends an e-mail endpoint that gets
/// more than ten messages a second.
const MAIL_PACE: Duration = Duration::from_millis(250);

/// A subscription, and its filter once the run needs it (`None`: it could not be read).
type Read = (Subscription, OnceCell<Option<Filter>>);

/// The state of an address's own subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailbox {
    /// It waits to be confirmed.
    Waits,
    /// It is confirmed.
    Confirmed,
}

/// The owner topic's subscriptions, as one run sees them.
#[derive(Debug)]
pub struct OwnerTopic<'a> {
    sns: &'a Sns,
    topic_arn: Option<&'a str>,
    /// `None`: they could not be listed.
    subscriptions: OnceCell<Option<Vec<Read>>>,
    /// What could not be read, or what AWS refused: one warning of each kind per run.
    warnings: std::sync::Mutex<Vec<Warning>>,
    full: OnceLock<()>,
    /// Set if the topic has no subscription at all.
    deaf: OnceLock<()>,
    /// Subscriptions that let every owner's messages through: because of them, all owners count as reached.
    catch_all: std::sync::Mutex<BTreeSet<String>>,
    /// Addresses that this run asked to confirm: users may share one.
    asked: std::sync::Mutex<HashSet<String>>,
    last_mail: Mutex<Option<Instant>>,
}

impl<'a> OwnerTopic<'a> {
    /// The subscriptions of a topic. Nothing is read yet.
    pub fn new(sns: &'a Sns, topic_arn: &'a str) -> Self {
        OwnerTopic {
            sns,
            topic_arn: Some(topic_arn),
            subscriptions: OnceCell::new(),
            warnings: std::sync::Mutex::default(),
            full: OnceLock::new(),
            deaf: OnceLock::new(),
            catch_all: std::sync::Mutex::default(),
            asked: std::sync::Mutex::default(),
            last_mail: Mutex::default(),
        }
    }

    /// An owner topic with an unknown ARN: nothing is read, and no delivery is known.
    pub fn unknown(sns: &'a Sns) -> Self {
        OwnerTopic { topic_arn: None, ..OwnerTopic::new(sns, "") }
    }

    /// Whether messages reach a recipient: the best result of its addresses. `attributes` gives the attributes of a
    /// message to one address. This takes one call per run, and one for each subscription whose filter is needed.
    pub async fn delivery(
        &self,
        recipient: &Recipient,
        attributes: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Known<Delivery> {
        if matches!(recipient, Recipient::Malformed(_)) {
            return Known::Is(Delivery::Malformed);
        }
        self.best_delivery(recipient.each().into_iter(), attributes).await
    }

    /// Whether messages reach at least one of several addresses.
    pub async fn best_delivery<'r>(
        &self,
        each: impl Iterator<Item = &'r str>,
        attributes: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Known<Delivery> {
        let mut best = Delivery::Unreached;
        let mut is_unreadable = false;
        for one in each {
            match self.delivery_to(one, &attributes(one)).await {
                Known::Is(Delivery::Reached) => return Known::Is(Delivery::Reached),
                Known::Is(delivery) => best = best.min(delivery),
                Known::NotAsked | Known::Unreadable => is_unreadable = true,
            }
        }
        if is_unreadable { Known::Unreadable } else { Known::Is(best) }
    }

    /// Whether messages reach one recipient. Filters are read as they are needed.
    async fn delivery_to(&self, recipient: &str, attributes: &[(&'static str, String)]) -> Known<Delivery> {
        let Some(topic_arn) = self.topic_arn else { return Known::Unreadable };
        let Some(subscriptions) = self.subscriptions.get_or_init(|| self.list(topic_arn)).await else {
            return Known::Unreadable;
        };
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        loop {
            let listeners: Vec<Listener<'_>> = subscriptions
                .iter()
                .map(|(subscription, filter)| match filter.get() {
                    None => (subscription, Known::NotAsked),
                    Some(None) => (subscription, Known::Unreadable),
                    Some(Some(filter)) => (subscription, Known::Is(filter)),
                })
                .collect();
            match reach(&listeners, recipient, &attributes) {
                Reach::NeedsFilter(at) => {
                    let (subscription, filter) = &subscriptions[at];
                    let arn = subscription.arn.as_deref().unwrap_or_default();
                    filter.get_or_init(|| self.filter(arn)).await;
                }
                Reach::Known { delivery, catch_all, not_understood } => {
                    for at in not_understood {
                        let arn = subscriptions[at].0.arn.clone().unwrap_or_default();
                        self.warn(Warning::Filter(arn));
                    }
                    if let Some(at) = catch_all {
                        self.note_catch_all(&subscriptions[at].0);
                    }
                    return delivery;
                }
            }
        }
    }

    fn note_catch_all(&self, subscription: &Subscription) {
        if let Ok(mut known) = self.catch_all.lock() {
            known.insert(format!(
                "{} {}",
                shown(subscription.protocol.name()),
                shown(&subscription.endpoint)
            ));
        }
    }

    /// The subscriptions that count for every owner, as far as this run read them.
    pub fn catch_all(&self) -> Vec<String> {
        self.catch_all.lock().map(|known| known.iter().cloned().collect()).unwrap_or_default()
    }

    /// Whether this run listed the subscriptions.
    pub fn is_known(&self) -> bool {
        self.subscriptions.get().is_some_and(Option::is_some)
    }

    /// Whether this run saw that the owner topic has no subscription at all.
    pub fn is_deaf(&self) -> bool {
        self.deaf.get().is_some()
    }

    /// The state of the address's own mailbox, if it is subscribed. `None` too if that could not be read.
    pub async fn mailbox(&self, address: &str) -> Option<Mailbox> {
        let topic_arn = self.topic_arn?;
        let listed = self.subscriptions.get_or_init(|| self.list(topic_arn)).await;
        let own = listed.iter().flatten().map(|(subscription, _)| subscription);
        let mut own = own.filter(|subscription| subscription.is_mailbox_of(address)).peekable();
        own.peek()?;
        let is_confirmed = own.any(|subscription| subscription.arn.is_some());
        Some(if is_confirmed { Mailbox::Confirmed } else { Mailbox::Waits })
    }

    /// Whether this run may subscribe the address: it did not yet, and no quota stopped it. Says yes once.
    pub fn may_subscribe(&self, address: &str) -> bool {
        self.topic_arn.is_some()
            && self.full.get().is_none()
            && self.asked.lock().is_ok_and(|mut asked| asked.insert(address.to_ascii_lowercase()))
    }

    /// Subscribes an e-mail address to its own messages. If AWS refuses, the run warns once, and the user does not count as
    /// failed: everything else was done for it. A quota stops subscribing for the rest of the run. Returns whether SNS asked
    /// the address.
    pub async fn subscribe(&self, address: &str) -> bool {
        let Some(topic_arn) = self.topic_arn else { return false };
        match self.sns.subscribe(topic_arn, address).await {
            Ok(()) => true,
            Err(error) if error.is_quota() => {
                if self.full.set(()).is_ok() {
                    self.warn(Warning::SubscriptionQuota(error.into()));
                }
                false
            }
            Err(error) => {
                self.warn(Warning::Subscription { address: address.to_owned(), failure: error.into() });
                false
            }
        }
    }

    /// Waits until the next message may go out, if mailboxes or functions are subscribed: one may get every message.
    /// The first message of a run goes out at once, without a call.
    pub async fn pace(&self) {
        let Some(topic_arn) = self.topic_arn else { return };
        let mut last = self.last_mail.lock().await;
        if let Some(last) = *last {
            let mut listeners =
                self.subscriptions.get_or_init(|| self.list(topic_arn)).await.iter().flatten();
            if listeners.any(|(subscription, _)| subscription.is_paced()) {
                tokio::time::sleep_until(last + MAIL_PACE).await;
            }
        }
        *last = Some(Instant::now());
    }

    /// Warnings for operations about reaching owners.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.lock().map(|warnings| warnings.clone()).unwrap_or_default()
    }

    /// Adds a warning for operations. The first of a kind is enough, because a call that is denied once is denied
    /// always.
    pub fn warn(&self, warning: Warning) {
        if let Ok(mut warnings) = self.warnings.lock()
            && !warnings.iter().any(|known| known.is_of_kind(&warning))
        {
            warnings.push(warning);
        }
    }

    async fn list(&self, topic_arn: &str) -> Option<Vec<Read>> {
        let listed = self.known(self.sns.subscriptions(topic_arn).await)?;
        if listed.is_empty() {
            let _ = self.deaf.set(());
            self.warn(Warning::NoSubscription);
        }
        Some(listed.into_iter().map(|subscription| (subscription, OnceCell::new())).collect())
    }

    async fn filter(&self, arn: &str) -> Option<Filter> {
        let FilterPolicy { policy, on_body } = self.known(self.sns.filter(arn).await)?;
        Some(Filter::read(policy.as_deref(), on_body))
    }

    /// The result of a read. A failed read becomes a warning.
    fn known<T>(&self, read: Result<T, AwsError>) -> Option<T> {
        read.map_err(|error| self.warn(Warning::Delivery(error.into()))).ok()
    }
}
