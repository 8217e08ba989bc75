//! The mirror's folder: numbered generations, the CURRENT pointer, contact stamps and the writer's lock.
//!
//! ```text
//! CURRENT              the number of the generation in force
//! contacts.json        when each source was last reached
//! lock                 held by the one writer
//! generation/0007/     mirror.sqlite, names/ (search index), manifest.json
//! ```
//! A generation is made under a temporary name, renamed when whole, and comes into force by the rename of
//! CURRENT. The last two are kept; a reader that opened an older one keeps it until it ends.

use super::MirrorError;
use super::reader::Reader;
use crate::model::mirror::{MirrorState, SourceState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The database's file name in a generation.
pub const DATABASE: &str = "mirror.sqlite";
/// The search index's folder name in a generation.
pub const INDEX: &str = "names";
/// The NVD's API, as a source is called: what it brings is among the records of `nvd`.
pub const API: &str = "nvd-api";
const MANIFEST: &str = "manifest.json";

/// A feed as a generation remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStamp {
    /// Checksum of the uncompressed feed, lower case hexadecimal.
    pub sha256: String,
    /// The feed's own time, as its `.meta` writes it.
    pub last_modified: String,
    /// Every change up to this time is in the mirror, through this feed or a later `modified` one.
    pub covered_until: String,
    /// Records in the feed.
    pub records: u64,
}

/// A file of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Path in the generation's folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: String,
}

/// What a generation says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `mirror::SCHEMA` of the scacheck that made it.
    pub schema: i32,
    /// Digest of the facts that evidence was reduced with.
    pub facts: String,
    /// Its number.
    pub generation: u64,
    /// When it was built, RFC 3339 UTC.
    pub built_at: String,
    /// Its sources.
    pub sources: Vec<SourceState>,
    /// Its NVD feeds by name.
    pub feeds: BTreeMap<String, FeedStamp>,
    /// SHA-256 of the files of its other sources, by the sources' names.
    pub lists: BTreeMap<String, String>,
    /// Years it does not hold.
    pub absent_years: Vec<u16>,
    /// CVEs without any configuration.
    pub unconfigured: u64,
    /// Records that could not be decoded.
    pub kept_aside: u64,
    /// Vendor:product pairs in the search index.
    pub names: u64,
    /// Its files.
    pub files: Vec<FileStamp>,
}

impl Manifest {
    /// That of a generation which holds nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            schema: super::SCHEMA,
            facts: String::new(),
            generation: 0,
            built_at: String::new(),
            sources: Vec::new(),
            feeds: BTreeMap::new(),
            lists: BTreeMap::new(),
            absent_years: Vec::new(),
            unconfigured: 0,
            kept_aside: 0,
            names: 0,
            files: Vec::new(),
        }
    }

    /// Records of all its sources; what the API brought is among the NVD's.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.sources.iter().filter(|source| source.name != API).map(|source| source.records).sum()
    }
}

/// A mirror's folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The mirror in that folder, whether it exists or not.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The number of the generation in force.
    ///
    /// # Errors
    /// When there is none or CURRENT is damaged.
    pub fn current(&self) -> Result<u64, MirrorError> {
        let path = self.root.join("CURRENT");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(MirrorError::Missing(self.root.clone())),
            Err(error) => return Err(MirrorError::io("reading", &path)(error)),
        };
        text.trim().parse().map_err(|_| MirrorError::Damaged { path, reason: "CURRENT holds no number".to_owned() })
    }

    /// A generation's folder.
    #[must_use]
    pub fn folder(&self, generation: u64) -> PathBuf {
        self.root.join("generation").join(format!("{generation:04}"))
    }

    /// The manifest of the generation in force.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn manifest(&self) -> Result<Manifest, MirrorError> {
        let folder = self.folder(self.current()?);
        let path = folder.join(MANIFEST);
        let damaged = |reason: String| MirrorError::Damaged { path: folder.clone(), reason };
        let text = fs::read_to_string(&path).map_err(|error| damaged(format!("{}: {error}", path.display())))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| damaged(format!("{}: {error}", path.display())))?;
        if manifest.schema != super::SCHEMA {
            return Err(MirrorError::Schema { path: folder, found: manifest.schema });
        }
        Ok(manifest)
    }

    /// The manifest of the generation that was in force before that one, where it is still kept.
    ///
    /// # Errors
    /// When it is there and does not read.
    pub fn before(&self, generation: u64) -> Result<Option<Manifest>, MirrorError> {
        let Some(number) = self.numbers().into_iter().rev().find(|number| *number < generation) else { return Ok(None) };
        let path = self.folder(number).join(MANIFEST);
        let damaged = |reason: String| MirrorError::Damaged { path: path.clone(), reason };
        let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        serde_json::from_str(&text).map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// Opens the generation in force.
    ///
    /// # Errors
    /// When there is none, it is damaged or of another schema.
    pub fn open(&self) -> Result<Reader, MirrorError> {
        let manifest = self.manifest()?;
        let folder = self.folder(manifest.generation);
        let state = self.state(manifest);
        Reader::open(&folder, state)
    }

    /// What a generation says, with the latest contact stamps.
    #[must_use]
    pub fn state(&self, manifest: Manifest) -> MirrorState {
        let contacts = self.contacts();
        let mut sources = manifest.sources;
        for source in &mut sources {
            if let Some(contact) = contacts.get(&source.name) {
                source.contacted.clone_from(&contact.contacted);
                source.state.clone_from(&contact.state);
            }
        }
        MirrorState {
            kind: "synced".to_owned(),
            generation: manifest.generation,
            built_at: manifest.built_at,
            sources,
            absent_years: manifest.absent_years,
            unconfigured: manifest.unconfigured,
        }
    }

    fn contacts(&self) -> BTreeMap<String, Contact> {
        let text = fs::read_to_string(self.root.join("contacts.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Notes how the last contact with a source went; `contacted` only moves on success.
    ///
    /// # Errors
    /// When the stamp cannot be written.
    pub fn note_contact(&self, source: &str, contacted: Option<&str>, state: &str) -> Result<(), MirrorError> {
        let mut contacts = self.contacts();
        let before = contacts.get(source).map(|contact| contact.contacted.clone()).unwrap_or_default();
        let contacted = contacted.map_or(before, str::to_owned);
        contacts.insert(source.to_owned(), Contact { contacted, state: state.to_owned() });
        let text = serde_json::to_string_pretty(&contacts).map_err(|error| MirrorError::Index(error.to_string()))?;
        replace(&self.root.join("contacts.json"), text.as_bytes())
    }

    /// Takes the writer's lock; it is given back when the file is closed, also by a crash.
    ///
    /// # Errors
    /// When another writer holds it or the folder cannot be written.
    pub fn lock(&self, holder: &str) -> Result<File, MirrorError> {
        fs::create_dir_all(&self.root).map_err(MirrorError::io("making", &self.root))?;
        let path = self.root.join("lock");
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(MirrorError::io("opening", &path))?;
        if file.try_lock().is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(MirrorError::Locked { path: self.root.clone(), holder: holder.trim().to_owned() });
        }
        file.set_len(0).and_then(|()| writeln!(file, "{holder}")).map_err(MirrorError::io("writing", &path))?;
        Ok(file)
    }

    /// Makes the folder in which the next generation grows; what an earlier crash left there is removed.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(&self) -> Result<PathBuf, MirrorError> {
        let parent = self.root.join("generation");
        fs::create_dir_all(&parent).map_err(MirrorError::io("making", &parent))?;
        let folder = parent.join("growing");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(MirrorError::io("removing", &folder))?;
        }
        fs::create_dir(&folder).map_err(MirrorError::io("making", &folder))?;
        Ok(folder)
    }

    /// Seals a grown generation and brings it into force. Gives its number.
    ///
    /// # Errors
    /// When a file cannot be written; the old generation is then still in force.
    pub fn publish(&self, growing: &Path, mut manifest: Manifest) -> Result<u64, MirrorError> {
        let number = self.numbers().last().map_or(1, |last| last + 1);
        manifest.generation = number;
        manifest.files = stamp_files(growing)?;
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| MirrorError::Index(error.to_string()))?;
        replace(&growing.join(MANIFEST), text.as_bytes())?;
        let folder = self.folder(number);
        fs::rename(growing, &folder).map_err(MirrorError::io("naming", &folder))?;
        replace(&self.root.join("CURRENT"), format!("{number:04}\n").as_bytes())?;
        for old in self.numbers().into_iter().filter(|old| old + 1 < number) {
            let _ = fs::remove_dir_all(self.folder(old));
        }
        Ok(number)
    }

    fn numbers(&self) -> Vec<u64> {
        let entries = fs::read_dir(self.root.join("generation")).into_iter().flatten().flatten();
        let mut numbers: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Contact {
    contacted: String,
    state: String,
}

/// Writes a file so that a reader sees the old or the new bytes, never a part.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), MirrorError> {
    let next = path.with_extension("next");
    let mut file = File::create(&next).map_err(MirrorError::io("writing", &next))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(MirrorError::io("writing", &next))?;
    fs::rename(&next, path).map_err(MirrorError::io("naming", path))
}

fn stamp_files(folder: &Path) -> Result<Vec<FileStamp>, MirrorError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| MirrorError::Index(error.to_string()))?;
        if entry.file_type().is_file() {
            let (size, sha256) = digest(entry.path())?;
            let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_string_lossy().replace('\\', "/");
            files.push(FileStamp { path, size, sha256 });
        }
    }
    Ok(files)
}

/// Size and SHA-256 of a file; it is brought to the disk on the way.
pub(super) fn digest(path: &Path) -> Result<(u64, String), MirrorError> {
    let mut file = File::open(path).map_err(MirrorError::io("reading", path))?;
    file.sync_data().map_err(MirrorError::io("writing", path))?;
    let (mut hasher, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer).map_err(MirrorError::io("reading", path))? {
            0 => return Ok((size, hex(&hasher.finalize()))),
            n => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
        }
    }
}

/// Lower case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
