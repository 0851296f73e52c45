//! What people should know that is not about a single user, as data. `words` has the texts.

use crate::model::failure::Failure;
use std::mem::discriminant;

/// A warning of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Secrets under mfa-warden's prefix that mfa-warden did not make.
    ForeignSecrets {
        /// The names of some.
        named: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// It is unknown which users mfa-warden's policies are attached to.
    Attachments(Failure),
    /// The root user has a password but no MFA.
    RootWithoutMfa,
    /// It is unknown whether the root user has MFA.
    Root(Failure),
    /// There is no credential report.
    NoReport(Failure),
    /// It is unknown what is left of deleted users.
    Leftovers(Failure),
    /// IAM lists no user, but counts some, or the count is unknown.
    NoUserListed(Option<i32>),
    /// IAM lists no user, and does not say how many there are.
    UserCount(Failure),
    /// It is unknown whether the user of this secret still exists.
    UserOfSecret {
        /// The secret's name.
        secret: String,
        /// Why.
        failure: Failure,
    },
    /// There is no user of this name.
    NoSuchUser(String),
    /// Operations were not told.
    OperationsNotTold(Failure),
    /// The operations topic has no confirmed subscription: its messages reach nobody.
    NoOperationsSubscription,
    /// It is unknown who is subscribed to the operations topic.
    OperationsSubscriptions(Failure),
    /// The owner topic has no subscription.
    NoSubscription,
    /// mfa-warden does not understand the filter of this subscription.
    Filter(String),
    /// The subscriptions to the owner topic, or a filter, could not be read.
    Delivery(Failure),
    /// A quota keeps owners from being subscribed.
    SubscriptionQuota(Failure),
    /// Some owners cannot be subscribed.
    Subscription {
        /// The address of one of them.
        address: String,
        /// Why.
        failure: Failure,
    },
    /// No CloudTrail trail delivers IAM events where they are expected.
    NoTrail,
    /// The CloudTrail trails could not be read.
    Trails(Failure),
    /// IAM's policy simulator gave no answer.
    Simulator(Failure),
}

impl Warning {
    /// Whether both are of the same kind: one of a kind is enough for a run.
    pub fn is_of_kind(&self, other: &Warning) -> bool {
        discriminant(self) == discriminant(other)
    }
}
