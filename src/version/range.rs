//! Ranges of versions as the ecosystems' own tools write them, evaluated with the ecosystem's own order.
//!
//! A range is a choice of alternatives, each a list of ends that must all hold. Three answers are possible: a version that cannot be
//! compared, and a pre-release that the ecosystem's tools take only when asked for it by name, are neither inside nor outside.

use super::VersionOrder;
use super::range_syntax;
use crate::model::purl::Ecosystem;
use std::cmp::Ordering;

/// Where a version stands to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Outside.
    Out,
    /// It cannot be told, or the ecosystem's tools would only take it when it is named.
    Unsure,
    /// Inside.
    In,
}

/// The sign before a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
}

impl Sign {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::LessEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterEqual => found.is_ge(),
            Self::Equal => found.is_eq(),
            Self::NotEqual => found.is_ne(),
        }
    }
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How a version must stand to it.
    pub sign: Sign,
    /// The version.
    pub version: String,
}

/// A range that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    ecosystem: Ecosystem,
    alternatives: Vec<Vec<End>>,
}

/// What is wrong with a range's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RangeError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

impl Range {
    /// Reads a range in the ecosystem's own syntax; `>=1.0,<2` is understood in every one.
    ///
    /// # Errors
    /// What cannot be read, or that no version can be inside.
    pub fn parse(text: &str, ecosystem: Ecosystem) -> Result<Self, RangeError> {
        let range = Self { ecosystem, alternatives: range_syntax::parse(text, ecosystem)? };
        let order = VersionOrder::of(ecosystem);
        let odd = range.alternatives.iter().flatten().find(|end| order.compare(&end.version, &end.version).is_none());
        if let Some(end) = odd {
            let offset = text.find(&end.version).unwrap_or(0);
            return Err(RangeError { offset, reason: format!("`{}` is no version of {ecosystem}", end.version) });
        }
        if range.alternatives.iter().all(|ends| is_empty(order, ends)) {
            return Err(RangeError { offset: 0, reason: format!("`{text}` matches nothing: no version is inside all its ends") });
        }
        Ok(range)
    }

    /// Where a version stands.
    #[must_use]
    pub fn standing(&self, version: &str) -> Standing {
        self.alternatives.iter().map(|ends| self.stands(ends, version)).max().unwrap_or(Standing::Out)
    }

    fn stands(&self, ends: &[End], version: &str) -> Standing {
        let order = VersionOrder::of(self.ecosystem);
        let mut unsure = false;
        for end in ends {
            match self.holds(order, end, version) {
                Some(true) => {}
                Some(false) => return Standing::Out,
                None => unsure = true,
            }
        }
        if unsure || self.is_unasked(ends, version) { Standing::Unsure } else { Standing::In }
    }

    fn holds(&self, order: VersionOrder, end: &End, version: &str) -> Option<bool> {
        if self.ecosystem == Ecosystem::Pypi {
            return super::pep440::holds(version, end.sign, &end.version);
        }
        order.compare(version, &end.version).map(|found| end.sign.holds(found))
    }

    /// npm and cargo take a pre-release only where an end names one of the same release (node-semver, "Prerelease Tags"; the cargo book,
    /// "Pre-releases"), pip only where the range names one (PEP 440, "Handling of pre-releases").
    fn is_unasked(&self, ends: &[End], version: &str) -> bool {
        match self.ecosystem {
            Ecosystem::Npm | Ecosystem::Cargo => {
                let Some(own) = super::semver::parse(version).filter(|own| !own.pre.is_empty()) else { return false };
                let asked = |end: &End| {
                    super::semver::parse(&end.version).is_some_and(|named| {
                        !named.pre.is_empty()
                            && named.pre.as_str() != "0"
                            && (named.major, named.minor, named.patch) == (own.major, own.minor, own.patch)
                    })
                };
                !ends.iter().any(asked)
            }
            Ecosystem::Pypi => {
                let pre = |text: &str| super::pep440::parse(text).is_some_and(|version| version.any_prerelease());
                pre(version)
                    && !self
                        .alternatives
                        .iter()
                        .flatten()
                        .any(|end| end.sign != Sign::NotEqual && pre(&end.version) && !end.version.ends_with(".dev0"))
            }
            _ => false,
        }
    }
}

/// Whether no version can be inside all the ends: two of them contradict each other.
fn is_empty(order: VersionOrder, ends: &[End]) -> bool {
    let contradict = |a: &End, b: &End| {
        let Some(found) = order.compare(&a.version, &b.version) else { return false };
        match (a.sign, b.sign) {
            (Sign::Equal, sign) => !sign.holds(found),
            (Sign::GreaterEqual, Sign::LessEqual) => found.is_gt(),
            (Sign::Greater | Sign::GreaterEqual, Sign::Less | Sign::LessEqual) => found.is_ge(),
            _ => false,
        }
    };
    ends.iter().any(|a| ends.iter().any(|b| contradict(a, b)))
}

#[cfg(test)]
mod tests {
    use super::Standing::*;
    use super::*;

    #[test]
    fn each_ecosystem_reads_its_own_syntax() {
        for (ecosystem, range, version, expected) in [
            (Ecosystem::Npm, ">=1.0,<2", "1.5.0", In),
            (Ecosystem::Npm, "^1.2.3", "1.9.0", In),
            (Ecosystem::Npm, "^1.2.3", "2.0.0", Out),
            (Ecosystem::Npm, "^1.2.3", "2.0.0-rc.1", Out),
            (Ecosystem::Npm, "^0.2.3", "0.3.0", Out),
            (Ecosystem::Npm, "^0.0.3", "0.0.4", Out),
            (Ecosystem::Npm, "^0.0", "0.0.4", In),
            (Ecosystem::Npm, "~1.2", "1.2.9", In),
            (Ecosystem::Npm, "~1.2.3", "1.3.0", Out),
            (Ecosystem::Npm, "1.x || >=3.0.0 <4", "3.1.0", In),
            (Ecosystem::Npm, "1.x || >=3.0.0 <4", "2.1.0", Out),
            (Ecosystem::Npm, "1.2 - 2.3", "2.3.9", In),
            (Ecosystem::Npm, "1.2 - 2.3.4", "2.3.9", Out),
            (Ecosystem::Npm, ">1.2", "1.2.9", Out),
            (Ecosystem::Npm, "<=1.2", "1.2.9", In),
            (Ecosystem::Npm, "1.2.3", "1.2.4", Out),
            (Ecosystem::Npm, "*", "9.0.0", In),
            (Ecosystem::Npm, "^1.2.0", "1.3.0-beta.1", Unsure),
            (Ecosystem::Npm, ">=1.3.0-alpha", "1.3.0-beta.1", In),
            (Ecosystem::Npm, "<2", "odd", Unsure),
            (Ecosystem::Cargo, "1.2", "1.9.0", In),
            (Ecosystem::Cargo, "0.2", "0.3.0", Out),
            (Ecosystem::Cargo, "=1.2", "1.2.7", In),
            (Ecosystem::Cargo, "1.2.*", "1.3.0", Out),
            (Ecosystem::Cargo, ">=1.2, <1.5", "1.4.0", In),
            (Ecosystem::Pypi, "~=1.4.2", "1.4.9", In),
            (Ecosystem::Pypi, "~=1.4.2", "1.5", Out),
            (Ecosystem::Pypi, "~=1.4", "1.9", In),
            (Ecosystem::Pypi, "==1.4.*", "1.4.0.post1", In),
            (Ecosystem::Pypi, "!=1.4.*,>1", "1.4.7", Out),
            (Ecosystem::Pypi, "!=1.4.*,>1", "1.5", In),
            (Ecosystem::Pypi, "==1.7", "1.7+local", In),
            (Ecosystem::Pypi, ">1.7", "1.7.post1", Out),
            (Ecosystem::Pypi, "<1.7", "1.7rc1", Out),
            (Ecosystem::Pypi, "<1.8", "1.7rc1", Unsure),
            (Ecosystem::Pypi, "===1.0", "1.0", In),
            (Ecosystem::Deb, ">= 1.1.1, << 1.1.2", "1.1.1n-0+deb11u3", In),
            (Ecosystem::Deb, ">> 1:1.0", "1.5-1", Out),
            (Ecosystem::Rpm, ">= 1:1.0 < 1:2.0", "1:1.5-3.el9", In),
            (Ecosystem::Apk, "~1.2", "1.2.9-r0", In),
            (Ecosystem::Apk, "~1.2", "1.3-r0", Out),
            (Ecosystem::Other, ">=1.0,<2", "1.5", In),
        ] {
            assert_eq!(Range::parse(range, ecosystem).unwrap().standing(version), expected, "{ecosystem} {range} {version}");
        }
    }

    #[test]
    fn a_wrong_range_says_where() {
        for (ecosystem, range, offset, said) in [
            (Ecosystem::Npm, "", 0, "empty"),
            (Ecosystem::Npm, ">=1 <", 4, "no version"),
            (Ecosystem::Npm, ">=2,<1", 0, "matches nothing"),
            (Ecosystem::Npm, "=1.0.0,=2.0.0", 0, "matches nothing"),
            (Ecosystem::Npm, ">=1 || lots", 7, "no version"),
            (Ecosystem::Pypi, ">1,=<2", 3, "="),
            (Ecosystem::Pypi, ">=1.x", 2, "no version"),
            (Ecosystem::Pypi, "~=1", 0, "two parts"),
            (Ecosystem::Deb, "1.0", 0, ">="),
            (Ecosystem::Cargo, "^1,,", 3, "empty"),
        ] {
            let error = Range::parse(range, ecosystem).unwrap_err();
            assert!(error.offset == offset && error.reason.contains(said), "{ecosystem} `{range}`: {error:?}");
        }
    }
}
