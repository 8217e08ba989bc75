//! The only file that knows every room: it opens the mirror and carries values from one room to the next.

use crate::acquire::{self, AcquireError, Selection};
use crate::decide::vex::Statements;
use crate::decide::{self, load::LoadError, policy::Policy};
use crate::facts;
use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::mirror::store::Store;
use crate::model::advisory::CveRecord;
use crate::model::cpe::{ProductName, name_key};
use crate::model::evidence::{Kinds, Knowledge};
use crate::model::finding::{Finding, Identity, Lead, Matches};
use crate::model::hardening::Breach;
use crate::model::osv::OsvAdvisory;
use crate::model::package::{Inventory, Package};
use crate::model::report::{PolicyFile, Report};
use crate::sync::{self, SyncError};
use crate::{assemble, assess, authority, harden, identify, matching};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A subject could not be looked at at all: exit 2.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The policy cannot be read or is wrong: exit 2.
    #[error(transparent)]
    Policy(#[from] LoadError),
    /// The mirror cannot be used: exit 4.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The embedded feed is damaged: exit 4.
    #[error(transparent)]
    Starter(SyncError),
    /// The mirror is too old: exit 4.
    #[error("{0}")]
    Stale(String),
}

impl CheckError {
    /// The exit code of a run without a verdict.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Acquire(_) | Self::Policy(_) => 2,
            Self::Mirror(_) | Self::Starter(_) | Self::Stale(_) => 4,
        }
    }
}

/// What a check is asked to do.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What to look at.
    pub subjects: Vec<String>,
    /// What of it.
    pub selection: Selection,
    /// The policy with the command line's words applied.
    pub policy: Policy,
    /// What it may only tighten.
    pub floor: Option<Policy>,
    /// VEX statements.
    pub statements: Statements,
    /// The files that all this comes from.
    pub policy_files: Vec<PolicyFile>,
    /// How the run's end is judged.
    pub ending: assemble::Ending,
    /// ISO date.
    pub today: String,
    /// Days that a source may be old; nothing: a warning over three.
    pub max_age_days: Option<f64>,
}

/// Opens the mirror in a folder, or the starter feed for the word `starter`.
///
/// # Errors
/// When it cannot be used.
pub fn open_mirror(place: &Path) -> Result<Reader, CheckError> {
    if place == Path::new("starter") {
        return sync::starter::open().map_err(CheckError::Starter);
    }
    Ok(Store::at(place).open()?)
}

/// One subject with everything that was found out about it.
pub struct Checked {
    /// What is there.
    pub inventory: Inventory,
    /// What each package is held to be.
    pub identities: Vec<Identity>,
    /// What applies.
    pub findings: Vec<Finding>,
    /// What was turned down or is only a lead.
    pub matches: Matches,
    /// Breaches of hardening rules.
    pub breaches: Vec<Breach>,
    /// What the policy says.
    pub judged: decide::Judged,
    /// Whose advisories stand in for whose, and what is guessed about an image.
    pub notes: Vec<String>,
}

/// Checks every subject against the mirror and the policy.
///
/// # Errors
/// When there is no verdict.
pub fn check(request: &Request, mirror: &Reader, stdin: &mut dyn Read) -> Result<Report, CheckError> {
    let warnings = assess::age_warnings(mirror.state(), &request.today, request.max_age_days).map_err(CheckError::Stale)?;
    let each = request.subjects.iter().map(|subject| check_subject(subject, request, mirror, stdin));
    let checked = each.collect::<Result<Vec<_>, _>>()?;
    Ok(assemble::report(request, mirror.state(), checked, warnings))
}

fn check_subject(subject: &str, request: &Request, mirror: &Reader, stdin: &mut dyn Read) -> Result<Checked, CheckError> {
    let mut inventory = acquire::subject::acquire(subject, &request.selection, stdin)?;
    let identities = identify::identify(&inventory, mirror, &Knowledge { own: &request.policy.identities, kinds: Kinds::ALL })?;
    let mut matches = match_all(&inventory, &identities, mirror)?;
    let standing = authority::standing(&inventory, mirror, &request.today)?;
    inventory.gaps.extend(standing.gaps);
    let found = std::mem::take(&mut matches.matches);
    let findings = assess::assess(found, &inventory.packages, mirror)?;
    let breaches = harden::judge(&inventory, &request.policy.hardening.lists);
    let matter = decide::Matter {
        inventory: &inventory,
        findings: &findings,
        breaches: &breaches,
        statements: &request.statements,
        today: &request.today,
    };
    let judged = decide::decide(matter, &request.policy, request.floor.as_ref());
    let notes = standing.notes.into_iter().chain(harden::notes(&inventory)).collect();
    Ok(Checked { inventory, identities, findings, matches, breaches, judged, notes })
}

fn match_all(inventory: &Inventory, identities: &[Identity], mirror: &Reader) -> Result<Matches, CheckError> {
    let mut all = Matches::default();
    let mut known: BTreeMap<ProductName, Vec<CveRecord>> = BTreeMap::new();
    for (index, (package, identity)) in inventory.packages.iter().zip(identities).enumerate() {
        for candidate in &identity.candidates {
            if !known.contains_key(&candidate.product) {
                known.insert(candidate.product.clone(), mirror.cves_of(&candidate.product)?);
            }
        }
        let records: Vec<&[CveRecord]> =
            identity.candidates.iter().map(|candidate| known.get(&candidate.product).map_or(&[][..], Vec::as_slice)).collect();
        let authority = authority::of(package, mirror)?;
        let advisories = authority::advisories(&authority, mirror)?;
        let case = matching::Case { index, package, identity, records: &records, authority: &authority, advisories: &advisories };
        let found = matching::match_package(&case);
        all.matches.extend(found.matches);
        all.rejections.extend(found.rejections);
        all.leads.extend(found.leads);
        all.leads.extend(other_source_leads(index, package));
        all.leads.extend(undecided_leads(index, identity));
        all.leads.extend(unconfigured_leads(index, package, &advisories, mirror)?);
    }
    Ok(all)
}

/// Where nothing says so, a package from git or a path is not the public package of its name.
fn other_source_leads(index: usize, package: &Package) -> Option<Lead> {
    let address = package.origin.address().filter(|_| package.version.is_empty())?;
    let text = format!("it comes from {address} and states no version, so no range can be judged");
    Some(Lead { package: index, id: package.name(), because: vec![crate::model::finding::Step { depth: 0, truth: "unknown", text }] })
}

/// Products of the package's name for which nothing speaks: not counted, and not passed over either. Where the package is known
/// to be another product, they are no leads.
fn undecided_leads(index: usize, identity: &Identity) -> Vec<Lead> {
    if identity.candidates.iter().any(|candidate| candidate.only.is_empty()) {
        return Vec::new();
    }
    let lead = |rival: &crate::model::finding::Rival| {
        let text = format!("{}: its CVEs are not counted; [[identity]] in scacheck.toml decides", rival.reason);
        Lead {
            package: index,
            id: rival.product.to_string(),
            because: vec![crate::model::finding::Step { depth: 0, truth: "unknown", text }],
        }
    };
    identity.rivals.iter().filter(|rival| rival.undecided).map(lead).collect()
}

/// CVEs that no CPE will ever match and whose reference or text names the package.
fn unconfigured_leads(index: usize, package: &Package, advisories: &[OsvAdvisory], mirror: &Reader) -> Result<Vec<Lead>, MirrorError> {
    let ecosystem = package.ecosystem();
    let Some(world) = facts::worlds().iter().position(|world| world.ecosystem() == Some(ecosystem)) else { return Ok(Vec::new()) };
    let name = package.name();
    let mentions = mirror.mentions(ecosystem.name(), &name.to_ascii_lowercase(), &name_key(&name))?;
    Ok(matching::unconfigured(index, &name, world, &mentions, advisories))
}

/// The reasoning behind a check of one subject.
///
/// # Errors
/// When there is no verdict.
pub fn explain(request: &Request, mirror: &Reader, id: Option<&str>, stdin: &mut dyn Read) -> Result<String, CheckError> {
    let mut out = String::new();
    for subject in &request.subjects {
        let mut one = check_subject(subject, request, mirror, stdin)?;
        for (package, identity) in one.inventory.packages.iter().zip(&mut one.identities) {
            identity.rivals.extend(identify::search_leads(package, identity, mirror)?);
        }
        out.push_str(&crate::report::explain::render(&one.inventory, &one.identities, &one.findings, &one.matches, id));
    }
    Ok(out)
}
