//! Whether a message reaches its owner: what the filters of the owner topic's subscriptions let through. Pure.

use crate::model::delivery::{Delivery, Unreachable};
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::recipient::Address;
use crate::model::settings::Settings;
use crate::model::subscription::Subscription;
use serde_json::Value;

/// A subscription's filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `None`: everything is let through. Invalid JSON becomes `null`, which the code does not understand.
    policy: Option<Value>,
    on_body: bool,
}

impl Filter {
    /// Reads `FilterPolicy` and whether `FilterPolicyScope` is `MessageBody`, as `GetSubscriptionAttributes` shows them.
    pub fn read(policy: Option<&str>, on_body: bool) -> Self {
        let parsed = |policy| serde_json::from_str(policy).unwrap_or_default();
        Filter { policy: policy.map(parsed), on_body }
    }

    /// Whether the filter has a condition on that attribute.
    pub fn names(&self, attribute: &str) -> bool {
        !self.on_body && self.policy.as_ref().is_some_and(|policy| policy.get(attribute).is_some())
    }

    /// Whether the filter lists exactly that value of the attribute, with or without regard to case.
    pub fn lists(&self, attribute: &str, value: &str) -> bool {
        let is_it = |rule: &Value| {
            rule.as_str() == Some(value)
                || rule["equals-ignore-case"].as_str().is_some_and(|one| one.eq_ignore_ascii_case(value))
        };
        let listed = self.policy.as_ref().and_then(|policy| policy.get(attribute)?.as_array());
        !self.on_body && listed.is_some_and(|listed| listed.iter().any(is_it))
    }

    /// Whether every condition on the attribute accepts the addresses of a whole domain.
    pub fn takes_domain(&self, attribute: &str) -> bool {
        let is_domain = |rule: &Value| rule["suffix"].as_str().is_some_and(|end| end.starts_with('@'));
        let rules = self.policy.as_ref().and_then(|policy| policy.get(attribute)?.as_array());
        !self.on_body && rules.is_some_and(|rules| !rules.is_empty() && rules.iter().all(is_domain))
    }

    /// Whether the filter lets a message with these attributes through; `None`: the filter holds something that this code
    /// does not understand (SNS developer guide, "Subscription filter policies").
    pub fn lets_through(&self, attributes: &[(&str, &str)]) -> Option<bool> {
        let Some(policy) = &self.policy else { return Some(true) };
        if self.on_body {
            // Machines get JSON and mailboxes text: what such a filter makes of each is not known here.
            return None;
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
                // All keys must match: one that does not match decides.
                Some(rules) if !rules.contains(&true) => return Some(false),
                Some(_) => {}
            }
        }
        through
    }
}

/// Whether one rule of a filter matches the value of its attribute; `None`: the rule is not understood.
pub(crate) fn matches(rule: &Value, value: Option<&str>) -> Option<bool> {
    let text = |wanted: &Value| Some(wanted.as_str()?.to_owned());
    match rule {
        Value::String(exact) => Some(value == Some(exact)),
        // mfa-warden's attributes are strings.
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

/// A subscription to the owner topic, with its filter as far as it was read.
pub type Listener<'a> = (&'a Subscription, Known<&'a Filter>);

/// Whether a message reaches a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// That depends on the filter of the listener at this index.
    NeedsFilter(usize),
    /// As far as the filters were read.
    Known {
        /// Whether it reaches the recipient.
        delivery: Known<Delivery>,
        /// The listener that it reaches the recipient by, if that listener gets every owner's messages.
        catch_all: Option<usize>,
        /// Listeners whose filters have rules that are not known here.
        not_understood: Vec<usize>,
    },
}

/// Whether a message with these attributes reaches one recipient: an address, or a name. The recipient's own subscription is
/// asked first: filters of the others are needed only if that one does not deliver.
pub fn reach(listeners: &[Listener<'_>], recipient: &str, attributes: &[(&str, &str)]) -> Reach {
    let mut order: Vec<usize> = (0..listeners.len()).filter(|at| !listeners[*at].0.is_archive()).collect();
    order.sort_by_key(|at| {
        let (subscription, _) = listeners[*at];
        (!subscription.is_mailbox_of(recipient), subscription.is_personal(recipient))
    });
    let user = attributes.iter().find(|(name, _)| *name == "user").map_or("", |(_, user)| *user);
    let (mut is_unreadable, mut is_filtered, mut not_understood) = (false, false, Vec::new());
    for at in order {
        let (subscription, filter) = listeners[at];
        if subscription.arn.is_none() {
            continue;
        }
        let filter = match filter {
            Known::NotAsked => return Reach::NeedsFilter(at),
            Known::Unreadable => {
                is_unreadable = true;
                continue;
            }
            Known::Is(filter) => filter,
        };
        // A subscription that reaches one person counts only if its filter lists exactly this recipient.
        let lists_recipient = filter.lists("recipient", recipient);
        if subscription.is_personal(recipient) && !lists_recipient {
            continue;
        }
        // A subscriber for all addresses of a domain cannot send mail to text that only ends like an address.
        let is_no_address = recipient.contains('@') && Address::parse(recipient).is_none();
        if is_no_address && filter.names("recipient") && !lists_recipient {
            continue;
        }
        let is_own = subscription.is_mailbox_of(recipient);
        match filter.lets_through(attributes) {
            Some(true) => {
                let is_for_it = is_own
                    || lists_recipient
                    || filter.takes_domain("recipient")
                    || filter.lists("user", user);
                return Reach::Known {
                    delivery: Known::Is(Delivery::Reached),
                    catch_all: (!is_for_it).then_some(at),
                    not_understood,
                };
            }
            Some(false) => is_filtered |= is_own,
            None => not_understood.push(at),
        }
    }
    let waits = |(subscription, _): &Listener<'_>| {
        subscription.arn.is_none() && subscription.is_mailbox_of(recipient)
    };
    let delivery = if is_unreadable || !not_understood.is_empty() {
        Known::Unreadable
    } else if is_filtered {
        Known::Is(Delivery::Filtered)
    } else if listeners.iter().any(waits) {
        Known::Is(Delivery::Pending)
    } else {
        Known::Is(Delivery::Unreached)
    };
    Reach::Known { delivery, catch_all: None, not_understood }
}

impl Known<Delivery> {
    /// Whether messages surely do not reach the owner.
    pub fn is_surely_not(self) -> bool {
        self.is_and(|delivery| *delivery != Delivery::Reached)
    }
}

impl UserFacts {
    /// Why no message reaches the owner; `None`: messages do, or it is unknown.
    pub fn unreachable(&self, settings: &Settings) -> Option<Unreachable> {
        let delivery = *self.delivery.value().filter(|_| self.delivery.is_surely_not())?;
        Some(Unreachable { delivery, recipient: self.recipient(settings) })
    }
}
