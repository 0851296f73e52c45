//! Provisioning against answers that no emulator gives: lost races, lost answers, listings that lag.

use crate::cloud::Cloud;
use crate::mocks::*;
use crate::trails::trails;
use aws_sdk_iam::operation::create_virtual_mfa_device::CreateVirtualMfaDeviceOutput;
use aws_sdk_iam::operation::delete_virtual_mfa_device::DeleteVirtualMfaDeviceOutput;
use aws_sdk_iam::operation::get_account_summary::GetAccountSummaryOutput;
use aws_sdk_iam::operation::get_login_profile::GetLoginProfileOutput;
use aws_sdk_iam::operation::get_user::GetUserOutput;
use aws_sdk_iam::operation::list_mfa_devices::ListMfaDevicesOutput;
use aws_sdk_iam::operation::list_users::ListUsersOutput;
use aws_sdk_iam::operation::list_virtual_mfa_devices::ListVirtualMfaDevicesOutput;
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::{
    EvaluationResult, LoginProfile, PolicyEvaluationDecisionType, Position, ReportStateType, Statement,
    SummaryKeyType, VirtualMfaDevice,
};
use aws_sdk_secretsmanager::operation::create_secret::{CreateSecretError, CreateSecretOutput};
use aws_sdk_secretsmanager::operation::describe_secret::{DescribeSecretError, DescribeSecretOutput};
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;
use aws_sdk_secretsmanager::operation::put_resource_policy::{
    PutResourcePolicyError, PutResourcePolicyOutput,
};
use aws_sdk_secretsmanager::operation::tag_resource::TagResourceOutput;
use aws_sdk_secretsmanager::types::error::{
    InternalServiceError, MalformedPolicyDocumentException, ResourceExistsException,
    ResourceNotFoundException,
};
use aws_sdk_sns::operation::get_subscription_attributes::GetSubscriptionAttributesOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::{Blob, DateTime};
use mfa_warden::aws::Clients;
use mfa_warden::aws::sns::Sns;
use mfa_warden::{Settings, Warden};
use serde_json::{Value, json};
use std::time::Duration;

/// The function over one user, alice, without MFA.
struct Alice {
    iam: Vec<Rule>,
    secrets: Vec<Rule>,
    publish: Rule,
    delete_device: Rule,
    preflight: bool,
}

impl Alice {
    fn new(secrets: Vec<Rule>) -> Self {
        let create = mock!(IamClient::create_virtual_mfa_device).then_compute_output(|request| {
            let name = request.virtual_mfa_device_name().unwrap();
            let device = VirtualMfaDevice::builder()
                .serial_number(format!("arn:aws:iam::123456789012:mfa/mfa-warden/{name}"))
                .base32_string_seed(Blob::new(SEED));
            CreateVirtualMfaDeviceOutput::builder().virtual_mfa_device(device.build().unwrap()).build()
        });
        let profile = || {
            let profile =
                LoginProfile::builder().user_name("alice").create_date(DateTime::from_secs(1_700_000_000));
            GetLoginProfileOutput::builder().login_profile(profile.build().unwrap()).build()
        };
        Alice {
            iam: vec![
                create,
                mock!(IamClient::list_virtual_mfa_devices).then_output(|| {
                    ListVirtualMfaDevicesOutput::builder()
                        .set_virtual_mfa_devices(Some(vec![]))
                        .build()
                        .unwrap()
                }),
                mock!(IamClient::list_users)
                    .then_output(|| ListUsersOutput::builder().users(user("alice")).build().unwrap()),
                mock!(IamClient::get_user)
                    .then_output(|| GetUserOutput::builder().user(user("alice")).build()),
                mock!(IamClient::get_login_profile).then_output(profile),
                mock!(IamClient::list_mfa_devices).then_output(|| {
                    ListMfaDevicesOutput::builder().set_mfa_devices(Some(vec![])).build().unwrap()
                }),
                mock!(IamClient::get_account_summary).then_output(|| {
                    GetAccountSummaryOutput::builder()
                        .summary_map(SummaryKeyType::AccountMfaEnabled, 1)
                        .build()
                }),
                report_in(&[ReportStateType::Complete]),
                report_content(COLUMNS),
            ],
            secrets,
            publish: mock!(aws_sdk_sns::Client::publish).then_output(|| PublishOutput::builder().build()),
            delete_device: mock!(IamClient::delete_virtual_mfa_device)
                .then_output(|| DeleteVirtualMfaDeviceOutput::builder().build()),
            preflight: false,
        }
    }

    async fn handle(&self, event: Value) -> anyhow::Result<Value> {
        let topics = |name: &str| match name {
            "OWNER_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:123456789012:t".to_owned()),
            "OPS_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:123456789012:ops".to_owned()),
            "PREFLIGHT" => Some(self.preflight.to_string()),
            _ => None,
        };
        let somebody_listens = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic).then_output(|| {
            let queue = aws_sdk_sns::types::Subscription::builder()
                .subscription_arn("arn:aws:sns:us-east-1:123456789012:t:1")
                .protocol("sqs");
            ListSubscriptionsByTopicOutput::builder().subscriptions(queue.build()).build()
        });
        let everything = mock!(aws_sdk_sns::Client::get_subscription_attributes)
            .then_output(|| GetSubscriptionAttributesOutput::builder().build());
        let told = mock!(aws_sdk_sns::Client::list_tags_for_resource)
            .then_output(|| ListTagsForResourceOutput::builder().build());
        let tell = mock!(aws_sdk_sns::Client::tag_resource)
            .then_output(|| aws_sdk_sns::operation::tag_resource::TagResourceOutput::builder().build());
        let iam_rules: Vec<&Rule> = self.iam.iter().chain([&self.delete_device]).collect();
        let secret_rules: Vec<&Rule> = self.secrets.iter().collect();
        let warden = Warden {
            settings: Settings::from_env(topics).unwrap(),
            clients: Clients {
                cloudtrail: trails(&[]),
                iam: iam(&iam_rules),
                secrets: secrets(&secret_rules),
                sns: Sns(mock_client!(
                    aws_sdk_sns,
                    RuleMode::MatchAny,
                    &[&self.publish, &somebody_listens, &everything, &told, &tell]
                )),
                calls: Default::default(),
            },
            clock,
        };
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:mfa-warden";
        Ok(serde_json::to_value(warden.handle(&event, arn, Duration::from_secs(600)).await?)?)
    }
}

fn policy_put() -> Rule {
    mock!(SecretsClient::put_resource_policy).then_output(|| PutResourcePolicyOutput::builder().build())
}

fn no_secret() -> Rule {
    mock!(SecretsClient::describe_secret).then_error(|| {
        DescribeSecretError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
    })
}

fn created() -> Rule {
    mock!(SecretsClient::create_secret).then_output(|| CreateSecretOutput::builder().name(NAME).build())
}

#[tokio::test]
async fn an_owner_whom_a_policy_stops_is_shown_the_consoles_way_and_operations_learn_the_statement() {
    let denied = mock!(IamClient::simulate_principal_policy).then_output(|| {
        let statement = Statement::builder().source_policy_id("ForceMFA");
        let statement = statement.start_position(Position::builder().line(3).build());
        let statement = statement.end_position(Position::builder().line(12).build());
        let result = EvaluationResult::builder()
            .eval_action_name("secretsmanager:GetSecretValue")
            .eval_decision(PolicyEvaluationDecisionType::ExplicitDeny)
            .matched_statements(statement.build());
        let enables = EvaluationResult::builder()
            .eval_action_name("iam:EnableMFADevice")
            .eval_decision(PolicyEvaluationDecisionType::Allowed);
        SimulatePrincipalPolicyOutput::builder()
            .evaluation_results(result.build().unwrap())
            .evaluation_results(enables.build().unwrap())
            .build()
    });
    let tagged = mock!(SecretsClient::tag_resource).then_output(|| TagResourceOutput::builder().build());
    let mut alice = Alice::new(vec![no_secret(), created(), policy_put(), put("AWSCURRENT"), tagged]);
    let published = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = published.clone();
    alice.publish = mock!(aws_sdk_sns::Client::publish)
        .match_requests(move |request| {
            heard.lock().unwrap().push(request.message().unwrap().to_owned());
            true
        })
        .then_output(|| PublishOutput::builder().build());
    alice.iam.push(denied);
    alice.preflight = true;
    let answer = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap();
    assert_eq!(answer["outcomes"][0]["result"], "done", "{answer}");
    assert_eq!(alice.iam.last().unwrap().num_calls(), 1, "one call a provision");
    let messages = published.lock().unwrap().clone();
    let [invitation, summary] = &messages[..] else { panic!("{messages:?}") };
    assert!(invitation.contains("Assign MFA device"), "{invitation}");
    assert!(!invitation.contains("get-secret-value"), "that way does not work: {invitation}");
    let line =
        "- alice: secretsmanager:GetSecretValue is denied without MFA by the policy ForceMFA (lines 3 to 12)";
    let summary: Value = serde_json::from_str(summary).unwrap();
    assert!(summary["default"].as_str().unwrap().contains(line), "{summary}");
    assert!(summary["sqs"].as_str().unwrap().contains("ForceMFA (lines 3 to 12)"), "{summary}");
}

#[tokio::test]
async fn the_loser_of_a_race_deletes_its_own_device_and_invites_nobody() {
    let describe = mock!(SecretsClient::describe_secret)
        .sequence()
        .error(|| {
            DescribeSecretError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
        })
        .output(|| {
            DescribeSecretOutput::builder()
                .created_date(DateTime::from_secs(1_700_000_000))
                .version_ids_to_stages(THEIRS, vec!["AWSCURRENT".to_owned()])
                .build()
        })
        .build();
    let alice = Alice::new(vec![created(), policy_put(), put("WARDEN_PENDING"), swap_refused(), describe]);
    let answer = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap();
    assert_eq!(answer["outcomes"][0]["result"], "deferred", "{answer}");
    assert_eq!(answer["actions"]["provision"], 0);
    assert_eq!(alice.delete_device.num_calls(), 1);
    assert_eq!(alice.publish.num_calls(), 1, "operations hear of the deferral; no owner is invited");
}

#[tokio::test]
async fn a_device_whose_version_may_be_in_force_is_kept() {
    let describe = mock!(SecretsClient::describe_secret)
        .sequence()
        .error(|| {
            DescribeSecretError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
        })
        .error(|| DescribeSecretError::InternalServiceError(InternalServiceError::builder().build()))
        .times(6)
        .build();
    let put = mock!(SecretsClient::put_secret_value).then_http_response(|| {
        aws_smithy_runtime_api::http::Response::new(500.try_into().unwrap(), "{}".into())
    });
    let alice = Alice::new(vec![created(), policy_put(), put, describe]);
    let error = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap_err().to_string();
    assert!(error.contains("failed to store the seed in the secret"), "{error}");
    assert_eq!(alice.delete_device.num_calls(), 0);
}

#[tokio::test]
async fn a_secret_that_the_listing_did_not_show_yet_is_read_and_planned_again() {
    let exists = mock!(SecretsClient::create_secret).then_error(|| {
        CreateSecretError::ResourceExistsException(ResourceExistsException::builder().build())
    });
    let list = mock!(SecretsClient::list_secrets).then_output(|| ListSecretsOutput::builder().build());
    // Another run made it a minute ago and has invited the owner: there is nothing left to do.
    let policy = mfa_warden::rules::owner_policy::document(&alice_listed(), None);
    let policy = mfa_warden::rules::owner_policy::fingerprint(&policy);
    let describe = mock!(SecretsClient::describe_secret).then_output(move || {
        let tag = |key: &str, value: &str| {
            aws_sdk_secretsmanager::types::Tag::builder().key(key).value(value).build()
        };
        let version = "019ecb26-c828-7000-8000-0000cafef00d"; // born 2026-06-15T11:59:37Z
        DescribeSecretOutput::builder()
            .created_date(DateTime::from_secs(clock().as_second() - 60))
            .version_ids_to_stages(version, vec!["AWSCURRENT".to_owned()])
            .tags(tag("mfa-warden:user-id", "AIDAEXAMPLEALICE00001"))
            .tags(tag("mfa-warden:policy", &policy))
            .tags(tag("mfa-warden:notified", "cafef00d"))
            .tags(tag("mfa-warden:last-notice-at", "2026-06-15T11:59:30Z"))
            .build()
    });
    let alice = Alice::new(vec![exists, list, describe]);
    let answer = alice.handle(json!({"action": "sweep"})).await.unwrap();
    assert_eq!(answer["outcomes"][0]["result"], "none", "{answer}");
    assert_eq!(alice.publish.num_calls(), 0);
    assert_eq!(alice.secrets[2].num_calls(), 1);
}

#[tokio::test]
async fn a_secret_that_exists_and_cannot_be_found_fails_its_user_and_does_not_loop() {
    let exists = mock!(SecretsClient::create_secret).then_error(|| {
        CreateSecretError::ResourceExistsException(ResourceExistsException::builder().build())
    });
    let alice = Alice::new(vec![exists, no_secret()]);
    let error = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap_err().to_string();
    assert!(error.contains("its secret changed twice during this run"), "{error}");
    assert_eq!(alice.secrets[0].num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_refused_for_a_user_made_a_moment_ago_is_put_again() {
    let refused = || {
        PutResourcePolicyError::MalformedPolicyDocumentException(
            MalformedPolicyDocumentException::builder().build(),
        )
    };
    let put_policy = mock!(SecretsClient::put_resource_policy)
        .sequence()
        .error(refused)
        .times(2)
        .output(|| PutResourcePolicyOutput::builder().build())
        .build();
    let tag = mock!(SecretsClient::tag_resource).then_output(|| TagResourceOutput::builder().build());
    let alice = Alice::new(vec![created(), no_secret(), put_policy, put("AWSCURRENT"), tag]);
    let answer = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap();
    assert_eq!(answer["outcomes"][0]["result"], "done", "{answer}");
    assert_eq!(alice.secrets[2].num_calls(), 3);
    assert_eq!(alice.publish.num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_never_accepted_fails_the_user_before_there_is_a_seed() {
    let refused = || {
        PutResourcePolicyError::MalformedPolicyDocumentException(
            MalformedPolicyDocumentException::builder().build(),
        )
    };
    let put_policy = mock!(SecretsClient::put_resource_policy).then_error(refused);
    let alice = Alice::new(vec![created(), no_secret(), put_policy, put("AWSCURRENT")]);
    let error = alice.handle(json!({"action": "check", "user": "alice"})).await.unwrap_err().to_string();
    assert!(error.contains("failed to put the owner's policy on the secret"), "{error}");
    assert_eq!((alice.iam[0].num_calls(), alice.secrets[3].num_calls()), (0, 0));
}

#[tokio::test]
async fn a_secret_is_made_with_the_tags_that_the_organization_asks_for() {
    let cloud = Cloud::with(&[("SECRET_TAGS", "CostCenter=123,Team=it = security")]).await;
    let alice = cloud.user("alice").await;
    assert_eq!(cloud.sweep().await["failed"], 0);
    let creation = cloud.calls().into_iter().find(|call| call.api == "CreateSecret").unwrap();
    assert!(
        creation.body.contains("CostCenter"),
        "a rule may refuse a secret that is tagged only afterwards"
    );
    let tags = cloud.secret_tags(&alice).await;
    assert_eq!((tags["CostCenter"].as_str(), tags["Team"].as_str()), ("123", "it = security"));
    assert_eq!(tags["mfa-warden:user-id"], alice);
    assert_eq!(cloud.sweep().await["actions"]["provision"], 0, "it is the function's own all the same");
}
