//! A new version of a secret and its device, in the order that keeps the seed safe.

use crate::aws::iam::Created;
use crate::aws::secrets::{Claim, Creation};
use crate::aws::{AwsError, Clients};
use crate::model::enrollment::{Doubt, SECRET_PREFIX, Secret, description, device_name};
use crate::model::facts::UserFacts;
use crate::model::failure::Failure;
use crate::model::record::tag;
use crate::model::seed::{Seed, secret_value};
use crate::model::text::rfc3339;
use crate::rules::owner_policy;
use crate::run::Run;
use crate::run::execute::Halt;
use jiff::Timestamp;

/// Names tried for a new device; a name is only ever taken when an answer was lost.
const NAMES: u32 = 3;

impl Run<'_> {
    /// Makes a new version and its device current. The order is what keeps the seed safe at every moment: the
    /// secret exists first (it is the record that work was begun), is closed to all but its owner before it has
    /// a value, and nothing of an older version goes before the new one has won.
    pub(super) async fn provision(
        &self,
        observed: Option<Secret>,
        doubt: Option<Doubt>,
        superseded: &[String],
        facts: &mut UserFacts,
    ) -> Result<(), Halt> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut secret = match (observed, doubt) {
            (None, _) => self.create_secret(facts).await?,
            (Some(secret), Some(doubt)) => {
                self.delete_doubtful(&secret, doubt).await?;
                self.create_secret(facts).await?
            }
            (Some(secret), None) if secret.scheduled_for_deletion => self.restore(secret, facts).await?,
            (Some(secret), None) => secret,
        };
        let policy = facts.owner_policy(self.settings);
        secrets.put_policy(secret.id(), &policy).await?;
        let fingerprint = owner_policy::fingerprint(&policy);

        let now = (self.clock)();
        let (version, serial_number, seed) = self.create_device(&facts.user.name, now).await?;
        let claim = match &seed {
            Some(seed) => {
                let value = secret_value(seed, self.account, &facts.user, &serial_number, now);
                secrets.claim(secret.id(), &version, secret.current_version.as_deref(), &value).await
            }
            None => Claim::Failed(AwsError::incomplete(
                format!("create the virtual MFA device {serial_number}"),
                "base32 seed",
            )),
        };
        drop(seed);
        let stop = match claim {
            Claim::Won => {
                secret.current_version = Some(version);
                secret.scheduled_for_deletion = false;
                // Written down with the invitation.
                secret.tags.insert(tag::POLICY.to_owned(), fingerprint);
                facts.secret = Some(secret);
                facts.version_is_new = true;
                facts.devices.push(serial_number);
                for serial_number in superseded {
                    iam.delete_virtual_mfa_device(serial_number).await?;
                    facts.devices.retain(|device| device != serial_number);
                }
                return Ok(());
            }
            // The version may be in force, and then its device must stay. The next run sees which.
            Claim::Unclear(error) => return Err(error.into()),
            Claim::Lost => Halt::RaceLost,
            Claim::Failed(error) => error.into(),
        };
        // Nobody will ever hold this device's seed: it must not pile up, and it is ours alone to delete.
        match (iam.delete_virtual_mfa_device(&serial_number).await, stop) {
            (Ok(()), stop) => Err(stop),
            (Err(error), Halt::Failed(cause)) => {
                Err(Halt::Failed(Failure::Both(Box::new(cause), Box::new(error.into()))))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn create_secret(&self, facts: &UserFacts) -> Result<Secret, Halt> {
        let used = self.memory.grace_used(&facts.user.id).await;
        let now = (self.clock)();
        let name = format!("{SECRET_PREFIX}{}", facts.user.id);
        let policy = facts.owner_policy(self.settings);
        let mut tags = vec![
            (tag::USER_ID, facts.user.id.clone()),
            (tag::NONCOMPLIANT_SINCE, rfc3339(now)),
            (tag::NOTICES, "0".to_owned()),
            // Put before there is a value; without one the secret is made anew.
            (tag::POLICY, owner_policy::fingerprint(&policy)),
        ];
        if used.is_positive() {
            tags.push((tag::GRACE_USED, used.to_string()));
        }
        let description = description(&facts.user.name);
        let kms_key_id = self.settings.secret_kms_key_id.as_deref();
        let created = self.clients.secrets.create(&name, &description, kms_key_id, &tags).await?;
        let Creation::Created { arn, version } = created else { return Err(Halt::SecretChanged) };
        Ok(Secret {
            arn,
            name,
            description,
            created_at: now,
            current_version: version,
            scheduled_for_deletion: false,
            tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            replicated: false,
            rotates: false,
            kms_key_id: kms_key_id.map(str::to_owned),
        })
    }

    /// Deletes a secret that somebody else may have prepared. Another run may have begun it a moment ago, and have written
    /// its value meanwhile: then there is nothing to doubt any more.
    async fn delete_doubtful(&self, secret: &Secret, doubt: Doubt) -> Result<(), Halt> {
        let secrets = &self.clients.secrets;
        if doubt == Doubt::NoValue {
            match secrets.describe(secret.id()).await? {
                Some(present) if present.current_version.is_some() => return Err(Halt::SecretChanged),
                Some(_) => {}
                None => return Ok(()),
            }
        }
        secrets.delete(secret.id()).await.map_err(|error| {
            Halt::Failed(Failure::Doubtful { secret: secret.name.clone(), doubt, failure: error.into() })
        })
    }

    /// Calls off a deletion that someone scheduled. One that is under way for good cannot be called off: then the secret
    /// is made anew.
    async fn restore(&self, secret: Secret, facts: &UserFacts) -> Result<Secret, Halt> {
        if !secret.closing_notice_sent((self.clock)()) && self.call_off(&secret).await? {
            return Ok(secret);
        }
        self.create_secret(facts).await
    }

    /// Calls off the deletion of a secret; whether it could be: not once it is under way for good.
    pub(super) async fn call_off(&self, secret: &Secret) -> Result<bool, Halt> {
        match self.clients.secrets.restore(secret.id()).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_invalid_request() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn put_policy(&self, facts: &mut UserFacts) -> Result<(), Halt> {
        let Some(secret) = &facts.secret else { return Ok(()) };
        let policy = facts.owner_policy(self.settings);
        self.clients.secrets.put_policy(secret.id(), &policy).await?;
        self.note(facts, vec![(tag::POLICY, owner_policy::fingerprint(&policy))]).await
    }

    async fn create_device(
        &self,
        user: &str,
        now: Timestamp,
    ) -> Result<(String, String, Option<Seed>), Halt> {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let time = uuid::Timestamp::from_unix_time(
            milliseconds / 1000,
            u32::try_from(milliseconds % 1000 * 1_000_000).unwrap_or_default(),
            0,
            0,
        );
        for _ in 0..NAMES {
            let version = uuid::Uuid::new_v7(time).to_string();
            let name = device_name(user, &version);
            if let Created::Device { serial_number, seed } =
                self.clients.iam.create_virtual_mfa_device(&name).await?
            {
                return Ok((version, serial_number, seed));
            }
        }
        Err(Halt::Failed(Failure::NamesTaken { user: user.to_owned(), names: NAMES }))
    }
}
