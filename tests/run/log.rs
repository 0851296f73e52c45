//! What the function's log holds, read from a real process.

use crate::cloud::Cloud;
use crate::process::{Function, environment};
use crate::proxy::{Fate, Proxy};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The address of an owner, as the tag holds it.
const ADDRESS: &str = "ann.secret@corp.example";

/// A refusal that repeats it.
const REFUSAL: &str = "not allowed for ann.secret@corp.example";

/// The function's process behind a proxy, and its account.
struct Running {
    cloud: Cloud,
    proxy: Proxy,
    function: Function,
}

impl Running {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let cloud = Cloud::new().await;
        let proxy = Proxy::start(cloud.account.clone());
        let mut environment = environment(&proxy.endpoint, &cloud.account);
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Function::start(&environment, &cloud.account);
        Running { cloud, proxy, function }
    }

    /// Hands the function one event; `response` or `error`, and the body.
    fn invoke(&self, event: &Value) -> (String, Value) {
        tokio::task::block_in_place(|| self.function.invoke(event))
    }

    fn sweep(&self) -> (String, Value) {
        self.invoke(&json!({"action": "sweep"}))
    }

    fn check(&self, user: &str) -> (String, Value) {
        self.invoke(&json!({"action": "check", "user": user}))
    }

    /// A user whose owner has the address.
    async fn owned(&self, user: &str) {
        self.cloud.user(user).await;
        self.cloud.tag(user, "email", ADDRESS).await;
    }

    /// The lines of the log, without those of the metrics.
    fn end(self) -> Vec<Value> {
        let lines = self.function.end();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        lines.filter(|line| !line["_aws"].is_object()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_the_log_and_the_error_mask_the_address_that_aws_repeats() {
    let running = Running::with(&[("SUBSCRIBE_OWNERS", "true")]).await;
    let mut errors = Vec::new();
    let mut note = |(kind, answer): (String, Value)| {
        if kind == "error" {
            errors.push(answer.to_string());
        }
    };
    // Enables the device that is prepared for the user.
    let enable = async |user: &str| {
        let devices = running.cloud.devices().await;
        let prepared = devices.into_iter().find(|serial| serial.contains(&format!("/{user}.")));
        running.cloud.enable(user, &prepared.unwrap()).await;
    };
    // Undisturbed, to know the calls.
    running.owned("first").await;
    running.sweep();
    enable("first").await;
    running.sweep();
    let calls: BTreeSet<String> = running.proxy.seen().requests.iter().map(|request| request.api()).collect();
    assert!(calls.len() >= 20, "{calls:?}");
    // Every call alone, the tags of the operations topic without those of secrets, and all calls together.
    let alone = calls.iter().map(|api| (api.as_str(), ""));
    for (round, (api, part)) in alone.chain([("TagResource", ":ops"), ("", "")]).enumerate() {
        // Something to close and something to begin.
        let [open, new] = ["open", "new"].map(|state| format!("{state}-{round}"));
        running.owned(&open).await;
        running.sweep();
        enable(&open).await;
        running.owned(&new).await;
        running.proxy.doom_for(api, part, Fate::Refused(REFUSAL));
        note(running.sweep());
        note(running.check(&new));
        running.proxy.pardon();
    }
    // A user name that is an address is no secret: the log names users.
    running.owned("bob@corp.example").await;
    running.proxy.doom("CreateSecret", Fate::Refused(REFUSAL));
    let (kind, answer) = running.check("bob@corp.example");
    assert_eq!(kind, "error");
    assert!(
        answer["errorMessage"].to_string().contains("the check of `bob@corp.example` failed"),
        "{answer}"
    );
    note((kind, answer));
    let lines = running.end();
    for text in lines.iter().map(Value::to_string).chain(errors.iter().cloned()) {
        assert!(!text.contains("ann.secret"), "{text}");
    }
    assert!(lines.iter().any(|line| line["user"] == "bob@corp.example"), "{lines:?}");
    // AWS's words are there, and so are all the places that log them.
    let masked = "not allowed for …@corp.example";
    assert!(errors.iter().filter(|error| error.contains(masked)).count() > 10, "{errors:?}");
    for message in [
        "the sweep failed",
        "the check failed",
        "operations were not told of the failure",
        "cannot read the topic's tags: earlier messages and used grace are unknown",
        "the next sweep tells operations again what they already know",
        "users who lose MFA again will get a full grace period",
    ] {
        let logged = lines.iter().any(|line| line["message"] == message && line.to_string().contains(masked));
        assert!(logged, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_to_operations_is_logged_once() {
    let running = Running::with(&[]).await;
    running.cloud.user("alice").await;
    running.proxy.doom_for("Publish", ":ops", Fate::Denied);
    assert_eq!(running.sweep().0, "response");
    let is_of_it = |line: &&Value| line.to_string().contains("operations were not told");
    let lines = running.end();
    let told: Vec<&Value> = lines.iter().filter(is_of_it).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["level"], "ERROR");

    // The run itself fails.
    let running = Running::with(&[]).await;
    running.proxy.doom_all(Fate::Denied);
    assert_eq!(running.sweep().0, "error");
    let lines = running.end();
    assert_eq!(lines.iter().filter(is_of_it).count(), 1, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_line_of_a_user_names_the_rule_that_decided() {
    let running = Running::with(&[]).await;
    running.cloud.user("alice").await;
    running.cloud.user("bob").await;
    running.cloud.enroll("bob").await;
    running.sweep();
    running.check("bob");
    running.proxy.doom("CreateSecret", Fate::Denied);
    running.cloud.user("carol").await;
    running.check("carol");
    running.proxy.doom("GetLoginProfile", Fate::Denied);
    running.check("alice");
    let lines = running.end();
    let rules: BTreeSet<(&str, &str, &str)> = lines
        .iter()
        .filter_map(|line| Some((line["user"].as_str()?, line["level"].as_str()?, line["rule"].as_str()?)))
        .collect();
    let expected = [
        ("alice", "ERROR", "unknown"),
        ("alice", "INFO", "not_prepared"),
        ("bob", "DEBUG", "has_mfa"),
        ("carol", "ERROR", "not_prepared"),
    ];
    assert_eq!(rules, BTreeSet::from(expected), "{lines:?}");
}
