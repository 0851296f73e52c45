//! How far a run is, for somebody who watches it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Users looked at, of those to be looked at alone.
#[derive(Debug, Default)]
pub struct Progress {
    to_look_at: AtomicUsize,
    looked_at: AtomicUsize,
}

impl Progress {
    /// Users to be looked at alone; none before the account is listed.
    pub fn to_look_at(&self) -> usize {
        self.to_look_at.load(Ordering::Relaxed)
    }

    /// Users of these that have been looked at.
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
