//! The parts of an image by name: members of an archive, or files of a layout's folder.

use super::layers::linked;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Manifests, indexes and configurations are smaller than this.
const LARGEST_PAPER: u64 = 8 << 20;

/// Members of an archive at most.
const MOST_MEMBERS: usize = 100_000;

/// Where the parts of an image are.
pub enum Blobs {
    /// A layout's folder.
    Folder(PathBuf),
    /// An archive.
    Archive {
        /// Which.
        path: PathBuf,
        /// What is in it.
        members: BTreeMap<String, Member>,
    },
}

/// A member of an archive.
pub enum Member {
    /// Bytes.
    File {
        /// Where they begin in the archive.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// Old versions of `docker save` write equal layers as links.
    Link(String),
}

impl Blobs {
    /// Opens an image.
    ///
    /// # Errors
    /// When it is no archive, or one that was cut off.
    pub fn open(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let mut head = [0; 2];
        if file.read_exact(&mut head).is_ok() && head == [0x1f, 0x8b] {
            return Err("it is packed with gzip: unpack it first (`gunzip`)".to_owned());
        }
        file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
        let mut members = BTreeMap::new();
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek().map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| format!("it is no tar archive, or one that was cut off: {error}"))?;
            let name = entry.path().map_err(|error| error.to_string())?.to_string_lossy().trim_start_matches("./").to_owned();
            let member = match entry.link_name().ok().flatten() {
                Some(target) => Member::Link(target.to_string_lossy().into_owned()),
                None => Member::File { offset: entry.raw_file_position(), size: entry.size() },
            };
            members.insert(name, member);
            if members.len() > MOST_MEMBERS {
                return Err(format!("it has more than {MOST_MEMBERS} members, which no image has"));
            }
        }
        Ok(Self::Archive { path: path.to_owned(), members })
    }

    /// The bytes of a part.
    ///
    /// # Errors
    /// When it is not there or leads out of the image.
    pub fn stream(&self, name: &str) -> Result<Box<dyn Read>, String> {
        match self {
            Self::Folder(folder) => {
                if name.split('/').any(|part| part == "..") || name.starts_with('/') {
                    return Err(format!("`{name}` leads out of the image"));
                }
                let file = File::open(folder.join(name)).map_err(|error| format!("`{name}`: {error}"))?;
                Ok(Box::new(file))
            }
            Self::Archive { path, members } => {
                let mut name = name.to_owned();
                for _ in 0..4 {
                    match members.get(&name) {
                        Some(Member::File { offset, size }) => {
                            let mut file = File::open(path).map_err(|error| error.to_string())?;
                            file.seek(SeekFrom::Start(*offset)).map_err(|error| error.to_string())?;
                            return Ok(Box::new(file.take(*size)));
                        }
                        Some(Member::Link(target)) => name = linked(&name, target),
                        None => break,
                    }
                }
                Err(format!("`{name}` is not in the archive: was the image saved whole?"))
            }
        }
    }

    /// A part that is a JSON document.
    ///
    /// # Errors
    /// When it is not there, too large or of another shape.
    pub fn paper<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let mut bytes = Vec::new();
        let read = self.stream(name)?.take(LARGEST_PAPER + 1).read_to_end(&mut bytes).map_err(|error| format!("`{name}`: {error}"))?;
        if read as u64 > LARGEST_PAPER {
            return Err(format!("`{name}` has more than {LARGEST_PAPER} bytes"));
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("`{name}`: {error}"))
    }
}
