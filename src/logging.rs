//! Structured logs, one JSON object per line.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard output. The level comes from the function's logging configuration
/// (`AWS_LAMBDA_LOG_LEVEL`) or from `RUST_LOG`; the default is `INFO`.
///
/// Below `INFO`, only this crate logs: at `TRACE`, the HTTP stack logs requests and answers, and these hold seeds.
pub fn init(env: impl Fn(&str) -> Option<String>) {
    let level = level(env);
    let filter = Targets::new().with_default(level.min(Level::INFO)).with_target("mfa_warden", level);
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    tracing_subscriber::registry().with(filter).with(json).init();
}

fn level(env: impl Fn(&str) -> Option<String>) -> Level {
    let named = |name| env(name)?.trim().parse().ok();
    named("AWS_LAMBDA_LOG_LEVEL").or_else(|| named("RUST_LOG")).unwrap_or(Level::INFO)
}
