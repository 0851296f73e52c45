//! The account that the function runs in. Only this module reads the function's ARN and builds ARNs.

use crate::model::enrollment::{DEVICE_PATH, SECRET_PREFIX, device_name};

/// Where the function runs, taken from its own ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `aws`, `aws-us-gov`, `aws-cn`, …
    pub partition: String,
    /// The region of the function, its secrets and its topics.
    pub region: String,
    /// Twelve digits.
    pub id: String,
}

impl Account {
    /// Reads `arn:<partition>:lambda:<region>:<account>:function:…`; `None` when `arn` is anything else.
    pub fn from_function_arn(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        match parts[..] {
            ["arn", partition, "lambda", region, id, "function", _]
                if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Some(Account {
                    partition: partition.to_owned(),
                    region: region.to_owned(),
                    id: id.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// The region in which policies see IAM's calls: IAM is a global service with one region per partition.
    pub fn iam_region(&self) -> &str {
        match self.partition.as_str() {
            "aws" => "us-east-1",
            "aws-us-gov" => "us-gov-west-1",
            "aws-cn" => "cn-north-1",
            "aws-eusc" => "eusc-de-east-1",
            "aws-iso" => "us-iso-east-1",
            "aws-iso-b" => "us-isob-east-1",
            "aws-iso-e" => "eu-isoe-west-1",
            "aws-iso-f" => "us-isof-south-1",
            _ => &self.region,
        }
    }

    /// Whether the account has a root user who can sign in. An account in AWS GovCloud (US) has none, and its summary says
    /// that there is no MFA (AWS GovCloud user guide, "Signing up for AWS GovCloud (US)").
    pub fn has_root_user(&self) -> bool {
        self.partition != "aws-us-gov"
    }

    /// A possible ARN of the user's secret: Secrets Manager appends six random characters to the name.
    pub fn secret_arn(&self, user_id: &str) -> String {
        let Account { partition, region, id } = self;
        format!("arn:{partition}:secretsmanager:{region}:{id}:secret:{SECRET_PREFIX}{user_id}-000000")
    }

    /// The serial number of the device that belongs to `version` of this user's secret.
    pub fn serial_number(&self, user: &str, version: &str) -> String {
        format!("arn:{}:iam::{}:mfa{DEVICE_PATH}{}", self.partition, self.id, device_name(user, version))
    }
}

/// What is known about the account's root user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Whether it has MFA.
    pub mfa: bool,
    /// Whether it has a password.
    pub password: bool,
}
