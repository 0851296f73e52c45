//! The AWS clients, with answers that no emulator gives.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod iam;
#[allow(dead_code)]
#[path = "../support/mocks.rs"]
mod mocks;
mod pages;
mod secrets;
mod shapes;
mod wire;
