//! What a person sees: text, tables, colors and progress.

pub mod output;
pub mod progress;
