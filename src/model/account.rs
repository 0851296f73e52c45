//! The account that the function runs in, and the ARNs of what is in it.

use crate::model::arn::{Arn, is_account_id};
use crate::model::enrollment::{DEVICE_PATH, SECRET_PREFIX, device_name, user_of_device};

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
        let arn = Arn::parse(arn)?;
        let is_function = arn.service == "lambda" && arn.resource.starts_with("function:");
        Account::of(arn, arn.region).filter(|_| is_function)
    }

    /// The account of the ARN, with the region that is given; `None`: the ARN names no account.
    pub fn of(arn: Arn, region: &str) -> Option<Self> {
        is_account_id(arn.account).then(|| Account {
            partition: arn.partition.to_owned(),
            region: region.to_owned(),
            id: arn.account.to_owned(),
        })
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
        self.arn("secretsmanager", &self.region, &format!("secret:{SECRET_PREFIX}{user_id}-000000"))
    }

    /// The serial number of the device that belongs to `version` of this user's secret.
    pub fn serial_number(&self, user: &str, version: &str) -> String {
        self.arn("iam", "", &format!("mfa{DEVICE_PATH}{}", device_name(user, version)))
    }

    /// The user name in the serial number of an mfa-warden device of this account; `None`: it is another device.
    pub fn user_of_device<'a>(&self, serial_number: &'a str) -> Option<&'a str> {
        let Arn { partition, service, region, account, .. } = Arn::parse(serial_number)?;
        let is_here =
            (partition, service, region, account) == (self.partition.as_str(), "iam", "", self.id.as_str());
        user_of_device(serial_number).filter(|_| is_here)
    }

    /// The ARN of a managed policy without a path.
    pub fn policy_arn(&self, name: &str) -> String {
        self.arn("iam", "", &format!("policy/{name}"))
    }

    /// The ARN of a role without a path.
    pub fn role_arn(&self, name: &str) -> String {
        self.arn("iam", "", &format!("role/{name}"))
    }

    /// The ARN of a topic in the region.
    pub fn topic_arn(&self, name: &str) -> String {
        self.arn("sns", &self.region, name)
    }

    fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        Arn { partition: &self.partition, service, region, account: &self.id, resource }.to_string()
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
