//! From bytes to text, and from byte offsets to lines and columns, resolved once per file.

use super::Blemish;

/// A file's text, with what had to be replaced to make it one.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The first place that is not valid text.
    pub broken: Option<Blemish>,
}

/// Decodes UTF-8, and UTF-16 where a byte order mark says so (a redirection in some shells writes that).
#[must_use]
pub fn decode(bytes: Vec<u8>) -> Decoded {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        let text = String::from_utf16_lossy(&units);
        let broken = text.find('\u{fffd}').map(|at| Blemish::at(at, "it is not valid UTF-16 here"));
        Decoded { text, broken }
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return wide(u16::from_le_bytes),
        Some([0xfe, 0xff]) => return wide(u16::from_be_bytes),
        _ => {}
    }
    let bytes = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { bytes[3..].to_vec() } else { bytes };
    match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, broken: None },
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let broken = Some(Blemish::at(at, "it is not valid UTF-8 here: what stands there was read with replacement characters"));
            Decoded { text: String::from_utf8_lossy(error.as_bytes()).into_owned(), broken }
        }
    }
}

/// What makes a text no lockfile of any format: binary content, or a merge that was not finished.
///
/// # Errors
/// The first such place.
pub fn reject_spoiled(text: &str) -> Result<(), Blemish> {
    if let Some(at) = text.bytes().position(|b| b == 0) {
        return Err(Blemish::at(at, "this is a binary file, or a damaged one: a zero byte stands here"));
    }
    let mark = if text.starts_with("<<<<<<< ") { Some(0) } else { text.find("\n<<<<<<< ").map(|at| at + 1) };
    mark.map_or(Ok(()), |at| Err(Blemish::at(at, "it has merge conflict marks: resolve the conflict and lock again")))
}

/// The starts of a text's lines.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Line and column of an offset, both from 1; the column counts characters.
    #[must_use]
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        // Far into an endless line the exact column helps nobody; counting stops there.
        let column = self.text.get(start..offset).map_or(offset - start, |text| text.chars().take(100_000).count());
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX))
    }
}

/// The offset of a line and column as serde's errors give them (both from 1, the column in bytes).
#[must_use]
pub fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (start + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_encoding_gives_the_same_text() {
        for bytes in [&b"a==1\n"[..], b"\xef\xbb\xbfa==1\n", b"\xff\xfea\0=\0=\x001\0\n\0", b"\xfe\xff\0a\0=\0=\x001\0\n"] {
            let decoded = decode(bytes.to_vec());
            assert_eq!((decoded.text.as_str(), decoded.broken), ("a==1\n", None));
        }
        assert_eq!(decode(b"ab\xffc".to_vec()).broken.unwrap().offset, 2);
        assert!(reject_spoiled("a\n<<<<<<< HEAD\n").is_err() && reject_spoiled("a\0").is_err() && reject_spoiled("a <<<<<<< b").is_ok());
    }

    #[test]
    fn places_count_from_one_and_in_characters() {
        let lines = Lines::of("ab\ncäd\n");
        assert_eq!(lines.place(0), (1, 1));
        assert_eq!(lines.place(3), (2, 1));
        assert_eq!(lines.place(6), (2, 3));
        assert_eq!(lines.place(999), (3, 1));
        assert_eq!(offset_of("ab\ncd", 2, 2), 4);
    }
}
