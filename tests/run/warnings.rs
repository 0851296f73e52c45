//! Warnings about the account, beyond single users.

use crate::mocks::*;
use crate::trails::trails;
use aws_sdk_iam::operation::get_account_summary::GetAccountSummaryOutput;
use aws_sdk_iam::operation::list_users::ListUsersOutput;
use aws_sdk_iam::operation::list_virtual_mfa_devices::ListVirtualMfaDevicesOutput;
use aws_sdk_iam::types::{ReportStateType, SummaryKeyType};
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_sdk_sns::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_sdk_sns::operation::tag_resource::TagResourceOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use mfa_warden::aws::Clients;
use mfa_warden::aws::sns::Sns;
use mfa_warden::{Settings, Warden};
use std::time::Duration;

/// The warnings of a sweep over an account without users whose summary says that there is no MFA, and how often it was
/// read.
async fn warnings_in(partition: &str, region: &str) -> (Vec<String>, usize) {
    let summary = mock!(IamClient::get_account_summary).then_output(|| {
        let summary = GetAccountSummaryOutput::builder().summary_map(SummaryKeyType::AccountMfaEnabled, 0);
        summary.summary_map(SummaryKeyType::Users, 0).build()
    });
    let rules = [
        mock!(IamClient::list_users)
            .then_output(|| ListUsersOutput::builder().set_users(Some(vec![])).build().unwrap()),
        mock!(IamClient::list_virtual_mfa_devices).then_output(|| {
            ListVirtualMfaDevicesOutput::builder().set_virtual_mfa_devices(Some(vec![])).build().unwrap()
        }),
        report_in(&[ReportStateType::Complete]),
        report_content(COLUMNS),
    ];
    let iam_rules: Vec<_> = rules.iter().chain([&summary]).collect();
    let listed = mock!(SecretsClient::list_secrets).then_output(|| ListSecretsOutput::builder().build());
    let told = mock!(aws_sdk_sns::Client::list_tags_for_resource)
        .then_output(|| ListTagsForResourceOutput::builder().build());
    let tell = mock!(aws_sdk_sns::Client::tag_resource).then_output(|| TagResourceOutput::builder().build());
    let publish = mock!(aws_sdk_sns::Client::publish).then_output(|| PublishOutput::builder().build());
    let listening = mock!(aws_sdk_sns::Client::list_subscriptions_by_topic).then_output(|| {
        let queue = aws_sdk_sns::types::Subscription::builder()
            .subscription_arn("arn:aws:sns:us-east-1:123456789012:ops:1")
            .protocol("sqs");
        ListSubscriptionsByTopicOutput::builder().subscriptions(queue.build()).build()
    });
    let sns = mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[&told, &tell, &publish, &listening]);
    let topic = |name: &str| format!("arn:{partition}:sns:{region}:123456789012:{name}");
    let setting = |name: &str| match name {
        "OWNER_TOPIC_ARN" => Some(topic("owners")),
        "OPS_TOPIC_ARN" => Some(topic("ops")),
        _ => None,
    };
    let warden = Warden {
        settings: Settings::from_env(setting).unwrap(),
        clients: Clients {
            cloudtrail: trails(&[]),
            iam: iam(&iam_rules),
            secrets: secrets(&[&listed]),
            sns: Sns(sns),
            calls: Default::default(),
        },
        clock,
    };
    let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:mfa-warden");
    let event = serde_json::json!({"action": "sweep"});
    let answer = warden.handle(&event, &arn, Duration::from_secs(600)).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let warnings = answer["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
    (warnings.collect(), summary.num_calls())
}

#[tokio::test]
async fn an_account_whose_partition_has_no_root_user_is_not_warned_of_it() {
    let is_of_root = |warning: &String| warning.contains("root user");
    let (commercial, asked) = warnings_in("aws", "us-east-1").await;
    assert!(commercial.iter().any(is_of_root) && asked > 0, "{commercial:?}");
    let (govcloud, _) = warnings_in("aws-us-gov", "us-gov-west-1").await;
    assert!(!govcloud.iter().any(is_of_root), "{govcloud:?}");
}
