//! A root filesystem in a folder: what is installed in it. No link is followed out of it.

use super::desk::Desk;
use super::elf;
use super::installed::{self, Use};
use super::readers::auditable;
use super::tree::{LARGEST_FILE, Memory, Root, Tree};
use super::{AcquireError, Selection};
use crate::model::package::{CoverageState, Gap, Inventory, Location, SubjectKind};
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
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
    let audits = programs(root, &paths, &mut desk);
    read_all(&Listed { tree: &Root::at(root), paths, audits }, &mut desk);
    Ok(desk.finish())
}

/// The files of a root, on disk or in an image.
pub struct Listed<'a> {
    /// What reads them.
    pub tree: &'a dyn Tree,
    /// The paths of those that may tell of installed packages, sorted.
    pub paths: Vec<String>,
    /// Executables with a list of the crates in them, each with the list's bytes.
    pub audits: Vec<(String, Vec<u8>)>,
}

/// Reads what tells of installed packages among the files of a root.
pub fn read_all(listed: &Listed<'_>, desk: &mut Desk<'_>) {
    let Listed { tree, paths, audits } = listed;
    let tree = *tree;
    match installed::distro(tree) {
        Ok(distro) => desk.subject.distro = distro,
        Err(gap) => desk.gaps.push(gap),
    }
    let before = desk.coverage.len();
    let (databases, others): (Vec<&String>, Vec<&String>) = paths.iter().partition(|path| installed::is_database(path));
    for path in databases {
        match installed::use_of(path) {
            Some(Use::Database(format, reader)) => desk.read_file(tree, path, format, reader),
            Some(Use::BinaryDatabase(format, reader)) => desk.read_binary(tree, path, format, reader),
            _ => {}
        }
    }
    if let Some(distro) = desk.subject.distro.clone().filter(|_| desk.coverage.len() == before) {
        let reason = format!(
            "this is a root of {distro}, and none of the databases of dpkg, apk or rpm is at its known places: its own packages are not known"
        );
        desk.gaps.push(Gap { location: Location::file("etc/os-release"), reason });
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
    for (path, section) in audits {
        match desk.owner(path) {
            Some(owner) => desk.cover(path, AUDITABLE, 0, CoverageState::Excluded, Some(format!("it came with {owner}, which is judged"))),
            None => desk.read_binary(&Memory::of(path, section.clone()), path, AUDITABLE, auditable::read),
        }
    }
}

const AUDITABLE: &str = "executable (cargo-auditable)";

/// The executables of a folder that have a list of their crates.
fn programs(root: &Path, paths: &[String], desk: &mut Desk<'_>) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for path in paths {
        let whole = root.join(path);
        let meta = match whole.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) => {
                desk.gaps.push(Gap { location: Location::file(path), reason: format!("this file could not be looked at: {error}") });
                continue;
            }
        };
        if !meta.is_file() || !elf::may_be_one(path, mode(&meta), meta.len()) {
            continue;
        }
        match crates_of(&whole) {
            Ok(Some(section)) => found.push((path.clone(), section)),
            Ok(None) => {}
            Err(error) => {
                desk.gaps.push(Gap { location: Location::file(path), reason: format!("this executable could not be read: {error}") })
            }
        }
    }
    found
}

/// A file's permission bits; where the system has none, any file may be an executable.
fn mode(meta: &Metadata) -> u32 {
    #[cfg(unix)]
    return std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
    #[cfg(not(unix))]
    return if meta.is_file() { 0o755 } else { 0 };
}

fn crates_of(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let Some(range) = elf::audit_in_file(&mut file)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(range.start))?;
    file.take((range.end - range.start).min(LARGEST_FILE)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
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
