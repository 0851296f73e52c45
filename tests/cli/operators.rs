//! `plan`, `check` and `status`.

use crate::cloud::Cloud;
use crate::gate::{Answer, Gate};
use crate::terminal::{operator, say, warden};
use serde_json::Value;

/// An account with one user of each verdict.
async fn company(cloud: &Cloud) -> Vec<String> {
    let mut ids = Vec::new();
    for user in ["anna.schmidt", "ben+oncall@example.com", "d_okafor", "eve=contractor", "olivia.brandt"] {
        ids.push(cloud.user(user).await);
    }
    cloud.user_without_password("ci-deploy", "/service/").await;
    cloud.tag("d_okafor", "mfa-exempt", "permanent sealed envelope in the safe").await;
    cloud.tag("eve=contractor", "mfa-exempt", "2020-01-31 project ends").await;
    cloud.enroll("olivia.brandt").await;
    ids
}

/// The text with the test's account and ids made those of an example.
fn normalized(text: &str, cloud: &Cloud, ids: &[String]) -> String {
    let named = |text: String, (at, id): (usize, &String)| text.replace(id, &format!("AIDA{at}"));
    ids.iter().enumerate().fold(text.replace(&cloud.account, "123456789012"), named)
}

#[tokio::test]
async fn a_plan_shows_who_is_without_mfa_and_exits_with_2() {
    let cloud = Cloud::new().await;
    let ids = company(&cloud).await;
    let gate = Gate::new(&cloud.account);

    let table = say(operator(&gate), &["plan"]);
    insta::assert_snapshot!("plan", normalized(&table.out, &cloud, &ids));
    assert_eq!((table.code, table.err.as_str()), (2, ""));

    let csv = say(operator(&gate), &["plan", "--csv", "--max-provisions", "0"]);
    assert!(csv.err.starts_with("warden: warning: the root user has"), "{}", csv.err);
    insta::assert_snapshot!("plan_csv", normalized(&csv.out, &cloud, &ids));
    assert_eq!(csv.code, 2);

    let colored = say(operator(&gate), &["plan", "--color", "always"]);
    assert!(colored.out.contains("\u{1b}["), "{}", colored.out);
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());
}

#[tokio::test]
async fn json_is_the_functions_own_answer_to_a_dry_run() {
    let cloud = Cloud::with(&[("MFA_SCOPE", "all")]).await;
    company(&cloud).await;
    let gate = Gate::new(&cloud.account);
    let topic = cloud.warden.settings.owner_topic_arn.as_str();
    let said = say(operator(&gate), &["plan", "--json", "--scope", "all", "--owner-topic-arn", topic]);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let function = cloud.handle(serde_json::json!({"action": "sweep", "dry_run": true})).await.unwrap();
    assert_eq!(answer, function);
    assert_eq!(answer["users"]["not_applicable"], 0, "the option decides");
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_tells_who_would_not_be_reached_where_it_knows_the_topic() {
    let cloud = Cloud::with_nobody_listening(Cloud::next_account(), &[]).await;
    cloud.user("anna.schmidt").await;
    cloud.tag("anna.schmidt", "email", "anna@example.com").await;
    let topic = cloud.warden.settings.owner_topic_arn.as_str();
    let queue = "arn:aws:sqs:us-east-1:123456789012:bens";
    let subscribe = cloud.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue);
    let subscribe = subscribe.attributes("FilterPolicy", r#"{"recipient":["ben@example.com"]}"#);
    subscribe.send().await.unwrap();
    let gate = Gate::new(&cloud.account);
    let new = say(operator(&gate), &["plan", "--owner-topic-arn", topic, "--subscribe-owners", "true"]);
    assert!(new.out.contains("subscribe 1"), "{}", new.out);
    cloud.sweep().await;
    let invited = say(operator(&gate), &["plan", "--owner-topic-arn", topic]);
    let hindrance = "; no device is prepared: no subscription of the owner topic lets messages to anna@example.com through";
    assert!(invited.out.contains(hindrance), "{}", invited.out);
    assert!(invited.out.contains("nothing until the owner can be told"), "{}", invited.out);
    assert!(!say(operator(&gate), &["plan"]).out.contains("owner topic"));
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());
}

#[tokio::test]
async fn settings_are_read_from_the_functions_variables_and_options_go_before_them() {
    let cloud = Cloud::new().await;
    cloud.user_without_password("ci-deploy", "/").await;
    let gate = Gate::new(&cloud.account);
    let mut command = operator(&gate);
    command.env("MFA_SCOPE", "all");
    assert_eq!(say(command, &["plan"]).code, 2);
    let mut command = operator(&gate);
    command.env("MFA_SCOPE", "all");
    assert_eq!(say(command, &["plan", "--scope", "console"]).code, 0);
    let wrong = say(operator(&gate), &["plan", "--scope", "everyone"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("--scope: MFA_SCOPE is `everyone`: it must be `console`"), "{}", wrong.err);
}

#[tokio::test]
async fn an_account_in_order_exits_with_0() {
    let cloud = Cloud::new().await;
    cloud.user("olivia.brandt").await;
    cloud.enroll("olivia.brandt").await;
    let gate = Gate::new(&cloud.account);
    let said = say(operator(&gate), &["plan"]);
    insta::assert_snapshot!(normalized(&said.out, &cloud, &[]));
    assert_eq!(said.code, 0);
}

#[tokio::test]
async fn users_that_cannot_be_read_are_no_success_and_an_account_that_cannot_be_listed_is_an_error() {
    let cloud = Cloud::new().await;
    cloud.user("anna").await;
    let gate = Gate::new(&cloud.account);
    gate.answer("GetLoginProfile", Answer::Error("AccessDenied"));
    let unread = say(operator(&gate), &["plan"]);
    assert_eq!(unread.code, 1);
    assert!(
        unread.out.contains("failed to read the login profile of `anna`: AccessDenied"),
        "{}",
        unread.out
    );

    gate.answer("ListUsers", Answer::Error("AccessDenied"));
    let failed = say(operator(&gate), &["plan"]);
    assert_eq!((failed.code, failed.out.as_str()), (1, ""));
    assert_eq!(
        failed.err,
        "warden: failed to list the IAM users: AccessDenied: AccessDenied, as AWS would say it (allow it to the \
         caller's role or user; look for a denying service control policy or boundary)\n"
    );
}

#[tokio::test]
async fn a_check_shows_one_user_and_a_user_that_is_not_there_is_an_error() {
    let cloud = Cloud::new().await;
    company(&cloud).await;
    let gate = Gate::new(&cloud.account);

    let without = say(operator(&gate), &["check", "anna.schmidt"]);
    insta::assert_snapshot!("check_without_mfa", normalized(&without.out, &cloud, &[]));
    assert_eq!(without.code, 2);
    let with = say(operator(&gate), &["check", "olivia.brandt"]);
    insta::assert_snapshot!("check_with_mfa", normalized(&with.out, &cloud, &[]));
    assert_eq!(with.code, 0);
    assert_eq!(say(operator(&gate), &["check", "d_okafor", "--json"]).code, 0);

    let nobody = say(operator(&gate), &["check", "nobody"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""));
    assert!(nobody.err.contains("there is no IAM user `nobody`"), "{}", nobody.err);
    let no_name = say(operator(&gate), &["check", "no name"]);
    assert_eq!(no_name.code, 1);
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());
}

#[tokio::test]
async fn status_lists_an_enrollment_from_invitation_to_overdue() {
    let cloud = Cloud::new().await;
    let anna = cloud.user("anna.schmidt").await;
    let gate = Gate::new(&cloud.account);
    let none = say(operator(&gate), &["status"]);
    assert_eq!(none.code, 0);
    assert!(none.out.contains("0 open enrollments"), "{}", none.out);

    cloud.sweep().await;
    let said = say(operator(&gate), &["status", "--json"]);
    let status: Value = serde_json::from_str(&said.out).unwrap();
    let enrollment = &status["enrollments"][0];
    assert_eq!(enrollment["user"], "anna.schmidt");
    assert_eq!(enrollment["user_id"], *anna);
    assert_eq!(enrollment["state"], "open");
    assert_eq!(enrollment["notices"], 1);
    assert_eq!(enrollment["overdue_seconds"], Value::Null);
    assert!(enrollment["seed_since"].is_string() && enrollment["last_notice_at"].is_string());

    let csv = say(operator(&gate), &["status", "--csv"]);
    assert_eq!(csv.out.lines().count(), 2);
    assert!(
        csv.out.lines().nth(1).unwrap().starts_with(&format!("anna.schmidt,{anna},open,")),
        "{}",
        csv.out
    );
    let table = say(operator(&gate), &["status"]);
    assert!(
        table.out.contains("1 open enrollment, 0 unreachable, 0 overdue, 0 quarantined."),
        "{}",
        table.out
    );
    assert_eq!(say(operator(&gate), &["status", "--grace-period", "never"]).code, 1);

    let arn = format!("arn:aws:iam::{}:policy/mfa-warden-quarantine", cloud.account);
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let policy = cloud.iam.create_policy().policy_name("mfa-warden-quarantine").policy_document(document);
    policy.send().await.unwrap();
    cloud.iam.attach_user_policy().user_name("anna.schmidt").policy_arn(&arn).send().await.unwrap();
    let table = say(operator(&gate), &["status"]);
    assert!(table.out.contains(" 1 quarantined.\nIAM events: none."), "{}", table.out);
    gate.answer("ListEntitiesForPolicy", Answer::Error("AccessDenied"));
    let table = say(operator(&gate), &["status"]);
    assert!(table.err.contains("AccessDenied") && table.code == 0, "{}", table.err);
    assert!(table.out.contains(" quarantined: unknown.\n"), "{}", table.out);
    // Where the stack's own policy is not there, nobody is quarantined by it. One that was named should be there.
    gate.answer("ListEntitiesForPolicy", Answer::Error("NoSuchEntity"));
    let table = say(operator(&gate), &["status"]);
    assert!(table.err.is_empty() && table.out.contains(" 0 quarantined.\n"), "{}", table.out);
    let given = say(operator(&gate), &["status", "--quarantine-policy-arn", &arn]);
    assert!(given.err.contains("cannot tell who is quarantined: failed to list"), "{}", given.err);
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());
}

#[tokio::test]
async fn in_another_region_than_the_functions_it_says_that_devices_are_prepared() {
    let cloud = Cloud::new().await;
    cloud.user("anna.schmidt").await;
    cloud.user("-alice").await;
    let gate = Gate::new(&cloud.account);
    let without_secret = |said: &str| -> Value {
        serde_json::from_str::<Value>(said).unwrap()["devices_without_secret"].clone()
    };
    for command in [&["status"][..], &["plan"], &["check", "anna.schmidt"], &["explain", "anna.schmidt"]] {
        let said = say(operator(&gate), &[command, &["--region", "eu-west-1"]].concat());
        assert!(
            !(said.out + &said.err).contains("in region eu-west-1. "),
            "nothing is prepared: {command:?}"
        );
    }
    cloud.sweep().await;
    for region in ["us-east-1", "eu-west-1"] {
        let is_elsewhere = region == "eu-west-1";
        let ask = |arguments: &[&str]| say(operator(&gate), &[arguments, &["--region", region]].concat());
        let both = "2 prepared devices whose secrets are not in region eu-west-1";
        let one = "1 prepared device of anna.schmidt whose secret is not in region eu-west-1";
        for (arguments, code, words, in_table) in [
            (&["status"][..], 0, both, true),
            (&["status", "--csv"], 0, both, false),
            (&["status", "--json"], 0, both, false),
            (&["plan"], 2, both, true),
            (&["plan", "--csv"], 2, both, false),
            (&["plan", "--json"], 2, both, false),
            (&["check", "anna.schmidt"], 2, one, true),
            (&["check", "anna.schmidt", "--json"], 2, one, false),
            (&["explain", "anna.schmidt"], 0, one, false),
        ] {
            let said = ask(arguments);
            assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
            let (here, other) = if in_table { (&said.out, &said.err) } else { (&said.err, &said.out) };
            assert_eq!(here.contains(words), is_elsewhere, "{region} {arguments:?}: {here}");
            assert_eq!(here.contains("give that region: --region"), is_elsewhere, "{arguments:?}: {here}");
            assert!(!other.contains("prepared device of") && !other.contains("prepared devices"), "{other}");
        }
        assert_eq!(without_secret(&ask(&["status", "--json"]).out), if is_elsewhere { 2 } else { 0 });
    }
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());

    // Where other secrets are, the region may be the right one.
    let lost =
        cloud.iam.create_virtual_mfa_device().path("/mfa-warden/").virtual_mfa_device_name("ghost.0a1b2c3d");
    lost.send().await.unwrap();
    for command in ["status", "plan"] {
        let said = say(operator(&gate), &[command]);
        assert!(
            said.out.contains("1 prepared device whose secret is not in region us-east-1"),
            "{}",
            said.out
        );
        assert!(said.out.contains("Other secrets of mfa-warden are there"), "{}", said.out);
    }

    // Somebody may be allowed to list secrets and users only.
    gate.answer(
        "ListVirtualMFADevices",
        Answer::Words("AccessDenied", "User: x is not authorized to perform: iam:ListVirtualMFADevices"),
    );
    let said = say(operator(&gate), &["status", "--json"]);
    assert_eq!((said.code, without_secret(&said.out)), (0, Value::Null));
    assert!(
        said.err.contains("in another region than us-east-1: failed to list the virtual MFA"),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn status_makes_six_calls_and_one_for_each_trail() {
    let cloud = Cloud::new().await;
    cloud.user("anna.schmidt").await;
    cloud.sweep().await;
    let gate = Gate::new(&cloud.account);
    say(operator(&gate), &["status"]);
    assert_eq!(
        gate.calls(),
        [
            "GetCallerIdentity",
            "ListVirtualMFADevices",
            "ListSecrets",
            "ListEntitiesForPolicy",
            "ListUsers",
            "DescribeTrails"
        ]
    );
}

#[tokio::test]
async fn status_says_whether_anybody_gets_the_messages_to_operations() {
    let cloud = Cloud::new().await;
    let gate = Gate::new(&cloud.account);
    let topic = cloud.warden.settings.ops_topic_arn.clone();
    let arguments = ["status", "--ops-topic-arn", &topic];
    assert!(
        say(operator(&gate), &arguments)
            .out
            .ends_with("\nMessages to operations: 1 confirmed subscription.\n")
    );
    assert_eq!(gate.calls().last().unwrap(), "ListSubscriptionsByTopic");
    cloud.end_operations_subscriptions().await;
    assert!(say(operator(&gate), &arguments).out.contains("Messages to operations: NOBODY gets them."));
    let json = say(operator(&gate), &["status", "--json", "--ops-topic-arn", &topic]).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["operations_subscriptions"], 0);
    let missing = topic.replace(":ops", ":other");
    let said = say(operator(&gate), &["status", "--ops-topic-arn", &missing]);
    assert_eq!(said.code, 0);
    assert!(said.out.ends_with("Messages to operations: unknown.\n"), "{}", said.out);
    assert!(said.err.contains("cannot tell whether anybody gets the messages to operations"), "{}", said.err);
    let refused = say(operator(&gate), &["status", "--ops-topic-arn", "operations"]);
    assert!(refused.err.contains("--ops-topic-arn"), "{}", refused.err);
}

#[tokio::test]
async fn every_name_that_iam_allows_is_a_users_name() {
    let cloud = Cloud::new().await;
    let names = ["-alice", "--json", "--", "-", "=1+1", "@carol", "a,b_c.d"];
    for name in names {
        cloud.user(name).await;
    }
    let gate = Gate::new(&cloud.account);
    for name in names {
        let check = say(operator(&gate), &["check", "--", name]);
        assert_eq!(check.code, 2, "{name}: {}", check.err);
        assert!(check.out.contains(&format!("\n{name}: without MFA.\n")), "{}", check.out);
        let explain = say(operator(&gate), &["explain", "--json", "--", name]);
        assert_eq!(explain.code, 0, "{name}: {}", explain.err);
        let explain: Value = serde_json::from_str(&explain.out).unwrap();
        assert_eq!(explain["user"], name);
    }
    let said = say(operator(&gate), &["check", "-alice"]);
    assert!(said.code == 1 && said.err.contains("'-- -a'"), "how to say it: {}", said.err);
    let nobody = say(operator(&gate), &["explain", "--region", "eu-west-1", "--", "-nobody"]);
    let elsewhere = "there is no IAM user `-nobody`";
    assert!(nobody.code == 1 && nobody.err.contains(elsewhere), "{}", nobody.err);
    assert!(nobody.err.contains("`warden plan --region=eu-west-1` lists"), "{}", nobody.err);
}

#[test]
fn without_credentials_or_region_it_says_what_to_do() {
    let none = say(warden(), &["plan"]);
    assert_eq!((none.code, none.out.as_str()), (1, ""));
    assert!(none.err.starts_with("warden: there are no AWS credentials."), "{}", none.err);
    assert!(none.err.contains("`aws configure`") && none.err.contains("`aws sso login`"), "{}", none.err);
    assert!(none.err.contains("`aws login --region us-east-1`"), "{}", none.err);

    let mut nowhere = warden();
    nowhere.env_remove("AWS_REGION");
    let nowhere = say(nowhere, &["status"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.err.contains("no region is set"), "{}", nowhere.err);

    let unknown = say(warden(), &["plan", "--profile", "nobodys"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("the profile `nobodys` gives no credentials"), "{}", unknown.err);
}

#[tokio::test]
async fn credentials_that_aws_refuses_are_named_with_what_to_do() {
    let cloud = Cloud::new().await;
    let gate = Gate::new(&cloud.account);
    gate.answer("GetCallerIdentity", Answer::Error("ExpiredToken"));
    let said = say(operator(&gate), &["plan"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("ExpiredToken") && said.err.contains("Sign in again"), "{}", said.err);
}

#[test]
fn an_endpoint_where_nobody_listens_is_told_without_noise() {
    let mut command = warden();
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    let said = say(command, &["plan", "--endpoint-url", "http://127.0.0.1:9"]);
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("warden: AWS cannot be reached (sts:GetCallerIdentity): "), "{}", said.err);
    assert!(said.err.contains("onnection refused") && !said.err.contains('{'), "{}", said.err);
}

#[test]
fn wrong_arguments_exit_with_1_for_2_means_users_without_mfa() {
    for arguments in [&["plan", "--jsn"][..], &["plan", "--json", "--csv"], &["check"], &["sweep"], &[]] {
        assert_eq!(say(warden(), arguments).code, 1, "{arguments:?}");
    }
    assert_eq!(say(warden(), &["--help"]).code, 0);
}

#[tokio::test]
async fn words_of_others_are_shown_as_words_in_tables_csv_and_json() {
    use crate::words::{HOSTILE, HOSTILE_IN_XML, assert_harmless};
    let cloud = Cloud::new().await;
    for user in ["alice", "-bob", "@carol"] {
        cloud.user(user).await;
    }
    cloud.sweep().await;
    cloud.tag("alice", "mfa-exempt", HOSTILE_IN_XML).await;
    let tag = aws_sdk_secretsmanager::types::Tag::builder()
        .key("mfa-warden:user-id")
        .value("AIDAEXAMPLEGONE0000001");
    let gone = cloud.secrets.create_secret().name("mfa-warden/AIDAEXAMPLEGONE0000001").tags(tag.build());
    gone.description(format!("MFA seed, kept by mfa-warden for nobody but the IAM user {HOSTILE}"))
        .send()
        .await
        .unwrap();
    let gate = Gate::new(&cloud.account);
    for arguments in [
        &["plan"][..],
        &["plan", "--csv"],
        &["plan", "--json"],
        &["status"],
        &["status", "--csv"],
        &["status", "--json"],
        &["check", "alice"],
    ] {
        let said = say(operator(&gate), arguments);
        assert!(said.out.contains("evil"), "{arguments:?}: {}", said.out);
        for text in [&said.out, &said.err] {
            // Names of users are IAM's own letters.
            assert_harmless(&format!("{arguments:?}"), &text.replace("@carol", "carol"));
        }
        if arguments.contains(&"--csv") {
            let fields = said.out.lines().filter_map(|line| line.split(',').next());
            assert!(fields.clone().all(|field| !field.starts_with(['=', '+', '-', '@'])), "{}", said.out);
            assert!(
                fields.clone().any(|field| field == "'-bob")
                    && fields.clone().any(|field| field == "'@carol")
            );
        }
    }
}

/// The explanation with times, ages and random names made those of an example.
fn timeless(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        while let Some(at) =
            line.find("20").filter(|at| line[*at..].len() >= 20 && &line[at + 4..at + 5] == "-")
        {
            line.replace_range(at..at + 20, "TIME");
        }
        if let Some(at) = line.find("anna.schmidt.").filter(|at| line[*at..].len() >= 21) {
            line.replace_range(at + 13..at + 21, "0a1b2c3d");
        }
        let parts: Vec<String> = line
            .split("s ago")
            .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
            .collect();
        lines.push(parts.join("0s ago"));
    }
    lines.join("\n")
}

#[tokio::test]
async fn an_explanation_names_the_row_its_facts_and_what_would_change_it() {
    let cloud = Cloud::new().await;
    let anna = cloud.user("anna.schmidt").await;
    let gate = Gate::new(&cloud.account);
    let topic = cloud.warden.settings.owner_topic_arn.as_str();
    let before = say(operator(&gate), &["explain", "anna.schmidt", "--owner-topic-arn", topic]);
    assert_eq!((before.code, before.err.as_str()), (0, ""));
    assert!(before.out.contains("not_prepared: no device is prepared"), "{}", before.out);
    assert!(before.out.contains("provision, notify(invitation)"), "{}", before.out);

    cloud.sweep().await;
    let open = say(operator(&gate), &["explain", "anna.schmidt", "--owner-topic-arn", topic]);
    insta::assert_snapshot!("explain", timeless(&normalized(&open.out, &cloud, std::slice::from_ref(&anna))));
    let json = say(operator(&gate), &["explain", "anna.schmidt", "--owner-topic-arn", topic, "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["rule"], &json["user_id"]), (&"nothing_due".into(), &anna.clone().into()));
    assert_eq!(json["changes"][0]["rule"], "has_mfa");

    cloud.enroll("anna.schmidt").await;
    let done = say(operator(&gate), &["explain", "anna.schmidt"]);
    assert!(
        done.out.contains("has_mfa") && done.out.contains("the user loses its MFA device"),
        "{}",
        done.out
    );
    assert_eq!(gate.beyond_reading(), Vec::<String>::new());

    assert!(done.out.contains("Would do  close, notify(enrolled)\n"), "{}", done.out);
    cloud.sweep().await;
    let closed = say(operator(&gate), &["explain", "anna.schmidt"]);
    assert!(closed.out.contains("Would do  nothing\n"), "{}", closed.out);
    // What is left of somebody else makes no user of a name that is none.
    let lost =
        cloud.iam.create_virtual_mfa_device().path("/mfa-warden/").virtual_mfa_device_name("ghost.0a1b2c3d");
    lost.send().await.unwrap();
    let nobody = say(operator(&gate), &["check", "nobody"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("there is no IAM user `nobody`"), "{}", nobody.err);
    let nobody = say(operator(&gate), &["explain", "nobody"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("there is no IAM user `nobody`"), "{}", nobody.err);
}

#[tokio::test]
async fn preview_makes_no_call_and_takes_a_language_from_the_environment_only_where_it_is_the_functions() {
    let cloud = Cloud::new().await;
    let gate = Gate::new(&cloud.account);
    let subject = |language: &str, arguments: &[&str]| {
        let mut command = operator(&gate);
        command.env("LANGUAGE", language);
        let said = say(command, &[&["preview"], arguments].concat());
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out.lines().next().unwrap().to_owned()
    };
    let (english, german) =
        ("Subject: Set up MFA for your AWS user alice", "Subject: MFA einrichten: AWS-Benutzer alice");
    assert_eq!(subject("de", &[]), german);
    for of_the_terminal in ["de:en", "de_DE", "fr_FR.UTF-8:fr", "C", ""] {
        assert_eq!(subject(of_the_terminal, &[]), english, "{of_the_terminal}");
        assert_eq!(subject(of_the_terminal, &["--language", "de"]), german);
    }
    assert!(gate.calls().is_empty());
    let refused = say(operator(&gate), &["preview", "--language", "fr"]);
    assert!(refused.err.contains("`de` or `en`"), "{}", refused.err);
}
