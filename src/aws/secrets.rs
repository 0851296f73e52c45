//! Secrets Manager: the owner's secret. The function writes its value and never reads it.

use super::again::ask_again;
use super::{AwsError, Page, all_pages, timestamp};
use crate::model::arn::Arn;
use crate::model::enrollment::{SECRET_PREFIX, Secret};
use crate::model::seed::SecretValue;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::put_resource_policy::PutResourcePolicyError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::UpdateSecretVersionStageError;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use std::collections::{BTreeMap, HashMap};

/// The most secrets that `ListSecrets` returns on one page.
const PAGE: i32 = 100;

/// The version stage of the current version.
const CURRENT: &str = "AWSCURRENT";

/// The version stage of a new version, so that the write alone does not make it current.
const PENDING: &str = "WARDEN_PENDING";

/// Pauses, in milliseconds, while a secret of the same name is being deleted: AWS takes one to four seconds.
const DELETION_PAUSES: [u64; 4] = [1000, 2000, 3000, 4000];

/// Pauses between attempts to put a policy that names a new user, in milliseconds.
const POLICY_PAUSES: [u64; 4] = [1000, 2000, 4000, 8000];

/// The Secrets Manager client. Calls that change a secret take its id ([`Secret::id`]). It is the ARN of the secret
/// that was read, so that no call changes a later secret of the same name.
#[derive(Debug, Clone)]
pub struct Secrets(pub aws_sdk_secretsmanager::Client);

/// The result of creating a secret.
pub enum Creation {
    /// The secret exists now. Without a value it has no version, except in an emulator.
    Created {
        /// Its ARN, which no earlier secret of that name had.
        arn: Option<String>,
        /// The version that the answer named.
        version: Option<String>,
    },
    /// The secret existed already, but the listing did not show it yet.
    Exists,
}

/// The result of claiming `AWSCURRENT` for a new version.
pub enum Claim {
    /// The new version is current.
    Won,
    /// Another run was faster; the new version is not current and will never be.
    Lost,
    /// The call failed, and a read then showed that the new version is not current.
    Failed(AwsError),
    /// The call failed, and whether the new version is current could not be read.
    Unclear(AwsError),
}

impl Secrets {
    /// All secrets under [`SECRET_PREFIX`], mfa-warden's and others', including those scheduled for deletion. The
    /// listing may lag by minutes, and does not show whether a secret has replicas.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn list(&self) -> Result<Vec<Secret>, AwsError> {
        let attempted = "list the secrets";
        let listed = all_pages(attempted, async |token| {
            let filter = Filter::builder().key(FilterNameStringType::Name).values(SECRET_PREFIX).build();
            let request = self.0.list_secrets().filters(filter).include_planned_deletion(true);
            let answer = request.max_results(PAGE).set_next_token(token).send().await;
            let answer = answer.map_err(|error| AwsError::new(attempted, error))?;
            Ok(Page::of_token(answer.secret_list.unwrap_or_default(), answer.next_token))
        });
        let mut secrets = Vec::new();
        for entry in listed.await? {
            // The filter matches prefixes of words and ignores case, so the name is checked here.
            let Some(name) = entry.name.filter(|name| name.starts_with(SECRET_PREFIX)) else {
                continue;
            };
            let created_at = entry.created_date.as_ref().and_then(timestamp);
            secrets.push(Secret {
                created_at: created_at.ok_or_else(|| AwsError::incomplete(attempted, "creation time"))?,
                current_version: current(entry.secret_versions_to_stages),
                scheduled_for_deletion: entry.deleted_date.is_some(),
                tags: tags(entry.tags),
                description: entry.description.unwrap_or_default(),
                replicated: self.is_elsewhere(entry.primary_region.as_deref()),
                rotates: entry.rotation_enabled == Some(true),
                kms_key_id: entry.kms_key_id,
                arn: entry.arn,
                name,
            });
        }
        Ok(secrets)
    }

    /// Whether a secret is a replica: its primary is in another region.
    fn is_elsewhere(&self, primary_region: Option<&str>) -> bool {
        let here = self.0.config().region().map(AsRef::as_ref);
        primary_region.is_some_and(|primary| !primary.is_empty() && Some(primary) != here)
    }

    /// The secret of that name or ARN as it is now; `None`: there is no such secret.
    ///
    /// # Errors
    /// When AWS gives no usable answer.
    pub async fn describe(&self, id: &str) -> Result<Option<Secret>, AwsError> {
        let attempted = || format!("describe the secret `{}`", name_of(id));
        match self.0.describe_secret().secret_id(id).send().await {
            Ok(answer) => {
                let created_at = answer.created_date.as_ref().and_then(timestamp);
                Ok(Some(Secret {
                    name: name_of(id).to_owned(),
                    description: answer.description.unwrap_or_default(),
                    created_at: created_at
                        .ok_or_else(|| AwsError::incomplete(attempted(), "creation time"))?,
                    current_version: current(answer.version_ids_to_stages),
                    scheduled_for_deletion: answer.deleted_date.is_some(),
                    replicated: answer.replication_status.is_some_and(|replicas| !replicas.is_empty())
                        || self.is_elsewhere(answer.primary_region.as_deref()),
                    rotates: answer.rotation_enabled == Some(true),
                    kms_key_id: answer.kms_key_id,
                    arn: answer.arn,
                    tags: tags(answer.tags),
                }))
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(AwsError::new(attempted(), error)),
        }
    }

    /// Creates the secret without a value, so that its policy can be in place before the value. While a secret of that
    /// name is still being deleted, tries again for a while.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn create(
        &self,
        name: &str,
        description: &str,
        kms_key_id: Option<&str>,
        tags: &[(&str, String)],
    ) -> Result<Creation, AwsError> {
        let request = self
            .0
            .create_secret()
            .name(name)
            .description(description)
            .set_kms_key_id(kms_key_id.map(str::to_owned))
            .set_tags(Some(tag_list(tags)));
        // "You can't create this secret because a secret with this name is already scheduled for deletion."
        let is_being_deleted = |error: &SdkError<CreateSecretError, _>| {
            error.as_service_error().is_some_and(CreateSecretError::is_invalid_request_exception)
        };
        let ask = async || request.clone().send().await;
        let is_final = |answer: &Result<_, _>| !answer.as_ref().is_err_and(is_being_deleted);
        match ask_again(&DELETION_PAUSES, ask, is_final).await {
            Ok(answer) => Ok(Creation::Created { arn: answer.arn, version: answer.version_id }),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_exists_exception()) => {
                Ok(Creation::Exists)
            }
            Err(error) => Err(AwsError::new(format!("create the secret `{name}`"), error)),
        }
    }

    /// Cancels a deletion that somebody scheduled.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn restore(&self, id: &str) -> Result<(), AwsError> {
        let answer = self.0.restore_secret().secret_id(id).send().await;
        answer
            .map(|_| ())
            .map_err(|error| AwsError::new(format!("restore the secret `{}`", name_of(id)), error))
    }

    /// Closes the secret to everyone but its owner (the policy of `rules::owner_policy`). AWS may not know a new user
    /// as a principal yet, so this refusal is retried for a while.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn put_policy(&self, id: &str, policy: &str) -> Result<(), AwsError> {
        let request =
            self.0.put_resource_policy().secret_id(id).resource_policy(policy).block_public_policy(true);
        let is_principal_unknown = |error: &SdkError<PutResourcePolicyError, _>| {
            error
                .as_service_error()
                .is_some_and(PutResourcePolicyError::is_malformed_policy_document_exception)
        };
        let ask = async || request.clone().send().await;
        let is_final = |answer: &Result<_, _>| !answer.as_ref().is_err_and(is_principal_unknown);
        let answer = ask_again(&POLICY_PAUSES, ask, is_final).await;
        let attempted = || format!("put the owner's policy on the secret `{}`", name_of(id));
        answer.map(|_| ()).map_err(|error| AwsError::new(attempted(), error))
    }

    /// Writes the value as `version`, and makes it current if `observed` is still current (`None`: if no version is).
    /// This is a compare-and-swap. The write alone makes a secret's first version current, and the answer shows that.
    pub async fn claim(&self, id: &str, version: &str, observed: Option<&str>, value: &SecretValue) -> Claim {
        let put = self
            .0
            .put_secret_value()
            .secret_id(id)
            .client_request_token(version)
            .secret_string(value.expose())
            .version_stages(PENDING)
            .send()
            .await;
        let failed = match put {
            Ok(answer) if answer.version_stages().iter().any(|stage| stage == CURRENT) => return Claim::Won,
            Ok(_) => match self.move_current(id, observed, version).await {
                Ok(()) => return Claim::Won,
                Err(error) if refused(&error) => None,
                Err(error) => Some(AwsError::new(
                    format!("make the new version of the secret `{}` current", name_of(id)),
                    error,
                )),
            },
            Err(error) => Some(put_failed(id, error)),
        };
        // A refusal or an error may come from a retry after a lost answer: only the secret shows which version is
        // current.
        match (self.describe(id).await, failed) {
            (Ok(Some(secret)), _) if secret.current_version.as_deref() == Some(version) => Claim::Won,
            (Ok(_), None) => Claim::Lost,
            (Ok(_), Some(error)) => Claim::Failed(error),
            (Err(error), None) | (Err(_), Some(error)) => Claim::Unclear(error),
        }
    }

    /// Moves `AWSCURRENT` to the version `to`. `from`: the version that must have the stage now; without it, AWS
    /// refuses if any version has the stage.
    async fn move_current(
        &self,
        id: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<(), SdkError<UpdateSecretVersionStageError>> {
        let request = self.0.update_secret_version_stage().secret_id(id).version_stage(CURRENT);
        let request = request.set_remove_from_version_id(from.map(str::to_owned));
        request.move_to_version_id(to).send().await.map(|_| ())
    }

    /// Deletes the secret and all its versions, immediately and permanently. A secret that is already gone is no error.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn delete(&self, id: &str) -> Result<(), AwsError> {
        match self.0.delete_secret().secret_id(id).force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(AwsError::new(format!("delete the secret `{}`", name_of(id)), error)),
        }
    }

    /// Sets tags on the secret.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn tag(&self, id: &str, tags: &[(&str, String)]) -> Result<(), AwsError> {
        let request = self.0.tag_resource().secret_id(id).set_tags(Some(tag_list(tags)));
        let answer = request.send().await;
        answer.map(|_| ()).map_err(|error| AwsError::new(format!("tag the secret `{}`", name_of(id)), error))
    }
}

/// The name in a secret's ARN, without the hyphen and six characters that Secrets Manager adds. A name stays unchanged.
fn name_of(id: &str) -> &str {
    let resource = Arn::parse(id).and_then(|arn| arn.resource.strip_prefix("secret:"));
    resource.and_then(|resource| resource.rsplit_once('-')).map_or(id, |(name, _)| name)
}

/// Whether the swap was refused because the observed version is no longer current.
fn refused(error: &SdkError<UpdateSecretVersionStageError>) -> bool {
    error.as_service_error().is_some_and(|e| {
        e.is_invalid_parameter_exception()
            || e.is_invalid_request_exception()
            || e.is_resource_not_found_exception()
    })
}

fn put_failed(id: &str, error: SdkError<PutSecretValueError>) -> AwsError {
    AwsError::secretive(format!("store the seed in the secret `{}`", name_of(id)), error)
}

fn current(stages: Option<HashMap<String, Vec<String>>>) -> Option<String> {
    let mut versions = stages.unwrap_or_default().into_iter();
    versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT)).map(|(id, _)| id)
}

fn tags(tags: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    let tags = tags.unwrap_or_default().into_iter();
    tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect()
}

fn tag_list(tags: &[(&str, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(*key).value(value).build()).collect()
}
