//! Formats for machines.

pub mod answer;
pub mod metrics;
pub mod notice;
pub mod summary;
