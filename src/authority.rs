//! Whose advisories judge which package, and where nobody's do: an ecosystem's own, a distribution's for its release, or those of a
//! distribution that rebuilds the same packages.

use crate::facts::distro::{By, Release};
use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::model::authority::Authority;
use crate::model::osv::OsvAdvisory;
use crate::model::package::{Gap, Inventory, Location, Package};
use crate::model::purl::Ecosystem;
use std::collections::{BTreeMap, BTreeSet};

/// Whose advisories judge a package, as far as the mirror holds them.
///
/// # Errors
/// When the mirror cannot be read.
pub fn of(package: &Package, mirror: &Reader) -> Result<Authority, MirrorError> {
    if let Some(ecosystem) = package.ecosystem().osv_name() {
        let names = vec![(package.name(), package.version.clone())];
        return Ok(Authority { ecosystems: vec![ecosystem.to_owned()], names, stands_in_for: None });
    }
    let Some(release) = Release::of(&package.purl).filter(|_| package.ecosystem().is_distro()) else { return Ok(Authority::default()) };
    let mut names = Vec::new();
    if let Some(source) = package.source.as_ref().filter(|_| release.known_by(By::Source)) {
        names.push((source.name.clone(), source.version.clone()));
    }
    if release.known_by(By::Binary) {
        names.push((package.purl.base_name().to_owned(), package.version.clone()));
    }
    names.dedup();
    let own = held(release.words(), mirror)?;
    if !own.is_empty() {
        return Ok(Authority { ecosystems: own, names, stands_in_for: None });
    }
    // Whoever stands in may know packages by other names than the distribution itself.
    let own_names = [(package.purl.base_name().to_owned(), package.version.clone())];
    let near = held(release.near(), mirror)?;
    Ok(Authority { stands_in_for: (!near.is_empty()).then(|| release.name()), ecosystems: near, names: own_names.into() })
}

fn held(words: Vec<String>, mirror: &Reader) -> Result<Vec<String>, MirrorError> {
    let mut held = Vec::new();
    for word in words {
        if mirror.knows_ecosystem(&word)? {
            held.push(word);
        }
    }
    Ok(held)
}

/// The advisories that an authority has for its package, each once.
///
/// # Errors
/// When the mirror cannot be read.
pub fn advisories(authority: &Authority, mirror: &Reader) -> Result<Vec<OsvAdvisory>, MirrorError> {
    let mut all = Vec::new();
    for ecosystem in &authority.ecosystems {
        for (name, _) in &authority.names {
            all.extend(mirror.advisories_of(ecosystem, name)?);
        }
    }
    let mut known = BTreeSet::new();
    all.retain(|advisory| known.insert(advisory.id.clone()));
    Ok(all)
}

/// What is said of a whole inventory: packages that nothing here can judge, releases whose support has ended (one gap each, not one per
/// package), and who stands in for whom.
#[derive(Debug, Default)]
pub struct Standing {
    /// What cannot be judged.
    pub gaps: Vec<Gap>,
    /// What is judged by somebody else's advisories.
    pub notes: Vec<String>,
}

/// Where an inventory's packages stand on a day (ISO date).
///
/// # Errors
/// When the mirror cannot be read.
pub fn standing(inventory: &Inventory, mirror: &Reader, today: &str) -> Result<Standing, MirrorError> {
    let mut groups: BTreeMap<String, (usize, Location)> = BTreeMap::new();
    let mut notes = BTreeSet::new();
    for package in &inventory.packages {
        for said in said_of(package, mirror, today)? {
            match said {
                Said::Gap(reason) => {
                    if let Some(place) = package.places.first() {
                        groups.entry(reason).or_insert_with(|| (0, place.location.clone())).0 += 1;
                    }
                }
                Said::Note(note) => {
                    notes.insert(note);
                }
            }
        }
    }
    let gaps = groups.into_iter().map(|(reason, (count, location))| Gap { location, reason: format!("{count} × {reason}") });
    Ok(Standing { gaps: gaps.collect(), notes: notes.into_iter().collect() })
}

enum Said {
    Gap(String),
    Note(String),
}

fn said_of(package: &Package, mirror: &Reader, today: &str) -> Result<Vec<Said>, MirrorError> {
    let gap = |text: &str| Ok(vec![Said::Gap(text.to_owned())]);
    match package.ecosystem() {
        Ecosystem::Other => gap(&format!("packages of type `{}` cannot be judged yet", package.purl.kind())),
        Ecosystem::Generic if package.stated_cpes.is_empty() => {
            gap("packages of type `generic` can only be judged by a CPE that an SBOM states")
        }
        ecosystem if ecosystem.is_distro() => match Release::of(&package.purl) {
            None => gap(&match package.purl.qualifier("distro") {
                None => "distribution packages whose purl names no known release (`?distro=debian-12`) cannot be judged by their distribution's advisories".to_owned(),
                Some(distro) => format!("packages of `{distro}`, of which no advisories are known, cannot be judged"),
            }),
            Some(release) => said_of_release(package, &release, mirror, today),
        },
        _ => Ok(Vec::new()),
    }
}

fn said_of_release(package: &Package, release: &Release, mirror: &Reader, today: &str) -> Result<Vec<Said>, MirrorError> {
    let mut said = Vec::new();
    let authority = of(package, mirror)?;
    if authority.ecosystems.is_empty() {
        let word = release.words().into_iter().next().unwrap_or_default();
        said.push(Said::Gap(format!("the mirror holds no advisories of {word}, so its packages cannot be judged")));
    } else if let Some(name) = &authority.stands_in_for {
        said.push(Said::Note(format!(
            "the mirror holds no advisories of {name}; those of {} stand in, which rebuilds the same packages under the same versions",
            authority.ecosystems.join(", ")
        )));
    }
    if let Some(end) = release.end_of_life().filter(|end| *end < today) {
        let name = release.name();
        said.push(Said::Gap(format!(
            "the free security support of {name} ended on {end}: no advisory tells of what was found since, so move to a newer release"
        )));
    }
    Ok(said)
}
