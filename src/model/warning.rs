//! What a person should know beyond single users, as data. `messages::words` has the words.

use crate::model::failure::Failure;
use std::mem::discriminant;

/// A warning of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Secrets under our prefix that we did not make.
    ForeignSecrets {
        /// The names of some.
        named: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// Nobody knows whom our policies are attached to.
    Attachments(Failure),
    /// The root user has a password and no MFA.
    RootWithoutMfa,
    /// Nobody knows whether the root user has MFA.
    Root(Failure),
    /// There is no credential report.
    NoReport(Failure),
    /// Nobody knows what is left of users that are gone.
    Leftovers(Failure),
    /// IAM lists no user, and counts some, or nobody knows how many.
    NoUserListed(Option<i32>),
    /// IAM lists no user, and does not say how many there are.
    UserCount(Failure),
    /// Nobody knows whether the user of this secret is gone.
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
    /// The owner topic has no subscription.
    NoSubscription,
    /// The filter of this subscription is not understood.
    Filter(String),
    /// The subscriptions of the owner topic, or a filter, cannot be read.
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
    /// The simulator gives no answer.
    Simulator(Failure),
}

impl Warning {
    /// Whether both say the same of something: of these, one a run is enough.
    pub fn is_of_kind(&self, other: &Warning) -> bool {
        discriminant(self) == discriminant(other)
    }
}
