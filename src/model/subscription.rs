//! A subscription of a topic.

use crate::model::recipient::Address;

/// A subscription of the owner topic, as `ListSubscriptionsByTopic` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its ARN; `None`: it waits to be confirmed, and delivers nothing till then.
    pub arn: Option<String>,
    /// `email`, `sqs`, `lambda`, `https`, …
    pub protocol: String,
    /// Where it delivers to.
    pub endpoint: String,
}

impl Subscription {
    /// Whether it delivers by e-mail.
    pub fn is_mailbox(&self) -> bool {
        self.protocol.starts_with("email")
    }

    /// Whether it is the owner's own mailbox.
    pub fn is_mailbox_of(&self, recipient: &str) -> bool {
        self.is_mailbox() && Address::parse(recipient).is_some_and(|address| address.is_same(&self.endpoint))
    }

    /// Whether it counts as a way to the owner only where its filter names whom it is for: it delivers to one person, a
    /// mailbox of somebody else or a telephone. `recipient`: an address or a name; whoever reads a mailbox that is told of
    /// mere names passes them on.
    pub fn is_personal(&self, recipient: &str) -> bool {
        match self.protocol.as_str() {
            "sms" | "application" => true,
            _ => self.is_mailbox() && !self.is_mailbox_of(recipient) && Address::parse(recipient).is_some(),
        }
    }

    /// Whether it is no way to anybody: it only keeps what it gets.
    pub fn is_archive(&self) -> bool {
        self.protocol == "firehose"
    }

    /// Whether it wants messages at a pace: SNS suspends mailboxes that get too many at once, and a function may mail.
    pub fn is_paced(&self) -> bool {
        self.arn.is_some() && (self.is_mailbox() || self.protocol == "lambda")
    }
}

/// What a subscription's filter says, as SNS tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterPolicy {
    /// The policy's JSON; `None`: everything gets through.
    pub policy: Option<String>,
    /// It is matched against the message's body and not against its attributes.
    pub on_body: bool,
}
