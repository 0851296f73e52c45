//! Answers of runs to test with.

use jiff::SignedDuration;
use mfa_warden::model::message::Message;
use mfa_warden::model::outcome::{ActionCounts, Answer, Ending, Open, Outcome, UserCounts};
use mfa_warden::model::verdict::Status;

pub fn outcome(user: &str, verdict: Status, actions: &[&str], result: Ending) -> Outcome {
    let id = format!("AIDA{}", user.to_uppercase());
    let outcome = Outcome::new(user, &id, verdict, "console password, no MFA device".to_owned(), &[], result);
    Outcome { actions: actions.iter().map(|action| (*action).to_owned()).collect(), ..outcome }
}

pub fn busy_answer() -> Answer {
    let mut answer = Answer::new("sweep", false, "123456789012");
    answer.users =
        UserCounts { total: 12, compliant: 4, non_compliant: 5, exempt: 1, not_applicable: 1, unknown: 1 };
    answer.actions = ActionCounts { provision: 1, notify: 2, close: 1, ..ActionCounts::default() };
    answer.failed = 1;
    answer.deferred = 1;
    let late = |user: &str, days: i64| Outcome {
        open: Some(Open { overdue: Some(SignedDuration::from_hours(24 * days)), ..Open::default() }),
        ..outcome(user, Status::NonCompliant, &[], Ending::None)
    };
    let denied = "failed to create the virtual MFA device `bob.0a1b2c3d`: AccessDenied: not authorized to perform \
                  iam:CreateVirtualMFADevice (allow it to the caller's role or user; look for a denying service control \
                  policy or boundary)";
    answer.outcomes = vec![
        outcome("alice", Status::NonCompliant, &["provision", "notify(invitation)"], Ending::Done),
        outcome("bob", Status::NonCompliant, &[], Ending::Failed(denied.to_owned())),
        outcome("carol", Status::NonCompliant, &[], Ending::Deferred),
        Outcome {
            reason: "MFA device arn:aws:iam::123456789012:mfa/mfa-warden/dave.0a1b2c3d; its seed existed for 2 days".to_owned(),
            ..outcome("dave", Status::Compliant, &["close", "notify(enrolled)"], Ending::Done)
        },
        Outcome {
            reason: "exempt through 2026-12-31: broken phone".to_owned(),
            ..outcome("erin", Status::Exempt, &[], Ending::None)
        },
        late("frank", 2),
        late("grace", 9),
        Outcome {
            reason: "failed to list the MFA devices of `heidi`: ServiceUnavailable: try later".to_owned(),
            ..outcome("heidi", Status::Unknown, &[], Ending::None)
        },
        outcome("ivan", Status::NonCompliant, &[], Ending::None),
    ];
    answer.warnings = vec!["the root user has a password and no MFA".to_owned()];
    answer
}

/// A message with its attributes and its subject.
pub fn shown(message: &Message) -> String {
    let attributes: Vec<String> =
        message.attributes.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("{}\nSubject: {}\n\n{}", attributes.concat(), message.subject, message.text)
}
