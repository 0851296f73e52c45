//! Dates and links, as people read them.

use crate::model::account::Account;
use jiff::{SignedDuration, Timestamp};

/// Links into the console of the account's partition. Where its domains are not known there are none: a link into another
/// partition would lead to a page where the owner's password does not work.
pub(super) struct Links<'a>(pub(super) &'a Account);

impl Links<'_> {
    fn console(&self) -> Option<&'static str> {
        match self.0.partition.as_str() {
            "aws" => Some("console.aws.amazon.com"),
            "aws-us-gov" => Some("console.amazonaws-us-gov.com"),
            "aws-cn" => Some("console.amazonaws.cn"),
            "aws-eusc" => Some("console.amazonaws-eusc.eu"),
            _ => None,
        }
    }

    /// Where IAM users of the account sign in. The European Sovereign Cloud's own page for one account is not known: its
    /// console asks for the account.
    pub(super) fn sign_in(&self) -> Option<String> {
        let domain = match self.0.partition.as_str() {
            "aws" => "signin.aws.amazon.com",
            "aws-us-gov" => "signin.amazonaws-us-gov.com",
            "aws-cn" => "signin.amazonaws.cn",
            _ => return self.console().map(|console| format!("https://{console}/")),
        };
        Some(format!("https://{}.{domain}/console", self.0.id))
    }

    pub(super) fn security_credentials(&self) -> Option<String> {
        self.console().map(|console| format!("https://{console}/iam/home#/security_credentials"))
    }

    /// `None` where there is no CloudShell, or none that is known of.
    pub(super) fn cloudshell(&self) -> Option<String> {
        let region = &self.0.region;
        let host = match self.0.partition.as_str() {
            "aws" => format!("{region}.console.aws.amazon.com"),
            "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
            _ => return None,
        };
        Some(format!("https://{host}/cloudshell/home?region={region}"))
    }
}

pub(crate) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A date and time for people, in UTC like every time in this project.
pub fn date(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
