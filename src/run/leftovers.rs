//! Secrets and devices that deleted users left.

use crate::aws::AwsError;
use crate::model::enrollment::Secret;
use crate::model::facts::UserFacts;
use crate::model::failure::Failure;
use crate::model::outcome::Answer;
use crate::model::user::is_user_name;
use crate::model::warning::Warning;
use crate::rules::ownership::{Ownership, names_of, take_version};
use crate::run::{AT_ONCE, Run, Subject};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::collections::HashSet;

/// The most devices of a deleted user in one turn.
const DEVICES: usize = 10;

impl Run<'_> {
    /// Removes what belongs to no user: secrets, by the unique id in their name, and mfa-warden's unassigned devices.
    /// One complete listing may miss a user that was renamed between two pages, and IAM cannot look up a unique id. So
    /// a second complete listing, begun after the first ended, must miss the user too.
    pub(super) async fn remove_leftovers(&self, ownership: Ownership, answer: &mut Answer) {
        let now = (self.clock)();
        let Ownership { mut devices, secrets, .. } = ownership;
        if secrets.is_empty() && devices.values().all(Vec::is_empty) {
            return;
        }
        let listed = tokio::time::timeout_at(self.give_up_at, self.clients.iam.users()).await;
        let users = match listed {
            Ok(Ok(users)) => users,
            Ok(Err(error)) => {
                answer.warnings.push(Warning::Leftovers(error.into()));
                return;
            }
            Err(_) => {
                answer
                    .warnings
                    .push(Warning::Leftovers(Failure::Deadline("the cleanup after deleted users")));
                return;
            }
        };
        if users.is_empty() && !self.has_no_user(answer).await {
            return;
        }
        let ids: HashSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let present = names_of(&users);
        devices.retain(|user, _| !present.contains(user));
        let mut leftovers = Vec::new();
        for (user_id, secret) in secrets {
            let devices = take_version(&mut devices, secret.current_version.as_deref(), &present);
            if ids.contains(user_id.as_str()) {
                continue;
            }
            match self.in_time("read the user of a secret", self.is_gone(&user_id, &secret, now)).await {
                Ok(true) => leftovers.push(UserFacts::gone(&user_id, Some(secret), devices)),
                Ok(false) => {}
                Err(error) => {
                    answer
                        .warnings
                        .push(Warning::UserOfSecret { secret: secret.name, failure: error.into() });
                }
            }
        }
        for mut unowned in devices.into_values().filter(|devices| !devices.is_empty()) {
            // Shuffled, so that a device that cannot be deleted does not block the others forever. Split, so that turns
            // are short.
            fastrand::shuffle(&mut unowned);
            leftovers
                .extend(unowned.chunks(DEVICES).map(|devices| UserFacts::gone("", None, devices.to_vec())));
        }
        let mut turns = stream::iter(leftovers)
            .map(|leftover| self.reconcile_user(Subject::Gone(leftover)))
            .buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = turns.next().await {
            answer.users.add(outcome.verdict);
            answer.add(outcome, &done);
        }
    }

    /// Whether IAM's account summary counts no user either. An empty listing alone must not delete everything.
    async fn has_no_user(&self, answer: &mut Answer) -> bool {
        let warning = match self.in_time("read the account summary", self.clients.iam.user_count()).await {
            Ok(Some(0)) => return true,
            Ok(count) => Warning::NoUserListed(count),
            Err(error) => Warning::UserCount(error.into()),
        };
        answer.warnings.push(warning);
        false
    }

    /// Whether the user of a secret is gone, after no listing shows it. The listing of users may lag behind a young
    /// secret: the function then asks IAM for the user itself.
    async fn is_gone(&self, user_id: &str, secret: &Secret, now: Timestamp) -> Result<bool, AwsError> {
        if now.duration_since(secret.created_at) > self.settings.settle {
            return Ok(true);
        }
        if !is_user_name(secret.user_name()) {
            return Ok(false);
        }
        let found = self.clients.iam.user(secret.user_name()).await?;
        Ok(found.is_none_or(|(user, _)| user.id != user_id))
    }
}
