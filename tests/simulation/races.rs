//! Two runs at once, interleaved at call boundaries.

use crate::crashes::{USERS, account_in_every_state, account_of};
use crate::world::{Account, Gate, Line, SWEEP, advance, check};
use jiff::SignedDuration;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};

/// A run that stands still before each of its calls.
struct Stepped {
    gate: Arc<Gate>,
    task: JoinHandle<()>,
}

impl Stepped {
    fn start(account: &Account, event: &str) -> Self {
        let gate = Arc::new(Gate { waiting: Mutex::new(0), permits: Semaphore::new(0) });
        let line = Line { gate: Some(gate.clone()), ..Line::default() };
        let (account, event) = (account.clone(), event.to_owned());
        let task = spawn_local(async move {
            let _ = account.run_over(&line, &event).await;
        });
        Stepped { gate, task }
    }

    /// Runs on until the run waits before a call or has ended; whether it still runs.
    async fn settle(&self) -> bool {
        // All that happens between two calls happens in memory, so that a fixed number of turns is enough.
        for _ in 0..200 {
            if self.task.is_finished() {
                return false;
            }
            yield_now().await;
        }
        *self.gate.waiting.lock().unwrap() > 0
    }

    /// Makes one call; whether there was one to make.
    async fn step(&self) -> bool {
        if !self.settle().await {
            return false;
        }
        self.gate.permits.add_permits(1);
        self.settle().await;
        true
    }

    async fn finish(&self) {
        while self.step().await {}
    }
}

/// Two checks of one user: the first makes `first` calls, then the second makes `second`, then the first ends, then
/// the second. Whether they had that many calls to make.
async fn interleave(user: &str, first: usize, second: usize) -> bool {
    let account = account_of(user).await;
    let (a, b) = (Stepped::start(&account, &check(user)), Stepped::start(&account, &check(user)));
    let mut all_made = true;
    for _ in 0..first {
        all_made &= a.step().await;
    }
    for _ in 0..second {
        all_made &= b.step().await;
    }
    a.finish().await;
    b.finish().await;
    advance(SignedDuration::from_hours(5));
    account.assert_converges(&format!("two checks of {user}, {first} calls and then {second}")).await;
    all_made
}

#[tokio::test(start_paused = true)]
async fn two_checks_of_one_user_never_invite_for_a_loser_and_converge() {
    LocalSet::new()
        .run_until(async {
            let mut races = 0;
            for user in USERS {
                for first in 0.. {
                    let mut second = 1;
                    while interleave(user, first, second).await {
                        second += 1;
                        races += 1;
                    }
                    if second == 1 {
                        break;
                    }
                }
            }
            assert!(races > 1000, "{races}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_sweep_and_a_check_in_random_order_converge() {
    LocalSet::new()
        .run_until(async {
            for seed in 0..100 {
                let mut random = fastrand::Rng::with_seed(seed);
                let account = account_in_every_state().await;
                let users = [
                    "new",
                    "rotten",
                    "overdue",
                    "renamed",
                    "valueless",
                    "scheduled",
                    "recreated",
                    "compliant-open",
                    "deleted",
                ];
                let user = users[random.usize(..users.len())];
                let runs = [Stepped::start(&account, SWEEP), Stepped::start(&account, &check(user))];
                while {
                    let one = random.usize(..2);
                    runs[one].step().await || runs[1 - one].step().await
                } {}
                advance(SignedDuration::from_hours(5));
                account.assert_converges(&format!("a sweep and a check of {user}, seed {seed}")).await;
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn listings_that_lag_behind_the_writes_make_no_difference_in_the_end() {
    LocalSet::new()
        .run_until(async {
            for seed in 0..100 {
                let mut random = fastrand::Rng::with_seed(seed);
                let account = account_in_every_state().await;
                // From here on the listings show this moment, whatever the runs do.
                account.edit(|world| world.listed = Some(world.state.clone()));
                let users =
                    ["new", "rotten", "overdue", "renamed", "valueless", "recreated", "compliant-open"];
                let events = [SWEEP.to_owned(), check(users[random.usize(..users.len())])];
                let runs = events.each_ref().map(|event| Stepped::start(&account, event));
                while {
                    let one = random.usize(..2);
                    runs[one].step().await || runs[1 - one].step().await
                } {}
                account.run(SWEEP).await;
                advance(SignedDuration::from_hours(5));
                account.assert_converges(&format!("lagging listings, seed {seed}")).await;
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn duplicated_and_reordered_events_change_nothing_beyond_what_a_sweep_would() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let account = account_in_every_state().await;
        let mut events: Vec<String> =
            ["new", "rotten", "deleted", "renamed", "compliant-open", "exempt-open", "robot", "sound"]
                .into_iter()
                .flat_map(|user| vec![check(user); 2])
                .collect();
        random.shuffle(&mut events);
        for event in &events {
            let _ = account.run_over(&Line::default(), event).await;
        }
        account.assert_converges(&format!("events in random order, seed {seed}")).await;
    }
}
