//! Listings: page two, pages that fail, break off or do not say whether more follows; throttling.

use crate::mocks::*;
use aws_sdk_iam::operation::list_users::ListUsersOutput;
use aws_sdk_iam::operation::list_virtual_mfa_devices::ListVirtualMfaDevicesOutput;
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;
use aws_sdk_secretsmanager::types::SecretListEntry;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_types::DateTime;
use mfa_warden::aws::AwsError;
use mfa_warden::aws::iam::Iam;

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
