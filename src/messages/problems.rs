//! What stands in the way of an owner, in words.

use crate::model::blocker::{Cause, Denial};
use crate::model::delivery::Reach;
use crate::model::recipient::Recipient;
use crate::model::text::shown;
use std::fmt;

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = shown(&self.action);
        match &self.cause {
            Cause::Policies(policies) if policies.is_empty() => {
                write!(f, "{action} is denied without MFA by a policy that AWS does not name")
            }
            Cause::Policies(policies) => {
                let policies: Vec<String> = policies.iter().map(|policy| shown(policy)).collect();
                write!(
                    f,
                    "{action} is denied without MFA by the policy {}",
                    policies.join(" and the policy ")
                )
            }
            Cause::Organization => {
                write!(f, "{action} is denied without MFA by a service control policy of the organization")
            }
            Cause::Boundary => write!(f, "{action} is outside the user's permissions boundary"),
            Cause::NotAllowed => write!(f, "{action} is allowed by none of the user's policies"),
        }?;
        f.write_str(if self.is_unsure { " (perhaps: it hangs on what is not known here)" } else { "" })
    }
}

impl Reach {
    /// Why messages do not arrive, if they surely do not.
    pub fn hindrance(self, recipient: &Recipient) -> Option<String> {
        let whom = shown(&recipient.each().join(" and "));
        match self {
            Reach::Reached | Reach::Unknown => None,
            Reach::Pending => Some(format!("the subscription of {whom} waits to be confirmed")),
            Reach::Filtered => Some(format!("the filter of {whom}'s own subscription keeps messages out")),
            Reach::Unreached => {
                Some(format!("no subscription of the owner topic lets messages to {whom} through"))
            }
            Reach::Malformed => {
                Some(format!("the owner tag says `{whom}`, which is neither an e-mail address nor a name"))
            }
        }
    }
}
