//! The Lambda function's start: it sets up logging, settings and clients, then handles one invocation after the other.

use anyhow::anyhow;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use mfa_warden::{Settings, Warden, aws, logging};
use serde_json::Value;
use std::time::{Duration, SystemTime};

// The one place that reads the clock and the environment.
#[expect(clippy::disallowed_methods)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    logging::init(|name| std::env::var(name).ok());
    let warden = Warden {
        settings: Settings::from_env(|name| std::env::var(name).ok())?,
        clients: aws::Clients::new(&aws::config().await),
        clock: Timestamp::now,
    };
    let invocation = async |event: LambdaEvent<Value>| {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        let answer = warden.handle(&event.payload, &event.context.invoked_function_arn, time_left).await;
        answer.map_err(|error| Diagnostic {
            error_type: "MfaWardenError".to_owned(),
            error_message: error.to_string(),
        })
    };
    lambda_runtime::run(service_fn(invocation)).await.map_err(|error| anyhow!(error))
}
