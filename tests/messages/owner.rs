//! The texts that owners read.

use crate::builders::*;
use crate::notice::valid;
use mfa_warden::messages::owner::OwnerNotice;
use mfa_warden::model::account::Account;
use mfa_warden::model::action::Notice;
use mfa_warden::model::blocker::{Blocker, Cause, Need};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::message::OwnerMessage;
use mfa_warden::model::record::tag;
use mfa_warden::model::text::rfc3339;
use mfa_warden::reporting::notice::data;
use proptest::prelude::*;

fn message_in(account: &Account, notice: Notice, facts: &UserFacts, more: &[(&str, &str)]) -> OwnerMessage {
    let settings = settings(more);
    let verdict = verdict_of(facts, &settings);
    let recipient = facts.recipient(&settings);
    let notice = OwnerNotice {
        notice,
        account,
        settings: &settings,
        verdict: &verdict,
        facts,
        source: None,
        now: now(),
    };
    notice.message(recipient.each()[0])
}

fn message(notice: Notice, facts: &UserFacts, more: &[(&str, &str)]) -> OwnerMessage {
    message_in(&account(), notice, facts, more)
}

fn shown(message: &OwnerMessage) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

/// A user just provisioned, whose owner has not been told anything yet.
fn untold(name: &str) -> UserFacts {
    let mut facts = enrolled_since(user(name), "0s");
    secret(&mut facts).tags.clear();
    facts
}

const ALL: [Notice; 5] =
    [Notice::Invitation, Notice::Reminder, Notice::Quarantined, Notice::Enrolled, Notice::Withdrawn];

const QUARANTINE_SET: [(&str, &str); 2] =
    [("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", QUARANTINE)];

#[test]
fn an_invitation_is_enough_for_someone_who_has_never_heard_of_cloudshell() {
    insta::assert_snapshot!(shown(&message(Notice::Invitation, &untold("alice"), &[])));
}

#[test]
fn an_invitation_to_a_user_without_a_password_asks_for_the_access_key() {
    let mut facts = untold("ci-deploy");
    facts.password = Known::Is(false);
    facts.active_access_key = Known::Is(true);
    facts.tags.clear();
    insta::assert_snapshot!(shown(&message(Notice::Invitation, &facts, &[("MFA_SCOPE", "credentials")])));
}

fn denied(action: &str) -> Blocker {
    let need = if action.ends_with("EnableMFADevice") { Need::Enable } else { Need::ReadSeed };
    Blocker {
        action: action.to_owned(),
        need,
        cause: Cause::Policies(vec!["group_Staff_ForceMFA".to_owned()]),
        is_unsure: false,
    }
}

#[test]
fn an_owner_whom_a_policy_keeps_from_the_seed_is_shown_the_way_that_works_and_no_other() {
    let mut facts = untold("alice");
    facts.blockers = Known::Is(vec![denied("secretsmanager:GetSecretValue")]);
    let text = message(Notice::Invitation, &facts, &[]).text;
    assert!(!text.contains("get-secret-value") && !text.contains("QR code is"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn where_no_way_is_sure_to_work_all_are_shown_and_no_words_of_others() {
    let mut facts = untold("alice");
    let denials = |actions: &[&str]| Known::Is(actions.iter().map(|one| denied(one)).collect());
    facts.blockers = denials(&["secretsmanager:GetSecretValue", "iam:EnableMFADevice"]);
    let enabling = message(Notice::Invitation, &facts, &[]).text;
    facts.blockers = denials(&["secretsmanager:GetSecretValue"]);
    facts.password = Known::Is(false);
    let keys_only = message(Notice::Invitation, &facts, &[("MFA_SCOPE", "credentials")]).text;
    for text in [enabling, keys_only] {
        assert!(text.contains("A POLICY STANDS IN THE WAY") && !text.contains("ForceMFA"), "{text}");
        assert!(text.contains("get-secret-value"), "{text}");
    }
}

#[test]
fn the_word_of_an_organization_alone_or_an_unsure_one_hides_nothing() {
    for (cause, is_unsure) in [
        (Cause::Organization, false),
        (Cause::Boundary, false),
        (Cause::NotAllowed, false),
        (Cause::Policies(vec!["ForceMFA".to_owned()]), true),
    ] {
        let mut facts = untold("alice");
        let denial = Blocker { cause, is_unsure, ..denied("secretsmanager:GetSecretValue") };
        facts.blockers = Known::Is(vec![denial.clone()]);
        let text = message(Notice::Invitation, &facts, &[]).text;
        assert!(text.contains("get-secret-value"), "{denial:?}");
    }
}

#[test]
fn a_first_notice_never_says_that_it_was_due() {
    let mut facts = enrolled_since(user("alice"), "40d");
    for key in [tag::NOTIFIED, tag::FIRST_NOTICE_AT, tag::HEARD_AT] {
        secret(&mut facts).tags.remove(key);
    }
    secret(&mut facts).tags.insert(tag::NOTICES.to_owned(), "0".to_owned());
    let text = message(Notice::Invitation, &facts, &QUARANTINE_SET).text;
    assert!(text.contains("Please set it up by 29 June 2026, 12:00 UTC."), "{text}");
    assert!(!text.contains("was due") && !text.contains("at any time"), "{text}");
}

#[test]
fn an_owner_who_is_first_told_late_is_given_the_time_that_there_is_before_a_quarantine() {
    let told = |change: fn(&mut UserFacts)| {
        let mut facts = enrolled_since(user("alice"), "40d");
        change(&mut facts);
        message(Notice::Invitation, &facts, &QUARANTINE_SET).text
    };
    let unheard: fn(&mut UserFacts) = |facts| drop(secret(facts).tags.remove(tag::HEARD_AT));
    let changed: fn(&mut UserFacts) =
        |facts| drop(secret(facts).tags.insert(tag::RECIPIENT.to_owned(), "zoe".to_owned()));
    for text in [told(unheard), told(changed)] {
        assert!(text.contains("Please set it up by 18 June 2026, 12:00 UTC."), "{text}");
        assert!(
            text.contains("After 18 June 2026, 12:00 UTC, you can do nothing else in the console"),
            "{text}"
        );
        assert!(!text.contains("was due") && !text.contains("Any time now"), "{text}");
    }
    let text = told(|_| ());
    assert!(text.contains("It was due by") && text.contains("Any time now"), "{text}");
}

#[test]
fn enrolled_names_devices_of_others_by_kind_and_the_source_as_a_report() {
    let mut facts = with_mfa(enrolled_since(user("alice"), "2d"));
    facts.mfa_devices[0].serial_number = "arn:aws:iam::123456789012:mfa/call-0800-EVIL".to_owned();
    for serial in [
        "arn:aws:iam::123456789012:u2f/user/alice/call-0800-EVIL",
        "EVIL12345",
        &serial("alice", facts.secret.as_ref().unwrap().current_version.as_ref().unwrap()),
        &serial("call-0800-EVIL", &version(now(), 7)),
    ] {
        facts.mfa_devices.push(mfa_warden::model::user::AssignedDevice {
            serial_number: serial.to_owned(),
            enabled_at: now(),
        });
    }
    let settings = settings(&[]);
    let verdict = verdict_of(&facts, &settings);
    let account = account();
    let notice = OwnerNotice {
        notice: Notice::Enrolled,
        account: &account,
        settings: &settings,
        verdict: &verdict,
        facts: &facts,
        source: Some("203.0.113.7".parse().unwrap()),
        now: now(),
    };
    let text = notice.message("alice@example.com").text;
    assert!(!text.contains("EVIL"), "{text}");
    for part in [
        "A virtual MFA device",
        "A passkey or a security key",
        "A hardware token",
        "mfa/mfa-warden/alice.cafef00d",
        "from the address 203.0.113.7, as CloudTrail reports",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_second_invitation_says_that_the_first_device_is_void() {
    let replaces = "Delete the entry of an earlier message";
    let mut renewed = enrolled_since(user("alice"), "0s");
    let same = message(Notice::Invitation, &renewed, &[]).text;
    assert!(!same.contains(replaces), "the same device once more replaces nothing");
    secret(&mut renewed).tags.insert(tag::NOTIFIED.to_owned(), "0a1b2c3d".to_owned());
    let again = message(Notice::Invitation, &renewed, &[]).text;
    let first = message(Notice::Invitation, &untold("alice"), &[]).text;
    assert!(again.contains(replaces) && !first.contains(replaces));
}

#[test]
fn a_reminder_names_the_deadline_and_the_quarantine_to_come() {
    insta::assert_snapshot!(shown(&message(
        Notice::Reminder,
        &enrolled_since(user("alice"), "11d"),
        &QUARANTINE_SET
    )));
}

#[test]
fn what_was_used_of_the_grace_period_before_is_not_promised_again() {
    let mut facts = enrolled_since(user("alice"), "1d");
    secret(&mut facts).tags.insert(tag::GRACE_USED.to_owned(), "PT240H".to_owned());
    let text = message(Notice::Reminder, &facts, &[]).text;
    assert!(text.contains("Please set it up by 18 June 2026, 12:00 UTC."), "{text}");
}

#[test]
fn an_overdue_reminder_says_so() {
    let text = message(Notice::Reminder, &enrolled_since(user("alice"), "20d"), &[]).text;
    assert!(text.contains("It was due by 9 June 2026, 12:00 UTC. Please set it up now."), "{text}");
    assert!(text.contains("The security team knows that you are overdue"), "{text}");
}

#[test]
fn a_quarantine_says_what_is_left_and_how_it_ends() {
    insta::assert_snapshot!(shown(&message(
        Notice::Quarantined,
        &enrolled_since(user("alice"), "15d"),
        &QUARANTINE_SET
    )));
}

#[test]
fn enrolled_says_which_device_when_and_what_if_it_was_somebody_else() {
    insta::assert_snapshot!(shown(&message(
        Notice::Enrolled,
        &with_mfa(enrolled_since(user("alice"), "2d")),
        &[]
    )));
}

#[test]
fn withdrawn_says_why() {
    let mut facts = enrolled_since(user("alice"), "2d");
    facts.tags.insert("mfa-exempt".to_owned(), "2026-12-31 broken phone".to_owned());
    insta::assert_snapshot!(shown(&message(Notice::Withdrawn, &facts, &[])));
}

#[test]
fn a_withdrawal_of_everything_says_that_mfa_may_still_be_required() {
    for (language, says) in [("en", "MFA may still be required"), ("de", "MFA kann weiter erforderlich sein")]
    {
        let facts = enrolled_since(user("alice"), "2d");
        let message = message(Notice::Withdrawn, &facts, &[("RETIRE", "true"), ("LANGUAGE", language)]);
        assert!(message.text.contains(says), "{}", message.text);
    }
}

#[test]
fn whoever_was_told_of_a_quarantine_is_told_of_its_end() {
    for (language, says) in [("en", "Your quarantine has ended."), ("de", "Ihre Sperre ist aufgehoben.")] {
        let mut facts = enrolled_since(user("alice"), "20d");
        for (notice, enrolled) in [(Notice::Withdrawn, false), (Notice::Enrolled, true)] {
            let said = |facts: &UserFacts| {
                let facts = if enrolled { with_mfa(facts.clone()) } else { facts.clone() };
                message(notice, &facts, &[("LANGUAGE", language)]).text
            };
            assert!(!said(&facts).contains(says));
            secret(&mut facts).tags.insert(tag::QUARANTINED_AT.to_owned(), rfc3339(ago("2d")));
            assert!(said(&facts).contains(says), "{}", said(&facts));
            secret(&mut facts).tags.remove(tag::QUARANTINED_AT);
        }
    }
}

#[test]
fn links_lead_to_the_console_of_the_partition_and_region() {
    let facts = enrolled_since(user("alice"), "0s");
    let links = |partition: &str, region: &str| {
        let account = Account { partition: partition.to_owned(), region: region.to_owned(), ..account() };
        let text = message_in(&account, Notice::Invitation, &facts, &[]).text;
        let mut links: Vec<String> = text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("https://"))
            .map(str::to_owned)
            .collect();
        links.dedup();
        links
    };
    insta::assert_debug_snapshot!([
        links("aws", "eu-central-1"),
        links("aws-us-gov", "us-gov-west-1"),
        links("aws-cn", "cn-north-1"),
        links("aws-eusc", "eusc-de-east-1"),
        links("aws-new", "new-north-1"),
    ]);
}

#[test]
fn a_user_without_an_owner_tag_or_with_an_empty_one_is_told_by_user_name() {
    let recipient = |facts: &UserFacts| message(Notice::Reminder, facts, &[]).recipient;
    let mut facts = enrolled_since(user("alice"), "1h");
    assert_eq!(recipient(&facts), "alice@example.com");
    facts.tags.insert("email".to_owned(), "  ".to_owned());
    assert_eq!(recipient(&facts), "alice");
    facts.tags.clear();
    assert_eq!(recipient(&facts), "alice");
}

#[test]
fn a_reminder_to_a_quarantined_user_does_not_threaten_with_quarantine() {
    let mut facts = enrolled_since(user("alice"), "20d");
    facts.attached = Known::Is(mfa_warden::model::user::Attached { enrollment: true, quarantine: true });
    let text = message(Notice::Reminder, &facts, &QUARANTINE_SET).text;
    assert!(!text.contains("Any time now") && text.contains("can work again"), "{text}");
}

proptest! {
    #[test]
    fn subjects_are_short_ascii_and_commands_hold_any_name(
        name in "[A-Za-z0-9_+=,.@-]{1,64}", age in 0u32..60, quarantine: bool, language in 0..2usize,
    ) {
        let more: &[(&str, &str)] = if quarantine { &QUARANTINE_SET } else { &[] };
        let mut facts = enrolled_since(user(&name), &format!("{age}d"));
        secret(&mut facts).tags.insert(tag::NOTICES.to_owned(), "many".to_owned());
        facts.tags.insert("Language".to_owned(), ["en", "de-CH"][language].to_owned());
        for notice in ALL {
            let message = message(notice, &facts, more);
            prop_assert!(message.subject.len() < 100 && message.subject.is_ascii(), "{}", message.subject);
            prop_assert!(!message.subject.is_empty() && !message.text.is_empty());
            let Some(prepared) = message.prepared else { continue };
            let between = if name.starts_with('-') { '=' } else { ' ' };
            let bare = format!("--user-name{between}{name} ");
            let quoted = format!("--user-name{between}\"{name}\" ");
            let expected = if name.contains(',') || name.starts_with(['@', '=']) { quoted } else { bare };
            prop_assert!(prepared.enable.contains(&expected));
            for line in [&prepared.enroll, &prepared.show, &prepared.enable] {
                prop_assert!(message.text.contains(&format!("\n     {line}\n")), "{}", message.text);
            }
        }
    }
}

#[test]
fn machines_get_the_same_as_data_that_its_schema_describes() {
    let gone = |facts: &mut UserFacts| facts.password = Known::Is(false);
    let kept = |facts: &mut UserFacts| {
        facts.blockers = Known::Is(vec![denied("secretsmanager:GetSecretValue")]);
    };
    let changes: [fn(&mut UserFacts); 3] = [|_| (), gone, kept];
    for partition in ["aws", "aws-us-gov", "aws-cn", "aws-eusc", "aws-new"] {
        for change in changes {
            for notice in ALL {
                let mut facts = enrolled_since(user("o+c=a,l@e.x-a_m"), "1d");
                change(&mut facts);
                let account = Account { partition: partition.to_owned(), ..account() };
                let message = message_in(&account, notice, &facts, &[("CONTACT", "the help desk")]);
                let data = valid(&data(&message).to_string());
                assert_eq!(data["schema"], "mfa-warden.notice/1");
                assert_eq!(data["text"], message.text);
                assert_eq!(data["contact"], "the help desk");
                assert_eq!(data["commands"]["enroll"].is_string(), message.prepared.is_some());
            }
        }
    }
}

#[test]
fn only_the_device_that_was_prepared_is_called_so() {
    let told = |serial_number: &str| {
        let mut facts = enrolled_since(user("alice"), "2d");
        let enabled_at = now();
        facts.mfa_devices.push(mfa_warden::model::user::AssignedDevice {
            serial_number: serial_number.to_owned(),
            enabled_at,
        });
        message(Notice::Enrolled, &facts, &[]).text
    };
    let facts = enrolled_since(user("alice"), "2d");
    let current = facts.secret.unwrap().current_version.unwrap();
    assert!(told(&serial("alice", &current)).contains("The device that was prepared for you"));
    for other in [serial("alice", &version(now(), 7)), serial("mallory", &current)] {
        let text = told(&other);
        assert!(!text.contains("The device that was prepared for you, "), "{text}");
        assert!(text.contains("A virtual MFA device, since") && text.contains("is not used"), "{text}");
    }
}
