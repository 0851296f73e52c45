//! The function against emulated AWS, one module a concern.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod audience;
mod budgets;
mod cloud;
mod crashes;
mod failures;
mod leaks;
mod life;
mod mocked;
mod ownership;
mod process;
mod reach;
mod rollout;
mod sweep;
mod telling;
mod words;
