//! Trails of CloudTrail: without one that logs, no IAM event reaches EventBridge.

use crate::model::known::Known;
use crate::model::warning::Warning;

/// A trail, as `DescribeTrails` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Its ARN.
    pub arn: String,
    /// The region where it was created.
    pub home_region: String,
    /// Whether it applies to all regions.
    pub is_multi_region: bool,
    /// Whether it is the organization's.
    pub is_organization: bool,
    /// Whether it has the events of global services, such as IAM.
    pub has_global_events: bool,
}

/// Whether IAM events reach EventBridge in the function's region, and by which trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IamEvents {
    /// By a trail of the organization.
    Organization,
    /// By a trail of the account.
    Account,
    /// No trail that logs delivers them.
    None,
    /// The trails could not be read.
    Unknown,
    /// They arrive in another region of the partition.
    Elsewhere,
}

impl IamEvents {
    /// All of them.
    pub const ALL: [IamEvents; 5] = [
        IamEvents::Organization,
        IamEvents::Account,
        IamEvents::None,
        IamEvents::Unknown,
        IamEvents::Elsewhere,
    ];

    /// The name in answers and tags.
    pub fn name(self) -> &'static str {
        match self {
            IamEvents::Organization => "organization",
            IamEvents::Account => "account",
            IamEvents::None => "none",
            IamEvents::Unknown => "unknown",
            IamEvents::Elsewhere => "elsewhere",
        }
    }

    /// Whether a trail delivers them; `None`: unknown, or not expected here.
    pub fn is_delivered(self) -> Option<bool> {
        match self {
            IamEvents::Organization | IamEvents::Account => Some(true),
            IamEvents::None => Some(false),
            IamEvents::Unknown | IamEvents::Elsewhere => None,
        }
    }
}

/// What a look at the trails found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailAnswer {
    /// Whether nothing was written or told.
    pub dry_run: bool,
    /// The account.
    pub account: String,
    /// Whether IAM events arrive.
    pub iam_events: IamEvents,
    /// How many confirmed subscriptions the operations topic has.
    pub operations_subscriptions: Known<usize>,
    /// What people should know.
    pub warnings: Vec<Warning>,
}
