//! Trails of CloudTrail: without one that logs, no IAM event reaches EventBridge.

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

/// Which trail delivers IAM events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IamEvents {
    /// A trail of the organization.
    Organization,
    /// A trail of the account.
    Account,
    /// None.
    None,
}
