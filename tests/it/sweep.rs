//! A whole sweep over HTTP against moto.

use crate::cloud::{Cloud, names, published, writes};
use serde_json::json;

#[tokio::test]
async fn a_user_without_mfa_gets_a_device_a_secret_and_an_invitation_and_the_next_sweep_does_nothing() {
    let cloud = Cloud::new().await;
    let alice = cloud.user("alice").await;
    let answer = cloud.sweep().await;
    println!("{answer:#}");
    let calls = cloud.calls();
    println!("{:?}", names(&calls));
    assert_eq!(answer["actions"]["provision"], json!(1));
    cloud.assert_sound("alice", &alice).await;
    let messages = published(&calls);
    println!("{}\n{}", messages[0].text, messages[1].text);

    let again = cloud.sweep().await;
    let calls = cloud.calls();
    assert_eq!(writes(&calls), Vec::<&str>::new(), "{again}");
}
