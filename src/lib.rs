//! scacheck tells which of the packages you ship may be shipped.

pub mod facts;
pub mod mirror;
pub mod model;
pub mod sync;
pub mod version;
