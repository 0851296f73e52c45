//! A message to an owner, as data for machines: `events/schema/notice.json` is its schema.

use crate::model::message::{Links, OwnerMessage, Prepared};
use crate::model::text::rfc3339;
use serde_json::{Value, json};

/// The name and version of the form. Fields may be added to it; any other change is a new version.
pub const SCHEMA: &str = "mfa-warden.notice/1";

/// The message as data.
pub fn data(message: &OwnerMessage) -> Value {
    let Links { sign_in, security_credentials, cloudshell } = &message.links;
    let prepared = message.prepared.as_ref();
    let of = |field: fn(&Prepared) -> &String| prepared.map(field);
    json!({
        "schema": SCHEMA,
        "account": message.account,
        "user": message.user,
        "user_id": message.user_id,
        "kind": message.notice.kind(),
        "recipient": message.recipient,
        "language": message.language.code(),
        "deadline": message.deadline.map(rfc3339),
        "subject": message.subject,
        "text": message.text,
        "contact": message.contact,
        "links": {"sign_in": sign_in, "security_credentials": security_credentials, "cloudshell": cloudshell},
        "commands": {
            "enroll": of(|prepared| &prepared.enroll),
            "show": of(|prepared| &prepared.show),
            "enable": of(|prepared| &prepared.enable),
        },
        "serial_number": of(|prepared| &prepared.serial_number),
        "secret": of(|prepared| &prepared.secret),
    })
}
