//! OSV advisories in the mirror's own form (OSV schema 1.6): what decides or is shown, nothing else.

use super::advisory::CveId;
use serde::{Deserialize, Serialize};

/// One event of an OSV range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsvEvent {
    /// Affected from here; `0` is before every version.
    Introduced(String),
    /// Not affected from here.
    Fixed(String),
    /// Affected up to and with this.
    LastAffected(String),
    /// An upper bound of the branch; decides nothing.
    Limit(String),
}

/// A range of an OSV advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsvRange {
    /// `SEMVER`, `ECOSYSTEM` or `GIT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The events, in the advisory's order.
    pub events: Vec<OsvEvent>,
}

/// One package that an OSV advisory names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AffectedPackage {
    /// The ecosystem as OSV writes it, with its release (`Debian:11`).
    pub ecosystem: String,
    /// The name.
    pub name: String,
    /// Ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<OsvRange>,
    /// Versions, listed one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// What the distribution says of it beside versions: Debian's `urgency`, or a `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// RustSec's `informational`: `unmaintained`, `unsound`, `notice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub informational: Option<String>,
}

/// An OSV advisory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OsvAdvisory {
    /// Its id in its own database.
    pub id: String,
    /// When it was last changed, RFC 3339.
    #[serde(default)]
    pub modified: String,
    /// When it was first published, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// When it was withdrawn, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Other ids of the same vulnerability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Vulnerabilities that a distribution's advisory answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// Related ids; not the same vulnerability, except where a distribution writes them so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// One sentence.
    #[serde(default)]
    pub summary: String,
    /// CVSS vectors with their type (`CVSS_V3`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<OsvSeverity>,
    /// The database's own severity word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_word: Option<String>,
    /// CWE ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    /// Links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The packages it names.
    #[serde(default)]
    pub affected: Vec<AffectedPackage>,
}

/// A CVSS vector in an OSV advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsvSeverity {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, or a distribution's own word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The vector.
    pub score: String,
}

impl OsvAdvisory {
    /// The CVE ids it stands for: aliases, and what a distribution puts into `upstream` or `related`.
    #[must_use]
    pub fn cves(&self) -> Vec<CveId> {
        let distro = self.affected.iter().any(|package| is_distro_ecosystem(&package.ecosystem));
        let extra: &[String] = if distro { &self.related } else { &[] };
        let own = std::iter::once(&self.id);
        let mut ids: Vec<CveId> = own.chain(&self.aliases).chain(&self.upstream).chain(extra).filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether it names malware rather than a mistake (OSV's `MAL-` ids).
    #[must_use]
    pub fn is_malicious(&self) -> bool {
        self.id.starts_with("MAL-")
    }
}

/// Whether an OSV ecosystem word is a distribution's.
#[must_use]
pub fn is_distro_ecosystem(word: &str) -> bool {
    let base = word.split(':').next().unwrap_or(word);
    matches!(
        base,
        "Debian"
            | "Ubuntu"
            | "Alpine"
            | "AlmaLinux"
            | "Rocky Linux"
            | "SUSE"
            | "openSUSE"
            | "Red Hat"
            | "Wolfi"
            | "Chainguard"
            | "Mageia"
            | "Photon OS"
            | "openEuler"
            | "Azure Linux"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_answers_upstream_ids_a_language_database_only_aliases() {
        let mut advisory: OsvAdvisory = serde_json::from_str(
            r#"{"id":"DSA-1","upstream":["CVE-2020-0001"],"related":["CVE-2020-0002"],"affected":[{"ecosystem":"Debian:11","name":"x"}]}"#,
        )
        .unwrap();
        assert_eq!(advisory.cves().len(), 2);
        advisory.affected[0].ecosystem = "PyPI".to_owned();
        assert_eq!(advisory.cves().len(), 1);
    }
}
