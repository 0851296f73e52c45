//! Answers that no emulator gives: page two, throttling, reports in the making, lost answers and lost races.

use aws_sdk_iam::operation::create_virtual_mfa_device::{
    CreateVirtualMFADeviceError, CreateVirtualMfaDeviceOutput,
};
use aws_sdk_iam::operation::delete_virtual_mfa_device::DeleteVirtualMfaDeviceOutput;
use aws_sdk_iam::operation::generate_credential_report::GenerateCredentialReportOutput;
use aws_sdk_iam::operation::get_account_summary::GetAccountSummaryOutput;
use aws_sdk_iam::operation::get_credential_report::GetCredentialReportOutput;
use aws_sdk_iam::operation::get_login_profile::GetLoginProfileOutput;
use aws_sdk_iam::operation::get_user::GetUserOutput;
use aws_sdk_iam::operation::list_mfa_devices::ListMfaDevicesOutput;
use aws_sdk_iam::operation::list_users::ListUsersOutput;
use aws_sdk_iam::operation::list_virtual_mfa_devices::ListVirtualMfaDevicesOutput;
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::error::EntityAlreadyExistsException;
use aws_sdk_iam::types::{
    EvaluationResult, LoginProfile, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail,
    PolicyEvaluationDecisionType, Position, ReportStateType, ResourceSpecificResult, Statement,
    SummaryKeyType, User, VirtualMfaDevice,
};
use aws_sdk_secretsmanager::operation::create_secret::{CreateSecretError, CreateSecretOutput};
use aws_sdk_secretsmanager::operation::describe_secret::{DescribeSecretError, DescribeSecretOutput};
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;
use aws_sdk_secretsmanager::operation::put_resource_policy::{
    PutResourcePolicyError, PutResourcePolicyOutput,
};
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueOutput;
use aws_sdk_secretsmanager::operation::tag_resource::TagResourceOutput;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::{
    UpdateSecretVersionStageError, UpdateSecretVersionStageOutput,
};
use aws_sdk_secretsmanager::types::SecretListEntry;
use aws_sdk_secretsmanager::types::error::{
    InternalServiceError, InvalidParameterException, MalformedPolicyDocumentException,
    ResourceExistsException, ResourceNotFoundException,
};
use aws_sdk_sns::operation::get_subscription_attributes::GetSubscriptionAttributesOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::{Blob, DateTime};
use jiff::Timestamp;
use mfa_warden::aws::iam::{Created, Iam};
use mfa_warden::aws::secrets::{Claim, Secrets};
use mfa_warden::aws::sns::Sns;
use mfa_warden::aws::{AwsError, Clients};
use mfa_warden::model::account::Account;
use mfa_warden::model::seed::{SecretValue, Seed, secret_value};
use mfa_warden::{Settings, Warden};
use serde_json::{Value, json};
use std::time::Duration;

use aws_sdk_iam::Client as IamClient;
use aws_sdk_secretsmanager::Client as SecretsClient;

const NAME: &str = "mfa-warden/AIDAEXAMPLEALICE00001";
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn iam(rules: &[&Rule]) -> Iam {
    Iam(mock_client!(aws_sdk_iam, RuleMode::MatchAny, rules))
}

fn secrets(rules: &[&Rule]) -> Secrets {
    Secrets(mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, rules))
}

fn user(name: &str) -> User {
    User::builder()
        .path("/")
        .user_name(name)
        .user_id("AIDAEXAMPLEALICE00001")
        .arn(format!("arn:aws:iam::123456789012:user/{name}"))
        .create_date(DateTime::from_secs(1_700_000_000))
        .build()
        .unwrap()
}

fn device(serial: &str) -> VirtualMfaDevice {
    VirtualMfaDevice::builder().serial_number(serial).build().unwrap()
}

#[tokio::test]
async fn users_devices_and_secrets_of_page_two_are_seen() {
    let first = mock!(IamClient::list_users).match_requests(|r| r.marker().is_none()).then_output(|| {
        ListUsersOutput::builder().users(user("alice")).is_truncated(true).marker("two").build().unwrap()
    });
    let second = mock!(IamClient::list_users)
        .match_requests(|r| r.marker() == Some("two"))
        .then_output(|| ListUsersOutput::builder().users(user("bob")).build().unwrap());
    let users = iam(&[&first, &second]).users().await.unwrap();
    assert_eq!(users.into_iter().map(|user| user.name).collect::<Vec<_>>(), ["alice", "bob"]);

    let first = mock!(IamClient::list_virtual_mfa_devices)
        .match_requests(|r| r.marker().is_none())
        .then_output(|| {
            let page = ListVirtualMfaDevicesOutput::builder().virtual_mfa_devices(device("a"));
            page.is_truncated(true).marker("two").build().unwrap()
        });
    let second = mock!(IamClient::list_virtual_mfa_devices)
        .match_requests(|r| r.marker() == Some("two") && r.assignment_status().is_some())
        .then_output(|| {
            ListVirtualMfaDevicesOutput::builder().virtual_mfa_devices(device("b")).build().unwrap()
        });
    assert_eq!(iam(&[&first, &second]).virtual_mfa_devices(false).await.unwrap().len(), 2);

    let entry = |id: &str| {
        let entry = SecretListEntry::builder().name(format!("mfa-warden/{id}"));
        entry.created_date(DateTime::from_secs(1_700_000_000)).build()
    };
    let first = mock!(SecretsClient::list_secrets).match_requests(|r| r.next_token().is_none()).then_output(
        move || {
            let foreign = SecretListEntry::builder().name("MFA-warden/other").build();
            ListSecretsOutput::builder()
                .secret_list(entry("A"))
                .secret_list(foreign)
                .next_token("two")
                .build()
        },
    );
    let second = mock!(SecretsClient::list_secrets)
        .match_requests(|r| r.next_token() == Some("two"))
        .then_output(move || ListSecretsOutput::builder().secret_list(entry("B")).build());
    let listed = secrets(&[&first, &second]).list().await.unwrap();
    let names: Vec<String> = listed.into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["mfa-warden/A", "mfa-warden/B"]);
}

#[tokio::test]
async fn a_page_two_that_fails_fails_the_list_and_never_shortens_it() {
    let first = mock!(IamClient::list_users).match_requests(|r| r.marker().is_none()).then_output(|| {
        ListUsersOutput::builder().users(user("alice")).is_truncated(true).marker("two").build().unwrap()
    });
    let second =
        mock!(IamClient::list_users).match_requests(|r| r.marker().is_some()).then_http_response(denied);
    let error = iam(&[&first, &second]).users().await.unwrap_err().to_string();
    assert!(error.starts_with("failed to list the IAM users: AccessDenied: not authorized"), "{error}");
    assert!(error.contains("allow it to the caller's role or user"), "{error}");
}

fn query_error(status: u16, code: &str, message: &str) -> aws_smithy_runtime_api::http::Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    aws_smithy_runtime_api::http::Response::new(status.try_into().unwrap(), body.into())
}

fn denied() -> aws_smithy_runtime_api::http::Response {
    query_error(403, "AccessDenied", "not authorized")
}

#[tokio::test(start_paused = true)]
async fn throttled_calls_are_tried_again() {
    let throttled = mock!(IamClient::list_users)
        .sequence()
        .http_response(|| query_error(400, "Throttling", "Rate exceeded"))
        .times(3)
        .output(|| ListUsersOutput::builder().users(user("alice")).build().unwrap())
        .build();
    let client = mock_client!(aws_sdk_iam, RuleMode::MatchAny, &[&throttled], |conf| {
        conf.retry_config(mfa_warden::aws::retries())
    });
    assert_eq!(Iam(client).users().await.unwrap().len(), 1);
    assert_eq!(throttled.num_calls(), 4);
}

fn report_in(states: &[ReportStateType]) -> Rule {
    let mut sequence = mock!(IamClient::generate_credential_report).sequence();
    for state in states {
        let state = state.clone();
        sequence =
            sequence.output(move || GenerateCredentialReportOutput::builder().state(state.clone()).build());
    }
    sequence.build()
}

fn report_content(text: &'static str) -> Rule {
    mock!(IamClient::get_credential_report)
        .then_output(move || GetCredentialReportOutput::builder().content(Blob::new(text)).build())
}

const COLUMNS: &str =
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n";

#[tokio::test(start_paused = true)]
async fn a_report_in_the_making_is_waited_for() {
    use ReportStateType::{Complete, Inprogress, Started};
    let generate = report_in(&[Started, Inprogress, Inprogress, Complete]);
    let content = report_content(COLUMNS);
    let started = tokio::time::Instant::now();
    iam(&[&generate, &content]).credential_report().await.unwrap();
    assert_eq!((generate.num_calls(), content.num_calls()), (4, 1));
    assert_eq!(started.elapsed(), Duration::from_secs(2 + 5 + 10), "with a pause before each look");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_never_ready_is_given_up_after_a_minute() {
    let generate = mock!(IamClient::generate_credential_report)
        .then_output(|| GenerateCredentialReportOutput::builder().state(ReportStateType::Inprogress).build());
    let error = iam(&[&generate]).credential_report().await.unwrap_err().to_string();
    assert_eq!(error, "failed to have the credential report made: AWS had not finished after 60 seconds");
}

#[tokio::test]
async fn a_device_name_that_is_taken_leads_to_another_name() {
    let create = mock!(IamClient::create_virtual_mfa_device).then_error(|| {
        CreateVirtualMFADeviceError::EntityAlreadyExistsException(
            EntityAlreadyExistsException::builder().build(),
        )
    });
    let created = iam(&[&create]).create_virtual_mfa_device("alice.0a1b2c3d").await.unwrap();
    assert!(matches!(created, Created::NameTaken));
}

const OURS: &str = "0199d0e0-0000-7000-8000-0000cafef00d";
const THEIRS: &str = "0199d0e0-0000-7000-8000-0000deadbeef";

const SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa-warden/AIDAEXAMPLEALICE00001-000000";
const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

fn alice_listed() -> mfa_warden::model::user::User {
    mfa_warden::model::user::User {
        name: "alice".to_owned(),
        id: "AIDAEXAMPLEALICE00001".to_owned(),
        arn: ALICE.to_owned(),
        created_at: clock(),
    }
}

fn in_region(region: &str) -> Account {
    let arn = format!("arn:aws:lambda:{region}:123456789012:function:mfa-warden");
    Account::from_function_arn(&arn).unwrap()
}

/// What the simulator says of one action: of each resource its decision, the key that was missing, and whether the
/// permissions boundary allows it.
type OnResource = (&'static str, PolicyEvaluationDecisionType, Option<&'static str>, Option<bool>);

/// One result an action, its own judging all resources together; in it one for each resource.
fn simulated(action: &str, by_organization: bool, each: &[OnResource]) -> EvaluationResult {
    let specific = each.iter().map(|(resource, decision, missing, boundary)| {
        let boundary = boundary.map(|allowed| {
            PermissionsBoundaryDecisionDetail::builder().allowed_by_permissions_boundary(allowed).build()
        });
        ResourceSpecificResult::builder()
            .eval_resource_name(*resource)
            .eval_resource_decision(decision.clone())
            .set_missing_context_values(missing.map(|key| vec![key.to_owned()]))
            .set_permissions_boundary_decision_detail(boundary)
            .matched_statements(
                Statement::builder()
                    .source_policy_id("ForceMFA")
                    .start_position(Position::builder().line(3).column(17).build())
                    .end_position(Position::builder().line(12).column(6).build())
                    .build(),
            )
            .build()
            .unwrap()
    });
    EvaluationResult::builder()
        .eval_action_name(action)
        .eval_resource_name("arn:${Partition}:x")
        .eval_decision(PolicyEvaluationDecisionType::ExplicitDeny)
        .organizations_decision_detail(
            OrganizationsDecisionDetail::builder().allowed_by_organizations(!by_organization).build(),
        )
        .set_resource_specific_results(Some(specific.collect()))
        .build()
        .unwrap()
}

fn simulator(results: &[EvaluationResult]) -> Rule {
    let results = results.to_vec();
    mock!(IamClient::simulate_principal_policy).then_output(move || {
        SimulatePrincipalPolicyOutput::builder().set_evaluation_results(Some(results.clone())).build()
    })
}

async fn denials(results: &[EvaluationResult], key: Option<&str>) -> Vec<String> {
    let iam = iam(&[&simulator(results)]);
    let answer = iam.simulate(&alice_listed(), &in_region("us-east-1"), key, clock()).await;
    answer.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_simulators_word_on_each_call_and_its_own_resource_is_what_counts() {
    use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny, ImplicitDeny};
    let reads = |by_organization, decision: PolicyEvaluationDecisionType, missing, boundary| {
        let others = (ALICE, ImplicitDeny, None, None);
        simulated(
            "secretsmanager:GetSecretValue",
            by_organization,
            &[(SECRET, decision, missing, boundary), others],
        )
    };
    let enables = |by_organization, decision: PolicyEvaluationDecisionType, boundary| {
        let others = (SECRET, ExplicitDeny, None, None);
        simulated("iam:EnableMFADevice", by_organization, &[others, (ALICE, decision, None, boundary)])
    };
    // A key that another statement asks for, such as the enrollment policy's own, decides nothing here.
    let read = reads(false, ExplicitDeny, Some("cloudshell:VpcIds"), None);
    assert_eq!(
        denials(&[read, enables(false, Allowed, None)], None).await,
        ["secretsmanager:GetSecretValue is denied without MFA by the policy ForceMFA (lines 3 to 12)"]
    );
    let unsure = reads(false, ExplicitDeny, Some("aws:SourceIp"), None);
    let said = denials(&[unsure, enables(false, Allowed, None)], None).await;
    assert!(said[0].ends_with("(perhaps: it hangs on what is not known here)"), "{said:?}");
    let all = [
        reads(true, Allowed, None, None),
        enables(false, ImplicitDeny, Some(false)),
        simulated("kms:Decrypt", true, &[("*", ImplicitDeny, None, None)]),
    ];
    assert_eq!(
        denials(&all, Some("alias/mine")).await,
        [
            "secretsmanager:GetSecretValue is denied without MFA by a service control policy of the organization",
            "iam:EnableMFADevice is outside the user's permissions boundary",
            "kms:Decrypt is denied without MFA by a service control policy of the organization",
        ]
    );
    let open = [reads(false, ImplicitDeny, None, None), enables(false, ImplicitDeny, Some(true))];
    assert_eq!(
        denials(&open, None).await,
        [
            "secretsmanager:GetSecretValue is allowed by none of the user's policies",
            "iam:EnableMFADevice is allowed by none of the user's policies",
        ]
    );
    assert_eq!(
        denials(&[reads(false, Allowed, None, None), enables(false, Allowed, None)], None).await,
        [""; 0]
    );
}

#[tokio::test]
async fn the_simulator_is_given_all_that_is_known_and_asked_once_in_iams_region_and_twice_elsewhere() {
    use PolicyEvaluationDecisionType::Allowed;
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = asked.clone();
    let simulate = mock!(IamClient::simulate_principal_policy)
        .match_requests(move |request| {
            let context = request.context_entries().iter().map(|entry| {
                (entry.context_key_name().unwrap().to_owned(), entry.context_key_values().join(","))
            });
            let context: std::collections::BTreeMap<String, String> = context.collect();
            heard.lock().unwrap().push((
                request.action_names().to_vec(),
                request.resource_arns().to_vec(),
                context,
            ));
            request.policy_source_arn() == Some(ALICE)
        })
        .then_output(|| {
            let elsewhere = SECRET.replace("us-east-1", "eu-west-1");
            SimulatePrincipalPolicyOutput::builder()
                .evaluation_results(simulated(
                    "secretsmanager:GetSecretValue",
                    false,
                    &[(SECRET, Allowed, None, None), (elsewhere.leak(), Allowed, None, None)],
                ))
                .evaluation_results(simulated("iam:EnableMFADevice", false, &[(ALICE, Allowed, None, None)]))
                .build()
        });
    let iam = iam(&[&simulate]);
    iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await.unwrap();
    iam.simulate(&alice_listed(), &in_region("eu-west-1"), None, clock()).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    let [here, iams, own] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(here.0, ["secretsmanager:GetSecretValue", "iam:EnableMFADevice"]);
    assert_eq!(
        (&iams.0[..], &own.0[..]),
        (&["iam:EnableMFADevice".to_owned()][..], &["secretsmanager:GetSecretValue".to_owned()][..])
    );
    assert_eq!(iams.1, [ALICE]);
    assert_eq!(
        [&here.2, &iams.2, &own.2].map(|context| context["aws:RequestedRegion"].as_str()),
        ["us-east-1", "us-east-1", "eu-west-1"]
    );
    for (key, value) in [
        ("aws:MultiFactorAuthPresent", "false"),
        ("aws:username", "alice"),
        ("aws:userid", "AIDAEXAMPLEALICE00001"),
        ("aws:PrincipalArn", ALICE),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalType", "User"),
        ("aws:PrincipalIsAWSService", "false"),
        ("aws:ViaAWSService", "false"),
        ("aws:SecureTransport", "true"),
        ("aws:CurrentTime", "2026-06-15T12:00:00Z"),
        ("aws:ResourceTag/mfa-warden:user-id", "AIDAEXAMPLEALICE00001"),
        ("kms:ViaService", "secretsmanager.us-east-1.amazonaws.com"),
        ("kms:CallerAccount", "123456789012"),
        ("kms:EncryptionContext:SecretARN", SECRET),
    ] {
        assert_eq!(here.2[key], value, "{key}");
    }
}

#[tokio::test]
async fn a_decision_on_something_else_alone_is_no_answer() {
    use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny, ImplicitDeny};
    const ZOE: &str = "arn:aws:iam::123456789012:user/zoe";
    for (resource, decision) in [(ZOE, ExplicitDeny), (ZOE, Allowed), ("*", ImplicitDeny)] {
        let seed = simulated("secretsmanager:GetSecretValue", false, &[(SECRET, Allowed, None, None)]);
        let other = simulated("iam:EnableMFADevice", false, &[(resource, decision, None, None)]);
        let iam = iam(&[&simulator(&[seed, other])]);
        let answer = iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await;
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("AWS's answer has no usable decision on iam:EnableMFADevice"), "{error}");
    }
}

#[tokio::test]
async fn a_simulation_that_is_cut_off_is_read_to_its_end() {
    use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny};
    let first = mock!(IamClient::simulate_principal_policy)
        .match_requests(|r| r.marker().is_none())
        .then_output(|| {
            SimulatePrincipalPolicyOutput::builder()
                .evaluation_results(simulated(
                    "secretsmanager:GetSecretValue",
                    false,
                    &[(SECRET, Allowed, None, None)],
                ))
                .is_truncated(true)
                .marker("two")
                .build()
        });
    let second = mock!(IamClient::simulate_principal_policy)
        .match_requests(|r| r.marker() == Some("two"))
        .then_output(|| {
            SimulatePrincipalPolicyOutput::builder()
                .evaluation_results(simulated(
                    "iam:EnableMFADevice",
                    false,
                    &[(ALICE, ExplicitDeny, None, None)],
                ))
                .build()
        });
    let iam = iam(&[&first, &second]);
    let denials = iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await.unwrap();
    assert_eq!(denials.len(), 1, "{denials:?}");
    // Half an answer is none.
    let iam =
        self::iam(&[&simulator(&[simulated("iam:EnableMFADevice", false, &[(ALICE, Allowed, None, None)])])]);
    let error =
        iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await.unwrap_err().to_string();
    assert!(error.contains("no usable decision on secretsmanager:GetSecretValue"), "{error}");
}

#[tokio::test]
async fn a_listing_counts_as_whole_only_when_its_last_page_says_that_it_is_the_last() {
    let page = |truncated: bool, marker: Option<&'static str>| {
        mock!(IamClient::list_users).then_output(move || {
            let page = ListUsersOutput::builder().users(user("alice")).is_truncated(truncated);
            page.set_marker(marker.map(str::to_owned)).build().unwrap()
        })
    };
    for (truncated, marker) in [(true, Some("two")), (false, Some("two")), (true, None)] {
        let error = iam(&[&page(truncated, marker)]).users().await.unwrap_err().to_string();
        assert!(error.starts_with("failed to list the IAM users: AWS's answer has no usable"), "{error}");
    }
    let endless = mock!(SecretsClient::list_secrets)
        .then_output(|| ListSecretsOutput::builder().next_token("two").build());
    assert!(secrets(&[&endless]).list().await.is_err());
    assert_eq!(endless.num_calls(), 2);
}

/// A page in IAM's XML.
fn page_of(api: &str, list: &str, rest: &str) -> aws_smithy_runtime_api::http::Response {
    let body = format!("<{api}Response><{api}Result><{list}/>{rest}</{api}Result></{api}Response>");
    aws_smithy_runtime_api::http::Response::new(200.try_into().unwrap(), body.into())
}

#[tokio::test]
async fn a_page_of_users_or_devices_that_does_not_say_whether_more_follows_is_no_listing() {
    let last = "<IsTruncated>false</IsTruncated>";
    for (rest, is_whole) in [(last, true), ("", false)] {
        let said = |result: Result<(), AwsError>| match result {
            Ok(()) => true,
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("does not say whether more follows"), "{error}");
                false
            }
        };
        let users =
            mock!(IamClient::list_users).then_http_response(move || page_of("ListUsers", "Users", rest));
        assert_eq!(said(iam(&[&users]).users().await.map(drop)), is_whole, "users {rest}");
        let devices = mock!(IamClient::list_virtual_mfa_devices)
            .then_http_response(move || page_of("ListVirtualMFADevices", "VirtualMFADevices", rest));
        assert_eq!(
            said(iam(&[&devices]).virtual_mfa_devices(false).await.map(drop)),
            is_whole,
            "devices {rest}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_off_is_asked_for_again() {
    let broken = mock!(IamClient::list_users)
        .sequence()
        .http_response(|| {
            let body = "<ListUsersResponse><ListUsersResult><Users><mem";
            aws_smithy_runtime_api::http::Response::new(200.try_into().unwrap(), body.into())
        })
        .times(2)
        .http_response(|| page_of("ListUsers", "Users", "<IsTruncated>false</IsTruncated>"))
        .build();
    let client = mock_client!(aws_sdk_iam, RuleMode::MatchAny, &[&broken], |conf| {
        conf.retry_config(mfa_warden::aws::retries())
    });
    let listed = Iam(client).users().await;
    assert!(listed.is_ok(), "{listed:?}");
    assert_eq!(broken.num_calls(), 3);
}

/// A value to be written.
fn a_value() -> SecretValue {
    let seed = Seed::from_answer(SEED.as_bytes().to_vec()).unwrap();
    secret_value(&seed, &in_region("us-east-1"), &alice_listed(), ALICE, clock())
}

fn put(stage: &'static str) -> Rule {
    mock!(SecretsClient::put_secret_value)
        .then_output(move || PutSecretValueOutput::builder().version_id(OURS).version_stages(stage).build())
}

fn described(current: &'static str) -> Rule {
    mock!(SecretsClient::describe_secret).then_output(move || {
        DescribeSecretOutput::builder()
            .name(NAME)
            .created_date(DateTime::from_secs(1_700_000_000))
            .version_ids_to_stages(current, vec!["AWSCURRENT".to_owned()])
            .build()
    })
}

fn swap_refused() -> Rule {
    mock!(SecretsClient::update_secret_version_stage).then_error(|| {
        UpdateSecretVersionStageError::InvalidParameterException(InvalidParameterException::builder().build())
    })
}

fn describe_fails() -> Rule {
    mock!(SecretsClient::describe_secret)
        .then_error(|| DescribeSecretError::InternalServiceError(InternalServiceError::builder().build()))
}

#[tokio::test]
async fn the_first_version_of_a_secret_wins_by_being_written() {
    let put = put("AWSCURRENT");
    assert!(matches!(secrets(&[&put]).claim(NAME, OURS, None, &a_value()).await, Claim::Won));
}

#[tokio::test]
async fn a_later_version_wins_by_the_swap() {
    let swap = mock!(SecretsClient::update_secret_version_stage)
        .match_requests(|r| {
            r.version_stage() == Some("AWSCURRENT")
                && r.remove_from_version_id() == Some(THEIRS)
                && r.move_to_version_id() == Some(OURS)
        })
        .then_output(|| UpdateSecretVersionStageOutput::builder().build());
    let put = put("WARDEN_PENDING");
    assert!(matches!(secrets(&[&put, &swap]).claim(NAME, OURS, Some(THEIRS), &a_value()).await, Claim::Won));
    assert_eq!(swap.num_calls(), 1);
}

#[tokio::test]
async fn whoever_comes_second_has_lost() {
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(THEIRS)]);
    assert!(matches!(
        client.claim(NAME, OURS, Some("0199d0e0-0000-7000-8000-000000000001"), &a_value()).await,
        Claim::Lost
    ));
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(THEIRS)]);
    assert!(
        matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Lost),
        "no version was observed, and one came"
    );
}

#[tokio::test]
async fn a_first_version_that_does_not_become_current_by_being_written_is_swapped_against_none() {
    let swap = mock!(SecretsClient::update_secret_version_stage)
        .match_requests(|r| r.remove_from_version_id().is_none() && r.move_to_version_id() == Some(OURS))
        .then_output(|| UpdateSecretVersionStageOutput::builder().build());
    let client = secrets(&[&put("WARDEN_PENDING"), &swap]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Won));
    assert_eq!(swap.num_calls(), 1);
}

#[tokio::test]
async fn a_swap_refused_because_a_lost_answer_had_done_it_is_a_win() {
    let client = secrets(&[&put("WARDEN_PENDING"), &swap_refused(), &described(OURS)]);
    assert!(matches!(client.claim(NAME, OURS, Some(THEIRS), &a_value()).await, Claim::Won));
}

#[tokio::test]
async fn a_value_whose_fate_is_unknown_is_unclear_and_a_known_one_is_not() {
    let put_fails = || {
        mock!(SecretsClient::put_secret_value).then_http_response(|| {
            aws_smithy_runtime_api::http::Response::new(500.try_into().unwrap(), "{}".into())
        })
    };
    let client = secrets(&[&put_fails(), &describe_fails()]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Unclear(_)));
    let client = secrets(&[&put_fails(), &described(THEIRS)]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Failed(_)));
    let client = secrets(&[&put_fails(), &described(OURS)]);
    assert!(matches!(client.claim(NAME, OURS, None, &a_value()).await, Claim::Won));
}

fn clock() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

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
    assert!(invitation.contains("HOW TO SET IT UP, IN THE CONSOLE"), "{invitation}");
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
    assert!(error.contains("its secret changed twice meanwhile"), "{error}");
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
