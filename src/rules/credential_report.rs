//! What the credential report may vouch for. One call covers every user, with data up to four hours old.

use crate::model::failure::{Failure, Unreadable};
use crate::model::settings::Scope;
use crate::model::user::User;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;

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
    /// Whether the root user has MFA; `None`: the report has no row for it.
    pub root_mfa: Option<bool>,
}

/// The columns of a row that are used. Some of them tie the row to one user and not to another of the same name.
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
    /// Reads the report's CSV. A malformed row vouches for nobody, so it costs only a closer look at one user.
    ///
    /// # Errors
    /// If the header cannot be read or lacks a column that is used.
    pub fn parse(content: &[u8]) -> Result<Self, Unreadable> {
        let mut report = CredentialReport::default();
        let mut reader = csv::Reader::from_reader(content);
        let unreadable = |error: String| Unreadable(Failure::Report(error));
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

    /// What the report vouches for. ARN and creation time must match, so that a new user never profits from the MFA of an
    /// older user of the same name. The report never counts against a user.
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
