//! What each SNS protocol gets.

use mfa_warden::messages::protocols::by_protocol;
use mfa_warden::model::message::Message;
use serde_json::{Value, json};

fn message(text: &str, data: Option<&str>) -> Message {
    Message {
        subject: "subject".to_owned(),
        text: text.to_owned(),
        data: data.map(str::to_owned),
        attributes: Vec::new(),
    }
}

fn each(message: &Message, chat: bool) -> Value {
    serde_json::from_str(&by_protocol(message, chat).unwrap()).unwrap()
}

#[test]
fn people_get_the_text_and_machines_the_data() {
    let message = message("text", Some("{}"));
    let expected = json!({
        "default": "text", "sqs": "{}", "lambda": "{}", "http": "{}", "https": "{}", "firehose": "{}",
    });
    assert_eq!(each(&message, false), expected);
}

#[test]
fn a_chat_gets_as_much_of_the_text_as_it_shows() {
    let long = "a".repeat(9000);
    let https: Value =
        serde_json::from_str(each(&message(&long, Some("{}")), true)["https"].as_str().unwrap()).unwrap();
    assert_eq!((&https["version"], &https["source"]), (&json!("1.0"), &json!("custom")));
    assert_eq!(https["content"]["title"], "subject");
    assert_eq!(https["content"]["description"].as_str().unwrap().len(), 8000);
}

#[test]
fn what_has_no_form_for_machines_or_is_too_long_with_it_goes_out_as_text() {
    assert_eq!(by_protocol(&message("text", None), true), None);
    assert_eq!(by_protocol(&message("text", Some(&"x".repeat(60_000))), false), None);
    assert!(by_protocol(&message("text", Some(&"x".repeat(50_000))), false).is_some());
}
