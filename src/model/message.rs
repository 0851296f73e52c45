//! A message to publish.

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 ASCII characters, as SNS requires for e-mail subjects.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same message for machines, if it has such a form: queues, functions and HTTPS endpoints get it.
    pub data: Option<String>,
    /// Message attributes (of type `String`) that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
}
