//! Which packages a rule is about: a purl pattern with an exact version, or a range in the ecosystem's order.

use crate::model::purl::Purl;
use crate::version::VersionOrder;
use globset::{GlobBuilder, GlobMatcher};
use std::cmp::Ordering;

/// A purl pattern. `*` stays within one name or scope, `**` crosses them.
#[derive(Debug, Clone)]
pub struct Pattern {
    name: Name,
    version: Option<String>,
    range: Vec<(Sign, String)>,
}

#[derive(Debug, Clone)]
enum Name {
    Exact(String),
    Glob(GlobMatcher),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

impl Pattern {
    /// Reads `pkg:type/name`, `pkg:type/name@version` or a glob of that form, and an optional range
    /// (`>=1.0,<2`).
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str, range: Option<&str>) -> Result<Self, String> {
        let Some(body) = text.strip_prefix("pkg:") else { return Err(format!("`{text}` is not a purl: it must begin with `pkg:`")) };
        if !body.contains('/') {
            return Err(format!("`{text}` names no package: write pkg:TYPE/NAME"));
        }
        let (name, version) = match text.rfind('@').filter(|at| text[*at..].len() > 1 && !text[..*at].ends_with('/')) {
            Some(at) => (&text[..at], Some(text[at + 1..].to_owned())),
            None => (text, None),
        };
        if version.is_some() && range.is_some() {
            return Err("it has an exact version and a range: leave one out".to_owned());
        }
        let plain = name.replace("%40", "@");
        let name = if plain.contains(['*', '?', '[', '{']) {
            let glob = GlobBuilder::new(&plain).literal_separator(true).build().map_err(|error| format!("`{text}`: {}", error.kind()))?;
            Name::Glob(glob.compile_matcher())
        } else {
            let canonical = plain.parse::<Purl>().map_err(|error| error.to_string())?;
            Name::Exact(canonical.without_version().replace("%40", "@"))
        };
        Ok(Self { name, version: version.filter(|version| version != "*"), range: range.map(parse_range).transpose()?.unwrap_or_default() })
    }

    /// Whether it is surely about this package: a version that cannot be compared is in no range.
    #[must_use]
    pub fn fits(&self, purl: &Purl, version: &str) -> bool {
        self.fits_or(purl, version, false)
    }

    /// Whether it may be about this package: a version that cannot be compared is in every range. For deny rules.
    #[must_use]
    pub fn may_fit(&self, purl: &Purl, version: &str) -> bool {
        self.fits_or(purl, version, true)
    }

    fn fits_or(&self, purl: &Purl, version: &str, incomparable: bool) -> bool {
        let name = purl.without_version().replace("%40", "@");
        let named = match &self.name {
            Name::Exact(wanted) => *wanted == name,
            Name::Glob(glob) => glob.is_match(&name),
        };
        if !named || self.version.as_deref().is_some_and(|wanted| wanted != version) {
            return false;
        }
        let order = VersionOrder::of(purl.ecosystem());
        self.range.iter().all(|(sign, end)| order.compare(version, end).map_or(incomparable, |found| sign.holds(found)))
    }
}

impl Sign {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::LessEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterEqual => found.is_ge(),
            Self::Equal => found.is_eq(),
        }
    }
}

fn parse_range(text: &str) -> Result<Vec<(Sign, String)>, String> {
    const SIGNS: [(&str, Sign); 6] = [
        ("<=", Sign::LessEqual),
        (">=", Sign::GreaterEqual),
        ("==", Sign::Equal),
        ("<", Sign::Less),
        (">", Sign::Greater),
        ("=", Sign::Equal),
    ];
    let part = |part: &str| {
        let part = part.trim();
        let (sign, rest) = SIGNS
            .iter()
            .find_map(|(sign, known)| part.strip_prefix(sign).map(|rest| (*known, rest.trim())))
            .ok_or_else(|| format!("`{part}` is no range end: write `>=1.0,<2`"))?;
        if rest.is_empty() || rest.contains(char::is_whitespace) {
            Err(format!("`{part}` has no version"))
        } else {
            Ok((sign, rest.to_owned()))
        }
    };
    text.split(',').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deny_rule_fails_closed_on_a_version_that_cannot_be_compared() {
        let odd: Purl = "pkg:npm/lodash@odd".parse().unwrap();
        let pattern = Pattern::parse("pkg:npm/lodash", Some("<5")).unwrap();
        assert!(pattern.may_fit(&odd, "odd") && !pattern.fits(&odd, "odd"));
    }

    #[test]
    fn patterns_fit_names_versions_and_ranges() {
        for (pattern, range, purl, expected) in [
            ("pkg:npm/lodash", None, "pkg:npm/lodash@4.0.0", true),
            ("pkg:npm/lodash@4.0.0", None, "pkg:npm/lodash@4.0.0", true),
            ("pkg:npm/lodash@4.0.0", None, "pkg:npm/lodash@4.0.1", false),
            ("pkg:npm/*", None, "pkg:npm/lodash@4.0.0", true),
            ("pkg:npm/*", None, "pkg:npm/@scope/x@1.0.0", false),
            ("pkg:npm/@scope/*", None, "pkg:npm/%40scope/x@1.0.0", true),
            ("pkg:npm/%40scope/x", None, "pkg:npm/%40scope/x@1.0.0", true),
            ("pkg:pypi/Foo_Bar", None, "pkg:pypi/foo-bar@1", true),
            ("pkg:npm/lodash", Some(">=4,<5"), "pkg:npm/lodash@4.17.0", true),
            ("pkg:npm/lodash", Some(">=4,<5"), "pkg:npm/lodash@5.0.0", false),
            ("pkg:npm/lodash", Some("<5"), "pkg:npm/lodash@odd", false),
        ] {
            let purl: Purl = purl.parse().unwrap();
            assert_eq!(
                Pattern::parse(pattern, range).unwrap().fits(&purl, purl.version().unwrap()),
                expected,
                "{pattern} {range:?} {purl}"
            );
        }
        for (bad, range) in [
            ("lodash", None),
            ("pkg:npm", None),
            ("pkg:npm/a@1", Some("<2")),
            ("pkg:npm/a", Some("2")),
            ("pkg:npm/a", Some("<")),
            ("pkg:npm/[", None),
        ] {
            assert!(Pattern::parse(bad, range).is_err(), "{bad}");
        }
    }
}
