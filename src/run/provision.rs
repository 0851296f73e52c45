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

/// How many names are tried for a new device. A name is taken only if an earlier answer was lost.
const NAMES: u32 = 3;

impl Run<'_> {
    /// Makes a new version and its device current. The order keeps the seed safe at every moment. The secret exists
    /// first: it records that work began. It is closed to all but its owner before it has a value. Nothing of an older
    /// version is deleted before the new version is current.
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
                // Only in memory: the invitation writes it.
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
            // The version may be current, and its device must then stay. The next run sees whether it is.
            Claim::Unclear(error) => return Err(error.into()),
            Claim::Lost => Halt::RaceLost,
            Claim::Failed(error) => error.into(),
        };
        // Nobody will ever have this device's seed. mfa-warden has to delete the device, so that unused ones do not
        // pile up.
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
            // The policy is put before there is a value. A secret without a value is made again.
            (tag::POLICY, owner_policy::fingerprint(&policy)),
        ];
        if used.is_positive() {
            tags.push((tag::GRACE_USED, used.to_string()));
        }
        // `SECRET_TAGS`: an organization may refuse a secret without them.
        let more = self.settings.secret_tags.iter().map(|(key, value)| (key.as_str(), value.clone()));
        tags.extend(more);
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

    /// Deletes a secret that somebody else may have prepared. If another run began it a moment ago and has since
    /// written its value, there is no doubt any more.
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

    /// Cancels a deletion that somebody scheduled. If AWS already carries it out, it cannot be canceled: the secret is
    /// then made again.
    async fn restore(&self, secret: Secret, facts: &UserFacts) -> Result<Secret, Halt> {
        if !secret.closing_notice_sent((self.clock)()) && self.call_off(&secret).await? {
            return Ok(secret);
        }
        self.create_secret(facts).await
    }

    /// Cancels the deletion of a secret. Returns `false` if AWS already carries it out.
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
