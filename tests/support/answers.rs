//! Answers of runs to test with.

use jiff::SignedDuration;
use mfa_warden::model::action::{Notice, Step};
use mfa_warden::model::delivery::{Delivery, Unreachable};
use mfa_warden::model::failure::{AwsFailure, Failure};
use mfa_warden::model::message::Message;
use mfa_warden::model::outcome::{
    ActionCounts, Answer, OpenEnrollment, Outcome, RunKind, UserCounts, UserResult,
};
use mfa_warden::model::recipient::Recipient;
use mfa_warden::model::verdict::{Reason, Remark, Status, Why};
use mfa_warden::model::warning::Warning;
use mfa_warden::rules::changes::Snapshot;

pub const NO_MFA: Reason = Reason::NoMfa { password: true, active_access_key: false, exemption: None };

/// What AWS said to a call.
pub fn said(attempted: &str, code: &str, said: &str) -> Failure {
    Failure::Aws(AwsFailure {
        attempted: attempted.to_owned(),
        code: Some(code.to_owned()),
        said: format!("{code}: {said}"),
    })
}

/// That no subscription lets messages to a user through.
pub fn unreachable(user: &str) -> Unreachable {
    Unreachable { delivery: Delivery::Unreached, recipient: Recipient::Name(user.to_owned()) }
}

pub fn outcome(user: &str, verdict: Status, steps: &[Step], result: UserResult) -> Outcome {
    let id = format!("AIDA{}", user.to_uppercase());
    let outcome = Outcome::new(user, &id, verdict, NO_MFA, &[], result);
    Outcome { steps: steps.to_vec(), ..outcome }
}

pub fn busy_answer() -> Answer {
    let mut answer = Answer::new(RunKind::Sweep, false, "123456789012");
    answer.users =
        UserCounts { total: 12, compliant: 4, non_compliant: 5, exempt: 1, not_applicable: 1, unknown: 1 };
    answer.actions = ActionCounts { provision: 1, notify: 2, close: 1, ..ActionCounts::default() };
    answer.failed = 1;
    answer.deferred = 1;
    let late = |user: &str, days: i64| Outcome {
        open: Some(OpenEnrollment {
            overdue: Some(SignedDuration::from_hours(24 * days)),
            ..OpenEnrollment::default()
        }),
        ..outcome(user, Status::NonCompliant, &[], UserResult::None)
    };
    let denied = said(
        "create the virtual MFA device `bob.0a1b2c3d`",
        "AccessDenied",
        "not authorized to perform iam:CreateVirtualMFADevice (allow it to the caller's role or user; look for a denying \
         service control policy or boundary)",
    );
    answer.outcomes = vec![
        outcome(
            "alice",
            Status::NonCompliant,
            &[Step::Provision, Step::Notify(Notice::Invitation)],
            UserResult::Done,
        ),
        outcome("bob", Status::NonCompliant, &[], UserResult::Failed(denied)),
        outcome("carol", Status::NonCompliant, &[], UserResult::Deferred),
        Outcome {
            why: Why {
                reason: Reason::MfaDevice(
                    "arn:aws:iam::123456789012:mfa/mfa-warden/dave.0a1b2c3d".to_owned(),
                ),
                remarks: vec![Remark::SeedExistedFor(SignedDuration::from_hours(48))],
            },
            ..outcome(
                "dave",
                Status::Compliant,
                &[Step::Close, Step::Notify(Notice::Enrolled)],
                UserResult::Done,
            )
        },
        Outcome {
            why: Reason::ExemptThrough(jiff::civil::date(2026, 12, 31), "broken phone".to_owned()).into(),
            ..outcome("erin", Status::Exempt, &[], UserResult::None)
        },
        late("frank", 2),
        late("grace", 9),
        Outcome {
            why: Reason::Unreadable(said(
                "list the MFA devices of `heidi`",
                "ServiceUnavailable",
                "try later",
            ))
            .into(),
            ..outcome("heidi", Status::Unknown, &[], UserResult::None)
        },
        outcome("ivan", Status::NonCompliant, &[], UserResult::None),
    ];
    answer.warnings = vec![Warning::RootWithoutMfa];
    answer
}

/// What operations were told of the busy sweep three days ago, and what a sweep finds now: others in trouble.
pub fn three_days_later() -> (Snapshot, Answer) {
    let mut before = busy_answer();
    before.outcomes.retain(|outcome| outcome.user != "frank");
    before.outcomes.push(outcome("judy", Status::NonCompliant, &[], UserResult::Deferred));
    let before = Snapshot::of(&before, crate::builders::now() - SignedDuration::from_hours(72));
    let mut answer = busy_answer();
    answer.outcomes.retain(|outcome| outcome.cause().is_none());
    answer.failed = 0;
    for user in ["mallory", "niaj"] {
        let unreachable = Some(unreachable(user));
        let outcome = outcome(user, Status::NonCompliant, &[], UserResult::None);
        answer.outcomes.push(Outcome { unreachable, ..outcome });
    }
    (before, answer)
}

/// A message with its attributes and its subject.
pub fn shown(message: &Message) -> String {
    let attributes: Vec<String> =
        message.attributes.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("{}\nSubject: {}\n\n{}", attributes.concat(), message.subject, message.text)
}
