//! `preview`: a message as its owner would get it, before anybody gets one.

use crate::options::{Global, Kind, PreviewArgs};
use crate::terminal::output::print;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::Settings;
use mfa_warden::messages::owner::OwnerNotice;
use mfa_warden::model::account::Account;
use mfa_warden::model::action::Notice;
use mfa_warden::model::arn::Arn;
use mfa_warden::model::blocker::{Blocker, Cause, Need};
use mfa_warden::model::delivery::Delivery;
use mfa_warden::model::enrollment::{SECRET_PREFIX, Secret, description, version_suffix};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::message::OwnerMessage;
use mfa_warden::model::record::tag;
use mfa_warden::model::text::rfc3339;
use mfa_warden::model::user::{AssignedDevice, Attached, User};
use mfa_warden::model::verdict::{Reason, Status, Verdict};
use mfa_warden::reporting::notice::data;
use std::process::ExitCode;
use uuid::Builder;

/// The unique id of the made-up user.
const USER_ID: &str = "AIDAEXAMPLEEXAMPLE123";

/// Prints a message about a made-up user. It makes no AWS call and sends nothing.
///
/// # Errors
/// When a setting is wrong.
pub fn preview(global: &Global, args: &PreviewArgs, clock: fn() -> Timestamp) -> anyhow::Result<ExitCode> {
    let settings = args.settings.of_message()?;
    let message = message(global.region.as_deref(), args, &settings, clock());
    print(&if args.json {
        serde_json::to_string_pretty(&data(&message))? + "\n"
    } else {
        format!("Subject: {}\n\n{}", message.subject, message.text)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn message(region: Option<&str>, args: &PreviewArgs, settings: &Settings, now: Timestamp) -> OwnerMessage {
    // The stack's account and region, where its topic is given.
    let account = Arn::parse(&settings.owner_topic_arn).and_then(|arn| Account::of(arn, arn.region));
    let account = account.filter(|account| args.settings.names_topic() && !account.region.is_empty());
    let account = account.unwrap_or_else(|| Account {
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        id: "123456789012".to_owned(),
    });
    let account = Account { region: region.map_or(account.region, str::to_owned), ..account };
    let notice = match args.kind {
        Kind::Invitation => Notice::Invitation,
        Kind::Reminder => Notice::Reminder,
        Kind::Quarantined => Notice::Quarantined,
        Kind::Enrolled => Notice::Enrolled,
        Kind::Withdrawn => Notice::Withdrawn,
    };
    let facts = facts(args, settings, &account, notice, now);
    let verdict = Verdict {
        status: match notice {
            Notice::Enrolled => Status::Compliant,
            Notice::Withdrawn if args.exempt => Status::Exempt,
            Notice::Withdrawn if settings.retire => Status::NonCompliant,
            Notice::Withdrawn => Status::NotApplicable,
            Notice::Invitation | Notice::Reminder | Notice::Quarantined => Status::NonCompliant,
        },
        reason: Reason::NoPassword,
    };
    let notice = OwnerNotice {
        notice,
        account: &account,
        settings,
        verdict: &verdict,
        facts: &facts,
        source: None,
        now,
    };
    notice.message(&format!("{}@example.com", args.user))
}

/// What the function would know of the user when the message goes out.
fn facts(
    args: &PreviewArgs,
    settings: &Settings,
    account: &Account,
    notice: Notice,
    now: Timestamp,
) -> UserFacts {
    let age = match notice {
        Notice::Invitation => SignedDuration::ZERO,
        Notice::Reminder if args.overdue => settings.grace_period.saturating_add(settings.remind_every),
        Notice::Quarantined => settings.grace_period,
        Notice::Reminder | Notice::Enrolled | Notice::Withdrawn => settings.remind_every,
    };
    let made_at = now.checked_sub(age).unwrap_or(now);
    let milliseconds = u64::try_from(made_at.as_millisecond()).unwrap_or_default();
    let version = Builder::from_unix_timestamp_millis(milliseconds, &[0xca; 10]).into_uuid().to_string();
    let device = account.serial_number(&args.user, &version);
    let mut tags = std::collections::BTreeMap::new();
    if notice != Notice::Invitation {
        tags.insert(tag::FIRST_NOTICE_AT.to_owned(), rfc3339(made_at));
        tags.insert(tag::HEARD_AT.to_owned(), rfc3339(made_at));
        tags.insert(tag::NOTICES.to_owned(), "1".to_owned());
        tags.insert(tag::NOTIFIED.to_owned(), version_suffix(&version).to_owned());
        tags.insert(tag::RECIPIENT.to_owned(), args.user.clone());
    }
    let blocker = |need, action: &str| Blocker {
        action: action.to_owned(),
        need,
        cause: Cause::Policies(vec!["example".to_owned()]),
        is_unsure: false,
    };
    UserFacts {
        user: User {
            name: args.user.clone(),
            id: USER_ID.to_owned(),
            arn: format!("arn:{}:iam::{}:user/{}", account.partition, account.id, args.user),
            created_at: made_at,
        },
        tags: std::collections::BTreeMap::new(),
        mfa_devices: match notice {
            Notice::Enrolled if args.by_passkey => {
                let passkey =
                    format!("arn:{}:iam::{}:u2f/user/{}/key", account.partition, account.id, args.user);
                vec![AssignedDevice { serial_number: passkey, enabled_at: now }]
            }
            Notice::Enrolled => vec![AssignedDevice { serial_number: device.clone(), enabled_at: now }],
            _ => Vec::new(),
        },
        // A withdrawal without another reason is because the password is gone.
        password: Known::Is(
            !args.without_password && (notice != Notice::Withdrawn || args.exempt || settings.retire),
        ),
        active_access_key: Known::Is(args.without_password),
        secret: Some(Secret {
            arn: None,
            name: format!("{SECRET_PREFIX}{USER_ID}"),
            description: description(&args.user),
            created_at: made_at,
            scheduled_for_deletion: false,
            tags,
            current_version: Some(version),
            replicated: false,
            rotates: false,
            kms_key_id: None,
        }),
        secret_is_fresh: true,
        foreign_secret: false,
        devices: vec![device],
        attached: Known::Is(Attached { enrollment: true, quarantine: notice == Notice::Quarantined }),
        delivery: Known::Is(Delivery::Reached),
        blockers: Known::Is(match (args.console_only, args.blocked) {
            (true, _) => vec![blocker(Need::ReadSeed, "secretsmanager:GetSecretValue")],
            (false, true) => vec![blocker(Need::Enable, "iam:EnableMFADevice")],
            (false, false) => Vec::new(),
        }),
        absence_is_sure: true,
        version_is_new: true,
        is_gone: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Args;
    use clap::Parser;

    fn said(arguments: &[&str]) -> OwnerMessage {
        let all = [&["warden", "preview"], arguments].concat();
        let Args { global, command: crate::options::Command::Preview(args) } =
            Args::try_parse_from(all).unwrap()
        else {
            panic!("another command")
        };
        message(
            global.region.as_deref(),
            &args,
            &args.settings.of_message().unwrap(),
            "2026-06-15T12:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn each_kind_in_each_language_is_the_message_that_its_owner_would_get() {
        for kind in ["invitation", "reminder", "quarantined", "enrolled", "withdrawn"] {
            for language in ["en", "de"] {
                let message = said(&["--kind", kind, "--language", language]);
                assert_eq!((message.notice.kind(), message.language.code()), (kind, language));
                assert!(
                    message.text.contains("123456789012") && message.text.len() > 200,
                    "{}",
                    message.text
                );
            }
        }
    }

    #[test]
    fn settings_show_in_the_message() {
        let text = said(&["--contact", "Help desk, extension 42", "--after-grace", "quarantine"]).text;
        assert!(text.contains("Help desk, extension 42") && text.contains("After 29 June 2026"), "{text}");
        let text = said(&["--prefer", "console"]).text;
        assert!(text.find("Assign MFA device") < text.find("aws iam"), "{text}");
        let text = said(&["--console-only"]).text;
        assert!(!text.contains("aws iam"), "{text}");
        let text = said(&["--without-password"]).text;
        assert!(!text.contains("Assign MFA device"), "{text}");
        for kind in ["reminder", "quarantined"] {
            assert!(!said(&["--kind", kind]).text.contains("replaces"), "no other device was made");
        }
        assert!(said(&["--kind", "reminder", "--overdue"]).text.contains("Please set it up now"));
        assert!(said(&["--kind", "withdrawn", "--exempt"]).text.contains("you are exempt"));
        assert!(
            said(&["--kind", "withdrawn", "--retire", "true"]).text.contains("MFA may still be required")
        );
        assert!(said(&["--kind", "enrolled", "--by-passkey"]).text.contains("A passkey"));
        assert!(said(&["--blocked"]).text.contains("A POLICY STANDS IN THE WAY"));
        assert!(said(&["--region", "eu-west-1"]).text.contains("--region eu-west-1;"));
        let policy = "arn:aws:iam::210987654321:policy/mfa-warden-quarantine";
        assert!(!said(&["--quarantine-policy-arn", policy]).text.is_empty());
        let topic = "arn:aws:sns:eu-west-1:210987654321:owners";
        let text = said(&["--owner-topic-arn", topic, "--user", "wei,chen"]).text;
        assert!(text.contains("210987654321") && text.contains("u='wei,chen'"), "{text}");
    }
}
