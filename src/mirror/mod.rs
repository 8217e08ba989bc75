//! The mirror on disk: generations of one SQLite file and one search index, published whole or not at all.
//!
//! `store` knows folders, CURRENT and the lock; `rows` turns records into rows; `writer` fills a new
//! generation; `reader` answers questions about a published one; `index` is the search over names.
//! Nothing here uses the network, and no reader ever sees a half-written generation.

mod asides;
pub mod compare;
pub mod index;
mod names;
pub mod publish;
pub mod reader;
pub mod rows;
pub mod signature;
pub mod store;
pub mod transfer;
pub mod verify;
pub mod writer;

use std::path::PathBuf;

/// The schema's number; a mirror with another one is built anew.
pub const SCHEMA: i32 = 5;

/// What can go wrong with the mirror. Every message names the place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// An exported file is not taken.
    #[error("{path}: {reason}")]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// There is none.
    #[error("there is no mirror at {0}: run `scacheck sync` to make one, or use `--db starter` for the small feed inside the program")]
    Missing(PathBuf),
    /// It cannot be used.
    #[error("the mirror at {path} is damaged ({reason}): run `scacheck sync --full` to build it anew")]
    Damaged {
        /// Which generation.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// It was made by another version of scacheck.
    #[error("the mirror at {path} has schema {found}, this scacheck needs {SCHEMA}: run `scacheck sync --full`")]
    Schema {
        /// Which generation.
        path: PathBuf,
        /// Its number.
        found: i32,
    },
    /// Another sync is writing.
    #[error("another sync is writing to {path} ({holder}): wait for it to end")]
    Locked {
        /// The mirror's folder.
        path: PathBuf,
        /// What the lock file says.
        holder: String,
    },
    /// A file operation failed.
    #[error("{action} {path}: {cause}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The database refused.
    #[error("the mirror's database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The search index refused.
    #[error("the mirror's search index: {0}")]
    Index(String),
}

impl MirrorError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { action, path, cause }
    }
}
