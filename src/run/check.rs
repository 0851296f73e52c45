//! A check: one user.

use crate::aws::{AwsError, Clients};
use crate::model::failure::Unreadable;
use crate::model::known::Known;
use crate::model::outcome::{Answer, RunKind};
use crate::model::user::Device;
use crate::model::verdict::Status;
use crate::model::warning::Warning;
use crate::rules::explain::{Explanation, explain};
use crate::rules::judge::judge;
use crate::rules::ownership::{DevicesWithoutSecret, Ownership, names_of};
use crate::rules::plan::Question;
use crate::run::warnings::{warn_of_attachments, warn_of_others, warn_of_root};
use crate::run::{Candidate, Run, Subject};
use std::collections::HashSet;

impl Run<'_> {
    /// Looks at one user.
    ///
    /// # Errors
    /// When AWS does not tell whether the user exists, or what it has. Nothing was changed then.
    pub async fn check(&self, name: &str) -> Result<Answer, AwsError> {
        let mut answer = Answer::new(RunKind::Check(name.to_owned()), self.dry_run, &self.account.id);
        let candidate = match self.look_up(name, &mut answer).await? {
            Found::User(candidate) => candidate,
            Found::Nobody(devices) => {
                self.check_nobody(name, &devices, &mut answer).await?;
                return Ok(answer);
            }
        };
        let (outcome, done) = self.reconcile_user(Subject::Present(*candidate)).await;
        answer.users.add(outcome.verdict);
        answer.add(outcome, &done);
        self.conclude(&mut answer).await;
        Ok(answer)
    }

    /// Explains what the function does for a user, why, and what would change that (`None`: the user does not exist).
    /// Changes nothing.
    ///
    /// # Errors
    /// When AWS does not tell whether the user exists, or what it has.
    pub async fn explain(&self, name: &str) -> Result<Option<(Explanation, Vec<Warning>)>, Unreadable> {
        let mut answer = Answer::new(RunKind::Check(name.to_owned()), true, &self.account.id);
        let Found::User(candidate) = self.look_up(name, &mut answer).await? else { return Ok(None) };
        let now = (self.clock)();
        let mut facts = self.observe(*candidate).await?;
        let verdict = judge(&Ok(facts.clone()), self.settings.scope, now);
        self.plan(&mut facts, &verdict, now).await?;
        // A help desk needs these answers, even if the plan does not.
        if verdict.status == Status::NonCompliant && facts.delivery == Known::NotAsked {
            self.learn(Question::Delivery, &mut facts, now).await?;
        }
        if verdict.status == Status::NonCompliant
            && facts.blockers == Known::NotAsked
            && self.settings.preflight
        {
            self.learn(Question::Blockers, &mut facts, now).await?;
        }
        self.conclude(&mut answer).await;
        // Warnings about the root user do not concern this user.
        let is_of_user = |warning: &Warning| !matches!(warning, Warning::RootWithoutMfa | Warning::Root(_));
        answer.warnings.retain(is_of_user);
        Ok(Some((explain(facts, self.settings, now), answer.warnings)))
    }

    /// The user, with its tags, secret, devices and attached policies.
    async fn look_up(&self, name: &str, answer: &mut Answer) -> Result<Found, AwsError> {
        let Clients { iam, .. } = self.clients;
        let reading = self.in_time("read the user", async {
            let devices = iam.virtual_mfa_devices(true).await?;
            let (found, root) = futures_util::join!(iam.user(name), self.root());
            Ok((devices, found, root))
        });
        let (devices, found, root) = reading.await?;
        if let Some(root) = root {
            warn_of_root(root, None, answer);
        }
        let Some((user, tags)) = found? else { return Ok(Found::Nobody(devices)) };
        let attached = self.in_time("list the attached policies", self.attached(&user)).await;
        let attached = attached.map_err(|error| warn_of_attachments(error, answer)).into();
        let (secret, foreign_secret) = self.in_time("describe the secret", self.describe(&user)).await?;
        if foreign_secret {
            warn_of_others(&[user.id.clone()].into(), answer);
        }
        let mut ownership = Ownership::new(&devices, Vec::new());
        let mut present = HashSet::new();
        for former in ownership.former_names(&user, secret.as_ref()) {
            let found = self.in_time("read the user that a device is named after", iam.user(&former)).await?;
            if found.is_some() {
                present.insert(former);
            }
        }
        let devices = ownership.devices_of(&user, secret.as_ref(), &present);
        let found = DevicesWithoutSecret::of_user(&devices, secret.is_some());
        self.devices_without_secret.get_or_init(|| found);
        Ok(Found::User(Box::new(Candidate {
            user,
            tags: Some(tags),
            secret,
            foreign_secret,
            secret_is_fresh: true,
            devices,
            attached,
            enrolled: false,
        })))
    }

    /// Removes what a deleted user left. Only complete listings show what belongs to nobody.
    async fn check_nobody(
        &self,
        name: &str,
        devices: &[Device],
        answer: &mut Answer,
    ) -> Result<(), AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let listing =
            self.in_time("list the account", async { Ok((secrets.list().await?, iam.users().await?)) });
        let (secrets, users) = listing.await?;
        let mut ownership = Ownership::new(devices, secrets);
        warn_of_others(&ownership.foreign, answer);
        let present = names_of(&users);
        for user in users {
            let secret = ownership.secrets.remove(&user.id);
            ownership.devices_of(&user, secret.as_ref(), &present);
        }
        answer.warnings.push(Warning::NoSuchUser(name.to_owned()));
        self.remove_leftovers(ownership, answer).await;
        Ok(())
    }
}

/// What a check found.
enum Found {
    /// The user.
    User(Box<Candidate>),
    /// No user of that name. These are the account's unassigned devices.
    Nobody(Vec<Device>),
}
