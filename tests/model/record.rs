//! What a secret's tags remember.

use crate::builders::*;
use jiff::SignedDuration;
use mfa_warden::model::enrollment::version_suffix;
use mfa_warden::model::record::{Undelivered, tag, went_out};
use mfa_warden::model::text::rfc3339;
use std::collections::BTreeMap;

/// What is written down of a notice that goes out now.
fn noted(change: impl Fn(&mut BTreeMap<String, String>)) -> BTreeMap<&'static str, String> {
    let mut facts = enrolled_since(user("alice"), "2d");
    change(&mut secret(&mut facts).tags);
    went_out(secret(&mut facts), now()).into_iter().collect()
}

#[test]
fn each_notice_is_counted_and_its_time_written() {
    let tags = noted(|_| {});
    assert_eq!(
        tags,
        BTreeMap::from([
            (tag::LAST_NOTICE_AT, "2026-06-15T12:00:00Z".to_owned()),
            (tag::NOTICES, "2".to_owned())
        ])
    );
    assert_eq!(noted(|tags| drop(tags.remove(tag::NOTICES)))[tag::NOTICES], "1");
    let most = |tags: &mut BTreeMap<String, String>| {
        tags.insert(tag::NOTICES.to_owned(), u32::MAX.to_string());
    };
    assert_eq!(noted(most)[tag::NOTICES], u32::MAX.to_string());
}

#[test]
fn the_first_notice_starts_the_clock_and_no_later_one_does() {
    let untold = |tags: &mut BTreeMap<String, String>| tags.retain(|key, _| key == tag::USER_ID);
    assert_eq!(noted(untold)[tag::FIRST_NOTICE_AT], "2026-06-15T12:00:00Z");
    assert!(!noted(|_| {}).contains_key(tag::FIRST_NOTICE_AT));
}

#[test]
fn a_notice_after_a_closing_notice_makes_the_next_one_due_again() {
    let closing_notice = |tags: &mut BTreeMap<String, String>| {
        tags.insert(tag::CLOSING_NOTICE.to_owned(), ago("1d").to_string());
    };
    assert_eq!(noted(closing_notice)[tag::CLOSING_NOTICE], "");
    assert!(!noted(|_| {}).contains_key(tag::CLOSING_NOTICE));
}

#[test]
fn the_last_notice_and_what_was_used_before_are_read_as_written() {
    let mut facts = enrolled_since(user("alice"), "2d");
    let secret = secret(&mut facts);
    assert_eq!(secret.last_notice_at(), Some(ago("10m")));
    assert_eq!(secret.grace_used(), SignedDuration::ZERO);
    secret.tags.insert(tag::GRACE_USED.to_owned(), "PT36H".to_owned());
    assert_eq!(secret.grace_used(), SignedDuration::from_hours(36));
    secret.tags.insert(tag::LAST_NOTICE_AT.to_owned(), "yesterday".to_owned());
    assert_eq!(secret.last_notice_at(), None);
}

#[test]
fn a_secret_without_a_count_was_told_of_when_any_tag_says_so() {
    let was_told = |tags: &[(&str, &str)]| {
        let mut facts = enrolled_since(user("alice"), "2d");
        let secret = secret(&mut facts);
        secret.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        secret.first_notice_at(now()).is_some()
    };
    assert!(!was_told(&[]));
    assert!(!was_told(&[(tag::NOTICES, "0")]));
    for tags in [
        [(tag::NOTICES, "1")],
        [(tag::NOTICES, "some")],
        [(tag::NOTIFIED, "0a1b2c3d")],
        [(tag::LAST_NOTICE_AT, "2026-06-15T12:00:00Z")],
    ] {
        assert!(was_told(&tags), "{tags:?}");
    }
}

#[test]
fn everybody_who_was_ever_invited_is_named_once_and_the_first_comes_first() {
    let invited = |before: Option<&str>, now: Option<&str>| {
        let mut facts = enrolled_since(user("alice"), "2d");
        let secret = secret(&mut facts);
        secret.tags.remove(tag::RECIPIENT);
        let tags = [(tag::RECIPIENTS_BEFORE, before), (tag::RECIPIENT, now)];
        secret
            .tags
            .extend(tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))));
        secret.invited()
    };
    assert_eq!(invited(None, None), [""; 0]);
    assert_eq!(invited(None, Some("ann@corp.example")), ["ann@corp.example"]);
    assert_eq!(
        invited(Some("ann@corp.example bob@corp.example"), Some("Ann@corp.example cy@corp.example")),
        ["ann@corp.example", "bob@corp.example", "cy@corp.example"]
    );
}

#[test]
fn the_grace_period_counts_from_the_first_notice_that_went_out_and_never_from_before_the_secret() {
    let created = ago("20d");
    let first = |tags: &[(&str, Option<&str>)]| {
        let mut facts = tagged(enrolled_since(user("alice"), "20d"), tags);
        secret(&mut facts).first_notice_at(now())
    };
    let five_days_ago = ago("5d").to_string();
    let set = |time: &'static str| (tag::FIRST_NOTICE_AT, Some(time));
    let notices = |count: &'static str| (tag::NOTICES, Some(count));
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, Some(&five_days_ago))]), Some(ago("5d")));
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, Some(&five_days_ago)), notices("0")]), Some(ago("5d")));
    assert_eq!(first(&[set("2000-01-01T00:00:00Z")]), Some(created));
    for forged in ["2999-01-01T00:00:00Z", "soon", ""] {
        assert_eq!(first(&[set(forged)]), Some(created), "{forged}: notices went out");
        assert_eq!(first(&[set(forged), notices("0")]), None, "{forged}: none went out");
    }
    assert_eq!(
        first(&[(tag::FIRST_NOTICE_AT, None), notices("3")]),
        Some(created),
        "as version 0.1.0 left it"
    );
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, None), notices("0")]), None);
    assert_eq!(
        first(&[(tag::FIRST_NOTICE_AT, None), notices("-1")]),
        Some(created),
        "no count that mfa-warden wrote"
    );
    assert_eq!(first(&[(tag::FIRST_NOTICE_AT, None), (tag::NOTICES, None)]), Some(created), "it was invited");
}

#[test]
fn a_version_is_heard_of_only_since_it_exists_and_only_in_the_past() {
    let heard = |at: &str| {
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::HEARD_AT, Some(at))]);
        secret(&mut facts).heard_at(now())
    };
    assert_eq!(heard(&rfc3339(ago("4d"))), Some(ago("4d")));
    assert_eq!(heard(&rfc3339(ago("5d"))), Some(ago("5d")));
    for other in [rfc3339(ago("6d")), "2999-01-01T00:00:00Z".to_owned(), "yes".to_owned(), String::new()] {
        assert_eq!(heard(&other), None, "{other}");
    }
}

#[test]
fn a_recipient_is_compared_as_people_write_it() {
    let changed = |tag: &str, invited: &str| {
        let mut facts = tagged(enrolled_since(user("alice"), "5d"), &[(tag::RECIPIENT, Some(invited))]);
        facts.tags.insert("email".to_owned(), tag.to_owned());
        let recipient = facts.recipient(&settings(&[]));
        secret(&mut facts).recipient_changed(&recipient)
    };
    assert!(!changed(" Ann@corp.example ", "ann@corp.example"));
    assert!(!changed("ann@corp.example, bob@corp.example", "ann@corp.example bob@corp.example"));
    assert!(changed("mallory@corp.example", "ann@corp.example"));
    assert!(!changed("mallory@corp.example", ""), "earlier versions did not remember whom");
}

#[test]
fn what_version_0_1_0_recorded_as_lost_is_undelivered_and_a_lost_reminder_is_not_the_invitation() {
    let undelivered = |mark: Option<&str>| {
        let mut facts = enrolled_since(user("alice"), "5d");
        let secret = secret(&mut facts);
        for key in [tag::FIRST_NOTICE_AT, tag::HEARD_AT, tag::RECIPIENT] {
            secret.tags.remove(key);
        }
        let suffix = version_suffix(secret.current_version.as_deref().unwrap()).to_owned();
        secret.tags.extend(mark.map(|mark| (tag::UNREACHED.to_owned(), format!("{suffix}{mark}"))));
        (secret.undelivered(now()), secret.never_delivered(now()), secret.undelivered_notice(now()))
    };
    assert_eq!(undelivered(None), (false, false, None));
    assert_eq!(undelivered(Some("")), (true, true, Some(Undelivered::Everything)));
    assert_eq!(undelivered(Some(" invitation")), (true, false, Some(Undelivered::Invitation)));
    assert_eq!(undelivered(Some(" reminder")), (false, false, Some(Undelivered::Later)));
}
