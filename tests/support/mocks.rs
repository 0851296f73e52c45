//! AWS answers that no emulator gives, for mocked clients.

use aws_sdk_iam::operation::generate_credential_report::GenerateCredentialReportOutput;
use aws_sdk_iam::operation::get_credential_report::GetCredentialReportOutput;
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::{
    EvaluationResult, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail,
    PolicyEvaluationDecisionType, Position, ReportStateType, ResourceSpecificResult, Statement, User,
    VirtualMfaDevice,
};
use aws_sdk_secretsmanager::operation::describe_secret::{DescribeSecretError, DescribeSecretOutput};
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueOutput;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::UpdateSecretVersionStageError;
use aws_sdk_secretsmanager::types::error::{InternalServiceError, InvalidParameterException};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::{Blob, DateTime};
use jiff::Timestamp;
use mfa_warden::aws::iam::Iam;
use mfa_warden::aws::secrets::Secrets;
use mfa_warden::model::account::Account;
use mfa_warden::model::seed::{SecretValue, Seed, secret_value};

pub use aws_sdk_iam::Client as IamClient;
pub use aws_sdk_secretsmanager::Client as SecretsClient;

pub const NAME: &str = "mfa-warden/AIDAEXAMPLEALICE00001";
pub const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

pub fn iam(rules: &[&Rule]) -> Iam {
    Iam(mock_client!(aws_sdk_iam, RuleMode::MatchAny, rules))
}

pub fn secrets(rules: &[&Rule]) -> Secrets {
    Secrets(mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, rules))
}

pub fn user(name: &str) -> User {
    User::builder()
        .path("/")
        .user_name(name)
        .user_id("AIDAEXAMPLEALICE00001")
        .arn(format!("arn:aws:iam::123456789012:user/{name}"))
        .create_date(DateTime::from_secs(1_700_000_000))
        .build()
        .unwrap()
}

pub fn device(serial: &str) -> VirtualMfaDevice {
    VirtualMfaDevice::builder().serial_number(serial).build().unwrap()
}

pub fn query_error(status: u16, code: &str, message: &str) -> aws_smithy_runtime_api::http::Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    aws_smithy_runtime_api::http::Response::new(status.try_into().unwrap(), body.into())
}

pub fn denied() -> aws_smithy_runtime_api::http::Response {
    query_error(403, "AccessDenied", "not authorized")
}

pub fn report_in(states: &[ReportStateType]) -> Rule {
    let mut sequence = mock!(IamClient::generate_credential_report).sequence();
    for state in states {
        let state = state.clone();
        sequence =
            sequence.output(move || GenerateCredentialReportOutput::builder().state(state.clone()).build());
    }
    sequence.build()
}

pub fn report_content(text: &'static str) -> Rule {
    mock!(IamClient::get_credential_report)
        .then_output(move || GetCredentialReportOutput::builder().content(Blob::new(text)).build())
}

pub const COLUMNS: &str =
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n";

pub const OURS: &str = "0199d0e0-0000-7000-8000-0000cafef00d";
pub const THEIRS: &str = "0199d0e0-0000-7000-8000-0000deadbeef";

pub const SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa-warden/AIDAEXAMPLEALICE00001-000000";
pub const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

pub fn alice_listed() -> mfa_warden::model::user::User {
    mfa_warden::model::user::User {
        name: "alice".to_owned(),
        id: "AIDAEXAMPLEALICE00001".to_owned(),
        arn: ALICE.to_owned(),
        created_at: clock(),
    }
}

pub fn in_region(region: &str) -> Account {
    let arn = format!("arn:aws:lambda:{region}:123456789012:function:mfa-warden");
    Account::from_function_arn(&arn).unwrap()
}

/// What the simulator says of one action: of each resource its decision, the key that was missing, and whether the
/// permissions boundary allows it.
pub type OnResource = (&'static str, PolicyEvaluationDecisionType, Option<&'static str>, Option<bool>);

/// One result an action, its own judging all resources together; in it one for each resource.
pub fn simulated(action: &str, by_organization: bool, each: &[OnResource]) -> EvaluationResult {
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

pub fn simulator(results: &[EvaluationResult]) -> Rule {
    let results = results.to_vec();
    mock!(IamClient::simulate_principal_policy).then_output(move || {
        SimulatePrincipalPolicyOutput::builder().set_evaluation_results(Some(results.clone())).build()
    })
}

/// A value to be written.
pub fn a_value() -> SecretValue {
    let seed = Seed::from_answer(SEED.as_bytes().to_vec()).unwrap();
    secret_value(&seed, &in_region("us-east-1"), &alice_listed(), ALICE, clock())
}

pub fn put(stage: &'static str) -> Rule {
    mock!(SecretsClient::put_secret_value)
        .then_output(move || PutSecretValueOutput::builder().version_id(OURS).version_stages(stage).build())
}

pub fn described(current: &'static str) -> Rule {
    mock!(SecretsClient::describe_secret).then_output(move || {
        DescribeSecretOutput::builder()
            .name(NAME)
            .created_date(DateTime::from_secs(1_700_000_000))
            .version_ids_to_stages(current, vec!["AWSCURRENT".to_owned()])
            .build()
    })
}

pub fn swap_refused() -> Rule {
    mock!(SecretsClient::update_secret_version_stage).then_error(|| {
        UpdateSecretVersionStageError::InvalidParameterException(InvalidParameterException::builder().build())
    })
}

pub fn describe_fails() -> Rule {
    mock!(SecretsClient::describe_secret)
        .then_error(|| DescribeSecretError::InternalServiceError(InternalServiceError::builder().build()))
}

pub fn clock() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}
