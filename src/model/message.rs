//! A message to publish.

use crate::model::action::Notice;
use crate::model::language::Language;
use jiff::Timestamp;

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 ASCII characters, as SNS requires for e-mail subjects.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same message for machines: queues, functions and HTTPS endpoints get it.
    pub data: Option<String>,
    /// Message attributes (of type `String`) that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
}

/// A message to an owner: the text, and the same as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerMessage {
    /// The account's id.
    pub account: String,
    /// The user's name.
    pub user: String,
    /// The user's unique id.
    pub user_id: String,
    /// The kind of message.
    pub notice: Notice,
    /// Whom it goes to.
    pub recipient: String,
    /// The language of subject and text.
    pub language: Language,
    /// When MFA is due; `None`: the message names no time.
    pub deadline: Option<Timestamp>,
    /// The subject, as in [`Message`].
    pub subject: String,
    /// The text, as in [`Message`].
    pub text: String,
    /// `CONTACT`.
    pub contact: Option<String>,
    /// Links into the console, where its address is known.
    pub links: Links,
    /// The prepared device; `None`: the message offers none.
    pub prepared: Option<Prepared>,
}

/// Links into the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Where IAM users of the account sign in.
    pub sign_in: Option<String>,
    /// The page of one's own security credentials.
    pub security_credentials: Option<String>,
    /// CloudShell in the secret's region.
    pub cloudshell: Option<String>,
}

/// How to enroll with the prepared device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The line that does it all.
    pub enroll: String,
    /// The line that shows the QR code.
    pub show: String,
    /// The line that enables the device, with `CODE1` and `CODE2` in place of two codes.
    pub enable: String,
    /// The device's serial number: its ARN.
    pub serial_number: String,
    /// The secret's name.
    pub secret: String,
}
