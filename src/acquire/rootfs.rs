//! A root filesystem in a folder: what is installed in it. No link is followed out of it.

use super::desk::Desk;
use super::installed::{self, Use};
use super::tree::{Root, Tree};
use super::{AcquireError, Selection};
use crate::model::package::{CoverageState, Gap, Inventory, Location, SubjectKind};
use std::path::Path;
use walkdir::WalkDir;

/// Folders at the root that the kernel fills; nothing is installed there.
const KERNEL: [&str; 3] = ["proc", "sys", "dev"];

/// Looks at the root filesystem in a folder.
///
/// # Errors
/// When there is no such folder; what is wrong inside it is a gap.
pub fn acquire(name: &str, selection: &Selection) -> Result<Inventory, AcquireError> {
    let root = Path::new(name);
    if !root.is_dir() {
        let hint = if root.exists() { " folder: give the folder that holds etc, usr and var" } else { "" };
        return Err(AcquireError::Missing { name: name.to_owned(), hint: hint.to_owned() });
    }
    let mut desk = Desk::new(SubjectKind::Rootfs, name, selection);
    let paths = files(root, &mut desk);
    read_all(&Root::at(root), &paths, &mut desk);
    Ok(desk.finish())
}

/// Reads what tells of installed packages among the files of a root.
pub fn read_all(tree: &dyn Tree, paths: &[String], desk: &mut Desk<'_>) {
    match installed::distro(tree) {
        Ok(distro) => desk.subject.distro = distro,
        Err(gap) => desk.gaps.push(gap),
    }
    let (databases, others): (Vec<&String>, Vec<&String>) = paths.iter().partition(|path| installed::is_database(path));
    for path in databases {
        match installed::use_of(path) {
            Some(Use::Database(format, reader)) => desk.read_file(tree, path, format, reader),
            Some(Use::BinaryDatabase(format, reader)) => desk.read_binary(tree, path, format, reader),
            _ => {}
        }
    }
    for owned in installed::dpkg_owned(tree, paths) {
        desk.own(owned.path, &owned.owner);
    }
    for path in others {
        match installed::use_of(path) {
            Some(Use::Package(format, reader)) => match desk.owner(path) {
                Some(owner) => desk.cover(path, format, 0, CoverageState::Excluded, Some(format!("it came with {owner}, which is judged"))),
                None => desk.read_file(tree, path, format, reader),
            },
            Some(Use::Lockfile(format)) => {
                let reason = "a lockfile says what was meant to be installed; in a root filesystem what is installed counts";
                desk.cover(path, format, 0, CoverageState::Excluded, Some(reason.to_owned()));
            }
            _ => {}
        }
    }
}

/// The files below a folder, sorted, without links.
fn files(root: &Path, desk: &mut Desk<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    let entered = |entry: &walkdir::DirEntry| entry.depth() != 1 || !entry.file_name().to_str().is_some_and(|name| KERNEL.contains(&name));
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(entered) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
                paths.push(path.to_string_lossy().into_owned());
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().and_then(|path| path.strip_prefix(root).ok()).unwrap_or(root).to_string_lossy().into_owned();
                desk.gaps.push(Gap { location: Location::file(&path), reason: format!("it could not be entered: {error}") });
            }
        }
    }
    paths
}
