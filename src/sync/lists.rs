//! The sources beside the NVD: each is one file that is read whole, and replaces what it gave before.
//!
//! OSV exports (one zip for an ecosystem), CISA's catalogue, EPSS, the public NVD overrides, and a folder of private
//! advisories. A source that cannot be had, does not read to its end or has shrunk keeps its last good data.

use super::fetch::{self, Fetch};
use super::{SyncError, epss, kev, osv_export, overrides};
use crate::mirror::rows::Interner;
use crate::mirror::store::{self, Manifest};
use crate::mirror::writer::Writer;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a source's file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An OSV export, or a folder of private OSV advisories.
    Osv,
    /// CISA's Known Exploited Vulnerabilities.
    Kev,
    /// FIRST's Exploit Prediction Scoring System.
    Epss,
    /// Public configurations for CVEs that the NVD left without any.
    Overrides,
}

/// A source that is one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// `osv:PyPI`, `kev`, `epss`, `overrides`, `advisories`.
    pub name: String,
    /// How it is read.
    pub kind: Kind,
    /// Address or folder.
    pub place: String,
    /// The file's name there; nothing for a folder of advisories.
    pub file: Option<String>,
    /// Whether it may be absent without a word (one of several in a folder).
    pub optional: bool,
}

/// Ecosystems of OSV that packages here can be of; a bare `osv` means all of them.
pub const ECOSYSTEMS: [&str; 12] =
    ["npm", "PyPI", "crates.io", "Debian", "Ubuntu", "Alpine", "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "Wolfi"];

/// Where the sources beside the NVD are.
#[derive(Debug, Clone)]
pub struct Places {
    /// Address or folder of `ECOSYSTEM/all.zip`.
    pub osv: String,
    /// Address or path of the KEV catalogue.
    pub kev: String,
    /// Address or path of the EPSS scores.
    pub epss: String,
    /// Address or path of the overrides.
    pub overrides: String,
}

impl Places {
    /// The sources that a word of `--source` names; nothing for a word that names none.
    #[must_use]
    pub fn lists(&self, word: &str) -> Option<Vec<List>> {
        let export = |ecosystem: &str, optional| List {
            name: format!("osv:{ecosystem}"),
            kind: Kind::Osv,
            place: self.osv.clone(),
            file: Some(format!("{ecosystem}/all.zip")),
            optional,
        };
        let single = |kind, place: &str| {
            // The last part of an address or path is the file.
            let (folder, file) = place.rsplit_once('/').unwrap_or((".", place));
            let folder = if folder.is_empty() { "/" } else { folder };
            vec![List { name: word.to_owned(), kind, place: folder.to_owned(), file: Some(file.to_owned()), optional: false }]
        };
        match word.split_once(':') {
            None if word == "kev" => Some(single(Kind::Kev, &self.kev)),
            None if word == "epss" => Some(single(Kind::Epss, &self.epss)),
            None if word == "overrides" => Some(single(Kind::Overrides, &self.overrides)),
            None if word == "osv" => Some(ECOSYSTEMS.iter().map(|ecosystem| export(ecosystem, true)).collect()),
            Some(("osv", ecosystem)) if ECOSYSTEMS.contains(&ecosystem) => Some(vec![export(ecosystem, false)]),
            _ => None,
        }
    }
}

impl List {
    /// A folder of private advisories in OSV's form.
    #[must_use]
    pub fn of_folder(folder: &Path) -> Self {
        let place = folder.to_string_lossy().into_owned();
        Self { name: "advisories".to_owned(), kind: Kind::Osv, place, file: None, optional: false }
    }
}

/// A source's file on this disk.
pub(super) struct Had<'a> {
    source: Option<Box<dyn Fetch>>,
    pub(super) list: &'a List,
    pub(super) path: PathBuf,
    pub(super) sha256: String,
}

/// What a source gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Records.
    pub records: u64,
    /// The newest record's or the file's own time.
    pub newest: String,
}

/// Gets a source's file. Nothing where it is absent and may be.
pub(super) fn have<'a>(list: &'a List, raw: &Path) -> Result<Option<Had<'a>>, SyncError> {
    let Some(file) = &list.file else {
        let path = PathBuf::from(&list.place);
        let sha256 = osv_export::digest_of_folder(&path)?;
        return Ok(Some(Had { source: None, list, path, sha256 }));
    };
    let source: Box<dyn Fetch> = fetch::source(&list.place, &raw.join(list.name.replace([':', ' '], "-")))?;
    match source.file(file)? {
        Some(path) => {
            let sha256 = digest(&path)?;
            Ok(Some(Had { source: Some(source), list, path, sha256 }))
        }
        None if list.optional && !source.must_be_whole() => Ok(None),
        None => Err(SyncError::AbsentFile { place: source.place(), file: file.clone() }),
    }
}

fn digest(path: &Path) -> Result<String, SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let (mut file, mut hasher, mut buffer) = (File::open(path).map_err(told)?, Sha256::new(), vec![0; 1 << 17]);
    loop {
        match file.read(&mut buffer).map_err(told)? {
            0 => return Ok(store::hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

impl Had<'_> {
    /// Forgets a file that does not read, so that the next sync fetches it anew.
    pub(super) fn discard(&self) {
        if let (Some(source), Some(file)) = (&self.source, &self.list.file) {
            source.discard(file);
        }
    }

    /// Replaces what the source gave before. Nothing is written unless the file reads to its end.
    ///
    /// # Errors
    /// [`SyncError::Mirror`] when the writer is broken; every other error leaves the old data as it was.
    pub(super) fn load(&self, writer: &mut Writer, interner: &mut Interner, base: Option<&Manifest>) -> Result<Loaded, SyncError> {
        let (name, path) = (self.list.name.as_str(), self.path.as_path());
        let before = base.and_then(|base| base.sources.iter().find(|source| source.name == name)).map_or(0, |source| source.records);
        let sound = |count: u64| {
            // A feed of some size that lost a tenth of its records overnight is a feed that was cut.
            let shrunk = before >= 100 && count < before - before / 10;
            if shrunk { Err(SyncError::Shrunk { name: name.to_owned(), before, now: count }) } else { Ok(()) }
        };
        match (self.list.kind, &self.list.file) {
            (Kind::Osv, Some(_)) => osv_export::load_zip(name, path, &sound, writer),
            (Kind::Osv, None) => osv_export::load_folder(name, path, writer),
            (Kind::Kev, _) => kev::load(name, path, &sound, writer),
            (Kind::Epss, _) => epss::load(name, path, &sound, writer),
            (Kind::Overrides, _) => overrides::load(name, path, &sound, writer, interner),
        }
    }
}
