//! scacheck tells which of the packages you ship may be shipped.
pub mod acquire;
pub mod facts;
pub mod identify;
pub mod matching;
pub mod mirror;
pub mod model;
pub mod sync;
pub mod version;
