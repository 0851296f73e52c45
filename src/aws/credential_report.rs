//! The credential report: one call's worth of evidence on every user, up to four hours old.

use super::AwsError;
use super::iam::Iam;
use crate::config::Scope;
use crate::facts::{Unreadable, User};
use aws_sdk_iam::types::ReportStateType;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;

/// Pauses between two looks at a report in the making, in seconds: a minute in all. Each look is a call, so that they
/// are few.
const PAUSES: [u64; 5] = [2, 5, 10, 18, 25];

/// How the report names the root user.
const ROOT: &str = "<root_account>";

/// The columns that are used.
const COLUMNS: [&str; 7] = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "mfa_active",
    "access_key_1_active",
    "access_key_2_active",
];

/// The parsed report.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CredentialReport {
    rows: HashMap<String, Row>,
    /// Whether the root user has MFA; `None`: the report has no row of it.
    pub root_mfa: Option<bool>,
}

/// What a row says that is used, and what ties it to one user and not to another of the same name.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Row {
    user: String,
    arn: String,
    user_creation_time: String,
    password_enabled: String,
    mfa_active: String,
    access_key_1_active: String,
    access_key_2_active: String,
}

/// What the report vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// The user has MFA.
    Mfa,
    /// The user is outside the scope.
    OutOfScope,
}

impl CredentialReport {
    /// Reads the report's CSV. A row that does not fit vouches for nobody, so that one odd row costs no more than
    /// a closer look at one user.
    ///
    /// # Errors
    /// When the columns are not those that AWS documents.
    pub fn parse(content: &[u8]) -> Result<Self, Unreadable> {
        let mut report = CredentialReport::default();
        let mut reader = csv::Reader::from_reader(content);
        let unreadable = |error: String| Unreadable(format!("failed to read the credential report: {error}"));
        let columns = reader.headers().map_err(|error| unreadable(error.to_string()))?.clone();
        if let Some(missing) = COLUMNS.iter().find(|name| !columns.iter().any(|column| column == **name)) {
            return Err(unreadable(format!("it has no column `{missing}`")));
        }
        for row in reader.deserialize::<Row>().flatten() {
            if row.user == ROOT {
                report.root_mfa = Some(is_true(&row.mfa_active));
            } else {
                report.rows.insert(row.arn.clone(), row);
            }
        }
        Ok(report)
    }

    /// What the report says in favour of `user`. It vouches only for the very same user (ARN and creation
    /// time), so that a new user under an old name never lives on the old one's MFA; and it never condemns.
    pub fn vouches_for(&self, user: &User, scope: Scope) -> Option<Vouched> {
        let row = self.rows.get(&user.arn)?;
        let created_at: Timestamp = row.user_creation_time.parse().ok()?;
        if created_at.as_second() != user.created_at.as_second() {
            return None;
        }
        if is_true(&row.mfa_active) {
            return Some(Vouched::Mfa);
        }
        let no_password = is_false(&row.password_enabled);
        let no_key = is_false(&row.access_key_1_active) && is_false(&row.access_key_2_active);
        let out = match scope {
            Scope::Console => no_password,
            Scope::Credentials => no_password && no_key,
            Scope::All => false,
        };
        out.then_some(Vouched::OutOfScope)
    }
}

fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

fn is_false(text: &str) -> bool {
    text.eq_ignore_ascii_case("false")
}

impl Iam {
    /// Has the report made, waits for it and reads it. AWS makes a new one every four hours at most and hands
    /// out the last one in between.
    ///
    /// # Errors
    /// When there is none to be had within about a minute, or it cannot be read.
    pub async fn credential_report(&self) -> Result<CredentialReport, Unreadable> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let answer = self.0.generate_credential_report().send().await;
            let answer = answer.map_err(|error| AwsError::new("have the credential report made", error))?;
            if answer.state == Some(ReportStateType::Complete) {
                break;
            }
            let Some(seconds) = pauses.next() else {
                let waited: u64 = PAUSES.iter().sum();
                return Err(Unreadable(format!(
                    "the credential report was not ready after {waited} seconds"
                )));
            };
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        let answer = self.0.get_credential_report().send().await;
        let answer = answer.map_err(|error| AwsError::new("read the credential report", error))?;
        let content =
            answer.content.ok_or_else(|| AwsError::incomplete("read the credential report", "content"))?;
        CredentialReport::parse(content.as_ref())
    }
}
