//! What a message may cost: an invitation goes out at least once, everything else at most once, and none says what is not so.

use crate::cloud::{Cloud, names, published, writes};
use serde_json::json;

fn kinds(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(_, kind)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_lasting_refusal_to_note_costs_an_owner_one_message_and_no_more() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.take_down_for("TagResource", "mfa-warden/");
    let mut told = Vec::new();
    for _ in 0..5 {
        let answer = cloud.sweep().await;
        let result = answer["outcomes"][0]["result"].as_str().unwrap();
        assert!(result.starts_with("failed: failed to tag the secret"), "{result}");
        told.extend(cloud.told());
        cloud.wait(24 * 5);
    }
    assert_eq!(kinds(&told), ["invitation"]);
    cloud.restore();
    cloud.sweep().await;
    assert_eq!(kinds(&cloud.told()), ["invitation"], "once it can be noted, it is told and noted");
    cloud.sweep().await;
    assert_eq!(cloud.told(), []);
}

#[tokio::test]
async fn reminders_that_cannot_be_noted_do_not_go_out() {
    let mut cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.told();
    cloud.take_down_for("TagResource", "mfa-warden/");
    for _ in 0..3 {
        cloud.wait(24 * 4);
        assert_eq!(cloud.sweep().await["failed"], 1);
    }
    assert_eq!(cloud.told(), []);
}

#[tokio::test]
async fn a_secret_that_cannot_be_deleted_costs_one_closing_notice_which_says_nothing_that_is_not_so() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.enroll("alice").await;
    cloud.calls();
    cloud.take_down("DeleteSecret");
    let mut messages = Vec::new();
    for run in 0..4 {
        let answer = if run % 2 == 0 {
            cloud.sweep().await
        } else {
            cloud.check_result("alice").await.unwrap_or_default()
        };
        if run == 0 {
            assert_eq!(answer["failed"], 1, "{answer}");
        }
        messages.extend(published(&cloud.calls()).into_iter().filter(|message| message.topic == "owners"));
    }
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].attributes["kind"], "enrolled");
    assert!(!messages[0].text.contains("destroyed"), "{}", messages[0].text);
    cloud.restore();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close"]), "{answer}");
    assert_eq!(cloud.told(), []);
}

#[tokio::test]
async fn a_user_who_loses_mfa_while_its_secret_cannot_be_deleted_is_invited_again() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let serial = cloud.enroll("alice").await;
    cloud.take_down("DeleteSecret");
    cloud.sweep().await;
    cloud.told();
    cloud.iam.deactivate_mfa_device().user_name("alice").serial_number(serial).send().await.unwrap();
    let mut cloud = cloud;
    cloud.wait(1);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["provision", "notify(invitation)"]), "{answer}");
    cloud.assert_sound("alice", &alice).await;
    assert_eq!(kinds(&cloud.told()), ["invitation"]);
}

#[tokio::test]
async fn while_nothing_goes_out_no_clock_runs_and_the_first_message_says_nothing_of_a_past_deadline() {
    let mut cloud = Cloud::quarantining(&[("GRACE_PERIOD", "7d")]).await;
    cloud.user("alice").await;
    cloud.take_down_for("Publish", "owners");
    for _ in 0..3 {
        assert_eq!(cloud.sweep().await["failed"], 1);
        cloud.wait(24 * 3);
    }
    cloud.restore();
    cloud.calls();
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["notify"], 1, "{answer}");
    let text = &published(&cloud.calls())[0].text;
    assert!(text.contains("Please set it up by") && !text.contains("was due"), "{text}");
    assert_eq!(cloud.attached("alice").await, ["mfa-warden-enrollment"]);
    cloud.wait(24 * 6);
    assert_eq!(cloud.sweep().await["actions"]["quarantine"], 0);
    cloud.wait(24 * 2);
    assert_eq!(cloud.sweep().await["actions"]["quarantine"], 1, "a week after the first notice");
}

#[tokio::test]
async fn an_owner_tag_that_is_changed_is_news_warned_again_and_leads_no_closing_notice_away() {
    let mut cloud = Cloud::quarantining(&[]).await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "alice@example.com").await;
    cloud.sweep().await;
    cloud.wait(24 * 20);
    cloud.tag("alice", "email", "mallory@example.com").await;
    cloud.told();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(invitation)"]), "{answer}");
    let messages = published(&cloud.calls());
    assert_eq!(messages[0].attributes["recipient"], "mallory@example.com");
    let summary = &messages.last().unwrap().text;
    assert!(summary.contains("OWNER TAG CHANGED SINCE THE INVITATION"), "{summary}");
    cloud.wait(24 * 2);
    assert_eq!(
        cloud.sweep().await["actions"]["quarantine"],
        0,
        "the new recipient was not warned for long enough"
    );
    cloud.enroll("alice").await;
    cloud.told();
    cloud.sweep().await;
    let mut told = cloud.told();
    told.sort();
    let expected = [("alice@example.com", "enrolled"), ("mallory@example.com", "enrolled")];
    assert_eq!(told, expected.map(|(who, what)| (who.to_owned(), what.to_owned())));
}

#[tokio::test]
async fn what_another_tool_keeps_detaching_is_attached_each_time_and_told_once() {
    let cloud = Cloud::quarantining(&[]).await;
    cloud.user("alice").await;
    cloud.sweep().await;
    let policy = cloud.warden.settings.enrollment_policy_arn.clone().unwrap();
    cloud.calls();
    let mut subjects = Vec::new();
    for _ in 0..4 {
        cloud.iam.detach_user_policy().user_name("alice").policy_arn(&policy).send().await.unwrap();
        let answer = cloud.sweep().await;
        assert_eq!(answer["outcomes"][0]["actions"], json!(["attach"]), "{answer}");
        subjects.extend(published(&cloud.calls()).into_iter().map(|message| message.subject));
    }
    let account = &cloud.account;
    assert_eq!(subjects, [format!("mfa-warden {account}: 1 policies attached again")]);
}

#[tokio::test]
async fn a_secret_of_version_0_1_0_gets_the_policy_of_this_one_once_and_its_owner_hears_nothing() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    let request = cloud.secrets.untag_resource().secret_id(format!("mfa-warden/{alice}"));
    request.tag_keys("mfa-warden:policy").send().await.unwrap();
    cloud.calls();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["put_policy"]), "{answer}");
    let calls = cloud.calls();
    assert_eq!(writes(&calls)[..2], ["PutResourcePolicy", "TagResource"]);
    assert_eq!(names(&calls).iter().filter(|call| **call == "Publish").count(), 1, "operations alone");
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), [""; 0]);
}

#[tokio::test]
async fn who_is_told_beside_another_whose_message_is_refused_is_told_once() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "ann@corp.example:bob@corp.example").await;
    cloud.take_down_for("Publish", "bob@corp.example");
    let mut told = Vec::new();
    for run in 0..4 {
        let answer = cloud.sweep().await;
        let is_failed = answer["outcomes"][0]["result"].to_string().contains("failed to publish");
        assert_eq!(is_failed, run == 0, "{answer}");
        told.extend(published(&cloud.calls()));
    }
    let to = |one: &str| {
        told.iter().filter(|message| message.attributes.get("recipient").is_some_and(|to| to == one)).count()
    };
    assert_eq!(to("ann@corp.example"), 1);
}

#[tokio::test]
async fn a_closing_notice_reaches_those_who_can_be_reached_although_another_cannot() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    cloud.tag("alice", "email", "ann@corp.example:bob@corp.example:cy@corp.example").await;
    cloud.sweep().await;
    cloud.enroll("alice").await;
    cloud.calls();
    cloud.take_down_for("Publish", "bob@corp.example");
    cloud.sweep().await;
    let told: Vec<String> = published(&cloud.calls())
        .iter()
        .filter(|message| message.attributes.get("kind").is_some_and(|kind| kind == "enrolled"))
        .map(|message| message.attributes["recipient"].clone())
        .collect();
    for one in ["ann@corp.example", "cy@corp.example"] {
        assert_eq!(told.iter().filter(|to| *to == one).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn a_secret_that_somebody_deletes_in_the_meantime_silences_no_closing_notice() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.enroll("alice").await;
    let delete = cloud.secrets.delete_secret().secret_id(format!("mfa-warden/{alice}"));
    delete.recovery_window_in_days(7).send().await.unwrap();
    cloud.told();
    cloud.sweep().await;
    assert_eq!(kinds(&cloud.told()), ["enrolled"]);
    cloud.sweep().await;
    assert_eq!(cloud.told(), []);
}
