//! The layers of an image, laid over each other: what of them tells of installed packages (OCI image specification 1.1, layer.md:
//! changesets, whiteouts, opaque whiteouts, hard links).

use super::marks;
use super::strata::{Strata, packages};
use super::stream::{self, Hashed};
use crate::acquire::elf;
use crate::acquire::installed::{self, Use, use_of};
use crate::acquire::tree::{Tree, TreeError, largest};
use crate::facts::secret_files;
use crate::model::image::{FileMode, SecretCandidate};
use crate::model::package::{Gap, Location};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;

/// Entries of all layers at most.
const MOST_ENTRIES: u64 = 20_000_000;
/// Bytes of one layer, unpacked, at most.
const LARGEST_LAYER: u64 = 64 << 30;
/// Bytes of all kept files at most.
const MOST_KEPT: u64 = 2 << 30;
/// Kept files at most.
const MOST_FILES: usize = 250_000;
/// Bytes of an executable's list of crates at most.
const LARGEST_SECTION: u64 = 16 << 20;
/// Links that are followed for one file at most.
const MOST_LINKS: usize = 40;
/// Files of which something is marked at most, so that no image makes a report without end.
const MOST_MARKS: usize = 10_000;

/// What is kept of a path.
#[derive(Debug)]
enum Kept {
    Bytes(Vec<u8>),
    Link(String),
    /// An executable's list of crates: where in the file it lies.
    Section(Range<u64>),
    /// The same, captured.
    Crates(Vec<u8>),
    /// Why its bytes are not there.
    Not(TreeError),
}

impl Kept {
    fn size(&self) -> u64 {
        if let Self::Bytes(bytes) = self { bytes.len() as u64 } else { 0 }
    }
}

/// The layers so far.
#[derive(Debug, Default)]
pub struct Layers {
    files: BTreeMap<String, (usize, Kept)>,
    modes: BTreeMap<String, (usize, u32)>,
    packages: BTreeMap<String, BTreeMap<String, usize>>,
    digests: Vec<String>,
    entries: u64,
    kept: u64,
    crowded: bool,
    /// Files that look like secrets, in whatever layer, removed later or not.
    pub secrets: BTreeSet<SecretCandidate>,
    /// Layers and entries that could not be read.
    pub gaps: Vec<Gap>,
}

impl Layers {
    /// Lays one more layer over the others. Where it ends early, what was read of it counts and the rest is a gap.
    pub fn add(&mut self, stream: impl Read, digest: &str) {
        self.digests.push(digest.to_owned());
        if let Err(reason) = self.read_layer(stream) {
            self.gap(&format!("the layer does not read to its end as the image states it, so what it holds is not all known: {reason}"));
        }
        self.date_packages();
    }

    /// Notes a layer that is not there.
    pub fn fail(&mut self, digest: &str, reason: &str) {
        self.digests.push(digest.to_owned());
        self.gap(&format!("the layer cannot be read: {reason}"));
    }

    /// The paths of what is kept, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.files
            .iter()
            .filter(|(_, (_, kept))| !matches!(kept, Kept::Section(_) | Kept::Crates(_)))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Which layer each file and package is from; the lowest `base` layers are the base image's.
    #[must_use]
    pub fn strata(&self, base: usize) -> Strata {
        let files = self.files.iter().map(|(path, (layer, _))| (path.clone(), *layer)).collect();
        Strata { digests: self.digests.clone(), base, files, packages: self.packages.clone() }
    }

    /// The files whose modes matter.
    #[must_use]
    pub fn special_modes(&self) -> Vec<FileMode> {
        let mark = |(path, (layer, mode)): (&String, &(usize, u32))| FileMode {
            path: path.clone(),
            mode: format!("{:04o}", mode & 0o7777),
            layer: self.digests.get(*layer).cloned().unwrap_or_default(),
        };
        self.modes.iter().map(mark).collect()
    }

    /// The layers with executables whose lists of crates are still to be captured.
    #[must_use]
    pub fn to_capture(&self) -> BTreeSet<usize> {
        self.files.values().filter(|(_, kept)| matches!(kept, Kept::Section(_))).map(|(layer, _)| *layer).collect()
    }

    /// Captures the lists of crates of one layer's executables.
    ///
    /// # Errors
    /// When the layer cannot be read again.
    pub fn capture(&mut self, layer: usize, stream: impl Read) -> Result<(), String> {
        let mut archive = tar::Archive::new(stream::unpacked(stream)?);
        for entry in archive.entries().map_err(|error| error.to_string())? {
            let mut entry = entry.map_err(|error| error.to_string())?;
            let Some(path) = inside(&String::from_utf8_lossy(&entry.path_bytes())) else { continue };
            let Some((of, Kept::Section(range))) = self.files.get(&path) else { continue };
            if *of != layer {
                continue;
            }
            let (from, length) = (range.start, range.end - range.start);
            if length > LARGEST_SECTION {
                let reason = format!("its list of crates cannot be read: {}", TreeError::TooLarge(length, LARGEST_SECTION));
                self.gaps.push(Gap { location: Location { layer: self.digests.get(layer).cloned(), ..Location::file(&path) }, reason });
                self.files.remove(&path);
            } else {
                std::io::copy(&mut entry.by_ref().take(from), &mut std::io::sink()).map_err(|error| error.to_string())?;
                let mut bytes = Vec::new();
                entry.take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
                self.files.insert(path, (layer, Kept::Crates(bytes)));
            }
            if !self.to_capture().contains(&layer) {
                break;
            }
        }
        Ok(())
    }

    /// The executables with a list of crates, each with the list's bytes.
    #[must_use]
    pub fn captured(&self) -> Vec<(String, Vec<u8>)> {
        let crates = |(path, (_, kept)): (&String, &(usize, Kept))| match kept {
            Kept::Crates(bytes) => Some((path.clone(), bytes.clone())),
            _ => None,
        };
        self.files.iter().filter_map(crates).collect()
    }

    fn gap(&mut self, reason: &str) {
        let layer = self.digests.last().cloned();
        let path = layer.clone().unwrap_or_default();
        self.gaps.push(Gap { location: Location { layer, ..Location::file(&path) }, reason: reason.to_owned() });
    }

    fn read_layer(&mut self, stream: impl Read) -> Result<(), String> {
        let layer = self.digests.len() - 1;
        let mut hashed = Hashed::new(stream::unpacked(stream)?.take(LARGEST_LAYER));
        let mut archive = tar::Archive::new(&mut hashed);
        for entry in archive.entries().map_err(|error| error.to_string())? {
            let mut entry = entry.map_err(|error| error.to_string())?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(format!("the image has more than {MOST_ENTRIES} entries"));
            }
            let Some(path) = inside(&String::from_utf8_lossy(&entry.path_bytes())) else {
                self.gap("an entry's name leads out of the image and was not taken");
                continue;
            };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let kind = entry.header().entry_type();
            // The root itself cannot be replaced or removed: such an entry would hide all that lies below.
            if name == ".wh." || (name.is_empty() && !kind.is_dir()) {
                self.gap("an entry without a name was not taken");
            } else if name == ".wh..wh..opq" {
                self.drop_below(folder, layer);
            } else if let Some(gone) = name.strip_prefix(".wh.") {
                let gone = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
                self.drop_whole(&gone, layer);
            } else if !kind.is_dir() {
                // Anything but a folder takes the place of what was there, a folder with all below it included.
                self.drop_whole(&path, layer + 1);
                self.take(path, layer, kind, &mut entry)?;
            }
        }
        hashed.settle(&self.digests[layer])
    }

    /// Takes a file or link.
    fn take(&mut self, path: String, layer: usize, kind: tar::EntryType, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), String> {
        if kind.is_symlink() || kind.is_hard_link() {
            if wanted(&path) {
                let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned()).unwrap_or_default();
                // A hard link names its target from the root, a symbolic one from where it stands.
                let target = if kind.is_hard_link() { format!("/{target}") } else { target };
                self.put(path, layer, Kept::Link(target))?;
            }
            return Ok(());
        }
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            return Ok(());
        }
        let (mode, size) = (entry.header().mode().unwrap_or(0), entry.size());
        if marks::mode_matters(mode) && self.room_for_marks() {
            self.modes.insert(path.clone(), (layer, mode));
        }
        if let Some((kind, sign)) = secret_files::secret_kind(&path).filter(|_| self.room_for_marks()) {
            let mut head = Vec::new();
            entry.take(secret_files::HEAD).read_to_end(&mut head).map_err(|error| error.to_string())?;
            if secret_files::shows(&head, sign) {
                self.secrets.insert(SecretCandidate { place: path, kind: kind.to_owned(), layer: self.digests.last().cloned() });
            }
        } else if wanted(&path) {
            let kept = self.keep(&path, size, entry)?;
            self.put(path, layer, kept)?;
        } else if elf::may_be_one(&path, mode, size)
            && let Some(range) = elf::audit_in_stream(entry).map_err(|error| error.to_string())?
        {
            self.put(path, layer, Kept::Section(range))?;
        }
        Ok(())
    }

    /// Keeps a file whose place was cleared before.
    fn put(&mut self, path: String, layer: usize, kept: Kept) -> Result<(), String> {
        if self.files.len() >= MOST_FILES {
            return Err(format!("the image has more than {MOST_FILES} files that tell of packages"));
        }
        self.kept += kept.size();
        self.files.insert(path, (layer, kept));
        Ok(())
    }

    /// Whether one more file may be marked; that the first may not is told.
    fn room_for_marks(&mut self) -> bool {
        let room = self.modes.len() + self.secrets.len() < MOST_MARKS;
        if !room && !std::mem::replace(&mut self.crowded, true) {
            self.gap(&format!("the image has more than {MOST_MARKS} files with special modes or likely secrets; no more are listed"));
        }
        room
    }

    fn keep(&self, path: &str, size: u64, entry: &mut impl Read) -> Result<Kept, String> {
        // A lockfile is only told of.
        if matches!(use_of(path), Some(Use::Lockfile(_))) {
            return Ok(Kept::Bytes(Vec::new()));
        }
        let most = largest(path);
        if size > most {
            return Ok(Kept::Not(TreeError::TooLarge(size, most)));
        }
        // An archive ends an entry at the size that it states, so nothing grows beyond it.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = entry.read_to_end(&mut bytes).map_err(|error| error.to_string())? as u64;
        // What replaces an earlier file of its name was dropped before, so the sum is of what is there.
        if self.kept + read > MOST_KEPT {
            return Ok(Kept::Not(TreeError::Refused(format!("what tells of packages has more than {MOST_KEPT} bytes"))));
        }
        Ok(Kept::Bytes(bytes))
    }

    /// A database is written anew by every layer that installs something; each of its packages is of the layer that first had it.
    fn date_packages(&mut self) {
        let layer = self.digests.len() - 1;
        self.packages.retain(|path, _| self.files.contains_key(path));
        let written = self.files.iter().filter(|(path, (of, _))| *of == layer && installed::is_database(path));
        let written: Vec<String> = written.map(|(path, _)| path.clone()).collect();
        for path in written {
            // Where this version does not read, what is known of the earlier ones still dates the packages of a later one.
            let Some(found) = packages(&*self, &path) else { continue };
            let before = self.packages.remove(&path).unwrap_or_default();
            let dated = |key: String| (before.get(&key).copied().unwrap_or(layer), key);
            let now = found.into_iter().map(dated).map(|(of, key)| (key, of)).collect();
            self.packages.insert(path, now);
        }
    }

    /// Drops a path and all below it, as far as they are of layers under this one.
    fn drop_whole(&mut self, path: &str, layer: usize) {
        let gone = drop_one(&mut self.files, path, layer);
        self.kept -= gone.map_or(0, |kept| kept.size());
        drop_one(&mut self.modes, path, layer);
        self.drop_below(path, layer);
    }

    fn drop_below(&mut self, folder: &str, layer: usize) {
        let gone = drop_tree(&mut self.files, folder, layer);
        self.kept -= gone.iter().map(Kept::size).sum::<u64>();
        drop_tree(&mut self.modes, folder, layer);
    }
}

fn drop_one<T>(files: &mut BTreeMap<String, (usize, T)>, path: &str, layer: usize) -> Option<T> {
    let older = files.get(path).is_some_and(|(of, _)| *of < layer);
    if older { files.remove(path).map(|(_, what)| what) } else { None }
}

fn drop_tree<T>(files: &mut BTreeMap<String, (usize, T)>, folder: &str, layer: usize) -> Vec<T> {
    let front = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let below = files.range(front.clone()..).take_while(|(path, _)| path.starts_with(&front));
    let gone: Vec<String> = below.filter(|(_, (of, _))| *of < layer).map(|(path, _)| path.clone()).collect();
    gone.iter().filter_map(|path| files.remove(path)).map(|(_, what)| what).collect()
}

impl Tree for Layers {
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            match self.files.get(&path) {
                Some((_, Kept::Bytes(bytes))) => return Ok(bytes.into()),
                Some((_, Kept::Not(error))) => return Err(error.clone()),
                Some((_, Kept::Link(target))) => {
                    path = linked(&path, target);
                    if !self.files.contains_key(&path) {
                        return Err(TreeError::Refused(format!("it is a link to `{path}`, which was not kept")));
                    }
                }
                Some((_, Kept::Section(_) | Kept::Crates(_))) | None => return Err(TreeError::Missing),
            }
        }
        Err(TreeError::Refused("its links lead in a circle".to_owned()))
    }

    fn folders(&self, _path: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Whether a path tells of installed packages, of who brought them, or of the distribution.
fn wanted(path: &str) -> bool {
    let list = path.starts_with("var/lib/dpkg/info/") && path.ends_with(".list");
    list || matches!(path, "etc/os-release" | "usr/lib/os-release" | "etc/passwd")
        || path.ends_with(".dist-info/direct_url.json")
        || path.ends_with("/rpmdb.sqlite-wal")
        || use_of(path).is_some()
}

/// A name from the root without `.` and leading `/`; nothing where it has `..` or is the root itself.
fn inside(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return Some(String::new());
    }
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// Where a link leads, from where it stands; nothing in it leads above the root.
pub fn linked(path: &str, target: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> =
        if target.starts_with('/') { Vec::new() } else { folder.split('/').filter(|part| !part.is_empty()).collect() };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
