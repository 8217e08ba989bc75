//! The small feed inside the program: real records of well-known packages, decoded by the same code as the
//! big feeds into a mirror in memory.

use super::learn::Learner;
use super::{SyncError, kev, nvd, osv};
use crate::facts;
use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::mirror::rows::{Batch, Interner};
use crate::mirror::writer::Writer;
use crate::model::mirror::{MirrorState, SourceState};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Feed<'a> {
    timestamp: String,
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Advisories<'a> {
    timestamp: String,
    #[serde(borrow)]
    advisories: Vec<&'a RawValue>,
}

/// Builds the starter mirror.
///
/// # Errors
/// When the embedded feed is damaged, which a test rules out.
pub fn open() -> Result<Reader, SyncError> {
    build(
        include_str!("../../data/starter/nvd.json"),
        include_str!("../../data/starter/osv.json"),
        include_str!("../../data/starter/kev.json"),
    )
}

/// Builds a mirror in memory from feeds in the forms of the NVD, OSV (as a list) and CISA.
///
/// # Errors
/// When a feed does not decode.
pub fn build(nvd_feed: &str, osv_list: &str, kev_list: &str) -> Result<Reader, SyncError> {
    let broken = |what: &str, cause: String| SyncError::Syntax { feed: what.to_owned(), offset: 0, cause };
    let feed: Feed<'_> = serde_json::from_str(nvd_feed).map_err(|error| broken("the starter feed", error.to_string()))?;
    let list: Advisories<'_> = serde_json::from_str(osv_list).map_err(|error| broken("the starter advisories", error.to_string()))?;
    let learner = Learner::new().map_err(MirrorError::Index)?;
    let (mut writer, mut interner, mut batch) = (Writer::in_memory()?, Interner::default(), Batch::default());
    for raw in &feed.vulnerabilities {
        nvd::decode(raw.get(), &learner, &mut interner, &mut batch);
    }
    if let Some(row) = batch.aside.first() {
        return Err(broken(&row.record, row.error.clone()));
    }
    writer.write("starter", &batch)?;
    for raw in &list.advisories {
        writer.write_osv("starter", &osv::decode(raw.get()).map_err(|cause| broken("the starter advisories", cause))?)?;
    }
    let exploited = kev::load_text("kev", "the starter KEV list", kev_list, &|_| Ok(()), &mut writer)?;
    let (connection, unconfigured) = writer.finish(facts::worlds())?;
    let source = |name: &str, time: &str, records: usize| SourceState {
        name: name.to_owned(),
        contacted: time.to_owned(),
        newest: time.to_owned(),
        records: records as u64,
        state: "embedded".to_owned(),
    };
    let sources = vec![
        source("nvd", &feed.timestamp, feed.vulnerabilities.len()),
        source("osv", &list.timestamp, list.advisories.len()),
        source("kev", &exploited.newest, usize::try_from(exploited.records).unwrap_or_default()),
    ];
    let state = MirrorState {
        kind: "starter".to_owned(),
        generation: 0,
        built_at: feed.timestamp,
        sources,
        absent_years: Vec::new(),
        unconfigured,
    };
    Ok(Reader::over_memory(connection, state))
}
