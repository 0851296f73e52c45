//! The function against emulated AWS, one module a concern.

#![allow(missing_docs)]

mod cloud;
mod failures;
mod life;
mod mocked;
mod process;
mod sweep;
