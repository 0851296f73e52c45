//! Beginning with some users, and quarantining few at a time.

use crate::cloud::{Cloud, published, writes};
use serde_json::json;

#[tokio::test]
async fn with_a_pilot_nothing_is_begun_for_others_and_operations_are_not_told_of_them() {
    for pilot in ["/team-a/", "team=a"] {
        let cloud = Cloud::with(&[("PILOT", pilot)]).await;
        for (user, path) in [("inside", "/team-a/"), ("outside", "/")] {
            cloud.user_without_password(user, path).await;
            cloud.iam.create_login_profile().user_name(user).password("correct horse").send().await.unwrap();
        }
        cloud.tag("inside", "Team", "a").await;
        cloud.tag("outside", "team", "b").await;
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["actions"]["provision"], &answer["deferred"]),
            (&json!(1), &json!(1)),
            "{answer}"
        );
        let outside = &answer["outcomes"][1];
        assert_eq!(
            (&outside["verdict"], &outside["result"], &outside["actions"]),
            (&json!("non_compliant"), &json!("deferred"), &json!([])),
            "{outside}"
        );
        assert_eq!(outside["reason"], "console password, no MFA device; outside the pilot");
        cloud.calls();
        cloud.sweep().await;
        cloud.check("outside").await;
        assert_eq!(writes(&cloud.calls()), [""; 0], "{pilot}: nobody is told of it again and again");
    }
}

#[tokio::test]
async fn what_was_open_before_the_pilot_goes_on() {
    let mut cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    cloud.sweep().await;
    cloud.warden.settings.pilot = Some(mfa_warden::model::settings::Pilot::Path("/team-a/".to_owned()));
    cloud.wait(24 * 4);
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["notify(reminder)"]), "{answer}");
    cloud.enroll("alice").await;
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["actions"], json!(["close", "notify(enrolled)"]), "{answer}");
    assert!(cloud.secrets.describe_secret().secret_id(format!("mfa-warden/{alice}")).send().await.is_err());
}

#[tokio::test]
async fn no_more_than_max_quarantines_are_quarantined_in_one_run_and_the_rest_follow() {
    let mut cloud = Cloud::quarantining(&[("MAX_QUARANTINES", "2")]).await;
    for user in ["a", "b", "c", "d", "e"] {
        cloud.user(user).await;
    }
    cloud.sweep().await;
    cloud.wait(24 * 15);
    for (quarantined, deferred) in [(2, 3), (2, 1), (1, 0), (0, 0)] {
        let answer = cloud.sweep().await;
        assert_eq!(
            (&answer["actions"]["quarantine"], &answer["deferred"], &answer["failed"]),
            (&json!(quarantined), &json!(deferred), &json!(0)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn with_max_quarantines_zero_nobody_is_quarantined_and_everything_else_goes_on() {
    let mut cloud = Cloud::quarantining(&[("MAX_QUARANTINES", "0")]).await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24 * 15);
    let policy = cloud.warden.settings.enrollment_policy_arn.clone().unwrap();
    cloud.iam.detach_user_policy().user_name("alice").policy_arn(policy).send().await.unwrap();
    let answer = cloud.sweep().await;
    assert_eq!(answer["outcomes"][0]["result"], "deferred", "{answer}");
    let actions = json!(["attach", "notify(reminder)"]);
    assert_eq!(answer["outcomes"][0]["actions"], actions, "who is not quarantined is reminded");
    assert_eq!(cloud.attached("alice").await, ["mfa-warden-enrollment"]);
}

#[tokio::test]
async fn without_an_answer_of_the_simulator_nobody_is_quarantined_and_operations_hear_why() {
    // Moto has no simulator.
    let mut cloud = Cloud::quarantining(&[("PREFLIGHT", "true")]).await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24 * 15);
    cloud.calls();
    let answer = cloud.sweep().await;
    assert_eq!(answer["actions"]["quarantine"], 0, "{answer}");
    let messages = crate::cloud::published(&cloud.calls());
    let summary = &messages.last().unwrap().text;
    let line = "- alice: IAM's policy simulator did not say whether the owner can enroll";
    assert!(summary.contains("OVERDUE BUT NOT QUARANTINED") && summary.contains(line), "{summary}");
    cloud.wait(1);
    cloud.sweep().await;
    assert_eq!(writes(&cloud.calls()), [""; 0], "told once");
}

#[tokio::test]
async fn settings_of_another_account_or_region_end_every_invocation_with_their_names() {
    let cloud = Cloud::new().await;
    cloud.user("alice").await;
    for arn in [
        "arn:aws:lambda:us-east-1:210987654321:function:mfa-warden".to_owned(),
        format!("arn:aws:lambda:eu-west-1:{}:function:mfa-warden", cloud.account),
    ] {
        let event = json!({"action": "sweep"});
        let error = cloud.warden.handle(&event, &arn, crate::cloud::DEADLINE).await.unwrap_err().to_string();
        assert!(error.contains("OWNER_TOPIC_ARN is in") && error.contains("nothing was done"), "{error}");
    }
    assert_eq!(crate::cloud::names(&cloud.calls()), [""; 0]);
}

#[tokio::test]
async fn a_quarantined_user_who_loses_the_enrollment_policy_for_good_is_set_free() {
    let mut cloud = Cloud::quarantining(&[]).await;
    cloud.user("alice").await;
    cloud.sweep().await;
    cloud.wait(24 * 15);
    cloud.sweep().await;
    assert_eq!(cloud.attached("alice").await.len(), 2);
    let policy = cloud.warden.settings.enrollment_policy_arn.clone().unwrap();
    cloud.iam.detach_user_policy().user_name("alice").policy_arn(policy).send().await.unwrap();
    cloud.take_down_for("AttachUserPolicy", "mfa-warden-enrollment");
    for _ in 0..2 {
        let answer = cloud.sweep().await;
        assert_eq!(answer["failed"], 1, "{answer}");
        assert_eq!(cloud.attached("alice").await, Vec::<String>::new(), "that would be a lockout");
    }
    cloud.restore();
    cloud.sweep().await;
    assert_eq!(cloud.attached("alice").await.len(), 2);
}

#[tokio::test]
async fn retiring_takes_back_everything_begins_nothing_and_repeats_what_failed() {
    let mut cloud = Cloud::quarantining(&[]).await;
    for name in ["quarantined", "failing", "enrolled"] {
        cloud.user(name).await;
    }
    cloud.sweep().await;
    cloud.enroll("enrolled").await;
    cloud.wait(24 * 15);
    cloud.sweep().await;
    assert_eq!(cloud.attached("quarantined").await.len(), 2);
    cloud.user("invited").await;
    cloud.sweep().await;
    cloud.user("new").await;
    cloud.calls();

    cloud.warden.settings.retire = true;
    cloud.take_down_for("DeleteVirtualMFADevice", "failing");
    let answer = cloud.sweep().await;
    assert_eq!((&answer["actions"]["close"], &answer["failed"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(cloud.attached("failing").await, Vec::<String>::new(), "a failure locks nobody out");
    let told: Vec<_> =
        published(&cloud.calls()).into_iter().filter(|message| message.topic == "owners").collect();
    for message in &told {
        assert_eq!(message.attributes["kind"], "withdrawn");
        assert!(message.text.contains("MFA may still be required of you."), "{}", message.text);
        assert!(!message.text.contains("no longer has to"), "{}", message.text);
    }

    cloud.restore();
    cloud.sweep().await;
    for name in ["quarantined", "failing", "invited", "new"] {
        assert_eq!(cloud.attached(name).await, Vec::<String>::new(), "{name}");
    }
    assert_eq!(cloud.devices().await, Vec::<String>::new());
    let in_use = cloud.iam.list_mfa_devices().user_name("enrolled").send().await.unwrap().mfa_devices;
    assert_eq!(in_use.len(), 1, "devices in use stay");
    let secrets = cloud.secrets.list_secrets().send().await.unwrap();
    assert_eq!(secrets.secret_list.unwrap_or_default().len(), 0);
    let everybody: Vec<_> =
        published(&cloud.calls()).into_iter().filter(|message| message.topic == "owners").collect();
    assert_eq!(told.len() + everybody.len(), 3, "each owner is told once");
    let freed = told.iter().chain(&everybody).filter(|message| message.text.contains("quarantine has ended"));
    assert_eq!(freed.count(), 2, "`quarantined` and `failing` had been told of theirs");

    // Nothing is left to do, and whoever was not invited hears nothing.
    assert!(
        cloud.sweep().await["outcomes"].as_array().unwrap().iter().all(|user| user["actions"] == json!([]))
    );
}
