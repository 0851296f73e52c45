//! The calls that only the command line makes, by `warden enroll` as a process. Its answers come over HTTP.

use crate::mocks::{OURS, alice_listed, clock, in_region};
use crate::wire::{Answer, Line, ok, refused};
use assert_cmd::Command;
use mfa_warden::model::seed::{Seed, secret_value};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

const DEVICE: &str = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.cafef00d";
const CODES: &str = "123456\n654321\n";

/// What the process said, and how it ended.
struct Said {
    code: Option<i32>,
    text: String,
}

/// Runs `warden enroll` against these answers, and types into it.
fn enroll(answers: impl IntoIterator<Item = Answer>, typed: &str) -> Said {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let line = Line::new(answers);
    let here = line.clone();
    // It ends with the process of the tests.
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(&here, stream)));
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.env_clear().args(["enroll", "--endpoint-url", &url]).write_stdin(typed);
    command.envs([
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let said = Said { code: output.status.code(), text: String::from_utf8(text).unwrap() };
    line.assert_used_up();
    said
}

fn serve(line: &Line, mut stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    let (mut target, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 {
            return;
        }
        match header.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                target = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            None if header.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form).unwrap();
    let answer = line.next(target.as_deref(), &String::from_utf8(form).unwrap());
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (status, length, body) = (answer.status, answer.body.len(), answer.body);
    let answer = format!(
        "HTTP/1.1 {status} -\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).unwrap();
}

fn caller() -> Answer {
    ok(
        "sts:GetCallerIdentity",
        "    <Arn>arn:aws:iam::123456789012:user/alice</Arn>
    <UserId>AIDAEXAMPLEALICE00001</UserId>
    <Account>123456789012</Account>",
    )
}

fn devices(serial: &str) -> Answer {
    let member = format!(
        "
      <member>
        <UserName>alice</UserName>
        <SerialNumber>{serial}</SerialNumber>
        <EnableDate>2026-06-15T12:00:00Z</EnableDate>
      </member>"
    );
    let members = if serial.is_empty() { "" } else { &member };
    ok(
        "iam:ListMFADevices",
        &format!("    <IsTruncated>false</IsTruncated>\n    <MFADevices>{members}\n    </MFADevices>"),
    )
}

fn value() -> Answer {
    let seed = Seed::from_answer(crate::mocks::SEED.into()).unwrap();
    let value = secret_value(&seed, &in_region("us-east-1"), &alice_listed(), DEVICE, clock());
    let body = json!({
        "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa-warden/AIDAEXAMPLEALICE00001-a1B2c3",
        "Name": crate::mocks::NAME,
        "VersionId": OURS,
        "SecretString": value.expose(),
        "VersionStages": ["AWSCURRENT", "WARDEN_PENDING"],
        "CreatedDate": 1_523_477_145.713,
    });
    ok("secretsmanager:GetSecretValue", &body.to_string())
}

#[test]
fn a_device_is_enabled_by_an_answer_without_a_result() {
    let answers = [caller(), devices(""), value(), ok("iam:EnableMFADevice", ""), devices(DEVICE)];
    let said = enroll(answers, CODES);
    assert_eq!(said.code, Some(0), "{}", said.text);
}

#[test]
fn codes_that_aws_refuses_are_asked_for_again() {
    let message = "Authentication code for device is not valid.";
    let wrong = refused("iam:EnableMFADevice", 403, "InvalidAuthenticationCode", message);
    let answers = [caller(), devices(""), value(), wrong, ok("iam:EnableMFADevice", ""), devices(DEVICE)];
    let said = enroll(answers, "111111\n222222\n123456\n654321\n");
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("AWS did not accept these codes."), "{}", said.text);
}

#[test]
fn a_device_that_is_enabled_already_is_looked_for_and_found() {
    let message = format!("MFADevice {DEVICE} is already in use.");
    let enabled = refused("iam:EnableMFADevice", 409, "EntityAlreadyExists", &message);
    let said = enroll([caller(), devices(""), value(), enabled, devices(DEVICE)], CODES);
    assert_eq!(said.code, Some(0), "{}", said.text);
}

#[test]
fn a_passkey_is_enough_to_be_enrolled_already() {
    let passkey = "arn:aws:iam::123456789012:u2f/user/alice/laptop-NUW2VLDEY5EXAMPLE7ZXUWGL2UA";
    let said = enroll([caller(), devices(passkey)], "");
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.starts_with("Already enrolled: the user alice has MFA"), "{}", said.text);
}

#[test]
fn a_seed_that_aws_does_not_give_is_explained_by_its_code() {
    let label = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    let key = "Access to KMS is not allowed";
    for (code, message, explained) in [
        ("ResourceNotFoundException", label, "nothing is prepared for you in region us-east-1"),
        ("InvalidRequestException", marked, "InvalidRequestException"),
        ("AccessDeniedException", key, "you are not allowed to read"),
        ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text", "DecryptionFailure"),
    ] {
        let no = refused("secretsmanager:GetSecretValue", 400, code, message);
        let mut answers = vec![caller(), devices(""), no];
        if code == "ResourceNotFoundException" {
            answers.push(refused("iam:ListVirtualMFADevices", 403, "AccessDenied", "not authorized"));
        }
        let said = enroll(answers, "");
        assert_ne!(said.code, Some(0), "{code}");
        assert!(said.text.contains(explained), "{code}: {}", said.text);
        assert!(
            !said.text.contains(message),
            "an answer that may hold a seed is never repeated: {}",
            said.text
        );
    }
}

#[test]
fn credentials_that_ran_out_are_said_to_have_run_out() {
    let message = "The security token included in the request is expired";
    let expired = refused("sts:GetCallerIdentity", 403, "ExpiredToken", message);
    let said = enroll([expired], "");
    assert_ne!(said.code, Some(0));
    assert!(said.text.contains(&format!("ExpiredToken: {message}")), "{}", said.text);
}
