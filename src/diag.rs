//! Diagnostics: something to act on, with the place it stands in, an excerpt and help.

use std::fmt;

/// One diagnostic. The excerpt is taken when it is made, so that rendering needs no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// The file.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The line itself, cropped.
    pub excerpt: String,
    /// What to do.
    pub help: Option<String>,
}

/// The longest part of a line that is shown.
const WIDTH: usize = 100;

impl Diagnostic {
    /// A diagnostic at a byte offset of a text.
    #[must_use]
    pub fn at(path: &str, text: &str, offset: usize, message: String, help: Option<String>) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..start].matches('\n').count() + 1;
        let excerpt: String = text[start..].lines().next().unwrap_or_default().chars().take(WIDTH).collect();
        let column = text[start..offset].chars().count() + 1;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { message, path: path.to_owned(), line: number(line), column: number(column), excerpt, help }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  --> {}:{}:{}\n   |\n{:>3}| {}\n   |", self.message, self.path, self.line, self.column, self.line, self.excerpt)?;
        let column = usize::try_from(self.column).unwrap_or(1);
        if column <= WIDTH {
            write!(f, "{}^", " ".repeat(column))?;
        }
        match &self.help {
            Some(help) => write!(f, "\n   = help: {help}"),
            None => Ok(()),
        }
    }
}

/// The known word nearest to a mistyped one, if it is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|candidate| (distance(word, candidate), candidate)).min()?;
    (near.0 <= 1 + word.chars().count() / 3).then_some(near.1)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = corner + usize::from(left != *right);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_points_at_its_place() {
        let text = "first\n  secnod = 1\n";
        let shown = Diagnostic::at("a.toml", text, 8, "unknown key".into(), Some("did you mean `second`?".into())).to_string();
        assert!(shown.contains("a.toml:2:3") && shown.contains("  2|   secnod = 1") && shown.contains("did you mean"), "{shown}");
        assert_eq!(Diagnostic::at("a", "", 99, String::new(), None).line, 1);
    }

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("reasn", ["reason", "until"]), Some("reason"));
        assert_eq!(nearest("colour", ["reason", "until"]), None);
    }
}
