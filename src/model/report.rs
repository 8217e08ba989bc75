//! The report: one value that every format renders.
//!
//! The shapes are those of the JSON report (`scacheck.report/1`); field names are part of the contract with
//! users. Everything is sorted before it gets here, so that the same run gives the same bytes.

use super::finding::{Class, FixState, Step};
use super::mirror::MirrorState;
use super::package::{self, Coverage, CoverageState, Gap, Location, Scope, SourcePackage, Subject};
use super::verdict::{Decision, Outcome, PlaceDecision, RuleRef};
use serde::Serialize;
use std::collections::BTreeMap;

/// The program that made the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// `scacheck`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// How a policy file came to be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyRole {
    /// It is the project's.
    Config,
    /// Another file includes it.
    Include,
    /// It is the floor that no local file goes below.
    Floor,
    /// It was named as a file of suppressions.
    Suppression,
    /// It holds VEX statements.
    Vex,
}

/// A policy file that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyFile {
    /// Its path as the user would write it.
    pub path: String,
    /// How it came to be in force.
    pub role: PolicyRole,
    /// Digest of its bytes.
    pub sha256: String,
}

/// The counts at the head of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Packages found.
    pub packages: usize,
    /// Findings, whatever was decided about them.
    pub findings: usize,
    /// Denied findings and packages.
    pub denied: usize,
    /// Findings with a warning.
    pub warned: usize,
    /// Suppressed findings.
    pub suppressed: usize,
    /// Findings that are not certain.
    pub doubtful: usize,
    /// Gaps.
    pub gaps: usize,
    /// Findings by severity; every severity is there.
    pub by_severity: BTreeMap<&'static str, usize>,
}

/// A product that a package is held to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityEntry {
    /// The product, `vendor:product`.
    pub product: String,
    /// The product as a CPE name, at the version of it that the package is or carries.
    pub cpe: String,
    /// What it rests on.
    pub basis: &'static str,
    /// The doubt about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<&'static str>,
    /// The evidence.
    pub evidence: Vec<String>,
    /// The only CVEs of the product that are about the package; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

/// A product that shares a package's name and was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RivalEntry {
    /// The product, `vendor:product`.
    pub product: String,
    /// Why not.
    pub reason: String,
}

/// A package in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageEntry {
    /// Which subject.
    pub subject: String,
    /// Its purl.
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its ecosystem (purl type).
    pub ecosystem: String,
    /// The distribution's source package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_package: Option<SourcePackage>,
    /// Architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The rpm module it is of, `name:stream:version:context`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Vendor, as an rpm database names it; else the distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The address it comes from, where that is not the public registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub integrity: Vec<String>,
    /// The most binding scope of its places.
    pub scope: Scope,
    /// Whether the project asks for it directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct: Option<bool>,
    /// Shortest paths from a root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Vec<package::PathName>>,
    /// Where it was found.
    pub locations: Vec<Location>,
    /// What it is held to be.
    pub identity: Vec<IdentityEntry>,
    /// Products that share the name and were not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<RivalEntry>,
    /// What the policy says about the package itself.
    pub decision: Decision,
    /// Which rule said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
}

/// A package named by a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageName {
    /// Its purl.
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its ecosystem.
    pub ecosystem: String,
    /// The shortest way from the project down to it, where the lockfile says who asks for whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<package::PathName>,
}

/// A CVSS assessment in the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CvssEntry {
    /// The CVSS version.
    pub version: String,
    /// The vector string.
    pub vector: String,
    /// Base score.
    pub score: f64,
    /// Who scored it.
    pub source: String,
}

/// How to get rid of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Versions that fix it, as the sources give them.
    pub versions: Vec<String>,
    /// What the package's distribution has done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<FixState>,
    /// The smallest one above the version in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
    /// What to type; never run by scacheck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A finding in the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingEntry {
    /// Which subject.
    pub subject: String,
    /// Primary id.
    pub id: String,
    /// Other ids.
    pub aliases: Vec<String>,
    /// What kind.
    pub class: Class,
    /// Stable over versions of the package: see the contract.
    pub fingerprint: String,
    /// The package.
    pub package: PackageName,
    /// `yes` or `unknown`.
    pub truth: &'static str,
    /// Why it is not certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<&'static str>,
    /// The CPE name it was matched as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// What the match rests on.
    pub basis: &'static str,
    /// Severity word.
    pub severity: &'static str,
    /// Every assessment; the first decides.
    pub cvss: Vec<CvssEntry>,
    /// CWE ids.
    pub cwe: Vec<String>,
    /// Whether CISA lists it as exploited.
    pub kev: bool,
    /// EPSS probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// The way out.
    pub fix: Fix,
    /// In a sentence or two.
    pub summary: String,
    /// Links (http and https only).
    pub references: Vec<String>,
    /// The reasoning.
    pub because: Vec<Step>,
    /// What was decided, place by place.
    pub places: Vec<PlaceDecision>,
    /// The worst of its places.
    pub decision: Decision,
}

/// A turned-down match or a lead in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideEntry {
    /// The package's purl.
    pub package: String,
    /// The vulnerability or product.
    pub id: String,
    /// Who turned it down; absent for a lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    pub because: Vec<Step>,
}

/// A hardening rule's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HardeningEntry {
    /// Which subject.
    pub subject: String,
    /// Rule id.
    pub id: &'static str,
    /// Rule title.
    pub title: &'static str,
    /// Where.
    pub location: Location,
    /// What the policy says.
    pub decision: Decision,
    /// Which rule or comment said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// What was seen.
    pub evidence: String,
}

/// What the whitelist says about one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhitelistEntry {
    /// The package.
    pub purl: String,
    /// Where.
    pub location: Location,
    /// What the policy says.
    pub decision: Decision,
    /// Which rule said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// In words, with what to do.
    pub reason: String,
    /// The rule that would allow it, ready to paste into the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paste: Option<String>,
}

/// What became of one VEX statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VexEntry {
    /// The statement in words.
    pub statement: String,
    /// Whether it was applied.
    pub matched: bool,
    /// The nearest miss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `scacheck.report/1`
    pub schema: &'static str,
    /// The program.
    pub tool: Tool,
    /// The day it was made for, ISO date.
    pub today: String,
    /// The mirror.
    pub mirror: MirrorState,
    /// Policy files in force.
    pub policy: Vec<PolicyFile>,
    /// How the run ended.
    pub outcome: Outcome,
    /// The exit code of the run.
    pub exit_code: u8,
    /// Counts.
    pub summary: Summary,
    /// What was checked.
    pub subjects: Vec<Subject>,
    /// What was looked at.
    pub coverage: Vec<Coverage>,
    /// What was found there.
    pub packages: Vec<PackageEntry>,
    /// What is wrong.
    pub findings: Vec<FindingEntry>,
    /// Matches that were turned down.
    pub rejected: Vec<SideEntry>,
    /// Leads.
    pub leads: Vec<SideEntry>,
    /// Hardening results.
    pub hardening: Vec<HardeningEntry>,
    /// Whitelist violations.
    pub whitelist: Vec<WhitelistEntry>,
    /// Rules that matched nothing.
    pub unused_rules: Vec<RuleRef>,
    /// VEX statements.
    pub vex: Vec<VexEntry>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
    /// Warnings about the mirror's age and completeness, and rules that have expired.
    pub warnings: Vec<String>,
}

impl Report {
    /// Files that are known and were not looked at, because there is no reader for them or no lockfile.
    pub fn unread(&self) -> impl Iterator<Item = &Coverage> {
        self.coverage.iter().filter(|line| line.state == CoverageState::Unsupported)
    }

    /// The outcome in one sentence for people. A gate that passed says what it did not see.
    #[must_use]
    pub fn verdict(&self) -> String {
        let sentence = self.outcome.sentence();
        let Some(first) = self.unread().next() else { return sentence.to_owned() };
        let more = match self.unread().count() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        match self.outcome {
            Outcome::Passed => {
                format!("the gate passed for what was looked at, which leaves out {}{more} (--strict fails on that)", first.path)
            }
            _ => format!("{sentence}; not looked at: {}{more}", first.path),
        }
    }
}
