//! The answer of an invocation, as JSON. Callers rely on its form.

use crate::model::action::Step;
use crate::model::blocker::{Blocker, NotQuarantined};
use crate::model::delivery::Unreachable;
use crate::model::outcome::Answer;
use crate::model::outcome::{RunKind, UserResult};
use crate::model::verdict::Why;
use crate::model::warning::Warning;
use serde::Serialize;

/// The answer of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// A sweep or a check.
    Ran(Box<Answer>),
    /// The event was ignored: no user was looked at.
    Ignored {
        /// `ignored`.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

impl Serialize for UserResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            UserResult::Done => serializer.serialize_str("done"),
            UserResult::Planned => serializer.serialize_str("planned"),
            UserResult::None => serializer.serialize_str("none"),
            UserResult::Deferred => serializer.serialize_str("deferred"),
            UserResult::Failed(cause) => serializer.collect_str(&format_args!("failed: {cause}")),
        }
    }
}

impl Serialize for RunKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Types that are written in the words that people read.
macro_rules! in_words {
    ($($what:ty),+) => {
        $(impl Serialize for $what {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })+
    };
}

in_words!(Why, Step, Warning, Unreachable, Blocker, NotQuarantined);
