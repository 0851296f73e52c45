//! Reasons, failures, warnings and durations in words.

use crate::model::action::{Policy, Postponed};
use crate::model::blocker::{Blocker, Cause, NotQuarantined};
use crate::model::delivery::{Delivery, Unreachable};
use crate::model::enrollment::{Doubt, SECRET_PREFIX};
use crate::model::failure::{AwsFailure, Failure, Unreadable};
use crate::model::text::shown;
use crate::model::verdict::{InvalidExemption, Reason, Remark, Why};
use crate::model::warning::Warning;
use crate::rules::judge::EXEMPT_TAG;
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRound, Unit};
use std::fmt;

/// `3 days`, `12 hours`, `1 day 12 hours`: rounded to the minute, and below one minute to the second.
pub fn duration(duration: SignedDuration) -> String {
    let smallest = if duration < SignedDuration::from_mins(1) { Unit::Second } else { Unit::Minute };
    let whole = SpanRound::new().largest(Unit::Day).smallest(smallest).days_are_24_hours();
    let span = Span::try_from(duration).and_then(|span| span.round(whole)).unwrap_or_default();
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(&span)
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = shown(&self.action);
        match &self.cause {
            Cause::Policies(policies) if policies.is_empty() => {
                write!(f, "{action} is denied without MFA by a policy that AWS does not name")
            }
            Cause::Policies(policies) => {
                let policies: Vec<String> = policies.iter().map(|policy| shown(policy)).collect();
                write!(
                    f,
                    "{action} is denied without MFA by the policy {}",
                    policies.join(" and the policy ")
                )
            }
            Cause::Organization => {
                write!(f, "{action} is denied without MFA by a service control policy of the organization")
            }
            Cause::Boundary => write!(f, "{action} is outside the user's permissions boundary"),
            Cause::NotAllowed => write!(f, "{action} is allowed by none of the user's policies"),
        }?;
        f.write_str(if self.is_unsure {
            " (perhaps: it depends on conditions that are not known here)"
        } else {
            ""
        })
    }
}

impl fmt::Display for Postponed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Postponed::Pilot => "outside the pilot",
            Postponed::QuarantineHours => "its quarantine waits for QUARANTINE_HOURS",
            Postponed::MaxQuarantines => "its quarantine waits for a later run (MAX_QUARANTINES)",
            Postponed::MaxProvisions => "its device waits for a later run (MAX_PROVISIONS)",
            Postponed::Deadline => "the deadline of the run came first",
            Postponed::Race => "another run is working on this user",
        })
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::NoValue => "it has no value",
            Doubt::OthersVersion => "it has a version that mfa-warden did not make",
            Doubt::Replicated => "it is replicated",
            Doubt::Rotates => "it has a rotation schedule",
            Doubt::OtherKey => "it is encrypted with another key than SECRET_KMS_KEY_ID",
        })
    }
}

impl fmt::Display for NotQuarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotQuarantined::NoAnswer => {
                f.write_str("IAM's policy simulator did not say whether the owner can enroll")
            }
            NotQuarantined::Denied(denial) => denial.fmt(f),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = shown(&self.recipient.each().join(" and "));
        match self.delivery {
            // An owner that is reached is not unreachable: this is never written.
            Delivery::Reached => write!(f, "messages to {whom} may arrive"),
            Delivery::Pending => write!(f, "the subscription of {whom} is not confirmed yet"),
            Delivery::Lapsed => write!(f, "the subscription of {whom} was not confirmed within two days"),
            Delivery::Filtered => {
                write!(f, "the filter policy of {whom}'s own subscription keeps messages out")
            }
            Delivery::Unreached => {
                write!(f, "no subscription of the owner topic lets messages to {whom} through")
            }
            Delivery::Malformed => {
                write!(f, "the owner tag says `{whom}`, which is neither an e-mail address nor a name")
            }
        }
    }
}

impl fmt::Display for AwsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.attempted, self.said)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Aws(failure) => failure.fmt(f),
            Failure::Deadline(what) => write!(f, "the deadline came before {what}"),
            Failure::Report(why) => write!(f, "failed to read the credential report: {why}"),
            Failure::UserVanished(user) => write!(
                f,
                "IAM listed the user `{}` and then did not find it: it was created, renamed or deleted a moment ago",
                shown(user)
            ),
            Failure::ListingsDisagree(user) => write!(
                f,
                "IAM lists a device as assigned to `{user}`, but lists no device of `{user}`: one of the two lists is out of date"
            ),
            Failure::JustEnabled(serial_number) => {
                write!(f, "its device {} was enabled a moment ago", shown(serial_number))
            }
            Failure::ForeignSecret(user_id) => write!(
                f,
                "the name `{SECRET_PREFIX}{user_id}`, which this user's secret would have, is taken by a secret without \
                 mfa-warden's tag. mfa-warden leaves that secret alone; the person who made it has to remove it"
            ),
            Failure::Doubtful { secret, doubt, failure } => write!(
                f,
                "its secret `{secret}` may have been prepared by somebody else ({doubt}), so no seed is written into it, \
                 and it cannot be replaced: {failure}"
            ),
            Failure::NamesTaken { user, names } => write!(
                f,
                "failed to create a virtual MFA device of `{user}`: AWS says that each of {names} random names is taken"
            ),
            Failure::SecretChangedTwice => f.write_str(
                "its secret changed twice during this run: another run is working on it, or somebody is deleting it",
            ),
            Failure::NoPolicyArn(policy) => write!(
                f,
                "no ARN is set for the {} policy",
                match policy {
                    Policy::Enrollment => "enrollment",
                    Policy::Quarantine => "quarantine",
                }
            ),
            Failure::Both(first, second) => write!(f, "{first}; and {second}"),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InvalidExemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidExemption::NoReason(tag) => {
                write!(f, "its {EXEMPT_TAG} tag `{}` gives no reason and does not exempt", shown(tag))
            }
            InvalidExemption::Ended(date) => write!(f, "its exemption ended on {date}"),
            InvalidExemption::Malformed(tag) => write!(
                f,
                "its {EXEMPT_TAG} tag `{}` is neither `<YYYY-MM-DD> <reason>` nor `permanent <reason>` and does not exempt",
                shown(tag)
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::MfaDevice(serial_number) => write!(f, "MFA device {}", shown(serial_number)),
            Reason::UserGone => f.write_str("there is no user with this id any more"),
            Reason::DeviceLeft(device) => {
                write!(f, "there is no such user, and its device {} is left over", shown(device))
            }
            Reason::NoPassword => f.write_str("no console password"),
            Reason::NoCredentials => f.write_str("neither a console password nor an active access key"),
            Reason::ExemptPermanently(reason) => write!(f, "exempt permanently: {}", shown(reason)),
            Reason::ExemptThrough(date, reason) => write!(f, "exempt through {date}: {}", shown(reason)),
            Reason::NoMfa { password, active_access_key, exemption } => {
                f.write_str(if *password { "console password, " } else { "" })?;
                f.write_str(if *active_access_key { "active access key, " } else { "" })?;
                f.write_str("no MFA device")?;
                exemption.as_ref().map_or(Ok(()), |exemption| write!(f, "; {exemption}"))
            }
            Reason::Unreadable(failure) => failure.fmt(f),
            Reason::NotLookedAt => f.write_str("not checked before the deadline"),
            Reason::CutOff => f.write_str("cut off at the deadline; the next run goes on"),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::SeedExistedFor(life) => write!(f, "its seed existed for {}", duration(*life)),
            Remark::GraceUsed(used) => {
                write!(f, "{} of its grace period were used in an earlier enrollment", duration(*used))
            }
            Remark::ToldAlready => f.write_str("its owner was told before"),
            Remark::NeverInvited => f.write_str("its owner gets no message, because nobody was invited"),
            Remark::NothingPrepared(unreachable) => write!(f, "no device is prepared: {unreachable}"),
            Remark::Postponed(postponed) => postponed.fmt(f),
            Remark::RecipientChanged => f.write_str("the owner tag changed since the invitation"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        self.remarks.iter().try_for_each(|remark| write!(f, "; {remark}"))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::ForeignSecrets { named, more } => {
                let named: Vec<String> = named.iter().map(|name| shown(name)).collect();
                write!(
                    f,
                    "mfa-warden leaves alone secrets under its prefix that it did not make (each of its own is named after a \
                     user's unique id and has a tag with that id): {}",
                    named.join(", ")
                )?;
                if *more == 0 { Ok(()) } else { write!(f, " and {more} more") }
            }
            Warning::Attachments(failure) => write!(
                f,
                "cannot tell which users mfa-warden's policies are attached to, so none is attached or detached: {failure}"
            ),
            Warning::RootWithoutMfa => f.write_str(
                "the root user has a password and no MFA: sign in as root and assign an MFA device, or remove its \
                 credentials by central root access",
            ),
            Warning::Root(failure) => write!(f, "cannot tell whether the root user has MFA: {failure}"),
            Warning::NoReport(failure) => write!(
                f,
                "there is no credential report, so each user without a listed device is checked one by one: {failure}"
            ),
            Warning::Leftovers(Failure::Deadline(what)) => write!(f, "the deadline came before {what}"),
            Warning::Leftovers(failure) => {
                write!(f, "cannot tell what is left over from deleted users: {failure}")
            }
            Warning::NoUserListed(Some(count)) => {
                write!(f, "IAM lists no user but counts {count}, so nothing was taken for left over")
            }
            Warning::NoUserListed(None) => {
                f.write_str("IAM lists no user and gives no count, so nothing was taken for left over")
            }
            Warning::UserCount(failure) => write!(
                f,
                "IAM lists no user, and their number could not be read, so nothing was taken for left over: {failure}"
            ),
            Warning::UserOfSecret { secret, failure } => {
                write!(f, "cannot tell whether the user of `{secret}` was deleted: {failure}")
            }
            Warning::NoSuchUser(name) => write!(f, "there is no IAM user `{}`", shown(name)),
            Warning::OperationsNotTold(failure) => write!(f, "operations were not told: {failure}"),
            Warning::NoOperationsSubscription => f.write_str(
                "the operations topic has no confirmed subscription, so nobody gets these messages: subscribe a mailbox \
                 (parameter OpsEmail) and confirm it, or subscribe a queue",
            ),
            Warning::OperationsSubscriptions(failure) => {
                write!(f, "cannot tell whether anybody gets the messages to operations: {failure}")
            }
            Warning::NoSubscription => f.write_str(
                "the owner topic has no subscription: no owner receives messages, so no device is prepared",
            ),
            Warning::Filter(arn) => write!(
                f,
                "cannot tell whom the subscription {arn} of the owner topic reaches: its filter policy has rules that \
                 mfa-warden does not know"
            ),
            Warning::Delivery(failure) => write!(f, "cannot tell whether messages reach the owners: {failure}"),
            Warning::SubscriptionQuota(failure) => write!(f, "no more owners can be subscribed: {failure}"),
            Warning::Subscription { address, failure } => {
                write!(f, "some owners cannot be subscribed: {}: {failure}", shown(address))
            }
            Warning::NoTrail => f.write_str(
                "no CloudTrail trail that logs delivers IAM events here, so only sweeps find changed users: create a trail of \
                 write management events, or start the one that is stopped",
            ),
            Warning::Trails(failure) => {
                write!(f, "cannot tell whether a CloudTrail trail delivers IAM events: {failure}")
            }
            Warning::Simulator(failure) => write!(f, "cannot tell which policies block enrollment: {failure}"),
        }
    }
}
