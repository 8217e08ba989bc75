//! One file per format: text in, packages with their offsets out.

pub mod cargo_lock;
pub mod cyclonedx;
pub mod npm_lock;
pub mod purl_list;
pub mod requirements;
