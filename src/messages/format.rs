//! Dates, durations and links, as people read them.

use crate::model::account::Account;
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRound, Timestamp, Unit};

/// Links into the console of the account's partition.
pub(super) struct Links<'a>(pub(super) &'a Account);

impl Links<'_> {
    fn console_domain(&self) -> &'static str {
        match self.0.partition.as_str() {
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-cn" => "console.amazonaws.cn",
            _ => "console.aws.amazon.com",
        }
    }

    pub(super) fn sign_in(&self) -> String {
        let domain = match self.0.partition.as_str() {
            "aws-us-gov" => "signin.amazonaws-us-gov.com",
            "aws-cn" => "signin.amazonaws.cn",
            _ => "signin.aws.amazon.com",
        };
        format!("https://{}.{domain}/console", self.0.id)
    }

    pub(super) fn security_credentials(&self) -> String {
        format!("https://{}/iam/home#/security_credentials", self.console_domain())
    }

    /// `None` in the China regions, which have no CloudShell.
    pub(super) fn cloudshell(&self) -> Option<String> {
        let region = &self.0.region;
        match self.0.partition.as_str() {
            "aws-cn" => None,
            "aws" => Some(format!(
                "https://{region}.{domain}/cloudshell/home?region={region}",
                domain = self.console_domain()
            )),
            _ => Some(format!(
                "https://{domain}/cloudshell/home?region={region}",
                domain = self.console_domain()
            )),
        }
    }
}

pub(crate) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A date and time for people, in UTC like every time in this project.
pub fn date(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `3 days`, `12 hours`, `1 day 12 hours`: rounded to the minute, and below one minute to the second.
pub fn words(duration: SignedDuration) -> String {
    let smallest = if duration < SignedDuration::from_mins(1) { Unit::Second } else { Unit::Minute };
    let whole = SpanRound::new().largest(Unit::Day).smallest(smallest).days_are_24_hours();
    let span = Span::try_from(duration).and_then(|span| span.round(whole)).unwrap_or_default();
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(&span)
}
