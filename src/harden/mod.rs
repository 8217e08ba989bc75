//! Facts of images and Dockerfiles in, breaches of hardening rules out (CIS Docker Benchmark 1.6, section 4). Pure.

use crate::model::hardening::{Breach, Lists};
use crate::model::package::Inventory;

/// The breaches of one subject.
#[must_use]
pub fn judge(_inventory: &Inventory, _lists: &Lists) -> Vec<Breach> {
    Vec::new()
}
