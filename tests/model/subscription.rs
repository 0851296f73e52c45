//! Whom a subscription delivers to.

use mfa_warden::model::subscription::{Protocol, Subscription};

fn subscription(protocol: &str, endpoint: &str) -> Subscription {
    Subscription {
        arn: Some("arn:aws:sns:us-east-1:123456789012:owners:1".to_owned()),
        protocol: Protocol::read(protocol),
        endpoint: endpoint.to_owned(),
    }
}

#[test]
fn messages_to_mailboxes_and_to_functions_that_may_send_mail_are_spaced_out() {
    for (protocol, is_paced) in [
        ("email", true),
        ("email-json", true),
        ("lambda", true),
        ("sqs", false),
        ("https", false),
        ("sms", false),
    ] {
        assert_eq!(subscription(protocol, "x").is_paced(), is_paced, "{protocol}");
        let pending = Subscription { arn: None, ..subscription(protocol, "x") };
        assert!(!pending.is_paced(), "{protocol}: it delivers nothing yet");
    }
}

#[test]
fn a_mailbox_is_the_owners_own_or_somebody_elses() {
    let mailbox = subscription("email", "Ann@corp.example");
    assert!(mailbox.is_mailbox_of("ann@CORP.example"));
    assert!(!mailbox.is_personal("ann@corp.example"));
    assert!(!mailbox.is_mailbox_of("bob@corp.example"));
    assert!(mailbox.is_personal("bob@corp.example"));
    assert!(!mailbox.is_mailbox_of("ann") && !mailbox.is_personal("ann"), "a team's mailbox passes it on");
    let queue = subscription("sqs", "ann@corp.example");
    assert!(!queue.is_mailbox_of("ann@corp.example") && !queue.is_personal("bob@corp.example"));
    assert!(
        subscription("sms", "+1").is_personal("ann") && subscription("application", "x").is_personal("ann")
    );
}

#[test]
fn what_only_stores_messages_reaches_nobody() {
    assert!(subscription("firehose", "x").is_archive());
    assert!(!subscription("sqs", "x").is_archive());
}

#[test]
fn a_protocol_keeps_its_name() {
    for name in ["email", "email-json", "sms", "application", "firehose", "lambda", "sqs", "https", "pigeon"]
    {
        assert_eq!(Protocol::read(name).name(), name);
    }
}
