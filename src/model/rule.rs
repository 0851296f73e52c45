//! The rows of the decision table, by name. `rules::plan` uses them to decide.

use std::fmt;

/// A row of the decision table. The first that applies decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Something about the user could not be read.
    Unknown,
    /// The user no longer exists.
    UserGone,
    /// The user has MFA.
    HasMfa,
    /// The user is exempt, or outside the scope.
    NeedNotEnroll,
    /// Everything is withdrawn (`RETIRE`).
    Retiring,
    /// A secret that mfa-warden did not make has the name that the user's secret would have.
    ForeignSecret,
    /// There is an enrollment, no notice is known to have reached the owner, and none can reach the owner now.
    NeverReached,
    /// The user is outside `PILOT`, and no notice went out yet.
    OutsidePilot,
    /// There is no enrollment, and it is known that no message reaches the owner.
    Unreachable,
    /// There is no enrollment.
    NotPrepared,
    /// The enrollment cannot be used.
    Broken,
    /// The seed is older than `OFFER_TTL`.
    OfferTooOld,
    /// The device is so new that listings may not show it yet.
    Settling,
    /// The owner was not invited to this version, is not known to have received the invitation, or has changed.
    InvitationDue,
    /// The user is quarantined, and the owner was not told.
    QuarantineNotTold,
    /// The user is overdue and warned, and the owner is not known to be able to enroll.
    UnableToEnroll,
    /// The user is overdue and warned, but the time is outside `QUARANTINE_HOURS`.
    OutsideQuarantineHours,
    /// The user is overdue, warned and able to enroll.
    QuarantineDue,
    /// The last notice is older than `REMIND_EVERY`.
    ReminderDue,
    /// Nothing is due.
    NothingDue,
}

impl Rule {
    /// The table, in its order.
    pub const ALL: [Rule; 20] = [
        Rule::Unknown,
        Rule::UserGone,
        Rule::HasMfa,
        Rule::NeedNotEnroll,
        Rule::Retiring,
        Rule::ForeignSecret,
        Rule::NeverReached,
        Rule::OutsidePilot,
        Rule::Unreachable,
        Rule::NotPrepared,
        Rule::Broken,
        Rule::OfferTooOld,
        Rule::Settling,
        Rule::InvitationDue,
        Rule::QuarantineNotTold,
        Rule::UnableToEnroll,
        Rule::OutsideQuarantineHours,
        Rule::QuarantineDue,
        Rule::ReminderDue,
        Rule::NothingDue,
    ];

    /// Its name in answers, logs and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Unknown => "unknown",
            Rule::UserGone => "user_gone",
            Rule::HasMfa => "has_mfa",
            Rule::NeedNotEnroll => "need_not_enroll",
            Rule::Retiring => "retiring",
            Rule::ForeignSecret => "foreign_secret",
            Rule::NeverReached => "never_reached",
            Rule::OutsidePilot => "outside_pilot",
            Rule::Unreachable => "unreachable",
            Rule::NotPrepared => "not_prepared",
            Rule::Broken => "broken",
            Rule::OfferTooOld => "offer_too_old",
            Rule::Settling => "settling",
            Rule::InvitationDue => "invitation_due",
            Rule::QuarantineNotTold => "quarantine_not_told",
            Rule::UnableToEnroll => "unable_to_enroll",
            Rule::OutsideQuarantineHours => "outside_quarantine_hours",
            Rule::QuarantineDue => "quarantine_due",
            Rule::ReminderDue => "reminder_due",
            Rule::NothingDue => "nothing_due",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
