//! Whether a package's version meets one match criterion: range ends, exact versions, the update field,
//! wildcards.

use crate::facts::years_before;
use crate::model::advisory::{MatchCriteria, VersionRange};
use crate::model::cpe::{Attribute, unquote};
use crate::model::truth::{Doubt, Truth};
use crate::version::VersionOrder;
use std::cmp::Ordering;

/// A package's version in the order it is compared in.
#[derive(Debug, Clone, Copy)]
pub struct Versioned<'a> {
    /// The version; for a distro package the upstream part.
    pub version: &'a str,
    /// The order.
    pub order: VersionOrder,
}

/// Whether the version meets the criterion, with the comparison in words.
pub fn meets(package: Versioned<'_>, criteria: &MatchCriteria) -> (Truth, String) {
    if package.version.is_empty() {
        return (Truth::Unknown(Doubt::VersionUnparsable), "the package states no version".to_owned());
    }
    if !criteria.range.is_open() {
        let truth = in_range(package, &criteria.range, criteria.cpe.vendor());
        return (truth, format!("version {} against {}", package.version, criteria.range));
    }
    match criteria.cpe.version() {
        Attribute::Any => (Truth::Yes, "every version is named".to_owned()),
        // NA is used for products whose records give no versions; it excludes nothing that is known.
        Attribute::Na => (Truth::Unknown(Doubt::VersionUnparsable), "the record names no versions (`-`)".to_owned()),
        Attribute::Value(version) => {
            let truth = equals(package, version, criteria.cpe.update());
            let update = match criteria.cpe.update() {
                Attribute::Any => String::new(),
                other => format!(" update {}", unquote(other.quoted())),
            };
            (truth, format!("version {} against exactly {}{update}", package.version, unquote(version)))
        }
    }
}

fn in_range(package: Versioned<'_>, range: &VersionRange, vendor: &Attribute) -> Truth {
    type End<'a> = (&'a Option<Box<str>>, fn(Ordering) -> bool);
    let ends: [End<'_>; 4] = [
        (&range.start_including, Ordering::is_ge),
        (&range.start_excluding, Ordering::is_gt),
        (&range.end_including, Ordering::is_le),
        (&range.end_excluding, Ordering::is_lt),
    ];
    ends.into_iter().filter_map(|(end, holds)| end.as_deref().map(|end| (end, holds))).fold(Truth::Yes, |truth, (end, holds)| {
        let end = unquote(end);
        let ordered = after_years(package.version, &end, vendor).or_else(|| package.order.compare_with_nvd(package.version, &end));
        let held = match ordered {
            Some(found) if holds(found) => Truth::Yes,
            Some(_) => Truth::No,
            None => Truth::Unknown(Doubt::VersionUnparsable),
        };
        truth.and(held)
    })
}

/// How two versions are ordered, where the project once counted in years and a version does not do so any more.
fn after_years(version: &str, end: &str, vendor: &Attribute) -> Option<Ordering> {
    let Attribute::Value(vendor) = vendor else { return None };
    let first = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse::<u32>().ok());
    let (version, end) = (first(version)?, first(end)?);
    let year = |number: u32| (1990..2100).contains(&number);
    (!year(version) && year(end) && years_before(vendor)).then_some(Ordering::Greater)
}

/// An exact version, with the NVD's update field: `1.0` and update `rc1` is the package's `1.0-rc.1`.
fn equals(package: Versioned<'_>, version: &str, update: &Attribute) -> Truth {
    if has_wildcard(version) {
        let name = |text: &str| Attribute::Value(crate::model::cpe::quote(text).into());
        return if Attribute::Value(version.into()).covers(&name(package.version)) { Truth::Yes } else { Truth::No };
    }
    let plain = unquote(version);
    let same = |a: &str, b: &str| package.order.compare_with_nvd(a, b).map(Ordering::is_eq);
    let known = |equal: Option<bool>| match equal {
        Some(true) => Truth::Yes,
        Some(false) => Truth::No,
        None if package.version == plain => Truth::Yes,
        None => Truth::Unknown(Doubt::VersionUnparsable),
    };
    match update {
        Attribute::Na => known(same(package.version, &plain)),
        Attribute::Value(update) => {
            let joined = ["-", "", "."].map(|sign| format!("{plain}{sign}{}", unquote(update)));
            let hits =
                joined.iter().map(|text| known(same(package.version, text).or_else(|| Some(squeeze(package.version) == squeeze(text)))));
            let spelled = squeeze(package.version) == squeeze(&joined[1]);
            hits.fold(if spelled { Truth::Yes } else { Truth::No }, Truth::or)
        }
        // ANY covers every update of that version, so a pre-release of it too.
        Attribute::Any => {
            known(same(package.version, &plain)).or(if release_of(package.version) == Some(&plain) { Truth::Yes } else { Truth::No })
        }
    }
}

fn has_wildcard(version: &str) -> bool {
    let bytes = version.as_bytes();
    let bare = |at: usize| matches!(bytes[at], b'*' | b'?') && (at == 0 || bytes[at - 1] != b'\\');
    (0..bytes.len()).any(bare)
}

/// Letters and digits only: `1.0-rc.1`, `1.0rc1` and `1.0_rc1` are one spelling.
fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '.') {
        // A dot only counts between digits.
        if c == '.' && !out.ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        out.push(c);
    }
    out
}

/// The release that a pre-release (`1.0.0-rc.1`) belongs to.
fn release_of(version: &str) -> Option<&str> {
    version.split_once('-').map(|(release, _)| release).filter(|release| release.ends_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria(tail: &str, range: [Option<&str>; 4]) -> MatchCriteria {
        let given = tail.matches(':').count() + 1;
        let cpe = format!("cpe:2.3:a:v:p:{tail}{}", ":*".repeat(8 - given)).parse().unwrap();
        let [a, b, c, d] = range.map(|end| end.map(Into::into));
        MatchCriteria { cpe, range: VersionRange { start_including: a, start_excluding: b, end_including: c, end_excluding: d } }
    }

    #[test]
    fn ends_exact_versions_updates_and_wildcards() {
        let none = [None; 4];
        for (version, order, tail, range, expected) in [
            ("4.17.4", VersionOrder::Semver, "*", [None, None, None, Some("4.17.5")], "yes"),
            ("4.17.5", VersionOrder::Semver, "*", [None, None, None, Some("4.17.5")], "no"),
            ("4.17.5", VersionOrder::Semver, "*", [None, None, Some("4.17.5"), None], "yes"),
            ("2.0.0", VersionOrder::Semver, "*", [None, Some("2.0.0"), None, None], "no"),
            ("1.10", VersionOrder::Pep440, "*", [Some("1.9"), None, None, Some("1.11")], "yes"),
            ("4.0.0-beta.1", VersionOrder::Semver, "*", [None, None, None, Some("4.0.0")], "yes"),
            ("not.a.version", VersionOrder::Semver, "*", [None, None, None, Some("4.17.5")], "unknown"),
            ("1.0", VersionOrder::Semver, "*", [None, None, None, Some("unknown")], "unknown"),
            ("not.a.version", VersionOrder::Semver, "1.0", none, "unknown"),
            ("1.0.0", VersionOrder::Semver, "1.0.0", none, "yes"),
            ("1.0", VersionOrder::Semver, "1.0.0", none, "yes"),
            ("1.0.0-rc.1", VersionOrder::Semver, "1.0.0:rc1", none, "yes"),
            ("1.0rc1", VersionOrder::Pep440, "1.0:rc1", none, "yes"),
            ("1.0.0", VersionOrder::Semver, "1.0.0:rc1", none, "no"),
            ("1.0.0-rc.1", VersionOrder::Semver, "1.0.0:-", none, "no"),
            ("1.0.0-rc.1", VersionOrder::Semver, "1.0.0", none, "yes"),
            ("1.0.0", VersionOrder::Semver, "*", none, "yes"),
            ("1.0.0", VersionOrder::Semver, "-", none, "unknown"),
            ("1.2.3", VersionOrder::Semver, "1.2.*", none, "yes"),
            ("1.3.3", VersionOrder::Semver, "1.2.*", none, "no"),
            ("1.0.2k", VersionOrder::Loose, "1.0.2k", none, "yes"),
        ] {
            let (truth, text) = meets(Versioned { version, order }, &criteria(tail, range));
            assert_eq!(truth.name(), expected, "{version} {tail} {text}");
        }
    }
}
