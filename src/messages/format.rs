//! Dates and links, as people read them.

use crate::model::account::Account;
use crate::model::language::Language;
use crate::model::message::Links;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::YMD;
use icu_locale_core::Locale;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

impl Links {
    /// Links into the console of the account's partition. Where its domains are not known there are none: a link into
    /// another partition would lead to a page where the owner's password does not work.
    pub fn of(account: &Account) -> Self {
        let console = match account.partition.as_str() {
            "aws" => Some("console.aws.amazon.com"),
            "aws-us-gov" => Some("console.amazonaws-us-gov.com"),
            "aws-cn" => Some("console.amazonaws.cn"),
            "aws-eusc" => Some("console.amazonaws-eusc.eu"),
            _ => None,
        };
        // The European Sovereign Cloud's own page for one account is not known: its console asks for the account.
        let sign_in = match account.partition.as_str() {
            "aws" => Some("signin.aws.amazon.com"),
            "aws-us-gov" => Some("signin.amazonaws-us-gov.com"),
            "aws-cn" => Some("signin.amazonaws.cn"),
            _ => None,
        };
        let region = &account.region;
        // Other partitions have no CloudShell, or none that is known of.
        let cloudshell = match account.partition.as_str() {
            "aws" => Some(format!("{region}.console.aws.amazon.com")),
            "aws-us-gov" => Some("console.amazonaws-us-gov.com".to_owned()),
            _ => None,
        };
        Links {
            sign_in: match sign_in {
                Some(domain) => Some(format!("https://{}.{domain}/console", account.id)),
                None => console.map(|console| format!("https://{console}/")),
            },
            security_credentials: console
                .map(|console| format!("https://{console}/iam/home#/security_credentials")),
            cloudshell: cloudshell.map(|host| format!("https://{host}/cloudshell/home?region={region}")),
        }
    }
}

pub(crate) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A date and time in English, in UTC like every time in this project.
pub fn date(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// The date in UTC, as the language writes it: `29 June 2026`, `29. Juni 2026` (Unicode CLDR).
pub(super) fn long_date(time: Timestamp, language: Language) -> String {
    let date = TimeZone::UTC.to_datetime(time).date();
    // English as the world writes it: Americans would put the month first.
    let locale = if language == Language::ENGLISH { "en-001" } else { language.code() };
    let formatter = locale.parse::<Locale>().ok().and_then(|locale| {
        FixedCalendarDateTimeFormatter::<Gregorian, YMD>::try_new(locale.into(), YMD::long()).ok()
    });
    let day =
        Date::try_new_gregorian(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    match (formatter, day) {
        (Some(formatter), Ok(day)) => formatter.format(&day).to_string(),
        _ => date.to_string(),
    }
}
