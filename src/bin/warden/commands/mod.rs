//! The commands, one file each.

pub mod enroll;
pub mod explain;
pub mod generate;
pub mod plan;
pub mod preview;
pub mod status;
