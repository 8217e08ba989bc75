//! PEP 440 order for Python packages; `pep440_rs` for the order only (its specifiers are not used).

use super::range::Sign;
use pep440_rs::Version;
use std::cmp::Ordering;
use std::str::FromStr;

/// Compares two versions; nothing if either is not a PEP 440 version.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp(&parse(b)?))
}

/// Reads a version.
#[must_use]
pub fn parse(text: &str) -> Option<Version> {
    Version::from_str(text.trim()).ok()
}

/// Whether a version stands as told to the end of a specifier (PEP 440, "Version specifiers"): a local label counts only where the end has
/// one; `<` leaves out pre-releases of its own version, `>` its post-releases.
#[must_use]
pub fn holds(version: &str, sign: Sign, end: &str) -> Option<bool> {
    let (mut version, end) = (parse(version)?, parse(end)?);
    if end.local().is_empty() {
        version = version.without_local();
    }
    let same_release = version.clone().only_release() == end.clone().only_release();
    Some(match sign {
        Sign::Equal => version == end,
        Sign::NotEqual => version != end,
        Sign::LessEqual => version <= end,
        Sign::GreaterEqual => version >= end,
        Sign::Less => version < end && !(same_release && version.any_prerelease() && !end.any_prerelease()),
        Sign::Greater => version > end && (!same_release || !version.is_post() || end.is_post() || end.any_prerelease()),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn order() {
        crate::version::table::check(
            "1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0b2 < 1.0rc1 < 1.0 = 1.0.0 < 1.0+local < 1.0.post1 < 1.1 < 1!0.1
             2.0.0-rc1 = 2.0rc1 < 2.0
             1.10 = v1.10 < 1.11",
            super::compare,
        );
        assert_eq!(super::compare("2004d-x", "1"), None);
    }
}
