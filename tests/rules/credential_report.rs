//! What the credential report vouches for.

use crate::builders::user;
use mfa_warden::model::settings::Scope;
use mfa_warden::rules::credential_report::{CredentialReport, Vouched};

#[test]
fn a_report_with_other_columns_is_unreadable() {
    let error = CredentialReport::parse(b"user,arn\nalice,x\n").unwrap_err().to_string();
    assert_eq!(error, "failed to read the credential report: it has no column `user_creation_time`");
}

const HEAD: &str =
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active";

/// A report with the root's row and one of alice.
fn report(root_mfa: &str, alice: &str) -> CredentialReport {
    let root = format!(
        "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,{root_mfa},false,false"
    );
    let alice = format!("alice,arn:aws:iam::123456789012:user/alice,{alice}");
    CredentialReport::parse(format!("{HEAD}\n{root}\n{alice}\n").as_bytes()).unwrap()
}

const CREATED: &str = "2020-01-01T00:00:00+00:00";

#[test]
fn the_root_users_row_says_whether_it_has_mfa_and_is_no_users() {
    assert_eq!(report("true", "").root_mfa, Some(true));
    assert_eq!(report("FALSE", "").root_mfa, Some(false));
    let none = CredentialReport::parse(HEAD.as_bytes()).unwrap();
    assert_eq!(none.root_mfa, None);
    let mut root = user("<root_account>").user;
    root.arn = "arn:aws:iam::123456789012:root".to_owned();
    assert_eq!(report("true", "").vouches_for(&root, Scope::All), None);
}

#[test]
fn it_vouches_for_users_with_mfa_and_for_those_outside_the_scope() {
    let scopes = [Scope::Console, Scope::Credentials, Scope::All];
    let out = Some(Vouched::OutOfScope);
    for (row, expected) in [
        ("true,TRUE,true,true", [Some(Vouched::Mfa); 3]),
        ("true,false,false,false", [None; 3]),
        ("false,false,false,false", [out, out, None]),
        ("false,false,true,false", [out, None, None]),
        ("false,false,false,true", [out, None, None]),
        ("true,false,true,true", [None; 3]),
        ("not_supported,no_information,N/A,N/A", [None; 3]),
    ] {
        let report = report("true", &format!("{CREATED},{row}"));
        let vouched = scopes.map(|scope| report.vouches_for(&user("alice").user, scope));
        assert_eq!(vouched, expected, "{row}");
    }
}

#[test]
fn it_never_vouches_for_a_newer_user_of_the_name_or_one_it_does_not_know() {
    let alice = user("alice").user;
    for created in ["2019-12-31T23:59:59+00:00", "N/A", ""] {
        let report = report("true", &format!("{created},false,true,false,false"));
        assert_eq!(report.vouches_for(&alice, Scope::Console), None, "{created}");
    }
    let known = report("true", &format!("{CREATED},false,true,false,false"));
    assert_eq!(known.vouches_for(&user("bob").user, Scope::Console), None);
}
