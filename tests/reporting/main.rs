//! The formats that machines read.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod answer;
#[allow(dead_code)]
#[path = "../support/answers.rs"]
mod answers;
#[allow(dead_code)]
#[path = "../support/builders.rs"]
mod builders;
mod metrics;
mod summary;
