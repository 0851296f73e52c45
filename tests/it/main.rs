//! The function against emulated AWS, one module a concern.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod audience;
mod cloud;
mod crashes;
mod failures;
mod leaks;
mod life;
mod mocked;
mod process;
mod reach;
mod sweep;
