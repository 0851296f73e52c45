//! The form of messages to owners for machines: every test that reads one validates it.

use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/events/schema/notice.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
});

/// The message, which has the form that `events/schema/notice.json` describes.
#[track_caller]
pub fn valid(message: &str) -> Value {
    let message: Value = serde_json::from_str(message).unwrap();
    let errors: Vec<String> = SCHEMA.iter_errors(&message).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {message}");
    message
}
