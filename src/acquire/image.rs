//! A container image: an archive as `docker save` writes it, or an OCI layout in an archive or folder (OCI image specification 1.1).
//!
//! Layers are read once, lowest first, as streams; nothing is unpacked to disk. What tells of installed packages is kept in memory,
//! and what a later layer replaces or removes (whiteouts, opaque folders) is dropped again. A second pass goes over those layers only
//! that hold executables with a list of crates in them.

pub mod blobs;
#[cfg(test)]
mod layer_tests;
pub mod layers;
pub mod marks;
pub mod plan;
pub mod strata;
pub mod stream;

use super::desk::Desk;
use super::rootfs::{self, Listed};
use super::tree::Tree;
use super::{AcquireError, Selection};
use crate::facts::secrets::redact;
use crate::model::image::{HistoryEntry, ImageFacts, PasswdEntry};
use crate::model::package::{Gap, Inventory, Location, SubjectKind};
use blobs::Blobs;
use layers::Layers;
use plan::{Plan, Platform};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Looks at an image.
///
/// # Errors
/// When it is no image; a layer that does not read is a gap.
pub fn acquire(name: &str, selection: &Selection) -> Result<Inventory, AcquireError> {
    let (blobs, plan) = open(name, selection)?;
    let base = match &selection.base {
        Some(base) => shared(&plan, base, &open(base, selection)?.1)?,
        None => 0,
    };
    let mut desk = Desk::new(SubjectKind::Image, name, selection);
    desk.subject.digest.clone_from(&plan.digest);
    desk.subject.names.clone_from(&plan.names);
    desk.subject.base.clone_from(&selection.base);
    let mut layers = Layers::default();
    for (at, layer) in plan.layers.iter().enumerate() {
        match blobs.stream(layer) {
            Ok(stream) => layers.add(stream, plan.digest_of(at)),
            Err(reason) => layers.fail(plan.digest_of(at), &reason),
        }
    }
    for at in layers.to_capture() {
        let again = blobs.stream(&plan.layers[at]).and_then(|stream| layers.capture(at, stream));
        if let Err(reason) = again {
            let location = Location { layer: Some(plan.digest_of(at).to_owned()), ..Location::file(plan.digest_of(at)) };
            desk.gaps.push(Gap { location, reason: format!("the layer could not be read a second time: {reason}") });
        }
    }
    desk.gaps.append(&mut layers.gaps);
    desk.strata = layers.strata(base);
    desk.subject.image = Some(facts(&plan, &layers, base));
    let audits = layers.captured();
    rootfs::read_all(&Listed { tree: &layers, paths: layers.paths(), audits }, &mut desk);
    Ok(desk.finish())
}

/// Whether a file is an archive that holds an image.
#[must_use]
pub fn is_image(path: &Path) -> bool {
    if path.is_dir() {
        return path.join("oci-layout").is_file() && path.join("index.json").is_file();
    }
    let mut head = [0; 512];
    let whole = File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    whole && &head[257..262] == b"ustar"
}

fn open(name: &str, selection: &Selection) -> Result<(Blobs, Plan), AcquireError> {
    let unreadable = |reason: String| AcquireError::Unreadable { name: name.to_owned(), reason };
    let path = Path::new(name);
    if !path.exists() {
        let hint = format!("; if this is the name of an image, save it first: `docker save {name} -o image.tar`");
        return Err(AcquireError::Missing { name: name.to_owned(), hint });
    }
    let platform = selection.platform.as_deref().map(Platform::parse).transpose().map_err(unreadable)?;
    let blobs = Blobs::open(path).map_err(unreadable)?;
    let plan = plan::of(&blobs, platform.as_ref()).map_err(unreadable)?;
    Ok((blobs, plan))
}

/// How many of an image's layers are its base's.
fn shared(plan: &Plan, name: &str, base: &Plan) -> Result<usize, AcquireError> {
    let differ = (0..base.layers.len()).find(|at| *at >= plan.layers.len() || plan.digest_of(*at) != base.digest_of(*at));
    match differ {
        None => Ok(base.layers.len()),
        Some(at) => {
            let reason = format!(
                "the image is not built upon it: layer {} of {} differs; give the very image that FROM named",
                at + 1,
                base.layers.len()
            );
            Err(AcquireError::Unreadable { name: name.to_owned(), reason })
        }
    }
}

/// What the image says about itself.
fn facts(plan: &Plan, layers: &Layers, base: usize) -> ImageFacts {
    let config = &plan.config;
    let run = config.config.as_ref();
    let mut facts = ImageFacts { platform: format!("{}/{}", config.os, config.architecture), ..ImageFacts::default() };
    facts.user = run.and_then(|run| run.user.clone()).filter(|user| !user.is_empty());
    facts.health_check = run.and_then(|run| run.healthcheck.as_ref()).is_some_and(|check| !check.is_null() && check["Test"][0] != "NONE");
    for assignment in run.and_then(|run| run.env.as_ref()).into_iter().flatten() {
        let (shown, kinds) = redact(assignment);
        facts.secrets.extend(kinds.into_iter().map(|kind| marks::configured("environment".to_owned(), kind)));
        facts.environment.push(shown);
    }
    let mut made = 0..plan.layers.len();
    for (at, entry) in config.history.iter().flatten().enumerate() {
        let layer = if entry.empty_layer { None } else { made.next() };
        let (created_by, kinds) = redact(&entry.created_by);
        facts.secrets.extend(kinds.into_iter().map(|kind| marks::configured(format!("instruction {}", at + 1), kind)));
        let digest = layer.map(|layer| plan.digest_of(layer).to_owned());
        facts.history.push(HistoryEntry { created_by, layer: digest, base: layer.is_some_and(|layer| layer < base) });
    }
    let passwd = layers.read("etc/passwd").unwrap_or_default();
    facts.passwd = String::from_utf8_lossy(&passwd).lines().filter_map(user).collect();
    facts.special_modes = layers.special_modes();
    facts.secrets.extend(layers.secrets.iter().cloned());
    facts
}

/// A user by a line of passwd(5).
fn user(line: &str) -> Option<PasswdEntry> {
    let mut fields = line.split(':');
    Some(PasswdEntry { name: fields.next()?.to_owned(), uid: fields.nth(1)?.parse().ok()? })
}
