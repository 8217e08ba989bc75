//! What a sync must read: what the source offers, which years it does not have, and which feeds have changed
//! since the last generation.

use super::SyncError;
use super::feed::{self, FeedMeta};
use super::fetch::Fetch;
use crate::mirror::store::{FeedStamp, Manifest};
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// One feed that the source has.
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) meta: FeedMeta,
    /// Known already, when the feed has no `.meta` and had to be read for its checksum.
    pub(super) verified: Option<PathBuf>,
}

impl Offer {
    /// A page that is on this disk and whole.
    pub(super) fn page(name: &str, path: &Path) -> Self {
        Self { name: name.to_owned(), meta: FeedMeta::default(), verified: Some(path.to_owned()) }
    }
}

/// Feeds that hold the last eight days over all years: changed records, and new ones.
const RUNNING: [&str; 2] = ["modified", "recent"];

pub(super) fn file_name(feed: &str) -> String {
    format!("nvdcve-2.0-{feed}.json.gz")
}

/// What the source has, and which wanted years it does not have.
pub(super) fn offers(source: &dyn Fetch, years: &RangeInclusive<u16>) -> Result<(Vec<Offer>, Vec<u16>), SyncError> {
    let (mut offers, mut absent) = (Vec::new(), Vec::new());
    let names = years.clone().map(|year| (Some(year), year.to_string())).chain(RUNNING.map(|name| (None, name.to_owned())));
    for (year, name) in names {
        match offer(source, name)? {
            Some(offer) => offers.push(offer),
            None => absent.extend(year),
        }
    }
    if offers.iter().all(|offer| RUNNING.contains(&offer.name.as_str())) {
        return Err(SyncError::Nothing { place: source.place() });
    }
    if source.must_be_whole() && !absent.is_empty() {
        let years = absent.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        return Err(SyncError::AbsentYears { place: source.place(), years });
    }
    Ok((offers, absent))
}

fn offer(source: &dyn Fetch, name: String) -> Result<Option<Offer>, SyncError> {
    if let Some(meta) = source.text(&format!("nvdcve-2.0-{name}.meta"))?.as_deref().and_then(FeedMeta::parse) {
        return Ok(Some(Offer { name, meta, verified: None }));
    }
    // Without a `.meta` the feed itself must be read to know whether it has changed.
    let Some(path) = source.file(&file_name(&name))? else { return Ok(None) };
    let meta = FeedMeta { sha256: feed::checksum(&path)?, last_modified: String::new(), bytes: 0 };
    Ok(Some(Offer { name, meta, verified: Some(path) }))
}

/// The feeds that must be read: those that changed, but for years whose changes the `modified` feed brings.
///
/// `reach`: how far back the API will be asked, where it will be.
pub(super) fn wanted<'a>(offers: &'a [Offer], base: Option<&Manifest>, costly: bool, reach: Option<Timestamp>) -> Vec<&'a Offer> {
    let modified = offers.iter().find(|offer| offer.name == "modified");
    let needed = |offer: &&Offer| {
        let Some(known) = base.and_then(|base| base.feeds.get(&offer.name)) else { return true };
        let brought = costly
            && !RUNNING.contains(&offer.name.as_str())
            && modified.is_some_and(|modified| covers(&modified.meta.last_modified, &known.covered_until));
        let asked = reach.is_some_and(|reach| known.covered_until.parse::<Timestamp>().is_ok_and(|covered| covered >= reach));
        known.sha256 != offer.meta.sha256 && !brought && !asked
    };
    offers.iter().filter(needed).collect()
}

/// The `modified` feed holds the changes of eight days; one is left as a margin.
fn covers(modified: &str, since: &str) -> bool {
    match (modified.parse::<Timestamp>(), since.parse::<Timestamp>()) {
        (Ok(modified), Ok(since)) => modified.checked_sub((7 * 24).hours()).is_ok_and(|from| from <= since),
        _ => false,
    }
}

/// The stamps of the feeds that the new generation holds.
pub(super) fn stamps(base: Option<&Manifest>, offers: &[Offer], read: &[(String, u64)]) -> BTreeMap<String, FeedStamp> {
    let mut feeds = base.map(|base| base.feeds.clone()).unwrap_or_default();
    for (name, records) in read {
        let Some(offer) = offers.iter().find(|offer| offer.name == *name) else { continue };
        let time = offer.meta.last_modified.clone();
        feeds.insert(
            name.clone(),
            FeedStamp { sha256: offer.meta.sha256.clone(), last_modified: time.clone(), covered_until: time, records: *records },
        );
    }
    if let Some(modified) = feeds.get("modified").map(|feed| feed.last_modified.clone()) {
        for feed in feeds.values_mut().filter(|feed| covers(&modified, &feed.covered_until)) {
            feed.covered_until = feed.covered_until.clone().max(modified.clone());
        }
    }
    feeds
}

/// The moment up to which every change is in all of these feeds; nothing if one of them does not tell.
pub(super) fn covered(feeds: &BTreeMap<String, FeedStamp>) -> Option<Timestamp> {
    feeds.values().map(|feed| feed.covered_until.parse::<Timestamp>().ok()).min().flatten()
}

/// The stamps after everything that changed from `start` to `end` was added.
pub(super) fn advance(feeds: &mut BTreeMap<String, FeedStamp>, start: Timestamp, end: Timestamp) {
    let meets = |feed: &&mut FeedStamp| feed.covered_until.parse::<Timestamp>().is_ok_and(|covered| covered >= start && covered < end);
    feeds.values_mut().filter(meets).for_each(|feed| feed.covered_until = end.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_changes_is_covered_and_a_gap_is_not() {
        assert!(covers("2025-02-25T01:00:00-00:00", "2025-02-19T00:00:00-00:00"));
        assert!(!covers("2025-02-25T01:00:00-00:00", "2025-02-17T00:00:00-00:00"));
        assert!(!covers("2025-02-25T01:00:00-00:00", "no date"));
    }
}
