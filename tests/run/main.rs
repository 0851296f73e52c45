//! The function against emulated AWS, one module a concern.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod budgets;
#[allow(dead_code)]
#[path = "../support/cloud.rs"]
mod cloud;
mod crashes;
mod delivery;
mod failures;
mod leaks;
mod life;
mod log;
#[allow(dead_code)]
#[path = "../support/mocks.rs"]
mod mocks;
mod notify;
mod ownership;
mod process;
mod provision;
mod proxy;
mod publish;
mod rollout;
mod subscriptions;
mod sweep;
mod trail;
#[path = "../support/trails.rs"]
mod trails;
mod warnings;
mod words;
