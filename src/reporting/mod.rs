//! Formats for machines.

pub mod answer;
pub mod metrics;
pub mod summary;
