//! The words that people read.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "../support/answers.rs"]
mod answers;
#[allow(dead_code)]
#[path = "../support/builders.rs"]
mod builders;
mod format;
mod hostile;
mod line;
#[path = "../support/notice.rs"]
mod notice;
mod operations;
mod owner;
mod plain;
mod protocols;
mod rules;
