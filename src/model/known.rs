//! What is known of something that is not read of every user.

/// What is known of a `T`. That something could not be read is never taken for its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<T> {
    /// Nothing hangs on it, so AWS was not asked.
    NotAsked,
    /// AWS was asked, and gave no answer that can be used.
    Unreadable,
    /// AWS said so.
    Is(T),
}

impl<T> Known<T> {
    /// What AWS said, where it said anything.
    pub fn value(&self) -> Option<&T> {
        match self {
            Known::Is(value) => Some(value),
            Known::NotAsked | Known::Unreadable => None,
        }
    }

    /// Whether AWS said something of which this holds.
    pub fn is_and(&self, holds: impl FnOnce(&T) -> bool) -> bool {
        self.value().is_some_and(holds)
    }
}

impl<T, E> From<Result<T, E>> for Known<T> {
    fn from(read: Result<T, E>) -> Self {
        read.map_or(Known::Unreadable, Known::Is)
    }
}
