//! Reads NVD feeds into a generation that grows. Three threads share the work: one fetches and verifies, one unpacks and
//! decodes, one writes.

use super::feed;
use super::fetch::Fetch;
use super::learn::Learner;
use super::nightly::Event;
use super::plan::{Offer, file_name};
use super::{SyncError, nvd};
use crate::mirror::MirrorError;
use crate::mirror::rows::{Batch, Interner};
use crate::mirror::writer::Writer;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What came of it.
pub(super) struct Grown {
    /// Names and records that are known now.
    pub(super) interner: Interner,
    /// Feeds that were read, with their records.
    pub(super) read: Vec<(String, u64)>,
    /// Feeds that failed and keep their last good data.
    pub(super) failures: Vec<String>,
}

enum Message {
    Batch(String, Batch),
    Done(String, u64),
    Failed(SyncError),
    Ended(Interner),
}

/// Reads the wanted feeds. `keeps_old`: a feed that fails its checksum is passed over, since the generation has its last
/// good data already.
pub(super) fn grow(
    writer: &mut Writer,
    source: Option<&dyn Fetch>,
    wanted: &[&Offer],
    keeps_old: bool,
    progress: &mut dyn FnMut(Event),
) -> Result<Grown, SyncError> {
    let interner = writer.interner()?;
    let learner = Learner::new().map_err(MirrorError::Index)?;
    let (verified, to_decode) = sync_channel(2);
    let (decoded, to_write) = sync_channel(16);
    std::thread::scope(|scope| {
        scope.spawn(move || verify(source, wanted, &verified));
        scope.spawn(move || decode(&to_decode, &learner, interner, &decoded));
        write(writer, to_write, keeps_old, progress)
    })
}

type Verified = Result<(String, PathBuf), SyncError>;

fn verify(source: Option<&dyn Fetch>, wanted: &[&Offer], out: &SyncSender<Verified>) {
    for offer in wanted {
        let result = fetch_verified(source, offer).map(|path| (offer.name.clone(), path));
        if out.send(result).is_err() {
            return;
        }
    }
}

fn fetch_verified(source: Option<&dyn Fetch>, offer: &Offer) -> Result<PathBuf, SyncError> {
    if let Some(path) = &offer.verified {
        return Ok(path.clone());
    }
    let name = file_name(&offer.name);
    let source = source.ok_or_else(|| SyncError::Absent { place: name.clone() })?;
    let mut found = String::new();
    for _ in 0..TRIES {
        let path = source.file(&name)?.ok_or_else(|| SyncError::AbsentYears { place: source.place(), years: offer.name.clone() })?;
        match feed::checksum(&path) {
            Ok(sum) if sum == offer.meta.sha256 => return Ok(path),
            Ok(sum) => found = sum,
            // Damage often shows in the compression already.
            Err(SyncError::Read { cause, .. }) => found = format!("not to be had ({cause})"),
            Err(other) => return Err(other),
        }
        source.discard(&name);
    }
    Err(SyncError::Checksum { feed: name, expected: offer.meta.sha256.clone(), found })
}

/// Downloads of a feed that do not fit their checksum, before it counts as failed.
const TRIES: u32 = 3;

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
    let _ = out.send(Message::Ended(interner));
}

fn stopped() -> SyncError {
    SyncError::Mirror(MirrorError::Index("the writer has stopped".to_owned()))
}

/// Takes the receiver: when it ends early, the other threads see that nobody listens and end too.
fn write(writer: &mut Writer, messages: Receiver<Message>, keeps_old: bool, progress: &mut dyn FnMut(Event)) -> Result<Grown, SyncError> {
    let (mut read, mut failures, mut written, mut started) = (Vec::new(), Vec::new(), 0, String::new());
    for message in messages {
        match message {
            Message::Batch(feed, batch) => {
                if feed != started {
                    // Every answer of the API is about other records.
                    if feed != crate::mirror::store::API {
                        writer.forget_aside(&feed)?;
                    }
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
            Message::Ended(interner) => return Ok(Grown { interner, read, failures }),
        }
    }
    Err(SyncError::Mirror(MirrorError::Index("the decoding thread stopped early".to_owned())))
}
