//! The process dies at every call, before it and after it with the answer lost, in front of moto. tests/simulation does the
//! same over more states and calls, against the tests' own model; this is the check that the model is not kinder than it
//! should be. Takes minutes: `make prove`.

use crate::cloud::{Cloud, Death, published, writes};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ENROLLMENT: &str = "mfa-warden-enrollment";
const NOTHING: [&str; 0] = [];

/// AWS's listings have settled, and no reminder is due yet.
fn settled() -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_mins(10)).unwrap()
}

/// Past the grace period.
fn late() -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(15 * 24)).unwrap()
}

fn later() -> Timestamp {
    late().checked_add(SignedDuration::from_mins(10)).unwrap()
}

/// The states a user can be in when a run comes.
const STATES: [&str; 9] =
    ["none", "broken", "sound", "overdue", "compliant", "enrolled", "exempt", "deleted", "orphaned"];

/// An account with a user in each of the states named.
async fn account(states: &[&str]) -> Cloud {
    let account = Cloud::next_account();
    let policy = |name: &str| format!("arn:aws:iam::{account}:policy/{name}");
    let (enrollment, quarantine) = (policy(ENROLLMENT), policy("mfa-warden-quarantine"));
    let settings = [
        ("ENROLLMENT_POLICY_ARN", enrollment.as_str()),
        ("QUARANTINE_POLICY_ARN", quarantine.as_str()),
        ("AFTER_GRACE", "quarantine"),
    ];
    let mut cloud = Cloud::in_account(account.clone(), &settings).await;
    for name in [ENROLLMENT, "mfa-warden-quarantine"] {
        let document = json!({"Version": "2012-10-17", "Statement":
            [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}]});
        cloud
            .iam
            .create_policy()
            .policy_name(name)
            .policy_document(document.to_string())
            .send()
            .await
            .unwrap();
    }
    // Moto's report takes three calls with pauses between them; without one every user is looked at.
    cloud.take_down("GenerateCredentialReport");
    let is = |state| states.contains(&state);
    if is("overdue") {
        cloud.user("overdue").await;
        cloud.sweep().await;
        cloud.warden.clock = late;
    }
    for state in ["broken", "sound", "enrolled", "exempt", "deleted", "orphaned"] {
        if is(state) {
            cloud.user(state).await;
            cloud.check(state).await;
        }
    }
    cloud.warden.clock = if is("overdue") { later } else { settled };
    if is("none") {
        cloud.user("none").await;
    }
    if is("compliant") {
        cloud.user("compliant").await;
        cloud.enroll("compliant").await;
    }
    if is("broken") {
        let device = cloud.devices().await.into_iter().find(|serial| serial.contains("/broken.")).unwrap();
        cloud.iam.delete_virtual_mfa_device().serial_number(device).send().await.unwrap();
    }
    if is("enrolled") {
        let device = cloud.devices().await.into_iter().find(|serial| serial.contains("/enrolled.")).unwrap();
        cloud.enable("enrolled", &device).await;
    }
    if is("exempt") {
        cloud.tag("exempt", "mfa-exempt", "permanent robot").await;
    }
    if is("deleted") {
        let arn = policy(ENROLLMENT);
        cloud.iam.detach_user_policy().user_name("deleted").policy_arn(arn).send().await.unwrap();
        cloud.iam.delete_login_profile().user_name("deleted").send().await.unwrap();
        cloud.iam.delete_user().user_name("deleted").send().await.unwrap();
    }
    if is("orphaned") {
        let device = cloud.iam.create_virtual_mfa_device().path("/mfa-warden/");
        device.virtual_mfa_device_name("orphaned.0a1b2c3d").send().await.unwrap();
    }
    cloud.let_die(Death::default());
    cloud
}

/// One clean run mends everything, and a second finds nothing to do.
async fn assert_converges(cloud: &Cloud, states: &[&str], context: &str) {
    cloud.let_die(Death::default());
    let answer = cloud.sweep().await;
    assert_eq!(
        (&answer["failed"], &answer["users"]["unknown"]),
        (&json!(0), &json!(0)),
        "{context}: {answer}"
    );
    let mut wanted = Vec::new();
    for user in ["none", "broken", "sound", "overdue", "orphaned"] {
        if states.contains(&user) {
            let id = cloud.iam.get_user().user_name(user).send().await.unwrap().user.unwrap().user_id;
            cloud.assert_sound(user, &id).await;
            wanted.push(format!("mfa-warden/{id}"));
        }
    }
    let secrets = cloud.secrets.list_secrets().send().await.unwrap().secret_list.unwrap_or_default();
    let mut secrets: Vec<String> = secrets.into_iter().filter_map(|secret| secret.name).collect();
    secrets.sort();
    wanted.sort();
    assert_eq!(secrets, wanted, "{context}");
    assert_eq!(cloud.devices().await.len(), wanted.len(), "{context}: orphaned devices are left");
    let entities = cloud.iam.list_entities_for_policy();
    let arn = format!("arn:aws:iam::{}:policy/{ENROLLMENT}", cloud.account);
    let attached = entities.policy_arn(arn).send().await.unwrap().policy_users.unwrap_or_default();
    assert_eq!(attached.len(), wanted.len(), "{context}: policies without need, or missing");
    // Moto dates secrets by the real clock, so that those just made are overdue by the test's: operations hear of that.
    let users_untouched = |call: &&str| ["Publish", "TagResource"].contains(call);
    cloud.calls();
    cloud.sweep().await;
    let calls = cloud.calls();
    assert!(
        writes(&calls).iter().all(users_untouched),
        "{context}: a clean run more does {:?}",
        writes(&calls)
    );
    assert!(
        published(&calls).iter().all(|message| message.topic == "ops"),
        "{context}: owners are told again"
    );
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), NOTHING, "{context}: a clean run more does something");
}

async fn dies_everywhere(event: Value, states: &[&str]) -> usize {
    let cloud = account(states).await;
    let _ = cloud.handle(event.clone()).await;
    let calls = cloud.calls_made();
    for at in 1..=calls {
        for death in
            [Death { before: Some(at), ..Death::default() }, Death { after: Some(at), ..Death::default() }]
        {
            let cloud = account(states).await;
            cloud.let_die(death);
            let _ = cloud.handle(event.clone()).await;
            assert_converges(&cloud, states, &format!("{event} over {states:?}, {death:?}")).await;
        }
    }
    calls
}

#[tokio::test]
#[ignore = "takes minutes: make prove"]
async fn a_sweep_may_die_at_any_call() {
    let calls = dies_everywhere(json!({"action": "sweep"}), &STATES).await;
    assert!(calls > 50, "{calls} calls");
}

#[tokio::test]
#[ignore = "takes minutes: make prove"]
async fn a_check_of_a_user_in_any_state_may_die_at_any_call() {
    for state in STATES {
        dies_everywhere(json!({"action": "check", "user": state}), &[state]).await;
    }
}
