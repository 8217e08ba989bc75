//! PEP 440 order for Python packages; `pep440_rs` for the order only (its specifiers are not used).

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
