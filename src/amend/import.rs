//! Other tools' files of suppressions and lists, taken over as rules; what cannot be said in a rule is listed, never dropped.

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {}

/// What was taken over.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// What could not be, with its place.
    pub left: Vec<String>,
}

impl Format {
    /// The format of a file, by its name and content.
    #[must_use]
    pub fn detect(_path: &str, _text: &str) -> Option<Self> {
        None
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
    /// As a policy file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        String::new()
    }
}
