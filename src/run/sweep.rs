//! A sweep: every user of the account.

use crate::aws::{AwsError, Clients};
use crate::model::failure::{Failure, Unreadable};
use crate::model::known::Known;
use crate::model::outcome::{Answer, RunKind};
use crate::model::user::Attached;
use crate::model::verdict::Status;
use crate::model::warning::Warning;
use crate::rules::credential_report::{CredentialReport, Vouched};
use crate::rules::ownership::{DevicesWithoutSecret, Ownership, names_of};
use crate::run::warnings::{warn_of_attachments, warn_of_others, warn_of_root};
use crate::run::{AT_ONCE, Candidate, Run, Subject};
use futures_util::{StreamExt, stream};
use std::collections::HashSet;

impl Run<'_> {
    /// Looks at every user of the account.
    ///
    /// # Errors
    /// When users, devices or secrets cannot be listed. Nothing was changed then.
    pub async fn sweep(&self) -> Result<Answer, AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut answer = Answer::new(RunKind::Sweep, self.dry_run, &self.account.id);
        // Devices and secrets are listed before users: those of a new user then never seem to belong to nobody.
        let listing = self.in_time("list the account", async {
            let (devices, secrets) = futures_util::try_join!(iam.virtual_mfa_devices(false), secrets.list())?;
            Ok((devices, secrets, iam.users().await?))
        });
        let report = async {
            let waited = tokio::time::timeout_at(self.stop_at, iam.credential_report()).await;
            match waited {
                Ok(Ok(content)) => CredentialReport::parse(&content),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(Unreadable(Failure::Deadline("the credential report"))),
            }
        };
        // If the report says that the root user has MFA, no call is needed.
        let report_and_root = async {
            let report: Result<CredentialReport, Unreadable> = report.await;
            let is_covered = report.as_ref().is_ok_and(|report| report.root_mfa == Some(true));
            Ok((report, if is_covered { None } else { self.root().await }))
        };
        let attachments =
            async { Ok(self.in_time("list the users with mfa-warden's policies", self.attachments()).await) };
        let ((devices, secrets, users), (report, root), attachments) =
            futures_util::try_join!(listing, report_and_root, attachments)?;
        let report = report.unwrap_or_else(|unreadable| {
            answer.warnings.push(Warning::NoReport(unreadable.0));
            CredentialReport::default()
        });
        if let Some(root) = root {
            warn_of_root(root, report.root_mfa, &mut answer);
        }
        let attachments = attachments.map_err(|error| warn_of_attachments(error, &mut answer));

        let enrolled: HashSet<&str> =
            devices.iter().filter_map(|device| device.assigned_to.as_deref()).collect();
        let mut ownership = Ownership::new(&devices, secrets);
        warn_of_others(&ownership.foreign, &mut answer);
        let found = DevicesWithoutSecret::among(&devices, &ownership.secrets, &users);
        self.devices_without_secret.get_or_init(|| found);
        let present = names_of(&users);
        let mut suspects = Vec::new();
        for user in users {
            let secret = ownership.secrets.remove(&user.id);
            let foreign_secret = ownership.foreign.contains(&user.id);
            let devices = ownership.devices_of(&user, secret.as_ref(), &present);
            let attached: Known<Attached> =
                attachments.as_ref().map(|attachments| attachments.of(&user.id)).into();
            let ours = secret.is_some()
                || !devices.is_empty()
                || attached.is_and(|attached| *attached != Attached::default());
            let enrolled = enrolled.contains(user.arn.as_str());
            let vouched =
                if enrolled { Some(Vouched::Mfa) } else { report.vouches_for(&user, self.settings.scope) };
            match vouched {
                Some(Vouched::Mfa) if !ours => answer.users.add(Status::Compliant),
                Some(Vouched::OutOfScope) if !ours => answer.users.add(Status::NotApplicable),
                _ => {
                    suspects.push(Candidate {
                        user,
                        tags: None,
                        secret,
                        foreign_secret,
                        secret_is_fresh: false,
                        devices,
                        attached,
                        enrolled,
                    });
                }
            }
        }
        self.progress.begin(suspects.len());
        tracing::info!(settled = answer.users.total, suspects = suspects.len(), "account listed");
        // Shuffled, so that users that always fail do not keep others from their turn when time is short.
        fastrand::shuffle(&mut suspects);
        let mut turns = stream::iter(suspects)
            .map(|candidate| self.reconcile_user(Subject::Present(candidate)))
            .buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = turns.next().await {
            self.progress.next();
            answer.users.add(outcome.verdict);
            answer.add(outcome, &done);
        }
        self.remove_leftovers(ownership, &mut answer).await;
        self.conclude(&mut answer).await;
        answer.outcomes.sort_by(|a, b| a.user.cmp(&b.user));
        Ok(answer)
    }
}
