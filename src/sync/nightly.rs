//! What cron runs: looks what is new at each source, reads it, and publishes a generation, or leaves everything as it was.
//!
//! A nightly run copies the last generation's database (copy-on-write where the file system can) and applies
//! what changed; a first run, a new schema and `--full` build from nothing. Both give the same tables. A source that
//! fails keeps its last good data and is named in the manifest, which every report repeats.

use super::SyncError;
use super::fetch::{self, Fetch, Transport};
use super::lists::{self, Had, List};
use super::next::Next;
use super::nvd_api::{self, Api, Delta};
use super::plan::{self, Offer, offers, wanted};
use super::selfcheck;
use crate::facts;
use crate::mirror::signature::Key;
use crate::mirror::store::{self, API, Manifest, Store};
use crate::mirror::transfer;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use std::path::Path;

/// What to sync.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses or folders of the NVD's 2.0 feeds, in order of preference; none where they are not asked for.
    pub nvd: Vec<String>,
    /// The NVD's API, where changes are to come from it.
    pub api: Option<Api>,
    /// Years that are wanted of them.
    pub years: RangeInclusive<u16>,
    /// The other sources.
    pub lists: Vec<List>,
    /// How addresses are reached.
    pub transport: Transport,
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
    /// What will be fetched: the sources and their bytes, where they can be told.
    Announced(Vec<(String, u64)>),
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
    /// What no source covers.
    pub incomplete: Option<String>,
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
    let nvd = match (!options.nvd.is_empty()).then(|| look(&raw.join("nvd"), options)).transpose() {
        Ok(nvd) => nvd,
        Err(error) => {
            if base.is_some() {
                store.note_contact("nvd", None, &format!("failed: {error}"))?;
            }
            if base.is_none() || (options.lists.is_empty() && options.api.is_none()) {
                return Err(error);
            }
            failures.push(("nvd".to_owned(), error.to_string()));
            None
        }
    };
    let now = options.now.parse::<Timestamp>().unwrap_or(Timestamp::MAX);
    let reach = options.api.as_ref().map(|_| nvd_api::reach(now));
    let wanted = nvd.as_ref().map(|nvd| wanted(&nvd.offers, base.as_ref(), nvd.source.must_be_whole(), reach)).unwrap_or_default();
    for offer in nvd.iter().flat_map(|nvd| &nvd.offers) {
        selfcheck::clock(&options.now, &offer.meta.last_modified)?;
    }
    announce(options, nvd.as_ref(), &wanted, &raw, progress);
    let delta = match options.api.as_ref().map(|api| ask(api, &raw.join(API), options, base.as_ref(), nvd.as_ref(), &wanted)).transpose() {
        Ok(delta) => delta,
        Err(error) => {
            failures.push((API.to_owned(), error.to_string()));
            None
        }
    };
    let (mut current, fresh) = fetch_lists(options, &raw, base.as_ref(), &mut failures);
    current.extend(delta.as_ref().map(|_| API.to_owned()));
    // A hole must be told by the generation in force, even where nothing else is new.
    let told = delta.as_ref().is_none_or(|delta| delta.changes.records == 0 && delta.hole.is_none());
    if wanted.is_empty() && fresh.is_empty() && told {
        return unchanged(store, options, base, nvd, &current, failures);
    }
    progress(Event::Planned(wanted.len() + fresh.len() + delta.as_ref().map_or(0, |delta| delta.changes.pages.len())));
    let growing = store.begin()?;
    let build = || {
        let mut next = Next::begin(store, &growing, base, options)?;
        next.failures = failures;
        next.read_nvd(nvd.as_ref(), &wanted, delta.as_ref().map(|delta| &delta.changes), progress)?;
        next.read_lists(&fresh, progress)?;
        next.current(&current);
        next.incomplete = delta.as_ref().and_then(|delta| delta.hole.clone());
        progress(Event::Finishing);
        next.seal(store, &growing)
    };
    let synced = build().inspect_err(|_| {
        // What did not become a generation must not fill the disk.
        let _ = std::fs::remove_dir_all(&growing);
    })?;
    let _ = std::fs::remove_dir_all(raw.join("nvd"));
    nvd_api::forget(&raw.join(API));
    Ok(synced)
}

/// Fetches the other sources; gives the names of those that have nothing new, and the files of those that have.
fn fetch_lists<'a>(
    options: &'a Options,
    raw: &Path,
    base: Option<&Manifest>,
    failures: &mut Vec<(String, String)>,
) -> (Vec<String>, Vec<Had<'a>>) {
    let (mut current, mut fresh) = (Vec::new(), Vec::new());
    for list in &options.lists {
        match lists::have(list, raw, &options.transport) {
            Ok(Some(had)) if base.is_some_and(|base| base.lists.get(&list.name) == Some(&had.sha256)) => current.push(list.name.clone()),
            Ok(Some(had)) => fresh.push(had),
            Ok(None) => {}
            Err(error) => failures.push((list.name.clone(), error.to_string())),
        }
    }
    (current, fresh)
}

/// What the API told.
struct Asked {
    changes: Delta,
    /// The span that neither the feeds nor the API cover.
    hole: Option<String>,
}

/// Asks the API for what changed since the feeds that the next generation will hold.
fn ask(
    api: &Api,
    raw: &Path,
    options: &Options,
    base: Option<&Manifest>,
    nvd: Option<&Nvd>,
    wanted: &[&Offer],
) -> Result<Asked, SyncError> {
    let now = options.now.parse::<Timestamp>().map_err(|error| SyncError::NoSource(format!("{}: {error}", options.now)))?;
    let read: Vec<(String, u64)> = wanted.iter().map(|offer| (offer.name.clone(), 0)).collect();
    let feeds = plan::stamps(base, nvd.map_or(&[], |nvd| nvd.offers.as_slice()), &read);
    let reach = nvd_api::reach(now);
    let covered = plan::covered(&feeds);
    // The NVD's indexes lag behind its clock: a little is asked for twice.
    let since = covered.and_then(|covered| covered.checked_sub(2.hours()).ok()).filter(|since| *since >= reach);
    let hole = since.is_none().then(|| {
        let from = covered.map_or("an unknown time".to_owned(), |covered| covered.strftime("%Y-%m-%d").to_string());
        let to = reach.strftime("%Y-%m-%d");
        format!("changes from {from} to {to} are in neither the feeds at hand nor the API's 120 days: sync from newer feeds")
    });
    Ok(Asked { changes: nvd_api::fetch(api, raw, since.unwrap_or(reach), now, &options.transport)?, hole })
}

/// Says how much will be fetched, where a server tells.
fn announce(options: &Options, nvd: Option<&Nvd>, wanted: &[&Offer], raw: &Path, progress: &mut dyn FnMut(Event)) {
    let feeds: u64 = if nvd.is_some_and(|nvd| nvd.source.must_be_whole()) { wanted.iter().map(|offer| offer.meta.bytes).sum() } else { 0 };
    let lists = options.lists.iter().filter_map(|list| Some((list.name.clone(), list.size(raw, &options.transport)?)));
    let sizes: Vec<(String, u64)> = std::iter::once(("nvd".to_owned(), feeds)).chain(lists).filter(|(_, bytes)| *bytes > 0).collect();
    if !sizes.is_empty() {
        progress(Event::Announced(sizes));
    }
}

/// Takes a ready export from an address or a file; gives the generation now in force.
///
/// # Errors
/// When it cannot be had or is not taken; the generation in force then stays.
pub fn take(store: &Store, places: &[String], transport: &Transport, trust: Option<&Key>, holder: &str) -> Result<u64, SyncError> {
    let raw = store.root().join("raw").join("from");
    let source = fetch::source(places, &raw, transport)?;
    let file = source.file("")?.ok_or_else(|| SyncError::Absent { place: source.place() })?;
    let signature = match trust {
        None => None,
        Some(key) => {
            let beside: Vec<String> = places.iter().map(|place| format!("{place}.minisig")).collect();
            let source = fetch::source(&beside, &raw.join("signature"), transport)?;
            let text = source.text("")?.ok_or_else(|| SyncError::Absent { place: source.place() })?;
            Some((key, text))
        }
    };
    let taken =
        signature.map_or(Ok(()), |(key, text)| key.verify(&file, &text)).and_then(|()| transfer::import(store, &file, false, holder));
    if taken.is_err() {
        source.discard("");
    }
    Ok(taken?)
}

/// What the NVD's place has.
pub(super) struct Nvd {
    pub(super) source: Box<dyn Fetch>,
    pub(super) offers: Vec<Offer>,
    pub(super) absent_years: Vec<u16>,
}

fn look(raw: &Path, options: &Options) -> Result<Nvd, SyncError> {
    let source = fetch::source(&options.nvd, raw, &options.transport)?;
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
        records: base.records(),
        kept_aside: base.kept_aside,
        absent_years: nvd.map_or(base.absent_years, |nvd| nvd.absent_years),
        failures: told,
        incomplete: None,
    })
}

/// The last generation, if a new one may grow from it.
fn usable(store: &Store) -> Option<Manifest> {
    store
        .manifest()
        .ok()
        .filter(|manifest| manifest.facts == facts_digest() && store.folder(manifest.generation).join(store::DATABASE).is_file())
}

pub(super) fn facts_digest() -> String {
    store::hex(&Sha256::digest(facts::WORLDS_TEXT.as_bytes()))
}
