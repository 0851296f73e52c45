//! Facts -> verdict.

use crate::model::facts::{Unreadable, UserFacts};
use crate::model::recipient::tag_value;
use crate::model::settings::Scope;
use crate::model::text::shown;
use crate::model::verdict::{Status, Verdict};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The IAM user tag that exempts: `<YYYY-MM-DD> <reason>` (through that day, UTC) or `permanent <reason>`.
pub const EXEMPT_TAG: &str = "mfa-exempt";

/// Judges one user; precedence: unknown, compliant, not applicable, exempt, non-compliant.
pub fn judge(facts: &Result<UserFacts, Unreadable>, scope: Scope, now: Timestamp) -> Verdict {
    let verdict = |status, reason| Verdict { status, reason };
    let facts = match facts {
        Ok(facts) => facts,
        Err(unreadable) => return verdict(Status::Unknown, unreadable.0.clone()),
    };
    if facts.is_gone {
        let reason = match (&facts.secret, facts.devices.first()) {
            (None, Some(device)) => {
                format!("there is no such user, and its device {} is left over", shown(device))
            }
            _ => "there is no user with this id any more".to_owned(),
        };
        return verdict(Status::NotApplicable, reason);
    }
    if let Some(device) = facts.mfa_devices.first() {
        return verdict(Status::Compliant, format!("MFA device {}", shown(&device.serial_number)));
    }
    let credentials = match (facts.password, facts.active_access_key) {
        (true, true) => "console password, active access key, ",
        (true, false) => "console password, ",
        (false, true) => "active access key, ",
        (false, false) => "",
    };
    match scope {
        Scope::Console if !facts.password => {
            return verdict(Status::NotApplicable, "no console password".to_owned());
        }
        Scope::Credentials if credentials.is_empty() => {
            let reason = "neither a console password nor an active access key";
            return verdict(Status::NotApplicable, reason.to_owned());
        }
        Scope::Console | Scope::Credentials | Scope::All => {}
    }
    match exemption(tag_value(&facts.tags, EXEMPT_TAG), now) {
        Exemption::Valid(words) => verdict(Status::Exempt, words),
        Exemption::Invalid(words) => {
            verdict(Status::NonCompliant, format!("{credentials}no MFA device; {words}"))
        }
        Exemption::None => verdict(Status::NonCompliant, format!("{credentials}no MFA device")),
    }
}

enum Exemption {
    None,
    Valid(String),
    Invalid(String),
}

fn exemption(tag: Option<&str>, now: Timestamp) -> Exemption {
    let Some(tag) = tag else {
        return Exemption::None;
    };
    let (until, reason) = tag.trim().split_once(' ').unwrap_or((tag.trim(), ""));
    // Dashes and dots are no reason.
    let reason =
        Some(reason.trim()).filter(|words| words.contains(char::is_alphanumeric)).unwrap_or_default();
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    // Only the exact form is read: a lenient parser could turn a slip into an exemption.
    let date = until.parse::<Date>().ok().filter(|date| date.to_string() == until);
    let (tag, words) = (shown(tag), shown(reason));
    match date {
        _ if reason.is_empty() && (until == "permanent" || date.is_some()) => {
            Exemption::Invalid(format!("its {EXEMPT_TAG} tag `{tag}` gives no reason and does not exempt"))
        }
        _ if until == "permanent" => Exemption::Valid(format!("exempt permanently: {words}")),
        Some(date) if today <= date => Exemption::Valid(format!("exempt through {date}: {words}")),
        Some(date) => Exemption::Invalid(format!("its exemption ended on {date}")),
        None => Exemption::Invalid(format!(
            "its {EXEMPT_TAG} tag `{tag}` is neither `<YYYY-MM-DD> <reason>` nor `permanent <reason>` and does \
             not exempt"
        )),
    }
}
