//! What released versions leave behind is state: fixtures hold an account as each of them left it, with a user in every
//! row of its decision table. One sweep of this version over each restarts no clock, lifts no quarantine that has a
//! reason, and invites nobody twice.
//!
//! A released version writes its own with `MFA_WARDEN_WRITE_FIXTURE=<version>` set.

use crate::crashes::account_in_every_state;
use crate::world::{
    ACCOUNT, Account, Device, ENROLLMENT, Message, QUARANTINE, SWEEP, Secret, State, User, World, advance,
    begin_at, now,
};
use jiff::{SignedDuration, Timestamp};
use mfa_warden::model::record::tag;
use mfa_warden::rules::owner_policy::fingerprint;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/fixtures");

fn read(version: &str) -> Account {
    let text = std::fs::read_to_string(format!("{FOLDER}/{version}.json")).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let time = |value: &Value| -> Timestamp { value.as_str().unwrap().parse().unwrap() };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let set =
        |value: &Value| -> BTreeSet<String> { value.as_array().unwrap().iter().filter_map(text).collect() };
    let tags = |value: &Value| -> BTreeMap<String, String> {
        value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value).unwrap())).collect()
    };
    let each = |name: &str| fixture[name].as_object().unwrap().clone();
    let mut state = State::default();
    for (name, user) in each("users") {
        state.users.insert(
            name,
            User {
                id: text(&user["id"]).unwrap(),
                created_at: time(&user["created_at"]),
                password: user["password"] == true,
                tags: tags(&user["tags"]),
                mfa: set(&user["mfa"]),
                attached: set(&user["attached"]),
            },
        );
    }
    for (serial, device) in each("devices") {
        let device = Device { seed: text(&device["seed"]).unwrap(), user: text(&device["user"]) };
        state.devices.insert(serial, device);
    }
    for (name, secret) in each("secrets") {
        let versions =
            secret["versions"].as_object().unwrap().iter().map(|(id, version)| {
                (id.clone(), (text(&version["value"]).unwrap(), set(&version["stages"])))
            });
        let added = text(&secret["added"]).unwrap_or_else(|| format!("{:06}", state.secrets.len()));
        state.secrets.insert(
            name,
            Secret {
                added,
                created_at: time(&secret["created_at"]),
                description: text(&secret["description"]).unwrap(),
                tags: tags(&secret["tags"]),
                policy: text(&secret["policy"]),
                deleted: secret["deleted"] == true,
                versions: versions.collect(),
            },
        );
    }
    begin_at(time(&fixture["at"]));
    Account { world: Arc::new(Mutex::new(World::of(state))) }
}

fn write(version: &str, world: &World) {
    let State { users, devices, secrets } = &world.state;
    let users: Map<String, Value> = users
        .iter()
        .map(|(name, User { id, created_at, password, tags, mfa, attached })| {
            let value = json!({"id": id, "created_at": created_at.to_string(), "password": password, "tags": tags,
                "mfa": mfa, "attached": attached});
            (name.clone(), value)
        })
        .collect();
    let devices: Map<String, Value> = devices
        .iter()
        .map(|(serial, Device { seed, user })| (serial.clone(), json!({"seed": seed, "user": user})))
        .collect();
    let secrets: Map<String, Value> = secrets
        .iter()
        .map(|(name, Secret { added, created_at, description, tags, policy, deleted, versions })| {
            let versions: Map<String, Value> = versions
                .iter()
                .map(|(id, (value, stages))| (id.clone(), json!({"value": value, "stages": stages})))
                .collect();
            let value = json!({"added": added, "created_at": created_at.to_string(), "description": description,
                "tags": tags, "policy": policy, "deleted": deleted, "versions": versions});
            (name.clone(), value)
        })
        .collect();
    let fixture = json!({"version": version, "at": now().to_string(), "users": users, "devices": devices,
        "secrets": secrets});
    let text = serde_json::to_string_pretty(&fixture).unwrap() + "\n";
    std::fs::write(format!("{FOLDER}/{version}.json"), text).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_writes_what_it_leaves_behind() {
    let account = account_in_every_state().await;
    // The person who makes a release asks for it.
    #[expect(clippy::disallowed_methods)]
    let asked = std::env::var("MFA_WARDEN_WRITE_FIXTURE");
    if let Ok(version) = asked {
        account.edit(|world| write(&version, world));
    }
}

/// The messages to owners since `from`, by user.
fn told(messages: &[Message]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in messages.iter().filter(|message| message.topic == "owners") {
        told.entry(message.user.clone()).or_default().push(message.kind.clone());
    }
    told
}

fn secrets_by_user(world: &World) -> BTreeMap<String, Secret> {
    let name = |secret: &str| {
        let id = secret.trim_start_matches("mfa-warden/").to_owned();
        world.state.users.iter().find(|(_, user)| user.id == id).map(|(name, _)| name.clone())
    };
    world.state.secrets.iter().filter_map(|(id, secret)| Some((name(id)?, secret.clone()))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sweep_over_what_version_0_1_0_left_restarts_no_clock_lifts_no_quarantine_and_invites_nobody_twice()
{
    let account = read("0.1.0");
    let before = account.edit(|world| secrets_by_user(world));
    let quarantined_before = quarantined(&account);
    let answer = account.run(SWEEP).await;
    assert_eq!(answer["failed"], 0, "{answer}");
    account.assert_sound("after the first sweep");
    let messages = account.edit(|world| told(&world.messages));
    let invited: Vec<&str> = messages
        .iter()
        .filter(|(_, kinds)| kinds.contains(&"invitation".to_owned()))
        .map(|(user, _)| user.as_str())
        .collect();
    // New users, new seeds (expired, lost, under a new name, never told of), and those whom the first did not reach.
    let expected = [
        "expired",
        "lost-invitation",
        "lost-invitation-overdue",
        "new",
        "recreated",
        "renamed",
        "rotten",
        "scheduled",
        "untold",
        "valueless",
    ];
    assert_eq!(invited, expected, "{messages:?}");
    for (user, kinds) in [
        ("quarantined-untold", ["quarantined"]),
        ("overdue", ["reminder"]),
        ("reminder-due", ["reminder"]),
        ("compliant-open", ["enrolled"]),
        ("enrolled-overdue", ["enrolled"]),
        ("exempt-open", ["withdrawn"]),
        ("passwordless-open", ["withdrawn"]),
    ] {
        assert_eq!(messages[user], kinds, "{user}");
    }
    for silent in ["sound", "detached", "robot", "compliant"] {
        assert_eq!(messages.get(silent), None, "{silent}");
    }
    // Quarantines with a reason go on; nobody new is quarantined whom this version has not warned.
    let still: Vec<String> = quarantined_before
        .iter()
        .filter(|user| !["compliant", "quarantined-enrolled"].contains(&user.as_str()))
        .cloned()
        .collect();
    assert_eq!(quarantined(&account), still);
    let after = account.edit(|world| secrets_by_user(world));
    for (user, secret) in &after {
        // One that a run died over before it held anything is made again; nobody was told of it.
        if let Some(before) = before.get(user).filter(|_| user != "valueless") {
            assert_eq!(secret.created_at, before.created_at, "{user}: the clock goes on");
            let first = secret.tags.get("mfa-warden:first-notice-at");
            assert!(first.is_none() || user == "untold", "{user}: {first:?}");
        }
        let policy = secret.policy.as_deref().unwrap();
        assert_eq!(secret.tags["mfa-warden:policy"], fingerprint(policy), "{user}");
        assert!(policy.contains("OnlyTheFunctionChanges"), "{user}");
    }
    account.edit(|world| world.writes.clear());
    account.run(SWEEP).await;
    account.edit(|world| assert_eq!(world.writes, Vec::<String>::new(), "a second sweep does something"));

    // Warned by this version, the overdue are quarantined in the end.
    advance(SignedDuration::from_hours(24 * 4));
    account.run(SWEEP).await;
    account.assert_sound("four days later");
    assert!(quarantined(&account).contains(&"overdue".to_owned()));
}

fn quarantined(account: &Account) -> Vec<String> {
    account.edit(|world| {
        let users = world.state.users.iter().filter(|(_, user)| user.attached.contains(QUARANTINE));
        users.map(|(name, _)| name.clone()).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn what_version_0_1_0_prepared_for_owners_whom_nobody_can_tell_ends_cleanly() {
    let account = read("0.1.0");
    account.edit(|world| world.deaf = true);
    account.run(SWEEP).await;
    account.edit(|world| {
        let left = secrets_by_user(world);
        for user in ["lost-invitation", "lost-invitation-overdue", "untold", "valueless", "new"] {
            assert!(!left.contains_key(user), "{user}: a seed is kept for nobody");
            assert!(!world.user(user).attached.contains(ENROLLMENT), "{user}");
            let device = format!("arn:aws:iam::{ACCOUNT}:mfa/mfa-warden/{user}.");
            assert!(!world.state.devices.keys().any(|serial| serial.starts_with(&device)), "{user}");
        }
        let told = told(&world.messages);
        assert!(!told.contains_key("lost-invitation") && !told.contains_key("untold"), "{told:?}");
        for user in ["sound", "quarantined", "lost-reminder"] {
            assert!(left.contains_key(user), "{user} has heard of its device");
        }
    });
    account.edit(|world| world.deaf = false);
    advance(SignedDuration::from_hours(5));
    account.assert_converges("somebody listens again").await;
}

#[test]
fn the_tags_are_spelled_as_they_were_released() {
    let text = std::fs::read_to_string(format!("{FOLDER}/0.1.0.json")).unwrap();
    for key in [tag::USER_ID, tag::NOTIFIED, tag::NOTICES, tag::UNREACHED] {
        assert!(text.contains(key), "{key}");
    }
}
