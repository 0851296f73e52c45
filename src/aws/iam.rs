//! IAM: users, what they sign in with, MFA devices, the root user.

use super::{AwsError, timestamp};
use crate::facts::{AssignedDevice, DEVICE_PATH, Device, Root, User};
use crate::preflight::Denial;
use crate::seed::Seed;
use aws_sdk_iam::{
    error::SdkError,
    operation::create_virtual_mfa_device::CreateVirtualMFADeviceError,
    types::{
        AssignmentStatusType, ContextEntry, ContextKeyTypeEnum, EntityType, EvaluationResult,
        PolicyEvaluationDecisionType, Position, Statement, StatusType, SummaryKeyType,
    },
};
use std::collections::{BTreeMap, HashSet};

/// The most that IAM's list calls hand out on one page.
const PAGE: i32 = 1000;

/// The IAM client.
#[derive(Debug, Clone)]
pub struct Iam(pub aws_sdk_iam::Client);

/// What came of creating a device.
pub enum Created {
    /// The device, with the one copy of its seed.
    Device {
        /// The device's ARN.
        serial_number: String,
        /// Its seed; `None`: AWS handed out none that an authenticator could use.
        seed: Option<Seed>,
    },
    /// The name is taken, for instance by a first attempt whose answer was lost.
    NameTaken,
}

impl Iam {
    /// All users of the account, without their tags.
    ///
    /// # Errors
    /// When any page cannot be read: a part of the users is never taken for all of them.
    pub async fn users(&self) -> Result<Vec<User>, AwsError> {
        let attempted = "list the IAM users";
        let mut pages = self.0.list_users().max_items(PAGE).into_paginator().send();
        let mut users = Vec::new();
        while let Some(page) = pages.next().await {
            for user in page.map_err(|error| AwsError::new(attempted, error))?.users {
                users.push(known(&user).ok_or_else(|| AwsError::incomplete(attempted, "creation time"))?);
            }
        }
        Ok(users)
    }

    /// The account's virtual MFA devices; `unassigned_only` leaves out those in use.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn virtual_mfa_devices(&self, unassigned_only: bool) -> Result<Vec<Device>, AwsError> {
        let status =
            if unassigned_only { AssignmentStatusType::Unassigned } else { AssignmentStatusType::Any };
        let request = self.0.list_virtual_mfa_devices().assignment_status(status).max_items(PAGE);
        let mut pages = request.into_paginator().send();
        let mut devices = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new("list the virtual MFA devices", error))?;
            devices.extend(page.virtual_mfa_devices.into_iter().map(|device| Device {
                serial_number: device.serial_number,
                // An emulator may tell when a device was enabled and not by whom: it is assigned all the same.
                assigned_to: match (device.user, device.enable_date) {
                    (Some(user), _) => Some(user.arn),
                    (None, Some(_)) => Some(String::new()),
                    (None, None) => None,
                },
            }));
        }
        Ok(devices)
    }

    /// The user of that name with its tags; `None`: there is no such user.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn user(&self, name: &str) -> Result<Option<(User, BTreeMap<String, String>)>, AwsError> {
        let attempted = || format!("read the IAM user `{name}`");
        match self.0.get_user().user_name(name).send().await {
            Ok(answer) => {
                let user = answer.user.ok_or_else(|| AwsError::incomplete(attempted(), "user"))?;
                let known = known(&user).ok_or_else(|| AwsError::incomplete(attempted(), "creation time"))?;
                let tags = user.tags.unwrap_or_default();
                Ok(Some((known, tags.into_iter().map(|tag| (tag.key, tag.value)).collect())))
            }
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(None),
            Err(error) => Err(AwsError::new(attempted(), error)),
        }
    }

    /// Whether the user has a login profile, that is a console password.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn has_password(&self, name: &str) -> Result<bool, AwsError> {
        match self.0.get_login_profile().user_name(name).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(false),
            Err(error) => Err(AwsError::new(format!("read the login profile of `{name}`"), error)),
        }
    }

    /// Whether the user has an active access key.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn has_active_access_key(&self, name: &str) -> Result<bool, AwsError> {
        let mut keys = self.0.list_access_keys().user_name(name).into_paginator().items().send();
        let mut active = false;
        while let Some(key) = keys.next().await {
            let key =
                key.map_err(|error| AwsError::new(format!("list the access keys of `{name}`"), error))?;
            active |= key.status == Some(StatusType::Active);
        }
        Ok(active)
    }

    /// The user's assigned MFA devices, of every kind.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn mfa_devices(&self, name: &str) -> Result<Vec<AssignedDevice>, AwsError> {
        let attempted = || format!("list the MFA devices of `{name}`");
        let mut devices = self.0.list_mfa_devices().user_name(name).into_paginator().items().send();
        let mut assigned = Vec::new();
        while let Some(device) = devices.next().await {
            let device = device.map_err(|error| AwsError::new(attempted(), error))?;
            let enabled_at = timestamp(&device.enable_date);
            assigned.push(AssignedDevice {
                serial_number: device.serial_number,
                enabled_at: enabled_at.ok_or_else(|| AwsError::incomplete(attempted(), "enable date"))?,
            });
        }
        Ok(assigned)
    }

    /// The unique ids of all users that the policy is attached to.
    ///
    /// # Errors
    /// When any page cannot be read, or there is no such policy.
    pub async fn users_of_policy(&self, policy_arn: &str) -> Result<HashSet<String>, AwsError> {
        let attempted = || format!("list the users that {policy_arn} is attached to");
        let request =
            self.0.list_entities_for_policy().policy_arn(policy_arn).entity_filter(EntityType::User);
        let mut pages = request.max_items(PAGE).into_paginator().send();
        let mut users = HashSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::new(attempted(), error))?;
            for user in page.policy_users.unwrap_or_default() {
                users.insert(user.user_id.ok_or_else(|| AwsError::incomplete(attempted(), "user id"))?);
            }
        }
        Ok(users)
    }

    /// The ARNs of the managed policies attached to the user.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn attached_policies(&self, name: &str) -> Result<Vec<String>, AwsError> {
        let request = self.0.list_attached_user_policies().user_name(name).into_paginator().items();
        let mut policies = request.send();
        let mut arns = Vec::new();
        while let Some(policy) = policies.next().await {
            let policy = policy
                .map_err(|error| AwsError::new(format!("list the attached policies of `{name}`"), error))?;
            arns.extend(policy.policy_arn);
        }
        Ok(arns)
    }

    /// Attaches a managed policy to the user; one that is attached already is no error.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn attach_policy(&self, name: &str, policy_arn: &str) -> Result<(), AwsError> {
        let answer = self.0.attach_user_policy().user_name(name).policy_arn(policy_arn).send().await;
        answer.map(|_| ()).map_err(|error| AwsError::new(format!("attach {policy_arn} to `{name}`"), error))
    }

    /// Detaches a managed policy from the user; one that is not attached is no error.
    ///
    /// # Errors
    /// What AWS said.
    pub async fn detach_policy(&self, name: &str, policy_arn: &str) -> Result<(), AwsError> {
        match self.0.detach_user_policy().user_name(name).policy_arn(policy_arn).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(()),
            Err(error) => Err(AwsError::new(format!("detach {policy_arn} from `{name}`"), error)),
        }
    }

    /// Whether the root user has a password and MFA.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn root(&self) -> Result<Root, AwsError> {
        let attempted = "read the account summary";
        let answer =
            self.0.get_account_summary().send().await.map_err(|error| AwsError::new(attempted, error))?;
        let entry = |key: SummaryKeyType| answer.summary_map.as_ref()?.get(&key).copied();
        let mfa = entry(SummaryKeyType::AccountMfaEnabled)
            .ok_or_else(|| AwsError::incomplete(attempted, "AccountMFAEnabled entry"))?;
        Ok(Root {
            mfa: mfa > 0,
            // Only accounts whose root credentials were removed centrally have none; where nothing is said, it
            // has one.
            password: entry(SummaryKeyType::AccountPasswordPresent) != Some(0),
        })
    }

    /// What is explicitly denied to the user, without MFA, of what enrolling takes. One call.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn simulate(
        &self,
        user: &User,
        secret_arn: &str,
        key: Option<&str>,
    ) -> Result<Vec<Denial>, AwsError> {
        let attempted = || format!("simulate the policies of `{}`", user.name);
        // A key by id or alias has no ARN here; the simulator then takes it for any.
        let key = key.map(|key| if key.starts_with("arn:") { key } else { "*" });
        let calls = [
            ("secretsmanager:GetSecretValue", Some(secret_arn)),
            ("iam:EnableMFADevice", Some(&user.arn)),
            ("kms:Decrypt", key),
        ];
        let calls: Vec<(&str, &str)> =
            calls.into_iter().filter_map(|(action, resource)| Some((action, resource?))).collect();
        let mut request = self.0.simulate_principal_policy().policy_source_arn(&user.arn);
        for (action, resource) in &calls {
            request = request.action_names(*action).resource_arns(*resource);
        }
        for (key, kind, value) in [
            ("aws:MultiFactorAuthPresent", ContextKeyTypeEnum::Boolean, "false"),
            ("aws:username", ContextKeyTypeEnum::String, &user.name),
            ("aws:userid", ContextKeyTypeEnum::String, &user.id),
        ] {
            let entry = ContextEntry::builder().context_key_name(key).context_key_type(kind);
            request = request.context_entries(entry.context_key_values(value).build());
        }
        let answer = request.send().await.map_err(|error| AwsError::new(attempted(), error))?;
        // The top level judges each action on all resources together; what counts is its own alone. And a decision that
        // hangs on a condition key that was not given (the region, the address) says nothing.
        let denial = |result: &EvaluationResult| {
            let (_, own) =
                calls.iter().find(|(action, _)| action.eq_ignore_ascii_case(&result.eval_action_name))?;
            let specific = result.resource_specific_results();
            let on_own = specific.iter().find(|specific| specific.eval_resource_name == *own);
            let (decision, statements, missing) = match on_own {
                Some(on) => {
                    (&on.eval_resource_decision, on.matched_statements(), on.missing_context_values())
                }
                None if specific.is_empty() => {
                    (&result.eval_decision, result.matched_statements(), result.missing_context_values())
                }
                None => return None,
            };
            let by_organization = result
                .organizations_decision_detail()
                .is_some_and(|organization| !organization.allowed_by_organizations());
            let denied = *decision == PolicyEvaluationDecisionType::ExplicitDeny || by_organization;
            // Of the keys that all policies ask for: what another service's key says decides nothing here.
            let service = result.eval_action_name.split(':').next().unwrap_or_default();
            let decides = |key: &String| {
                let prefix = key.split(':').next().unwrap_or_default();
                ["aws", service].iter().any(|own| prefix.eq_ignore_ascii_case(own))
            };
            (denied && !missing.iter().any(decides)).then(|| Denial {
                action: result.eval_action_name.clone(),
                policies: statements.iter().filter_map(denying_statement).collect(),
                by_organization,
            })
        };
        Ok(answer.evaluation_results().iter().filter_map(denial).collect())
    }

    /// Creates an unassigned virtual MFA device under [`DEVICE_PATH`].
    ///
    /// # Errors
    /// What AWS said.
    pub async fn create_virtual_mfa_device(&self, name: &str) -> Result<Created, AwsError> {
        let attempted = || format!("create the virtual MFA device `{name}`");
        let request = self.0.create_virtual_mfa_device().path(DEVICE_PATH).virtual_mfa_device_name(name);
        let device = match request.send().await {
            Ok(answer) => answer.virtual_mfa_device,
            Err(error)
                if is_none(&error, CreateVirtualMFADeviceError::is_entity_already_exists_exception) =>
            {
                return Ok(Created::NameTaken);
            }
            Err(error) => return Err(AwsError::new(attempted(), error)),
        };
        let device = device.ok_or_else(|| AwsError::incomplete(attempted(), "device"))?;
        let seed = device.base32_string_seed.and_then(|blob| Seed::from_answer(blob.into_inner()));
        Ok(Created::Device { serial_number: device.serial_number, seed })
    }

    /// Deletes an unassigned device; one that is gone already is no error.
    ///
    /// # Errors
    /// What AWS said; it refuses for an assigned device.
    pub async fn delete_virtual_mfa_device(&self, serial_number: &str) -> Result<(), AwsError> {
        match self.0.delete_virtual_mfa_device().serial_number(serial_number).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(()),
            Err(error) => Err(AwsError::new(format!("delete the virtual MFA device {serial_number}"), error)),
        }
    }
}

/// The policy of a simulated statement, and where in it the statement stands.
fn denying_statement(statement: &Statement) -> Option<String> {
    let policy = statement.source_policy_id.as_ref()?;
    let line = |position: &Option<Position>| position.as_ref().map(|position| position.line);
    Some(match (line(&statement.start_position), line(&statement.end_position)) {
        (Some(start), Some(end)) if start == end => format!("{policy} (line {start})"),
        (Some(start), Some(end)) => format!("{policy} (lines {start} to {end})"),
        _ => policy.clone(),
    })
}

/// Whether AWS itself answered with that one error. Nothing else, timeouts least of all, means "there is none".
fn is_none<E>(error: &SdkError<E>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

fn known(user: &aws_sdk_iam::types::User) -> Option<User> {
    Some(User {
        name: user.user_name.clone(),
        id: user.user_id.clone(),
        arn: user.arn.clone(),
        created_at: timestamp(&user.create_date)?,
    })
}
