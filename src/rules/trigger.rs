//! The event that started the function -> what to look at. An event decides nothing else.

use crate::model::account::Account;
use crate::model::text::shown_within;
use crate::model::user::is_user_name;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::net::IpAddr;

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Look at every user.
    Sweep {
        /// Plan only.
        dry_run: bool,
    },
    /// Look at one user.
    Check {
        /// The user's name from the event.
        user: String,
        /// Plan only.
        dry_run: bool,
        /// Whether CloudTrail reported a change of this user. `false`: an operator asked.
        changed: bool,
        /// Where an MFA device was enabled from, as CloudTrail reported it. Any caller of the function can forge it, so it
        /// is only shown and decides nothing.
        source: Option<IpAddr>,
    },
    /// Look whether a trail delivers IAM events.
    CheckTrails {
        /// Tell nobody, write nothing.
        dry_run: bool,
    },
    /// Look at nothing, for this reason.
    Ignore(String),
}

/// An event that the function does not know.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownEvent(String);

/// The most characters of an event's problem that an error repeats.
const REPEATED: usize = 200;

impl UnknownEvent {
    /// `what` may hold parts of the event, of any content and length. Only its beginning is kept, on one line.
    fn new(what: &str) -> Self {
        UnknownEvent(shown_within(what, REPEATED))
    }
}

impl fmt::Display for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an event for mfa-warden, nothing was done: {}. Expected {{\"action\":\"sweep\"}}, \
             {{\"action\":\"check\",\"user\":\"<name>\"}} or {{\"action\":\"check_trails\"}}, each with an optional \"dry_run\":true; an EventBridge \
             `Scheduled Event`; or an `AWS API Call via CloudTrail` event of iam.amazonaws.com for one of: {}",
            self.0,
            WATCHED.join(", ")
        )
    }
}

impl std::error::Error for UnknownEvent {}

/// The CloudTrail events that lead to a check.
pub const WATCHED: [&str; 12] = [
    "CreateUser",
    "CreateLoginProfile",
    "DeleteLoginProfile",
    "CreateAccessKey",
    "UpdateAccessKey",
    "EnableMFADevice",
    "DeactivateMFADevice",
    "DeleteVirtualMFADevice",
    "UpdateUser",
    "DeleteUser",
    "TagUser",
    "UntagUser",
];

/// How CloudTrail names the root user in a field for a user name.
const ROOT: &str = "AWS ROOT USER";

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Sweep {
        #[serde(default)]
        dry_run: bool,
    },
    Check {
        user: String,
        #[serde(default)]
        dry_run: bool,
    },
    CheckTrails {
        #[serde(default)]
        dry_run: bool,
    },
}

/// The fields that are read from CloudTrail's record in an EventBridge event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: String,
    event_name: String,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    recipient_account_id: Option<String>,
    #[serde(default, rename = "sourceIPAddress")]
    source_ip_address: Value,
    #[serde(default)]
    user_identity: Option<Identity>,
    #[serde(default)]
    request_parameters: Option<Parameters>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    #[serde(rename = "type")]
    kind: Option<String>,
    user_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Parameters {
    user_name: Option<String>,
    new_user_name: Option<String>,
    serial_number: Option<String>,
}

impl Trigger {
    /// Reads an event, in the account that the function runs in.
    ///
    /// # Errors
    /// [`UnknownEvent`] says what was wrong and what was expected.
    pub fn parse(event: &Value, account: &Account) -> Result<Self, UnknownEvent> {
        let Some(fields) = event.as_object() else {
            return Err(UnknownEvent::new("the event is no JSON object"));
        };
        if fields.contains_key("action") {
            return asked(event);
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let kind = text("detail-type");
        if let (Some(_), Some(from)) = (kind, text("account"))
            && from != account.id
        {
            return Ok(Trigger::Ignore("the event is of another account".to_owned()));
        }
        match kind {
            // From EventBridge rules, and from EventBridge Scheduler if the schedule sets no input.
            Some("Scheduled Event") if matches!(text("source"), Some("aws.events" | "aws.scheduler")) => {
                Ok(Trigger::Sweep { dry_run: false })
            }
            Some("AWS API Call via CloudTrail") => {
                let record =
                    Record::deserialize(fields.get("detail").unwrap_or(&Value::Null)).map_err(|error| {
                        UnknownEvent::new(&format!("its `detail` is no CloudTrail record: {error}"))
                    })?;
                reported(record, account)
            }
            Some(_) => Err(UnknownEvent::new("its `detail-type` and `source` are others")),
            None => Err(UnknownEvent::new("it has neither an `action` nor a `detail-type`")),
        }
    }
}

pub(crate) fn asked(event: &Value) -> Result<Trigger, UnknownEvent> {
    match Asked::deserialize(event).map_err(|error| UnknownEvent::new(&error.to_string()))? {
        Asked::Sweep { dry_run } => Ok(Trigger::Sweep { dry_run }),
        Asked::CheckTrails { dry_run } => Ok(Trigger::CheckTrails { dry_run }),
        Asked::Check { user, dry_run } => {
            Ok(Trigger::Check { user: user_name(user)?, dry_run, changed: false, source: None })
        }
    }
}

fn reported(record: Record, account: &Account) -> Result<Trigger, UnknownEvent> {
    let Record {
        event_source,
        event_name,
        error_code,
        recipient_account_id,
        source_ip_address,
        user_identity,
        request_parameters,
    } = record;
    // The field may hold the name of an AWS service or something else instead of an address.
    let source = source_ip_address.as_str().and_then(|address| address.parse().ok());
    let source = source.filter(|_| event_name == "EnableMFADevice");
    let ignore = |reason: String| Ok(Trigger::Ignore(reason));
    if event_source != "iam.amazonaws.com" || !WATCHED.contains(&event_name.as_str()) {
        return Err(UnknownEvent::new("CloudTrail reports a call that is not watched"));
    }
    if recipient_account_id.is_some_and(|id| id != account.id) {
        return ignore("the event is of another account".to_owned());
    }
    if error_code.is_some_and(|code| !code.is_empty()) {
        return ignore(format!("the {event_name} call failed and changed nothing"));
    }
    let parameters = request_parameters.unwrap_or_default();
    let caller = user_identity.unwrap_or_default();
    if event_name == "DeleteVirtualMFADevice" {
        let serial_number = parameters.serial_number.as_deref();
        return match serial_number.and_then(|serial| account.user_of_device(serial)) {
            Some(user) => check(user.to_owned(), None),
            None => ignore("the deleted device is not one of mfa-warden's".to_owned()),
        };
    }
    let named = match parameters {
        Parameters { new_user_name: Some(new), .. } if event_name == "UpdateUser" => Some(new),
        Parameters { user_name, .. } => user_name,
    };
    // If the root user has a `userName`, it is the account's alias and not a user.
    let caller_is_root = caller.kind.as_deref() == Some("Root");
    let caller = caller.user_name.filter(|_| !caller_is_root);
    match named.or(caller) {
        Some(user) if user != ROOT => check(user, source),
        None if !caller_is_root => Err(UnknownEvent::new(&format!("the {event_name} record names no user"))),
        _ => ignore("the root user cannot be provisioned".to_owned()),
    }
}

pub(crate) fn check(user: String, source: Option<IpAddr>) -> Result<Trigger, UnknownEvent> {
    Ok(Trigger::Check { user: user_name(user)?, dry_run: false, changed: true, source })
}

/// Accepts only possible names. The error does not repeat a refused name, because it may hold anything.
pub(crate) fn user_name(name: String) -> Result<String, UnknownEvent> {
    if is_user_name(&name) {
        Ok(name)
    } else {
        let refused = "its user name is not 1 to 64 of the letters, digits and `_+=,.@-` that IAM allows";
        Err(UnknownEvent::new(refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(event: Value) -> Result<Trigger, UnknownEvent> {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:mfa-warden";
        Trigger::parse(&event, &Account::from_function_arn(arn).unwrap())
    }

    fn cloudtrail(detail: Value) -> Result<Trigger, UnknownEvent> {
        let mut record = json!({"eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
            "recipientAccountId": "123456789012", "requestParameters": {"userName": "alice"},
            "userIdentity": {"type": "IAMUser", "userName": "admin"}});
        for (key, value) in detail.as_object().unwrap() {
            record[key] = value.clone();
        }
        parse(json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
            "account": "123456789012", "detail": record}))
    }

    fn changed(user: &str) -> Result<Trigger, UnknownEvent> {
        check(user.to_owned(), None)
    }

    #[test]
    fn where_a_device_was_enabled_from_is_taken_only_where_it_is_an_address() {
        let source = |name: &str, address: Value| match cloudtrail(
            json!({"eventName": name, "sourceIPAddress": address}),
        )
        .unwrap()
        {
            Trigger::Check { source, .. } => source.map(|address| address.to_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(source("EnableMFADevice", json!("203.0.113.7")).as_deref(), Some("203.0.113.7"));
        assert_eq!(source("EnableMFADevice", json!("2001:db8::7")).as_deref(), Some("2001:db8::7"));
        for odd in [json!("AWS Internal"), json!("https://evil.example"), json!(["203.0.113.7"]), json!(null)]
        {
            assert_eq!(source("EnableMFADevice", odd), None);
        }
        assert_eq!(source("TagUser", json!("203.0.113.7")), None, "that is no news of a device");
    }

    #[test]
    fn a_misspelled_dry_run_is_an_error_and_never_a_real_run() {
        for event in [
            json!({"action": "sweep", "dryrun": true}),
            json!({"action": "sweep", "dry_run": "true"}),
            json!({"action": "sweep", "user": "alice"}),
            json!({"action": "check_trails", "dryrun": true}),
            json!({"action": "check_trails", "user": "alice"}),
            json!({"action": "check", "user": "alice", "dry-run": true}),
        ] {
            assert!(parse(event.clone()).is_err(), "{event}");
        }
        assert_eq!(parse(json!({"action": "sweep", "dry_run": true})), Ok(Trigger::Sweep { dry_run: true }));
    }

    #[test]
    fn an_unknown_event_gets_an_error_that_says_what_was_expected() {
        for event in [
            json!(null),
            json!([]),
            json!("sweep"),
            json!({}),
            json!({"action": "delete"}),
            json!({"action": "check"}),
            json!({"action": "check", "user": ""}),
            json!({"action": "check", "user": "a/b"}),
            json!({"action": "check", "user": "a".repeat(65)}),
            json!({"detail-type": "Scheduled Event", "source": "somebody"}),
            json!({"detail-type": "AWS API Call via CloudTrail"}),
            json!({"detail-type": "AWS API Call via CloudTrail", "detail": "{}"}),
        ] {
            let message = parse(event.clone()).expect_err(&event.to_string()).to_string();
            assert!(message.contains("Expected {\"action\":\"sweep\"}"), "{message}");
        }
        assert!(cloudtrail(json!({"eventSource": "ec2.amazonaws.com"})).is_err());
        assert!(cloudtrail(json!({"eventName": "CreateRole"})).is_err());
        assert!(cloudtrail(json!({"requestParameters": {"userName": "x\ny"}})).is_err());
    }

    #[test]
    fn a_new_name_counts_only_where_a_user_is_renamed() {
        let parameters = json!({"userName": "alice", "newUserName": "mallory"});
        let event = |name: &str| cloudtrail(json!({"eventName": name, "requestParameters": parameters}));
        assert_eq!(event("TagUser"), changed("alice"));
        assert_eq!(event("UpdateUser"), changed("mallory"));
    }

    #[test]
    fn a_record_that_names_nobody_is_an_error_unless_the_root_user_acted() {
        let event = |kind: &str| cloudtrail(json!({"requestParameters": {}, "userIdentity": {"type": kind}}));
        assert!(event("AssumedRole").unwrap_err().to_string().contains("names no user"));
        assert!(matches!(event("Root"), Ok(Trigger::Ignore(_))));
    }

    #[test]
    fn an_error_repeats_little_of_a_hostile_event_and_no_control_characters() {
        let long = "A".repeat(200_000);
        let mentions = "@".repeat(200);
        for hostile in [long.as_str(), &mentions, "\u{1b}[2J\n\r\u{7}{\"level\":\"ERROR\"}"] {
            let mut oddly_keyed = json!({"action": "sweep"});
            oddly_keyed[hostile] = json!(true);
            for event in [
                json!({"action": hostile}),
                oddly_keyed,
                json!({"action": "sweep", "dry_run": hostile}),
                json!({"action": "check", "user": hostile}),
                json!({"detail-type": hostile}),
                json!({"detail-type": "AWS API Call via CloudTrail", "detail": hostile}),
                json!({"detail-type": "AWS API Call via CloudTrail", "detail": {"eventSource": [hostile]}}),
            ] {
                let message = parse(event).unwrap_err().to_string();
                assert!(message.len() < 1000, "{} bytes", message.len());
                assert!(!message.contains(char::is_control), "{message:?}");
            }
        }
    }

    #[test]
    fn a_missing_user_name_means_the_caller() {
        let own = |parameters: Value| {
            cloudtrail(json!({"eventName": "EnableMFADevice", "requestParameters": parameters}))
        };
        assert_eq!(own(json!(null)), changed("admin"));
        assert_eq!(own(json!({"serialNumber": "arn:aws:iam::123456789012:mfa/x"})), changed("admin"));
        assert_eq!(own(json!({"userName": "alice"})), changed("alice"));
    }

    #[test]
    fn a_rename_looks_at_the_new_name() {
        let renamed = json!({"userName": "alice", "newUserName": "alicia"});
        let event = json!({"eventName": "UpdateUser", "requestParameters": renamed});
        assert_eq!(cloudtrail(event), changed("alicia"));
        let moved = json!({"userName": "alice", "newPath": "/team/"});
        let event = json!({"eventName": "UpdateUser", "requestParameters": moved});
        assert_eq!(cloudtrail(event), changed("alice"));
    }

    #[test]
    fn the_root_user_is_ignored_but_what_it_does_to_others_is_not() {
        let root = json!({"type": "Root", "userName": "account-alias"});
        let ignored = |event| matches!(cloudtrail(event), Ok(Trigger::Ignore(_)));
        assert!(ignored(json!({"userIdentity": root, "requestParameters": null})));
        assert!(ignored(json!({"userIdentity": root, "requestParameters": {"userName": ROOT}})));
        assert_eq!(cloudtrail(json!({"userIdentity": root})), changed("alice"));
    }

    #[test]
    fn a_deleted_device_leads_to_its_user_only_when_it_is_ours() {
        let deleted = |serial: &str| {
            cloudtrail(json!({"eventName": "DeleteVirtualMFADevice",
                "requestParameters": {"serialNumber": serial}}))
        };
        let ours = "arn:aws:iam::123456789012:mfa/mfa-warden/a.b@c.0a1b2c3d";
        assert_eq!(deleted(ours), changed("a.b@c"));
        for other in [
            "arn:aws:iam::123456789012:mfa/alice",
            "arn:aws:iam::210987654321:mfa/mfa-warden/alice.0a1b2c3d",
            "arn:aws:iam::123456789012:mfa/mfa-warden/alice",
            "arn:aws:iam::123456789012:mfa/mfa-warden/.0a1b2c3d",
            "GAHT12345678",
        ] {
            assert!(matches!(deleted(other), Ok(Trigger::Ignore(_))), "{other}");
        }
    }

    #[test]
    fn failed_calls_and_other_accounts_are_ignored() {
        let ignored = |event| matches!(cloudtrail(event), Ok(Trigger::Ignore(_)));
        assert!(ignored(json!({"errorCode": "AccessDenied"})));
        assert!(ignored(json!({"recipientAccountId": "210987654321"})));
        let other =
            json!({"detail-type": "Scheduled Event", "source": "aws.events", "account": "210987654321"});
        assert!(matches!(parse(other), Ok(Trigger::Ignore(_))));
    }
}
