//! IAM: the credential report, device names and the simulator.

use crate::mocks::*;
use aws_sdk_iam::operation::create_virtual_mfa_device::CreateVirtualMFADeviceError;
use aws_sdk_iam::operation::generate_credential_report::GenerateCredentialReportOutput;
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::error::EntityAlreadyExistsException;
use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType, ReportStateType};
use aws_smithy_mocks::mock;
use mfa_warden::aws::iam::Created;
use std::time::Duration;

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
    assert_eq!(error, "failed to generate the credential report: AWS had not finished after 60 seconds");
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
    assert!(said[0].ends_with("(perhaps: it depends on conditions that are not known here)"), "{said:?}");
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
