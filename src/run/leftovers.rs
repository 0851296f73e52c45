//! What is left of users that are gone.

use crate::aws::{AwsError, Clients};
use crate::model::action::{Action, Postponed};
use crate::model::enrollment::{Secret, user_of_device};
use crate::model::outcome::{Answer, Ending, Outcome};
use crate::model::text::shown;
use crate::model::user::is_user_name;
use crate::model::verdict::Status;
use crate::rules::ownership::{Belongings, names_of, take_version};
use crate::run::reconcile::lived;
use crate::run::{AT_ONCE, Run, Turn};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::collections::HashSet;
use tokio::time::Instant;

impl Run<'_> {
    /// Ends what belongs to no user: secrets by the unique id in their name, and unassigned devices of ours. What one
    /// complete listing of users lacks may have been renamed between two of its pages, and IAM cannot be asked for an id:
    /// a second complete listing, begun after the first had ended, has to lack it too.
    pub(super) async fn clear_away(&self, belongings: Belongings, answer: &mut Answer) {
        let now = (self.clock)();
        let Belongings { mut devices, secrets, .. } = belongings;
        if secrets.is_empty() && devices.values().all(Vec::is_empty) {
            return;
        }
        let listed = tokio::time::timeout_at(self.give_up_at, self.clients.iam.users()).await;
        let users = match listed {
            Ok(Ok(users)) => users,
            Ok(Err(error)) => {
                answer
                    .warnings
                    .push(format!("cannot tell what is left over from users that are gone: {error}"));
                return;
            }
            Err(_) => {
                answer
                    .warnings
                    .push("the deadline came before what is left over from users that are gone".to_owned());
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
                Ok(true) => leftovers.push(Leftover {
                    user: secret.user_name().to_owned(),
                    user_id,
                    reason: format!(
                        "there is no user with this id any more{}",
                        secret.seed_age(now).map_or(String::new(), lived)
                    ),
                    devices,
                    secret: Some(secret),
                }),
                Ok(false) => {}
                Err(error) => {
                    answer
                        .warnings
                        .push(format!("cannot tell whether the user of `{}` is gone: {error}", secret.name));
                }
            }
        }
        let mut nobodys: Vec<String> = devices.into_values().flatten().collect();
        nobodys.sort();
        leftovers.extend(nobodys.into_iter().map(|serial_number| Leftover {
            user: user_of_device(&serial_number).unwrap_or_default().to_owned(),
            user_id: String::new(),
            reason: format!("there is no such user, and its device {} is left over", shown(&serial_number)),
            devices: vec![serial_number],
            secret: None,
        }));
        let mut buried =
            stream::iter(leftovers).map(|leftover| self.bury(leftover)).buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = buried.next().await {
            answer.add(outcome, &done);
        }
    }

    /// Whether IAM counts no user either, before an empty listing ends all that there is.
    async fn has_no_user(&self, answer: &mut Answer) -> bool {
        let warning = match self.in_time("read the account summary", self.clients.iam.user_count()).await {
            Ok(Some(0)) => return true,
            Ok(count) => format!(
                "IAM lists no user, and counts {}: nothing was taken for left over",
                count.map_or("nobody knows how many".to_owned(), |count| count.to_string())
            ),
            Err(error) => {
                format!(
                    "IAM lists no user, and nobody knows whether there is none, so nothing was taken for left over: {error}"
                )
            }
        };
        answer.warnings.push(warning);
        false
    }

    /// Whether the user of a secret is gone, who is in no listing. While the secret is so young that the listing of
    /// users may lag behind its creation, IAM is asked for the user itself.
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

    /// Deletes what belongs to no one, the secret last: till then it shows that there is something left to do.
    async fn bury(&self, leftover: Leftover) -> Turn {
        let Clients { iam, secrets, .. } = self.clients;
        let Leftover { user, user_id, reason, secret, devices } = leftover;
        let delete = async || {
            for serial_number in &devices {
                iam.delete_virtual_mfa_device(serial_number).await?;
            }
            match &secret {
                Some(secret) => secrets.delete(secret.id()).await,
                None => Ok(()),
            }
        };
        let result = if Instant::now() >= self.stop_at {
            Ending::Deferred
        } else if self.dry_run {
            Ending::Planned
        } else {
            match tokio::time::timeout_at(self.give_up_at, Box::pin(delete())).await {
                Ok(Ok(())) => Ending::Done,
                Ok(Err(error)) => Ending::Failed(error.to_string()),
                Err(_) => Ending::Deferred,
            }
        };
        let done = match (&result, secret) {
            (Ending::Done | Ending::Planned, Some(secret)) => {
                vec![Action::Close { secret: secret.name, policies: Vec::new(), devices, farewell: None }]
            }
            (Ending::Done | Ending::Planned, None) => {
                devices.into_iter().map(|serial_number| Action::DeleteDevice { serial_number }).collect()
            }
            _ => Vec::new(),
        };
        let user = shown(&user);
        tracing::info!(user, user_id, reason, result = ?result, "left over from `{user}`");
        let postponed = (result == Ending::Deferred).then_some(Postponed::Deadline);
        let outcome = Outcome::new(&user, &user_id, Status::NotApplicable, reason, &done, result);
        (Outcome { postponed, ..outcome }, done)
    }
}

/// What is left of a user that is gone.
struct Leftover {
    user: String,
    user_id: String,
    reason: String,
    secret: Option<Secret>,
    devices: Vec<String>,
}
