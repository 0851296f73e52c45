//! Whether a message reaches its owner: the owner topic's subscriptions and what their filters let through. Pure.

use crate::recipient::{Address, Recipient};
use crate::text::shown;
use serde_json::Value;

/// A subscription of the owner topic, as `ListSubscriptionsByTopic` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its ARN; `None`: it waits to be confirmed, and delivers nothing till then.
    pub arn: Option<String>,
    /// `email`, `sqs`, `lambda`, `https`, …
    pub protocol: String,
    /// Where it delivers to.
    pub endpoint: String,
}

impl Subscription {
    /// Whether it delivers by e-mail.
    pub fn is_mailbox(&self) -> bool {
        self.protocol.starts_with("email")
    }

    /// Whether it is the owner's own mailbox.
    pub fn is_mailbox_of(&self, recipient: &str) -> bool {
        self.is_mailbox() && Address::parse(recipient).is_some_and(|address| address.is_same(&self.endpoint))
    }

    /// Whether it counts as a way to the owner only where its filter names whom it is for: it delivers to one person, a
    /// mailbox of somebody else or a telephone. `recipient`: an address or a name; whoever reads a mailbox that is told of
    /// mere names passes them on.
    pub fn is_personal(&self, recipient: &str) -> bool {
        match self.protocol.as_str() {
            "sms" | "application" => true,
            _ => self.is_mailbox() && !self.is_mailbox_of(recipient) && Address::parse(recipient).is_some(),
        }
    }

    /// Whether it is no way to anybody: it only keeps what it gets.
    pub fn is_archive(&self) -> bool {
        self.protocol == "firehose"
    }

    /// Whether it wants messages at a pace: SNS suspends mailboxes that get too many at once, and a function may mail.
    pub fn is_paced(&self) -> bool {
        self.arn.is_some() && (self.is_mailbox() || self.protocol == "lambda")
    }
}

/// A subscription's filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `None`: everything is let through. What is no JSON is nothing that is understood.
    policy: Option<Value>,
    on_body: bool,
}

impl Filter {
    /// Reads `FilterPolicy` and whether `FilterPolicyScope` is `MessageBody`, as `GetSubscriptionAttributes` shows them.
    pub fn read(policy: Option<&str>, on_body: bool) -> Self {
        let parsed = |policy| serde_json::from_str(policy).unwrap_or_default();
        Filter { policy: policy.map(parsed), on_body }
    }

    /// Whether it asks for anything of that attribute.
    pub fn names(&self, attribute: &str) -> bool {
        !self.on_body && self.policy.as_ref().is_some_and(|policy| policy.get(attribute).is_some())
    }

    /// Whether it lists that very value of the attribute, and no more than that: as it is, or without regard to case.
    pub fn lists(&self, attribute: &str, value: &str) -> bool {
        let is_it = |rule: &Value| {
            rule.as_str() == Some(value)
                || rule["equals-ignore-case"].as_str().is_some_and(|one| one.eq_ignore_ascii_case(value))
        };
        let listed = self.policy.as_ref().and_then(|policy| policy.get(attribute)?.as_array());
        !self.on_body && listed.is_some_and(|listed| listed.iter().any(is_it))
    }

    /// Whether it takes the addresses of a domain.
    pub fn takes_domain(&self, attribute: &str) -> bool {
        let is_domain = |rule: &Value| rule["suffix"].as_str().is_some_and(|end| end.starts_with('@'));
        let rules = self.policy.as_ref().and_then(|policy| policy.get(attribute)?.as_array());
        !self.on_body && rules.is_some_and(|rules| !rules.is_empty() && rules.iter().all(is_domain))
    }

    /// Whether a message with these attributes is let through; `None`: the filter says something that is not
    /// understood here (SNS developer guide, "Subscription filter policies").
    pub fn lets_through(&self, attributes: &[(&str, &str)]) -> Option<bool> {
        let Some(policy) = &self.policy else { return Some(true) };
        if self.on_body {
            // Of bodies only JSON gets through such a filter, and ours are text for people.
            return Some(false);
        }
        let mut through = Some(true);
        for (key, wanted) in policy.as_object()? {
            if key.starts_with('$') {
                through = None;
                continue;
            }
            let value = attributes.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
            let rules: Option<Vec<bool>> =
                wanted.as_array().and_then(|rules| rules.iter().map(|rule| matches(rule, value)).collect());
            match rules {
                None => through = None,
                // All keys must fit: one that does not decides, whatever the others say.
                Some(rules) if !rules.contains(&true) => return Some(false),
                Some(_) => {}
            }
        }
        through
    }
}

/// Whether one rule of a filter fits the value of its attribute.
fn matches(rule: &Value, value: Option<&str>) -> Option<bool> {
    let text = |wanted: &Value| Some(wanted.as_str()?.to_owned());
    match rule {
        Value::String(exact) => Some(value == Some(exact)),
        // Our attributes are strings.
        Value::Number(_) | Value::Null | Value::Bool(_) => Some(false),
        Value::Object(operator) if operator.len() == 1 => {
            let (name, wanted) = operator.iter().next()?;
            match name.as_str() {
                "exists" => Some(value.is_some() == wanted.as_bool()?),
                "prefix" => text(wanted).map(|prefix| value.is_some_and(|value| value.starts_with(&prefix))),
                "suffix" => text(wanted).map(|suffix| value.is_some_and(|value| value.ends_with(&suffix))),
                "equals-ignore-case" => {
                    text(wanted).map(|other| value.is_some_and(|value| value.eq_ignore_ascii_case(&other)))
                }
                "anything-but" => {
                    let others: Vec<&Value> = match wanted {
                        Value::Array(others) => others.iter().collect(),
                        Value::String(_) | Value::Number(_) => vec![wanted],
                        _ => return None,
                    };
                    Some(value.is_some_and(|value| others.iter().all(|other| other.as_str() != Some(value))))
                }
                "numeric" => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an owner's messages arrive, the best first: of several recipients the best counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// A confirmed subscription lets them through.
    Reached,
    /// The subscriptions could not be read or understood.
    Unknown,
    /// The owner's own subscription waits to be confirmed.
    Pending,
    /// The owner's own subscription is there, and its filter keeps them out.
    Filtered,
    /// No subscription lets them through.
    Unreached,
    /// What names the owner holds an `@` and is no address.
    Malformed,
}

impl Reach {
    /// Whether messages surely do not arrive.
    pub fn is_surely_not(self) -> bool {
        !matches!(self, Reach::Reached | Reach::Unknown)
    }

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
