//! A failed AWS call, told to the person who has to do something about it.

use crate::facts::Unreadable;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};
use std::error::Error;
use std::fmt;

/// What was attempted, on what, what AWS said, and what to do where that is known.
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
        let said = match (&code, error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            (None, _) => DisplayErrorContext(&error).to_string(),
        };
        AwsError {
            attempted: attempted.into(),
            said: format!("{said}{}", advice(code.as_deref())),
            source: error.into(),
            code,
        }
    }

    /// Whether a quota of SNS was hit that no second attempt gets around.
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

    /// Whether AWS says that there is no such thing in IAM.
    pub fn is_no_such_entity(&self) -> bool {
        matches!(self.code.as_deref(), Some("NoSuchEntity" | "NoSuchEntityException"))
    }

    /// An answer of AWS that lacks what it must have.
    pub fn incomplete(attempted: impl Into<String>, lacking: &str) -> Self {
        let said = format!("AWS's answer has no usable {lacking}");
        AwsError { code: None, attempted: attempted.into(), source: said.clone().into(), said }
    }
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
            " (raise the quota of filter policies, or let one queue or function without a filter mail the owners)"
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

impl From<AwsError> for Unreadable {
    fn from(error: AwsError) -> Self {
        Unreadable(error.to_string())
    }
}
