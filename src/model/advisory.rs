//! NVD records in the mirror's own form, and what all advisories share: CVE ids, CVSS, severity.
//!
//! The shapes follow the NVD CVE API 2.0 schema; words that scacheck does not know
//! are kept as they are and decide nothing.

use super::cpe::CpeName;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

/// A CVE id, packed so that numeric order is the order of year and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CveId(i64);

/// CVE numbers have at most ten digits in this packing.
const YEAR: i64 = 10_000_000_000;

impl CveId {
    /// The packed form, as the mirror stores it.
    #[must_use]
    pub fn packed(self) -> i64 {
        self.0
    }

    /// From the packed form.
    #[must_use]
    pub fn from_packed(packed: i64) -> Self {
        Self(packed)
    }

    /// The year in the id.
    #[must_use]
    pub fn year(self) -> i64 {
        self.0 / YEAR
    }
}

impl FromStr for CveId {
    type Err = NotACveId;

    fn from_str(text: &str) -> Result<Self, NotACveId> {
        let parts = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        match parts {
            Some((year, number)) if year.len() == 4 && (4..=10).contains(&number.len()) && digits(year) && digits(number) => {
                match (year.parse::<i64>(), number.parse::<i64>()) {
                    (Ok(year), Ok(number)) => Ok(Self(year * YEAR + number)),
                    _ => Err(NotACveId),
                }
            }
            _ => Err(NotACveId),
        }
    }
}

impl fmt::Display for CveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CVE-{}-{:04}", self.0 / YEAR, self.0 % YEAR)
    }
}

/// A text that is not a CVE id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a CVE id")]
pub struct NotACveId;

/// How bad it is. `Unscored` is a severity of its own, and it gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Score 0.0.
    None,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
    /// Nobody has scored it.
    Unscored,
}

impl Severity {
    /// The severity of a CVSS base score (CVSS 3.1 section 5; used for every version).
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::None,
        }
    }

    /// The severity of that word; advisory databases also say `moderate` and `important`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "low" | "negligible" | "unimportant" => Some(Self::Low),
            "medium" | "moderate" => Some(Self::Medium),
            "high" | "important" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Unscored => "unscored",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One CVSS assessment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cvss<'a> {
    /// `2.0`, `3.0`, `3.1`, `4.0`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// The vector string.
    #[serde(borrow)]
    pub vector: Cow<'a, str>,
    /// Base score, 0.0 to 10.0.
    pub score: f64,
    /// Who scored it.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
}

/// A link in an advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference<'a> {
    /// The address.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// The NVD's tags: `Patch`, `Vendor Advisory`, ….
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Cow<'a, str>>,
}

/// What an NVD record says beside its configurations.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CveDetail<'a> {
    /// The English description.
    #[serde(borrow, default)]
    pub summary: Cow<'a, str>,
    /// Who assigned the id.
    #[serde(borrow, default)]
    pub assigner: Cow<'a, str>,
    /// Every CVSS assessment, in the record's order.
    #[serde(borrow, default)]
    pub cvss: Vec<Cvss<'a>>,
    /// CWE ids.
    #[serde(borrow, default)]
    pub cwe: Vec<Cow<'a, str>>,
    /// Links.
    #[serde(borrow, default)]
    pub references: Vec<Reference<'a>>,
    /// The record's tags: `disputed`, `unsupported-when-assigned`, ….
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Cow<'a, str>>,
}

/// The operator of a configuration or node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Every operand must apply.
    And,
    /// One operand is enough.
    Or,
    /// A word that is not known: nothing can be decided.
    Unknown,
}

impl Serialize for Operator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::And => "AND",
            Self::Or => "OR",
            Self::Unknown => "?",
        })
    }
}

impl<'de> Deserialize<'de> for Operator {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl serde::de::Visitor<'_> for Word {
            type Value = Operator;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("AND or OR")
            }
            fn visit_str<E>(self, word: &str) -> Result<Operator, E> {
                Ok(match word {
                    "AND" => Operator::And,
                    "OR" => Operator::Or,
                    _ => Operator::Unknown,
                })
            }
        }
        deserializer.deserialize_str(Word)
    }
}

/// The four range ends of a match criterion. At most one start and one end are set in practice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// `versionStartIncluding`
    pub start_including: Option<Box<str>>,
    /// `versionStartExcluding`
    pub start_excluding: Option<Box<str>>,
    /// `versionEndIncluding`
    pub end_including: Option<Box<str>>,
    /// `versionEndExcluding`
    pub end_excluding: Option<Box<str>>,
}

impl VersionRange {
    /// Whether no end is set.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.start_including.is_none() && self.start_excluding.is_none() && self.end_including.is_none() && self.end_excluding.is_none()
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = [(">=", &self.start_including), (">", &self.start_excluding), ("<=", &self.end_including), ("<", &self.end_excluding)];
        let mut separator = "";
        for (sign, end) in ends {
            if let Some(version) = end {
                write!(f, "{separator}{sign} {version}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// A CPE name with its version range: what the NVD calls a match criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchCriteria {
    /// The name.
    pub cpe: CpeName,
    /// The range, where the name's version is open.
    pub range: VersionRange,
}

/// One use of a criterion in a node.
#[derive(Debug, Clone)]
pub struct CriterionUse {
    /// Whether the named product is the vulnerable one (or only the environment).
    pub vulnerable: bool,
    /// The criterion; shared, because the NVD repeats them much.
    pub criteria: Rc<MatchCriteria>,
}

/// A node of a configuration.
#[derive(Debug, Clone)]
pub struct Node {
    /// How its operands are joined.
    pub operator: Operator,
    /// Whether the result is turned round.
    pub negate: bool,
    /// Criteria.
    pub matches: Vec<CriterionUse>,
}

/// A configuration: nodes joined by an operator.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// How its nodes are joined.
    pub operator: Operator,
    /// Whether the result is turned round.
    pub negate: bool,
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// An NVD record as matching needs it.
#[derive(Debug, Clone)]
pub struct CveRecord {
    /// Its id.
    pub id: CveId,
    /// `Analyzed`, `Rejected`, `Deferred`, … as the NVD writes it.
    pub status: String,
    /// Where the configurations come from: `nvd` or `overrides`.
    pub source: String,
    /// Any of them is enough.
    pub configurations: Vec<Configuration>,
}

impl CveRecord {
    /// Whether the NVD withdrew the id.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.status.eq_ignore_ascii_case("rejected")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cve_ids_round_trip_and_sort_by_number() {
        for id in ["CVE-1999-0001", "CVE-2021-44228", "CVE-2025-1234567"] {
            assert_eq!(id.parse::<CveId>().unwrap().to_string(), id);
        }
        assert!("CVE-2021-9999".parse::<CveId>().unwrap() < "CVE-2021-10000".parse::<CveId>().unwrap());
        for bad in ["CVE-21-1", "cve-2021-1234", "CVE-2021-12x4", "GHSA-1", "CVE-2021-", "CVE-2021-00000000001"] {
            assert!(bad.parse::<CveId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn scores_become_severities_at_the_published_borders() {
        for (score, severity) in [
            (0.0, "none"),
            (0.1, "low"),
            (3.9, "low"),
            (4.0, "medium"),
            (6.9, "medium"),
            (7.0, "high"),
            (8.9, "high"),
            (9.0, "critical"),
            (10.0, "critical"),
        ] {
            assert_eq!(Severity::of_score(score).name(), severity);
        }
    }
}
