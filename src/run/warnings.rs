//! What a person should know beyond single users.

use crate::aws::AwsError;
use crate::model::account::Root;
use crate::model::enrollment::SECRET_PREFIX;
use crate::model::outcome::Answer;
use crate::model::text::shown;
use crate::model::user::is_unique_id;
use std::collections::HashSet;

/// Names of others' secrets in one warning.
pub(super) const NAMED: usize = 5;

pub(super) fn warn_of_others(foreign: &HashSet<String>, answer: &mut Answer) {
    if foreign.is_empty() {
        return;
    }
    // Those that a user's secret would be named like first: they stand in the way.
    let mut names: Vec<&String> = foreign.iter().collect();
    names.sort_by_key(|name| (!is_unique_id(name), name.as_str()));
    let named: Vec<String> =
        names.iter().take(NAMED).map(|name| shown(&format!("{SECRET_PREFIX}{name}"))).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    answer.warnings.push(format!(
        "secrets that mfa-warden did not make bear its prefix and are left alone (each of its own is named after a user's \
         unique id and has a tag that says the same): {}{more}",
        named.join(", ")
    ));
}

pub(super) fn warn_of_attachments(error: &AwsError, answer: &mut Answer) {
    answer.warnings.push(format!(
        "cannot tell whom our policies are attached to, so that none is attached or detached: {error}"
    ));
}

pub(super) fn warn_of_root(root: Result<Root, AwsError>, reported_mfa: Option<bool>, answer: &mut Answer) {
    const NO_MFA: &str = "the root user has a password and no MFA: sign in as root and assign an MFA device, or \
                          remove its credentials by central root access";
    match (root, reported_mfa) {
        (Ok(Root { mfa: false, password: true }), _) | (Err(_), Some(false)) => {
            answer.warnings.push(NO_MFA.to_owned());
        }
        (Ok(_), _) | (Err(_), Some(true)) => {}
        (Err(error), None) => {
            answer.warnings.push(format!("cannot tell whether the root user has MFA: {error}"));
        }
    }
}
