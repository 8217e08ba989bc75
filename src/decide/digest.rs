//! Digests as lockfiles write them: Subresource Integrity (`sha512-BASE64`, W3C SRI) and `sha256:HEX`, made comparable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Algorithms with their digests' bytes, and whether a collision can be made.
const ALGORITHMS: [(&str, usize, bool); 5] =
    [("sha512", 64, false), ("sha384", 48, false), ("sha256", 32, false), ("sha1", 20, true), ("md5", 16, true)];

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Lower case, without dashes.
    pub algorithm: String,
    bytes: Vec<u8>,
}

impl Digest {
    /// Reads one digest; nothing where it is none that is known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // What yarn digests is an archive that it packs itself; before the slash is its cache's version.
        if let Some(zip) = text.strip_prefix("yarn-zip-") {
            return Some(Self { algorithm: "yarnzip".to_owned(), bytes: hex(zip.rsplit('/').next()?)? });
        }
        let (algorithm, value) = match text.split_once(':') {
            Some((algorithm, value)) => (algorithm, hex(value)?),
            None => {
                let (algorithm, value) = text.split_once('-')?;
                (algorithm, STANDARD.decode(value.split('?').next()?).ok()?)
            }
        };
        let algorithm = algorithm.to_ascii_lowercase().replace('-', "");
        let known = ALGORITHMS.iter().find(|(name, ..)| *name == algorithm);
        known.is_none_or(|(_, length, _)| *length == value.len()).then_some(Self { algorithm, bytes: value })
    }

    /// Whether others can be made that give the same digest: MD5, SHA-1.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        ALGORITHMS.iter().any(|(name, _, weak)| *weak && *name == self.algorithm)
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() || text.is_empty() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// How digests that a lockfile states stand to those that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// All of a common algorithm are given.
    Same,
    /// One differs; its text.
    Other(String),
    /// The lockfile states none of a common algorithm.
    Nothing,
}

/// Compares. A release of several files has several digests, each of which must be given.
#[must_use]
pub fn compare(stated: &[String], given: &[Digest]) -> Comparison {
    let mut common = false;
    for text in stated {
        let Some(digest) = Digest::parse(text) else { continue };
        if given.contains(&digest) {
            common = true;
        } else if given.iter().any(|other| other.algorithm == digest.algorithm) {
            return Comparison::Other(text.clone());
        }
    }
    if common { Comparison::Same } else { Comparison::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_HEX: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_SRI: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const OTHER: &str = "sha256:03b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn forms_of_one_digest_are_one() {
        let given = [Digest::parse(EMPTY_SRI).unwrap()];
        let text = |text: &str| vec![text.to_owned()];
        assert_eq!(compare(&text(EMPTY_HEX), &given), Comparison::Same);
        assert_eq!(compare(&text(OTHER), &given), Comparison::Other(OTHER.to_owned()));
        assert_eq!(compare(&[text(EMPTY_HEX), text(OTHER)].concat(), &given), Comparison::Other(OTHER.to_owned()));
        assert_eq!(compare(&[], &given), Comparison::Nothing);
        assert_eq!(compare(&text("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="), &given), Comparison::Nothing);
        assert!(Digest::parse("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=").unwrap().is_weak() && !given[0].is_weak());
        for odd in ["", "sha256", "sha256:xyz", "sha256:aa", "sha512-aaaa", "sha256:\u{e9}\u{e9}"] {
            assert!(Digest::parse(odd).is_none(), "{odd}");
        }
    }
}
