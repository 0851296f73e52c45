//! Texts for people: owners and operations.

mod context;
pub mod enroll;
pub mod format;
pub mod operations;
pub mod owner;
pub mod protocols;
pub mod rules;
mod templates;
