//! Debian version order (deb-version(7)). The comparing crate panics on non-ASCII text, so that is refused
//! first, as dpkg itself does.

use std::cmp::Ordering;

/// Compares two versions; nothing if either has characters or an epoch that dpkg refuses.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    (is_valid(a) && is_valid(b)).then(|| deb_version::compare_versions(a, b))
}

/// The upstream version inside a Debian version: no epoch, no revision.
#[must_use]
pub fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

fn is_valid(version: &str) -> bool {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    !epoch.is_empty()
        && epoch.len() <= 9
        && epoch.bytes().all(|b| b.is_ascii_digit())
        && !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-~:".contains(&b))
        && rest.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_is_that_of_the_tool_itself() {
        crate::version::table::check(include_str!("../../tests/orderings/dpkg.txt"), super::compare);
    }

    #[test]
    fn order() {
        crate::version::table::check(
            "1.0~rc1 < 1.0 < 1.0-0ubuntu1 < 1.0-1 < 1.0-1+deb11u1 < 1.0-1.1 < 1.0-2 < 1.0a-1 < 1.0+dfsg-1 < 1.1-1 < 1:0.1-1
             2.9.10+dfsg-6.7+deb11u1 < 2.9.10+dfsg-6.7+deb11u2 < 2.9.10+dfsg-6.7+deb11u10
             1.0 = 1.0-0 = 0:1.0",
            super::compare,
        );
        for bad in ["", "1.0-é", "a:1", ":1", "abc"] {
            assert_eq!(super::compare(bad, "1"), None, "{bad}");
        }
        assert_eq!(super::upstream("1:2.3-4-5"), "2.3-4");
    }
}
