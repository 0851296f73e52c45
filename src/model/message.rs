//! A message to publish.

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 ASCII characters, as SNS demands of e-mail subjects.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same for machines, where there is such a thing: what queues, functions and HTTPS endpoints get.
    pub data: Option<String>,
    /// Message attributes (of type `String`) that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
}
