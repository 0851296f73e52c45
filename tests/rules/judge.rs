//! Every verdict, every scope, exemptions to the day.

use crate::builders::*;
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::failure::{Failure, Unreadable};
use mfa_warden::model::known::Known;
use mfa_warden::model::settings::Scope;
use mfa_warden::model::verdict::{Reason, Status, Verdict};
use mfa_warden::rules::judge::judge;
use proptest::prelude::*;

fn judged(facts: &UserFacts, scope: Scope) -> Verdict {
    judge(&Ok(facts.clone()), scope, now())
}

fn exempted(tag: &str) -> Verdict {
    let mut facts = user("alice");
    facts.tags.insert("mfa-exempt".to_owned(), tag.to_owned());
    judged(&facts, Scope::Console)
}

#[test]
fn what_could_not_be_read_is_unknown_and_says_why() {
    let unreadable = Err(Unreadable(Failure::UserVanished("alice".to_owned())));
    for scope in [Scope::Console, Scope::Credentials, Scope::All] {
        let verdict = judge(&unreadable, scope, now());
        assert_eq!(verdict.status, Status::Unknown);
        assert_eq!(verdict.reason, Reason::Unreadable(Failure::UserVanished("alice".to_owned())));
    }
}

#[test]
fn each_scope_demands_mfa_of_its_own_users() {
    use Status::{NonCompliant, NotApplicable};
    for (password, key, console, credentials, all) in [
        (true, true, NonCompliant, NonCompliant, NonCompliant),
        (true, false, NonCompliant, NonCompliant, NonCompliant),
        (false, true, NotApplicable, NonCompliant, NonCompliant),
        (false, false, NotApplicable, NotApplicable, NonCompliant),
    ] {
        let mut facts = user("alice");
        facts.password = Known::Is(password);
        facts.active_access_key = Known::Is(key);
        let statuses =
            [Scope::Console, Scope::Credentials, Scope::All].map(|scope| judged(&facts, scope).status);
        assert_eq!(statuses, [console, credentials, all], "password {password}, key {key}");
    }
}

#[test]
fn any_assigned_device_is_compliant_in_every_scope_and_before_any_exemption() {
    for serial in
        ["arn:aws:iam::123456789012:mfa/x", "arn:aws:iam::123456789012:u2f/user/alice/k-1", "GAKT00012345"]
    {
        let mut facts = with_mfa(user("alice"));
        serial.clone_into(&mut facts.mfa_devices[0].serial_number);
        facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
        facts.password = Known::Is(false);
        for scope in [Scope::Console, Scope::Credentials, Scope::All] {
            assert_eq!(judged(&facts, scope).status, Status::Compliant);
        }
        assert_eq!(judged(&facts, Scope::All).reason.to_string(), format!("MFA device {serial}"));
    }
}

#[test]
fn who_is_out_of_scope_is_not_applicable_even_when_exempt() {
    let mut facts = user("alice");
    facts.password = Known::Is(false);
    facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned());
    assert_eq!(judged(&facts, Scope::Console).status, Status::NotApplicable);
    assert_eq!(judged(&facts, Scope::All).status, Status::Exempt);
}

#[test]
fn an_exemption_holds_through_its_last_day_in_utc() {
    let exempt_at = |time: &str| {
        let mut facts = user("alice");
        facts.tags.insert("mfa-exempt".to_owned(), "2026-06-15 new phone".to_owned());
        judge(&Ok(facts), Scope::Console, time.parse().unwrap())
    };
    assert_eq!(exempt_at("2026-06-15T23:59:59.999Z").status, Status::Exempt);
    assert_eq!(
        exempt_at("2026-06-15T23:59:59.999Z").reason.to_string(),
        "exempt through 2026-06-15: new phone"
    );
    let ended = exempt_at("2026-06-16T00:00:00Z");
    assert_eq!(ended.status, Status::NonCompliant);
    assert_eq!(
        ended.reason.to_string(),
        "console password, no MFA device; its exemption ended on 2026-06-15"
    );
}

#[test]
fn a_permanent_exemption_needs_a_reason() {
    assert_eq!(
        exempted("permanent break-glass user").reason.to_string(),
        "exempt permanently: break-glass user"
    );
    for tag in ["permanent", "permanent ", "2099-12-31", "2099-12-31   "] {
        let verdict = exempted(tag);
        assert_eq!(verdict.status, Status::NonCompliant, "{tag}");
        assert!(verdict.reason.to_string().contains("gives no reason"), "{}", verdict.reason);
    }
}

#[test]
fn an_exemption_that_cannot_be_read_does_not_exempt_and_says_so() {
    for tag in [
        "",
        "yes",
        "true",
        "forever because",
        "31-12-2099 reason",
        "2099-13-01 reason",
        "2099-02-30 reason",
        "20991231 reason",
        "2099-W01-1 reason",
        "2099-12-31T00:00:00Z reason",
        "+2099-12-31 reason",
        "Permanent reason",
    ] {
        let verdict = exempted(tag);
        assert_eq!(verdict.status, Status::NonCompliant, "{tag}");
        assert!(verdict.reason.to_string().contains("does not exempt"), "{tag}: {}", verdict.reason);
    }
}

proptest! {
    #[test]
    fn no_tag_makes_the_judge_panic_and_only_the_two_forms_exempt(tag in "\\PC{0,60}") {
        let exempt = exempted(&tag).status == Status::Exempt;
        let form = tag.trim().split_once(' ').is_some_and(|(until, reason)| {
            !reason.trim().is_empty() && (until == "permanent" || until.len() == 10)
        });
        prop_assert!(form || !exempt);
    }

    #[test]
    fn dates_exempt_exactly_until_they_have_passed(day in 0i64..20_000) {
        let date = jiff::civil::date(1990, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let exempt = exempted(&format!("{date} reason")).status == Status::Exempt;
        prop_assert_eq!(exempt, date >= jiff::civil::date(2026, 6, 15));
    }
}

#[test]
fn of_a_deleted_user_the_reason_says_what_is_left() {
    let device = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d".to_owned();
    let secret = enrolled_since(user("alice"), "1d").secret;
    for (secret, devices, reason) in [
        (secret.clone(), vec![device.clone()], Reason::UserGone),
        (secret, vec![], Reason::UserGone),
        (None, vec![device.clone()], Reason::DeviceLeft(device)),
    ] {
        let facts = UserFacts::gone(USER_ID, secret, devices);
        let verdict = judge(&Ok(facts), Scope::Console, now());
        assert_eq!(verdict, Verdict { status: Status::NotApplicable, reason });
    }
}
