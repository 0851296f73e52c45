//! What an invocation answers: the JSON contract.

use crate::model::outcome::Answer;
use serde::Serialize;

/// What an invocation answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// A sweep or a check.
    Ran(Box<Answer>),
    /// Nothing was looked at.
    Ignored {
        /// `ignored`.
        action: &'static str,
        /// Why.
        reason: String,
    },
}
