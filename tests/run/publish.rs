//! What operations are told, and whether anybody gets it.

use crate::cloud::{Cloud, published};
use crate::mocks::{clock, query_error};
use aws_sdk_sns::operation::tag_resource::TagResourceOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::sns::Sns;
use mfa_warden::run::memory::Memory;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const NOBODY: &str = "the operations topic has no confirmed subscription";

#[tokio::test]
async fn an_operations_topic_that_nobody_gets_is_a_warning_and_what_it_lost_is_told_again() {
    let cloud = Cloud::with(&[]).await;
    cloud.user("alice").await;
    assert!(!cloud.sweep().await["warnings"].to_string().contains(NOBODY));
    cloud.end_operations_subscriptions().await;
    // Overdue users are told of once, unless nobody got it.
    cloud.take_down("GetLoginProfile");
    for _ in 0..2 {
        cloud.calls();
        let answer = cloud.sweep().await;
        assert!(answer["warnings"].to_string().contains(NOBODY), "{answer}");
        assert_eq!(published(&cloud.calls()).len(), 1, "told again: nobody got it");
    }
    cloud.restore();
    let checked = cloud.check("alice").await;
    assert!(
        !checked["warnings"].to_string().contains(NOBODY),
        "nothing to tell, so nobody looked: {checked}"
    );
}

#[tokio::test]
async fn that_the_subscriptions_of_operations_cannot_be_read_is_a_warning_and_they_are_told_as_ever() {
    let cloud = Cloud::with(&[]).await;
    cloud.user("alice").await;
    cloud.take_down_for("ListSubscriptionsByTopic", ":ops");
    let answer = cloud.check("alice").await;
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("cannot tell whether anybody gets the messages to operations"), "{answer}");
    let kinds: Vec<String> = published(&cloud.calls()).into_iter().map(|message| message.subject).collect();
    assert_eq!(kinds.len(), 2, "the owner and operations: {kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn tags_that_another_run_writes_are_written_once_more_after_a_moment() {
    // The code of each refusal; how many writes there are, and whether the last succeeds.
    for (refusals, writes, is_written) in [
        (&["ConcurrentAccess"][..], 2, true),
        (&["ConcurrentAccess", "ConcurrentAccess"], 2, false),
        (&["AuthorizationError"], 1, false),
    ] {
        let mut sequence = mock!(aws_sdk_sns::Client::tag_resource).sequence();
        for code in refusals {
            sequence = sequence.http_response(|| query_error(400, code, "not now"));
        }
        let tag = sequence.output(|| TagResourceOutput::builder().build()).build();
        let sns = Sns(mock_client!(aws_sdk_sns, RuleMode::Sequential, &[&tag]));
        let started = Instant::now();
        let memory = Memory::new(&sns, "arn:aws:sns:us-east-1:123456789012:ops", clock);
        let written = memory.write(&BTreeMap::from([("key".to_owned(), "value".to_owned())])).await;
        assert_eq!((tag.num_calls(), written.is_ok()), (writes, is_written), "{refusals:?}: {written:?}");
        let waited = Duration::from_millis(if writes == 2 { 300 } else { 0 });
        assert_eq!(started.elapsed(), waited, "{refusals:?}");
    }
}
