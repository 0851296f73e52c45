//! The nouns: what they hold, and what they leave behind.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod account;
mod arn;
#[allow(dead_code)]
#[path = "../support/builders.rs"]
mod builders;
mod enrollment;
mod facts;
mod hash;
mod outcome;
mod record;
mod seed;
mod seed_in_memory;
mod subscription;
mod warning;
