//! NVD configurations over one package: AND, OR and negate in three values.
//!
//! A criterion that names the package's product is decided by its version; one that names another product
//! is the environment, which cannot be seen from a lockfile. A record applies only if a criterion marked
//! vulnerable names the package.

use super::Case;
use super::ranges::{Versioned, meets};
use super::trace::Trace;
use crate::facts::{always_runs_on, world_of};
use crate::model::advisory::{Configuration, CriterionUse, CveId, CveRecord, MatchCriteria, Node, Operator};
use crate::model::cpe::{Attribute, CpeName, Part, ProductName};
use crate::model::finding::{Basis, Candidate, Step};
use crate::model::purl::Ecosystem;
use crate::model::truth::{Doubt, Truth};
use crate::version::{VersionOrder, apk, dpkg, rpm};

/// What the NVD's record of one CVE says about the package.
#[derive(Debug)]
pub struct NvdAnswer {
    /// Which CVE.
    pub id: CveId,
    /// Whether it applies.
    pub truth: Truth,
    /// As which product.
    pub cpe: CpeName,
    /// What the identity rests on.
    pub basis: Basis,
    /// Ends of the ranges that were met.
    pub fixed_in: Vec<String>,
    /// Why.
    pub because: Vec<Step>,
}

/// The NVD's answers for every candidate of a package, also the ones that say no.
pub fn evaluate_all(case: &Case<'_>) -> Vec<NvdAnswer> {
    let mut out: Vec<NvdAnswer> = Vec::new();
    for (candidate, records) in case.identity.candidates.iter().zip(case.records) {
        let environment = Environment::of(case, candidate);
        let about = |record: &&CveRecord| candidate.only.is_empty() || candidate.only.contains(&record.id);
        for record in records.iter().filter(about) {
            let answer = environment.answer(record);
            match out.iter_mut().find(|known| known.id == answer.id) {
                Some(known) if better(&answer, known) => *known = answer,
                Some(_) => {}
                None => out.push(answer),
            }
        }
    }
    out
}

/// Of two candidates' answers about one CVE the more affirmative counts.
fn better(new: &NvdAnswer, old: &NvdAnswer) -> bool {
    let rank = |truth: Truth| match truth {
        Truth::Yes => 3,
        Truth::Unknown(Doubt::WeakIdentity) => 1,
        Truth::Unknown(_) => 2,
        Truth::No => 0,
    };
    rank(new.truth) > rank(old.truth)
}

/// One package as one product.
struct Environment<'a> {
    ecosystem: Ecosystem,
    candidate: &'a Candidate,
    package: Versioned<'a>,
}

impl<'a> Environment<'a> {
    fn of(case: &Case<'a>, candidate: &'a Candidate) -> Self {
        let ecosystem = case.package.ecosystem();
        let full = case.package.source.as_ref().map_or(case.package.version.as_str(), |source| source.version.as_str());
        let package = match ecosystem {
            _ if candidate.version.is_some() => {
                Versioned { version: candidate.version.as_deref().unwrap_or_default(), order: VersionOrder::Loose }
            }
            Ecosystem::Deb => Versioned { version: dpkg::upstream(full), order: VersionOrder::Loose },
            Ecosystem::Rpm => Versioned { version: rpm::upstream(full), order: VersionOrder::Loose },
            Ecosystem::Apk => Versioned { version: apk::upstream(full), order: VersionOrder::Loose },
            _ => Versioned { version: &case.package.version, order: VersionOrder::of(ecosystem) },
        };
        Self { ecosystem, candidate, package }
    }

    fn answer(&self, record: &CveRecord) -> NvdAnswer {
        let mut trace = Trace::default();
        let mut fixed_in = Vec::new();
        let head = format!("{} says that {} applies", record.source.to_uppercase(), record.id);
        let truth = trace.group(&head, |trace| {
            let each = record.configurations.iter().map(|configuration| self.configuration(configuration, trace, &mut fixed_in));
            let truth = each.fold(Truth::No, Truth::or);
            match self.candidate.doubt {
                Some(doubt) if truth != Truth::No => {
                    trace.step(Truth::Unknown(doubt), format!("identity: {} ({})", self.candidate.product, doubt.clause()));
                    truth.and(Truth::Unknown(doubt))
                }
                _ => truth,
            }
        });
        let (id, basis) = (record.id, self.candidate.basis);
        NvdAnswer { id, truth, cpe: self.cpe(), basis, fixed_in, because: trace.into_steps() }
    }

    fn cpe(&self) -> CpeName {
        let named = self.candidate.product.at_version(self.package.version);
        let open = || ProductName::application("*", "*").at_version("");
        named
            .parse()
            .or_else(|_| self.candidate.product.at_version("").parse())
            .or_else(|_| open().parse())
            .unwrap_or_else(|_| CpeName::anything())
    }

    /// A configuration in which no vulnerable criterion names the package does not apply, whatever else holds.
    fn configuration(&self, configuration: &Configuration, trace: &mut Trace, fixed_in: &mut Vec<String>) -> Truth {
        let uses = || configuration.nodes.iter().flat_map(|node| &node.matches);
        if !uses().any(|item| item.vulnerable && self.names(&item.criteria)) {
            return Truth::No;
        }
        let join = joined(configuration.operator);
        trace.group(&format!("configuration ({join})"), |trace| {
            let nodes: Vec<Truth> =
                configuration.nodes.iter().map(|node| self.node(node, configuration.operator, trace, fixed_in)).collect();
            fold(configuration.operator, &nodes).negate_if(configuration.negate)
        })
    }

    fn node(&self, node: &Node, outer: Operator, trace: &mut Trace, fixed_in: &mut Vec<String>) -> Truth {
        // Where all must hold, another product is a condition that cannot be seen; elsewhere it is an alternative.
        let needed = outer != Operator::Or || node.operator != Operator::Or;
        let (own, others): (Vec<_>, Vec<_>) = node.matches.iter().partition(|item| self.names(&item.criteria));
        let mut truths: Vec<Truth> = own.into_iter().map(|item| self.own(item, trace, fixed_in)).collect();
        if !others.is_empty() && (node.operator != Operator::Or || truths.is_empty()) {
            truths.push(self.environment(&others, node.operator, needed, trace));
        }
        let truth = fold(node.operator, &truths);
        if node.negate {
            trace.step(truth.negate_if(true), "the record turns this round (negate)".to_owned());
        }
        truth.negate_if(node.negate)
    }

    fn names(&self, criteria: &MatchCriteria) -> bool {
        let product = &self.candidate.product;
        criteria.cpe.part == product.part
            && matches!(criteria.cpe.vendor(), Attribute::Value(vendor) if *vendor == product.vendor)
            && matches!(criteria.cpe.product(), Attribute::Value(name) if *name == product.product)
    }

    fn own(&self, item: &CriterionUse, trace: &mut Trace, fixed_in: &mut Vec<String>) -> Truth {
        let criteria = &item.criteria;
        let (version, compared) = meets(self.package, criteria);
        let (edition, note) = if version == Truth::No { (Truth::Yes, String::new()) } else { self.edition(&criteria.cpe) };
        let truth = version.and(edition);
        if truth != Truth::No {
            // What fixes a library that the package carries is a version of the library.
            let of = |end: &str| {
                if self.candidate.version.is_some() { format!("{} {end}", self.candidate.product.product) } else { end.to_owned() }
            };
            fixed_in.extend(criteria.range.end_excluding.as_deref().map(of));
            trace.step(truth, format!("{}: {compared}{note}", self.candidate.product));
        }
        truth
    }

    /// target_sw, editions and hardware of the package's own criterion.
    fn edition(&self, cpe: &CpeName) -> (Truth, String) {
        let unseen = Truth::Unknown(Doubt::PlatformUnseen);
        if let Some(target) = cpe.target_sw().plain() {
            let own = world_of(self.ecosystem).is_some_and(|world| world.targets.contains(&target));
            let foreign = crate::facts::worlds().iter().any(|world| world.targets.contains(&target) && is_software_world(&world.name));
            if !own && foreign {
                return (Truth::No, format!(", but only where it runs in {target}"));
            }
            if !own {
                return (unseen, format!(", where it runs on {target}"));
            }
        }
        for (what, attribute) in [("edition", cpe.sw_edition()), ("hardware", cpe.target_hw())] {
            if let Some(value) = attribute.plain().filter(|value| !matches!(value.as_str(), "community" | "open_source" | "lts")) {
                return (unseen, format!(", {what} {value}"));
            }
        }
        (Truth::Yes, String::new())
    }

    /// Products beside the package: another package's vulnerability, or the platform it needs.
    fn environment(&self, others: &[&CriterionUse], operator: Operator, needed: bool, trace: &mut Trace) -> Truth {
        let truths: Vec<Truth> = others.iter().map(|item| self.other(item, needed)).collect();
        let truth = fold(operator, &truths);
        let mut names: Vec<String> =
            others.iter().filter_map(|item| item.criteria.cpe.product_name()).map(|name| name.to_string()).collect();
        names.dedup();
        let rest = names.len().saturating_sub(3);
        names.truncate(3);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        trace.step(truth, format!("with {}{more}", names.join(", ")));
        truth
    }

    fn other(&self, item: &CriterionUse, needed: bool) -> Truth {
        let Some(name) = item.criteria.cpe.product_name() else { return Truth::Unknown(Doubt::PlatformUnseen) };
        let versionless = item.criteria.range.is_open() && !matches!(item.criteria.cpe.version(), Attribute::Value(_));
        if versionless && always_runs_on(self.ecosystem, &name.to_string()) {
            return Truth::Yes;
        }
        if item.vulnerable && !needed && name.part == Part::Application { Truth::No } else { Truth::Unknown(Doubt::PlatformUnseen) }
    }
}

/// Worlds whose target_sw says that the product is a plugin there.
fn is_software_world(world: &str) -> bool {
    !matches!(world, "desktop" | "mobile" | "browser" | "device" | "server" | "library" | "native")
}

fn joined(operator: Operator) -> &'static str {
    match operator {
        Operator::And => "all of",
        Operator::Or => "any of",
        Operator::Unknown => "joined by an unknown operator",
    }
}

fn fold(operator: Operator, truths: &[Truth]) -> Truth {
    match operator {
        Operator::And => truths.iter().copied().fold(Truth::Yes, Truth::and),
        Operator::Or => truths.iter().copied().fold(Truth::No, Truth::or),
        Operator::Unknown => Truth::Unknown(Doubt::PlatformUnseen),
    }
}
