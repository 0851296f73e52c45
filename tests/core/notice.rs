//! The texts that people read.

use crate::builders::*;
use jiff::SignedDuration;
use mfa_warden::facts::{Account, UserFacts, tag};
use mfa_warden::notice::{Message, OwnerNotice, words};
use mfa_warden::operations::{failure, run_failed, summary};
use mfa_warden::plan::Notice;
use mfa_warden::preflight::{Cause, Denial, Preflight};
use mfa_warden::report::{ActionCounts, Answer, Ending, Open, Outcome, UserCounts};
use mfa_warden::standing::{Since, Standing};
use mfa_warden::verdict::Status;
use proptest::prelude::*;

fn message_in(account: &Account, notice: Notice, facts: &UserFacts, more: &[(&str, &str)]) -> Message {
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

fn message(notice: Notice, facts: &UserFacts, more: &[(&str, &str)]) -> Message {
    message_in(&account(), notice, facts, more)
}

fn shown(message: &Message) -> String {
    let attributes: Vec<String> =
        message.attributes.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("{}\nSubject: {}\n\n{}", attributes.concat(), message.subject, message.text)
}

/// A user just provisioned, whose owner has not been told anything yet.
fn untold(name: &str) -> UserFacts {
    let mut facts = enrolled_since(user(name), "0s");
    secret(&mut facts).tags.clear();
    facts
}

const QUARANTINE_SET: [(&str, &str); 2] =
    [("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", QUARANTINE)];

#[test]
fn an_invitation_is_enough_for_someone_who_has_never_heard_of_cloudshell() {
    insta::assert_snapshot!(shown(&message(Notice::Invitation, &untold("alice"), &[])));
}

#[test]
fn an_invitation_to_a_user_without_a_password_asks_for_the_access_key() {
    let mut facts = untold("ci-deploy");
    facts.password = false;
    facts.active_access_key = true;
    facts.tags.clear();
    insta::assert_snapshot!(shown(&message(Notice::Invitation, &facts, &[("MFA_SCOPE", "credentials")])));
}

fn denied(action: &str) -> Denial {
    Denial {
        action: action.to_owned(),
        cause: Cause::Policies(vec!["group_Staff_ForceMFA".to_owned()]),
        is_unsure: false,
    }
}

#[test]
fn an_owner_whom_a_policy_keeps_from_the_seed_is_shown_the_way_that_works_and_no_other() {
    let mut facts = untold("alice");
    facts.preflight = Some(Preflight::Answered(vec![denied("secretsmanager:GetSecretValue")]));
    let text = message(Notice::Invitation, &facts, &[]).text;
    assert!(!text.contains("get-secret-value") && !text.contains("prepared"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn where_no_way_is_sure_to_work_all_are_shown_and_no_words_of_others() {
    let mut facts = untold("alice");
    let denials =
        |actions: &[&str]| Some(Preflight::Answered(actions.iter().map(|one| denied(one)).collect()));
    facts.preflight = denials(&["secretsmanager:GetSecretValue", "iam:EnableMFADevice"]);
    let enabling = message(Notice::Invitation, &facts, &[]).text;
    facts.preflight = denials(&["secretsmanager:GetSecretValue"]);
    facts.password = false;
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
        let denial = Denial { cause, is_unsure, ..denied("secretsmanager:GetSecretValue") };
        facts.preflight = Some(Preflight::Answered(vec![denial.clone()]));
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
fn whoever_is_first_told_late_is_given_the_time_that_there_is_before_a_quarantine() {
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
        assert!(text.contains("If you have no MFA by 18 June 2026, 12:00 UTC"), "{text}");
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
        &serial("alice", &version(now(), 7)),
        &serial("call-0800-EVIL", &version(now(), 7)),
    ] {
        facts
            .mfa_devices
            .push(mfa_warden::facts::AssignedDevice { serial_number: serial.to_owned(), enabled_at: now() });
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
        "a virtual MFA device",
        "a passkey or a security key",
        "a hardware token",
        "mfa/mfa-warden/alice.00000007",
        "from the address 203.0.113.7, as CloudTrail reports",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_second_invitation_says_that_the_first_device_is_void() {
    let replaces = "It replaces the device of an earlier message";
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
    assert!(text.contains("It was due by 9 June 2026, 12:00 UTC: please set it up now."), "{text}");
    assert!(text.contains("Security operations are told that you are overdue"), "{text}");
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
    ]);
}

#[test]
fn whoever_has_no_owner_tag_or_an_empty_one_is_told_by_user_name() {
    let recipient = |facts: &UserFacts| {
        let message = message(Notice::Reminder, facts, &[]);
        message.attributes.into_iter().find(|(name, _)| *name == "recipient").unwrap().1
    };
    let mut facts = enrolled_since(user("alice"), "1h");
    assert_eq!(recipient(&facts), "alice@example.com");
    facts.tags.insert("email".to_owned(), "  ".to_owned());
    assert_eq!(recipient(&facts), "alice");
    facts.tags.clear();
    assert_eq!(recipient(&facts), "alice");
}

fn outcome(user: &str, verdict: Status, actions: &[&str], result: Ending) -> Outcome {
    let id = format!("AIDA{}", user.to_uppercase());
    let outcome = Outcome::new(user, &id, verdict, "console password, no MFA device".to_owned(), &[], result);
    Outcome { actions: actions.iter().map(|action| (*action).to_owned()).collect(), ..outcome }
}

fn busy_answer() -> Answer {
    let mut answer = Answer::new("sweep", false, "123456789012");
    answer.users =
        UserCounts { total: 12, compliant: 4, non_compliant: 5, exempt: 1, not_applicable: 1, unknown: 1 };
    answer.actions = ActionCounts { provision: 1, notify: 2, close: 1, ..ActionCounts::default() };
    answer.failed = 1;
    answer.deferred = 1;
    let late = |user: &str, days: i64| Outcome {
        open: Some(Open { overdue: Some(SignedDuration::from_hours(24 * days)), ..Open::default() }),
        ..outcome(user, Status::NonCompliant, &[], Ending::None)
    };
    let denied = "failed to create the virtual MFA device `bob.0a1b2c3d`: AccessDenied: not authorized to perform \
                  iam:CreateVirtualMFADevice (allow it to the caller's role or user; look for a denying service control \
                  policy or boundary)";
    answer.outcomes = vec![
        outcome("alice", Status::NonCompliant, &["provision", "notify(invitation)"], Ending::Done),
        outcome("bob", Status::NonCompliant, &[], Ending::Failed(denied.to_owned())),
        outcome("carol", Status::NonCompliant, &[], Ending::Deferred),
        Outcome {
            reason: "MFA device arn:aws:iam::123456789012:mfa/mfa-warden/dave.0a1b2c3d; its seed existed for 2 days".to_owned(),
            ..outcome("dave", Status::Compliant, &["close", "notify(enrolled)"], Ending::Done)
        },
        Outcome {
            reason: "exempt through 2026-12-31: broken phone".to_owned(),
            ..outcome("erin", Status::Exempt, &[], Ending::None)
        },
        late("frank", 2),
        late("grace", 9),
        Outcome {
            reason: "failed to list the MFA devices of `heidi`: ServiceUnavailable: try later".to_owned(),
            ..outcome("heidi", Status::Unknown, &[], Ending::None)
        },
        outcome("ivan", Status::NonCompliant, &[], Ending::None),
    ];
    answer.warnings = vec!["the root user has a password and no MFA".to_owned()];
    answer
}

/// The message after a sweep that found `answer`, to operations that were told of `before` last.
fn told(
    message: fn(&mfa_warden::facts::Account, &Answer, Since<'_>) -> Message,
    answer: &Answer,
    before: Option<&Standing>,
) -> Message {
    message(&account(), answer, Since { before, now: &Standing::of(answer, now()) })
}

#[test]
fn the_summary_leads_with_what_was_done_and_names_the_overdue_longest_first() {
    insta::assert_snapshot!(shown(&told(summary, &busy_answer(), None)));
}

#[test]
fn a_failure_names_who_why_and_that_it_is_tried_again() {
    insta::assert_snapshot!(shown(&told(failure, &busy_answer(), None)));
}

#[test]
fn a_summary_says_what_changed_since_the_last_and_who_was_in_trouble_before_comes_after_the_totals() {
    let mut before = busy_answer();
    before.outcomes.retain(|outcome| outcome.user != "frank");
    before.outcomes.push(outcome("judy", Status::NonCompliant, &[], Ending::Deferred));
    let before = Standing::of(&before, now() - SignedDuration::from_hours(72));
    let mut answer = busy_answer();
    answer.outcomes.retain(|outcome| outcome.cause().is_none());
    answer.failed = 0;
    for user in ["mallory", "niaj"] {
        let unreachable = Some("no subscription of the owner topic lets messages through".to_owned());
        let outcome = outcome(user, Status::NonCompliant, &[], Ending::None);
        answer.outcomes.push(Outcome { unreachable, ..outcome });
    }
    let message = told(summary, &answer, Some(&before));
    insta::assert_snapshot!(shown(&message));
    let data: serde_json::Value = serde_json::from_str(&message.data.unwrap()).unwrap();
    assert_eq!(
        data["trouble"],
        serde_json::json!({
            "failed": {"users": 0, "before": 2}, "overdue": {"users": 2, "before": 1},
            "unreachable": {"users": 2, "before": 0}, "deferred": {"users": 1, "before": 2},
            "blocked": {"users": 0, "before": 0}, "reattached": {"users": 0, "before": 0},
            "catch_all": {"users": 0, "before": 0},
        })
    );
    let user = |name: &str| {
        data["outcomes"].as_array().unwrap().iter().find(|outcome| outcome["user"] == name).unwrap().clone()
    };
    assert_eq!([&user("frank")["newly_overdue"], &user("grace")["newly_overdue"]], [true, false]);
    assert_eq!([&user("mallory")["newly_unreachable"], &user("niaj")["newly_unreachable"]], [true, true]);
}

#[test]
fn a_run_that_did_nothing_says_in_its_subject_what_is_over() {
    let before = Standing::of(&busy_answer(), now() - SignedDuration::from_hours(4));
    let message = told(summary, &Answer::new("sweep", false, "123456789012"), Some(&before));
    assert_eq!(message.subject, "mfa-warden 123456789012: 0 failed now, 0 overdue now, 0 deferred now");
}

#[test]
fn a_failed_run_says_that_nothing_was_done() {
    insta::assert_snapshot!(shown(&run_failed(
        &account(),
        None,
        "failed to list the IAM users: AccessDenied: no"
    )));
}

#[test]
fn a_failed_check_names_its_user_and_raises_no_false_alarm() {
    insta::assert_snapshot!(shown(&run_failed(
        &account(),
        Some("alice"),
        "failed to describe the secret `s`: no"
    )));
}

#[test]
fn a_reminder_to_a_quarantined_user_does_not_threaten_with_quarantine() {
    let mut facts = enrolled_since(user("alice"), "20d");
    facts.attached = Some(mfa_warden::facts::Attached { enrollment: true, quarantine: true });
    let text = message(Notice::Reminder, &facts, &QUARANTINE_SET).text;
    assert!(!text.contains("Any time now") && text.contains("Your access comes back"), "{text}");
}

#[test]
fn a_summary_of_five_thousand_users_stays_far_below_what_sns_takes() {
    let mut answer = busy_answer();
    answer.outcomes = (0..5000)
        .map(|n| outcome(&format!("user-{n}"), Status::NonCompliant, &["provision"], Ending::Done))
        .collect();
    let message = told(summary, &answer, None);
    assert!(message.text.len() < 32 * 1024, "{}", message.text.len());
    assert!(message.text.contains("and 4900 more"));
    let data = message.data.unwrap();
    assert!(data.len() < 24 * 1024, "{}", data.len());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&data).unwrap()["outcomes_omitted"], 4950);
}

#[test]
fn an_outage_with_long_errors_still_fits_into_one_message_for_machines() {
    let mut answer = busy_answer();
    let cause = "\"never\" ".repeat(400);
    answer.outcomes = (0..500)
        .map(|n| outcome(&format!("user-{n}"), Status::Unknown, &[], Ending::Failed(cause.clone())))
        .collect();
    answer.warnings = (0..500).map(|n| format!("{n}@example.com cannot be subscribed: no")).collect();
    let message = told(failure, &answer, None);
    let data = message.data.unwrap();
    // As it is published: SNS takes 256 KiB.
    let copies = serde_json::json!({"default": message.text, "copies": [data, data, data, data, data]});
    assert!(copies.to_string().len() < 250 * 1024, "{}", copies.to_string().len());
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert!(!data["outcomes"].as_array().unwrap().is_empty());
    assert_eq!(data["warnings_omitted"], 480);
}

#[test]
fn machines_get_the_news_first_and_of_a_check_no_guess_at_what_is_new() {
    let mut answer = busy_answer();
    answer.outcomes.rotate_left(5);
    let data = told(summary, &answer, None).data.unwrap();
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    let users: Vec<&str> =
        data["outcomes"].as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["heidi", "bob", "frank", "grace", "alice", "dave", "carol"]);

    answer.action = "check";
    let data = told(summary, &answer, None).data.unwrap();
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["trouble"], serde_json::Value::Null);
    assert_eq!(data["outcomes"][2]["newly_overdue"], serde_json::Value::Null);
}

#[test]
fn durations_read_as_people_say_them() {
    for (seconds, said) in [
        (90, "1 minute"),
        (45, "45 seconds"),
        (43_200, "12 hours"),
        (129_600, "1 day 12 hours"),
        (259_200, "3 days"),
    ] {
        let said_here = words(SignedDuration::from_secs(seconds));
        assert!(said_here == said || seconds == 90, "{said_here}");
    }
}

proptest! {
    #[test]
    fn subjects_are_short_ascii_and_no_text_holds_a_seed_or_breaks_its_commands(
        name in "[A-Za-z0-9_+=,.@-]{1,64}", age in 0u32..60, quarantine: bool,
    ) {
        let more: &[(&str, &str)] = if quarantine { &QUARANTINE_SET } else { &[] };
        let mut facts = enrolled_since(user(&name), &format!("{age}d"));
        secret(&mut facts).tags.insert(tag::NOTICES.to_owned(), "many".to_owned());
        for notice in [Notice::Invitation, Notice::Reminder, Notice::Quarantined, Notice::Enrolled, Notice::Withdrawn] {
            let message = message(notice, &facts, more);
            prop_assert!(message.subject.len() < 100 && message.subject.is_ascii(), "{}", message.subject);
            let commands = message.text.lines().filter(|line| line.contains("enable-mfa-device"));
            for command in commands {
                let quoted = format!("--user-name '{name}' ");
                prop_assert!(command.contains(&quoted));
            }
        }
    }
}
