//! The nouns that travel through the corridor.
//!
//! Nothing here does I/O, reads a clock or knows a foreign file format. Every stage of a check is a type
//! of its own, complete when it is handed over and never changed afterwards.

pub mod advisory;
pub mod authority;
pub mod cpe;
pub mod dockerfile;
pub mod evidence;
pub mod finding;
pub mod hardening;
pub mod image;
pub mod mirror;
pub mod osv;
pub mod package;
pub mod purl;
pub mod report;
pub mod repository;
pub mod truth;
pub mod verdict;
