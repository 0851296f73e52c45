//! A fact that is not read for every user.

/// What is known about a `T`. A fact that could not be read never counts as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<T> {
    /// Nothing depends on it, so AWS was not asked.
    NotAsked,
    /// AWS was asked, but gave no usable answer.
    Unreadable,
    /// AWS said so.
    Is(T),
}

impl<T> Known<T> {
    /// What AWS said, if anything.
    pub fn value(&self) -> Option<&T> {
        match self {
            Known::Is(value) => Some(value),
            Known::NotAsked | Known::Unreadable => None,
        }
    }

    /// Whether AWS said something, and `holds` is true of it.
    pub fn is_and(&self, holds: impl FnOnce(&T) -> bool) -> bool {
        self.value().is_some_and(holds)
    }
}

impl<T, E> From<Result<T, E>> for Known<T> {
    fn from(read: Result<T, E>) -> Self {
        read.map_or(Known::Unreadable, Known::Is)
    }
}
