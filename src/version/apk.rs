//! Alpine package versions, written from the format's description in apk-package(5):
//! `digits(.digits)*[letter](_suffix[digits])*[~hash][-r digits]`.

use std::cmp::Ordering;

const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

#[derive(Debug)]
struct Version<'a> {
    numbers: Vec<&'a str>,
    letter: Option<u8>,
    suffixes: Vec<(i8, u64)>,
    revision: u64,
}

/// Compares two versions; nothing if either does not follow the format.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(order(&parse(a)?, &parse(b)?))
}

/// The upstream version: no revision.
#[must_use]
pub fn upstream(version: &str) -> &str {
    version.rsplit_once("-r").map_or(version, |(upstream, _)| upstream)
}

fn parse(text: &str) -> Option<Version<'_>> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (text, revision) = match text.rsplit_once("-r") {
        Some((rest, number)) if digits(number) => (rest, number.parse().ok()?),
        _ => (text, 0),
    };
    let text = text.split_once('~').map_or(text, |(version, _)| version);
    let mut parts = text.split('_');
    let mut core = parts.next()?;
    let letter = core.bytes().last().filter(u8::is_ascii_lowercase);
    if letter.is_some() {
        core = &core[..core.len() - 1];
    }
    let numbers: Vec<&str> = core.split('.').collect();
    if !numbers.iter().all(|part| digits(part)) {
        return None;
    }
    let suffixes = parts.map(parse_suffix).collect::<Option<_>>()?;
    Some(Version { numbers, letter, suffixes, revision })
}

fn parse_suffix(part: &str) -> Option<(i8, u64)> {
    let end = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
    let (word, number) = part.split_at(end);
    let place = |list: &[&str]| list.iter().position(|known| *known == word).and_then(|at| i8::try_from(at).ok());
    let rank = place(&BEFORE).map(|at| at - 4).or_else(|| place(&AFTER).map(|at| at + 1))?;
    Some((rank, if number.is_empty() { 0 } else { number.parse().ok()? }))
}

fn order(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    compare_numbers(&a.numbers, &b.numbers)
        .then_with(|| a.letter.cmp(&b.letter))
        .then_with(|| compare_suffixes(&a.suffixes, &b.suffixes))
        .then_with(|| a.revision.cmp(&b.revision))
}

/// The first number compares by value; a later one that starts with 0 compares as text, like a fraction.
fn compare_numbers(a: &[&str], b: &[&str]) -> Ordering {
    for (at, (left, right)) in a.iter().zip(b).enumerate() {
        let fraction = at > 0 && (left.starts_with('0') || right.starts_with('0'));
        let found = if fraction { left.cmp(right) } else { by_value(left, right) };
        if found.is_ne() {
            return found;
        }
    }
    a.len().cmp(&b.len())
}

fn by_value(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn compare_suffixes(a: &[(i8, u64)], b: &[(i8, u64)]) -> Ordering {
    for at in 0..a.len().max(b.len()) {
        let of = |list: &[(i8, u64)]| list.get(at).copied().unwrap_or((0, 0));
        let found = of(a).cmp(&of(b));
        if found.is_ne() {
            return found;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_is_that_of_the_tool_itself() {
        crate::version::table::check(include_str!("../../tests/orderings/apk.txt"), super::compare);
    }

    #[test]
    fn order() {
        crate::version::table::check(
            "1.0_alpha < 1.0_alpha2 < 1.0_beta < 1.0_pre1 < 1.0_rc1 < 1.0 < 1.0-r1 < 1.0-r10 < 1.0_git20200101 < 1.0_p1 < 1.0_p2 < 1.0a < 1.0.1
             2.34.0-r5 < 2.34.1-r0
             1.2 < 1.10
             1.01 < 1.1
             9 < 10 < 11.0",
            super::compare,
        );
        for bad in ["", "1.0_zeta", "a", "1..2", "1.0B"] {
            assert_eq!(super::compare(bad, "1"), None, "{bad}");
        }
    }
}
