//! The edge: one file a service, concrete SDK clients, plain facts out. Nothing here decides.

pub mod again;
mod error;
pub mod iam;
pub mod secrets;
pub mod sns;

use crate::aws::again::ask_again;
pub use error::{AwsError, without_words};
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

/// The AWS clients, made once a process.
#[derive(Debug, Clone)]
pub struct Clients {
    /// IAM.
    pub iam: iam::Iam,
    /// Secrets Manager.
    pub secrets: secrets::Secrets,
    /// SNS.
    pub sns: sns::Sns,
    /// What they have sent so far.
    pub calls: Calls,
}

/// Counts the requests of all clients that it was given to, retries included.
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
    /// Clients of the Lambda's own region and role.
    pub fn new(config: &SdkConfig) -> Self {
        let calls = Calls::default();
        Clients { calls: calls.clone(), ..Clients::intercepted(config, calls) }
    }

    /// Clients whose every call `by` sees first.
    pub fn intercepted(config: &SdkConfig, by: impl Intercept + Clone + 'static) -> Self {
        let iam = aws_sdk_iam::config::Builder::from(config).interceptor(by.clone());
        let secrets = aws_sdk_secretsmanager::config::Builder::from(config).interceptor(by.clone());
        let sns = aws_sdk_sns::config::Builder::from(config).interceptor(by);
        Clients {
            iam: iam::Iam(aws_sdk_iam::Client::from_conf(iam.build())),
            secrets: secrets::Secrets(aws_sdk_secretsmanager::Client::from_conf(secrets.build())),
            sns: sns::Sns(aws_sdk_sns::Client::from_conf(sns.build())),
            calls: Calls::default(),
        }
    }
}

/// The SDK's configuration: from the environment.
pub async fn config() -> SdkConfig {
    loader(http_client()).load().await
}

/// What every configuration starts from; with time limits because a hung connection must not eat the invocation.
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

/// HTTP and TLS. ring and not aws-lc: a third of the code size, and a C compiler is all it takes to cross-compile.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// How failed calls are tried again: adaptively, because IAM throttles without a documented rate and the whole
/// run has to slow down with it.
pub fn retries() -> RetryConfig {
    RetryConfig::adaptive().with_max_attempts(6)
}

/// AWS's time as a timestamp; `None` outside the years 1 to 9999.
fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// Refuses a page of IAM's that does not say whether more follows, for the SDK takes a missing `IsTruncated` for `false`.
/// Asked of the two listings that tell what belongs to nobody and is deleted: users and virtual devices.
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
        // What could not be read or understood is tried again as any other.
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

/// Pauses before a page is asked for again whose answer broke off, in seconds.
const PAGE_PAUSES: [u64; 2] = [0, 0];

/// Asks for a page again whose answer broke off on its way: the SDK takes what is there for all.
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
    /// The page that this marker asks for.
    At(String),
    /// The page says that more follows, and not how to ask for it.
    Unknown,
}

impl<T> Page<T> {
    /// As IAM answers: a marker where the list is truncated.
    fn of_iam(entries: Vec<T>, is_truncated: bool, marker: Option<String>) -> Self {
        let next = match marker.filter(|marker| !marker.is_empty()) {
            Some(marker) => Next::At(marker),
            None if is_truncated => Next::Unknown,
            None => Next::Nothing,
        };
        Page { entries, next }
    }

    /// As the other services answer: a token where there is more.
    fn of_token(entries: Vec<T>, token: Option<String>) -> Self {
        let next = token.filter(|token| !token.is_empty()).map_or(Next::Nothing, Next::At);
        Page { entries, next }
    }
}

/// Reads page after page until one says that it is the last: a part of a listing is never taken for all of it. (The
/// SDK's own paginators end where a marker repeats, or where it is missing.)
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
