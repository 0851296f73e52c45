//! A failed AWS call, worded for the person who must act on it.

use crate::model::failure::{AwsFailure, Failure, Unreadable};
use crate::model::text::{LONGEST_ERROR, shown_within, unmentioned};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use std::error::Error;
use std::fmt;

/// What was attempted, on what, what AWS said, and what to do, if that is known.
#[derive(Debug)]
pub struct AwsError {
    code: Option<String>,
    attempted: String,
    said: String,
    source: Box<dyn Error + Send + Sync>,
}

impl AwsError {
    /// `attempted` completes "failed to": "list the users", "create the virtual MFA device `x`".
    pub fn new<E>(attempted: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let code = error.code().map(str::to_owned);
        let said = format!("{}{}", said(error.meta(), &error), advice(code.as_deref()));
        AwsError { code, attempted: unmentioned(&attempted.into()), said, source: error.into() }
    }

    /// The error of a call whose request or answer holds a seed. Any party on the way may repeat either in its error,
    /// so only the error code and the request ID are kept.
    pub fn secretive<E>(attempted: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let (code, said) = without_words(&error);
        let said = format!("{said}{}", advice(code.as_deref()));
        AwsError { code, attempted: unmentioned(&attempted.into()), source: said.clone().into(), said }
    }

    /// Whether the call hit an SNS quota, so that a second attempt would fail too.
    pub fn is_quota(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some(
                "FilterPolicyLimitExceeded"
                    | "SubscriptionLimitExceeded"
                    | "FilterPolicyLimitExceededException"
                    | "SubscriptionLimitExceededException"
            )
        )
    }

    /// Whether SNS refused the call because another call was changing the same tags.
    pub fn is_concurrent_access(&self) -> bool {
        matches!(self.code.as_deref(), Some("ConcurrentAccess" | "ConcurrentAccessException"))
    }

    /// Whether the same call may succeed a little later: AWS throttled it or was out of order, or gave no answer at all.
    pub fn may_pass(&self) -> bool {
        self.code.as_deref().is_none_or(|code| {
            ["Throttl", "TooManyRequests", "RequestLimit", "Internal", "ServiceUnavailable", "ServiceFailure"]
                .iter()
                .any(|known| code.contains(known))
        })
    }

    /// Whether AWS says that the IAM entity does not exist.
    pub fn is_no_such_entity(&self) -> bool {
        matches!(self.code.as_deref(), Some("NoSuchEntity" | "NoSuchEntityException"))
    }

    /// Whether AWS says that the resource's state does not allow the call, for instance while a secret is being
    /// deleted.
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.code.as_deref(), Some("InvalidRequestException" | "ResourceNotFoundException"))
    }

    /// A call that was cut off at the deadline.
    pub fn late(attempted: impl Into<String>) -> Self {
        Self::without_code(attempted, "the run's deadline came before AWS's answer".to_owned())
    }

    /// An operation that AWS did not finish in the given time.
    pub fn not_ready(attempted: impl Into<String>, seconds: u64) -> Self {
        Self::without_code(attempted, format!("AWS had not finished after {seconds} seconds"))
    }

    /// An answer from AWS that lacks a required part.
    pub fn incomplete(attempted: impl Into<String>, lacking: &str) -> Self {
        Self::without_code(attempted, format!("AWS's answer has no usable {lacking}"))
    }

    fn without_code(attempted: impl Into<String>, said: String) -> Self {
        AwsError { code: None, attempted: unmentioned(&attempted.into()), source: said.clone().into(), said }
    }
}

/// What went wrong, in one line, shortened and harmless: AWS's code and message, or without a code the error and its
/// causes, each once. (The SDK's own display adds the whole answer.) `metadata`: the error's own, if it has any.
pub fn said(metadata: &ErrorMetadata, error: &(dyn Error + 'static)) -> String {
    let said = match metadata.code() {
        Some(_) => in_words(metadata),
        None => {
            let mut said: Vec<String> = Vec::new();
            for cause in causes(error) {
                match cause.downcast_ref::<ErrorMetadata>() {
                    // AWS's own words stand without the SDK's layers around them.
                    Some(answer) if answer.code().is_some() => {
                        said.retain(|words| {
                            words != "service error" && !words.starts_with("unhandled error")
                        });
                        said.push(in_words(answer));
                    }
                    _ => said.push(cause.to_string()),
                }
            }
            said.dedup();
            said.join(": ")
        }
    };
    // AWS's message may repeat text that others chose: names, paths, ARNs.
    shown_within(&said, LONGEST_ERROR)
}

/// The code and the message of an answer.
fn in_words(answer: &ErrorMetadata) -> String {
    [answer.code(), answer.message()].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// The error and its causes.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The code of an error, and a text that holds nothing of the answer but the code and the request ID.
pub fn without_words<E>(error: &SdkError<E, HttpResponse>) -> (Option<String>, String)
where
    E: Error + ProvideErrorMetadata,
{
    let code = error.code().filter(|code| is_code(code)).map(str::to_owned);
    let request = error.raw_response().and_then(|response| request_id(response.headers()));
    let what = match (&code, &error) {
        (Some(code), _) => code.clone(),
        (None, SdkError::TimeoutError(_)) => "no answer in time".to_owned(),
        (None, SdkError::DispatchFailure(_)) => "the connection failed".to_owned(),
        (None, _) => "the answer cannot be parsed, and is not shown because it may hold a secret".to_owned(),
    };
    let request = request.map_or(String::new(), |id| format!(" (request {id})"));
    (code, what + &request)
}

/// Whether the text can only be an error code.
fn is_code(text: &str) -> bool {
    let letters = (1..=48).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic());
    letters
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.contains(|c: char| c.is_ascii_lowercase())
}

/// The ID that AWS gave the request. AWS Support asks for it.
fn request_id(headers: &Headers) -> Option<&str> {
    let id = ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| headers.get(name))?;
    let is_id = (1..=36).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_id.then_some(id)
}

fn advice(code: Option<&str>) -> &'static str {
    match code {
        Some("AccessDenied" | "AccessDeniedException" | "AuthorizationError") => {
            " (allow it to the caller's role or user; look for a denying service control policy or boundary)"
        }
        Some("Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded") => {
            " (AWS throttled all attempts; the next run tries again)"
        }
        Some("FilterPolicyLimitExceeded" | "FilterPolicyLimitExceededException") => {
            " (raise the quota of filter policies, or subscribe one unfiltered queue or function that mails the owners)"
        }
        _ => "",
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.attempted, self.said)
    }
}

impl Error for AwsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<AwsError> for AwsFailure {
    fn from(AwsError { code, attempted, said, .. }: AwsError) -> Self {
        AwsFailure { attempted, code, said }
    }
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        Failure::Aws(error.into())
    }
}

impl From<AwsError> for Unreadable {
    fn from(error: AwsError) -> Self {
        Unreadable(error.into())
    }
}
