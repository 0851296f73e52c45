//! A check: one user.

use crate::aws::{AwsError, Clients};
use crate::model::outcome::Answer;
use crate::model::text::shown;
use crate::rules::ownership::{Belongings, names_of};
use crate::run::warnings::{warn_of_attachments, warn_of_others, warn_of_root};
use crate::run::{Candidate, Run};
use std::collections::HashSet;

impl Run<'_> {
    /// Looks at one user.
    ///
    /// # Errors
    /// When AWS does not say whether there is such a user, or what it has; nothing was changed then.
    pub async fn check(&self, name: &str) -> Result<Answer, AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut answer = Answer::new("check", self.dry_run, &self.account.id);
        let reading = self.in_time("read the user", async {
            let devices = iam.virtual_mfa_devices(true).await?;
            let (found, root) = futures_util::join!(iam.user(name), iam.root());
            Ok((devices, found, root))
        });
        let (devices, found, root) = reading.await?;
        warn_of_root(root, None, &mut answer);
        let Some((user, tags)) = found? else {
            // Only complete listings tell what belongs to no one.
            let listing =
                self.in_time("list the account", async { Ok((secrets.list().await?, iam.users().await?)) });
            let (secrets, users) = listing.await?;
            let mut belongings = Belongings::new(&devices, secrets);
            warn_of_others(&belongings.foreign, &mut answer);
            let present = names_of(&users);
            for user in users {
                let secret = belongings.secrets.remove(&user.id);
                belongings.devices_of(&user, secret.as_ref(), &present);
            }
            answer.warnings.push(format!("there is no IAM user `{}`", shown(name)));
            self.clear_away(belongings, &mut answer).await;
            return Ok(answer);
        };
        let attached = self.in_time("list the attached policies", self.attached(&user)).await;
        let attached = attached.map_err(|error| warn_of_attachments(&error, &mut answer)).ok();
        let (secret, foreign_secret) = self.in_time("describe the secret", self.describe(&user)).await?;
        if foreign_secret {
            warn_of_others(&[user.id.clone()].into(), &mut answer);
        }
        let mut belongings = Belongings::new(&devices, Vec::new());
        let mut present = HashSet::new();
        for former in belongings.former_names(&user, secret.as_ref()) {
            let found = self.in_time("read the user that a device is named after", iam.user(&former)).await?;
            if found.is_some() {
                present.insert(former);
            }
        }
        let devices = belongings.devices_of(&user, secret.as_ref(), &present);
        let candidate = Candidate {
            user,
            tags: Some(tags),
            secret,
            foreign_secret,
            secret_is_fresh: true,
            devices,
            attached,
            enrolled: false,
        };
        let (outcome, done) = self.turn(candidate).await;
        answer.users.add(outcome.verdict);
        answer.add(outcome, &done);
        self.conclude(&mut answer);
        Ok(answer)
    }
}
