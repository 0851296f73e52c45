//! The command line at a terminal, as a person meets it.

use crate::cloud::{Cloud, python};
use crate::gate::Gate;
use crate::terminal::{ENVIRONMENT, Keys, Said, keys, run};
use assert_cmd::Command;
use serde_json::json;
use std::collections::BTreeMap;

/// Runs it in a terminal of 100 columns, and types each answer when it is asked for. Both outputs are one there.
fn at_a_terminal(gate: &Gate, keys: &Keys, arguments: &[&str], dialogue: &[[&str; 2]]) -> Said {
    let command: Vec<&str> =
        [env!("CARGO_BIN_EXE_warden")].into_iter().chain(arguments.iter().copied()).collect();
    let own = [
        ("AWS_ENDPOINT_URL", gate.url.as_str()),
        ("AWS_ACCESS_KEY_ID", &keys.0),
        ("AWS_SECRET_ACCESS_KEY", &keys.1),
        ("TERM", "xterm-256color"),
    ];
    let environment: BTreeMap<&str, &str> = ENVIRONMENT.into_iter().chain(own).collect();
    let mut person = Command::new(python());
    person.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/person.py"));
    person.arg(json!([command, environment, dialogue]).to_string());
    let said = run(person);
    Said { out: said.out.replace("\r\n", "\n"), ..said }
}

const OPERATOR: fn() -> Keys = || ("test".to_owned(), "test".to_owned(), None);

#[tokio::test]
async fn an_operator_sees_progress_colors_and_a_table_that_fits() {
    let cloud = Cloud::new().await;
    let anna = cloud.user("anna.schmidt").await;
    cloud.tag("anna.schmidt", "mfa-exempt", "2020-01-31 waits for a hardware token that never came").await;
    let gate = Gate::new(&cloud.account);
    let said = at_a_terminal(&gate, &OPERATOR(), &["plan"], &[]);
    assert_eq!(said.code, 2, "{}", said.out);
    let (progress, table) = said.out.rsplit_once("\r\u{1b}[K").unwrap();
    assert!(progress.contains("Reading"), "{progress:?}");
    assert!(table.contains("\u{1b}["), "colors: {table:?}");
    let plain: String = anstream::adapter::strip_str(table).to_string();
    assert!(plain.lines().all(|line| line.chars().count() <= 100), "{plain}");
    let plain = plain.replace(&cloud.account, "123456789012").replace(&anna, "AIDA0");
    insta::assert_snapshot!(plain);
}

#[tokio::test]
async fn an_owner_mistypes_waits_and_is_done() {
    let cloud = Cloud::new().await;
    let anna = cloud.user("anna.schmidt").await;
    cloud.sweep().await;
    let value = cloud.value(&anna).await;
    let gate = Gate::new(&cloud.account);
    let keys = keys(&cloud, "anna.schmidt").await;
    let (first, second) = ("shows now: ", "type that: ");
    let dialogue =
        [[first, "12345"], [first, "123 456"], [second, "123456"], [first, "123456"], [second, "654321"]];
    let said = at_a_terminal(&gate, &keys, &["enroll"], &dialogue);
    assert_eq!(said.code, 0, "{}", said.out);
    let qr_code: String = anstream::adapter::strip_str(&said.out).to_string();
    assert!(
        anstream::adapter::strip_str(value["qr_text"].as_str().unwrap())
            .to_string()
            .lines()
            .all(|line| qr_code.contains(line)),
        "{qr_code}"
    );
    assert!(!said.out.contains(value["seed"].as_str().unwrap()));
    let talk = said.out.split_once("one right after the other.").unwrap().1;
    let device = value["serial_number"].as_str().unwrap();
    insta::assert_snapshot!(talk.replace(device, "<the device>"));

    let again = at_a_terminal(&gate, &keys, &["enroll"], &[]);
    assert_eq!(again.code, 0);
    assert!(again.out.starts_with("Already enrolled: the user anna.schmidt has MFA"), "{}", again.out);
}
