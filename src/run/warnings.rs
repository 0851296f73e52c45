//! Warnings about the account, beyond single users.

use crate::aws::AwsError;
use crate::model::account::Root;
use crate::model::enrollment::SECRET_PREFIX;
use crate::model::outcome::Answer;
use crate::model::user::is_unique_id;
use crate::model::warning::Warning;
use crate::run::Run;
use std::collections::HashSet;

/// How many foreign secrets one warning names.
const NAMED: usize = 5;

pub(super) fn warn_of_others(foreign: &HashSet<String>, answer: &mut Answer) {
    if foreign.is_empty() {
        return;
    }
    // Names that a user's secret would need come first: these secrets block an enrollment.
    let mut names: Vec<&String> = foreign.iter().collect();
    names.sort_by_key(|name| (!is_unique_id(name), name.as_str()));
    let named: Vec<String> = names.iter().take(NAMED).map(|name| format!("{SECRET_PREFIX}{name}")).collect();
    answer.warnings.push(Warning::ForeignSecrets { more: names.len() - named.len(), named });
}

pub(super) fn warn_of_attachments(error: AwsError, answer: &mut Answer) {
    answer.warnings.push(Warning::Attachments(error.into()));
}

impl Run<'_> {
    /// What is known of the root user; `None`: the account has none.
    pub(super) async fn root(&self) -> Option<Result<Root, AwsError>> {
        if !self.account.has_root_user() {
            return None;
        }
        Some(self.in_time("read the account summary", self.clients.iam.root()).await)
    }
}

pub(super) fn warn_of_root(root: Result<Root, AwsError>, reported_mfa: Option<bool>, answer: &mut Answer) {
    match (root, reported_mfa) {
        (Ok(Root { mfa: false, password: true }), _) | (Err(_), Some(false)) => {
            answer.warnings.push(Warning::RootWithoutMfa);
        }
        (Ok(_), _) | (Err(_), Some(true)) => {}
        (Err(error), None) => answer.warnings.push(Warning::Root(error.into())),
    }
}
