//! Whatever the credential report holds, it vouches for nobody it does not name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_warden::model::settings::Scope;
use mfa_warden::model::user::User;
use mfa_warden::rules::credential_report::CredentialReport;

fuzz_target!(|content: &[u8]| {
    let Ok(report) = CredentialReport::parse(content) else { return };
    let arn = "arn:aws:iam::123456789012:user/alice";
    let created_at = "2026-01-01T00:00:00Z".parse().expect("a time");
    let alice = User { name: "alice".to_owned(), id: "AIDA".to_owned(), arn: arn.to_owned(), created_at };
    let named = content.windows(arn.len()).any(|window| window == arn.as_bytes());
    for scope in [Scope::Console, Scope::Credentials, Scope::All] {
        assert!(named || report.vouches_for(&alice, scope).is_none());
    }
});
