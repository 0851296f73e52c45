//! Profiles, as the AWS CLI takes them.

use crate::cloud::Cloud;
use crate::gate::{Answer, Gate};
use crate::terminal::{keys, say, warden, with_keys};
use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};

/// A home directory of somebody with these profiles.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, profiles: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // What an earlier run left there.
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join(".aws/sso/cache")).unwrap();
        fs::write(home.join(".aws/config"), profiles).unwrap();
        Home(home)
    }

    /// The token that `aws sso login` leaves for the session `company`: its file has the name's SHA-1.
    fn signed_in_until(&self, time: &str) {
        let file = ".aws/sso/cache/71b21161ffa1e6516bcc072aaf5ef38cbe85b511.json";
        let token = format!(
            r#"{{"accessToken": "token", "expiresAt": "{time}", "region": "us-east-1",
                "startUrl": "https://company.awsapps.com/start"}}"#
        );
        fs::write(self.0.join(file), token).unwrap();
    }

    fn warden(&self, gate: &Gate) -> Command {
        let mut command = warden();
        command.env_remove("AWS_CONFIG_FILE").env_remove("AWS_SHARED_CREDENTIALS_FILE");
        command.env("HOME", &self.0).env("PATH", "/usr/bin:/bin").env("AWS_ENDPOINT_URL", &gate.url);
        command
    }
}

const SSO: &str = "[profile admin]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Auditor

[sso-session company]
sso_start_url = https://company.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
";

async fn in_order() -> Gate {
    let cloud = Cloud::new().await;
    cloud.user_without_password("ci-deploy", "/").await;
    Gate::new(&cloud.account)
}

#[tokio::test]
async fn a_profile_of_identity_center_is_signed_in_with() {
    let gate = in_order().await;
    gate.answer(
        "GetRoleCredentials",
        Answer::Json(
            r#"{"roleCredentials": {"accessKeyId": "ASIAEXAMPLE", "secretAccessKey": "secret",
                "sessionToken": "session", "expiration": 32503680000000}}"#,
        ),
    );
    let home = Home::new("sso", SSO);
    home.signed_in_until("2999-01-01T00:00:00Z");
    let said = say(home.warden(&gate), &["plan", "--profile", "admin"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let mut by_variable = home.warden(&gate);
    by_variable.env("AWS_PROFILE", "admin");
    assert_eq!(say(by_variable, &["plan"]).code, 0);
    let calls = gate.calls();
    assert_eq!(calls.iter().filter(|call| *call == "GetRoleCredentials").count(), 2, "{calls:?}");
}

#[tokio::test]
async fn a_session_of_identity_center_that_has_ended_is_told_with_what_to_do() {
    let gate = in_order().await;
    let home = Home::new("sso-ended", SSO);
    for token in [None, Some("2020-01-01T00:00:00Z")] {
        if let Some(time) = token {
            home.signed_in_until(time);
        }
        let said = say(home.warden(&gate), &["plan", "--profile", "admin"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
        assert!(said.err.contains("aws sso login --profile admin"), "{}", said.err);
        assert!(!said.err.contains('{'), "{}", said.err);
    }
    assert_eq!(gate.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_profile_may_assume_a_role_and_its_region_is_taken() {
    let gate = in_order().await;
    let home = Home::new(
        "role",
        "[profile base]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = secret

[profile admin]
role_arn = arn:aws:iam::123456789012:role/auditor
source_profile = base
region = eu-central-1
",
    );
    let mut command = home.warden(&gate);
    command.env_remove("AWS_REGION");
    let said = say(command, &["plan", "--profile", "admin"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("region eu-central-1"), "{}", said.out);
    assert!(gate.calls().contains(&"AssumeRole".to_owned()), "{:?}", gate.calls());

    // As AWS answers where the role demands a code, for which the SDK does not ask.
    gate.answer("AssumeRole", Answer::Error("AccessDenied"));
    let said = say(home.warden(&gate), &["plan", "--profile", "admin"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("mfa_serial") && !said.err.contains('{'), "{}", said.err);
    assert!(
        said.err.contains("credential_process = aws configure export-credentials --profile admin`"),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn a_profile_may_get_its_credentials_from_a_program() {
    let gate = in_order().await;
    let home = Home::new("process", "");
    let answer = r#"{"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "secret"}"#;
    fs::write(home.0.join("answer.json"), answer).unwrap();
    let program = home.0.join("answer.json").display().to_string();
    let config = format!(
        "[profile admin]\ncredential_process = cat \"{program}\"\n\n[profile broken]\ncredential_process = false\n"
    );
    fs::write(home.0.join(".aws/config"), config).unwrap();
    let said = say(home.warden(&gate), &["plan", "--profile", "admin"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let said = say(home.warden(&gate), &["plan", "--profile", "broken"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("the AWS credentials cannot be loaded"), "{}", said.err);
}

/// Every call to IAM that a command may begin with.
const IAM: [&str; 9] = [
    "EnableMFADevice",
    "GenerateCredentialReport",
    "GetAccountSummary",
    "GetUser",
    "ListAttachedUserPolicies",
    "ListEntitiesForPolicy",
    "ListMFADevices",
    "ListUsers",
    "ListVirtualMFADevices",
];

const COMMANDS: [&[&str]; 6] = [
    &["plan"],
    &["plan", "--json"],
    &["check", "anna.schmidt"],
    &["explain", "anna.schmidt"],
    &["status"],
    &["enroll", "--show-seed"],
];

#[tokio::test]
async fn session_tokens_without_mfa_are_told_at_once_and_by_every_command_in_the_same_words() {
    let cloud = Cloud::new().await;
    cloud.user("anna.schmidt").await;
    cloud.sweep().await;
    let (id, secret, _) = keys(&cloud, "anna.schmidt").await;
    let session = (id.clone(), secret.clone(), Some("token".to_owned()));
    for answer in [
        Answer::Words("InvalidClientTokenId", "The security token included in the request is invalid"),
        Answer::Words("AccessDenied", "Cannot call this with session credentials"),
    ] {
        let gate = Gate::new(&cloud.account);
        IAM.iter().for_each(|api| gate.answer(api, answer.clone()));
        let mut told = Vec::new();
        for command in COMMANDS {
            let said = say(with_keys(&gate, &session), command);
            assert_eq!((said.code, said.out.as_str()), (1, ""), "{command:?}");
            let Answer::Words(code, words) = answer else { unreachable!() };
            let (attempted, what_to_do) = said.err.split_once("\n\n").unwrap();
            assert!(attempted.starts_with("warden: failed to list the "), "{attempted}");
            assert!(attempted.contains("MFA devices") && attempted.contains(code), "{attempted}");
            assert!(attempted.contains(words), "{attempted}");
            told.push(what_to_do.to_owned());
        }
        assert!(told.iter().all(|words| *words == told[0]), "{told:?}");
        for words in
            ["session-token credentials", "without MFA", "unset AWS_SESSION_TOKEN", "--profile", "CloudShell"]
        {
            assert!(told[0].contains(words), "{}", told[0]);
        }
        let calls = gate.calls();
        assert!(!calls.iter().any(|call| call == "GetSecretValue" || call == "EnableMFADevice"), "{calls:?}");
    }

    // A key that IAM does not know yet carries no token.
    let gate = Gate::new(&cloud.account);
    IAM.iter().for_each(|api| gate.answer(api, Answer::Error("InvalidClientTokenId")));
    for command in COMMANDS {
        let said = say(with_keys(&gate, &(id.clone(), secret.clone(), None)), command);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{command:?}");
        assert!(said.err.contains("made a moment ago") && !said.err.contains("session"), "{}", said.err);
    }
    assert!(!gate.calls().contains(&"GetSecretValue".to_owned()));
}

#[tokio::test]
async fn session_tokens_of_cloudshell_are_not_mistaken_for_those_without_mfa() {
    let cloud = Cloud::new().await;
    cloud.user("anna.schmidt").await;
    cloud.sweep().await;
    let (id, secret, _) = keys(&cloud, "anna.schmidt").await;
    let session = (id, secret, Some("token".to_owned()));
    let gate = Gate::new(&cloud.account);
    for command in [&["plan"][..], &["check", "anna.schmidt"], &["explain", "anna.schmidt"], &["status"]] {
        let said = say(with_keys(&gate, &session), command);
        assert!(said.code != 1 && said.err.is_empty(), "{command:?}: {}", said.err);
    }
    // A policy denies the list, and not IAM the credentials.
    let denied = "User: arn:aws:iam::123456789012:user/anna.schmidt is not authorized to perform: iam:List on resource: x";
    for api in ["ListMFADevices", "ListVirtualMFADevices"] {
        gate.answer(api, Answer::Words("AccessDenied", denied));
    }
    for command in [&["plan"][..], &["check", "anna.schmidt"], &["explain", "anna.schmidt"]] {
        let said = say(with_keys(&gate, &session), command);
        assert!(said.code == 1 && !said.err.contains("session-token"), "{command:?}: {}", said.err);
        assert!(said.err.contains("is not authorized to perform"), "{}", said.err);
    }
    let mut enroll = with_keys(&gate, &session);
    enroll.write_stdin("123456\n654321\n");
    let said = say(enroll, &["enroll"]);
    assert!(said.code == 0 && said.out.contains("Done: the user anna.schmidt has MFA"), "{}", said.err);
}
