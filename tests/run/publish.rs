//! What operations are told, and whether anybody gets it.

use crate::cloud::{Cloud, published};

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
    let answer = cloud.sweep().await;
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("cannot tell whether anybody gets the messages to operations"), "{answer}");
    let kinds: Vec<String> = published(&cloud.calls()).into_iter().map(|message| message.subject).collect();
    assert_eq!(kinds.len(), 2, "the owner and operations: {kinds:?}");
}
