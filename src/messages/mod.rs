//! Texts for people: owners and operations.

pub mod format;
pub mod instructions;
pub mod operations;
pub mod owner;
pub mod protocols;
pub mod rules;
