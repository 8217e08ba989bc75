//! What a mirror says about itself: which generation, from which sources, how complete.

use super::advisory::CveId;
use serde::{Deserialize, Serialize};

/// One source of the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// `nvd`, `osv:PyPI`, `kev`, `epss`, `overrides`.
    pub name: String,
    /// Last successful contact, RFC 3339 UTC.
    pub contacted: String,
    /// The newest record's or feed's own time, as the source writes it.
    pub newest: String,
    /// Records held.
    pub records: u64,
    /// `current`, or `failed: …` when the last sync could not refresh it.
    pub state: String,
}

/// What every report says about the mirror it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorState {
    /// `synced` or `starter`.
    pub kind: String,
    /// The generation's number; 0 for the starter feed.
    pub generation: u64,
    /// When it was built, RFC 3339 UTC.
    pub built_at: String,
    /// Its sources.
    pub sources: Vec<SourceState>,
    /// Years of the NVD that it does not hold.
    pub absent_years: Vec<u16>,
    /// CVEs without any configuration: no CPE will ever match them.
    pub unconfigured: u64,
}

/// A CVE without any configuration that names a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Which.
    pub cve: CveId,
    /// Whether one of its references leads to the package; otherwise its description has the name.
    pub by_reference: bool,
    /// Bit set of worlds that it speaks of (`schema.sql`).
    pub signals: i64,
}
