//! Package in, identity out: which products of the mirror the package is, and on what evidence.
//!
//! The order of evidence: what an SBOM states, curated facts, links learned from the mirror's own records,
//! then the exact name where the ecosystem speaks for it. What merely shares the name is a rival, kept with
//! the reason. This room looks at names only; it never sees an advisory or compares versions.

mod carried;
mod evidence;
mod metadata;
mod shapes;

use crate::facts;
use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::model::cpe::{Part, ProductName, name_key, quote, unquote};
use crate::model::evidence::{Kinds, Knowledge, OwnFact, ProductFacts};
use crate::model::finding::{Basis, Candidate, Identity, Rival};
use crate::model::package::{Inventory, Package};
use crate::model::purl::Ecosystem;
use crate::model::truth::Doubt;
use evidence::Opinion;

/// The identity of every package of an inventory, in its order.
///
/// # Errors
/// When the mirror cannot be read.
pub fn identify(inventory: &Inventory, names: &Reader, known: &Knowledge<'_>) -> Result<Vec<Identity>, MirrorError> {
    inventory.packages.iter().map(|package| identify_package(package, names, known)).collect()
}

/// The identity of one package.
///
/// # Errors
/// When the mirror cannot be read.
pub fn identify_package(package: &Package, names: &Reader, known: &Knowledge<'_>) -> Result<Identity, MirrorError> {
    let mut identity = Identity::default();
    stated(package, &mut identity);
    let mut excluded = said(package, known.own, &mut identity);
    if known.kinds.curated {
        // The policy has the last word: what it says the package is, no curated fact takes away.
        let named: Vec<ProductName> = identity.candidates.iter().map(|candidate| candidate.product.clone()).collect();
        excluded.extend(curated(package, &mut identity).into_iter().filter(|product| !named.contains(product)));
    }
    if matches!(package.ecosystem(), Ecosystem::Npm | Ecosystem::Pypi | Ecosystem::Cargo) {
        if known.kinds.learned {
            learned(package, names, &mut identity)?;
            subject(package, names, &mut identity)?;
        }
        if known.kinds.names {
            by_name(package, names, known.kinds, &mut identity)?;
            for candidate in carried::carried(package, names)? {
                add(&mut identity, candidate);
            }
        }
    } else if package.ecosystem().is_distro() {
        by_source(package, names, &mut identity)?;
    }
    let (kept, turned): (Vec<_>, Vec<_>) = identity.candidates.into_iter().partition(|candidate| !excluded.contains(&candidate.product));
    identity.candidates = kept;
    identity.rivals.extend(turned.into_iter().map(|candidate| Rival {
        product: candidate.product,
        reason: "a curated fact or the policy says that it is not this package".to_owned(),
        undecided: false,
    }));
    identity.rivals.retain(|rival| !identity.candidates.iter().any(|candidate| candidate.product == rival.product));
    for rival in identity.rivals.iter_mut().filter(|rival| excluded.contains(&rival.product)) {
        rival.undecided = false;
    }
    identity.rivals.sort();
    identity.rivals.dedup_by(|a, b| a.product == b.product);
    Ok(identity)
}

/// For a package that nothing else identifies: products with a similar name, found by search. They are shown
/// to people and never counted.
///
/// # Errors
/// When the search index cannot be read.
pub fn search_leads(package: &Package, identity: &Identity, names: &Reader) -> Result<Vec<Rival>, MirrorError> {
    if identity.candidates.iter().any(|known| known.only.is_empty()) {
        return Ok(Vec::new());
    }
    let hits =
        names.search(&package.name(), 3)?.into_iter().filter(|hit| !identity.rivals.iter().any(|rival| rival.product == hit.product));
    Ok(hits
        .map(|hit| Rival { product: hit.product, reason: "found by search only: a lead, never counted".to_owned(), undecided: false })
        .collect())
}

/// Whether the package is certainly the product in all of its records.
fn whole(candidate: &Candidate) -> bool {
    candidate.doubt.is_none() && candidate.only.is_empty()
}

fn add(identity: &mut Identity, candidate: Candidate) {
    match identity.candidates.iter_mut().find(|known| known.product == candidate.product) {
        Some(known) => {
            known.evidence.extend(candidate.evidence);
            // What the package carries has a version of its own, whoever else says that it is this product.
            known.version = known.version.take().or(candidate.version);
            if candidate.only.is_empty() {
                known.only.clear();
            } else if !known.only.is_empty() {
                known.only.extend(candidate.only);
            }
            if candidate.doubt.is_none() {
                known.doubt = None;
            }
        }
        None => identity.candidates.push(candidate),
    }
}

fn stated(package: &Package, identity: &mut Identity) {
    for product in package.stated_cpes.iter().filter_map(|cpe| cpe.product_name()) {
        add(identity, Candidate::certain(product, Basis::Stated, "the SBOM states this CPE".to_owned()));
    }
}

/// Adds what the policy says it is; gives what the policy says it is not.
fn said(package: &Package, own: &[OwnFact], identity: &mut Identity) -> Vec<ProductName> {
    let facts = || own.iter().filter(|fact| fact.purl == package.purl.without_version());
    for fact in facts() {
        for product in &fact.is {
            add(identity, Candidate::certain(product.clone(), Basis::Curated, format!("{} says so: {}", fact.place, fact.reason)));
        }
    }
    facts().flat_map(|fact| fact.is_not.iter().cloned()).collect()
}

/// Adds what curated facts say it is; gives what they say it is not.
fn curated(package: &Package, identity: &mut Identity) -> Vec<ProductName> {
    let Some(fact) = facts::curated(package.purl.without_version()) else { return Vec::new() };
    let product = |name: &String| {
        let (vendor, product) = name.split_once(':').unwrap_or((name, ""));
        ProductName::application(&quote(vendor), &quote(product))
    };
    for name in &fact.is {
        let evidence = format!("{} ({}, {})", fact.reason, fact.source, fact.date);
        add(identity, Candidate::certain(product(name), Basis::Curated, evidence));
    }
    fact.is_not.iter().map(product).collect()
}

/// Products whose own CVEs link to this very package.
fn learned(package: &Package, names: &Reader, identity: &mut Identity) -> Result<(), MirrorError> {
    let name = package.name().to_lowercase();
    let found = names.learned(package.ecosystem(), &name)?;
    let most = found.iter().map(|link| link.cves).max().unwrap_or(0);
    for link in found {
        // A single record can link to anything; it counts where the name agrees too, or others confirm it.
        let agrees = shapes::agree(package.ecosystem(), &name, &link.product);
        let confirmed = link.cves >= 2 && link.assigners >= 2 && link.cves * 2 >= most;
        let evidence = format!("{} of its CVEs link to this package{}", link.cves, if agrees { ", and the names agree" } else { "" });
        if link.product.part == Part::Application && (agrees || confirmed) {
            add(identity, Candidate::certain(link.product, Basis::Learned, evidence));
        } else {
            identity.rivals.push(Rival {
                product: link.product,
                reason: format!("{evidence}, which is too little for another name"),
                undecided: false,
            });
        }
    }
    Ok(())
}

/// Products that stand for the package in single records, which say so themselves.
fn subject(package: &Package, names: &Reader, identity: &mut Identity) -> Result<(), MirrorError> {
    for (product, only) in names.subjects(package.ecosystem().name(), &name_key(&package.name()))? {
        let evidence = format!("{} of its CVEs are about this package by their own description", only.len());
        let named = Candidate::certain(product, Basis::Learned, evidence);
        add(identity, Candidate { only, ..named });
    }
    Ok(())
}

/// Products of the same name, judged by what the mirror's records say about them.
fn by_name(package: &Package, names: &Reader, kinds: Kinds, identity: &mut Identity) -> Result<(), MirrorError> {
    let ecosystem = package.ecosystem();
    let mut shapes = shapes::shapes(ecosystem, &package.name());
    if !kinds.shapes {
        shapes.truncate(1);
    }
    let keys: Vec<&str> = shapes.iter().map(|shape| shape.key.as_str()).collect();
    let all = names.products_named(&keys)?;
    for shape in &shapes {
        // A name with something added or left out is asked only where the whole name is no product's.
        if !shape.exact && identity.candidates.iter().any(whole) {
            continue;
        }
        let agrees = |facts: &ProductFacts| {
            shape.vendor.as_deref().is_none_or(|vendor| shapes::vendor_agrees(vendor, &facts.product.vendor))
                && shape.host.as_deref().is_none_or(|host| evidence::runs_on(facts, host))
        };
        let found: Vec<&ProductFacts> =
            all.iter().filter(|(key, facts)| *key == shape.key && agrees(facts)).map(|(_, facts)| facts).collect();
        for facts in &found {
            let opinion = if kinds.guard { evidence::judge(ecosystem, facts, shape, &found) } else { Opinion::Is(shape.how.to_owned()) };
            // Most packages come without metadata, and then nothing more is looked up.
            let opinion = if package.repositories.is_empty() {
                opinion
            } else {
                metadata::weigh(opinion, ecosystem, facts, &package.repositories, &names.repositories(&facts.product)?)
            };
            match opinion {
                Opinion::Is(evidence) => add(identity, Candidate::certain(facts.product.clone(), Basis::ExactName, evidence)),
                Opinion::MayBe(evidence) => {
                    let weak = Candidate::certain(facts.product.clone(), Basis::ExactName, evidence);
                    add(identity, Candidate { doubt: Some(Doubt::WeakIdentity), ..weak });
                }
                Opinion::Silent(reason) => identity.rivals.push(Rival { product: facts.product.clone(), reason, undecided: true }),
                Opinion::IsNot(reason) => identity.rivals.push(Rival { product: facts.product.clone(), reason, undecided: false }),
            }
        }
    }
    if kinds.shapes {
        by_solid_name(package, names, identity)?;
        by_other_vendor(package, names, identity)?;
    }
    drop_weak_beside_certain(identity);
    Ok(())
}

/// Where the package is known to be a product of another name, the NVD may have filed that product under a second vendor too.
fn by_other_vendor(package: &Package, names: &Reader, identity: &mut Identity) -> Result<(), MirrorError> {
    let own = name_key(&package.name());
    let known = identity.candidates.iter().filter(|candidate| candidate.basis == Basis::Curated && whole(candidate));
    let mut keys: Vec<String> = known.map(|candidate| name_key(&unquote(&candidate.product.product))).filter(|key| *key != own).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let found = names.products_named(&[&key])?;
        let all: Vec<&ProductFacts> = found.iter().map(|(_, facts)| facts).collect();
        let shape =
            shapes::Shape { key, exact: true, vendor: None, host: None, how: "a product that it is known to be, under another vendor" };
        for facts in &all {
            if let Opinion::Is(evidence) = evidence::judge(package.ecosystem(), facts, &shape, &all) {
                add(identity, Candidate::certain(facts.product.clone(), Basis::ExactName, evidence));
            }
        }
    }
    Ok(())
}

/// Products of the same name but for separators: `thing-maker` may stand as `thingmaker`. What is found needs evidence of its
/// own, or the vendor of a product that the package certainly is.
fn by_solid_name(package: &Package, names: &Reader, identity: &mut Identity) -> Result<(), MirrorError> {
    let ecosystem = package.ecosystem();
    let Some(shape) = shapes::solid(&package.name()) else { return Ok(()) };
    let vendors: Vec<Box<str>> =
        identity.candidates.iter().filter(|known| whole(known)).map(|known| known.product.vendor.clone()).collect();
    let unknown = !identity.candidates.iter().any(|known| known.only.is_empty()) && identity.rivals.is_empty();
    if !unknown && vendors.is_empty() {
        return Ok(());
    }
    let mut found = names.products_solid(&shape.key)?;
    found.retain(|facts| shapes::spaced(&package.name(), &facts.product));
    let all: Vec<&ProductFacts> = found.iter().collect();
    for facts in &found {
        let product = facts.product.clone();
        if !unknown {
            if vendors.contains(&product.vendor) && !identity.candidates.iter().any(|known| known.product == product) {
                let evidence = format!("{}, from the vendor of a product that it is", shape.how);
                add(identity, Candidate::certain(product, Basis::ExactName, evidence));
            }
            continue;
        }
        match evidence::judge(ecosystem, facts, &shape, &all) {
            Opinion::Is(evidence) => add(identity, Candidate::certain(product, Basis::ExactName, evidence)),
            Opinion::MayBe(reason) | Opinion::Silent(reason) => identity.rivals.push(Rival { product, reason, undecided: true }),
            Opinion::IsNot(reason) => identity.rivals.push(Rival { product, reason, undecided: false }),
        }
    }
    Ok(())
}

/// Where one product of the name is certain, another that only may be it is a rival.
fn drop_weak_beside_certain(identity: &mut Identity) {
    if identity.candidates.iter().any(whole) {
        let (kept, weak): (Vec<_>, Vec<_>) =
            std::mem::take(&mut identity.candidates).into_iter().partition(|candidate| candidate.doubt.is_none());
        identity.candidates = kept;
        let reason = "another product of this name is known to be the package".to_owned();
        identity.rivals.extend(weak.into_iter().map(|candidate| Rival {
            product: candidate.product,
            reason: reason.clone(),
            undecided: false,
        }));
    }
}

/// A distro's source package is upstream's software under upstream's name; the NVD alone leaves a doubt.
fn by_source(package: &Package, names: &Reader, identity: &mut Identity) -> Result<(), MirrorError> {
    let Some(source) = &package.source else { return Ok(()) };
    for (_, facts) in names.products_named(&[&name_key(&source.name)])? {
        if facts.product.part == Part::Application && evidence::could_be_distro(&facts) {
            let named =
                Candidate::certain(facts.product, Basis::ExactName, format!("it has the name of the source package {}", source.name));
            add(identity, Candidate { doubt: Some(Doubt::DistroMayBackport), ..named });
        }
    }
    Ok(())
}
