//! The one wing that fills the mirror: sources in, a new generation out.
//!
//! `fetch` gets bytes, `feed` reads NVD feeds as streams, `nvd` and `osv` decode records, `learn` reduces
//! them to evidence, `plan` tells which feeds must be read, `lists` are the sources beside the NVD (`osv_export`, `kev`,
//! `epss`, `overrides`), `grow` reads feeds into a generation, `nightly` decides and publishes. Nothing here reads a
//! subject or a policy.

pub mod cpe_dictionary;
pub mod epss;
pub mod feed;
pub mod fetch;
mod grow;
mod https;
pub mod kev;
pub mod learn;
pub mod lists;
mod mention;
mod next;
pub mod nightly;
pub mod nvd;
pub mod nvd_api;
pub mod osv;
pub mod osv_export;
pub mod overrides;
mod plan;
mod selfcheck;
pub mod starter;
mod subject;

use crate::mirror::MirrorError;
use fetch::FetchError;
use std::path::PathBuf;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A source could not be reached or answered nonsense.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A feed is not what its checksum says.
    #[error("{feed}: its SHA-256 is {found}, {expected} was announced: it is damaged or was changed while it was read; try again later")]
    Checksum {
        /// Which feed.
        feed: String,
        /// What was announced.
        expected: String,
        /// What was read.
        found: String,
    },
    /// A feed does not read as JSON.
    #[error("{feed}, byte {offset}: {cause}")]
    Syntax {
        /// Which feed.
        feed: String,
        /// Where in the uncompressed feed.
        offset: u64,
        /// What is wrong.
        cause: String,
    },
    /// Reading a file failed.
    #[error("reading {path}: {cause}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A source holds nothing.
    #[error("{place} holds no NVD feed (nvdcve-2.0-YEAR.json.gz): check the address given with --nvd")]
    Nothing {
        /// The source.
        place: String,
    },
    /// Years that must be there are not.
    #[error("{place} does not have the feeds of {years}: name the years it has with --years")]
    AbsentYears {
        /// The source.
        place: String,
        /// Which.
        years: String,
    },
    /// A source that is a file is not there.
    #[error("{place} does not exist: check the address")]
    Absent {
        /// The source.
        place: String,
    },
    /// A file of a source is not there.
    #[error("{place} has no {file}: check the address")]
    AbsentFile {
        /// The source.
        place: String,
        /// Which file.
        file: String,
    },
    /// A source lost records that it had.
    #[error("{name} has {now} records and had {before}: it was cut, or cleaned out; `--full` takes it as it is")]
    Shrunk {
        /// Which source.
        name: String,
        /// Records before.
        before: u64,
        /// Records now.
        now: u64,
    },
    /// The NVD's answers do not fit each other.
    #[error("{place}: records changed under each attempt to read them page by page: try again later")]
    Moving {
        /// The API's address.
        place: String,
    },
    /// The new generation does not look like a successor of the old one.
    #[error("the new mirror does not pass its self-check: {0}")]
    Suspicious(String),
    /// No source at all could be had.
    #[error("no source could be had: {0}")]
    NoSource(String),
    /// The mirror cannot be written.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
}

/// A file that read to its end once and does not the second time: its old rows are gone by then, so the generation that
/// grows must not be published.
fn changed(path: &std::path::Path, cause: &dyn std::fmt::Display) -> SyncError {
    SyncError::Mirror(MirrorError::Index(format!("{} changed while it was read ({cause}): sync again", path.display())))
}
