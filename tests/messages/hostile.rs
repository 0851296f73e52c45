//! What others may write: tags, names, reports. None of it breaks out of the place it is put in.

use crate::builders::*;
use mfa_warden::messages::operations::{failure, summary};
use mfa_warden::messages::owner::OwnerNotice;
use mfa_warden::model::action::Notice;
use mfa_warden::model::commands::enable_command;
use mfa_warden::model::outcome::{Answer, Outcome, RunKind, UserResult};
use mfa_warden::model::seed::{Seed, secret_value};
use mfa_warden::model::settings::Scope;
use mfa_warden::model::user::{AssignedDevice, User};
use mfa_warden::model::verdict::Status;
use mfa_warden::rules::changes::{Changes, Snapshot};
use mfa_warden::rules::credential_report::CredentialReport;
use mfa_warden::rules::owner_policy::document;
use proptest::prelude::*;
use serde_json::Value;
use std::process::Command;

/// Anything at all, and above all what means something to a shell, to JSON, to a terminal or to a reader of mail.
fn hostile() -> impl Strategy<Value = String> {
    let sharp = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "`id`",
        "$(id)",
        ";",
        "\n",
        "\r\n",
        "\0",
        "\u{1b}[2J",
        "\u{2028}",
        "\u{202e}",
        "{",
        "}",
        "\"}",
        "permanent",
        "2999-12-31",
        " ",
        "https://evil.example/",
        "IF THIS WAS NOT YOU",
        "ä",
    ]);
    prop::collection::vec(prop_oneof![sharp.prop_map(str::to_owned), any::<String>()], 0..6)
        .prop_map(|parts| parts.concat())
}

fn texts_for(tag: &str) -> Vec<String> {
    ["en", "de"].iter().flat_map(|language| texts_in(language, tag)).collect()
}

fn texts_in(language: &str, tag: &str) -> Vec<String> {
    let mut facts = enrolled_since(user("alice"), "1d");
    facts.tags.insert("mfa-exempt".to_owned(), tag.to_owned());
    for key in ["email", "language", "name"] {
        facts.tags.insert(key.to_owned(), tag.to_owned());
    }
    let settings = settings(&[("LANGUAGE", language), ("LANGUAGE_TAG", "none")]);
    let verdict = verdict_of(&facts, &settings);
    facts.mfa_devices.push(AssignedDevice { serial_number: tag.to_owned(), enabled_at: now() });
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    let outcome =
        |result| Outcome::new("alice", USER_ID, verdict.status, verdict.reason.clone(), &[], result);
    answer.add(outcome(UserResult::Done), &[]);
    answer.add(outcome(UserResult::Failed(failed())), &[]);
    let snapshot = Snapshot::of(&answer, now());
    let since = Changes { before: None, now: &snapshot };
    let mut texts = vec![summary(&account(), &answer, since).text, failure(&account(), &answer, since).text];
    let account = account();
    for notice in
        [Notice::Invitation, Notice::Reminder, Notice::Quarantined, Notice::Enrolled, Notice::Withdrawn]
    {
        let notice = OwnerNotice {
            notice,
            account: &account,
            settings: &settings,
            verdict: &verdict,
            facts: &facts,
            source: None,
            now: now(),
        };
        texts.push(notice.message("alice@example.com").text);
    }
    texts
}

proptest! {
    #[test]
    fn a_tag_adds_no_line_to_any_message_and_nothing_that_a_terminal_obeys(tag in hostile()) {
        let mut plain = user("alice");
        plain.tags.insert("mfa-exempt".to_owned(), tag.clone());
        let exempt = verdict_of(&plain, &settings(&[])).status == Status::Exempt;
        let harmless = texts_for(if exempt { "permanent robot" } else { "robot" });
        for (text, harmless) in texts_for(&tag).iter().zip(&harmless) {
            prop_assert_eq!(text.lines().count(), harmless.lines().count(), "{}", text);
            let obeyed = |c: char| (c.is_control() && c != '\n') || "\u{2028}\u{2029}\u{202e}".contains(c);
            prop_assert!(!text.contains(obeyed), "{:?}", text);
        }
    }

    #[test]
    fn no_reason_without_a_letter_or_digit_exempts(reason in "[ _.:/=+@\\-\u{2028}\u{a0}\n]{0,12}") {
        let mut facts = user("alice");
        facts.tags.insert("mfa-exempt".to_owned(), format!("permanent {}", reason.replace(['_', ' '], "-")));
        let status = verdict_of(&facts, &settings(&[])).status;
        prop_assert_eq!(status, Status::NonCompliant);
    }

    #[test]
    fn the_owners_policy_is_one_policy_whatever_its_owner_is_called(arn in hostile(), id in hostile()) {
        let owner = User { arn: arn.clone(), id: id.clone(), ..user("alice").user };
        let policy: Value = serde_json::from_str(&document(&owner, Some(ROLE))).unwrap();
        let pristine: Value = serde_json::from_str(&document(&user("alice").user, Some(ROLE))).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        prop_assert_eq!(statements.len(), pristine["Statement"].as_array().unwrap().len());
        prop_assert_eq!(&statements[0]["Principal"]["AWS"], &arn);
        prop_assert_eq!(&statements[1]["Condition"]["StringNotEquals"]["aws:userid"], &id);
    }

    #[test]
    fn the_secrets_value_holds_any_name_as_it_is(name in "[ -~]{1,64}") {
        let owner = User { name: name.clone(), ..user("alice").user };
        let seed = Seed::from_answer(b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_vec()).unwrap();
        let value = secret_value(&seed, &account(), &owner, &format!("arn:{name}"), now());
        let value: Value = serde_json::from_str(value.expose()).unwrap();
        prop_assert_eq!(&value["user"], &name);
        let uri = value["otpauth_uri"].as_str().unwrap();
        prop_assert_eq!(uri.matches(['?', ' ', '\'', '"']).count(), 1, "{}", uri);
    }

    #[test]
    fn a_report_of_any_bytes_is_read_or_refused_and_vouches_for_no_one_it_does_not_name(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        rows in prop::collection::vec(hostile(), 0..6),
    ) {
        let columns = "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n";
        let text = format!("{columns}{}", rows.join(","));
        for content in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(report) = CredentialReport::parse(content) {
                for scope in [Scope::Console, Scope::Credentials, Scope::All] {
                    prop_assert_eq!(report.vouches_for(&user("alice").user, scope), None);
                }
            }
        }
    }
}

proptest! {
    // A shell is started for each.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_shell_takes_the_command_shown_to_owners_as_the_words_meant(
        user in "[^\0]{1,64}", serial in "[ -~]{1,40}",
    ) {
        let command = enable_command(&account(), &user, &serial).replacen("aws ", "printf '%s\\0' ", 1);
        let shell = Command::new("sh").arg("-c").arg(&command).output().unwrap();
        let words = String::from_utf8(shell.stdout).unwrap();
        let words: Vec<&str> = words.split('\0').collect();
        let joined = format!("--user-name={user}");
        let named = if user.starts_with('-') { vec![joined.as_str()] } else { vec!["--user-name", &user] };
        let before = ["iam", "enable-mfa-device", "--region", "us-east-1"];
        let after = ["--serial-number", &serial, "--authentication-code1", "CODE1", "--authentication-code2", "CODE2", ""];
        prop_assert_eq!(&words, &[&before[..], &named, &after].concat(), "{}", command);
        prop_assert!(shell.stderr.is_empty());
    }
}
