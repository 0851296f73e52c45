//! Proofs over a model of an account: crashes at every call, races at every boundary, whole lives, outages.

#![allow(missing_docs, clippy::unwrap_used)]

mod crashes;
mod fixtures;
mod lives;
mod outages;
mod races;
#[allow(dead_code)]
#[path = "../support/trails.rs"]
mod trails;
mod world;
