//! Whether a product of the right name is the package: what the mirror's records say about it.
//!
//! The ecosystem guard: a product whose records speak of another ecosystem, or of a device, an operating
//! system or a server, is not the package. Records that say nothing leave room for doubt, the more records
//! the more doubt.

use super::shapes::{Shape, marked, vendor_agrees};
use crate::facts::{world_of, worlds};
use crate::model::cpe::{Part, name_key, unquote};
use crate::model::evidence::ProductFacts;
use crate::model::purl::Ecosystem;

/// What is made of a product.
pub enum Opinion {
    /// It is the package.
    Is(String),
    /// It may be.
    MayBe(String),
    /// Nothing speaks for it and nothing against.
    Silent(String),
    /// It is something else.
    IsNot(String),
}

/// Up to this many records may stay silent about their ecosystem without that saying anything.
const SILENT: u32 = 4;

/// Judges one product among all of its name.
pub fn judge(ecosystem: Ecosystem, facts: &ProductFacts, shape: &Shape, all: &[&ProductFacts]) -> Opinion {
    let targeted = Counts::of(facts, |world| world_of(ecosystem).is_some_and(|own| own.name == world)).targets > 0;
    if facts.product.part != Part::Application && !targeted {
        return Opinion::IsNot("it is an operating system or hardware".to_owned());
    }
    if let Some(since) = world_of(ecosystem).and_then(|world| world.since)
        && facts.latest < since
    {
        return Opinion::IsNot(format!("its newest CVE is of {}, and there is no {ecosystem} registry before {since}", facts.latest));
    }
    if let Some(world) = vendor_world(facts, ecosystem) {
        return Opinion::IsNot(format!("its vendor is the {world} project, which is another world"));
    }
    let count = facts.cves.max(1);
    let own = Counts::of(facts, |world| world_of(ecosystem).is_some_and(|own| own.name == world));
    let foreign = worst_foreign(facts, ecosystem);
    let says = |counts: &Counts| {
        format!(
            "{}; of its {count} CVEs {} speak of {ecosystem} in words, {} in links, {} criteria target it",
            shape.how, counts.words, counts.references, counts.targets
        )
    };
    let firm = own.references + own.targets;
    let share = f64::from(firm.max(own.words)) / f64::from(count);
    let foreign_share = foreign.as_ref().map_or(0.0, |(_, weight)| f64::from(*weight) / f64::from(count));
    let positive = (firm > 0 && share >= 0.2) || share >= 0.34;
    if shape.host.is_some() && own.references + own.words + own.targets > 0 {
        return Opinion::Is(says(&own));
    }
    if positive && share >= foreign_share {
        return if shape.exact || vendor_backs(shape, facts) || share >= 0.5 {
            Opinion::Is(says(&own))
        } else {
            Opinion::MayBe(says(&own))
        };
    }
    if let Some((world, weight)) = foreign.filter(|(_, weight)| f64::from(*weight) > f64::from(own.words + firm))
        && f64::from(weight) / f64::from(count) >= 0.34
    {
        return Opinion::IsNot(format!("{weight} of its {count} CVEs speak of {world}, {} of {ecosystem}", own.words + firm));
    }
    if own_vendor(facts, ecosystem) && shape.exact {
        return Opinion::Is(format!("{}, and its vendor is the {ecosystem} world's own", shape.how));
    }
    // A name that says which language it is for needs no record to say so.
    let whole = shape.exact || shape.key == name_key(&facts.product.product).replace('-', "");
    if whole && marked(ecosystem, &name_key(&facts.product.product)) && foreign_share < 0.34 {
        return Opinion::Is(format!("{}, and the name itself says that it is for {ecosystem}", shape.how));
    }
    if !shape.exact {
        return Opinion::IsNot(format!("{}, and nothing in its {count} CVEs speaks of {ecosystem}", shape.how));
    }
    silent(ecosystem, facts, shape, all, own.words + firm)
}

/// Whether a product is an addition to a host, as its criteria's target software says.
pub fn runs_on(facts: &ProductFacts, host: &str) -> bool {
    facts.worlds.iter().any(|count| count.world == format!("target:{host}") && count.targets > 0)
}

/// Whether any record of the product speaks of the ecosystem.
pub fn speaks(ecosystem: Ecosystem, facts: &ProductFacts) -> bool {
    let own = Counts::of(facts, |world| world_of(ecosystem).is_some_and(|own| own.name == world));
    own.references + own.words + own.targets > 0
}

/// The records say too little: the number of products of that name, and of records, decide.
fn silent(ecosystem: Ecosystem, facts: &ProductFacts, shape: &Shape, all: &[&ProductFacts], own: u32) -> Opinion {
    let count = facts.cves;
    let native = Counts::of(facts, |world| world == "native").words;
    let others = || all.iter().filter(|other| other.product.part == Part::Application && vendor_world(other, ecosystem).is_none());
    // Vendors that all carry the name are one project's (`foo`, `foo_project`, `foo-team`).
    let carriers = others().filter(|other| carries(shape, other)).count();
    let rivals = others().count() - if carries(shape, facts) { carriers.saturating_sub(1) } else { 0 };
    let short = shape.key.chars().count() <= 3;
    let told = format!("{}, but none of its {count} CVEs speaks of {ecosystem}", shape.how);
    // One record in eight is the least that a large body of records must say.
    if own > 0 && own * 8 >= count && native * 2 < count {
        return if rivals == 1 {
            Opinion::Is(format!("{}; {own} of its {count} CVEs speak of {ecosystem}, and no other product has the name", shape.how))
        } else {
            Opinion::MayBe(told)
        };
    }
    let backed = vendor_backs(shape, facts);
    // Records about npm packages and crates nearly always say so; the older ones about Python programs often do not. A name of
    // several words is rarely anybody else's.
    let may_be_silent = ecosystem == Ecosystem::Pypi || carries(shape, facts) || shape.key.contains('-');
    if rivals == 1 && ((count <= SILENT && may_be_silent) || backed) && native * 2 <= count && !short {
        return Opinion::Is(format!("{}, no other product has it, and nothing in its {count} CVEs speaks of another world", shape.how));
    }
    let foreign = worst_foreign(facts, ecosystem).map_or(0, |(_, weight)| weight);
    if rivals == 1 && carries(shape, facts) && own >= foreign.max(1) && native * 2 < count {
        return Opinion::Is(format!("{}, as has its vendor, and {ecosystem} is the world that its CVEs speak of most ({own})", shape.how));
    }
    // A doubt needs something that speaks for it.
    if own == 0 { Opinion::Silent(told) } else { Opinion::MayBe(told) }
}

/// Whether the vendor has the name too: a project that is its own vendor.
fn carries(shape: &Shape, facts: &ProductFacts) -> bool {
    name_key(&unquote(&facts.product.vendor)).contains(&shape.key)
}

/// Whether the vendor is what the NVD calls the makers of a language's packages (`python` for Python's).
fn own_vendor(facts: &ProductFacts, ecosystem: Ecosystem) -> bool {
    let vendor = name_key(&unquote(&facts.product.vendor));
    world_of(ecosystem).is_some_and(|world| world.targets.contains(&vendor))
}

fn vendor_backs(shape: &Shape, facts: &ProductFacts) -> bool {
    shape.vendor.as_deref().is_some_and(|vendor| vendor_agrees(vendor, &facts.product.vendor))
}

#[derive(Default)]
struct Counts {
    references: u32,
    words: u32,
    targets: u32,
}

impl Counts {
    fn of(facts: &ProductFacts, wanted: impl Fn(&str) -> bool) -> Self {
        facts.worlds.iter().filter(|count| wanted(&count.world)).fold(Self::default(), |sum, count| Self {
            references: sum.references + count.references,
            words: sum.words + count.words,
            targets: sum.targets + count.targets.min(facts.cves),
        })
    }
}

/// Worlds that any program may be spoken of in; they exclude nothing by themselves.
const NEUTRAL: [&str; 6] = ["native", "library", "server", "desktop", "browser", "device"];

/// The other world that most CVEs speak of.
fn worst_foreign(facts: &ProductFacts, ecosystem: Ecosystem) -> Option<(String, u32)> {
    let own = world_of(ecosystem).map(|world| world.name.as_str());
    let weights = facts.worlds.iter().filter(|count| Some(count.world.as_str()) != own && !NEUTRAL.contains(&count.world.as_str()));
    weights
        .map(|count| (count.world.clone(), count.references.max(count.words).max(count.targets.min(facts.cves))))
        .max_by_key(|(_, weight)| *weight)
}

/// The world that a product's vendor is the project of (`jenkins`, `wordpress`), if it is another one.
fn vendor_world(facts: &ProductFacts, ecosystem: Ecosystem) -> Option<&'static str> {
    let vendor = name_key(&unquote(&facts.product.vendor));
    let own = world_of(ecosystem).map(|world| world.name.as_str());
    let others = worlds().iter().filter(|world| Some(world.name.as_str()) != own);
    let said = |known: &crate::facts::World| known.ecosystem().is_some_and(|other| marked(other, &vendor)) && !marked(ecosystem, &vendor);
    let of = |known: &&crate::facts::World| known.name == vendor || known.targets.contains(&vendor) || said(known);
    others.filter(|world| !NEUTRAL.contains(&world.name.as_str())).find(of).map(|world| world.name.as_str())
}

/// Whether a distribution could ship it: not a plugin, not a mobile program.
pub fn could_be_distro(facts: &ProductFacts) -> bool {
    let plugin = Counts::of(facts, |world| matches!(world, "wordpress" | "jenkins" | "mobile" | "atlassian" | "cms"));
    plugin.targets == 0 && (plugin.references.max(plugin.words)) * 2 < facts.cves.max(1)
}
