//! Rules: facts in, verdicts and plans out. No network, no clock.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod asked;
mod blockers;
#[allow(dead_code)]
#[path = "../support/builders.rs"]
mod builders;
mod changes;
mod credential_report;
mod delivery;
mod enrollment_state;
mod explain;
mod history;
mod judge;
mod owner_policy;
mod ownership;
mod plan;
mod table;
mod trail;
mod trigger;
