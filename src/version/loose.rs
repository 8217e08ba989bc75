//! The NVD's free-form versions: numbers, letters, words, brackets (`1.0.2k`, `8.2p1`, `12.2(33)sxi4`,
//! `2.0-rc1`, `r99`).
//!
//! A version is cut into numbers and words. Numbers compare by value; a missing number is zero; a word that
//! announces a release (`alpha`, `beta`, `pre`, `rc`, `dev`, `snapshot`) comes before the end, any other
//! word after it, and a number comes after a word. A text without a digit is no version.

use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Number(&'a str),
    Word(String),
}

/// Words that announce a release, in their order; `m` is a milestone.
const BEFORE: [(&str, u8); 14] = [
    ("dev", 0),
    ("snapshot", 0),
    ("nightly", 0),
    ("alpha", 1),
    ("a", 1),
    ("beta", 2),
    ("b", 2),
    ("milestone", 3),
    ("m", 3),
    ("pre", 4),
    ("preview", 4),
    ("rc", 5),
    ("cr", 5),
    ("candidate", 5),
];

/// Words that say only that this is the release itself.
const NOISE: [&str; 4] = ["final", "ga", "release", "stable"];

/// Compares two versions; nothing if either has no digit.
#[must_use]
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (tokens(a)?, tokens(b)?);
    let mut separated = false;
    for at in 0..a.len().max(b.len()) {
        let found = compare_at(a.get(at), b.get(at), separated);
        if found.is_ne() {
            return Some(found);
        }
        separated = matches!(a.get(at), Some((Token::Word(_), _)));
    }
    Some(Ordering::Equal)
}

/// Whether the text has the shape of a version.
#[must_use]
pub fn parses(text: &str) -> bool {
    tokens(text).is_some()
}

type Placed<'a> = (Token<'a>, bool);

/// Numbers and words; the flag says that a separator (not a dot) stood before.
fn tokens(text: &str) -> Option<Vec<Placed<'_>>> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let mut out: Vec<Placed<'_>> = Vec::with_capacity(6);
    let bytes = text.as_bytes();
    let (mut at, mut separator) = (0, false);
    while at < bytes.len() {
        let start = at;
        let kind = |b: u8| (b.is_ascii_digit(), b.is_ascii_alphabetic());
        match kind(bytes[at]) {
            (true, _) => {
                while at < bytes.len() && bytes[at].is_ascii_digit() {
                    at += 1;
                }
                out.push((Token::Number(text[start..at].trim_start_matches('0')), separator));
                separator = false;
            }
            (_, true) => {
                while at < bytes.len() && bytes[at].is_ascii_alphabetic() {
                    at += 1;
                }
                let word = text[start..at].to_ascii_lowercase();
                if !NOISE.contains(&word.as_str()) {
                    out.push((Token::Word(word), separator));
                }
                separator = false;
            }
            _ => {
                separator |= bytes[at] != b'.';
                at += 1;
            }
        }
    }
    // `r99` and `build 12` have digits; `not.a.version` has none.
    out.iter().any(|(token, _)| matches!(token, Token::Number(_))).then_some(out)
}

fn compare_at(a: Option<&Placed<'_>>, b: Option<&Placed<'_>>, after_word: bool) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (Some((a, _)), Some((b, _))) => compare_tokens(a, b),
        (Some((token, separated)), None) => against_end(token, *separated, after_word),
        (None, Some((token, separated))) => against_end(token, *separated, after_word).reverse(),
    }
}

/// How a version that goes on compares with one that has ended.
fn against_end(token: &Token<'_>, separated: bool, after_word: bool) -> Ordering {
    match token {
        Token::Number("") if !after_word => Ordering::Equal,
        Token::Number(_) => Ordering::Greater,
        Token::Word(word) if announces(word, separated).is_some() => Ordering::Less,
        Token::Word(_) => Ordering::Greater,
    }
}

/// A single letter straight after a number is a patch level (`1.0.2b`), not a beta.
fn announces(word: &str, separated: bool) -> Option<u8> {
    BEFORE.iter().find(|(known, _)| *known == word && (separated || word.len() > 1)).map(|(_, rank)| *rank)
}

fn compare_tokens(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    match (a, b) {
        (Token::Number(a), Token::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Token::Number(_), Token::Word(_)) => Ordering::Greater,
        (Token::Word(_), Token::Number(_)) => Ordering::Less,
        (Token::Word(a), Token::Word(b)) => match (announces(a, true), announces(b, true)) {
            (Some(x), Some(y)) if a.len() > 1 || b.len() > 1 => x.cmp(&y),
            (Some(_), None) if a.len() > 1 => Ordering::Less,
            (None, Some(_)) if b.len() > 1 => Ordering::Greater,
            _ => a.cmp(b),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_nvds_daily_bread() {
        crate::version::table::check(
            "1.0.2 < 1.0.2a < 1.0.2b < 1.0.2k < 1.0.2za < 1.0.3
             8.2 < 8.2p1 < 8.2p2 < 8.3
             1.0-alpha < 1.0-beta < 1.0-beta2 < 1.0-rc1 < 1.0-rc2 < 1.0-rc10 < 1.0
             1.0 = 1.0.0 = v1.0 = 1.0-final < 1.0.1
             12.2(33)sxi4 < 12.2(33)sxi10 < 12.2(34)
             r99 < r100
             2.0.dev1 < 2.0
             2004 < 2004-05 < 2005
             9 < 10
             1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0
             1.5_07 < 1.5_08
             2.3.0-snapshot < 2.3.0",
            compare,
        );
        for bad in ["", "not.a.version", "latest", "---"] {
            assert_eq!(compare(bad, "1.0"), None, "{bad}");
            assert!(!parses(bad));
        }
    }

    proptest! {
        #[test]
        fn comparing_is_antisymmetric(a in "[0-9a-c.()-]{1,8}", b in "[0-9a-c.()-]{1,8}") {
            if let (Some(x), Some(y)) = (compare(&a, &b), compare(&b, &a)) { prop_assert_eq!(x, y.reverse()); }
        }

        #[test]
        fn anything_goes_in_without_a_panic(a in ".{0,24}", b in ".{0,24}") {
            let _ = compare(&a, &b);
            for order in [super::super::VersionOrder::Semver, super::super::VersionOrder::Pep440, super::super::VersionOrder::Dpkg, super::super::VersionOrder::Rpm, super::super::VersionOrder::Apk] {
                let _ = order.compare(&a, &b);
            }
        }
    }
}
