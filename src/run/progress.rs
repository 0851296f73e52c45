//! The progress of a run, for a person who watches it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many users get a turn of their own, and how many had it.
#[derive(Debug, Default)]
pub struct Progress {
    to_look_at: AtomicUsize,
    looked_at: AtomicUsize,
}

impl Progress {
    /// How many users get a turn of their own; 0 before the account is listed.
    pub fn to_look_at(&self) -> usize {
        self.to_look_at.load(Ordering::Relaxed)
    }

    /// How many of these users had their turn.
    pub fn looked_at(&self) -> usize {
        self.looked_at.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, users: usize) {
        self.to_look_at.store(users, Ordering::Relaxed);
    }

    pub(super) fn next(&self) {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
    }
}
