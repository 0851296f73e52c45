//! What any operation may be refused with: no permission, too many calls, a failure of AWS.

use crate::mocks::{NAME, OURS, a_value, alice_listed, clock, in_region};
use crate::wire::{Answer, Aws, REQUEST, error, ok, refused};
use mfa_warden::aws::secrets::Claim;
use mfa_warden::model::message::Message;
use std::collections::BTreeMap;

const POLICY: &str = "arn:aws:iam::123456789012:policy/mfa-warden/enrollment";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:mfa-warden-owners";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d";

const REASON: &str = "User: arn:aws:sts::123456789012:assumed-role/mfa-warden/mfa-warden is not authorized to perform \
                      this with an explicit deny in a service control policy";

/// The refusal with the code of the service: three services, three codes.
fn denied(operation: &'static str) -> [Answer; 1] {
    let (status, code) = match operation.split(':').next().unwrap() {
        "iam" => (403, "AccessDenied"),
        "sns" => (403, "AuthorizationError"),
        _ => (400, "AccessDeniedException"),
    };
    [refused(operation, status, code, REASON)]
}

#[tokio::test]
async fn no_denied_call_is_taken_for_an_empty_answer_and_each_says_what_to_do() {
    let simulate = async |aws: &mfa_warden::aws::Clients| {
        aws.iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await
    };
    let message =
        Message { subject: "MFA".to_owned(), text: "text".to_owned(), data: None, attributes: Vec::new() };
    let tags = BTreeMap::new();
    let complete = [ok("iam:GenerateCredentialReport", "    <State>COMPLETE</State>")];
    let unread = denied("iam:GetCredentialReport");
    let said = [
        error(denied("iam:ListUsers"), async |aws| aws.iam.users().await).await,
        error(denied("iam:ListVirtualMFADevices"), async |aws| aws.iam.virtual_mfa_devices(true).await).await,
        error(denied("iam:GetUser"), async |aws| aws.iam.user("alice").await).await,
        error(denied("iam:GetLoginProfile"), async |aws| aws.iam.has_password("alice").await).await,
        error(denied("iam:ListAccessKeys"), async |aws| aws.iam.has_active_access_key("alice").await).await,
        error(denied("iam:ListMFADevices"), async |aws| aws.iam.mfa_devices("alice").await).await,
        error(denied("iam:ListEntitiesForPolicy"), async |aws| aws.iam.users_of_policy(POLICY).await).await,
        error(denied("iam:ListAttachedUserPolicies"), async |aws| aws.iam.attached_policies("alice").await)
            .await,
        error(denied("iam:AttachUserPolicy"), async |aws| aws.iam.attach_policy("alice", POLICY).await).await,
        error(denied("iam:DetachUserPolicy"), async |aws| aws.iam.detach_policy("alice", POLICY).await).await,
        error(denied("iam:GenerateCredentialReport"), async |aws| aws.iam.credential_report().await).await,
        error(complete.into_iter().chain(unread), async |aws| aws.iam.credential_report().await).await,
        error(denied("iam:GetAccountSummary"), async |aws| aws.iam.root().await).await,
        error(denied("iam:SimulatePrincipalPolicy"), simulate).await,
        error(denied("iam:DeleteVirtualMFADevice"), async |aws| {
            aws.iam.delete_virtual_mfa_device(DEVICE).await
        })
        .await,
        error(denied("secretsmanager:ListSecrets"), async |aws| aws.secrets.list().await).await,
        error(denied("secretsmanager:DescribeSecret"), async |aws| aws.secrets.describe(NAME).await).await,
        error(denied("secretsmanager:CreateSecret"), async |aws| {
            aws.secrets.create(NAME, "words", None, &[]).await
        })
        .await,
        error(denied("secretsmanager:RestoreSecret"), async |aws| aws.secrets.restore(NAME).await).await,
        error(denied("secretsmanager:PutResourcePolicy"), async |aws| {
            aws.secrets.put_policy(NAME, "{}").await
        })
        .await,
        error(denied("secretsmanager:DeleteSecret"), async |aws| aws.secrets.delete(NAME).await).await,
        error(denied("secretsmanager:TagResource"), async |aws| aws.secrets.tag(NAME, &[]).await).await,
        error(denied("sns:ListSubscriptionsByTopic"), async |aws| aws.sns.subscriptions(TOPIC).await).await,
        error(denied("sns:GetSubscriptionAttributes"), async |aws| aws.sns.filter(TOPIC).await).await,
        error(denied("sns:Subscribe"), async |aws| aws.sns.subscribe(TOPIC, "alice@example.com").await).await,
        error(denied("sns:ListTagsForResource"), async |aws| aws.sns.tags(TOPIC).await).await,
        error(denied("sns:TagResource"), async |aws| aws.sns.set_tags(TOPIC, &tags).await).await,
        error(denied("sns:Publish"), async |aws| aws.sns.publish(TOPIC, &message, None).await).await,
    ];
    for error in said {
        let said = error.to_string();
        assert!(said.contains(REASON) && said.contains("(allow it to the caller's role or user;"), "{said}");
        assert!(!error.is_no_such_entity() && !error.is_invalid_request() && !error.is_quota(), "{said}");
    }
}

#[tokio::test]
async fn a_denied_call_that_handles_a_seed_says_no_more_than_its_code() {
    let create = async |aws: &mfa_warden::aws::Clients| aws.iam.create_virtual_mfa_device("alice.0a").await;
    let advice =
        "(allow it to the caller's role or user; look for a denying service control policy or boundary)";
    let said = error(denied("iam:CreateVirtualMFADevice"), create).await.to_string();
    let device = "failed to create the virtual MFA device `alice.0a`";
    assert_eq!(said, format!("{device}: AccessDenied (request {REQUEST}) {advice}"));
    let unknown = denied("secretsmanager:DescribeSecret");
    let answers = denied("secretsmanager:PutSecretValue").into_iter().chain(unknown);
    let aws = Aws::answering(answers).await;
    let Claim::Unclear(said) = aws.secrets.claim(NAME, OURS, None, &a_value()).await else {
        panic!("clear");
    };
    let secret = format!("failed to store the seed in the secret `{NAME}`");
    assert_eq!(said.to_string(), format!("{secret}: AccessDeniedException (request {REQUEST}) {advice}"));
}

#[tokio::test(start_paused = true)]
async fn each_service_s_own_word_for_too_many_calls_is_tried_again() {
    let users = ok("iam:ListUsers", "    <Users/>\n    <IsTruncated>false</IsTruncated>");
    let throttled = refused("iam:ListUsers", 400, "Throttling", "Rate exceeded").times(3);
    let aws = Aws::in_region("ap-southeast-1", throttled.into_iter().chain([users])).await;
    assert_eq!(aws.iam.users().await.unwrap(), []);
    let secrets = ok("secretsmanager:ListSecrets", r#"{"SecretList":[]}"#);
    let throttled =
        refused("secretsmanager:ListSecrets", 400, "ThrottlingException", "Rate exceeded").times(3);
    let aws = Aws::in_region("ap-southeast-1", throttled.into_iter().chain([secrets])).await;
    assert_eq!(aws.secrets.list().await.unwrap(), []);
    let tags = ok("sns:ListTagsForResource", "    <Tags/>");
    let throttled = refused("sns:ListTagsForResource", 400, "Throttling", "Rate exceeded").times(3);
    let aws = Aws::in_region("ap-southeast-1", throttled.into_iter().chain([tags])).await;
    assert_eq!(aws.sns.tags(TOPIC).await.unwrap(), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_throttled_to_the_end_says_that_the_next_run_tries_again() {
    let throttled = refused("iam:ListUsers", 400, "Throttling", "Rate exceeded").times(6);
    let aws = Aws::in_region("ap-southeast-2", throttled).await;
    let said = aws.iam.users().await.unwrap_err().to_string();
    assert_eq!(
        said,
        "failed to list the IAM users: Throttling: Rate exceeded (AWS throttled all attempts; the next run tries again)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_aws_is_tried_again_whatever_its_body() {
    let page = "<html><body><b>Http/1.1 Service Unavailable</b></body></html>";
    let failed = refused("secretsmanager:ListSecrets", 500, "InternalServiceError", "An error occurred.");
    let unavailable = Answer { status: 503, body: page.to_owned(), ..failed.clone() };
    let secrets = ok("secretsmanager:ListSecrets", r#"{"SecretList":[]}"#);
    let aws = Aws::answering([failed, unavailable, secrets]).await;
    assert_eq!(aws.secrets.list().await.unwrap(), []);
}
