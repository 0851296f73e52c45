//! The process dies at every single call of a run: before it, and after it with the answer lost.

use crate::world::{
    ACCOUNT, Account, Device, FOREIGN, Fault, Line, QUARANTINE, SWEEP, Secret, State, World, advance, begin,
    begin_at, check, now,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// The users of [`account_in_every_state`] that a run may do something to.
pub const USERS: [&str; 18] = [
    "new",
    "sound",
    "rotten",
    "overdue",
    "enrolled-overdue",
    "compliant-open",
    "exempt-open",
    "passwordless-open",
    "deleted",
    "renamed",
    "unheard",
    "valueless",
    "scheduled",
    "recreated",
    "compliant",
    "prepared",
    "moved",
    "earlier",
];

/// Users in every state, and time for each to have come into it.
pub async fn account_in_every_state() -> Account {
    static MADE: OnceCell<(World, Timestamp)> = OnceCell::const_new();
    let (mut world, time) = MADE.get_or_init(make).await.clone();
    begin_at(time);
    world.told_before = world.messages.len();
    Account { world: Arc::new(Mutex::new(world)) }
}

/// That account with one of its users alone.
pub async fn account_of(user: &str) -> Account {
    let account = account_in_every_state().await;
    let before = format!("{user}-before");
    account.edit(|world| {
        let State { users, devices, secrets } = &mut world.state;
        users.retain(|name, _| name == user);
        let id = users.get(user).map(|user| user.id.clone());
        let named = |text: &str| [user, &before].iter().any(|name| text.contains(&format!("/{name}.")));
        devices.retain(|serial, device| named(serial) || (device.user.is_some() && device.user == id));
        secrets.retain(|_, secret| {
            secret.description.ends_with(&format!(" {user}")) || secret.description.ends_with(&before)
        });
    });
    account
}

async fn make() -> (World, Timestamp) {
    begin();
    let account = Account::default();
    account.edit(|world| {
        for name in ["overdue", "enrolled-overdue"] {
            world.create_user(name, true);
        }
    });
    account.run(SWEEP).await;
    advance(SignedDuration::from_hours(15 * 24));
    account.edit(|world| {
        for name in [
            "sound",
            "rotten",
            "compliant-open",
            "exempt-open",
            "passwordless-open",
            "deleted",
            "renamed-before",
            "unheard",
            "valueless",
            "scheduled",
            "recreated",
            "moved",
            "earlier",
        ] {
            world.create_user(name, true);
        }
        world.create_user("robot", false);
        world.create_user("compliant", true);
        world.enroll("compliant");
    });
    account.run(SWEEP).await;
    advance(SignedDuration::from_hours(5));
    account.edit(|world| {
        world.create_user("new", true);
        // The device is deleted by hand.
        let serial = world.prepared("rotten").unwrap();
        world.state.devices.remove(&serial);
        // Enrolled with the prepared device, and with another one.
        let serial = world.prepared("compliant-open").unwrap();
        world.enable("compliant-open", &serial);
        world.enroll("enrolled-overdue");
        world.user("exempt-open").tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
        world.user("passwordless-open").password = false;
        world.delete_user("deleted");
        world.rename("renamed-before", "renamed");
        world.secret_of("unheard").unwrap().tags.remove("mfa-warden:notified");
        world.secret_of("valueless").unwrap().versions.clear();
        world.secret_of("scheduled").unwrap().deleted = true;
        world.delete_user("recreated");
        world.create_user("recreated", true);
        // Orphaned devices: of a user with a sound enrollment, of one without, and of nobody.
        for name in ["sound", "compliant", "nobody"] {
            let serial = format!("arn:aws:iam::{}:mfa/mfa-warden/{name}.0a1b2c3d", ACCOUNT);
            world.state.devices.insert(serial, Device { seed: String::new(), user: None });
        }
        world.user("compliant").attached.insert(QUARANTINE.to_owned());
        // Somebody else's, under our prefix, and one that somebody prepared for a user.
        let old = now() - SignedDuration::from_hours(24 * 90);
        let foreign =
            Secret { created_at: old, description: "the relay's password".to_owned(), ..Secret::default() };
        world.state.secrets.insert(FOREIGN.to_owned(), foreign);
        world.create_user("prepared", true);
        let id = world.user("prepared").id.clone();
        let version = "6ba7b810-9dad-41d1-80b4-00c04fd430c8".to_owned();
        let prepared = Secret {
            created_at: old,
            description: "MFA seed, kept by mfa-warden for nobody but the IAM user prepared".to_owned(),
            tags: [("mfa-warden:user-id".to_owned(), id.clone())].into(),
            versions: [(version, ("theirs".to_owned(), ["AWSCURRENT".to_owned()].into()))].into(),
            ..Secret::default()
        };
        world.state.secrets.insert(format!("mfa-warden/{id}"), prepared);
        // An empty one, so that its owner might hear a closing notice that nobody owes it.
        let id = world.user("compliant").id.clone();
        let empty = Secret {
            created_at: old,
            description: "MFA seed, kept by mfa-warden for nobody but the IAM user compliant".to_owned(),
            tags: [("mfa-warden:user-id".to_owned(), id.clone())].into(),
            ..Secret::default()
        };
        world.state.secrets.insert(format!("mfa-warden/{id}"), empty);
        // The owner tag names somebody else than was invited.
        world.user("moved").tags.insert("email".to_owned(), "somebody-else".to_owned());
        // Made by version 0.1.0.
        let tags = &mut world.secret_of("earlier").unwrap().tags;
        for key in ["first-notice-at", "heard-at", "recipient", "policy"] {
            tags.remove(&format!("mfa-warden:{key}"));
        }
    });
    (account.edit(|world| world.clone()), now())
}

/// Lets the process die at every call of the event, each time in a new account.
async fn dies_everywhere(event: &str, account: impl AsyncFn() -> Account) -> usize {
    let line = Line::default();
    let _ = account().await.run_over(&line, event).await;
    let calls = line.fault.lock().unwrap().calls;
    for at in 1..=calls {
        for lost in [false, true] {
            let account = account().await;
            let (dies_before, dies_after) = if lost { (None, Some(at)) } else { (Some(at), None) };
            let fault = Fault { dies_before, dies_after, ..Fault::default() };
            let line = Line { fault: Arc::new(Mutex::new(fault)), gate: None };
            let _ = account.run_over(&line, event).await;
            let log = line.fault.lock().unwrap().log.clone();
            let when = if lost { "after" } else { "before" };
            let context = format!("{event} died {when} call {at}, {:?}", log.get(at - 1));
            account.edit(|world| world.assert_spared("compliant", &context));
            // AWS's listings have settled by the next scheduled run.
            advance(SignedDuration::from_hours(5));
            account.assert_converges(&context).await;
            account.edit(|world| {
                world.assert_spared("compliant", &context);
                world.assert_told_once(&context);
            });
        }
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn a_sweep_over_every_state_may_die_at_any_call_and_the_next_mends_it() {
    let calls = dies_everywhere(SWEEP, account_in_every_state).await;
    assert!(calls > 100, "the account has something to do in every state: {calls} calls");
}

#[tokio::test(start_paused = true)]
async fn a_check_of_every_user_may_die_at_any_call_and_the_next_sweep_mends_it() {
    for user in USERS {
        dies_everywhere(&check(user), async || account_of(user).await).await;
    }
}
