//! Semantic Versioning 2.0.0 precedence (clause 11) for npm and cargo.
//!
//! Versions of packages are strict; the ends that the NVD and advisories write are often short (`4.17`), so
//! missing parts read as zero. Build metadata does not count.

use ::semver::Version;
use std::cmp::Ordering;

/// Compares two versions by precedence; nothing if either is not a semantic version.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp_precedence(&parse(b)?))
}

/// Reads a version: a leading `v` or `=` is dropped, missing minor and patch are zero.
#[must_use]
pub fn parse(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', 'V', '=']).trim_start();
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut parts = core.split('.').collect::<Vec<_>>();
    if parts.len() > 3 || parts.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    parts.resize(3, "0");
    let numbers: Vec<String> = parts.iter().map(|part| part.parse::<u64>().ok().map(|n| n.to_string())).collect::<Option<_>>()?;
    Version::parse(&format!("{}{rest}", numbers.join("."))).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn precedence() {
        crate::version::table::check(
            "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0
             1.2.3 = 1.2.3+build = v1.2.3 = =1.2.3
             4.17 = 4.17.0 < 4.17.1 < 4.100
             1 = 1.0 = 1.0.0
             01.2.3 = 1.2.3 < 1.10.0",
            super::compare,
        );
        for bad in ["", "not.a.version", "1.2.3.4", "1..2", "1.0.2k", "99999999999999999999.0.0"] {
            assert_eq!(super::compare(bad, "1.0.0"), None, "{bad}");
        }
    }
}
