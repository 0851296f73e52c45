//! Secrets Manager, in JSON.

use crate::mocks::{NAME, OURS, THEIRS, a_value};
use crate::wire::{Answer, Aws, REQUEST, error, json_error, ok, refused};
use jiff::Timestamp;
use mfa_warden::aws::Clients;
use mfa_warden::aws::secrets::{Claim, Creation};
use mfa_warden::model::enrollment::Secret;
use std::collections::BTreeMap;

/// The ARN with the six characters that AWS adds to the name.
const ARN: &str =
    "arn:aws:secretsmanager:us-west-2:123456789012:secret:mfa-warden/AIDAEXAMPLEALICE00001-a1B2c3";

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";

/// AWS gives thousandths of a second. This time is exact as a binary fraction too.
fn created_at() -> Timestamp {
    "2018-04-11T20:05:45.5Z".parse().unwrap()
}

/// A secret of which AWS says no more than that it exists.
fn bare() -> Secret {
    Secret {
        arn: Some(ARN.to_owned()),
        name: NAME.to_owned(),
        description: String::new(),
        created_at: created_at(),
        current_version: None,
        scheduled_for_deletion: false,
        tags: BTreeMap::new(),
        replicated: false,
        rotates: false,
        kms_key_id: None,
    }
}

#[tokio::test]
async fn secrets_are_listed_without_what_aws_leaves_out_and_with_what_it_adds() {
    let first = ok(
        "secretsmanager:ListSecrets",
        r#"{"SecretList":[
        {"ARN":"arn:aws:secretsmanager:us-west-2:123456789012:secret:mfa-warden/AIDAEXAMPLEALICE00001-a1B2c3",
        "Name":"mfa-warden/AIDAEXAMPLEALICE00001","CreatedDate":1523477145.5,"LastChangedDate":1.523477145729E9}],
        "NextToken":"Eg0AYn=="}"#,
    );
    let second = ok(
        "secretsmanager:ListSecrets",
        r#"{"SecretList":[
        {"ARN":"arn:aws:secretsmanager:us-west-2:123456789012:secret:my/mfa-warden/x-QWERTY","Name":"my/mfa-warden/x"},
        {"ARN":"arn:aws:secretsmanager:us-west-2:123456789012:secret:mfa-warden/AIDAEXAMPLEBOB0000001-x0y1z2",
        "Name":"mfa-warden/AIDAEXAMPLEBOB0000001","Description":"words","KmsKeyId":"alias/mine","RotationEnabled":true,
        "RotationRules":{"AutomaticallyAfterDays":14,"Duration":"2h"},"LastAccessedDate":1523404800,
        "DeletedDate":1525747253.72,"NextRotationDate":1526083199,"Tags":[{"Key":"a","Value":""},{"Key":"b"}],
        "SecretVersionsToStages":{"0199d0e0-0000-7000-8000-0000cafef00d":["AWSCURRENT","WARDEN_PENDING"],
        "0199d0e0-0000-7000-8000-0000deadbeef":["AWSPREVIOUS"]},"OwningService":"appflow","CreatedDate":1.5234771455E9,
        "PrimaryRegion":"eu-west-1","Type":"ThirdParty","CrossAccountReplicas":[{"AccountId":"999999999999"}]}]}"#,
    );
    let listed = Aws::answering([first, second]).await.secrets.list().await.unwrap();
    let bob = Secret {
        arn: Some(ARN.replace("ALICE00001-a1B2c3", "BOB0000001-x0y1z2")),
        name: "mfa-warden/AIDAEXAMPLEBOB0000001".to_owned(),
        description: "words".to_owned(),
        created_at: created_at(),
        current_version: Some(OURS.to_owned()),
        scheduled_for_deletion: true,
        tags: BTreeMap::from([("a".to_owned(), String::new())]),
        replicated: true,
        rotates: true,
        kms_key_id: Some("alias/mine".to_owned()),
    };
    assert_eq!(listed, [bare(), bob]);
}

fn described(rest: &str) -> Answer {
    let known = format!(r#""ARN":"{ARN}","Name":"{NAME}","CreatedDate":1523477145.5"#);
    ok("secretsmanager:DescribeSecret", &format!("{{{known}{rest}}}"))
}

async fn describe(answer: Answer) -> Option<Secret> {
    Aws::answering([answer]).await.secrets.describe(ARN).await.unwrap()
}

#[tokio::test]
async fn a_secret_without_a_value_has_no_list_of_versions() {
    assert_eq!(describe(described("")).await, Some(bare()));
    let previous = format!(r#","VersionIdsToStages":{{"{OURS}":["AWSPREVIOUS"]}}"#);
    assert_eq!(describe(described(&previous)).await, Some(bare()));
    let current = format!(r#","VersionIdsToStages":{{"{OURS}":["AWSPREVIOUS"],"{THEIRS}":["AWSCURRENT"]}}"#);
    let expected = Secret { current_version: Some(THEIRS.to_owned()), ..bare() };
    assert_eq!(describe(described(&current)).await, Some(expected));
}

#[tokio::test]
async fn a_secret_that_is_being_deleted_is_described_with_the_day_of_its_deletion() {
    let deleted = described(r#","DeletedDate":1525747253.72"#);
    assert_eq!(describe(deleted).await, Some(Secret { scheduled_for_deletion: true, ..bare() }));
}

#[tokio::test]
async fn a_replica_and_a_secret_with_replicas_are_replicated_and_a_primary_alone_is_not() {
    let replicated = Some(Secret { replicated: true, ..bare() });
    let replicas = r#","PrimaryRegion":"us-west-2","ReplicationStatus":[{"Region":"eu-west-1","Status":"Failed",
        "KmsKeyId":"alias/aws/secretsmanager","StatusMessage":"Replication failed: Secret name simple."}]"#;
    assert_eq!(describe(described(replicas)).await, replicated);
    assert_eq!(describe(described(r#","PrimaryRegion":"eu-west-1""#)).await, replicated);
    let alone = r#","PrimaryRegion":"us-west-2","ReplicationStatus":[],"CrossAccountReplicas":[]"#;
    assert_eq!(describe(described(alone)).await, Some(bare()));
}

#[tokio::test]
async fn a_missing_secret_is_missing_wherever_the_error_stands_in_the_answer() {
    let missing = || refused("secretsmanager:DescribeSecret", 400, "ResourceNotFoundException", NOT_FOUND);
    let prefixed = json_error("com.amazonaws.secretsmanager#ResourceNotFoundException", NOT_FOUND);
    let in_header =
        "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazonaws.secretsmanager/";
    let headed =
        Answer { body: r#"{"message":"no"}"#.to_owned(), ..missing() }.header("x-amzn-ErrorType", in_header);
    for answer in [missing(), Answer { body: prefixed, ..missing() }, headed] {
        assert_eq!(describe(answer).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_aws_s_own_is_no_missing_secret() {
    let page = "<html><head><title>404 Not Found</title></head></html>";
    let proxy = Answer { status: 404, body: page.to_owned(), ..described("") };
    let said = error([proxy], async |aws| aws.secrets.describe(ARN).await).await.to_string();
    assert!(said.starts_with(&format!("failed to describe the secret `{NAME}`: ")), "{said}");
}

async fn create(aws: &Clients) -> Result<Creation, mfa_warden::aws::AwsError> {
    aws.secrets.create(NAME, "words", None, &[("email", String::new())]).await
}

fn being_deleted() -> Answer {
    let message =
        "You can't create this secret because a secret with this name is already scheduled for deletion.";
    refused("secretsmanager:CreateSecret", 400, "InvalidRequestException", message)
}

fn created() -> Answer {
    ok("secretsmanager:CreateSecret", &format!(r#"{{"ARN":"{ARN}","Name":"{NAME}"}}"#))
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_created_without_a_version_once_the_last_of_its_name_is_gone() {
    let answers = [being_deleted(), being_deleted(), created()];
    let Creation::Created { arn, version } = create(&*Aws::answering(answers).await).await.unwrap() else {
        panic!("it exists already");
    };
    assert_eq!((arn.as_deref(), version), (Some(ARN), None));
    let said = error(being_deleted().times(5), create).await;
    assert!(said.is_invalid_request(), "{said}");
    assert!(said.to_string().ends_with("is already scheduled for deletion."), "{said}");
}

#[tokio::test]
async fn a_secret_that_exists_is_no_error_and_one_that_cannot_be_encrypted_is_one() {
    let message = format!("The operation failed because the secret {NAME} already exists.");
    let exists = refused("secretsmanager:CreateSecret", 400, "ResourceExistsException", &message);
    assert!(matches!(create(&*Aws::answering([exists]).await).await, Ok(Creation::Exists)));
    let message = "The KMS key is disabled.";
    let locked = refused("secretsmanager:CreateSecret", 400, "EncryptionFailure", message);
    let said = error([locked], create).await.to_string();
    assert_eq!(said, format!("failed to create the secret `{NAME}`: EncryptionFailure: {message}"));
}

#[tokio::test]
async fn a_deletion_is_canceled_by_arn_and_the_error_names_the_secret_without_its_suffix() {
    let restored = ok("secretsmanager:RestoreSecret", &format!(r#"{{"ARN":"{ARN}","Name":"{NAME}"}}"#));
    Aws::answering([restored]).await.secrets.restore(ARN).await.unwrap();
    let gone = refused("secretsmanager:RestoreSecret", 400, "ResourceNotFoundException", NOT_FOUND);
    let said = error([gone], async |aws| aws.secrets.restore(ARN).await).await;
    assert!(said.is_invalid_request(), "{said}");
    let expected = format!("failed to restore the secret `{NAME}`: ResourceNotFoundException: {NOT_FOUND}");
    assert_eq!(said.to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_policy_for_a_user_that_aws_does_not_know_yet_is_put_again_and_no_other_refusal_is() {
    let put = async |aws: &Clients| aws.secrets.put_policy(ARN, "{}").await;
    let message = "This resource policy contains an unsupported principal.";
    let no = |code| refused("secretsmanager:PutResourcePolicy", 400, code, message);
    let unknown = || no("MalformedPolicyDocumentException");
    let done = ok("secretsmanager:PutResourcePolicy", &format!(r#"{{"ARN":"{ARN}","Name":"{NAME}"}}"#));
    put(&*Aws::answering([unknown(), unknown(), done]).await).await.unwrap();
    let said = error(unknown().times(5), put).await.to_string();
    assert!(said.ends_with(&format!("MalformedPolicyDocumentException: {message}")), "{said}");
    let said = error([no("PublicPolicyException")], put).await.to_string();
    assert!(said.ends_with(&format!("PublicPolicyException: {message}")), "{said}");
}

fn put(stages: &str) -> Answer {
    let known = format!(r#""ARN":"{ARN}","Name":"{NAME}","VersionId":"{OURS}""#);
    ok("secretsmanager:PutSecretValue", &format!(r#"{{{known},"VersionStages":{stages}}}"#))
}

async fn claim(answers: impl IntoIterator<Item = Answer>, observed: Option<&str>) -> Claim {
    Aws::answering(answers).await.secrets.claim(ARN, OURS, observed, &a_value()).await
}

#[tokio::test]
async fn the_first_version_is_current_by_the_write_and_the_next_by_the_swap() {
    assert!(matches!(claim([put(r#"["AWSCURRENT","WARDEN_PENDING"]"#)], None).await, Claim::Won));
    let moved =
        ok("secretsmanager:UpdateSecretVersionStage", &format!(r#"{{"ARN":"{ARN}","Name":"{NAME}"}}"#));
    assert!(matches!(claim([put(r#"["WARDEN_PENDING"]"#), moved], Some(THEIRS)).await, Claim::Won));
}

#[tokio::test]
async fn a_swap_against_another_version_is_lost_with_each_of_aws_s_refusals() {
    let theirs =
        format!(r#","VersionIdsToStages":{{"{THEIRS}":["AWSCURRENT"],"{OURS}":["WARDEN_PENDING"]}}"#);
    let attached = format!(
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version \
         {THEIRS}, so you must explicitly reference that version in RemoveFromVersionId."
    );
    let moved = "Staging label AWSCURRENT is not currently attached to the version that you specified.";
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    for (code, message) in [
        ("InvalidParameterException", attached.as_str()),
        ("InvalidParameterException", moved),
        ("InvalidRequestException", marked),
        ("ResourceNotFoundException", NOT_FOUND),
    ] {
        let no = refused("secretsmanager:UpdateSecretVersionStage", 400, code, message);
        let answers = [put(r#"["WARDEN_PENDING"]"#), no, described(&theirs)];
        assert!(matches!(claim(answers, None).await, Claim::Lost), "{code}");
    }
}

#[tokio::test]
async fn a_swap_that_is_denied_has_failed_and_says_why() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/mfa-warden/mfa-warden is not authorized to perform: \
                   secretsmanager:UpdateSecretVersionStage";
    let no = refused("secretsmanager:UpdateSecretVersionStage", 400, "AccessDeniedException", message);
    let Claim::Failed(said) = claim([put(r#"["WARDEN_PENDING"]"#), no, described("")], None).await else {
        panic!("not failed");
    };
    let said = said.to_string();
    let expected =
        format!("failed to make the new version of the secret `{NAME}` current: AccessDeniedException: ");
    assert!(said.starts_with(&expected), "{said}");
}

#[tokio::test]
async fn a_value_that_aws_refuses_shows_nothing_of_the_answer_but_code_and_request() {
    // Somebody used the token before, for another value.
    let message = format!("You can't use ClientRequestToken {OURS}: value is in use. {}", crate::mocks::SEED);
    for code in ["ResourceExistsException", "InvalidRequestException", "EncryptionFailure"] {
        let no = refused("secretsmanager:PutSecretValue", 400, code, &message);
        let Claim::Failed(said) = claim([no, described("")], None).await else { panic!("not failed") };
        let expected = format!("failed to store the seed in the secret `{NAME}`: {code} (request {REQUEST})");
        assert_eq!(said.to_string(), expected);
        let mut sources = std::iter::successors(std::error::Error::source(&said), |error| error.source());
        assert!(sources.all(|source| !source.to_string().contains(crate::mocks::SEED)), "{code}");
    }
}

#[tokio::test]
async fn a_secret_is_tagged_by_an_answer_without_a_body() {
    let tag = async |aws: &Clients| aws.secrets.tag(ARN, &[("email", "alice@example.com".to_owned())]).await;
    tag(&*Aws::answering([ok("secretsmanager:TagResource", "")]).await).await.unwrap();
    let message = "You can't perform this operation on the secret because it was marked for deletion.";
    let marked = refused("secretsmanager:TagResource", 400, "InvalidRequestException", message);
    let said = error([marked], tag).await;
    assert!(said.is_invalid_request(), "{said}");
    let expected = format!("failed to tag the secret `{NAME}`: InvalidRequestException: {message}");
    assert_eq!(said.to_string(), expected);
}

#[tokio::test]
async fn a_secret_that_is_gone_is_deleted_already_and_one_with_replicas_is_not() {
    let delete = async |aws: &Clients| aws.secrets.delete(ARN).await;
    let known = format!(r#"{{"ARN":"{ARN}","Name":"{NAME}","DeletionDate":1.524085349095E9}}"#);
    let gone = refused("secretsmanager:DeleteSecret", 400, "ResourceNotFoundException", NOT_FOUND);
    for answer in [ok("secretsmanager:DeleteSecret", &known), gone] {
        delete(&*Aws::answering([answer]).await).await.unwrap();
    }
    let message = format!("You can't delete secret {NAME} that still has replica regions [eu-west-1]");
    let replicas = refused("secretsmanager:DeleteSecret", 400, "InvalidRequestException", &message);
    let said = error([replicas], delete).await;
    assert!(said.is_invalid_request(), "{said}");
    assert!(said.to_string().ends_with("that still has replica regions (eu-west-1)"), "{said}");
}
