//! The generation that grows: a copy of the last one or nothing, what the sources brought, and the seal.

use super::SyncError;
use super::grow::{Grown, grow};
use super::lists::{Had, Loaded};
use super::nightly::{Event, Nvd, Options, Synced, facts_digest};
use super::nvd_api::Delta;
use super::plan::{self, Offer, stamps};
use super::selfcheck;
use crate::facts;
use crate::mirror::compare::{self, Moved};
use crate::mirror::index::{Document, Index};
use crate::mirror::store::{self, API, Manifest, Store};
use crate::mirror::writer::Writer;
use crate::mirror::{MirrorError, SCHEMA};
use crate::model::mirror::SourceState;
use std::path::Path;

/// The generation that grows.
pub(super) struct Next<'a> {
    writer: Writer,
    base: Option<Manifest>,
    manifest: Manifest,
    options: &'a Options,
    files: usize,
    /// Sources that failed and keep their last good data.
    pub(super) failures: Vec<(String, String)>,
    /// What neither the feeds nor the API cover.
    pub(super) incomplete: Option<String>,
}

impl<'a> Next<'a> {
    pub(super) fn begin(store: &Store, growing: &Path, base: Option<Manifest>, options: &'a Options) -> Result<Self, SyncError> {
        let database = growing.join(store::DATABASE);
        let writer = match &base {
            Some(base) => {
                let old = store.folder(base.generation).join(store::DATABASE);
                std::fs::copy(&old, &database).map_err(|cause| MirrorError::Io { action: "copying", path: old, cause })?;
                Writer::resume(&database)?
            }
            None => Writer::create(&database)?,
        };
        let mut manifest = base.clone().unwrap_or_else(Manifest::empty);
        manifest.schema = SCHEMA;
        manifest.facts = facts_digest();
        manifest.built_at.clone_from(&options.now);
        Ok(Self { writer, base, manifest, options, files: 0, failures: Vec::new(), incomplete: None })
    }

    /// Reads the wanted feeds, then what the API told.
    pub(super) fn read_nvd(
        &mut self,
        nvd: Option<&Nvd>,
        wanted: &[&Offer],
        delta: Option<&Delta>,
        progress: &mut dyn FnMut(Event),
    ) -> Result<(), SyncError> {
        let pages: Vec<Offer> = delta.iter().flat_map(|delta| delta.pages.iter().map(|page| Offer::page(API, page))).collect();
        let all: Vec<&Offer> = wanted.iter().copied().chain(&pages).collect();
        if nvd.is_none() && all.is_empty() {
            return Ok(());
        }
        let source = nvd.map(|nvd| &*nvd.source);
        let Grown { interner, mut read, failures } = grow(&mut self.writer, source, &all, self.base.is_some(), progress)?;
        read.retain(|(name, _)| name != API);
        self.files += read.len() + pages.len();
        if let Some(nvd) = nvd {
            self.manifest.feeds = stamps(self.base.as_ref(), &nvd.offers, &read);
            self.manifest.absent_years.clone_from(&nvd.absent_years);
        }
        if let Some(delta) = delta {
            plan::advance(&mut self.manifest.feeds, delta.window.start, delta.window.end);
            self.note(API, &Loaded { records: delta.records, newest: delta.newest.clone() });
        }
        if nvd.is_some() && self.options.api.is_none() {
            // What it brought is in the feeds that are read instead; a source that nobody asks would only grow old.
            self.manifest.sources.retain(|source| source.name != API);
        }
        let newest = self.manifest.feeds.values().map(|feed| feed.last_modified.clone()).max().unwrap_or_default();
        if nvd.is_some() {
            self.note("nvd", &Loaded { records: interner.records() as u64, newest });
        } else if let Some(held) = self.manifest.sources.iter_mut().find(|source| source.name == "nvd") {
            held.records = interner.records() as u64;
        }
        self.failures.extend(failures.into_iter().map(|error| ("nvd".to_owned(), error)));
        Ok(())
    }

    pub(super) fn read_lists(&mut self, fresh: &[Had<'_>], progress: &mut dyn FnMut(Event)) -> Result<(), SyncError> {
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
    pub(super) fn current(&mut self, names: &[String]) {
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

    pub(super) fn seal(mut self, store: &Store, growing: &Path) -> Result<Synced, SyncError> {
        if self.manifest.sources.is_empty() {
            // A mirror that holds nothing would answer every question with no.
            let told: Vec<String> = self.failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
            return Err(SyncError::NoSource(told.join("; ")));
        }
        self.name_failures();
        if let Some(hole) = &self.incomplete {
            for source in self.manifest.sources.iter_mut().filter(|source| source.name == API) {
                source.state = format!("incomplete: {hole}");
            }
        }
        self.manifest.kept_aside = self.writer.kept_aside()?;
        let documents = self.writer.products()?;
        self.manifest.names = documents.len() as u64;
        self.manifest.unconfigured = index_and_finish(self.writer, self.base.as_ref(), &self.manifest, documents, store, growing)?;
        let (manifest, failures, incomplete) = (self.manifest, self.failures, self.incomplete);
        if let Some(base) = &self.base {
            let moved = compare::moved(&store.folder(base.generation), growing)?;
            let moved = Moved { moved: moved.len() as u64, of: compare::taught(&store.folder(base.generation))? };
            selfcheck::succeeds(base, &manifest, moved)?;
        }
        let generation = store.publish(growing, manifest.clone())?;
        for source in &manifest.sources {
            let reached =
                (!source.state.starts_with("failed") && source.contacted == self.options.now).then_some(source.contacted.as_str());
            if reached.is_some() || source.state != "current" {
                store.note_contact(&source.name, reached, &source.state)?;
            }
        }
        Ok(Synced {
            generation,
            published: true,
            files: self.files,
            records: manifest.records(),
            kept_aside: manifest.kept_aside,
            absent_years: manifest.absent_years,
            failures: failures.into_iter().map(|(name, error)| format!("{name}: {error}")).collect(),
            incomplete,
        })
    }
}

/// Writes the search index and what spans many records, both at once. Gives the number of CVEs without any configuration.
fn index_and_finish(
    writer: Writer,
    base: Option<&Manifest>,
    new: &Manifest,
    documents: Vec<Document>,
    store: &Store,
    growing: &Path,
) -> Result<u64, SyncError> {
    let folder = growing.join(store::INDEX);
    // Names are only ever added: the same number of them, with the same titles, is the same index.
    let same = |base: &&Manifest| base.names == new.names && base.lists.get("cpe") == new.lists.get("cpe");
    let old = base.filter(same).map(|base| store.folder(base.generation).join(store::INDEX));
    let (unconfigured, indexed) = std::thread::scope(|scope| {
        let index = scope.spawn(|| match old {
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
    let held = Index::open(&folder)?.len();
    if held != new.names {
        return Err(SyncError::Suspicious(format!("the search index holds {held} names, the tables {}: sync again", new.names)));
    }
    Ok(unconfigured?)
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
