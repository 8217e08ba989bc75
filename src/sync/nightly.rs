//! What cron runs: looks what is new, reads it, and publishes a generation, or leaves everything as it was.
//!
//! A nightly run copies the last generation's database (copy-on-write where the file system can) and applies
//! the feeds that changed; a first run, a new schema and `--full` build from nothing. Both give the same
//! tables. Three threads share the work: one fetches and verifies, one unpacks and decodes, one writes.

use super::feed;
use super::fetch::{self, Fetch};
use super::learn::Learner;
use super::plan::{Offer, file_name, offers, stamps, wanted};
use super::{SyncError, nvd};
use crate::facts;
use crate::mirror::index::Index;
use crate::mirror::rows::{Batch, Interner};
use crate::mirror::store::{self, Manifest, Store};
use crate::mirror::writer::Writer;
use crate::mirror::{MirrorError, SCHEMA};
use crate::model::mirror::SourceState;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What to sync.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address or folder of the NVD's 2.0 feeds.
    pub nvd: String,
    /// Years that are wanted.
    pub years: RangeInclusive<u16>,
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
    /// Feeds that were read.
    pub feeds: usize,
    /// NVD records held.
    pub records: u64,
    /// Records that could not be decoded.
    pub kept_aside: u64,
    /// Wanted years that the source does not have.
    pub absent_years: Vec<u16>,
    /// Feeds that failed and keep their last good data.
    pub failures: Vec<String>,
}

/// Runs a sync.
///
/// # Errors
/// When nothing was published; the old generation, if there is one, stays in force.
pub fn run(store: &Store, options: &Options, progress: &mut dyn FnMut(Event)) -> Result<Synced, SyncError> {
    let _lock = store.lock(&options.holder)?;
    let raw = store.root().join("raw");
    let source = fetch::source(&options.nvd, &raw)?;
    let base = if options.full { None } else { usable(store) };
    let (offers, absent_years) = match offers(&*source, &options.years) {
        Ok(found) => found,
        Err(error) => {
            if base.is_some() {
                store.note_contact("nvd", None, &format!("failed: {error}"))?;
            }
            return Err(error);
        }
    };
    let wanted = wanted(&offers, base.as_ref(), source.must_be_whole());
    if let (Some(base), true) = (&base, wanted.is_empty()) {
        store.note_contact("nvd", Some(&options.now), "current")?;
        let records = base.sources.iter().map(|source| source.records).sum();
        return Ok(Synced {
            generation: base.generation,
            published: false,
            feeds: 0,
            records,
            kept_aside: base.kept_aside,
            absent_years,
            failures: Vec::new(),
        });
    }
    progress(Event::Planned(wanted.len()));
    let growing = store.begin()?;
    let grown = grow(store, &growing, base.as_ref(), &*source, &wanted, progress)?;
    progress(Event::Finishing);
    let synced = seal(store, &growing, base, grown, &offers, absent_years, options)?;
    let _ = std::fs::remove_dir_all(&raw);
    Ok(synced)
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

struct Grown {
    writer: Writer,
    records: u64,
    read: Vec<(String, u64)>,
    failures: Vec<String>,
}

enum Message {
    Batch(String, Batch),
    Done(String, u64),
    Failed(SyncError),
    Ended(u64),
}

fn grow(
    store: &Store,
    growing: &Path,
    base: Option<&Manifest>,
    source: &dyn Fetch,
    wanted: &[&Offer],
    progress: &mut dyn FnMut(Event),
) -> Result<Grown, SyncError> {
    let database = growing.join(store::DATABASE);
    let mut writer = match base {
        Some(base) => {
            let old = store.folder(base.generation).join(store::DATABASE);
            std::fs::copy(&old, &database).map_err(|cause| MirrorError::Io { action: "copying", path: old, cause })?;
            Writer::resume(&database)?
        }
        None => Writer::create(&database)?,
    };
    let interner = writer.interner()?;
    let learner = Learner::new().map_err(MirrorError::Index)?;
    let (verified, to_decode) = sync_channel(2);
    let (decoded, to_write) = sync_channel(16);
    std::thread::scope(|scope| {
        scope.spawn(move || verify(source, wanted, &verified));
        scope.spawn(move || decode(&to_decode, &learner, interner, &decoded));
        let (records, read, failures) = write(&mut writer, to_write, base.is_some(), progress)?;
        Ok(Grown { writer, records, read, failures })
    })
}

type Verified = Result<(String, PathBuf), SyncError>;

fn verify(source: &dyn Fetch, wanted: &[&Offer], out: &SyncSender<Verified>) {
    for offer in wanted {
        let result = fetch_verified(source, offer).map(|path| (offer.name.clone(), path));
        if out.send(result).is_err() {
            return;
        }
    }
}

fn fetch_verified(source: &dyn Fetch, offer: &Offer) -> Result<PathBuf, SyncError> {
    if let Some(path) = &offer.verified {
        return Ok(path.clone());
    }
    let name = file_name(&offer.name);
    let path = source.file(&name)?.ok_or_else(|| SyncError::AbsentYears { place: source.place(), years: offer.name.clone() })?;
    let found = feed::checksum(&path)?;
    if found != offer.meta.sha256 {
        return Err(SyncError::Checksum { feed: name, expected: offer.meta.sha256.clone(), found });
    }
    Ok(path)
}

const BATCH: usize = 256;

fn decode(to_decode: &Receiver<Verified>, learner: &Learner, mut interner: Interner, out: &SyncSender<Message>) {
    for verified in to_decode {
        let result = verified.and_then(|(name, path)| {
            let mut batch = Batch::default();
            let send = |batch: &mut Batch| out.send(Message::Batch(name.clone(), std::mem::take(batch))).map_err(|_| stopped());
            let count = feed::for_each_record(&path, &file_name(&name), |raw| {
                nvd::decode(raw, learner, &mut interner, &mut batch);
                if batch.cves.len() >= BATCH { send(&mut batch) } else { Ok(()) }
            });
            let count = count?;
            send(&mut batch).map(|()| Message::Done(name.clone(), count))
        });
        let message = result.unwrap_or_else(Message::Failed);
        if out.send(message).is_err() {
            return;
        }
    }
    let _ = out.send(Message::Ended(interner.records() as u64));
}

fn stopped() -> SyncError {
    SyncError::Mirror(MirrorError::Index("the writer has stopped".to_owned()))
}

type Written = (u64, Vec<(String, u64)>, Vec<String>);

/// Takes the receiver: when it ends early, the other threads see that nobody listens and end too.
fn write(writer: &mut Writer, messages: Receiver<Message>, keeps_old: bool, progress: &mut dyn FnMut(Event)) -> Result<Written, SyncError> {
    let (mut read, mut failures, mut written, mut started) = (Vec::new(), Vec::new(), 0, String::new());
    for message in messages {
        match message {
            Message::Batch(feed, batch) => {
                if feed != started {
                    writer.forget_aside(&feed)?;
                    started = feed.clone();
                }
                writer.write(&feed, &batch)?;
                written += batch.cves.len() as u64;
                progress(Event::Records(written));
            }
            Message::Done(feed, count) => {
                progress(Event::Feed(feed.clone(), count));
                read.push((feed, count));
            }
            // Nothing of a feed that fails its checksum was used, so its last good data stands; one that breaks
            // off in the middle may be half applied, so this generation is thrown away.
            Message::Failed(error) if keeps_old && !matches!(error, SyncError::Syntax { .. } | SyncError::Read { .. }) => {
                failures.push(error.to_string())
            }
            Message::Failed(error) => return Err(error),
            Message::Ended(records) => return Ok((records, read, failures)),
        }
    }
    Err(SyncError::Mirror(MirrorError::Index("the decoding thread stopped early".to_owned())))
}

fn seal(
    store: &Store,
    growing: &Path,
    base: Option<Manifest>,
    grown: Grown,
    offers: &[Offer],
    absent_years: Vec<u16>,
    options: &Options,
) -> Result<Synced, SyncError> {
    let kept_aside = grown.writer.kept_aside()?;
    let documents = grown.writer.products()?;
    let (names, folder) = (documents.len() as u64, growing.join(store::INDEX));
    let old_index = base.as_ref().filter(|base| base.names == names).map(|base| store.folder(base.generation).join(store::INDEX));
    let (unconfigured, indexed) = std::thread::scope(|scope| {
        // Names are only ever added: the same number of them is the same set, and the same index.
        let index = scope.spawn(move || match old_index {
            Some(old) => link_folder(&old, &folder),
            None => Index::build(&folder, &documents),
        });
        let finished = grown.writer.finish(facts::worlds()).map(|(connection, unconfigured)| {
            drop(connection);
            unconfigured
        });
        (finished, index.join().unwrap_or_else(|_| Err(MirrorError::Index("building it failed".to_owned()))))
    });
    indexed?;
    let feeds = stamps(base.as_ref(), offers, &grown.read);
    let newest = feeds.values().map(|feed| feed.last_modified.clone()).max().unwrap_or_default();
    let state = if grown.failures.is_empty() { "current".to_owned() } else { format!("failed: {}", grown.failures.join("; ")) };
    let manifest = Manifest {
        schema: SCHEMA,
        facts: facts_digest(),
        generation: 0,
        built_at: options.now.clone(),
        sources: vec![SourceState {
            name: "nvd".to_owned(),
            contacted: options.now.clone(),
            newest,
            records: grown.records,
            state: state.clone(),
        }],
        feeds,
        absent_years: absent_years.clone(),
        unconfigured: unconfigured?,
        kept_aside,
        names,
        files: Vec::new(),
    };
    let generation = store.publish(growing, manifest)?;
    store.note_contact("nvd", grown.failures.is_empty().then_some(options.now.as_str()), &state)?;
    Ok(Synced {
        generation,
        published: true,
        feeds: grown.read.len(),
        records: grown.records,
        kept_aside,
        absent_years,
        failures: grown.failures,
    })
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
