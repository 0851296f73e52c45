//! The one line that an owner pastes: short enough to be read, and the same for everybody. `tests/stack/test_line.py` runs
//! it in real shells.

use crate::builders::*;
use mfa_warden::model::account::Account;
use mfa_warden::model::commands::enroll_command;
use mfa_warden::model::seed::{Seed, secret_value};
use proptest::prelude::*;
use std::process::Command;

fn line_in(partition: &str, region: &str, user: &str) -> String {
    let account = Account { partition: partition.to_owned(), region: region.to_owned(), ..account() };
    enroll_command(&account, user, &version(now(), 0xcafe_f00d), &format!("mfa-warden/{USER_ID}"))
}

#[test]
fn the_readme_shows_the_line_and_says_what_each_part_does() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = line_in("aws", "us-east-1", "alice");
    assert!(readme.contains(&format!("\n```\n{line}\n```\n")), "{line}");
    for command in ["get-secret-value", "jq -nr input.qr_text", "enable-mfa-device"] {
        assert!(line.contains(command), "{command}: {line}");
    }
}

proptest! {
    #[test]
    fn it_is_one_short_line_that_hides_nothing(
        user in "[A-Za-z0-9_+=,.@-]{1,64}",
        (partition, region) in prop::sample::select(vec![
            ("aws", "us-east-1"),
            ("aws", "ap-southeast-1"),
            ("aws-us-gov", "us-gov-west-1"),
            ("aws-cn", "cn-northwest-1"),
            ("aws-eusc", "eusc-de-east-1"),
            ("aws-iso-b", "us-isob-east-1"),
            ("aws-iso-f", "us-isof-south-1"),
        ]),
    ) {
        let line = line_in(partition, region, &user);
        prop_assert!(line.len() <= 700, "{}: {line}", line.len());
        prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        // In a subshell, so that nothing is left of it.
        prop_assert!(line.starts_with('(') && line.ends_with(')'), "{line}");
        let name = user.as_str();
        let code = line.replace(name, "NAME");
        for hidden in ["eval", "base64", "|sh", "| sh", "|bash", "curl", "source ", "exec", "history", "!"] {
            prop_assert!(!code.contains(hidden), "{hidden}: {line}");
        }
        // The name stands in one place, quoted; the rest of the line is the same for everybody.
        let others = line_in(partition, region, "alice").replace("'alice'", &format!("'{user}'"));
        prop_assert_eq!(line, others);
    }
}

proptest! {
    // Shells are started for each.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_shell_takes_the_name_as_it_is(user in "[A-Za-z0-9_+=,.@-]{1,64}") {
        let line = line_in("aws", "us-east-1", &user);
        // The AWS CLI and jq are stand-ins that print what they get; codes come from standard input.
        let stand_ins = "aws() { printf '%s\\n' \"$@\" >&2; }; jq() { :; }; clear() { :; };";
        let shell = Command::new("bash")
            .args(["--norc", "--noprofile", "-c", &format!("{stand_ins} {line} <<<$'123 456\\n654321' 2>&1")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&shell.stdout).into_owned();
        prop_assert!(said.ends_with("Done\n"), "{said}");
        prop_assert!(said.contains(&format!("Code for {user} in {}:", account().id)), "{said}");
    }
}

#[test]
fn what_it_asks_the_secret_for_is_there() {
    let seed = Seed::from_answer(b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_vec()).unwrap();
    let facts = user("alice");
    let value = secret_value(&seed, &account(), &facts.user, "arn", now());
    let value: serde_json::Value = serde_json::from_str(value.expose()).unwrap();
    assert!(value["qr_text"].is_string() && value["seed"].is_string());
}
