//! The sources beside the NVD: each is one file that is read whole, and replaces what it gave before.
//!
//! OSV exports (one zip for an ecosystem), CISA's catalogue, EPSS, the public NVD overrides, and a folder of private
//! advisories. A source that cannot be had, does not read to its end or has shrunk keeps its last good data.

use super::fetch::{self, Fetch, Transport};
use super::{SyncError, cpe_dictionary, epss, kev, osv_export, overrides};
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
    /// An OSV export.
    Osv,
    /// A folder of private advisories in OSV's form.
    Advisories,
    /// CISA's Known Exploited Vulnerabilities.
    Kev,
    /// FIRST's Exploit Prediction Scoring System.
    Epss,
    /// Public configurations for CVEs that the NVD left without any.
    Overrides,
    /// The NVD's dictionary of CPE names.
    Dictionary,
}

/// A source that is one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// `osv:PyPI`, `kev`, `epss`, `overrides`, `cpe`, `advisories`.
    pub name: String,
    /// How it is read.
    pub kind: Kind,
    /// Addresses or paths, the first that answers is used.
    pub places: Vec<String>,
    /// The file's name there; empty where the place is the file.
    pub file: String,
    /// Whether it may be absent without a word (one of several in a folder).
    pub optional: bool,
}

/// Ecosystems of OSV that packages here can be of; a bare `osv` means all of them.
pub const ECOSYSTEMS: [&str; 12] =
    ["npm", "PyPI", "crates.io", "Debian", "Ubuntu", "Alpine", "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "Wolfi"];

/// Where the sources beside the NVD are: each at one or more addresses or paths, in order of preference.
#[derive(Debug, Clone)]
pub struct Places {
    /// Of `ECOSYSTEM/all.zip`.
    pub osv: Vec<String>,
    /// Of the KEV catalogue.
    pub kev: Vec<String>,
    /// Of the EPSS scores.
    pub epss: Vec<String>,
    /// Of the overrides.
    pub overrides: Vec<String>,
    /// Of the CPE dictionary.
    pub cpe: Vec<String>,
}

impl Places {
    /// The sources that a word of `--source` names; nothing for a word that names none.
    #[must_use]
    pub fn lists(&self, word: &str) -> Option<Vec<List>> {
        let export = |ecosystem: &str, optional| List {
            name: format!("osv:{ecosystem}"),
            kind: Kind::Osv,
            places: self.osv.clone(),
            file: format!("{ecosystem}/all.zip"),
            optional,
        };
        let single = |kind, places: &[String]| {
            vec![List { name: word.to_owned(), kind, places: places.to_vec(), file: String::new(), optional: false }]
        };
        match word.split_once(':') {
            None if word == "kev" => Some(single(Kind::Kev, &self.kev)),
            None if word == "epss" => Some(single(Kind::Epss, &self.epss)),
            None if word == "overrides" => Some(single(Kind::Overrides, &self.overrides)),
            None if word == "cpe" => Some(single(Kind::Dictionary, &self.cpe)),
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
        let places = vec![folder.to_string_lossy().into_owned()];
        Self { name: "advisories".to_owned(), kind: Kind::Advisories, places, file: String::new(), optional: false }
    }

    fn source(&self, raw: &Path, transport: &Transport) -> Result<Box<dyn Fetch>, SyncError> {
        Ok(fetch::source(&self.places, &raw.join(self.name.replace([':', ' '], "-")), transport)?)
    }

    /// Bytes that a first load has to fetch; nothing where that is not known or nothing is to be fetched.
    pub(super) fn size(&self, raw: &Path, transport: &Transport) -> Option<u64> {
        self.source(raw, transport).ok()?.size(&self.file)
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
pub(super) fn have<'a>(list: &'a List, raw: &Path, transport: &Transport) -> Result<Option<Had<'a>>, SyncError> {
    if let (Kind::Advisories, [folder, ..]) = (list.kind, list.places.as_slice()) {
        let path = PathBuf::from(folder);
        let sha256 = osv_export::digest_of_folder(&path)?;
        return Ok(Some(Had { source: None, list, path, sha256 }));
    }
    let source = list.source(raw, transport)?;
    match source.file(&list.file)? {
        Some(path) => {
            let sha256 = digest(&path)?;
            Ok(Some(Had { source: Some(source), list, path, sha256 }))
        }
        None if list.optional && !source.must_be_whole() => Ok(None),
        None if list.file.is_empty() => Err(SyncError::Absent { place: source.place() }),
        None => Err(SyncError::AbsentFile { place: source.place(), file: list.file.clone() }),
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
        if let Some(source) = &self.source {
            source.discard(&self.list.file);
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
        match self.list.kind {
            Kind::Osv => osv_export::load_zip(name, path, &sound, writer),
            Kind::Advisories => osv_export::load_folder(name, path, writer),
            Kind::Kev => kev::load(name, path, &sound, writer),
            Kind::Epss => epss::load(name, path, &sound, writer),
            Kind::Overrides => overrides::load(name, path, &sound, writer, interner),
            Kind::Dictionary => cpe_dictionary::load(name, path, &sound, writer),
        }
    }
}
