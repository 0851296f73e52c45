//! Credentials, and who the caller is.

use crate::options::Global;
use anyhow::anyhow;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::service_config::ServiceConfigKey;
use mfa_warden::aws::{self, AwsError, causes, said};
use mfa_warden::messages::enroll::Said;
use mfa_warden::model::account::Account;
use mfa_warden::model::arn::Arn;
use mfa_warden::model::commands::shell_word;
use mfa_warden::model::failure::AwsFailure;
use mfa_warden::model::language::Language;
use mfa_warden::model::text::shown;
use std::error::Error;

/// The connection to AWS, and the caller's identity.
#[derive(Debug)]
pub struct Connection {
    /// The SDK's configuration.
    pub config: SdkConfig,
    /// The account of the credentials.
    pub account: Account,
    /// The caller's ARN.
    pub arn: String,
    /// The caller's unique id.
    pub user_id: String,
    /// The language to speak.
    language: Language,
}

impl Connection {
    /// What was read, or the error in words.
    ///
    /// # Errors
    /// When it was not read.
    pub async fn told<T>(&self, read: Result<T, AwsError>) -> anyhow::Result<T> {
        match read {
            Ok(read) => Ok(read),
            Err(error) => {
                let failure = error.into();
                let refusal = self.refusal(&failure).await;
                Err(anyhow!(refusal.unwrap_or_else(|| failure.to_string())))
            }
        }
    }

    /// Why IAM refuses every call with these credentials, and what to do; `None`: no such thing is known.
    pub async fn refusal(&self, failure: &AwsFailure) -> Option<String> {
        // A role's credentials always carry a session token, and IAM takes them.
        if !refuses_the_credentials(failure) || !is_long_term(&self.arn) {
            return None;
        }
        let credentials = self.config.credentials_provider()?.provide_credentials().await.ok()?;
        why_refused(failure, credentials.session_token().is_some(), self.language)
    }
}

/// Whether IAM refused the credentials, and not what one of their policies denies: then it says "not authorized to
/// perform".
fn refuses_the_credentials(failure: &AwsFailure) -> bool {
    match failure.code.as_deref() {
        Some("InvalidClientTokenId") => true,
        Some("AccessDenied") => !failure.said.to_lowercase().contains("not authorized to perform"),
        _ => false,
    }
}

/// Whether the caller is one that has access keys: an IAM user or root.
fn is_long_term(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.resource == "root" || arn.resource.starts_with("user/"))
}

/// A session token alone proves nothing: IAM takes those of CloudShell and `aws login`.
fn why_refused(failure: &AwsFailure, has_session_token: bool, language: Language) -> Option<String> {
    let words = &failure.to_string();
    let why = match (has_session_token, failure.code.as_deref()) {
        (true, _) => Said::SessionToken { failure: words },
        (false, Some("InvalidClientTokenId")) => Said::UnknownKey { failure: words },
        _ => return None,
    };
    Some(why.words(language))
}

/// Finds credentials and region as the AWS CLI does, and asks AWS who the caller is.
///
/// # Errors
/// When there is no region, there are no credentials, or AWS refuses them; the message says what to do.
pub async fn connect(global: &Global) -> anyhow::Result<Connection> {
    connect_in(Language::ENGLISH, global).await
}

/// The same in a language.
///
/// # Errors
/// As [`connect`].
pub async fn connect_in(language: Language, global: &Global) -> anyhow::Result<Connection> {
    let config = config(global).await;
    let region = config.region().ok_or_else(|| anyhow!(Said::NoRegion.words(language)))?;
    // Few attempts: a person is waiting, and a wrong network or endpoint shows here first.
    let sts = aws_sdk_sts::config::Builder::from(&config)
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    let answer = aws_sdk_sts::Client::from_conf(sts.build()).get_caller_identity().send().await;
    let answer = answer.map_err(|error| anyhow!(why_unknown(&error, global, region.as_ref(), language)))?;
    let arn = answer.arn.unwrap_or_default();
    let account = account(&arn, region.as_ref())
        .ok_or_else(|| anyhow!(Said::NoAccount { arn: &shown(&arn) }.words(language)))?;
    Ok(Connection { account, user_id: answer.user_id.unwrap_or_default(), arn, config, language })
}

async fn config(global: &Global) -> SdkConfig {
    let http_client = aws::http_client();
    let mut loader = aws::loader(http_client.clone());
    if let Some(url) = &global.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &global.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let Some(profile) = &global.profile else {
        return loader.load().await;
    };
    let config = loader.profile_name(profile).load().await;
    // The SDK prefers keys in the environment over a profile that the user asked for; the AWS CLI does not.
    let provider =
        ProviderConfig::default().with_http_client(http_client).with_region(config.region().cloned());
    let credentials =
        ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&provider).build();
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// The endpoint that requests go to, if it is not AWS's own. Its operator sees what is sent, and can forge answers.
pub fn foreign_endpoint(config: &SdkConfig) -> Option<String> {
    let of_service = |service: &&str| {
        let key =
            ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        config.service_config()?.load_config(key.build().ok()?)
    };
    let services = ["STS", "IAM", "Secrets Manager"];
    let urls =
        config.endpoint_url().map(str::to_owned).into_iter().chain(services.iter().filter_map(of_service));
    urls.into_iter().find(|url| !is_of_aws(url))
}

/// Whether a URL is an endpoint, or a VPC endpoint, of an AWS service that enrolling needs (AWS General Reference,
/// "Service endpoints"). Other hosts in AWS's domains may belong to anyone.
fn is_of_aws(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    // The part before an `@` is not the host.
    let host = host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"];
    let Some(labels) = domains.iter().find_map(|domain| host.strip_suffix(domain)) else {
        return false;
    };
    let labels: Vec<&str> = labels.split('.').collect();
    let is_service = |label: &str| {
        ["iam", "sts", "secretsmanager"].contains(&label.strip_suffix("-fips").unwrap_or(label))
    };
    let is_own = match labels[..] {
        [service] | [service, _] => is_service(service),
        [_, service, _, "vpce"] => is_service(service),
        _ => false,
    };
    is_own && url.starts_with("https://")
}

/// Reads account and partition from any ARN of the account.
fn account(arn: &str, region: &str) -> Option<Account> {
    Account::of(Arn::parse(arn)?, region)
}

fn why_unknown(
    error: &SdkError<GetCallerIdentityError>,
    global: &Global,
    region: &str,
    language: Language,
) -> String {
    let region = shell_word(region);
    let login = match &global.profile {
        Some(profile) => {
            format!(
                "`aws sso login --profile {profile}` or `aws login --profile {profile} --region {region}`"
            )
        }
        None => format!("`aws sso login` or `aws login --region {region}`"),
    };
    let login = &login;
    let answer = said(error.meta(), error);
    match (credentials_error(error), error.code(), &global.profile) {
        (Some(CredentialsError::CredentialsNotLoaded(_)), _, Some(profile)) => Said::NoProfile { profile },
        (Some(CredentialsError::CredentialsNotLoaded(_)), _, None) => Said::NoCredentials { login },
        (Some(error), _, profile) => {
            let why = &said(&ErrorMetadata::default(), error);
            // The SDK cannot ask for a code, so a role that demands MFA refuses it. Of that error only its text is left.
            let mfa_profile = why.contains("AccessDenied").then(|| profile.as_deref().unwrap_or("PROFILE"));
            return Said::BadCredentials { why, login, mfa_profile }.words(language);
        }
        (None, Some(_), _) => Said::Unidentified { said: &answer, login },
        (None, None, _) => Said::Unreachable { said: &answer },
    }
    .words(language)
}

/// The error that kept credentials from being loaded, if that is what failed.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_partition_are_those_of_the_callers_arn() {
        let account =
            account("arn:aws-us-gov:sts::123456789012:assumed-role/admin/me", "us-gov-west-1").unwrap();
        assert_eq!((account.partition.as_str(), account.id.as_str()), ("aws-us-gov", "123456789012"));
    }

    fn refused(code: &str, words: &str) -> AwsFailure {
        AwsFailure {
            attempted: "list the virtual MFA devices".to_owned(),
            code: Some(code.to_owned()),
            said: format!("{code}: {words}"),
        }
    }

    #[test]
    fn a_refusal_of_the_credentials_is_not_that_of_a_policy() {
        let invalid =
            refused("InvalidClientTokenId", "The security token included in the request is invalid");
        assert!(refuses_the_credentials(&invalid));
        assert!(refuses_the_credentials(&refused(
            "AccessDenied",
            "Cannot call IAM with session credentials"
        )));
        // As IAM answers somebody in CloudShell or after `aws login`, whose session tokens it takes.
        let by_policy =
            "User: arn:aws:iam::123456789012:user/anna is not authorized to perform: iam:ListMFADevices";
        assert!(!refuses_the_credentials(&refused("AccessDenied", by_policy)));
        assert!(!refuses_the_credentials(&refused("Throttling", "Rate exceeded")));
        assert!(
            is_long_term("arn:aws:iam::123456789012:user/team/anna") && is_long_term("arn:aws:iam::1:root")
        );
        assert!(!is_long_term("arn:aws:sts::123456789012:assumed-role/user/anna"));
    }

    #[test]
    fn credentials_that_iam_refuses_are_told_with_what_to_do() {
        let invalid =
            refused("InvalidClientTokenId", "The security token included in the request is invalid");
        insta::assert_snapshot!("session_token", why_refused(&invalid, true, Language::ENGLISH).unwrap());
        insta::assert_snapshot!("access_key", why_refused(&invalid, false, Language::ENGLISH).unwrap());
        assert_eq!(why_refused(&refused("AccessDenied", "no"), false, Language::ENGLISH), None);
    }

    #[test]
    fn only_an_endpoint_of_aws_goes_without_saying() {
        let named = |url: &str| {
            let config = SdkConfig::builder().endpoint_url(url).build();
            foreign_endpoint(&config).is_some()
        };
        for own in [
            "https://iam.amazonaws.com",
            "https://iam-fips.amazonaws.com",
            "https://secretsmanager.eu-central-1.api.aws",
            "https://vpce-1.secretsmanager.us-east-1.vpce.amazonaws.com",
            "https://iam.cn-north-1.amazonaws.com.cn/",
        ] {
            assert!(!named(own), "{own}");
        }
        for other in [
            "http://127.0.0.1:4566",
            "http://iam.amazonaws.com",
            "https://amazonaws.com.evil.example",
            "https://iam.amazonaws.com@evil.example/",
            "https://evil.example/.amazonaws.com",
            "https://notamazonaws.com",
            "https://anybody.s3.amazonaws.com",
            "https://abc.execute-api.us-east-1.amazonaws.com",
            "https://abc.lambda-url.us-east-1.on.aws",
            "https://vpce-1.vpce-svc-2.us-east-1.vpce.amazonaws.com",
            "https://iam.evil.example.amazonaws.com",
        ] {
            assert!(named(other), "{other}");
        }
        assert_eq!(foreign_endpoint(&SdkConfig::builder().build()), None);
    }
}
