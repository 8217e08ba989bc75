//! What cron runs: looks what is new at each source, reads it, and publishes a generation, or leaves everything as it was.
//!
//! A nightly run copies the last generation's database (copy-on-write where the file system can) and applies
//! what changed; a first run, a new schema and `--full` build from nothing. Both give the same tables. A source that
//! fails keeps its last good data and is named in the manifest, which every report repeats.

use super::SyncError;
use super::fetch::{self, Fetch};
use super::grow::{Grown, grow};
use super::lists::{self, Had, List, Loaded};
use super::plan::{Offer, offers, stamps, wanted};
use crate::facts;
use crate::mirror::index::Index;
use crate::mirror::store::{self, Manifest, Store};
use crate::mirror::transfer;
use crate::mirror::writer::Writer;
use crate::mirror::{MirrorError, SCHEMA};
use crate::model::mirror::SourceState;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use std::path::Path;

/// What to sync.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address or folder of the NVD's 2.0 feeds; nothing where they are not asked for.
    pub nvd: Option<String>,
    /// Years that are wanted of them.
    pub years: RangeInclusive<u16>,
    /// The other sources.
    pub lists: Vec<List>,
    /// Build from nothing.
    pub full: bool,
    /// The time of this run, RFC 3339 UTC.
    pub now: String,
    /// Who writes, for the lock file.
    pub holder: String,
}

/// What happens, for a progress display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This many feeds will be read.
    Planned(usize),
    /// A feed is in, with its records.
    Feed(String, u64),
    /// This many records in all have been written.
    Records(u64),
    /// Everything is read; evidence and indexes are being built.
    Finishing,
}

/// How a sync went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// The generation now in force.
    pub generation: u64,
    /// Whether it is a new one.
    pub published: bool,
    /// Feeds and other files that were read.
    pub files: usize,
    /// Records held, of all sources.
    pub records: u64,
    /// Records that could not be decoded.
    pub kept_aside: u64,
    /// Wanted years that the source does not have.
    pub absent_years: Vec<u16>,
    /// Sources and feeds that failed and keep their last good data.
    pub failures: Vec<String>,
}

/// Runs a sync.
///
/// # Errors
/// When nothing was published; the old generation, if there is one, stays in force.
pub fn run(store: &Store, options: &Options, progress: &mut dyn FnMut(Event)) -> Result<Synced, SyncError> {
    let _lock = store.lock(&options.holder)?;
    let raw = store.root().join("raw");
    let base = if options.full { None } else { usable(store) };
    let mut failures: Vec<(String, String)> = Vec::new();
    let nvd = match options.nvd.as_deref().map(|place| look(place, &raw.join("nvd"), options)).transpose() {
        Ok(nvd) => nvd,
        Err(error) => {
            if base.is_some() {
                store.note_contact("nvd", None, &format!("failed: {error}"))?;
            }
            if base.is_none() || options.lists.is_empty() {
                return Err(error);
            }
            failures.push(("nvd".to_owned(), error.to_string()));
            None
        }
    };
    let wanted = nvd.as_ref().map(|nvd| wanted(&nvd.offers, base.as_ref(), nvd.source.must_be_whole())).unwrap_or_default();
    let (mut current, mut fresh) = (Vec::new(), Vec::new());
    for list in &options.lists {
        match lists::have(list, &raw) {
            Ok(Some(had)) if base.as_ref().is_some_and(|base| base.lists.get(&list.name) == Some(&had.sha256)) => {
                current.push(list.name.clone())
            }
            Ok(Some(had)) => fresh.push(had),
            Ok(None) => {}
            Err(error) => failures.push((list.name.clone(), error.to_string())),
        }
    }
    if wanted.is_empty() && fresh.is_empty() {
        return unchanged(store, options, base, nvd, &current, failures);
    }
    progress(Event::Planned(wanted.len() + fresh.len()));
    let growing = store.begin()?;
    let build = || {
        let mut next = Next::begin(store, &growing, base, options)?;
        next.failures = failures;
        next.read_nvd(nvd.as_ref(), &wanted, progress)?;
        next.read_lists(&fresh, progress)?;
        next.current(&current);
        progress(Event::Finishing);
        next.seal(store, &growing)
    };
    let synced = build().inspect_err(|_| {
        // What did not become a generation must not fill the disk.
        let _ = std::fs::remove_dir_all(&growing);
    })?;
    let _ = std::fs::remove_dir_all(raw.join("nvd"));
    Ok(synced)
}

/// Takes a ready export from an address or a file; gives the generation now in force.
///
/// # Errors
/// When it cannot be had or is not taken; the generation in force then stays.
pub fn take(store: &Store, place: &str, holder: &str) -> Result<u64, SyncError> {
    let (folder, name) = place.rsplit_once('/').unwrap_or((".", place));
    let source = fetch::source(if folder.is_empty() { "/" } else { folder }, &store.root().join("raw").join("from"))?;
    let file = source.file(name)?.ok_or_else(|| SyncError::AbsentFile { place: source.place(), file: name.to_owned() })?;
    let taken = transfer::import(store, &file, false, holder);
    if taken.is_err() {
        source.discard(name);
    }
    Ok(taken?)
}

/// What the NVD's place has.
struct Nvd {
    source: Box<dyn Fetch>,
    offers: Vec<Offer>,
    absent_years: Vec<u16>,
}

fn look(place: &str, raw: &Path, options: &Options) -> Result<Nvd, SyncError> {
    let source = fetch::source(place, raw)?;
    let (offers, absent_years) = offers(&*source, &options.years)?;
    Ok(Nvd { source, offers, absent_years })
}

/// Nothing is to be read: the generation in force stays, and the contacts are noted.
fn unchanged(
    store: &Store,
    options: &Options,
    base: Option<Manifest>,
    nvd: Option<Nvd>,
    current: &[String],
    failures: Vec<(String, String)>,
) -> Result<Synced, SyncError> {
    let told: Vec<String> = failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    let Some(base) = base else { return Err(SyncError::NoSource(told.join("; "))) };
    for name in nvd.iter().map(|_| "nvd").chain(current.iter().map(String::as_str)) {
        store.note_contact(name, Some(&options.now), "current")?;
    }
    for (name, error) in &failures {
        store.note_contact(name, None, &format!("failed: {error}"))?;
    }
    Ok(Synced {
        generation: base.generation,
        published: false,
        files: 0,
        records: base.sources.iter().map(|source| source.records).sum(),
        kept_aside: base.kept_aside,
        absent_years: nvd.map_or(base.absent_years, |nvd| nvd.absent_years),
        failures: told,
    })
}

/// The last generation, if a new one may grow from it.
fn usable(store: &Store) -> Option<Manifest> {
    store
        .manifest()
        .ok()
        .filter(|manifest| manifest.facts == facts_digest() && store.folder(manifest.generation).join(store::DATABASE).is_file())
}

fn facts_digest() -> String {
    store::hex(&Sha256::digest(facts::WORLDS_TEXT.as_bytes()))
}

/// The generation that grows.
struct Next<'a> {
    writer: Writer,
    base: Option<Manifest>,
    manifest: Manifest,
    options: &'a Options,
    files: usize,
    failures: Vec<(String, String)>,
}

impl<'a> Next<'a> {
    fn begin(store: &Store, growing: &Path, base: Option<Manifest>, options: &'a Options) -> Result<Self, SyncError> {
        let database = growing.join(store::DATABASE);
        let writer = match &base {
            Some(base) => {
                let old = store.folder(base.generation).join(store::DATABASE);
                std::fs::copy(&old, &database).map_err(|cause| MirrorError::Io { action: "copying", path: old, cause })?;
                Writer::resume(&database)?
            }
            None => Writer::create(&database)?,
        };
        let empty = || Manifest {
            schema: SCHEMA,
            facts: facts_digest(),
            generation: 0,
            built_at: String::new(),
            sources: Vec::new(),
            feeds: Default::default(),
            lists: Default::default(),
            absent_years: Vec::new(),
            unconfigured: 0,
            kept_aside: 0,
            names: 0,
            files: Vec::new(),
        };
        let mut manifest = base.clone().unwrap_or_else(empty);
        manifest.built_at.clone_from(&options.now);
        Ok(Self { writer, base, manifest, options, files: 0, failures: Vec::new() })
    }

    fn read_nvd(&mut self, nvd: Option<&Nvd>, wanted: &[&Offer], progress: &mut dyn FnMut(Event)) -> Result<(), SyncError> {
        let Some(nvd) = nvd else { return Ok(()) };
        let Grown { interner, read, failures } = grow(&mut self.writer, &*nvd.source, wanted, self.base.is_some(), progress)?;
        self.files += read.len();
        self.manifest.feeds = stamps(self.base.as_ref(), &nvd.offers, &read);
        self.manifest.absent_years.clone_from(&nvd.absent_years);
        let newest = self.manifest.feeds.values().map(|feed| feed.last_modified.clone()).max().unwrap_or_default();
        self.note("nvd", &Loaded { records: interner.records() as u64, newest });
        self.failures.extend(failures.into_iter().map(|error| ("nvd".to_owned(), error)));
        Ok(())
    }

    fn read_lists(&mut self, fresh: &[Had<'_>], progress: &mut dyn FnMut(Event)) -> Result<(), SyncError> {
        if fresh.is_empty() {
            return Ok(());
        }
        let mut interner = self.writer.interner()?;
        for had in fresh {
            let name = &had.list.name;
            match had.load(&mut self.writer, &mut interner, self.base.as_ref()) {
                Ok(loaded) => {
                    progress(Event::Feed(name.clone(), loaded.records));
                    self.note(name, &loaded);
                    self.manifest.lists.insert(name.clone(), had.sha256.clone());
                    self.files += 1;
                }
                Err(error @ SyncError::Mirror(_)) => return Err(error),
                Err(error) => {
                    had.discard();
                    self.failures.push((name.clone(), error.to_string()));
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, name: &str, loaded: &Loaded) {
        let state = SourceState {
            name: name.to_owned(),
            contacted: self.options.now.clone(),
            newest: loaded.newest.clone(),
            records: loaded.records,
            state: "current".to_owned(),
        };
        self.manifest.sources.retain(|source| source.name != name);
        self.manifest.sources.push(state);
        self.manifest.sources.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Sources that were reached and had nothing new.
    fn current(&mut self, names: &[String]) {
        for source in self.manifest.sources.iter_mut().filter(|source| names.contains(&source.name)) {
            source.contacted.clone_from(&self.options.now);
            source.state = "current".to_owned();
        }
    }

    /// A source that failed is named, also one that never gave anything.
    fn name_failures(&mut self) {
        for (name, error) in &self.failures {
            let state = format!("failed: {error}");
            match self.manifest.sources.iter_mut().find(|source| source.name == *name) {
                Some(source) => {
                    source.state = state;
                    source.contacted = contacted(self.base.as_ref(), name);
                }
                None => self.manifest.sources.push(SourceState {
                    name: name.clone(),
                    contacted: String::new(),
                    newest: String::new(),
                    records: 0,
                    state,
                }),
            }
        }
    }

    fn seal(mut self, store: &Store, growing: &Path) -> Result<Synced, SyncError> {
        self.name_failures();
        self.manifest.kept_aside = self.writer.kept_aside()?;
        let documents = self.writer.products()?;
        self.manifest.names = documents.len() as u64;
        let folder = growing.join(store::INDEX);
        let names = self.manifest.names;
        let old_index = self.base.as_ref().filter(|base| base.names == names).map(|base| store.folder(base.generation).join(store::INDEX));
        let writer = self.writer;
        let (unconfigured, indexed) = std::thread::scope(|scope| {
            // Names are only ever added: the same number of them is the same set, and the same index.
            let index = scope.spawn(move || match old_index {
                Some(old) => link_folder(&old, &folder),
                None => Index::build(&folder, &documents),
            });
            let finished = writer.finish(facts::worlds()).map(|(connection, unconfigured)| {
                drop(connection);
                unconfigured
            });
            (finished, index.join().unwrap_or_else(|_| Err(MirrorError::Index("building it failed".to_owned()))))
        });
        indexed?;
        self.manifest.unconfigured = unconfigured?;
        let (manifest, failures) = (self.manifest, self.failures);
        let generation = store.publish(growing, manifest.clone())?;
        for source in &manifest.sources {
            let reached = (source.state == "current" && source.contacted == self.options.now).then_some(source.contacted.as_str());
            if reached.is_some() || source.state != "current" {
                store.note_contact(&source.name, reached, &source.state)?;
            }
        }
        Ok(Synced {
            generation,
            published: true,
            files: self.files,
            records: manifest.sources.iter().map(|source| source.records).sum(),
            kept_aside: manifest.kept_aside,
            absent_years: manifest.absent_years,
            failures: failures.into_iter().map(|(name, error)| format!("{name}: {error}")).collect(),
        })
    }
}

/// When a source was last reached, as the base has it.
fn contacted(base: Option<&Manifest>, name: &str) -> String {
    base.and_then(|base| base.sources.iter().find(|source| source.name == name)).map(|source| source.contacted.clone()).unwrap_or_default()
}

fn link_folder(from: &Path, to: &Path) -> Result<(), MirrorError> {
    std::fs::create_dir_all(to).map_err(|cause| MirrorError::Io { action: "making", path: to.to_owned(), cause })?;
    for entry in std::fs::read_dir(from).map_err(|cause| MirrorError::Io { action: "reading", path: from.to_owned(), cause })?.flatten() {
        let target = to.join(entry.file_name());
        // A hard link where the file system can, a copy elsewhere: published files never change.
        let linked = std::fs::hard_link(entry.path(), &target).or_else(|_| std::fs::copy(entry.path(), &target).map(|_| ()));
        linked.map_err(|cause| MirrorError::Io { action: "copying", path: target, cause })?;
    }
    Ok(())
}
