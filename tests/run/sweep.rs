//! Sweeps and checks over HTTP against moto: who is provisioned, in what order, at what cost.

use crate::cloud::{Cloud, PROVISION, names, published, writes};
use mfa_warden::Warden;
use serde_json::{Value, json};

const NOTHING: [&str; 0] = [];

fn outcome<'a>(answer: &'a Value, user: &str) -> &'a Value {
    let outcomes = answer["outcomes"].as_array().unwrap();
    outcomes.iter().find(|outcome| outcome["user"] == user).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_user_without_mfa_is_provisioned_in_the_order_that_keeps_the_seed_safe() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;

    let answer = cloud.sweep().await;
    assert_eq!(
        answer["users"],
        json!({"total": 1, "compliant": 0, "non_compliant": 1, "exempt": 0, "not_applicable": 0, "unknown": 0})
    );
    assert_eq!(
        outcome(&answer, "alice"),
        &json!({"user": "alice", "user_id": alice, "verdict": "non_compliant", "reason": "console password, no MFA device", "rule": "not_prepared",
            "actions": ["provision", "notify(invitation)"], "result": "done"})
    );
    cloud.assert_sound("alice", &alice).await;

    let calls = cloud.calls();
    assert_eq!(writes(&calls), [&PROVISION[..], &["Publish"]].concat());
    let call = |api: &str| calls.iter().find(|call| call.api == api).unwrap();
    assert_eq!(call("CreateSecret").parameter("SecretString"), None);
    assert_eq!(call("CreateSecret").parameter("Name").unwrap(), format!("mfa-warden/{alice}"));
    assert_eq!(call("PutResourcePolicy").parameter("BlockPublicPolicy").unwrap(), "true");
    assert_eq!(call("CreateVirtualMFADevice").parameter("Path").unwrap(), "/mfa-warden/");
    assert_eq!(call("PutSecretValue").parameter("VersionStages/0").unwrap(), "WARDEN_PENDING");
    let version = call("PutSecretValue").parameter("ClientRequestToken").unwrap();
    assert_eq!(cloud.current(&alice).await, version);
    assert_eq!(uuid::Uuid::parse_str(&version).unwrap().get_version_num(), 7);

    let tags = cloud.secret_tags(&alice).await;
    assert_eq!(tags["mfa-warden:user-id"], alice);
    assert_eq!(tags["mfa-warden:notices"], "1");
    assert!(
        tags["mfa-warden:noncompliant-since"].ends_with('Z')
            && tags["mfa-warden:last-notice-at"].ends_with('Z')
    );

    let messages = published(&calls);
    let invitation = &messages[0];
    assert_eq!(invitation.topic, "owners");
    assert_eq!(
        json!(invitation.attributes),
        json!({"kind": "invitation", "recipient": "alice@example.com", "user": "alice", "account": cloud.account})
    );
    let value = cloud.value(&alice).await;
    assert!(
        invitation.text.contains(value["enable_command"].as_str().unwrap()),
        "the very command of the secret"
    );
    assert_eq!((messages[1].topic.as_str(), messages[1].attributes["kind"].as_str()), ("ops", "summary"));
}

#[tokio::test]
async fn the_second_sweep_changes_nothing_and_tells_nobody() {
    let cloud = Cloud::new().await;
    for user in ["alice", "bob"] {
        cloud.user(user).await;
    }
    cloud.sweep().await;
    cloud.calls();
    let answer = cloud.sweep().await;
    let calls = cloud.calls();
    assert_eq!(writes(&calls), NOTHING, "{answer}");
    assert_eq!(outcome(&answer, "alice")["result"], "none");
}

#[tokio::test]
async fn the_secret_is_closed_to_all_but_its_owner() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let request = cloud.secrets.get_resource_policy().secret_id(format!("mfa-warden/{alice}"));
    let policy: Value =
        serde_json::from_str(&request.send().await.unwrap().resource_policy.unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let allow = statements.iter().find(|statement| statement["Effect"] == "Allow").unwrap();
    assert_eq!(allow["Principal"], json!({"AWS": format!("arn:aws:iam::{}:user/alice", cloud.account)}));
    let deny =
        statements.iter().find(|statement| statement["Action"] == "secretsmanager:GetSecretValue").unwrap();
    assert_eq!(deny["Effect"], "Deny");
    assert_eq!(deny["Principal"], "*");
    assert_eq!(deny["Condition"], json!({"StringNotEquals": {"aws:userid": alice}}));
}

#[tokio::test]
async fn names_with_every_character_that_iam_allows_are_served() {
    let cloud = Cloud::new().await;
    let names = ["o.brien+ops=eu,west@example-corp.com", "a", "UPPER_lower.0", &"x".repeat(64)];
    let mut ids = Vec::new();
    for name in names {
        ids.push(cloud.user(name).await);
    }
    let answer = cloud.sweep().await;
    assert_eq!(
        (answer["actions"]["provision"].as_u64(), answer["failed"].as_u64()),
        (Some(4), Some(0)),
        "{answer}"
    );
    for (name, id) in names.iter().zip(&ids) {
        cloud.assert_sound(name, id).await;
    }
}

#[tokio::test]
async fn everyone_gets_the_verdict_that_fits() {
    let cloud = Cloud::new().await;
    cloud.user("enrolled").await;
    cloud.enroll("enrolled").await;
    cloud.user_without_password("robot", "/robots/").await;
    for (user, tag) in [
        ("exempt", "2999-12-31 broken phone"),
        ("permanent", "permanent break-glass"),
        ("expired", "2001-01-01 long ago"),
        ("reasonless", "2999-12-31"),
    ] {
        cloud.user(user).await;
        cloud.tag(user, "mfa-exempt", tag).await;
    }
    let answer = cloud.sweep().await;
    assert_eq!(
        answer["users"],
        json!({"total": 6, "compliant": 1, "non_compliant": 2, "exempt": 2, "not_applicable": 1, "unknown": 0})
    );
    assert_eq!(outcome(&answer, "enrolled"), &Value::Null, "plainly compliant users are counted, not listed");
    assert_eq!(outcome(&answer, "robot"), &Value::Null);
    assert_eq!(outcome(&answer, "permanent")["reason"], "exempt permanently: break-glass");
    for (user, words) in [("expired", "its exemption ended on 2001-01-01"), ("reasonless", "gives no reason")]
    {
        assert!(outcome(&answer, user)["reason"].as_str().unwrap().contains(words), "{answer}");
    }
}

#[tokio::test]
async fn the_wider_scopes_find_users_with_keys_and_users_with_nothing() {
    for (scope, provisions) in [("console", 0), ("credentials", 1), ("all", 3)] {
        let cloud = Cloud::with(&[("MFA_SCOPE", scope)]).await;
        for user in ["with-key", "with-inactive-key", "with-nothing"] {
            cloud.user_without_password(user, "/").await;
        }
        for user in ["with-key", "with-inactive-key"] {
            cloud.iam.create_access_key().user_name(user).send().await.unwrap();
        }
        let key = cloud.iam.list_access_keys().user_name("with-inactive-key").send().await.unwrap();
        let key = key.access_key_metadata[0].access_key_id.clone().unwrap();
        let inactive = aws_sdk_iam::types::StatusType::Inactive;
        let request = cloud.iam.update_access_key().user_name("with-inactive-key").access_key_id(key);
        request.status(inactive).send().await.unwrap();
        assert_eq!(cloud.sweep().await["actions"]["provision"], provisions, "{scope}");
    }
}

#[tokio::test]
async fn a_thousand_users_with_nothing_to_do_cost_ten_calls_at_most() {
    let cloud = Cloud::new().await;
    for number in 0..1000 {
        cloud.user_without_password(&format!("robot-{number}"), "/").await;
    }
    let answer = cloud.sweep().await;
    assert_eq!(answer["users"]["not_applicable"], 1000);
    let calls = cloud.calls();
    assert!(calls.len() <= 10, "{:?}", names(&calls));
    for number in 0..10 {
        let login = cloud.iam.create_login_profile().user_name(format!("robot-{number}"));
        login.password("correct horse").send().await.unwrap();
    }
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["provision"], 10);
    let calls = cloud.calls();
    assert!(calls.len() <= 10 + 4 * 10 + 7 * 10, "{:?}", names(&calls));
    assert_eq!(cloud.sweep().await["actions"]["notify"], 0);
    let calls = cloud.calls();
    assert!(calls.len() <= 10 + 4 * 10, "{:?}", names(&calls));
}

#[tokio::test]
async fn a_dry_run_plans_and_calls_nothing_that_changes_anything() {
    for (setting, event) in [
        ("false", json!({"action": "sweep", "dry_run": true})),
        ("true", json!({"action": "sweep", "dry_run": false})),
    ] {
        let cloud = Cloud::with(&[("DRY_RUN", setting)]).await;
        cloud.user("alice").await;
        let orphaned = cloud
            .iam
            .create_virtual_mfa_device()
            .path("/mfa-warden/")
            .virtual_mfa_device_name("gone.0a1b2c3d");
        orphaned.send().await.unwrap();
        let answer = cloud.handle(event).await.unwrap();
        let calls = cloud.calls();
        assert_eq!(writes(&calls), NOTHING);
        assert_eq!(answer["dry_run"], true);
        assert_eq!(outcome(&answer, "alice")["result"], "planned");
        assert_eq!(outcome(&answer, "alice")["actions"], json!(["provision", "notify(invitation)"]));
        assert_eq!(
            (answer["actions"]["provision"].as_u64(), answer["actions"]["delete_device"].as_u64()),
            (Some(1), Some(1))
        );
    }
}

#[tokio::test]
async fn no_more_than_max_provisions_are_provisioned_in_one_run() {
    let cloud = Cloud::with(&[("MAX_PROVISIONS", "2")]).await;
    for user in ["a", "b", "c", "d", "e"] {
        cloud.user(user).await;
    }
    for (provisioned, deferred) in [(2, 3), (2, 1), (1, 0)] {
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["actions"]["provision"], &answer["deferred"]),
            (&json!(provisioned), &json!(deferred))
        );
    }
    assert_eq!(cloud.devices().await.len(), 5);
}

#[tokio::test]
async fn when_the_deadline_nears_users_are_deferred_and_not_begun() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    let answer =
        cloud.handle_within(json!({"action": "sweep"}), std::time::Duration::from_secs(2)).await.unwrap();
    assert_eq!((&answer["deferred"], &answer["users"]["unknown"]), (&json!(1), &json!(1)));
    assert_eq!(outcome(&answer, "alice")["result"], "deferred");
    let calls = cloud.calls();
    assert_eq!(writes(&calls), ["Publish", "TagResource"], "operations hear of it, and nothing else happens");
}

#[tokio::test]
async fn orphaned_devices_and_devices_of_nobody_are_deleted_and_other_devices_are_not() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    for (path, name) in [
        ("/mfa-warden/", "alice.0a1b2c3d"),
        ("/mfa-warden/", "nobody.0a1b2c3d"),
        ("/mfa-warden/", "by-hand"),
        ("/", "alice"),
    ] {
        let device = cloud.iam.create_virtual_mfa_device().path(path).virtual_mfa_device_name(name);
        device.send().await.unwrap();
    }
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["delete_device"], 2, "{answer}");
    assert_eq!(outcome(&answer, "nobody")["verdict"], "not_applicable");
    cloud.assert_sound("alice", &alice).await;
    let left = cloud.iam.list_virtual_mfa_devices().send().await.unwrap().virtual_mfa_devices;
    assert_eq!(left.len(), 3, "alice's, the one made by hand under our path, and the one of the console");
}

#[tokio::test]
async fn a_check_looks_at_one_user_and_names_come_from_iam() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.user("bob").await;
    let answer = cloud.check("alice").await;
    assert_eq!(
        (&answer["action"], &answer["users"]["total"], &answer["actions"]["provision"]),
        (&json!("check"), &json!(1), &json!(1))
    );
    cloud.assert_sound("alice", &alice).await;
    assert_eq!(cloud.devices().await.len(), 1);
    let calls = cloud.calls();
    assert!(!names(&calls).contains(&"ListUsers"));
    cloud.check("alice").await;
    assert_eq!(writes(&cloud.calls()), NOTHING);
}

#[tokio::test]
async fn a_check_of_nobody_answers_normally_and_says_so() {
    let cloud = Cloud::new().await;
    let answer = cloud.check("nobody").await;
    assert_eq!(answer["users"]["total"], 0);
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("there is no IAM user `nobody`"), "{warnings}");
}

#[tokio::test]
async fn malformed_and_foreign_events_call_nothing() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    for event in
        [json!({}), json!({"action": "sweep", "dryrun": true}), json!({"action": "check", "user": "../x"})]
    {
        let error = cloud.handle(event).await.unwrap_err().to_string();
        assert!(error.contains("Expected {\"action\":\"sweep\"}"), "{error}");
    }
    let foreign = json!({"detail-type": "Scheduled Event", "source": "aws.events", "account": "999999999999", "detail": {}});
    assert_eq!(cloud.handle(foreign).await.unwrap()["action"], "ignored");
    assert_eq!(names(&cloud.calls()), NOTHING);
}

#[tokio::test]
async fn a_seed_leaves_the_process_in_put_secret_value_and_nowhere_else() {
    let cloud = Cloud::new().await;
    let ids = [cloud.user("alice").await, cloud.user("bob").await];
    let answer = cloud.sweep().await.to_string();
    let calls = cloud.calls();
    for id in &ids {
        let seed = cloud.value(id).await["seed"].as_str().unwrap().to_owned();
        assert!(seed.len() >= 32 && !answer.contains(&seed));
        let bearers: Vec<&str> =
            calls.iter().filter(|call| call.body.contains(&seed)).map(|call| call.api.as_str()).collect();
        assert_eq!(bearers, ["PutSecretValue"]);
    }
}

#[tokio::test]
async fn the_root_user_without_mfa_is_a_warning_in_every_answer_and_summary() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    let answer = cloud.sweep().await;
    let root = "the root user has a password and no MFA";
    assert!(answer["warnings"].to_string().contains(root));
    assert!(published(&cloud.calls()).last().unwrap().text.contains(root));
    assert!(cloud.check("alice").await["warnings"].to_string().contains(root));
}

#[tokio::test]
async fn who_watches_a_sweep_sees_how_many_users_are_looked_at_and_how_many_have_been() {
    let cloud = Cloud::new().await;
    for user in ["alice", "bob", "carol"] {
        cloud.user(user).await;
    }
    let arn = format!("arn:aws:lambda:us-east-1:{}:function:mfa-warden", cloud.account);
    let account = mfa_warden::model::account::Account::from_function_arn(&arn).unwrap();
    let Warden { settings, clients, clock } = &cloud.warden;
    let soon = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let run = mfa_warden::run::Run::new(clients, settings, &account, *clock, true, soon);
    assert_eq!((run.progress.to_look_at(), run.progress.looked_at()), (0, 0));
    run.sweep().await.unwrap();
    assert_eq!((run.progress.to_look_at(), run.progress.looked_at()), (3, 3));
}
