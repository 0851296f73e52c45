//! What fails, and what the next run makes of it.

use crate::cloud::{Call, Cloud, PROVISION, names, published, writes};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const NOTHING: [&str; 0] = [];
/// Operations are told, and that they were is noted on their topic.
const TOLD: [&str; 2] = ["Publish", "TagResource"];

/// Ten minutes on: AWS's listings have settled.
fn settled() -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_mins(10)).unwrap()
}

#[tokio::test]
async fn when_the_account_cannot_be_listed_the_sweep_fails_and_changes_nothing() {
    for api in ["ListUsers", "ListVirtualMFADevices", "ListSecrets"] {
        let cloud = Cloud::new().await;
        cloud.user("alice").await;
        cloud.take_down(api);
        let error = cloud.sweep_result().await.unwrap_err().to_string();
        assert!(error.starts_with("failed to list the "), "{error}");
        let calls = cloud.calls();
        assert_eq!(writes(&calls), ["Publish"]);
        let message = &published(&calls)[0];
        assert_eq!((message.topic.as_str(), message.attributes["kind"].as_str()), ("ops", "failure"));
        assert!(message.text.contains("Nothing was done"));
    }
}

#[tokio::test]
async fn a_user_that_cannot_be_read_is_unknown_and_nothing_is_done_to_it() {
    for api in ["GetUser", "GetLoginProfile", "ListMFADevices"] {
        let cloud = Cloud::new().await;
        cloud.user("alice").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["users"]["unknown"], &answer["outcomes"][0]["result"]),
            (&json!(1), &json!("none")),
            "{api}"
        );
        let calls = cloud.calls();
        assert_eq!(writes(&calls), TOLD, "{api}: operations are told, and nothing else");
        assert_eq!(published(&calls)[0].attributes["kind"], "failure");
        assert!(
            cloud.check_result("alice").await.is_err(),
            "{api}: a check fails, so that Lambda tries again"
        );
        assert!(writes(&cloud.calls()).iter().all(|call| *call == "Publish"), "{api}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_makes_its_user_unknown() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.enroll("alice").await;
    cloud.calls();
    cloud.take_down("DescribeSecret");
    let answer = cloud.sweep().await;
    assert_eq!(answer["users"]["unknown"], 1, "{answer}");
    assert_eq!(writes(&cloud.calls()), TOLD);
    assert_eq!(cloud.devices().await.len(), 1);
}

#[tokio::test]
async fn without_a_credential_report_every_user_is_looked_at_and_the_answer_says_so() {
    for api in ["GenerateCredentialReport", "GetCredentialReport"] {
        let cloud = Cloud::new().await;
        cloud.user("alice").await;
        cloud.user_without_password("robot", "/").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["actions"]["provision"], &answer["users"]["not_applicable"]),
            (&json!(1), &json!(1))
        );
        assert!(answer["warnings"].to_string().contains("no credential report"), "{answer}");
    }
}

#[tokio::test]
async fn whichever_call_of_a_provision_fails_the_next_run_mends_it() {
    for api in PROVISION {
        let mut cloud = Cloud::new().await;
        let alice = cloud.user("alice").await;
        cloud.take_down(api);
        let answer = cloud.sweep().await;
        assert_eq!(answer["failed"], 1, "{api}");
        let result = answer["outcomes"][0]["result"].as_str().unwrap();
        assert!(result.starts_with("failed: failed to "), "{api}: {result}");
        assert!(cloud.devices().await.len() <= 1, "{api}");
        cloud.restore();
        cloud.warden.clock = settled;
        let answer = cloud.sweep().await;
        assert_eq!(answer["failed"], 0, "{api}: {answer}");
        cloud.assert_sound("alice", &alice).await;
        cloud.calls();
        cloud.sweep().await;
        assert_eq!(writes(&cloud.calls()), NOTHING, "{api}");
    }
}

#[tokio::test]
async fn a_seed_that_could_not_be_stored_leaves_no_device_behind() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.take_down("PutSecretValue");
    for _ in 0..3 {
        cloud.sweep().await;
        assert_eq!(
            cloud.devices().await,
            Vec::<String>::new(),
            "unassigned devices count against the account's quota"
        );
    }
}

#[tokio::test]
async fn one_failing_user_does_not_stop_the_others() {
    let cloud = Cloud::new().await;
    let ids = [cloud.user("alice").await, cloud.user("bob").await];
    cloud.sweep().await;
    let carol = cloud.user("carol").await;
    cloud.take_down_for("CreateVirtualMFADevice", "carol");
    let dave = cloud.user("dave").await;
    let answer = cloud.sweep().await;
    assert_eq!((&answer["failed"], &answer["actions"]["provision"]), (&json!(1), &json!(1)), "{answer}");
    cloud.assert_sound("dave", &dave).await;
    cloud.assert_sound("alice", &ids[0]).await;
    let failure =
        published(&cloud.calls()).into_iter().find(|message| message.attributes["kind"] == "failure");
    let text = failure.unwrap().text;
    assert!(text.contains("- carol: ") && text.contains("create the virtual MFA device `carol."), "{text}");
    cloud.restore();
    cloud.sweep().await;
    cloud.assert_sound("carol", &carol).await;
}

#[tokio::test]
async fn a_device_deleted_by_hand_is_replaced_once_the_listings_have_settled() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let before = cloud.current(&alice).await;
    let device = cloud.devices().await.remove(0);
    cloud.iam.delete_virtual_mfa_device().serial_number(device).send().await.unwrap();
    assert_eq!(cloud.sweep().await["actions"]["provision"], 0, "AWS's listing may lag");
    cloud.warden.clock = settled;
    assert_eq!(cloud.sweep().await["actions"]["provision"], 1);
    cloud.assert_sound("alice", &alice).await;
    assert_ne!(cloud.current(&alice).await, before);
    let calls = cloud.calls();
    let swap = calls.iter().find(|call| call.api == "UpdateSecretVersionStage").unwrap();
    assert_eq!(swap.parameter("RemoveFromVersionId").unwrap(), before);
}

#[tokio::test]
async fn a_secret_somebody_scheduled_for_deletion_is_restored_and_renewed() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let request = cloud.secrets.delete_secret().secret_id(format!("mfa-warden/{alice}"));
    request.recovery_window_in_days(30).send().await.unwrap();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    assert!(names(&cloud.calls()).contains(&"RestoreSecret"));
    cloud.assert_sound("alice", &alice).await;
}

#[tokio::test]
async fn without_a_simulator_the_invitation_shows_every_way_and_operations_hear_once() {
    // Moto has none.
    let mut cloud = Cloud::with(&[("PREFLIGHT", "true")]).await;
    let alice = cloud.user("alice").await;
    cloud.user("bob").await;
    let answer = cloud.sweep().await;
    let warnings = answer["warnings"].to_string();
    assert_eq!(warnings.matches("cannot tell which policies block enrollment").count(), 1, "{answer}");
    let calls = cloud.calls();
    let asked = |calls: &[Call]| names(calls).iter().filter(|api| **api == "SimulatePrincipalPolicy").count();
    assert_eq!(asked(&calls), 2, "one a provision");
    let invitation = published(&calls).into_iter().find(|message| message.topic == "owners").unwrap().text;
    assert!(invitation.contains("jq -nr input.qr_text") && invitation.contains("OR IN THE CONSOLE"));
    cloud.assert_sound("alice", &alice).await;

    cloud.sweep().await;
    assert_eq!(asked(&cloud.calls()), 0, "nobody is told anything");
    cloud.warden.clock = || Timestamp::now() + SignedDuration::from_hours(4 * 24);
    cloud.sweep().await;
    assert_eq!(asked(&cloud.calls()), 2, "reminders show the ways as well");
}

#[tokio::test]
async fn operations_hear_of_trouble_once_a_day_and_at_once_when_it_changes() {
    let mut cloud = Cloud::new().await;
    cloud.warden.clock = || "2026-06-15T08:00:00Z".parse().unwrap();
    cloud.user("alice").await;
    cloud.take_down("CreateVirtualMFADevice");
    let told = async |cloud: &Cloud| {
        cloud.calls();
        cloud.sweep().await;
        let messages = published(&cloud.calls());
        messages
            .into_iter()
            .filter(|message| message.topic == "ops")
            .map(|message| message.attributes["kind"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&cloud).await, ["failure"]);
    assert_eq!(told(&cloud).await, NOTHING, "nothing has changed");
    cloud.user("bob").await;
    assert_eq!(told(&cloud).await, ["failure"], "one user more");
    assert_eq!(told(&cloud).await, NOTHING);
    cloud.warden.clock = || "2026-06-16T08:00:00Z".parse().unwrap();
    assert_eq!(told(&cloud).await, ["failure"], "the next day");
    cloud.restore();
    assert_eq!(told(&cloud).await, ["summary"], "it is over");
    assert_eq!(told(&cloud).await, NOTHING);
    for _ in 0..2 {
        cloud.take_down("GetLoginProfile");
        assert_eq!(told(&cloud).await, ["failure"], "again on the same day");
        cloud.restore();
        assert_eq!(told(&cloud).await, ["summary"], "it is over, although nothing was done");
        assert_eq!(told(&cloud).await, NOTHING);
    }
}

#[tokio::test]
async fn machines_get_json_and_chats_what_amazon_q_shows() {
    for chat in ["false", "true"] {
        let cloud = Cloud::with(&[("OPS_CHAT", chat)]).await;
        cloud.user("alice").await;
        cloud.sweep().await;
        let calls = cloud.calls();
        let message = calls.iter().rfind(|call| call.api == "Publish").unwrap().parameter("Message").unwrap();
        let by_protocol: serde_json::Value = serde_json::from_str(&message).unwrap();
        let read = |protocol: &str| -> serde_json::Value {
            serde_json::from_str(by_protocol[protocol].as_str().unwrap()).unwrap()
        };
        for machine in ["sqs", "lambda", "http"] {
            let data = read(machine);
            assert_eq!((&data["kind"], &data["actions"]["provision"]), (&json!("summary"), &json!(1)));
            assert_eq!(data["outcomes"][0]["user"], "alice");
        }
        assert!(by_protocol["default"].as_str().unwrap().contains("DEVICE PREPARED\n\n- alice: "));
        let https = read("https");
        if chat == "true" {
            assert_eq!((&https["version"], &https["source"]), (&json!("1.0"), &json!("custom")));
            assert_eq!(https["content"]["textType"], "client-markdown");
            assert!(https["content"]["description"].as_str().unwrap().contains("alice"));
        } else {
            assert_eq!(https["kind"], "summary");
        }
    }
}

#[tokio::test]
async fn operations_that_cannot_be_told_do_not_undo_what_was_done() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.take_down_for("Publish", ":ops");
    let answer = cloud.sweep().await;
    assert!(answer["warnings"].to_string().contains("operations were not told"), "{answer}");
    assert_eq!(answer["failed"], 0);
    cloud.assert_sound("alice", &alice).await;
}
