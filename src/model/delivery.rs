//! Whether messages arrive at an owner.

use crate::model::recipient::Recipient;

/// Whether an owner's messages arrive, the best first: of several recipients the best counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// A confirmed subscription lets them through.
    Reached,
    /// The owner's own subscription waits to be confirmed.
    Pending,
    /// The owner's own subscription is there, and its filter keeps them out.
    Filtered,
    /// No subscription lets them through.
    Unreached,
    /// What names the owner holds an `@` and is no address.
    Malformed,
}

/// That no message reaches an owner, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Why.
    pub delivery: Delivery,
    /// Whom they would be for.
    pub recipient: Recipient,
}
