//! Which packages a rule names: a purl, exact or as a glob, with a version, a range in the ecosystem's own syntax, and qualifiers.
//!
//! A qualifier that the rule does not give is not compared (purl specification, "qualifiers are optional").

use crate::model::package::Package;
use crate::model::purl::{Ecosystem, Purl};
use crate::version::range::{Range, RangeError, Standing};
use globset::{GlobBuilder, GlobMatcher};
use std::collections::BTreeMap;

/// A purl pattern. `*` stays within one name or scope, `**` crosses them.
#[derive(Debug, Clone)]
pub struct Pattern {
    name: Name,
    version: Option<String>,
    range: Option<Range>,
    qualifiers: BTreeMap<String, GlobMatcher>,
}

#[derive(Debug, Clone)]
enum Name {
    Exact(String),
    Glob(GlobMatcher),
}

/// What a pattern is held against: a package, or the source package it was built from.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    /// `pkg:type/namespace/name`, scopes unescaped.
    pub name: String,
    /// The version as the ecosystem writes it.
    pub version: &'a str,
    purl: &'a Purl,
}

impl<'a> Named<'a> {
    /// The package itself.
    #[must_use]
    pub fn package(package: &'a Package) -> Self {
        Self { name: unescaped(package.purl.without_version()), version: &package.version, purl: &package.purl }
    }

    /// A package by its purl.
    #[must_use]
    pub fn purl(purl: &'a Purl) -> Self {
        Self { name: unescaped(purl.without_version()), version: purl.version().unwrap_or_default(), purl }
    }

    /// The distribution's source package of it; a package without one is its own.
    #[must_use]
    pub fn source(package: &'a Package) -> Option<Self> {
        if !package.ecosystem().is_distro() {
            return None;
        }
        let Some(source) = &package.source else { return Some(Self::package(package)) };
        let namespace = package.purl.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        Some(Self {
            name: format!("pkg:{}/{namespace}{}", package.purl.kind(), source.name),
            version: &source.version,
            purl: &package.purl,
        })
    }
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// In the purl.
    Purl(String),
    /// In the range, at a byte of it.
    Range(RangeError),
}

fn unescaped(name: &str) -> String {
    name.replace("%40", "@")
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|error| format!("`{text}`: {}", error.kind()))?;
    Ok(glob.compile_matcher())
}

impl Pattern {
    /// Reads `pkg:type/name`, `pkg:type/name@version`, a glob of that form or with `?qualifier=value`, and a range.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str, range: Option<&str>) -> Result<Self, PatternError> {
        let wrong = |reason: String| PatternError::Purl(reason);
        let Some(body) = text.strip_prefix("pkg:") else { return Err(wrong(format!("`{text}` is not a purl: it must begin with `pkg:`"))) };
        let Some((kind, _)) = body.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            return Err(wrong(format!("`{text}` names no package: write pkg:TYPE/NAME")));
        };
        let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
        let (name, version) = match path.rfind('@').filter(|at| path[*at..].len() > 1 && !path[..*at].ends_with('/')) {
            Some(at) => (&path[..at], Some(&path[at + 1..]).filter(|version| *version != "*")),
            None => (path, None),
        };
        if version.is_some() && range.is_some() {
            return Err(wrong("it has an exact version and a range: leave one out".to_owned()));
        }
        let unpacked = |version: &str| {
            let purl = format!("pkg:generic/x@{version}").parse::<Purl>().map_err(|error| wrong(error.to_string()))?;
            Ok(purl.version().unwrap_or_default().to_owned())
        };
        let ecosystem = Ecosystem::from_type(kind);
        Ok(Self {
            name: Name::parse(name).map_err(wrong)?,
            version: version.map(unpacked).transpose()?,
            range: range.map(|range| Range::parse(range, ecosystem)).transpose().map_err(PatternError::Range)?,
            qualifiers: qualifiers_of(qualifiers).map_err(wrong)?,
        })
    }

    /// The one name that it fits, if it is no glob.
    #[must_use]
    pub fn exact_name(&self) -> Option<&str> {
        match &self.name {
            Name::Exact(name) => Some(name),
            Name::Glob(_) => None,
        }
    }

    /// The glob of its names, if it is one.
    #[must_use]
    pub fn glob(&self) -> Option<&globset::Glob> {
        match &self.name {
            Name::Exact(_) => None,
            Name::Glob(glob) => Some(glob.glob()),
        }
    }

    /// The one version that it fits, if there is one.
    #[must_use]
    pub fn exact_version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether it names the package, whatever its version and qualifiers.
    #[must_use]
    pub fn names(&self, named: &Named<'_>) -> bool {
        match &self.name {
            Name::Exact(wanted) => *wanted == named.name,
            Name::Glob(glob) => glob.is_match(&named.name),
        }
    }

    /// Where a package stands to it: name, version and qualifiers.
    #[must_use]
    pub fn standing(&self, named: &Named<'_>) -> Standing {
        if self.names(named) && self.qualifiers_fit(named) { self.version_stands(named) } else { Standing::Out }
    }

    /// Where the version alone stands.
    #[must_use]
    pub fn version_stands(&self, named: &Named<'_>) -> Standing {
        match (&self.version, &self.range) {
            (Some(wanted), _) if wanted != named.version && *wanted != named.purl.full_version() => Standing::Out,
            (_, Some(range)) => range.standing(named.version),
            _ => Standing::In,
        }
    }

    fn qualifiers_fit(&self, named: &Named<'_>) -> bool {
        self.qualifiers.iter().all(|(key, wanted)| named.purl.qualifier(key).is_some_and(|value| wanted.is_match(value)))
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, String> {
        let plain = unescaped(text);
        if plain.contains(['*', '[', '{']) {
            return Ok(Self::Glob(glob(&plain)?));
        }
        let canonical = plain.parse::<Purl>().map_err(|error| error.to_string())?;
        Ok(Self::Exact(unescaped(canonical.without_version())))
    }
}

fn qualifiers_of(text: &str) -> Result<BTreeMap<String, GlobMatcher>, String> {
    let one = |part: &str| {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is no qualifier: write key=value"))?;
        Ok((key.to_ascii_lowercase(), glob(&value.replace("%3A", ":").replace("%2F", "/"))?))
    };
    text.split('&').filter(|part| !part.is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(pattern: &str, range: Option<&str>, purl: &str) -> Standing {
        let purl: Purl = purl.parse().unwrap();
        Pattern::parse(pattern, range).unwrap().standing(&Named::purl(&purl))
    }

    #[test]
    fn patterns_fit_names_versions_ranges_and_qualifiers() {
        use Standing::{In, Out, Unsure};
        for (pattern, range, purl, expected) in [
            ("pkg:npm/lodash", None, "pkg:npm/lodash@4.0.0", In),
            ("pkg:npm/lodash@4.0.0", None, "pkg:npm/lodash@4.0.0", In),
            ("pkg:npm/lodash@4.0.0", None, "pkg:npm/lodash@4.0.1", Out),
            ("pkg:npm/*", None, "pkg:npm/lodash@4.0.0", In),
            ("pkg:npm/*", None, "pkg:npm/@scope/x@1.0.0", Out),
            ("pkg:npm/**", None, "pkg:npm/@scope/x@1.0.0", In),
            ("pkg:npm/@scope/*", None, "pkg:npm/%40scope/x@1.0.0", In),
            ("pkg:npm/%40scope/x", None, "pkg:npm/%40scope/x@1.0.0", In),
            ("pkg:pypi/Foo_Bar", None, "pkg:pypi/foo-bar@1", In),
            ("pkg:npm/lodash", Some(">=4,<5"), "pkg:npm/lodash@4.17.0", In),
            ("pkg:npm/lodash", Some("^4"), "pkg:npm/lodash@5.0.0", Out),
            ("pkg:npm/lodash", Some("<5"), "pkg:npm/lodash@odd", Unsure),
            ("pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u3", None, "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u3?arch=amd64", In),
            ("pkg:deb/debian/openssl?distro=debian-11", None, "pkg:deb/debian/openssl@1?arch=amd64&distro=debian-11", In),
            ("pkg:deb/debian/openssl?distro=debian-12", None, "pkg:deb/debian/openssl@1?arch=amd64&distro=debian-11", Out),
            ("pkg:rpm/**?distro=almalinux-9*", None, "pkg:rpm/almalinux/bash@1?distro=almalinux-9.2", In),
        ] {
            assert_eq!(standing(pattern, range, purl), expected, "{pattern} {range:?} {purl}");
        }
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for (bad, range) in [
            ("lodash", None),
            ("pkg:npm", None),
            ("pkg:npm/a@1", Some("<2")),
            ("pkg:npm/a", Some("lots")),
            ("pkg:npm/a", Some("<")),
            ("pkg:npm/[", None),
            ("pkg:npm/a?b", None),
        ] {
            assert!(Pattern::parse(bad, range).is_err(), "{bad}");
        }
    }
}
