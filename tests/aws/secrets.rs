//! Secrets Manager: who wins a version, whatever became of the answers.

use crate::mocks::*;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::UpdateSecretVersionStageOutput;
use aws_smithy_mocks::mock;
use mfa_warden::aws::secrets::Claim;

#[tokio::test]
async fn the_first_version_of_a_secret_wins_by_being_written() {
    let put = put("AWSCURRENT");
    assert!(matches!(secrets(&[&put]).claim(NAME, OURS, None, &a_value()).await, Claim::Won));
}

#[tokio::test]
async fn a_later_version_wins_by_the_swap() {
    let swap = mock!(SecretsClient::update_secret_version_stage)
        .match_requests(|r| {
            r.version_stage() == Some("AWSCURRENT")
                && r.remove_from_version_id() == Some(THEIRS)
                && r.move_to_version_id() == Some(OURS)
        })
        .then_output(|| UpdateSecretVersionStageOutput::builder().build());
    let put = put("WARDEN_PENDING");
    assert!(matches!(secrets(&[&put, &swap]).claim(NAME, OURS, Some(THEIRS), &a_value()).await, Claim::Won));
    assert_eq!(swap.num_calls(), 1);
}

#[tokio::test]
async fn the_run_that_comes_second_has_lost() {
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(THEIRS)]);
    assert!(matches!(
        client.claim(NAME, OURS, Some("0199d0e0-0000-7000-8000-000000000001"), &a_value()).await,
        Claim::Lost
    ));
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(THEIRS)]);
    assert!(
        matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Lost),
        "no version was observed, and one came"
    );
}

#[tokio::test]
async fn a_first_version_that_does_not_become_current_by_being_written_is_swapped_against_none() {
    let swap = mock!(SecretsClient::update_secret_version_stage)
        .match_requests(|r| r.remove_from_version_id().is_none() && r.move_to_version_id() == Some(OURS))
        .then_output(|| UpdateSecretVersionStageOutput::builder().build());
    let client = secrets(&[&put("WARDEN_PENDING"), &swap]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Won));
    assert_eq!(swap.num_calls(), 1);
}

#[tokio::test]
async fn a_swap_refused_because_a_lost_answer_had_done_it_is_a_win() {
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(OURS)]);
    assert!(matches!(client.claim(NAME, OURS, Some(THEIRS), &a_value()).await, Claim::Won));
}

#[tokio::test(start_paused = true)]
async fn a_value_whose_fate_is_unknown_is_unclear_and_a_known_one_is_not() {
    let put_fails = || {
        mock!(SecretsClient::put_secret_value).then_http_response(|| {
            aws_smithy_runtime_api::http::Response::new(500.try_into().unwrap(), "{}".into())
        })
    };
    let client = secrets(&[&put_fails(), &describe_fails()]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Unclear(_)));
    let client = secrets(&[&put_fails(), &described(THEIRS)]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Failed(_)));
    let client = secrets(&[&put_fails(), &described(OURS)]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Won));
}
