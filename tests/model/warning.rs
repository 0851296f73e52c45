//! Warnings, told once a kind.

use crate::builders::failed;
use mfa_warden::model::warning::Warning;

#[test]
fn a_kind_is_what_is_warned_of_and_not_the_words() {
    let filter = |arn: &str| Warning::Filter(arn.to_owned());
    assert!(filter("a").is_of_kind(&filter("b")));
    assert!(!filter("a").is_of_kind(&Warning::NoSubscription));
    assert!(!Warning::Delivery(failed()).is_of_kind(&Warning::Simulator(failed())));
}
