//! A subscription to a topic.

use crate::model::recipient::Address;

/// What a subscription delivers to (SNS API reference, `Subscribe`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// A mailbox.
    Email,
    /// A mailbox that gets the message in JSON.
    EmailJson,
    /// A telephone.
    Sms,
    /// An app on a telephone.
    Application,
    /// A stream that stores messages.
    Firehose,
    /// A function.
    Lambda,
    /// A queue, a web server, or one that is not known here.
    Other(String),
}

impl Protocol {
    /// Reads the protocol as SNS names it.
    pub fn read(name: &str) -> Self {
        match name {
            "email" => Protocol::Email,
            "email-json" => Protocol::EmailJson,
            "sms" => Protocol::Sms,
            "application" => Protocol::Application,
            "firehose" => Protocol::Firehose,
            "lambda" => Protocol::Lambda,
            other => Protocol::Other(other.to_owned()),
        }
    }

    /// The protocol as SNS names it.
    pub fn name(&self) -> &str {
        match self {
            Protocol::Email => "email",
            Protocol::EmailJson => "email-json",
            Protocol::Sms => "sms",
            Protocol::Application => "application",
            Protocol::Firehose => "firehose",
            Protocol::Lambda => "lambda",
            Protocol::Other(name) => name,
        }
    }
}

/// A subscription to the owner topic, as `ListSubscriptionsByTopic` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its ARN; `None`: it waits to be confirmed, and delivers nothing until then.
    pub arn: Option<String>,
    /// `email`, `sqs`, `lambda`, `https`, …
    pub protocol: Protocol,
    /// Where it delivers to.
    pub endpoint: String,
}

impl Subscription {
    /// Whether it delivers by e-mail.
    pub fn is_mailbox(&self) -> bool {
        matches!(self.protocol, Protocol::Email | Protocol::EmailJson)
    }

    /// Whether it is the owner's own mailbox.
    pub fn is_mailbox_of(&self, recipient: &str) -> bool {
        self.is_mailbox() && Address::parse(recipient).is_some_and(|address| address.is_same(&self.endpoint))
    }

    /// Whether it delivers to one person: to somebody else's mailbox or to a telephone. It then reaches the owner only if
    /// its filter names the owner. `recipient` is an address or a name. For a name, a mailbox is not personal: its reader
    /// passes the messages on.
    pub fn is_personal(&self, recipient: &str) -> bool {
        match self.protocol {
            Protocol::Sms | Protocol::Application => true,
            _ => self.is_mailbox() && !self.is_mailbox_of(recipient) && Address::parse(recipient).is_some(),
        }
    }

    /// Whether it only stores messages, and so reaches nobody.
    pub fn is_archive(&self) -> bool {
        self.protocol == Protocol::Firehose
    }

    /// Whether its messages must be spaced out: SNS suspends mailboxes that get too many at once, and a function may send
    /// e-mail.
    pub fn is_paced(&self) -> bool {
        self.arn.is_some() && (self.is_mailbox() || self.protocol == Protocol::Lambda)
    }
}

/// What a subscription's filter says, as SNS tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterPolicy {
    /// The policy's JSON; `None`: everything gets through.
    pub policy: Option<String>,
    /// Whether it applies to the message's body and not to its attributes.
    pub on_body: bool,
}
