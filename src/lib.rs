//! mfa-warden

pub mod act;
pub mod aws;
pub mod config;
pub mod facts;
pub mod handler;
pub mod logging;
pub mod notice;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod seed;
pub mod trigger;
pub mod verdict;

pub use config::Settings;
pub use handler::Warden;
