//! The rows of the decision table in words: the table of the crate's documentation, and what `warden explain` says.

use crate::model::rule::Rule;

/// When a row applies, given that none before it does.
pub fn applies(rule: Rule) -> &'static str {
    match rule {
        Rule::Unknown => "something about the user could not be read",
        Rule::UserGone => "there is no such user any more",
        Rule::HasMfa => "the user has an MFA device",
        Rule::NeedNotEnroll => "the user is exempt, or outside `MFA_SCOPE`",
        Rule::Retiring => "`RETIRE=true`",
        Rule::ForeignSecret => "somebody else's secret has the name that the user's would have",
        Rule::NeverReached => {
            "a device is prepared, but no notice is known to have arrived, and none can now"
        }
        Rule::OutsidePilot => "the user is outside `PILOT`, and no notice went out",
        Rule::Unreachable => "no device is prepared, and no message can reach the owner",
        Rule::NotPrepared => "no device is prepared",
        Rule::Broken => "the secret or its device cannot be used, or somebody else changed the secret",
        Rule::OfferTooOld => "the seed is older than `OFFER_TTL`",
        Rule::Settling => "the device is so new that listings may not show it yet",
        Rule::InvitationDue => {
            "the owner was not invited to this device, missed the invitation but can be reached now, or has changed"
        }
        Rule::QuarantineNotTold => "the user is quarantined, and the owner was not told",
        Rule::UnableToEnroll => "a quarantine is due, but it is not known that the owner can enroll",
        Rule::OutsideQuarantineHours => "a quarantine is due, but the time is outside `QUARANTINE_HOURS`",
        Rule::QuarantineDue => {
            "a quarantine is due: `AFTER_GRACE=quarantine`, overdue, warned, able to enroll"
        }
        Rule::ReminderDue => "the last notice is older than `REMIND_EVERY`",
        Rule::NothingDue => "nothing else applies",
    }
}

/// What follows from a row.
pub fn follows(rule: Rule) -> &'static str {
    match rule {
        Rule::Unknown => "nothing is done; the user is reported",
        Rule::UserGone => "close without a message, or delete leftover devices",
        Rule::HasMfa => "close, notify(enrolled) where the owner was invited",
        Rule::NeedNotEnroll | Rule::Retiring => "close, notify(withdrawn) where the owner was invited",
        Rule::ForeignSecret => "nothing is prepared; failed; a quarantine is lifted",
        Rule::NeverReached => "close without a message",
        Rule::OutsidePilot => "nothing new is begun; deferred",
        Rule::Unreachable => "nothing is prepared; reported",
        Rule::NotPrepared | Rule::Broken | Rule::OfferTooOld => {
            "provision, attach the enrollment policy, notify(invitation)"
        }
        Rule::Settling | Rule::NothingDue => "nothing",
        Rule::InvitationDue => "notify(invitation)",
        Rule::QuarantineNotTold => "notify(quarantined)",
        Rule::UnableToEnroll => {
            "no quarantine; what blocks enrollment is reported; notify(reminder) where one is due"
        }
        Rule::OutsideQuarantineHours => "deferred; notify(reminder) where one is due",
        Rule::QuarantineDue => {
            "quarantine, notify(quarantined); at most `MAX_QUARANTINES` a run, the rest is deferred"
        }
        Rule::ReminderDue => "notify(reminder)",
    }
}
