//! rpm modules: one package in several streams, each with fixes of its own. An advisory names its stream in its summary (`nodejs:18
//! security update`); a package's stream stands in its rpm header (`ModularityLabel`), or shows by a build that an advisory lists.

use super::Case;
use super::osv::OsvAnswer;
use super::trace::Trace;
use crate::model::finding::Step;
use crate::model::osv::{AffectedPackage, OsvAdvisory, OsvEvent};
use crate::model::truth::{Doubt, Truth};
use crate::version::VersionOrder;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The streams that a summary names, as `name:stream`.
fn all_named(summary: &str) -> impl Iterator<Item = &str> {
    let sound = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    summary.split_whitespace().filter(move |word| word.split_once(':').is_some_and(|(name, stream)| sound(name) && sound(stream)))
}

/// The first stream that a summary names.
#[must_use]
pub fn named(summary: &str) -> Option<&str> {
    all_named(summary).next()
}

/// Whether a package is of a module.
#[must_use]
pub fn is_modular(case: &Case<'_>) -> bool {
    case.package.module.is_some() || case.authority.names.iter().any(|(_, version)| base(version).is_some())
}

/// The stream that a modular package is of, as `name:stream`; nothing where that does not show. A build tells it only where an advisory
/// lists this very build: another of the same version and release may be of another stream.
pub fn stream(case: &Case<'_>) -> Option<String> {
    if let Some(label) = &case.package.module {
        let mut parts = label.split(':');
        return Some(format!("{}:{}", parts.next()?, parts.next()?));
    }
    let builds = || case.authority.names.iter().filter(|(_, version)| base(version).is_some());
    let lists = |advisory: &&OsvAdvisory| {
        let listed =
            |entry: &AffectedPackage| builds().any(|(name, version)| entry.name == *name && fixes(entry).any(|fix| fix == version));
        advisory.affected.iter().any(listed)
    };
    // Some builds are shared by several streams; those tell none of them.
    let streams: BTreeSet<&str> = case.advisories.iter().filter(lists).flat_map(|advisory| all_named(&advisory.summary)).collect();
    if streams.len() == 1 { streams.first().map(|stream| (*stream).to_owned()) } else { None }
}

/// Whether a summary names other streams of the same module, and not the package's.
#[must_use]
pub fn of_another(own: Option<&str>, summary: &str) -> bool {
    let Some((module, _)) = own.and_then(|own| own.split_once(':')) else { return false };
    let mut same = all_named(summary).filter(|named| named.split_once(':').is_some_and(|(name, _)| name == module)).peekable();
    same.peek().is_some() && same.all(|named| Some(named) != own)
}

/// Where the package's stream is not known, and one stream's advisory has the fix and another's has not, it is one of both.
pub fn doubt_between(answers: &mut [OsvAnswer]) {
    let fixed: Vec<(usize, String)> =
        (0..answers.len()).filter(|at| answers[*at].truth == Truth::No).filter_map(|at| Some((at, answers[at].stream.clone()?))).collect();
    for at in 0..answers.len() {
        let Some(stream) = answers[at].stream.clone().filter(|_| answers[at].truth == Truth::Yes) else { continue };
        let same = |other: &&(usize, String)| other.1 != stream && answers[other.0].cves.iter().any(|cve| answers[at].cves.contains(cve));
        if let Some((_, other)) = fixed.iter().find(same) {
            let text = format!("it is fixed in {other} and not in {stream}, and nothing says of which of them the package is");
            let doubt = Truth::Unknown(Doubt::VersionUnparsable);
            answers[at].truth = doubt;
            answers[at].because.push(Step { depth: 0, truth: doubt.name(), text });
        }
    }
}

/// A version and release without what tells its build (`.module_el8.3.0+2044+12421f43`); nothing where it is of no module.
fn base(version: &str) -> Option<&str> {
    version.split_once(".module").map(|(base, _)| base)
}

fn fixes(entry: &AffectedPackage) -> impl Iterator<Item = &str> {
    let events = entry.ranges.iter().flat_map(|range| &range.events);
    events.filter_map(|event| if let OsvEvent::Fixed(at) = event { Some(at.as_str()) } else { None })
}

/// A module's fix is built once per minor release, and an advisory lists every build (`3.12-9.module_el8.3.0+…`, `…el8.4.0+…`). The
/// builds of one version and release are one fix, so the first of them has it. What lies between fixes of other versions cannot be
/// told: they may be of other streams of the module.
pub fn build(order: VersionOrder, version: &str, named: &[&AffectedPackage], trace: &mut Trace) -> Truth {
    let Some(own) = base(version).filter(|_| order == VersionOrder::Rpm) else { return Truth::Yes };
    let reached: Vec<&str> =
        named.iter().flat_map(|entry| fixes(entry)).filter(|fix| order.compare(version, fix).is_some_and(Ordering::is_ge)).collect();
    match reached.iter().find(|fix| base(fix) == Some(own)) {
        Some(fix) => {
            trace.step(Truth::No, format!("version {version} is a build of the fixed {fix}"));
            Truth::No
        }
        None if reached.is_empty() => Truth::Yes,
        None => {
            let doubt = Truth::Unknown(Doubt::VersionUnparsable);
            trace.step(doubt, format!("version {version} lies between fixes that may be of other streams of its module"));
            doubt
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::osv::OsvRange;

    #[test]
    fn the_builds_of_one_fix_are_one_fix() {
        let entry = |fix: &str| AffectedPackage {
            ranges: vec![OsvRange {
                kind: "ECOSYSTEM".into(),
                events: vec![OsvEvent::Introduced("0".into()), OsvEvent::Fixed(fix.into())],
            }],
            ..AffectedPackage::default()
        };
        let (first, later, other) =
            (entry("3.12-9.module_el8.3.0+2044"), entry("3.12-9.module_el8.5.0+119"), entry("4.0-1.module_el8.5.0+119"));
        let named = [&first, &later, &other];
        for (version, expected) in [
            ("3.12-9.module_el8.3.0+2044", "no"),
            ("3.12-9.module_el8.4.0+1", "no"),
            ("3.12-8.module_el8.5.0+119", "yes"),
            ("3.13-1.module_el8.5.0+119", "unknown"),
            ("3.12-9.el8", "yes"),
        ] {
            assert_eq!(build(VersionOrder::Rpm, version, &named, &mut Trace::default()).name(), expected, "{version}");
        }
    }

    #[test]
    fn summaries_name_streams() {
        for (summary, stream) in [
            ("Important: nodejs:18 security update", Some("nodejs:18")),
            ("idm:DL1 bug fix update", Some("idm:DL1")),
            ("container-tools bug fix update", None),
            ("Moderate: see https://example.test/x", None),
        ] {
            assert_eq!(named(summary), stream, "{summary}");
        }
        assert!(of_another(Some("nodejs:18"), "Important: nodejs:20 security update"));
        assert!(!of_another(Some("nodejs:18"), "nodejs:20 and nodejs:18 security update"));
        assert!(!of_another(Some("nodejs:18"), "Important: npm:20 update") && !of_another(None, "nodejs:20"));
    }
}
