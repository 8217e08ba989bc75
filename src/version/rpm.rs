//! RPM's epoch:version-release order (rpmvercmp), by the `rpm-version` crate.

use rpm_version::Evr;
use std::cmp::Ordering;

/// Compares two EVRs; nothing if either is empty. A missing epoch is 0.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let valid = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    (valid(a) && valid(b)).then(|| Evr::parse(a).cmp(&Evr::parse(b)))
}

/// The upstream version inside an EVR.
#[must_use]
pub fn upstream(evr: &str) -> &str {
    let evr = evr.split_once(':').map_or(evr, |(_, rest)| rest);
    evr.rsplit_once('-').map_or(evr, |(version, _)| version)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_is_that_of_the_tool_itself() {
        crate::version::table::check(include_str!("../../tests/orderings/rpm.txt"), super::compare);
    }

    #[test]
    fn order() {
        crate::version::table::check(
            "1.0~rc1-1 < 1.0-1 < 1.0^git1-1 < 1.0.1-1 < 1.1-1.el8 < 1.1-1.el8_2 < 1.1-2.el8 < 1:0.9-1
             0:1.0-1 = 1.0-1",
            super::compare,
        );
    }
}
