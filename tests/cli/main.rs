//! The command line as a process against emulated AWS, one module a kind of user.

#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "../support/cloud.rs"]
mod cloud;
mod credentials;
mod gate;
mod generated;
mod operators;
mod owners;
mod people;
mod terminal;
#[path = "../support/words.rs"]
mod words;
