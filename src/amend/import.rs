//! Other tools' files of suppressions and lists, taken over as rules; what cannot be said in a rule is listed, never dropped.

use super::edit::Lines;
use crate::decide::rule::Kind;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {}

/// What was taken over.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The rules.
    pub rules: Vec<(Kind, Lines)>,
    /// What could not be, with its place.
    pub left: Vec<String>,
}

impl Format {
    /// The format of a file, by its name and content.
    #[must_use]
    pub fn detect(_path: &str, _text: &str) -> Option<Self> {
        None
    }

    /// Their names, for people.
    #[must_use]
    pub fn names() -> &'static str {
        ""
    }
}

/// Reads a file.
///
/// # Errors
/// When it is not of the format.
pub fn read(_format: Format, _text: &str) -> Result<Imported, String> {
    Ok(Imported::default())
}

impl Imported {
    /// The rules of a kind.
    #[must_use]
    pub fn lines(&self, kind: Kind) -> Vec<Lines> {
        self.rules.iter().filter(|(one, _)| *one == kind).map(|(_, lines)| lines.clone()).collect()
    }

    /// As a policy file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        String::new()
    }
}
