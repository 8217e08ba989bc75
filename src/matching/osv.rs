//! OSV advisories over one package: the schema's evaluation ("Evaluation", OSV schema 1.6) in the package's
//! own version order.

use super::Case;
use super::module;
use super::trace::Trace;
use crate::facts::distro::tells_no_vulnerability;
use crate::model::advisory::CveId;
use crate::model::finding::{Class, FixState, Step};
use crate::model::osv::{AffectedPackage, OsvAdvisory, OsvEvent, OsvRange};
use crate::model::package::Origin;
use crate::model::truth::{Doubt, Truth};
use crate::version::VersionOrder;
use std::cmp::Ordering;

/// What one advisory says about the package.
#[derive(Debug)]
pub struct OsvAnswer {
    /// Its id.
    pub id: String,
    /// CVEs it stands for.
    pub cves: Vec<CveId>,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// What kind of thing it tells.
    pub class: Class,
    /// Whether it applies.
    pub truth: Truth,
    /// Versions that fix it.
    pub fixed_in: Vec<String>,
    /// What its distribution has done about it.
    pub fix_state: Option<FixState>,
    /// The module's stream that it speaks of.
    pub stream: Option<String>,
    /// Why.
    pub because: Vec<Step>,
}

/// The answers of every advisory that names the package; withdrawn ones say nothing.
pub fn evaluate_all(case: &Case<'_>) -> Vec<OsvAnswer> {
    let own = module::stream(case);
    let speaks = |advisory: &&OsvAdvisory| advisory.withdrawn.is_none() && !module::of_another(own.as_deref(), &advisory.summary);
    let mut answers: Vec<OsvAnswer> = case.advisories.iter().filter(speaks).filter_map(|advisory| evaluate(case, advisory)).collect();
    if own.is_none() && module::is_modular(case) {
        module::doubt_between(&mut answers);
    }
    answers
}

fn evaluate(case: &Case<'_>, advisory: &OsvAdvisory) -> Option<OsvAnswer> {
    let package = case.package;
    let order = VersionOrder::of(package.ecosystem());
    let speaks_of = |entry: &&AffectedPackage, name: &str| entry.name == name && case.authority.ecosystems.contains(&entry.ecosystem);
    let mut trace = Trace::default();
    let (mut truth, mut named) = (Truth::No, Vec::new());
    for (name, version) in &case.authority.names {
        let entries: Vec<&AffectedPackage> = advisory.affected.iter().filter(|entry| speaks_of(entry, name)).collect();
        if entries.is_empty() {
            continue;
        }
        let here = trace.group(&format!("{} names {name}{}", advisory.id, stand_in(case)), |trace| {
            let truth = entries.iter().map(|entry| affected(order, version, entry, trace)).fold(Truth::No, Truth::or);
            if truth == Truth::Yes { module::build(order, version, &entries, trace) } else { truth }
        });
        truth = truth.or(here);
        named.extend(entries);
    }
    if named.is_empty() {
        return None;
    }
    let truth = if package.origin == Origin::Public { truth } else { truth.and(Truth::Unknown(Doubt::OtherSource)) };
    let said = |state: Option<Said>| named.iter().any(|entry| said_of(entry) == state);
    let informational =
        named.iter().any(|entry| entry.informational.is_some()) || named.iter().all(|entry| said_of(entry) == Some(Said::Unimportant));
    let informational = informational || (advisory.cves().is_empty() && tells_no_vulnerability(&advisory.id));
    let class = match advisory.is_malicious() {
        true => Class::Malicious,
        false if informational => Class::Notice,
        false => Class::Vulnerability,
    };
    let fixed = named.iter().flat_map(|entry| &entry.ranges).flat_map(|range| &range.events);
    let fixed_in: Vec<String> =
        fixed.filter_map(|event| if let OsvEvent::Fixed(version) = event { Some(version.clone()) } else { None }).collect();
    let fix_state = package.ecosystem().is_distro().then(|| match fixed_in.is_empty() {
        false => FixState::Fixed,
        true if said(Some(Said::Ignored)) => FixState::Ignored,
        true => FixState::Unfixed,
    });
    Some(OsvAnswer {
        id: advisory.id.clone(),
        cves: advisory.cves(),
        aliases: advisory.aliases.clone(),
        class,
        truth,
        fixed_in,
        fix_state,
        stream: module::named(&advisory.summary).map(str::to_owned),
        because: trace.into_steps(),
    })
}

/// What a distribution says of a vulnerability beside versions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Its package does not have it.
    NotAffected,
    /// It does not touch what the package is used for (Debian's `unimportant`).
    Unimportant,
    /// It will not be fixed in this release, or not soon.
    Ignored,
}

/// The words that Debian's and Ubuntu's trackers and Red Hat's and SUSE's advisories use.
fn said_of(entry: &AffectedPackage) -> Option<Said> {
    let word = entry.state.as_ref()?.to_ascii_lowercase().replace(['_', ' '], "-");
    match word.as_str() {
        "not-affected" | "known-not-affected" | "dne" => Some(Said::NotAffected),
        "unimportant" => Some(Said::Unimportant),
        "ignored" | "postponed" | "deferred" | "no-dsa" | "end-of-life" | "will-not-fix" | "wont-fix" | "out-of-support-scope" => {
            Some(Said::Ignored)
        }
        _ => None,
    }
}

/// Where another distribution's advisory stands in, for whom.
fn stand_in(case: &Case<'_>) -> String {
    case.authority.stands_in_for.as_ref().map(|name| format!(", standing in for {name}")).unwrap_or_default()
}

fn affected(order: VersionOrder, version: &str, entry: &AffectedPackage, trace: &mut Trace) -> Truth {
    if let (Some(said), Some(word)) = (said_of(entry), &entry.state) {
        let truth = if said == Said::NotAffected { Truth::No } else { Truth::Yes };
        trace.step(truth, format!("the distribution says of it: {word}"));
        if said == Said::NotAffected {
            return Truth::No;
        }
    }
    if version.is_empty() {
        return Truth::Unknown(Doubt::VersionUnparsable);
    }
    if entry.versions.iter().any(|listed| listed == version || order.compare(listed, version) == Some(Ordering::Equal)) {
        trace.step(Truth::Yes, format!("version {version} is in its list"));
        return Truth::Yes;
    }
    if entry.ranges.is_empty() {
        // Without ranges the list is all there is; without either, every version is meant.
        let truth = if entry.versions.is_empty() { Truth::Yes } else { Truth::No };
        trace.step(truth, format!("version {version} against {}", if entry.versions.is_empty() { "all versions" } else { "its list" }));
        return truth;
    }
    entry.ranges.iter().map(|range| in_range(order, version, range, trace)).fold(Truth::No, Truth::or)
}

/// Events in version order: the last one at or before the version decides.
fn in_range(order: VersionOrder, version: &str, range: &OsvRange, trace: &mut Trace) -> Truth {
    let mut truth = Truth::No;
    let mut latest: Option<&str> = None;
    for event in &range.events {
        let (at, inside) = match event {
            OsvEvent::Introduced(at) => (at.as_str(), Truth::Yes),
            OsvEvent::Fixed(at) | OsvEvent::LastAffected(at) => (at.as_str(), Truth::No),
            OsvEvent::Limit(_) => continue,
        };
        let reached = if at == "0" {
            Some(true)
        } else {
            order.compare(version, at).map(|found| if matches!(event, OsvEvent::LastAffected(_)) { found.is_gt() } else { found.is_ge() })
        };
        match reached {
            None => {
                trace.step(Truth::Unknown(Doubt::VersionUnparsable), format!("version {version} cannot be compared with {at}"));
                return Truth::Unknown(Doubt::VersionUnparsable);
            }
            Some(true) if latest.is_none_or(|latest| latest == "0" || order.compare(at, latest).is_none_or(Ordering::is_ge)) => {
                truth = inside;
                latest = Some(at);
            }
            Some(_) => {}
        }
    }
    trace.step(truth, format!("version {version} against {}", described(range)));
    truth
}

fn described(range: &OsvRange) -> String {
    let words = range.events.iter().map(|event| match event {
        OsvEvent::Introduced(at) if at == "0" => "the first version".to_owned(),
        OsvEvent::Introduced(at) => format!("from {at}"),
        OsvEvent::Fixed(at) => format!("fixed in {at}"),
        OsvEvent::LastAffected(at) => format!("up to {at}"),
        OsvEvent::Limit(at) => format!("limit {at}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_decide_in_version_order_whatever_order_they_stand_in() {
        let range = |events: &[OsvEvent]| OsvRange { kind: "SEMVER".into(), events: events.to_vec() };
        let (i, f, l) =
            (|v: &str| OsvEvent::Introduced(v.into()), |v: &str| OsvEvent::Fixed(v.into()), |v: &str| OsvEvent::LastAffected(v.into()));
        for (version, events, expected) in [
            ("1.0.0", vec![i("0"), f("1.0.0")], "no"),
            ("0.9.0", vec![i("0"), f("1.0.0")], "yes"),
            ("1.5.0", vec![i("0"), f("1.0.0"), i("1.2.0"), f("2.0.0")], "yes"),
            ("1.1.0", vec![i("1.2.0"), f("2.0.0"), i("0"), f("1.0.0")], "no"),
            ("1.0.0", vec![i("0"), l("1.0.0")], "yes"),
            ("1.0.1", vec![i("0"), l("1.0.0")], "no"),
            ("odd", vec![i("0"), f("1.0.0")], "unknown"),
        ] {
            assert_eq!(
                in_range(VersionOrder::Semver, version, &range(&events), &mut Trace::default()).name(),
                expected,
                "{version} {events:?}"
            );
        }
    }
}
