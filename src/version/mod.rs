//! Version orderings, one file each. Two texts go in, an order comes out, or nothing where they cannot be
//! compared; an ordering never guesses.

pub mod apk;
pub mod dpkg;
pub mod loose;
pub mod pep440;
pub mod range;
mod range_syntax;
pub mod rpm;
pub mod semver;

use crate::model::purl::Ecosystem;
use std::cmp::Ordering;

/// The orderings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionOrder {
    /// Semantic Versioning 2.0.0.
    Semver,
    /// Python's PEP 440.
    Pep440,
    /// Debian's dpkg.
    Dpkg,
    /// RPM's EVR.
    Rpm,
    /// Alpine's apk.
    Apk,
    /// The NVD's free-form versions.
    Loose,
}

impl VersionOrder {
    /// The ordering that an ecosystem's own tools use.
    #[must_use]
    pub fn of(ecosystem: Ecosystem) -> Self {
        match ecosystem {
            Ecosystem::Npm | Ecosystem::Cargo => Self::Semver,
            Ecosystem::Pypi => Self::Pep440,
            Ecosystem::Deb => Self::Dpkg,
            Ecosystem::Rpm => Self::Rpm,
            Ecosystem::Apk => Self::Apk,
            Ecosystem::Generic | Ecosystem::Other => Self::Loose,
        }
    }

    /// Compares two versions; nothing if either does not parse.
    #[must_use]
    pub fn compare(self, a: &str, b: &str) -> Option<Ordering> {
        match self {
            Self::Semver => semver::compare(a, b),
            Self::Pep440 => pep440::compare(a, b),
            Self::Dpkg => dpkg::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
            Self::Apk => apk::compare(a, b),
            Self::Loose => loose::compare(a, b),
        }
    }

    /// Compares a package's version with a version that the NVD wrote: in the ecosystem's own order where
    /// both texts parse in it, otherwise in the NVD's free form.
    #[must_use]
    pub fn compare_with_nvd(self, package: &str, nvd: &str) -> Option<Ordering> {
        self.compare(package, nvd).or_else(|| loose::compare(package, nvd))
    }

    /// Whether the text is a version at all, in this order or in the NVD's free form.
    #[must_use]
    pub fn parses(self, version: &str) -> bool {
        self.compare_with_nvd(version, version).is_some()
    }
}

#[cfg(test)]
pub(crate) mod table {
    //! Reads `a < b < c = d` lines and checks every pair on a line.
    use std::cmp::Ordering;

    pub fn check(text: &str, compare: impl Fn(&str, &str) -> Option<Ordering>) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let versions: Vec<&str> = words.iter().step_by(2).copied().collect();
            let signs: Vec<&str> = words.iter().skip(1).step_by(2).copied().collect();
            for i in 0..versions.len() {
                for j in i + 1..versions.len() {
                    let expected = if signs[i..j].contains(&"<") { Ordering::Less } else { Ordering::Equal };
                    assert_eq!(compare(versions[i], versions[j]), Some(expected), "{} ? {} in `{line}`", versions[i], versions[j]);
                    assert_eq!(
                        compare(versions[j], versions[i]),
                        Some(expected.reverse()),
                        "{} ? {} in `{line}`",
                        versions[j],
                        versions[i]
                    );
                }
            }
        }
    }
}
