//! Facts of images and Dockerfiles in, breaches of hardening rules out (CIS Docker Benchmark 1.6, section 4). Pure.

mod base;
mod dockerfile;
mod image;
mod packages;
mod shell;

use crate::model::hardening::{Breach, Lists};
use crate::model::package::Inventory;

/// What is guessed about a subject, so that nobody is surprised by what is not there.
#[must_use]
pub fn notes(inventory: &Inventory) -> Vec<String> {
    inventory.subject.image.iter().filter(|_| inventory.subject.base.is_none()).filter_map(image::guess).collect()
}

/// The breaches of one subject.
#[must_use]
pub fn judge(inventory: &Inventory, lists: &Lists) -> Vec<Breach> {
    let of_image = inventory.subject.image.iter().flat_map(|facts| image::judge(facts, inventory, lists));
    let of_files = inventory.dockerfiles.iter().flat_map(|file| dockerfile::judge(file, lists));
    of_image.chain(of_files).collect()
}
