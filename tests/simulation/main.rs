//! Proofs over a model of an account: crashes at every call, races at every boundary, whole lives, outages.

#![allow(missing_docs, clippy::unwrap_used)]

mod crashes;
mod fixtures;
mod lives;
mod outages;
mod races;
mod world;
