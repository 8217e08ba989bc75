//! The packages that a description names: what it calls a package, gives a version to, begins with or quotes.
//!
//! Of a record without configurations that is good for leads only: prose is no evidence. Of one with a configuration,
//! `subject` asks more.

use crate::model::cpe::name_key;

/// What the word after a name calls it: `the foo package`.
const KINDS: [&str; 9] = ["package", "packages", "module", "library", "crate", "middleware", "sdk", "framework", "gem"];
/// What follows a name that a version is said of: `foo before 1.2`.
const BOUNDS: [&str; 9] = ["before", "prior", "through", "version", "versions", "up", "until", "<", "<="];
/// Words that stand where a name could and are none.
const NO_NAMES: [&str; 42] = [
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "in",
    "of",
    "on",
    "at",
    "and",
    "or",
    "to",
    "is",
    "was",
    "all",
    "any",
    "its",
    "some",
    "for",
    "from",
    "by",
    "with",
    "fixed",
    "patched",
    "affected",
    "affects",
    "versions",
    "version",
    "issue",
    "vulnerability",
    "package",
    "library",
    "module",
    "crate",
    "npm",
    "python",
    "rust",
    "node",
    "javascript",
    "java",
    "users",
];

/// A name in a description, and how firmly the text makes it the thing that it is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// As a `name_key`.
    pub key: String,
    /// It is called a package (`the foo crate`), or the text begins with it (`foo is`).
    pub called: bool,
    /// The version that it is said to be affected before or through.
    pub bound: Option<&'a str>,
}

/// The names in a description, in its order.
pub fn named(description: &str) -> Vec<Named<'_>> {
    let words: Vec<Word<'_>> = description.split_whitespace().map(Word::of).collect();
    let at = |index: Option<usize>| index.and_then(|index| words.get(index)).map(|word| word.text.to_ascii_lowercase()).unwrap_or_default();
    let begins = words.iter().position(|word| !["a", "an", "the", "in"].contains(&word.text.to_ascii_lowercase().as_str()));
    let name = |(index, word): (usize, &Word<'_>)| {
        let (before, after) = (at(index.checked_sub(1)), if word.ends { String::new() } else { at(Some(index + 1)) });
        let numbered = after.strip_prefix('v').unwrap_or(&after).starts_with(|c: char| c.is_ascii_digit());
        let first = begins == Some(index) && (after == "is" || after == "allows" || after == "contains");
        let follows = ["package", "crate"].contains(&before.as_str()) && !index.checked_sub(1).is_some_and(|i| words[i].ends);
        let kind = KINDS.contains(&after.as_str());
        let called = first || follows || kind;
        let speaks = word.quoted || called || numbered || BOUNDS.contains(&after.as_str());
        let rest = words.get(index + 1 + usize::from(kind)..).filter(|_| !word.ends).unwrap_or_default();
        (speaks && word.can_name()).then(|| Named { key: name_key(word.text), called, bound: bound(rest) })
    };
    words.iter().enumerate().filter_map(name).collect()
}

/// The names alone, each once.
pub fn names(description: &str) -> Vec<String> {
    let mut names = Vec::new();
    for name in named(description) {
        if !names.contains(&name.key) {
            names.push(name.key);
        }
    }
    names
}

/// The version in `before 1.2`, `prior to version 1.2` and their like.
fn bound<'a>(words: &[Word<'a>]) -> Option<&'a str> {
    let leads = words.iter().take_while(|word| word.text == "to" || BOUNDS.contains(&word.text)).count();
    let version = words.get(leads).filter(|_| leads > 0)?.text;
    let bare = version.strip_prefix('v').unwrap_or(version);
    bare.starts_with(|c: char| c.is_ascii_digit()).then_some(bare)
}

struct Word<'a> {
    text: &'a str,
    /// In back-ticks or quotation marks.
    quoted: bool,
    /// A comma, bracket or full stop follows.
    ends: bool,
}

impl<'a> Word<'a> {
    fn of(raw: &'a str) -> Self {
        let marks = |c: char| "`\"'“”‘’".contains(c);
        let stops = |c: char| ",;:.!?()[]{}".contains(c);
        let bare = raw.trim_matches(stops);
        let text = bare.trim_matches(marks).trim_matches(stops);
        Self { text, quoted: text.len() < bare.len() && bare.starts_with(marks), ends: raw.ends_with(stops) }
    }

    fn can_name(&self) -> bool {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"@/._-".contains(&b);
        (2..=64).contains(&self.text.len())
            && self.text.bytes().all(valid)
            && self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@')
            && !BOUNDS.contains(&self.text)
            && !NO_NAMES.contains(&self.text.to_ascii_lowercase().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_package_or_given_a_version_is_a_name() {
        assert_eq!(names("The Foo_Bar package before 1.2.3 for Python allows XSS."), ["foo-bar"]);
        assert_eq!(names("A flaw in the npm package @acme/thing, and in `left.pad`."), ["@acme/thing", "left-pad"]);
        assert_eq!(names("smallthing is a parser. Versions prior to 2.0 hang."), ["smallthing"]);
        assert_eq!(names("In libfoo 1.0 through 1.4, a crash"), ["libfoo"]);
        let firm = named("The foo-types crate before 0.8.0 for Rust");
        assert_eq!(firm, [Named { key: "foo-types".to_owned(), called: true, bound: Some("0.8.0") }]);
        assert!(names("An issue was found in the way that all versions of this module handle paths.").is_empty());
    }
}
