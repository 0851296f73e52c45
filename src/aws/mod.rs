//! The calls to AWS: one file per service, with concrete SDK clients. They return plain facts and decide nothing.

pub mod again;
pub mod cloudtrail;
mod error;
pub mod iam;
pub mod secrets;
pub mod sns;

use crate::aws::again::ask_again;
pub use error::{AwsError, causes, said, without_words};
use std::collections::HashSet;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The AWS clients, made once per process.
#[derive(Debug, Clone)]
pub struct Clients {
    /// CloudTrail.
    pub cloudtrail: cloudtrail::CloudTrail,
    /// IAM.
    pub iam: iam::Iam,
    /// Secrets Manager.
    pub secrets: secrets::Secrets,
    /// SNS.
    pub sns: sns::Sns,
    /// The count of their requests so far.
    pub calls: Calls,
}

/// Counts the requests of all clients that share it, retries included.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    made: Arc<AtomicU32>,
}

impl Calls {
    /// Requests sent since the process began.
    pub fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Clients {
    /// Clients in the function's own region, with its role.
    pub fn new(config: &SdkConfig) -> Self {
        let calls = Calls::default();
        Clients { calls: calls.clone(), ..Clients::intercepted(config, calls) }
    }

    /// Clients whose calls pass the interceptor `by` first.
    pub fn intercepted(config: &SdkConfig, by: impl Intercept + Clone + 'static) -> Self {
        let cloudtrail = aws_sdk_cloudtrail::config::Builder::from(config).interceptor(by.clone());
        let iam = aws_sdk_iam::config::Builder::from(config).interceptor(by.clone());
        let secrets = aws_sdk_secretsmanager::config::Builder::from(config).interceptor(by.clone());
        let sns = aws_sdk_sns::config::Builder::from(config).interceptor(by);
        Clients {
            cloudtrail: cloudtrail::CloudTrail(aws_sdk_cloudtrail::Client::from_conf(cloudtrail.build())),
            iam: iam::Iam(aws_sdk_iam::Client::from_conf(iam.build())),
            secrets: secrets::Secrets(aws_sdk_secretsmanager::Client::from_conf(secrets.build())),
            sns: sns::Sns(aws_sdk_sns::Client::from_conf(sns.build())),
            calls: Calls::default(),
        }
    }
}

/// The SDK's configuration, from the environment.
pub async fn config() -> SdkConfig {
    loader(http_client()).load().await
}

/// The base of every configuration. It sets timeouts, because a hung connection must not use up the invocation.
pub fn loader(http_client: SharedHttpClient) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(15))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .retry_config(retries())
        .timeout_config(timeouts)
}

/// HTTP and TLS, with ring and not aws-lc: ring has a third of the code size and needs only a C compiler to
/// cross-compile.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// How failed calls are retried: adaptively, because IAM's rate limit is undocumented and the whole run must slow down
/// when IAM throttles.
pub fn retries() -> RetryConfig {
    RetryConfig::adaptive().with_max_attempts(6)
}

/// AWS's time as a timestamp; `None` outside the years 1 to 9999.
fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// Refuses a page of IAM that does not say whether more follows, because the SDK reads a missing `IsTruncated` as
/// `false`. The two listings that decide what belongs to nobody and is deleted use it: users and virtual devices.
#[derive(Debug)]
struct SaysWhetherMoreFollows;

impl Intercept for SaysWhetherMoreFollows {
    fn name(&self) -> &'static str {
        "SaysWhetherMoreFollows"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const ELEMENT: &[u8] = b"<IsTruncated>";
        // An answer that could not be read or parsed is retried like any other failure.
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        let says = body.windows(ELEMENT.len()).any(|window| window == ELEMENT);
        if response.status().is_success() && !says {
            return Err("the answer does not say whether more follows (`IsTruncated`)".into());
        }
        Ok(())
    }
}

/// Pauses before a page is requested again because its answer broke off, in milliseconds.
const PAGE_PAUSES: [u64; 2] = [0, 0];

/// Requests a page again if its answer broke off. The SDK would take the part that arrived for the whole.
async fn whole_page<O, E>(
    ask: impl AsyncFn() -> Result<O, SdkError<E, Response>>,
) -> Result<O, SdkError<E, Response>> {
    let is_whole =
        |answer: &Result<O, SdkError<E, Response>>| !matches!(answer, Err(SdkError::ResponseError(_)));
    ask_again(&PAGE_PAUSES, async || ask().await, is_whole).await
}

/// One page of a listing.
struct Page<T> {
    entries: Vec<T>,
    next: Next,
}

/// What follows a page.
enum Next {
    /// The page says that it is the last one.
    Nothing,
    /// The page at this marker.
    At(String),
    /// The page says that more follows, but gives no marker for it.
    Unknown,
}

impl<T> Page<T> {
    /// A page as IAM returns it: with a marker if the list is truncated.
    fn of_iam(entries: Vec<T>, is_truncated: bool, marker: Option<String>) -> Self {
        let next = match marker.filter(|marker| !marker.is_empty()) {
            Some(marker) => Next::At(marker),
            None if is_truncated => Next::Unknown,
            None => Next::Nothing,
        };
        Page { entries, next }
    }

    /// A page as the other services return it: with a token if more follows.
    fn of_token(entries: Vec<T>, token: Option<String>) -> Self {
        let next = token.filter(|token| !token.is_empty()).map_or(Next::Nothing, Next::At);
        Page { entries, next }
    }
}

/// Reads page after page until one says that it is the last: a partial listing never counts as complete. (The SDK's own
/// paginators end when a marker repeats or is missing.)
async fn all_pages<T>(
    attempted: &str,
    page: impl AsyncFn(Option<String>) -> Result<Page<T>, AwsError>,
) -> Result<Vec<T>, AwsError> {
    let mut entries = Vec::new();
    let mut asked = HashSet::new();
    let mut marker = None;
    loop {
        let Page { entries: more, next } = page(marker).await?;
        entries.extend(more);
        match next {
            Next::Nothing => return Ok(entries),
            Next::Unknown => {
                return Err(AwsError::incomplete(attempted, "marker, although it says that more follows"));
            }
            Next::At(at) if !asked.insert(at.clone()) => {
                return Err(AwsError::incomplete(attempted, "next page: it names the same page again"));
            }
            Next::At(at) => marker = Some(at),
        }
    }
}
