//! The secret's value: every field, a QR code that scans, codes of RFC 6238.

use crate::builders::*;
use mfa_warden::model::account::Account;
use mfa_warden::model::commands::enable_command;
use mfa_warden::model::seed::{Seed, secret_value};
use serde_json::Value;

/// RFC 6238's own seed, `12345678901234567890`, twice: AWS's seeds have 64 digits.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn value_for(name: &str) -> Value {
    let seed = Seed::from_answer(SEED.as_bytes().to_vec()).unwrap();
    let facts = user(name);
    let serial = serial(name, &version(now(), 0xcafe_f00d));
    serde_json::from_str(secret_value(&seed, &account(), &facts.user, &serial, now()).expose()).unwrap()
}

/// Reads a QR code as a camera sees it on a terminal of any ground: a drawn half block is white, a blank one black.
fn scan(text: &str) -> String {
    // Each line sets its colors, and leaves the terminal's own behind it.
    let colored = |line: &'_ str| {
        let line = line.strip_prefix("\x1b[38;5;231;48;5;16m").expect("white on black");
        line.strip_suffix("\x1b[0m").expect("the terminal's own colors again").chars().collect()
    };
    let rows: Vec<Vec<char>> = text.split('\n').map(colored).collect();
    let (width, height) = (rows[0].len(), rows.len() * 2);
    assert!(rows.iter().all(|row| row.len() == width), "all lines are equally wide");
    let scale = 4;
    let light = |x: usize, y: usize| match rows[y / 2][x] {
        '█' => true,
        '▀' => y.is_multiple_of(2),
        '▄' => y % 2 == 1,
        ' ' => false,
        other => panic!("{other:?} in a QR code"),
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * scale, height * scale, |x, y| {
        if light(x / scale, y / scale) { 255 } else { 0 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "exactly one QR code is found");
    grids[0].decode().unwrap().1
}

#[test]
fn the_value_has_every_field_of_the_contract() {
    let value = value_for("alice");
    let serial = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.cafef00d";
    assert_eq!(value["account"], "123456789012");
    assert_eq!(value["user"], "alice");
    assert_eq!(value["serial_number"], serial);
    assert_eq!(value["seed"], SEED);
    assert_eq!(value["created_at"], "2026-06-15T12:00:00Z");
    assert_eq!(
        value["enable_command"],
        format!(
            "aws iam enable-mfa-device --region us-east-1 --user-name alice --serial-number {serial} \
             --authentication-code1 CODE1 --authentication-code2 CODE2"
        )
    );
    assert_eq!(
        value["otpauth_uri"],
        format!(
            "otpauth://totp/AWS%20123456789012:alice?secret={SEED}&issuer=AWS%20123456789012&algorithm=SHA1&digits=6&period=30"
        )
    );
    assert_eq!(value.as_object().unwrap().len(), 8);
}

#[test]
fn the_qr_code_scans_to_the_uri_for_the_shortest_and_the_longest_name() {
    for name in ["a", "alice", "o.brien+ops=eu,west@example-corp.com", &"@".repeat(64)] {
        let value = value_for(name);
        let qr = value["qr_text"].as_str().unwrap();
        assert_eq!(scan(qr), value["otpauth_uri"].as_str().unwrap(), "{name}\n{qr}");
    }
}

#[test]
fn the_uri_yields_the_codes_of_rfc_6238() {
    let name = "o.brien+ops=eu,west@example-corp.com";
    let totp = totp_rs::Totp::from_url(value_for(name)["otpauth_uri"].as_str().unwrap()).unwrap();
    assert_eq!(totp.issuer(), Some("AWS 123456789012"));
    assert_eq!(totp.account_name(), name);
    // Computed from RFC 4226's formula by an implementation of its own (Python's hmac), at the times of RFC 6238's
    // appendix B, whose own codes are for a seed half as long.
    let codes = [
        (59, "440963"),
        (1_111_111_109, "615479"),
        (1_111_111_111, "238580"),
        (1_234_567_890, "710945"),
        (2_000_000_000, "489770"),
    ];
    for (time, code) in codes {
        assert_eq!(totp.generate(time).to_string(), code, "at {time}");
    }
}

#[test]
fn the_base32_text_of_the_answer_is_the_seed_and_other_bytes_are_the_key_itself() {
    let uri = |bytes: &[u8]| {
        let seed = Seed::from_answer(bytes.to_vec())?;
        let facts = user("alice");
        let value: Value =
            serde_json::from_str(secret_value(&seed, &account(), &facts.user, "x", now()).expose()).unwrap();
        Some(value["seed"].as_str().unwrap().to_owned())
    };
    assert_eq!(uri(b"GEZDGNBVGY3TQOJQ").as_deref(), Some("GEZDGNBVGY3TQOJQ"));
    assert_eq!(uri(b"GEZDGNBVGY3TQOJQGE======").as_deref(), Some("GEZDGNBVGY3TQOJQGE"));
    assert_eq!(uri(b"1234567890").as_deref(), Some("GEZDGNBVGY3TQOJQ"));
    for short in [&b""[..], b"======", b"ABCDEFGHIJKLMNO", b"12345678"] {
        assert_eq!(uri(short), None, "{short:?}");
    }
}

#[test]
fn names_and_serial_numbers_stay_single_words_of_the_shell() {
    let command = |user: &str, serial: &str| enable_command(&account(), user, serial);
    let hostile = command("a'; rm -rf / #", "arn$(id)`id`");
    assert!(
        hostile.contains(r"--user-name 'a'\''; rm -rf / #' --serial-number 'arn$(id)`id`' "),
        "{hostile}"
    );
    // Single quotes are a part of the word in cmd, and a bare comma makes two words in PowerShell.
    assert!(command("-o+c=a.l@e.x_m", "s").contains(" --user-name=-o+c=a.l@e.x_m "));
    assert!(command("@a", "s").contains(" --user-name \"@a\" "));
    assert!(command("=a", "s").contains(" --user-name \"=a\" "));
    assert!(command("a,b", "s").contains(" --user-name \"a,b\" "));
    assert!(command("", "s").contains(" --user-name \"\" "));
}

#[test]
fn commands_name_the_region_of_the_partitions_iam() {
    let china = Account { partition: "aws-cn".to_owned(), region: "cn-northwest-1".to_owned(), ..account() };
    assert!(enable_command(&china, "alice", "s").contains(" --region cn-north-1 "));
}

#[test]
fn the_value_is_ascii_whatever_the_name() {
    let seed = Seed::from_answer(SEED.as_bytes().to_vec()).unwrap();
    let facts = user("\u{e9}\u{1f511}\u{7f}");
    let value = secret_value(&seed, &account(), &facts.user, "x", now());
    assert!(value.expose().is_ascii());
    let read: Value = serde_json::from_str(value.expose()).unwrap();
    assert_eq!(read["user"], "\u{e9}\u{1f511}\u{7f}");
}
