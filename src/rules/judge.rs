//! Facts -> verdict.

use crate::model::facts::UserFacts;
use crate::model::failure::Unreadable;
use crate::model::known::Known;
use crate::model::recipient::tag_value;
use crate::model::settings::Scope;
use crate::model::verdict::{InvalidExemption, Reason, Status, Verdict};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The IAM user tag that exempts a user: `<YYYY-MM-DD> <reason>` (through that day, UTC) or `permanent <reason>`.
pub const EXEMPT_TAG: &str = "mfa-exempt";

/// The verdict on one user. The first that applies counts: unknown, compliant, not applicable, exempt, non-compliant.
pub fn judge(facts: &Result<UserFacts, Unreadable>, scope: Scope, now: Timestamp) -> Verdict {
    let verdict = |status, reason| Verdict { status, reason };
    let facts = match facts {
        Ok(facts) => facts,
        Err(unreadable) => return verdict(Status::Unknown, Reason::Unreadable(unreadable.0.clone())),
    };
    if facts.is_gone {
        let reason = match (&facts.secret, facts.devices.first()) {
            (None, Some(device)) => Reason::DeviceLeft(device.clone()),
            _ => Reason::UserGone,
        };
        return verdict(Status::NotApplicable, reason);
    }
    if let Some(device) = facts.mfa_devices.first() {
        return verdict(Status::Compliant, Reason::MfaDevice(device.serial_number.clone()));
    }
    let (password, active_access_key) = (facts.has_password(), facts.active_access_key == Known::Is(true));
    match scope {
        Scope::Console if !password => return verdict(Status::NotApplicable, Reason::NoPassword),
        Scope::Credentials if !password && !active_access_key => {
            return verdict(Status::NotApplicable, Reason::NoCredentials);
        }
        Scope::Console | Scope::Credentials | Scope::All => {}
    }
    let no_mfa = |exemption| Reason::NoMfa { password, active_access_key, exemption };
    match tag_value(&facts.tags, EXEMPT_TAG).map(|tag| exemption(tag, now)) {
        Some(Ok(reason)) => verdict(Status::Exempt, reason),
        Some(Err(invalid)) => verdict(Status::NonCompliant, no_mfa(Some(invalid))),
        None => verdict(Status::NonCompliant, no_mfa(None)),
    }
}

/// Why the exemption tag exempts the user, or why it does not.
fn exemption(tag: &str, now: Timestamp) -> Result<Reason, InvalidExemption> {
    let (until, reason) = tag.trim().split_once(' ').unwrap_or((tag.trim(), ""));
    // Dashes and dots alone are no reason.
    let reason =
        Some(reason.trim()).filter(|words| words.contains(char::is_alphanumeric)).unwrap_or_default();
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    // Only the exact form is accepted: a lenient parser could turn a typing error into an exemption.
    let date = until.parse::<Date>().ok().filter(|date| date.to_string() == until);
    match date {
        _ if reason.is_empty() && (until == "permanent" || date.is_some()) => {
            Err(InvalidExemption::NoReason(tag.to_owned()))
        }
        _ if until == "permanent" => Ok(Reason::ExemptPermanently(reason.to_owned())),
        Some(date) if today <= date => Ok(Reason::ExemptThrough(date, reason.to_owned())),
        Some(date) => Err(InvalidExemption::Ended(date)),
        None => Err(InvalidExemption::Malformed(tag.to_owned())),
    }
}
