//! One form of a message for each SNS protocol.

use crate::model::message::Message;
use serde_json::json;

/// The most bytes of a message (SNS's quotas).
const LONGEST_MESSAGE: usize = 256 * 1024;

/// One text for each protocol, in JSON (SNS API reference, `Publish`, `MessageStructure`): people read mail, machines read
/// the other protocols. `chat`: HTTPS endpoints get the text in the schema that Amazon Q Developer in chat applications shows.
/// `None`: the message has no form for machines, or is too long with it, and all protocols get its text.
pub fn by_protocol(message: &Message, chat: bool) -> Option<String> {
    /// How many characters of a notification Amazon Q Developer shows. It cuts off longer texts itself.
    const SHOWN: usize = 8000;
    let data = message.data.as_ref()?;
    let https = if chat {
        let description: String = message.text.chars().take(SHOWN).collect();
        let content =
            json!({"textType": "client-markdown", "title": message.subject, "description": description});
        json!({"version": "1.0", "source": "custom", "content": content}).to_string()
    } else {
        data.clone()
    };
    let by_protocol = json!({
        "default": message.text,
        "sqs": data, "lambda": data, "http": data, "https": https, "firehose": data,
    });
    Some(by_protocol.to_string()).filter(|text| text.len() <= LONGEST_MESSAGE)
}
