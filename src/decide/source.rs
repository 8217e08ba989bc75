//! The text of one policy file, and the places in it.

use crate::diag::Diagnostic;
use crate::model::package::Location;

/// A policy file's text and path, with an index of its lines.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// As the user would write it.
    pub path: &'a str,
    /// What it says.
    pub text: &'a str,
    lines: &'a [usize],
}

/// The offsets at which lines start.
#[must_use]
pub fn lines(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

impl<'a> Source<'a> {
    /// A text with the starts of its lines.
    #[must_use]
    pub fn new(path: &'a str, text: &'a str, lines: &'a [usize]) -> Self {
        Self { path, text, lines }
    }

    /// The place of a byte.
    #[must_use]
    pub fn location(&self, offset: usize) -> Location {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |text| text.chars().count()) + 1;
        Location { line: u32::try_from(line).ok(), column: u32::try_from(column).ok(), ..Location::file(self.path) }
    }

    /// A mistake at a byte.
    #[must_use]
    pub fn wrong(&self, offset: usize, message: impl Into<String>, help: Option<&str>) -> Box<Diagnostic> {
        Box::new(Diagnostic::at(self.path, self.text, offset, message.into(), help.map(str::to_owned)))
    }
}
