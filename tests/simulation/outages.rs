//! Throttling, denials and outages.

use crate::crashes::account_in_every_state;
use crate::world::{Account, Fault, Line, Message, SWEEP, advance, begin};
use aws_config::retry::RetryConfig;
use jiff::SignedDuration;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn refusing(api: &'static str, status: u16, code: &'static str) -> Line {
    let fault = Fault { refused: Some((api, status, code)), ..Fault::default() };
    Line { fault: Arc::new(Mutex::new(fault)), gate: None }
}

#[tokio::test(start_paused = true)]
async fn with_every_fourth_call_throttled_every_user_is_served_or_deferred_and_none_fails() {
    for seed in 0..10 {
        let account = account_in_every_state().await;
        let mut runs = 0;
        loop {
            let throttled = Some((4, fastrand::Rng::with_seed(seed * 100 + runs)));
            let line =
                Line { fault: Arc::new(Mutex::new(Fault { throttled, ..Fault::default() })), gate: None };
            let warden = account.warden(&line, mfa_warden::aws::retries());
            let answer = account.handle(warden, SWEEP, Duration::from_secs(900)).await.unwrap();
            assert_eq!(answer["failed"], 0, "{answer}");
            runs += 1;
            if answer["deferred"] == 0 {
                break;
            }
            assert!(runs < 10, "the deferred users are never reached: {answer}");
        }
        account.assert_converges(&format!("throttled, seed {seed}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_action_fails_the_users_concerned_names_itself_and_leaves_the_rest_served() {
    for api in [
        "CreateSecret",
        "PutResourcePolicy",
        "CreateVirtualMFADevice",
        "PutSecretValue",
        "UpdateSecretVersionStage",
        "DeleteVirtualMFADevice",
        "AttachUserPolicy",
        "DetachUserPolicy",
        "TagResource",
        "DeleteSecret",
        "RestoreSecret",
        "GetUser",
        "GetLoginProfile",
        "ListMFADevices",
        "DescribeSecret",
    ] {
        let account = account_in_every_state().await;
        let answer = account.run_over(&refusing(api, 400, "AccessDenied"), SWEEP).await.unwrap();
        let told = account.edit(|world| world.messages.clone());
        let failures: Vec<&Message> = told.iter().filter(|message| message.kind == "failure").collect();
        assert!(
            answer["failed"].as_u64().unwrap() + answer["users"]["unknown"].as_u64().unwrap() > 0,
            "{api}: {answer}"
        );
        assert_eq!(failures.len(), 1, "{api}: operations hear of it once");
        assert!(failures[0].text.contains("AccessDenied"), "{api}: {}", failures[0].text);
        advance(SignedDuration::from_hours(5));
        account.assert_converges(&format!("{api} was denied")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_sns_is_down_devices_stay_sound_and_owners_hear_of_them_at_the_next_run() {
    begin();
    let account = Account::default();
    account.edit(|world| world.create_user("alice", true));
    for _ in 0..3 {
        let answer = account.run_over(&refusing("Publish", 503, "ServiceUnavailable"), SWEEP).await.unwrap();
        assert_eq!(answer["failed"], 1);
    }
    account.edit(|world| {
        assert_eq!(world.state.devices.len(), 1, "one device, however often it was tried");
        assert!(world.messages.is_empty());
    });
    account.run(SWEEP).await;
    account.edit(|world| assert_eq!(world.messages[0].kind, "invitation"));
    account.assert_converges("SNS was down").await;
}

#[tokio::test(start_paused = true)]
async fn when_the_key_denies_nothing_half_made_is_left_as_if_whole() {
    begin();
    let account = Account::default();
    account.edit(|world| world.create_user("alice", true));
    for _ in 0..3 {
        let denied = refusing("PutSecretValue", 400, "AccessDeniedException");
        let answer = account.run_over(&denied, SWEEP).await.unwrap();
        assert!(answer["outcomes"][0]["result"].as_str().unwrap().contains("store the seed"), "{answer}");
        account.edit(|world| {
            assert_eq!(world.state.devices.len(), 0);
            assert!(world.messages.iter().all(|message| message.topic == "ops"));
        });
    }
    account.assert_converges("the key denied").await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_middle_of_two_thousand_users_defers_the_rest_and_the_next_runs_finish() {
    begin();
    let account = Account::default();
    account.edit(|world| {
        world.page_length = 1000;
        (0..2000).for_each(|number| world.create_user(&format!("user-{number}"), true));
    });
    let mut runs = 0;
    loop {
        let line = Line::default();
        // Each call takes no time here, so that the time left decides after how many the deadline comes: one in a
        // hundred calls is throttled, and waits.
        line.fault.lock().unwrap().throttled = Some((100, fastrand::Rng::with_seed(runs)));
        let warden = account.warden(&line, RetryConfig::standard().with_max_attempts(6));
        let answer = account.handle(warden, SWEEP, Duration::from_secs(12)).await.unwrap();
        runs += 1;
        assert_eq!(answer["users"]["total"], 2000);
        assert_eq!(answer["failed"], 0, "{}", answer["outcomes"]);
        if answer["deferred"] == 0 {
            break;
        }
        assert!(runs < 50, "the deferred users are never reached");
    }
    assert!(runs > 1, "the deadline came in the middle at least once");
    account.assert_sound("after the deadlines");
}

#[tokio::test(start_paused = true)]
async fn where_the_report_says_that_the_root_user_has_mfa_the_accounts_summary_is_not_read() {
    begin();
    let account = Account::default();
    account.edit(|world| world.create_user("robot", false));
    let line = Line::default();
    account.run_over(&line, SWEEP).await.unwrap();
    let calls = line.fault.lock().unwrap().log.clone();
    assert!(calls.contains(&"GetCredentialReport".to_owned()), "{calls:?}");
    assert!(!calls.contains(&"GetAccountSummary".to_owned()), "{calls:?}");
}
