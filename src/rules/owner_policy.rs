//! The resource policy of an owner's secret: who may read the seed, and who may change anything about it. Pure.

use crate::model::arn::Arn;
use crate::model::facts::UserFacts;
use crate::model::record::tag;
use crate::model::settings::Settings;
use crate::model::user::User;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

impl UserFacts {
    /// The resource policy that the user's secret should have.
    pub fn owner_policy(&self, settings: &Settings) -> String {
        document(&self.user, settings.function_role_arn.as_deref())
    }

    /// Whether the secret has the resource policy that this version writes, according to its tag.
    pub fn has_current_policy(&self, settings: &Settings) -> bool {
        let written = self.secret.as_ref().and_then(|secret| secret.tags.get(tag::POLICY));
        written.is_some_and(|written| *written == fingerprint(&self.owner_policy(settings)))
    }
}

/// Every action that changes a secret, its value, its policy, its tags or its location (Service Authorization Reference,
/// "AWS Secrets Manager"), except creating and deleting a secret.
const CHANGES: [&str; 15] = [
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:RotateSecret",
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:RestoreSecret",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RemoveRegionsFromReplication",
    "secretsmanager:StopReplicationToReplica",
    "secretsmanager:AssociateCrossAccountReplica",
    "secretsmanager:DisassociateCrossAccountReplica",
];

/// Actions that not even the function uses. They are denied to everybody if the function's role is unknown.
const NEVER: [&str; 8] = [
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:RotateSecret",
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RemoveRegionsFromReplication",
    "secretsmanager:StopReplicationToReplica",
    "secretsmanager:AssociateCrossAccountReplica",
    "secretsmanager:DisassociateCrossAccountReplica",
];

/// The policy, as JSON.
///
/// Only the owner may read. Everybody else is denied, including administrators: within an account an Allow in any policy
/// is enough, so only a Deny keeps others out. `aws:userid` is the immutable id, so a new user with an old name is another
/// user. Only the function's role may change anything. The owner may not delete the secret, because that would restart
/// the grace period; administrators may.
pub fn document(owner: &User, function_role_arn: Option<&str>) -> String {
    let mut changes = json!({
        "Sid": "OnlyTheFunctionChanges",
        "Effect": "Deny",
        "Principal": "*",
        "Action": CHANGES,
        "Resource": "*"
    });
    match function_role_arn.and_then(patterns) {
        Some(patterns) => changes["Condition"] = json!({"ArnNotLike": {"aws:PrincipalArn": patterns}}),
        None => changes["Action"] = json!(NEVER),
    }
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnerReads",
                "Effect": "Allow",
                "Principal": {"AWS": owner.arn},
                "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                "Resource": "*"
            },
            {
                "Sid": "NobodyElseReads",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:userid": owner.id}}
            },
            changes,
            {
                "Sid": "OwnerDoesNotDelete",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:DeleteSecret",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:userid": owner.id}}
            }
        ]
    })
    .to_string()
}

/// The role's ARN with and without a path. Role names are unique in an account whatever their path, and the path may
/// change.
fn patterns(role_arn: &str) -> Option<Value> {
    let arn = Arn::parse(role_arn)?;
    let name = arn.resource.strip_prefix("role/")?.rsplit('/').next()?;
    let pattern = |path: &str| Arn { resource: &format!("role/{path}{name}"), ..arn }.to_string();
    Some(json!([pattern(""), pattern("*/")]))
}

/// The first 8 hexadecimal digits of the policy's SHA-256. The secret's tag stores them to tell which policy it has.
pub fn fingerprint(document: &str) -> String {
    Sha256::digest(document).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
