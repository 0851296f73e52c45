//! ARNs. Only this module splits and joins them; `Account` builds those of what is in the account.

use std::fmt;

/// `arn:<partition>:<service>:<region>:<account>:<resource>` (AWS general reference, "Amazon Resource Names (ARNs)").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub partition: &'a str,
    /// `iam`, `sns`, …
    pub service: &'a str,
    /// Empty: the service is global.
    pub region: &'a str,
    /// The account's id; `aws`: AWS owns the resource.
    pub account: &'a str,
    /// The rest: `user/team/alice`, `secret:<name>`. It may hold colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads an ARN; `None`: `text` is no ARN. Parts may be empty.
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource] => {
                Some(Arn { partition, service, region, account, resource })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// Whether `text` can be the id of an account: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
