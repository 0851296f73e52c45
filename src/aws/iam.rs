//! IAM: users, their credentials, MFA devices, the root user.

use super::again::ask_again;
use super::{AwsError, Page, SaysWhetherMoreFollows, all_pages, timestamp, whole_page};
use crate::model::account::{Account, Root};
use crate::model::arn::Arn;
use crate::model::blocker::{Blocker, Cause, Need};
use crate::model::enrollment::DEVICE_PATH;
use crate::model::seed::Seed;
use crate::model::text::rfc3339;
use crate::model::user::{AssignedDevice, Device, User, is_user_name};
use aws_sdk_iam::primitives::Blob;
use aws_sdk_iam::{
    error::SdkError,
    operation::create_virtual_mfa_device::CreateVirtualMFADeviceError,
    types::{
        AssignmentStatusType, ContextEntry, ContextKeyTypeEnum, EntityType, EvaluationResult,
        PolicyEvaluationDecisionType, PolicyUsageType, Position, ReportStateType, Statement, StatusType,
        SummaryKeyType,
    },
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most entries that IAM's list calls return on one page.
const PAGE: i32 = 1000;

const ACCOUNT_SUMMARY: &str = "read the account summary";

/// Pauses between calls while AWS generates the credential report, in milliseconds: a minute in all. They grow, to save
/// calls.
const REPORT_PAUSES: [u64; 5] = [2000, 5000, 10_000, 18_000, 25_000];

/// The IAM client.
#[derive(Debug, Clone)]
pub struct Iam(pub aws_sdk_iam::Client);

/// The result of creating a device.
pub enum Created {
    /// The device, with the one copy of its seed.
    Device {
        /// The device's ARN.
        serial_number: String,
        /// Its seed; `None`: AWS returned none that an authenticator can use.
        seed: Option<Seed>,
    },
    /// The name is taken, for instance by a first attempt whose answer was lost.
    NameTaken,
}

impl Iam {
    /// All users of the account, without their tags.
    ///
    /// # Errors
    /// When any page cannot be read: a partial listing never counts as complete.
    pub async fn users(&self) -> Result<Vec<User>, AwsError> {
        let attempted = "list the IAM users";
        let listed = all_pages(attempted, async |marker| {
            let request = self.0.list_users().max_items(PAGE).set_marker(marker);
            let ask = || request.clone().customize().interceptor(SaysWhetherMoreFollows).send();
            let answer = whole_page(ask).await;
            let answer = answer.map_err(|error| AwsError::new(attempted, error))?;
            Ok(Page::of_iam(answer.users, answer.is_truncated, answer.marker))
        });
        let user = |user| known(&user).ok_or_else(|| AwsError::incomplete(attempted, "creation time"));
        listed.await?.into_iter().map(user).collect()
    }

    /// The account's virtual MFA devices; `unassigned_only` leaves out those in use.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn virtual_mfa_devices(&self, unassigned_only: bool) -> Result<Vec<Device>, AwsError> {
        let status =
            if unassigned_only { AssignmentStatusType::Unassigned } else { AssignmentStatusType::Any };
        let attempted = "list the virtual MFA devices";
        let listed = all_pages(attempted, async |marker| {
            let request = self.0.list_virtual_mfa_devices().assignment_status(status.clone()).max_items(PAGE);
            let request = request.set_marker(marker);
            let ask = || request.clone().customize().interceptor(SaysWhetherMoreFollows).send();
            let answer = whole_page(ask).await;
            let answer = answer.map_err(|error| AwsError::new(attempted, error))?;
            Ok(Page::of_iam(answer.virtual_mfa_devices, answer.is_truncated, answer.marker))
        });
        let device = |device: aws_sdk_iam::types::VirtualMfaDevice| Device {
            serial_number: device.serial_number,
            // An emulator may give a device's enable date without its user. The device is assigned even so.
            assigned_to: match (device.user, device.enable_date) {
                (Some(user), _) => Some(user.arn),
                (None, Some(_)) => Some(String::new()),
                (None, None) => None,
            },
        };
        Ok(listed.await?.into_iter().map(device).collect())
    }

    /// The user of that name with its tags; `None`: there is no such user.
    ///
    /// # Errors
    /// When AWS gives no usable answer.
    pub async fn user(&self, name: &str) -> Result<Option<(User, BTreeMap<String, String>)>, AwsError> {
        let attempted = || format!("read the IAM user `{name}`");
        match self.0.get_user().user_name(name).send().await {
            Ok(answer) => {
                let user = answer.user.ok_or_else(|| AwsError::incomplete(attempted(), "user"))?;
                let known =
                    known(&user).ok_or_else(|| AwsError::incomplete(attempted(), "name or creation time"))?;
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
    /// When AWS gives no usable answer.
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
        let attempted = format!("list the access keys of `{name}`");
        let keys = all_pages(&attempted, async |marker| {
            let answer = self.0.list_access_keys().user_name(name).set_marker(marker).send().await;
            let answer = answer.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_iam(answer.access_key_metadata, answer.is_truncated, answer.marker))
        });
        Ok(keys.await?.iter().any(|key| key.status == Some(StatusType::Active)))
    }

    /// The user's assigned MFA devices, of every kind.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn mfa_devices(&self, name: &str) -> Result<Vec<AssignedDevice>, AwsError> {
        let attempted = format!("list the MFA devices of `{name}`");
        let devices = all_pages(&attempted, async |marker| {
            let answer = self.0.list_mfa_devices().user_name(name).set_marker(marker).send().await;
            let answer = answer.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_iam(answer.mfa_devices, answer.is_truncated, answer.marker))
        });
        let assigned = |device: aws_sdk_iam::types::MfaDevice| {
            let enabled_at = timestamp(&device.enable_date);
            let enabled_at =
                enabled_at.ok_or_else(|| AwsError::incomplete(attempted.as_str(), "enable date"))?;
            Ok(AssignedDevice { serial_number: device.serial_number, enabled_at })
        };
        devices.await?.into_iter().map(assigned).collect()
    }

    /// The unique ids of all users that the policy is attached to.
    ///
    /// # Errors
    /// When any page cannot be read, or there is no such policy.
    pub async fn users_of_policy(&self, policy_arn: &str) -> Result<HashSet<String>, AwsError> {
        let attempted = format!("list the users that {policy_arn} is attached to");
        let users = all_pages(&attempted, async |marker| {
            let request = self.0.list_entities_for_policy().policy_arn(policy_arn);
            // This leaves out users that have the policy as their permissions boundary.
            let request = request.entity_filter(EntityType::User);
            let request = request.policy_usage_filter(PolicyUsageType::PermissionsPolicy).max_items(PAGE);
            let answer = request.set_marker(marker).send().await;
            let answer = answer.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_iam(answer.policy_users.unwrap_or_default(), answer.is_truncated, answer.marker))
        });
        let id = |user: aws_sdk_iam::types::PolicyUser| {
            user.user_id.ok_or_else(|| AwsError::incomplete(attempted.as_str(), "user id"))
        };
        users.await?.into_iter().map(id).collect()
    }

    /// The ARNs of the managed policies attached to the user.
    ///
    /// # Errors
    /// When any page cannot be read.
    pub async fn attached_policies(&self, name: &str) -> Result<Vec<String>, AwsError> {
        let attempted = format!("list the attached policies of `{name}`");
        let policies = all_pages(&attempted, async |marker| {
            let answer = self.0.list_attached_user_policies().user_name(name).set_marker(marker).send().await;
            let answer = answer.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_iam(answer.attached_policies.unwrap_or_default(), answer.is_truncated, answer.marker))
        });
        Ok(policies.await?.into_iter().filter_map(|policy| policy.policy_arn).collect())
    }

    /// Attaches a managed policy to the user. A policy that is already attached is no error.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn attach_policy(&self, name: &str, policy_arn: &str) -> Result<(), AwsError> {
        let answer = self.0.attach_user_policy().user_name(name).policy_arn(policy_arn).send().await;
        answer.map(|_| ()).map_err(|error| AwsError::new(format!("attach {policy_arn} to `{name}`"), error))
    }

    /// Detaches a managed policy from the user. A policy that is not attached is no error.
    ///
    /// # Errors
    /// When AWS refuses the call.
    pub async fn detach_policy(&self, name: &str, policy_arn: &str) -> Result<(), AwsError> {
        match self.0.detach_user_policy().user_name(name).policy_arn(policy_arn).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(()),
            Err(error) => Err(AwsError::new(format!("detach {policy_arn} from `{name}`"), error)),
        }
    }

    /// Requests the credential report, waits for it and reads it (CSV). AWS generates a new report every four hours at
    /// most, and returns the last one in between.
    ///
    /// # Errors
    /// When there is no report within about a minute.
    pub async fn credential_report(&self) -> Result<Vec<u8>, AwsError> {
        let generate = async || {
            let answer = self.0.generate_credential_report().send().await;
            let answer = answer.map_err(|error| AwsError::new("generate the credential report", error))?;
            Ok(answer.state == Some(ReportStateType::Complete))
        };
        let is_made = ask_again(&REPORT_PAUSES, generate, |made| !matches!(made, Ok(false))).await?;
        if !is_made {
            let waited = REPORT_PAUSES.iter().sum::<u64>() / 1000;
            return Err(AwsError::not_ready("generate the credential report", waited));
        }
        let answer = self.0.get_credential_report().send().await;
        let answer = answer.map_err(|error| AwsError::new("read the credential report", error))?;
        let content = answer.content.map(Blob::into_inner);
        content.ok_or_else(|| AwsError::incomplete("read the credential report", "content"))
    }

    /// Whether the root user has a password and MFA.
    ///
    /// # Errors
    /// When AWS gives no usable answer.
    pub async fn root(&self) -> Result<Root, AwsError> {
        let summary = self.account_summary().await?;
        let entry = |key: SummaryKeyType| summary.get(&key).copied();
        let mfa = entry(SummaryKeyType::AccountMfaEnabled)
            .ok_or_else(|| AwsError::incomplete(ACCOUNT_SUMMARY, "AccountMFAEnabled entry"))?;
        Ok(Root {
            mfa: mfa > 0,
            // Only accounts whose root credentials were removed centrally have none. Without an entry, the root user
            // counts as having one.
            password: entry(SummaryKeyType::AccountPasswordPresent) != Some(0),
        })
    }

    /// How many users IAM counts in the account; `None`: it does not say.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn user_count(&self) -> Result<Option<i32>, AwsError> {
        Ok(self.account_summary().await?.get(&SummaryKeyType::Users).copied())
    }

    async fn account_summary(&self) -> Result<HashMap<SummaryKeyType, i32>, AwsError> {
        let answer = self.0.get_account_summary().send().await;
        let answer = answer.map_err(|error| AwsError::new(ACCOUNT_SUMMARY, error))?;
        Ok(answer.summary_map.unwrap_or_default())
    }

    /// The steps of enrolling that the user may not do without MFA. One call, or two if the stack is in another region
    /// than IAM: policies can depend on the region of a call.
    ///
    /// # Errors
    /// When AWS gives no usable answer.
    pub async fn simulate(
        &self,
        user: &User,
        account: &Account,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Blocker>, AwsError> {
        let secret = account.secret_arn(&user.id);
        // A key that is set by ID or alias has no ARN here, so the simulator judges access to any key.
        let key = key.map(|key| Arn::parse(key).map_or("*", |_| key));
        let in_region = [("secretsmanager:GetSecretValue", Some(secret.as_str())), ("kms:Decrypt", key)];
        let in_region = in_region.into_iter().filter_map(|(action, resource)| Some((action, resource?)));
        let mut there: Vec<(&str, &str)> = in_region.collect();
        let enable = ("iam:EnableMFADevice", user.arn.as_str());
        let mut denials = Vec::new();
        if account.iam_region() == account.region {
            there.push(enable);
        } else {
            denials.extend(self.simulate_in(account.iam_region(), &[enable], user, account, now).await?);
        }
        denials.extend(self.simulate_in(&account.region, &there, user, account, now).await?);
        Ok(denials)
    }

    /// Simulates calls, each an action on one resource, in a region.
    async fn simulate_in(
        &self,
        region: &str,
        calls: &[(&str, &str)],
        user: &User,
        account: &Account,
        now: Timestamp,
    ) -> Result<Vec<Blocker>, AwsError> {
        use ContextKeyTypeEnum::{Boolean, Date, String as Text};
        let attempted = format!("simulate the policies of `{}`", user.name);
        let now = rfc3339(now);
        // Everything that is known of the request. The simulator counts other keys as missing, and decisions that
        // depend on them are unsure. The service's name is unknown in China, where AWS's pages disagree, and in the
        // European Sovereign Cloud, where they give none.
        let is_known = ["aws", "aws-us-gov"].contains(&account.partition.as_str());
        let via_service = is_known.then(|| format!("secretsmanager.{region}.amazonaws.com"));
        let secret = account.secret_arn(&user.id);
        let context = [
            ("aws:MultiFactorAuthPresent", Boolean, "false"),
            ("aws:username", Text, &user.name),
            ("aws:userid", Text, &user.id),
            ("aws:PrincipalArn", Text, &user.arn),
            ("aws:PrincipalAccount", Text, &account.id),
            ("aws:PrincipalType", Text, "User"),
            ("aws:PrincipalIsAWSService", Boolean, "false"),
            ("aws:ViaAWSService", Boolean, "false"),
            ("aws:SecureTransport", Boolean, "true"),
            ("aws:RequestedRegion", Text, region),
            ("aws:CurrentTime", Date, &now),
        ];
        let via_service = via_service.as_deref().map(|service| ("kms:ViaService", Text, service));
        let kms_key = [
            // Secrets Manager decrypts for the caller, and names the secret in the encryption context.
            ("kms:EncryptionContext:SecretARN", Text, secret.as_str()),
            ("kms:CallerAccount", Text, account.id.as_str()),
            ("aws:ResourceTag/mfa-warden:user-id", Text, user.id.as_str()),
        ];
        let context = [context.as_slice(), kms_key.as_slice(), via_service.as_slice()].concat();
        let results = all_pages(&attempted, async |marker| {
            let mut request =
                self.0.simulate_principal_policy().policy_source_arn(&user.arn).set_marker(marker);
            for (action, resource) in calls {
                request = request.action_names(*action).resource_arns(*resource);
            }
            for (key, kind, value) in &context {
                let entry = ContextEntry::builder().context_key_name(*key).context_key_type(kind.clone());
                request = request.context_entries(entry.context_key_values(*value).build());
            }
            let answer = request.send().await.map_err(|error| AwsError::new(attempted.as_str(), error))?;
            Ok(Page::of_iam(
                answer.evaluation_results.unwrap_or_default(),
                answer.is_truncated,
                answer.marker,
            ))
        })
        .await?;
        let asked = |call: &(&str, &str)| {
            results
                .iter()
                .any(|result| result.eval_action_name.eq_ignore_ascii_case(call.0) && is_of(result, call.1))
        };
        if let Some((action, _)) = calls.iter().find(|call| !asked(call)) {
            return Err(AwsError::incomplete(attempted, &format!("decision on {action}")));
        }
        Ok(results.iter().filter_map(|result| denial(result, calls)).collect())
    }

    /// Creates an unassigned virtual MFA device under [`DEVICE_PATH`].
    ///
    /// # Errors
    /// When AWS refuses the call.
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
            Err(error) => return Err(AwsError::secretive(attempted(), error)),
        };
        let device = device.ok_or_else(|| AwsError::incomplete(attempted(), "device"))?;
        let seed = device.base32_string_seed.and_then(|blob| Seed::from_answer(blob.into_inner()));
        Ok(Created::Device { serial_number: device.serial_number, seed })
    }

    /// Deletes an unassigned device. A device that is already gone is no error.
    ///
    /// # Errors
    /// When AWS refuses the call, as it does for an assigned device.
    pub async fn delete_virtual_mfa_device(&self, serial_number: &str) -> Result<(), AwsError> {
        match self.0.delete_virtual_mfa_device().serial_number(serial_number).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_none(&error, |e| e.is_no_such_entity_exception()) => Ok(()),
            Err(error) => Err(AwsError::new(format!("delete the virtual MFA device {serial_number}"), error)),
        }
    }
}

/// Whether a decision covers `resource`. A decision on other resources only says nothing about it.
fn is_of(result: &EvaluationResult, resource: &str) -> bool {
    let specific = result.resource_specific_results();
    specific.is_empty() || specific.iter().any(|specific| specific.eval_resource_name == resource)
}

/// Why a simulated call is not allowed; `None`: it is.
fn denial(result: &EvaluationResult, calls: &[(&str, &str)]) -> Option<Blocker> {
    // The top level judges an action on all resources together, but only the action's own resource counts. The
    // organization's decision is on the top level only.
    let (_, own) = calls.iter().find(|(action, _)| action.eq_ignore_ascii_case(&result.eval_action_name))?;
    let specific = result.resource_specific_results();
    let on_own = specific.iter().find(|specific| specific.eval_resource_name == *own);
    let outside = |boundary: Option<&aws_sdk_iam::types::PermissionsBoundaryDecisionDetail>| {
        boundary.is_some_and(|boundary| !boundary.allowed_by_permissions_boundary())
    };
    let (decision, statements, missing, boundary) = match on_own {
        Some(on) => (
            &on.eval_resource_decision,
            on.matched_statements(),
            on.missing_context_values(),
            outside(on.permissions_boundary_decision_detail()),
        ),
        None if specific.is_empty() => (
            &result.eval_decision,
            result.matched_statements(),
            result.missing_context_values(),
            outside(result.permissions_boundary_decision_detail()),
        ),
        None => return None,
    };
    let by_organization = result
        .organizations_decision_detail()
        .is_some_and(|organization| !organization.allowed_by_organizations());
    let cause = match decision {
        PolicyEvaluationDecisionType::ExplicitDeny => {
            Cause::Policies(statements.iter().filter_map(denying_statement).collect())
        }
        _ if by_organization => Cause::Organization,
        PolicyEvaluationDecisionType::Allowed => return None,
        _ if boundary || outside(result.permissions_boundary_decision_detail()) => Cause::Boundary,
        _ => Cause::NotAllowed,
    };
    // `missing` names the keys of all policies. A key of another service does not affect this decision.
    let service = result.eval_action_name.split(':').next().unwrap_or_default();
    let decides = |key: &String| {
        let prefix = key.split(':').next().unwrap_or_default();
        ["aws", service].iter().any(|own| prefix.eq_ignore_ascii_case(own))
    };
    let is_unsure = missing.iter().any(decides);
    // An organization's explicit deny matches no statement in the account.
    let cause = match cause {
        Cause::Policies(policies) if policies.is_empty() && by_organization => Cause::Organization,
        cause => cause,
    };
    let action = result.eval_action_name.clone();
    // Actions have no case (IAM user guide, "IAM JSON policy elements: Action").
    let need = if action.eq_ignore_ascii_case("iam:EnableMFADevice") { Need::Enable } else { Need::ReadSeed };
    Some(Blocker { action, need, cause, is_unsure })
}

/// The policy of a simulated statement, and the statement's lines in it.
fn denying_statement(statement: &Statement) -> Option<String> {
    let policy = statement.source_policy_id.as_ref()?;
    let line = |position: &Option<Position>| position.as_ref().map(|position| position.line);
    Some(match (line(&statement.start_position), line(&statement.end_position)) {
        (Some(start), Some(end)) if start == end => format!("{policy} (line {start})"),
        (Some(start), Some(end)) => format!("{policy} (lines {start} to {end})"),
        _ => policy.clone(),
    })
}

/// Whether AWS itself answered with exactly that error. No other error means "there is none", least of all a timeout.
fn is_none<E>(error: &SdkError<E>, kind: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(kind)
}

fn known(user: &aws_sdk_iam::types::User) -> Option<User> {
    is_user_name(&user.user_name).then_some(())?;
    Some(User {
        name: user.user_name.clone(),
        id: user.user_id.clone(),
        arn: user.arn.clone(),
        created_at: timestamp(&user.create_date)?,
    })
}
