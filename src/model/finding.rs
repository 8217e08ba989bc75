//! From a package to what applies to it: identities, matches and findings.

use super::advisory::{CveId, Cvss, Severity};
use super::cpe::{CpeName, ProductName};
use super::truth::{Doubt, Truth};
use serde::Serialize;

/// What an identity rests on, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The SBOM states the CPE.
    Stated,
    /// A fact in `data/curated` or in the policy.
    Curated,
    /// Links in the mirror's own records.
    Learned,
    /// The same name, with evidence of the ecosystem.
    ExactName,
    /// Found by search: only ever a lead.
    Search,
    /// An advisory names the package in its own ecosystem.
    Advisory,
}

impl Basis {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Curated => "curated",
            Self::Learned => "learned",
            Self::ExactName => "exact-name",
            Self::Search => "search",
            Self::Advisory => "advisory",
        }
    }
}

/// A product that the package is held to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which product.
    pub product: ProductName,
    /// What it rests on.
    pub basis: Basis,
    /// Nothing, or why the identity itself is in doubt.
    pub doubt: Option<Doubt>,
    /// The evidence, for people.
    pub evidence: Vec<String>,
    /// The only CVEs of the product that are about the package; empty: all.
    pub only: Vec<CveId>,
    /// The version of the product that the package carries, where that is not the package's own.
    pub version: Option<String>,
}

impl Candidate {
    /// A product that the package is.
    #[must_use]
    pub fn certain(product: ProductName, basis: Basis, evidence: String) -> Self {
        Self { product, basis, doubt: None, evidence: vec![evidence], only: Vec::new(), version: None }
    }
}

/// A product that shares the name and was not taken, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rival {
    /// Which product.
    pub product: ProductName,
    /// Why it is not the package.
    pub reason: String,
    /// Nothing contradicts it, but nothing speaks for it either: a lead for a person.
    pub undecided: bool,
}

/// What one package is held to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Products whose CVEs count, strongest basis first.
    pub candidates: Vec<Candidate>,
    /// Products that share the name but are something else.
    pub rivals: Vec<Rival>,
}

/// One step of the reasoning behind an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Nesting, 0 for the outermost.
    pub depth: u8,
    /// `yes`, `no` or `unknown`.
    pub truth: &'static str,
    /// What was compared, in words.
    pub text: String,
}

/// What kind of thing a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Malware.
    Malicious,
    /// A mistake that can be exploited.
    Vulnerability,
    /// Information: unmaintained, unsound.
    Notice,
}

/// A vulnerability that applies, or may apply, to one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Index of the package in its inventory.
    pub package: usize,
    /// The primary id: the CVE where there is one.
    pub id: String,
    /// The CVE whose record holds score and links.
    pub cve: Option<CveId>,
    /// The other ids.
    pub aliases: Vec<String>,
    /// What kind.
    pub class: Class,
    /// `Yes` or `Unknown`; a `No` is a [`Rejection`].
    pub truth: Truth,
    /// The product it was matched as.
    pub cpe: Option<CpeName>,
    /// What the answer rests on.
    pub basis: Basis,
    /// Versions that fix it, as the sources give them.
    pub fixed_in: Vec<String>,
    /// What its distribution has done about it.
    pub fix_state: Option<FixState>,
    /// Why.
    pub because: Vec<Step>,
}

/// What a distribution has done about a vulnerability that one of its packages has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixState {
    /// A later version of its package is fixed.
    Fixed,
    /// No version of its package is fixed yet.
    Unfixed,
    /// It has said that it will not fix it in this release, or not soon: ignored, postponed, end of life.
    Ignored,
}

/// A match that an authority or rule turned down, kept with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Index of the package in its inventory.
    pub package: usize,
    /// The vulnerability.
    pub id: String,
    /// Who turned it down.
    pub by: String,
    /// Why.
    pub because: Vec<Step>,
}

/// Something worth a look that never gates.
#[derive(Debug, Clone, PartialEq)]
pub struct Lead {
    /// Index of the package in its inventory.
    pub package: usize,
    /// The vulnerability or product.
    pub id: String,
    /// Why it was not taken.
    pub because: Vec<Step>,
}

/// Everything matching has to say about one inventory.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// What applies or may apply.
    pub matches: Vec<Match>,
    /// What was turned down.
    pub rejections: Vec<Rejection>,
    /// What is worth a look.
    pub leads: Vec<Lead>,
}

/// How bad a vulnerability is, from the mirror's records.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assessment {
    /// Every CVSS assessment, in the documented order of authority.
    pub cvss: Vec<Cvss<'static>>,
    /// A severity word, where no score is given.
    pub severity_word: Option<Severity>,
    /// CWE ids.
    pub cwe: Vec<String>,
    /// Whether it is known to be exploited (CISA KEV).
    pub kev: bool,
    /// When the vulnerability became public, ISO date and time.
    pub published: Option<String>,
    /// When an advisory first named a version that fixes it, RFC 3339.
    pub fix_published: Option<String>,
    /// EPSS probability, 0.0 to 1.0.
    pub epss: Option<f64>,
    /// One or two sentences.
    pub summary: String,
    /// Links.
    pub references: Vec<String>,
}

impl Assessment {
    /// The severity: the first assessment in the order of authority, else the word, else unscored.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.cvss.first() {
            Some(cvss) => Severity::of_score(cvss.score),
            None => self.severity_word.unwrap_or(Severity::Unscored),
        }
    }

    /// The base score of the assessment that decides.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        self.cvss.first().map(|cvss| cvss.score)
    }
}

/// A match with everything the policy and the report need to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What applies and why.
    pub found: Match,
    /// How bad it is.
    pub assessment: Assessment,
    /// The smallest version that clears it, if one is known.
    pub suggested: Option<String>,
}
