//! What the credential report vouches for.

use mfa_warden::rules::credential_report::CredentialReport;

#[test]
fn a_report_with_other_columns_is_unreadable() {
    let error = CredentialReport::parse(b"user,arn\nalice,x\n").unwrap_err().to_string();
    assert_eq!(error, "failed to read the credential report: it has no column `user_creation_time`");
}
