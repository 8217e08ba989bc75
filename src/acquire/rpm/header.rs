//! The header of an installed rpm package as its database keeps it (RPM package format V4, "Header structure": two counts, an index
//! of sixteen bytes per tag, a store; all numbers big-endian). A header in a database has no magic in front.

use std::ops::Range;

/// Entries of one header at most (rpm's own limit, `HEADER_TAGS_MAX`).
const MOST_TAGS: usize = 0xffff;

/// Tags that are asked for (rpm's `rpmtag.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Tag {
    /// Package name.
    Name = 1000,
    /// Upstream's version.
    Version = 1001,
    /// The distribution's release.
    Release = 1002,
    /// Epoch; absent where it is none.
    Epoch = 1003,
    /// Who built it.
    Vendor = 1011,
    /// Architecture.
    Arch = 1022,
    /// Full paths, in headers of before rpm 4.
    OldFileNames = 1027,
    /// File name of the source package it was built from.
    SourceRpm = 1044,
    /// For each file, the number of its folder.
    DirIndexes = 1116,
    /// For each file, its name.
    BaseNames = 1117,
    /// Folders, each with a `/` at its end.
    DirNames = 1118,
    /// The module it is of: `name:stream:version:context`.
    ModularityLabel = 5096,
}

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const STRING_I18N: u32 = 9;

/// A header over its bytes.
pub struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes the bytes of one header.
    ///
    /// # Errors
    /// When its counts do not agree with its length.
    pub fn over(bytes: &'a [u8]) -> Result<Self, String> {
        let count = number(bytes, 0).ok_or("a header without its counts")? as usize;
        let length = number(bytes, 4).ok_or("a header without its counts")? as usize;
        if count == 0 || count > MOST_TAGS {
            return Err(format!("a header that claims {count} tags"));
        }
        let at = 8 + count * 16;
        let short = || format!("a header that claims {count} tags and {length} bytes of values in {} bytes", bytes.len());
        let end = at.checked_add(length).ok_or_else(short)?;
        Ok(Self { index: bytes.get(8..at).ok_or_else(short)?, store: bytes.get(at..end).ok_or_else(short)? })
    }

    /// A text; the first, where there are several.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag, 1).into_iter().next()
    }

    /// All texts of a tag.
    #[must_use]
    pub fn list(&self, tag: Tag) -> Vec<String> {
        self.texts(tag, usize::MAX)
    }

    fn texts(&self, tag: Tag, most: usize) -> Vec<String> {
        let Some((kind, place, count)) = self.entry(tag) else { return Vec::new() };
        if !matches!(kind, STRING | STRING_ARRAY | STRING_I18N) {
            return Vec::new();
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut parts = self.store[place].split(|byte| *byte == 0);
        // What follows the last end mark is no text of its own.
        parts.next_back();
        parts.take(count.min(most)).map(text).collect()
    }

    /// The numbers of a tag.
    #[must_use]
    pub fn numbers(&self, tag: Tag) -> Vec<u32> {
        match self.entry(tag) {
            Some((INT32, place, count)) => (0..count).map_while(|at| number(&self.store[place.clone()], at * 4)).collect(),
            _ => Vec::new(),
        }
    }

    /// Type, the store from its value on, and count of a tag.
    fn entry(&self, tag: Tag) -> Option<(u32, Range<usize>, usize)> {
        let entry = self.index.chunks_exact(16).find(|entry| number(entry, 0) == Some(tag as u32))?;
        let place = number(entry, 8)? as usize;
        (place <= self.store.len()).then_some((number(entry, 4)?, place..self.store.len(), number(entry, 12)? as usize))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The bytes of a header with texts.
    pub fn header(texts: &[(Tag, &[&str])], numbers: &[(Tag, &[u32])]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        let mut entry = |tag: Tag, kind: u32, at: usize, count: usize| {
            for part in [tag as u32, kind, at as u32, count as u32] {
                index.extend(part.to_be_bytes());
            }
        };
        for (tag, values) in texts {
            entry(*tag, if values.len() == 1 { STRING } else { STRING_ARRAY }, store.len(), values.len());
            values.iter().for_each(|value| store.extend(value.bytes().chain([0])));
        }
        store.resize(store.len().next_multiple_of(4), 0);
        for (tag, values) in numbers {
            entry(*tag, INT32, store.len(), values.len());
            values.iter().for_each(|value| store.extend(value.to_be_bytes()));
        }
        let counts = [(texts.len() + numbers.len()) as u32, store.len() as u32];
        counts.iter().flat_map(|count| count.to_be_bytes()).chain(index).chain(store).collect()
    }

    #[test]
    fn values_are_found_and_nothing_is_read_outside() {
        let bytes =
            header(&[(Tag::Name, &["bash"]), (Tag::BaseNames, &["a", "b", ""])], &[(Tag::Epoch, &[7]), (Tag::DirIndexes, &[0, 1, 1])]);
        let read = Header::over(&bytes).unwrap();
        assert_eq!((read.text(Tag::Name).as_deref(), read.text(Tag::Vendor)), (Some("bash"), None));
        assert_eq!(
            (read.list(Tag::BaseNames), read.numbers(Tag::DirIndexes)),
            (vec!["a".into(), "b".into(), String::new()], vec![0, 1, 1])
        );
        assert_eq!(read.numbers(Tag::Epoch), [7]);
        for length in 0..bytes.len() {
            assert!(Header::over(&bytes[..length]).is_err());
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                if let Ok(header) = Header::over(&bytes) {
                    let _ = (header.list(Tag::BaseNames), header.numbers(Tag::DirIndexes), header.text(Tag::Name));
                }
            }
        }
    }
}
