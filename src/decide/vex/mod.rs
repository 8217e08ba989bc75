//! VEX statements that were handed in: somebody has looked at a vulnerability in a product and says what came of it.
//!
//! OpenVEX 0.2.0, CycloneDX 1.4 and later, CSAF 2.0. A statement counts where its vulnerability and its product are the finding's; a
//! qualifier that its purl does not give is not compared. What became of each is told: applied, or the nearest miss.

mod csaf;
mod cyclonedx;
mod openvex;

use super::pattern::Named;
use crate::model::finding::Finding;
use crate::model::package::{Inventory, Location, Package};
use crate::model::purl::Purl;
use crate::model::report::VexEntry;
use crate::model::verdict::RuleRef;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a statement says of a vulnerability in a product (CISA, "Minimum Requirements for VEX", 2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It cannot be exploited there.
    NotAffected,
    /// It was mended there.
    Fixed,
    /// It can be exploited there.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// A product that a statement is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// Its purl, or its identifier in the document where it has none.
    pub name: String,
    /// The parts of it that are meant; empty: the whole.
    pub parts: Vec<String>,
    /// The only versions that are meant, where the purl names none; empty: all.
    pub versions: Vec<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability's ids.
    pub ids: Vec<String>,
    /// The products.
    pub products: Vec<Product>,
    /// What it says.
    pub status: Status,
    /// One of the five justifications.
    pub justification: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// When it was said, RFC 3339; empty: not told.
    pub timestamp: String,
    /// Where in the document it stands, as `statements[0]`.
    pub place: String,
}

/// All statements of all documents; of two about the same, the later one counts.
#[derive(Debug, Clone, Default)]
pub struct Statements(Vec<(String, Statement)>);

/// What became of the statements, by their index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VexUse {
    applied: BTreeSet<usize>,
    misses: BTreeMap<usize, Miss>,
}

/// How near a statement came, and what was in the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Miss {
    nearness: u8,
    reason: String,
}

/// Reads a document's statements.
///
/// # Errors
/// When it is none of the three forms.
pub fn read(text: &str) -> Result<Vec<Statement>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    if document["@context"].as_str().is_some_and(|context| context.contains("openvex")) {
        openvex::read(&document)
    } else if document["bomFormat"] == "CycloneDX" {
        Ok(cyclonedx::read(&document))
    } else if document["document"]["csaf_version"].is_string() {
        Ok(csaf::read(&document))
    } else {
        Err("it is neither OpenVEX, nor CycloneDX with vulnerabilities, nor CSAF, each as JSON".to_owned())
    }
}

/// A text of a JSON value.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The items of a JSON list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Statements {
    /// Adds a document's statements.
    pub fn add(&mut self, path: &str, statements: Vec<Statement>) {
        self.0.extend(statements.into_iter().map(|statement| (path.to_owned(), statement)));
    }

    /// The statement that sets a finding aside, as a rule and a justification.
    #[must_use]
    pub fn about(
        &self,
        finding: &Finding,
        package: &Package,
        inventory: &Inventory,
        used: &mut VexUse,
    ) -> Option<(RuleRef, Option<String>)> {
        let ids: Vec<&String> = std::iter::once(&finding.found.id).chain(&finding.found.aliases).collect();
        let mut latest: Option<(&str, usize)> = None;
        for (index, (_, statement)) in self.0.iter().enumerate() {
            if !statement.ids.iter().any(|named| ids.iter().any(|id| id.eq_ignore_ascii_case(named))) {
                continue;
            }
            let mut nearest = Miss { nearness: 0, reason: "it names no product".to_owned() };
            let is_met = statement.products.iter().any(|product| match meets(product, package, inventory) {
                Ok(()) => true,
                Err(miss) => {
                    nearest = nearest.clone().max(miss);
                    false
                }
            });
            if is_met {
                used.applied.insert(index);
                latest = latest.max(Some((statement.timestamp.as_str(), index)));
            } else {
                let known = used.misses.entry(index).or_insert_with(|| nearest.clone());
                *known = known.clone().max(nearest);
            }
        }
        let (path, statement) = &self.0[latest?.1];
        matches!(statement.status, Status::NotAffected | Status::Fixed).then(|| {
            let rule = RuleRef {
                location: Some(Location::file(path)),
                reason: statement.reason.clone().or_else(|| statement.justification.clone()),
                ..RuleRef::said("vex", format!("{} ({})", statement.place, statement.status.name()))
            };
            (rule, statement.justification.clone().or_else(|| Some(statement.status.name().to_owned())))
        })
    }

    /// What became of each, over all subjects.
    #[must_use]
    pub fn account(&self, uses: &[VexUse]) -> Vec<VexEntry> {
        let entry = |(index, (path, statement)): (usize, &(String, Statement))| {
            let matched = uses.iter().any(|one| one.applied.contains(&index));
            let miss = uses.iter().filter_map(|one| one.misses.get(&index)).max();
            let sets_aside = matches!(statement.status, Status::NotAffected | Status::Fixed);
            let nearest = match (matched, miss) {
                (true, _) if sets_aside => None,
                (true, _) => Some(format!("it says {}, which sets nothing aside", statement.status.name())),
                (false, Some(miss)) => Some(miss.reason.clone()),
                (false, None) => Some("nothing was found of that vulnerability".to_owned()),
            };
            VexEntry {
                statement: format!("{path}: {}: {} {}", statement.place, statement.ids.join(" "), statement.status.name()),
                matched,
                nearest,
            }
        };
        self.0.iter().enumerate().map(entry).collect()
    }
}

/// Whether a product is the package, or the subject with the package as one of its parts.
fn meets(product: &Product, package: &Package, inventory: &Inventory) -> Result<(), Miss> {
    let whole = is_package(&product.name, &product.versions, package);
    if product.parts.is_empty() {
        return whole.or_else(|miss| if is_subject(&product.name, inventory) { Ok(()) } else { Err(miss) });
    }
    let parts = product.parts.iter().map(|part| is_package(part, &product.versions, package));
    let part = parts.reduce(|best, next| match (best, next) {
        (Err(a), Err(b)) => Err(a.max(b)),
        (Ok(()), _) | (_, Ok(())) => Ok(()),
    });
    part.unwrap_or_else(|| whole.clone())?;
    let known = whole.is_ok()
        || is_subject(&product.name, inventory)
        || inventory.packages.iter().any(|one| is_package(&product.name, &[], one).is_ok());
    if known {
        return Ok(());
    }
    let subject = inventory.subject.digest.as_deref().unwrap_or(&inventory.subject.name);
    Err(Miss { nearness: 4, reason: format!("its part is {}, but its product {} is not {subject}", package.purl, product.name) })
}

/// Whether an image's purl (`pkg:oci/name@sha256:…`) or name is the subject's.
fn is_subject(name: &str, inventory: &Inventory) -> bool {
    let subject = &inventory.subject;
    if subject.name == name {
        return true;
    }
    let Ok(purl) = name.parse::<Purl>() else { return false };
    if !matches!(purl.kind(), "oci" | "docker") {
        return false;
    }
    subject.digest.is_some() && purl.version() == subject.digest.as_deref()
}

fn is_package(name: &str, versions: &[String], package: &Package) -> Result<(), Miss> {
    let miss = |nearness: u8, reason: String| Err(Miss { nearness, reason });
    let Ok(purl) = name.parse::<Purl>() else { return miss(0, format!("its product {name} is no purl")) };
    let wanted = Named::purl(&purl);
    let own = Named::package(package);
    let (found, what) = match Named::source(package) {
        _ if own.name == wanted.name => (own, "version"),
        Some(source) if source.name == wanted.name => (source, "source package's version"),
        _ => return miss(1, format!("its product is {}, the finding is of {}", wanted.name, own.name)),
    };
    let versions: Vec<&str> = purl.version().into_iter().chain(versions.iter().map(String::as_str)).collect();
    if !versions.is_empty() && !versions.iter().any(|version| *version == found.version || *version == package.purl.full_version()) {
        return miss(2, format!("it is about {} {}, the {what} is {}", wanted.name, versions.join(", "), found.version));
    }
    // A source package has no architecture of its own.
    let is_source = matches!(purl.qualifier("arch"), Some("src" | "source"));
    let differs = |key: &&str| !(is_source && **key == *"arch") && purl.qualifier(key) != package.purl.qualifier(key);
    match purl.qualifier_keys().find(differs) {
        Some(key) => miss(
            3,
            format!(
                "its {key} is {}, the package's {}",
                purl.qualifier(key).unwrap_or("-"),
                package.purl.qualifier(key).unwrap_or("not stated")
            ),
        ),
        None => Ok(()),
    }
}
