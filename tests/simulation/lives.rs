//! Whole lives: random sequences of what people do, time, runs and crashes. After a final sweep the invariants hold.

use crate::world::{Account, Fault, Line, SWEEP, advance, begin, check};
use jiff::SignedDuration;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "d.a+v=e,@x"];

#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Delete(usize),
    Password(usize, bool),
    EnrollWithPrepared(usize),
    EnrollWithOwn(usize),
    Deactivate(usize),
    Exempt(usize, bool),
    Rename(usize, usize),
    DeleteDeviceByHand(usize),
    ScheduleDeletionOfSecret(usize),
    DeleteSecretByHand(usize),
    ForgeTags(usize),
    Listen(bool),
    Wait(i64),
    Sweep,
    Check(usize),
    CrashingSweep(usize, bool),
    CrashingCheck(usize, usize, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || 0..NAMES.len();
    prop_oneof![
        3 => who().prop_map(Step::Create),
        1 => who().prop_map(Step::Delete),
        2 => (who(), any::<bool>()).prop_map(|(who, has)| Step::Password(who, has)),
        2 => who().prop_map(Step::EnrollWithPrepared),
        1 => who().prop_map(Step::EnrollWithOwn),
        1 => who().prop_map(Step::Deactivate),
        1 => (who(), any::<bool>()).prop_map(|(who, is)| Step::Exempt(who, is)),
        1 => (who(), who()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => who().prop_map(Step::DeleteDeviceByHand),
        1 => who().prop_map(Step::ScheduleDeletionOfSecret),
        1 => who().prop_map(Step::DeleteSecretByHand),
        1 => who().prop_map(Step::ForgeTags),
        2 => any::<bool>().prop_map(Step::Listen),
        3 => (1i64..24 * 20).prop_map(Step::Wait),
        3 => Just(Step::Sweep),
        3 => who().prop_map(Step::Check),
        2 => (1usize..60, any::<bool>()).prop_map(|(at, lost)| Step::CrashingSweep(at, lost)),
        2 => (who(), 1usize..16, any::<bool>()).prop_map(|(who, at, lost)| Step::CrashingCheck(who, at, lost)),
    ]
}

fn breaking(at: usize, lost: bool) -> Line {
    let (dies_before, dies_after) = if lost { (None, Some(at)) } else { (Some(at), None) };
    Line { fault: Arc::new(Mutex::new(Fault { dies_before, dies_after, ..Fault::default() })), gate: None }
}

async fn take(account: &Account, step: &Step) {
    let exists = |who: usize| account.edit(|world| world.state.users.contains_key(NAMES[who]));
    match *step {
        Step::Create(who) if !exists(who) => account.edit(|world| world.create_user(NAMES[who], true)),
        Step::Delete(who) => account.edit(|world| world.delete_user(NAMES[who])),
        Step::Password(who, has) if exists(who) => {
            account.edit(|world| world.user(NAMES[who]).password = has)
        }
        Step::EnrollWithPrepared(who) => account.edit(|world| {
            if let Some(serial) = world.prepared(NAMES[who]) {
                world.enable(NAMES[who], &serial);
            }
        }),
        Step::EnrollWithOwn(who) if exists(who) => account.edit(|world| world.enroll(NAMES[who])),
        Step::Deactivate(who) if exists(who) => account.edit(|world| world.deactivate(NAMES[who])),
        Step::Exempt(who, is) if exists(who) => account.edit(|world| {
            let tags = &mut world.user(NAMES[who]).tags;
            tags.clear();
            if is {
                tags.insert("mfa-exempt".to_owned(), "permanent reason".to_owned());
            }
        }),
        Step::Rename(from, to) if exists(from) && !exists(to) => {
            account.edit(|world| world.rename(NAMES[from], NAMES[to]));
        }
        Step::DeleteDeviceByHand(who) => account.edit(|world| {
            if let Some(serial) = world.prepared(NAMES[who]) {
                world.state.devices.remove(&serial);
            }
        }),
        Step::ScheduleDeletionOfSecret(who) => account.edit(|world| {
            if let Some(secret) = world.secret_of(NAMES[who]) {
                secret.deleted = true;
            }
        }),
        Step::DeleteSecretByHand(who) => account.edit(|world| {
            if let Some(user) = world.state.users.get(NAMES[who]) {
                let name = format!("mfa-warden/{}", user.id);
                world.state.secrets.remove(&name);
            }
        }),
        Step::ForgeTags(who) => account.edit(|world| {
            if let Some(secret) = world.secret_of(NAMES[who]) {
                for (key, value) in [
                    ("noncompliant-since", "2000-01-01T00:00:00Z"),
                    ("last-notice-at", "2999-01-01T00:00:00Z"),
                    ("notices", "-1"),
                ] {
                    secret.tags.insert(format!("mfa-warden:{key}"), value.to_owned());
                }
            }
        }),
        Step::Listen(listens) => account.edit(|world| world.deaf = !listens),
        Step::Wait(hours) => advance(SignedDuration::from_hours(hours)),
        Step::Sweep => drop(account.run_over(&Line::default(), SWEEP).await),
        Step::Check(who) => drop(account.run_over(&Line::default(), &check(NAMES[who])).await),
        Step::CrashingSweep(at, lost) => drop(account.run_over(&breaking(at, lost), SWEEP).await),
        Step::CrashingCheck(who, at, lost) => {
            drop(account.run_over(&breaking(at, lost), &check(NAMES[who])).await);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_a_final_sweep_leaves_every_invariant_true(steps in prop::collection::vec(any_step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            begin();
            let account = Account::default();
            for step in &steps {
                take(&account, step).await;
                account.edit(|world| assert_eq!(world.violations, Vec::<String>::new(), "after {step:?}"));
            }
            // The credential report vouches for four hours, and the listings take a while to settle.
            advance(SignedDuration::from_hours(5));
            account.assert_converges("in the end").await;
        });
    }
}
