//! Whether messages reach an owner.

use crate::model::recipient::Recipient;

/// Whether messages reach an owner, best first. Of several recipients the best one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// A confirmed subscription lets messages through.
    Reached,
    /// The owner's own subscription waits to be confirmed.
    Pending,
    /// The same, and the link that SNS mailed for this no longer works.
    Lapsed,
    /// The owner's own subscription exists, but its filter keeps messages out.
    Filtered,
    /// No subscription lets messages through.
    Unreached,
    /// The value that names the owner holds an `@` but is not an address.
    Malformed,
}

/// The fact that no message reaches an owner, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Why.
    pub delivery: Delivery,
    /// Who should receive them.
    pub recipient: Recipient,
}
