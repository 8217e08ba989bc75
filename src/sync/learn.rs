//! Reduces a record's references and description to evidence: one pair of bits per world, and the package
//! names that its references link to. Descriptions are read here, at sync time, and never during a check.

use crate::facts::{World, worlds};
use crate::model::purl::Ecosystem;
use aho_corasick::{AhoCorasick, MatchKind};

/// Finds the worlds that a record speaks of.
pub struct Learner {
    addresses: AhoCorasick,
    address_worlds: Vec<usize>,
    words: AhoCorasick,
    word_worlds: Vec<usize>,
    extensions: AhoCorasick,
    extension_worlds: Vec<usize>,
    names: AhoCorasick,
    name_worlds: Vec<usize>,
}

impl Learner {
    /// A learner over `data/worlds.toml`.
    ///
    /// # Errors
    /// When the patterns do not compile.
    pub fn new() -> Result<Self, String> {
        let (addresses, address_worlds) = automaton(|world| &world.references)?;
        let (words, word_worlds) = automaton(|world| &world.words)?;
        let (extensions, extension_worlds) = automaton(|world| &world.extensions)?;
        let (names, name_worlds) = automaton(|world| &world.names)?;
        Ok(Self { addresses, address_worlds, words, word_worlds, extensions, extension_worlds, names, name_worlds })
    }

    /// Bit `2 n`: a reference leads into world `n`; bit `2 n + 1`: the description uses its words.
    pub fn signals<'a>(&self, description: &str, addresses: impl Iterator<Item = &'a str>) -> i64 {
        let mut bits = 0;
        for address in addresses {
            for found in self.addresses.find_overlapping_iter(address) {
                bits |= 1 << (2 * self.address_worlds[found.pattern()]);
            }
            // A page's own ending (`show_bug.cgi`) tells of the server; a file in a repository tells of the project.
            if ["/blob/", "/tree/", "/src/"].iter().any(|part| address.contains(part)) {
                bits |= self.extension_bits(address);
            }
        }
        bits |= self.extension_bits(description);
        let bytes = description.as_bytes();
        for found in self.words.find_overlapping_iter(description) {
            let part_of_word = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            // `node.js` must not make `node` a word of its own, nor `go-lang` make `go` one.
            let glued = |at: usize| matches!(bytes.get(at), Some(b'.' | b'-')) && part_of_word(bytes.get(at + 1));
            if !part_of_word(before) && !part_of_word(bytes.get(found.end())) && !glued(found.end()) {
                bits |= 2 << (2 * self.word_worlds[found.pattern()]);
            }
        }
        bits
    }

    /// File names such as `core/memmap.py` tell what a project is written in.
    fn extension_bits(&self, text: &str) -> i64 {
        let bytes = text.as_bytes();
        let word = |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'.'));
        let named = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let whole = |end: usize| !word(bytes.get(end)) || (bytes.get(end) == Some(&b'.') && !word(bytes.get(end + 1)));
        let found = self.extensions.find_overlapping_iter(text).filter(|found| named(found.start()) && whole(found.end()));
        // `Node.js` and its like are names, not files.
        let file = found.filter(|found| !text[..found.start()].to_ascii_lowercase().ends_with("node"));
        file.fold(0, |bits, found| bits | 2 << (2 * self.extension_worlds[found.pattern()]))
    }

    /// The packages that an address names, as ecosystem and canonical name.
    pub fn links(&self, address: &str, out: &mut Vec<(&'static str, String)>) {
        for found in self.names.find_overlapping_iter(address) {
            let Some(ecosystem) = worlds()[self.name_worlds[found.pattern()]].ecosystem() else { continue };
            if let Some(name) = package_name(ecosystem, &address[found.end()..]) {
                let link = (ecosystem.name(), name);
                if !out.contains(&link) {
                    out.push(link);
                }
            }
        }
    }
}

fn automaton(patterns: impl Fn(&'static World) -> &'static Vec<String>) -> Result<(AhoCorasick, Vec<usize>), String> {
    let placed: Vec<(usize, &String)> =
        worlds().iter().enumerate().flat_map(|(at, world)| patterns(world).iter().map(move |text| (at, text))).collect();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(placed.iter().map(|(_, text)| text.as_bytes()))
        .map_err(|error| error.to_string())?;
    Ok((automaton, placed.into_iter().map(|(at, _)| at).collect()))
}

/// The name at the head of an address's rest.
fn package_name(ecosystem: Ecosystem, rest: &str) -> Option<String> {
    let rest = rest.replace("%40", "@").replace("%2F", "/").replace("%2f", "/");
    let cut = |text: &str| text.split(['/', '?', '#', ':', '&', ')']).next().unwrap_or_default().to_owned();
    let name = match rest.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, rest)) if ecosystem == Ecosystem::Npm => format!("@{scope}/{}", cut(rest)),
        _ => cut(&rest),
    };
    let valid = !name.is_empty() && name.len() <= 214 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"@/._-".contains(&b));
    valid.then(|| canonical(ecosystem, &name))
}

/// The name as its registry compares it: PEP 503 for Python, lower case elsewhere.
fn canonical(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::Pypi => crate::model::cpe::name_key(name),
        _ => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bit(world: &str) -> usize {
        2 * worlds().iter().position(|known| known.name == world).unwrap()
    }

    #[test]
    fn references_and_whole_words_count() {
        let learner = Learner::new().unwrap();
        let bits = learner.signals("A flaw in the Foo crate for Rusty boats", ["https://www.npmjs.com/advisories/1"].into_iter());
        assert!(bits >> bit("npm") & 1 == 1 && bits >> (bit("cargo") + 1) & 1 == 1);
        assert_eq!(learner.signals("Rusty trust in nodeless, jsnode", std::iter::empty()), 0);
        let bits = learner.signals("The foo module for Node.js allows", std::iter::empty());
        assert_eq!(bits >> (bit("npm") + 1) & 1, 1);
    }

    #[test]
    fn links_name_packages() {
        let learner = Learner::new().unwrap();
        let mut out = Vec::new();
        for address in [
            "https://www.npmjs.com/package/@scope/name/v/1.0",
            "https://snyk.io/vuln/npm:hawk:20160119",
            "https://pypi.org/project/Foo_Bar.baz/#history",
            "https://crates.io/crates/smallvec",
            "https://www.npmjs.com/package/",
            "https://example.test/package/x",
        ] {
            learner.links(address, &mut out);
        }
        let expected = [("npm", "@scope/name"), ("npm", "hawk"), ("pypi", "foo-bar-baz"), ("cargo", "smallvec")];
        assert_eq!(out, expected.map(|(e, n)| (e, n.to_owned())));
    }
}
