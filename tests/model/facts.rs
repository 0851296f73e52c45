//! What is known of a user.

use crate::builders::*;
use mfa_warden::model::action::Policy;
use mfa_warden::model::known::Known;
use mfa_warden::model::user::Attached;

#[test]
fn what_was_attached_or_detached_is_known_only_where_the_rest_is() {
    let mut facts = user("alice");
    facts.set_attached(Policy::Enrollment, true);
    facts.set_attached(Policy::Quarantine, true);
    assert_eq!(facts.attached, Known::Is(Attached { enrollment: true, quarantine: true }));
    assert!(facts.is_quarantined());
    facts.set_attached(Policy::Quarantine, false);
    assert_eq!(facts.attached, Known::Is(Attached { enrollment: true, quarantine: false }));
    assert!(!facts.is_quarantined());
    facts.attached = Known::Unreadable;
    facts.set_attached(Policy::Quarantine, true);
    assert_eq!(facts.attached, Known::Unreadable, "one policy does not tell of the other");
}

#[test]
fn a_password_that_nobody_asked_for_is_none_that_is_known() {
    let mut facts = user("alice");
    for (password, has) in [(Known::Is(true), true), (Known::Is(false), false), (Known::NotAsked, false)] {
        facts.password = password;
        assert_eq!(facts.has_password(), has, "{password:?}");
    }
}
