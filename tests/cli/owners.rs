//! `enroll`.

use crate::cloud::Cloud;
use crate::gate::{Answer, Gate};
use crate::terminal::{Keys, Said, keys, run, say, warden, with_keys};

/// A user for whom a device is prepared, with its access key.
struct Owner {
    cloud: Cloud,
    gate: Gate,
    id: String,
    keys: Keys,
}

impl Owner {
    async fn invited() -> Self {
        let owner = Self::unknown().await;
        owner.cloud.sweep().await;
        owner
    }

    /// Nobody looked at this user yet.
    async fn unknown() -> Self {
        let cloud = Cloud::new().await;
        let id = cloud.user("anna.schmidt").await;
        let gate = Gate::new(&cloud.account);
        let keys = keys(&cloud, "anna.schmidt").await;
        Owner { cloud, gate, id, keys }
    }

    fn enroll(&self, arguments: &[&str], typed: &str) -> Said {
        let mut command = with_keys(&self.gate, &self.keys);
        command.arg("enroll").args(arguments).write_stdin(typed);
        run(command)
    }

    async fn devices(&self) -> usize {
        self.cloud.iam.list_mfa_devices().user_name("anna.schmidt").send().await.unwrap().mfa_devices.len()
    }

    /// What it said, with the QR code, the account and the device's suffix made those of an example.
    async fn normalized(&self, text: &str) -> String {
        let value = self.cloud.value(&self.id).await;
        let serial = value["serial_number"].as_str().unwrap();
        let qr_code = anstream::adapter::strip_str(value["qr_text"].as_str().unwrap()).to_string();
        text.replace(&qr_code, "<the QR code>")
            .replace(serial, &format!("{}<suffix>", &serial[..serial.len() - 8]))
            .replace(&self.cloud.account, "123456789012")
            .replace(self.gate.url.as_str(), "<the endpoint>")
    }
}

#[tokio::test]
async fn an_owner_enrolls_with_two_codes_and_may_do_it_again() {
    let owner = Owner::invited().await;
    let seed = owner.cloud.value(&owner.id).await["seed"].as_str().unwrap().to_owned();
    let said = owner.enroll(&[], "123456\n654321\n");
    insta::assert_snapshot!("enroll", owner.normalized(&said.out).await);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(!said.out.contains(&seed));
    assert_eq!(owner.devices().await, 1);
    let writes: Vec<String> =
        owner.gate.beyond_reading().into_iter().filter(|call| call != "GetSecretValue").collect();
    assert_eq!(writes, ["EnableMFADevice"]);

    let again = owner.enroll(&[], "");
    insta::assert_snapshot!("enroll_again", owner.normalized(&again.out).await);
    assert_eq!(again.code, 0);
    let reads = owner.gate.calls().iter().filter(|call| *call == "GetSecretValue").count();
    assert_eq!(reads, 1, "a user who has MFA is not shown the seed again");
    assert_eq!(owner.cloud.check("anna.schmidt").await["actions"]["close"], 1);
}

#[tokio::test]
async fn the_seed_is_shown_as_text_only_when_asked_for() {
    let owner = Owner::invited().await;
    let seed = owner.cloud.value(&owner.id).await["seed"].as_str().unwrap().to_owned();
    let said = owner.enroll(&["--show-seed"], "");
    assert!(said.out.replace(' ', "").contains(&seed));
    assert_eq!(said.code, 1, "there were no codes");
    assert!(said.err.contains("there were no codes to read, and nothing was changed"), "{}", said.err);
    assert!(!said.err.contains(&seed));
}

#[tokio::test]
async fn what_cannot_be_two_codes_never_reaches_aws_and_the_third_try_still_counts() {
    let owner = Owner::invited().await;
    let said = owner.enroll(&[], "12345\n111111\n111 111\n123 456\n654 321\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("a code has six digits") && said.out.contains("the same code twice"),
        "{}",
        said.out
    );
    assert_eq!(owner.gate.calls().iter().filter(|call| *call == "EnableMFADevice").count(), 1);
}

#[tokio::test]
async fn codes_that_aws_refuses_are_asked_for_three_times() {
    let owner = Owner::invited().await;
    owner.gate.answer("EnableMFADevice", Answer::Error("InvalidAuthenticationCode"));
    let said = owner.enroll(&[], "111111\n222222\n333333\n444444\n555555\n666666\n777777\n888888\n");
    assert_eq!(said.code, 1);
    assert_eq!(said.out.matches("the phone's clock may be wrong").count(), 3, "{}", said.out);
    assert!(said.err.contains("no codes were accepted"), "{}", said.err);
    assert_eq!(owner.gate.calls().iter().filter(|call| *call == "EnableMFADevice").count(), 3);
    assert_eq!(owner.devices().await, 0);
}

#[tokio::test]
async fn a_device_that_was_enabled_though_the_answer_was_lost_is_a_success() {
    let owner = Owner::invited().await;
    owner.gate.answer("EnableMFADevice", Answer::Lost);
    let said = owner.enroll(&[], "123456\n654321\n");
    assert!(said.out.contains("Done: the user anna.schmidt has MFA"), "{}{}", said.out, said.err);
    assert_eq!(said.code, 0);
}

#[tokio::test]
async fn an_owner_with_another_device_is_enrolled_already() {
    let owner = Owner::invited().await;
    owner.cloud.enroll("anna.schmidt").await;
    let said = owner.enroll(&[], "");
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("Already enrolled: the user anna.schmidt has MFA"), "{}", said.out);
    assert!(!owner.gate.calls().contains(&"GetSecretValue".to_owned()));
}

#[tokio::test]
async fn nothing_prepared_is_an_error_that_shows_another_way() {
    let owner = Owner::unknown().await;
    let said = owner.enroll(&[], "");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("nothing is prepared for you in region us-east-1"), "{}", said.err);
    assert!(said.err.contains("Assign MFA device"), "{}", said.err);
}

#[tokio::test]
async fn in_another_region_it_says_what_is_known_of_the_device() {
    let owner = Owner::invited().await;
    let elsewhere = ["--region", "eu-west-1"];
    let told = |said: &Said| {
        assert_eq!((said.code, said.out.as_str()), (1, ""));
        assert!(said.err.contains("region eu-west-1"), "{}", said.err);
        assert!(said.err.contains("names the region: run `warden enroll --region=REGION`"), "{}", said.err);
    };
    let known = owner.enroll(&elsewhere, "");
    told(&known);
    assert!(known.err.contains("a device is prepared for you, but its secret is not in"), "{}", known.err);

    // As under the enrollment policy, which does not allow to list what is prepared.
    owner.gate.answer("ListVirtualMFADevices", Answer::Error("AccessDenied"));
    let unknown = owner.enroll(&elsewhere, "");
    told(&unknown);
    assert!(unknown.err.contains("nothing is prepared for you in region eu-west-1"), "{}", unknown.err);
    assert!(
        !unknown.err.contains("a device is prepared") && !unknown.err.contains("AccessDenied"),
        "{}",
        unknown.err
    );

    // AWS says who may read a secret in its policy, so without one there it says that nobody may.
    owner.gate.answer("GetSecretValue", Answer::Error("AccessDeniedException"));
    told(&owner.enroll(&elsewhere, ""));
    let asked = owner.gate.calls().iter().filter(|call| *call == "ListVirtualMFADevices").count();
    assert_eq!(asked, 2, "only where there is no secret");
}

#[tokio::test]
async fn a_device_of_somebody_else_is_not_said_to_be_the_owners() {
    let owner = Owner::unknown().await;
    let other = owner.cloud.iam.create_virtual_mfa_device().path("/mfa-warden/");
    other.virtual_mfa_device_name("anna.schmidt.x.0a1b2c3d").send().await.unwrap();
    let said = owner.enroll(&[], "");
    assert!(said.err.contains("IAM has no prepared device of yours"), "{}", said.err);
}

#[tokio::test]
async fn a_second_device_is_told_to_need_a_session_with_mfa() {
    let owner = Owner::invited().await;
    let seed = owner.cloud.value(&owner.id).await["seed"].as_str().unwrap().to_owned();
    let words = format!("Not now ({seed}): Ensure that you are authenticated with an MFA device.");
    for code in ["AccessDenied", "EntityTemporarilyUnmodifiable"] {
        owner.gate.answer("EnableMFADevice", Answer::Words(code, words.clone().leak()));
        let said = owner.enroll(&[], "123456\n654321\n");
        assert_eq!(said.code, 1);
        let what_to_do =
            "registers a second device only after you have signed out and signed in again with MFA";
        assert!(said.err.contains(what_to_do) && said.err.contains(code), "{}", said.err);
        assert!(!said.err.contains(&seed) && !said.out.contains(&seed), "{}", said.err);
    }
    assert_eq!(owner.gate.calls().iter().filter(|call| *call == "EnableMFADevice").count(), 2);
}

#[tokio::test]
async fn credentials_that_iam_refuses_only_at_the_end_are_told_in_the_same_words() {
    let mut owner = Owner::invited().await;
    owner.keys.2 = Some("token".to_owned());
    owner.gate.answer("EnableMFADevice", Answer::Error("InvalidClientTokenId"));
    let said = owner.enroll(&[], "123456\n654321\n");
    assert_eq!(said.code, 1);
    assert!(
        said.err.starts_with("warden: failed to enable the MFA device: InvalidClientTokenId"),
        "{}",
        said.err
    );
    assert!(said.err.contains("look like session-token credentials"), "{}", said.err);
}

#[tokio::test]
async fn commands_to_run_next_keep_the_options_of_this_one() {
    let owner = Owner::invited().await;
    let url = owner.gate.url.as_str();
    let said = owner.enroll(&["--region", "us-east-1", "--endpoint-url", url], "");
    let options = format!("--region=us-east-1 --endpoint-url={url}`");
    assert!(said.out.contains(&format!("`warden enroll --show-seed {options}")), "{}", said.out);
    assert!(said.err.contains(&format!("Run `warden enroll {options} again")), "{}", said.err);
}

#[tokio::test]
async fn an_owner_may_have_any_name_that_iam_allows() {
    for name in ["-alice", "--help", "=1+1,x"] {
        let cloud = Cloud::new().await;
        cloud.user(name).await;
        cloud.sweep().await;
        let gate = Gate::new(&cloud.account);
        let mut command = with_keys(&gate, &keys(&cloud, name).await);
        command.arg("enroll").write_stdin("123456\n654321\n");
        let said = run(command);
        assert!(said.out.contains(&format!("Done: the user {name} has MFA")), "{}{}", said.out, said.err);
    }
}

#[tokio::test]
async fn who_is_denied_the_secret_is_shown_the_consoles_own_way() {
    let owner = Owner::invited().await;
    // All at once, as a policy that denies everything without MFA does.
    owner.gate.answer("ListMFADevices", Answer::Error("AccessDenied"));
    owner.gate.answer("GetSecretValue", Answer::Error("AccessDeniedException"));
    let said = owner.enroll(&[], "");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err.contains("deny everything without MFA") && said.err.contains("Assign MFA device"),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn who_may_not_list_devices_may_still_enable_one() {
    let owner = Owner::invited().await;
    owner.gate.answer("ListMFADevices", Answer::Error("AccessDenied"));
    let said = owner.enroll(&[], "123456\n654321\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("IAM took it, though it does not list it yet"), "{}", said.out);
}

#[tokio::test]
async fn a_caller_in_a_role_is_told_to_come_as_the_user() {
    let cloud = Cloud::new().await;
    let gate = Gate::new(&cloud.account);
    let iam = &cloud.iam;
    iam.create_role().role_name("Admin").assume_role_policy_document("{}").send().await.unwrap();
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .endpoint_url(&gate.url)
        .credentials_provider(aws_sdk_iam::config::SharedCredentialsProvider::new(
            aws_sdk_iam::config::Credentials::for_tests(),
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let sts = aws_sdk_sts::Client::new(&config);
    let role = format!("arn:aws:iam::{}:role/Admin", cloud.account);
    let assumed = sts.assume_role().role_arn(role).role_session_name("anna").send().await.unwrap();
    let session = assumed.credentials.unwrap();
    let keys = (session.access_key_id, session.secret_access_key, Some(session.session_token));
    let said = say(with_keys(&gate, &keys), &["enroll"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("you are acting in the role `Admin`"), "{}", said.err);
}

#[tokio::test]
async fn a_profile_that_is_asked_for_goes_before_keys_in_the_environment() {
    let owner = Owner::invited().await;
    let (id, secret, _) = &owner.keys;
    let file = format!("{}/{}.config", env!("CARGO_TARGET_TMPDIR"), owner.cloud.account);
    let profile = format!("[profile anna]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::fs::write(&file, profile + "region = us-east-1\n").unwrap();
    let mut command = warden();
    command.env("AWS_CONFIG_FILE", &file).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    command
        .env("AWS_ACCESS_KEY_ID", "somebody")
        .env("AWS_SECRET_ACCESS_KEY", "else")
        .env_remove("AWS_REGION");
    command
        .args(["enroll", "--profile", "anna", "--endpoint-url", &owner.gate.url])
        .write_stdin("123456\n654321\n");
    let said = run(command);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(owner.devices().await, 1);
}

/// The owner's secret with another value under a version of its own, as somebody who may write secrets could leave it.
async fn forge(owner: &Owner, number: usize, change: impl Fn(&mut serde_json::Value)) {
    let mut value = owner.cloud.value(&owner.id).await;
    change(&mut value);
    let name = format!("mfa-warden/{}", owner.id);
    let put = owner.cloud.secrets.put_secret_value().secret_id(name).secret_string(value.to_string());
    put.client_request_token(format!("01999999-000{number}-7000-8000-0000deadbeef")).send().await.unwrap();
}

#[tokio::test]
async fn only_the_device_that_was_prepared_is_ever_enabled() {
    let owner = Owner::invited().await;
    let planted = owner.cloud.iam.create_virtual_mfa_device().virtual_mfa_device_name("planted").send().await;
    let planted = planted.unwrap().virtual_mfa_device.unwrap().serial_number;
    let real = owner.cloud.value(&owner.id).await["serial_number"].as_str().unwrap().to_owned();
    // Another device; and the true one under another's version.
    for (number, serial) in [planted, real].into_iter().enumerate() {
        forge(&owner, number, |value| value["serial_number"] = serial.clone().into()).await;
        let said = owner.enroll(&[], "123456\n654321\n");
        assert_eq!((said.code, said.out.as_str()), (1, ""), "nothing is shown of it");
        assert!(said.err.contains("Nothing was enabled: tell the people who run mfa-warden"), "{}", said.err);
    }
    assert!(!owner.gate.calls().contains(&"EnableMFADevice".to_owned()));
    assert_eq!(owner.devices().await, 0);
}

#[tokio::test]
async fn a_secret_that_mfa_warden_did_not_write_puts_nothing_on_the_terminal() {
    let owner = Owner::invited().await;
    let account = owner.cloud.account.clone();
    let serial = format!("arn:aws:iam::{account}:mfa/mfa-warden/anna.schmidt.deadbeef");
    let forged =
        [("qr_text", "\u{1b}[2Jscan https://evil.example"), ("seed", "call 0800"), ("qr_text", "\u{202e}")];
    for (number, (key, words)) in forged.into_iter().enumerate() {
        forge(&owner, number, |value| {
            value["serial_number"] = serial.clone().into();
            value[key] = words.into();
        })
        .await;
        let said = owner.enroll(&["--show-seed"], "123456\n654321\n");
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{key}");
        assert!(said.err.contains("does not hold what mfa-warden writes"), "{}", said.err);
        assert!(!said.err.contains("evil") && !said.err.contains("0800"), "{}", said.err);
    }
    assert!(!owner.gate.calls().contains(&"EnableMFADevice".to_owned()));
}

#[tokio::test]
async fn an_error_that_repeats_the_answer_shows_no_seed() {
    let owner = Owner::invited().await;
    let seed = owner.cloud.value(&owner.id).await["seed"].as_str().unwrap().to_owned();
    let echo = format!(r#"{{"SecretString": ["{seed}"], "VersionId": 7}}"#);
    owner.gate.answer("GetSecretValue", Answer::Json(echo.leak()));
    let said = owner.enroll(&[], "");
    assert_eq!(said.code, 1);
    assert!(!said.err.contains(&seed) && !said.out.contains(&seed), "{}{}", said.out, said.err);
    assert!(said.err.contains("failed to read the secret that was prepared for you"), "{}", said.err);
}

#[tokio::test]
async fn an_owner_is_spoken_to_in_the_language_of_the_terminal_or_the_one_that_is_asked_for() {
    let owner = Owner::invited().await;
    let said = |arguments: &[&str], locale: &[(&str, &str)]| {
        let mut command = with_keys(&owner.gate, &owner.keys);
        for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        command.arg("enroll").args(arguments).envs(locale.iter().copied()).write_stdin("12\n");
        run(command)
    };
    for (arguments, locale, is_german) in [
        (&[][..], &[("LANG", "de_DE.UTF-8")][..], true),
        (&[], &[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "de_AT")], true),
        (&[], &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C.UTF-8")], false),
        (&["--language", "de"], &[("LANG", "en_US.UTF-8")], true),
        (&["--language", "en"], &[("LANG", "de_DE.UTF-8")], false),
        (&[], &[("LANG", "fr_FR.UTF-8")], false),
        (&[], &[], false),
    ] {
        let said = said(arguments, locale);
        assert_eq!(said.out.contains("Das ist kein Code"), is_german, "{locale:?}: {}", said.out);
        assert_eq!(said.out.contains("That is no code"), !is_german, "{locale:?}: {}", said.out);
        assert_eq!(said.err.contains("es gab keine Codes zu lesen"), is_german, "{}", said.err);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let mut command = with_keys(&owner.gate, &owner.keys);
        command.arg("enroll").env("LC_ALL", std::ffi::OsStr::from_bytes(b"\xff")).write_stdin("12\n");
        let said = run(command);
        assert!(said.out.contains("That is no code"), "what is no text is no language: {}", said.err);
    }
    let refused = said(&["--language", "tlh"], &[]);
    assert!(refused.err.contains("there are: de, en"), "{}", refused.err);
}
