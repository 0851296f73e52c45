//! What follows from the simulator's answer.

use mfa_warden::model::blocker::{Blocker, Cause, Need, NotQuarantined};
use mfa_warden::model::known::Known;

const READ: &str = "secretsmanager:GetSecretValue";
const ENABLE: &str = "iam:EnableMFADevice";

fn blocker(action: &str, cause: Cause, is_unsure: bool) -> Blocker {
    let need = if action.ends_with("EnableMFADevice") { Need::Enable } else { Need::ReadSeed };
    Blocker { action: action.to_owned(), need, cause, is_unsure }
}

/// Of one blocker: able, unable while the policy is new, unable once it counts, kept from the seed, told to operations.
fn verdict(blocker: Blocker) -> [bool; 5] {
    let known = Known::Is(vec![blocker]);
    let is_told = known.sure().next().is_some();
    let unable = [known.is_unable_to_enroll(false), known.is_unable_to_enroll(true)];
    [known.is_able_to_enroll(), unable[0], unable[1], known.keeps_from_seed(), is_told]
}

#[test]
fn each_cause_says_what_it_says_and_no_more() {
    let policy = || Cause::Policies(vec!["ForceMFA".to_owned()]);
    for (action, cause, is_unsure, expected) in [
        (ENABLE, policy(), false, [false, true, true, false, true]),
        (ENABLE, policy(), true, [false, false, false, false, false]),
        (ENABLE, Cause::Organization, false, [false, true, true, false, true]),
        (ENABLE, Cause::Boundary, false, [false, true, true, false, true]),
        (ENABLE, Cause::NotAllowed, false, [false, false, true, false, false]),
        (READ, policy(), false, [true, false, false, true, true]),
        (READ, policy(), true, [true, false, false, false, false]),
        (READ, Cause::Organization, false, [true, false, false, false, true]),
        // A boundary does not limit what the secret's own policy grants.
        (READ, Cause::Boundary, false, [true, false, false, false, false]),
        ("kms:Decrypt", policy(), false, [true, false, false, true, true]),
    ] {
        let blocker = blocker(action, cause, is_unsure);
        assert_eq!(verdict(blocker.clone()), expected, "{blocker:?}");
    }
}

#[test]
fn without_an_answer_nobody_is_known_to_be_able_or_unable() {
    for unknown in [Known::NotAsked, Known::Unreadable] {
        assert!(
            !unknown.is_able_to_enroll() && !unknown.is_unable_to_enroll(true) && !unknown.keeps_from_seed()
        );
        assert_eq!(unknown.sure().count(), 0);
    }
    assert_eq!(Known::NotAsked.reasons_not_to_quarantine(), []);
    assert_eq!(Known::Unreadable.reasons_not_to_quarantine(), [NotQuarantined::NoAnswer]);
    assert!(Known::Is(vec![]).is_able_to_enroll());
}

#[test]
fn only_what_keeps_from_enabling_a_device_spares_a_quarantine() {
    let enabling = blocker(ENABLE, Cause::NotAllowed, true);
    let known = Known::Is(vec![blocker(READ, Cause::Organization, false), enabling.clone()]);
    assert_eq!(known.reasons_not_to_quarantine(), [NotQuarantined::Denied(enabling)]);
}
