//! The pure core: facts in, verdicts, plans and texts out. No network, no clock.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod builders;
mod events;
mod facts;
mod history;
mod hostile;
mod memory;
mod metrics;
mod notice;
mod plan;
mod reach;
mod report;
mod seed;
mod standing;
mod verdict;
