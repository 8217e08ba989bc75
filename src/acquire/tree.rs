//! Files of a subject: a folder on disk, or a few texts in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files above this size are not read: no lockfile comes near it.
pub const LARGEST_FILE: u64 = 64 << 20;
/// Package databases above this size are not read.
pub const LARGEST_DATABASE: u64 = 512 << 20;

/// The most bytes that are read of a file.
#[must_use]
pub fn largest(path: &str) -> u64 {
    if super::installed::is_database(path) { LARGEST_DATABASE } else { LARGEST_FILE }
}

/// Why a file of a tree could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// It is not there.
    #[error("there is no such file")]
    Missing,
    /// It is too large.
    #[error("it has {0} bytes, {1} is the most that is read")]
    TooLarge(u64, u64),
    /// The system refused.
    #[error("{0}")]
    Refused(String),
}

/// Files by path, relative to the subject's root, with `/` between names.
pub trait Tree {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it is not there, too large or cannot be read.
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError>;

    /// The names of the folders in a folder (`""` is the root), sorted; none where it cannot be listed.
    fn folders(&self, path: &str) -> Vec<String>;
}

/// A folder on disk.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The tree below a folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Tree for Folder {
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError> {
        let most = largest(path);
        let path = self.root.join(path);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(TreeError::Missing),
            Err(error) => return Err(TreeError::Refused(error.to_string())),
        };
        let size = file.metadata().map_or(0, |meta| meta.len());
        if size > most {
            return Err(TreeError::TooLarge(size, most));
        }
        // The size may lie (a pipe, a file that grows), so the reading itself is bounded too.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = file.take(most + 1).read_to_end(&mut bytes).map_err(|error| TreeError::Refused(error.to_string()))?;
        if read as u64 > most { Err(TreeError::TooLarge(read as u64, most)) } else { Ok(bytes.into()) }
    }

    fn folders(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// A root filesystem on disk: links in it are followed inside it alone, an absolute one from its root.
#[derive(Debug, Clone)]
pub struct Root {
    folder: Folder,
}

/// Links that are followed for one path at most, as Linux does (path_resolution(7)).
const MOST_LINKS: usize = 40;

impl Root {
    /// The root filesystem below a folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { folder: Folder::at(root) }
    }

    /// The path without links, relative to the root; nothing for a loop.
    fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let (mut done, mut links) = (PathBuf::new(), 0);
        while let Some(part) = left.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    done.pop();
                    continue;
                }
                _ => done.push(&part),
            }
            if let Ok(target) = fs::read_link(self.folder.root.join(&done)) {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                done.pop();
                if target.is_absolute() {
                    done = PathBuf::new();
                }
                left.extend(target.to_string_lossy().split('/').rev().map(str::to_owned));
            }
        }
        Some(done)
    }
}

impl Tree for Root {
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError> {
        let inside = self.resolve(path).ok_or_else(|| TreeError::Refused("its links lead in a circle".to_owned()))?;
        let inside = inside.to_string_lossy();
        // A pipe or a device would never end.
        match fs::symlink_metadata(self.folder.root.join(&*inside)) {
            Ok(meta) if !meta.is_file() => Err(TreeError::Refused("it is no file".to_owned())),
            _ => self.folder.read(&inside),
        }
    }

    fn folders(&self, path: &str) -> Vec<String> {
        self.resolve(path).map(|inside| self.folder.folders(&inside.to_string_lossy())).unwrap_or_default()
    }
}

/// Texts in memory: standard input, tests.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// A tree of one file.
    #[must_use]
    pub fn of(path: &str, bytes: Vec<u8>) -> Self {
        Self { files: BTreeMap::from([(path.to_owned(), bytes)]) }
    }

    /// The same with one file more.
    #[must_use]
    pub fn and(mut self, path: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(path.to_owned(), bytes);
        self
    }
}

impl Tree for Memory {
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError> {
        self.files.get(path).map(Into::into).ok_or(TreeError::Missing)
    }

    fn folders(&self, path: &str) -> Vec<String> {
        let inside = |file: &String| {
            let rest = if path.is_empty() { Some(file.as_str()) } else { file.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) };
            rest.and_then(|rest| rest.split_once('/')).map(|(folder, _)| folder.to_owned())
        };
        let mut names: Vec<String> = self.files.keys().filter_map(inside).collect();
        names.dedup();
        names
    }
}
