//! Decisions: facts in, data out. No network, no clock, no environment.

pub mod asked;
pub mod blockers;
pub mod changes;
pub mod credential_report;
pub mod delivery;
pub mod enrollment_state;
pub mod explain;
pub mod history;
pub mod judge;
pub mod owner_policy;
pub mod ownership;
pub mod plan;
mod tag_table;
pub mod trail;
pub mod trigger;
