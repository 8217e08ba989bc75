//! Where in an executable a section lies (System V ABI, "ELF header", "Sections"), told from a seekable file, or from one forward pass
//! that keeps a few pages: a layer's executables stream by and are too large to keep.

use aho_corasick::AhoCorasick;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// cargo-auditable's section of the crates that went into an executable.
const AUDIT: &str = ".dep-v0";
/// Sections of one file at most.
const MOST_SECTIONS: u64 = 16_384;
/// Places in one file where a section's name may stand, at most.
const MOST_PLACES: usize = 65_536;
/// Bytes of the sections' names at most.
const LARGEST_NAMES: u64 = 1 << 20;

/// Whether a file may be an executable or a library, by its mode and name.
#[must_use]
pub fn may_be_one(path: &str, mode: u32, size: u64) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    size > 4096 && (mode & 0o111 != 0 || name.contains(".so"))
}

/// The bytes of a file that its list of crates takes; nothing where it has none or is no ELF file.
///
/// # Errors
/// When the file cannot be read; one that ends early is no ELF file.
pub fn audit_in_file(file: &mut File) -> io::Result<Option<Range<u64>>> {
    early_end(by_seeking(file, AUDIT))
}

/// The same of a stream, in one forward pass.
///
/// # Errors
/// When the stream fails; one that ends early is no ELF file.
pub fn audit_in_stream(stream: &mut dyn Read) -> io::Result<Option<Range<u64>>> {
    early_end(by_passing(stream, AUDIT))
}

fn early_end<T>(outcome: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn by_seeking(file: &mut File, wanted: &str) -> io::Result<Option<Range<u64>>> {
    let Some(table) = Table::announced(file)? else { return Ok(None) };
    let mut entries = vec![0; table.length()];
    file.seek(SeekFrom::Start(table.at))?;
    file.read_exact(&mut entries)?;
    let sections = table.sections(&entries);
    let Some((_, place)) = sections.get(table.names) else { return Ok(None) };
    let mut names = Vec::new();
    file.seek(SeekFrom::Start(place.start))?;
    file.take((place.end - place.start).min(LARGEST_NAMES)).read_to_end(&mut names)?;
    let named = |at: usize| names.get(at..).and_then(|rest| rest.split(|byte| *byte == 0).next());
    Ok(sections.iter().find(|(name, _)| named(*name as usize) == Some(wanted.as_bytes())).map(|(_, place)| place.clone()))
}

/// The names may stand anywhere before the table, so every place where the wanted one stands is noted on the way; the table then says
/// which of them is a section's.
fn by_passing(stream: &mut dyn Read, wanted: &str) -> io::Result<Option<Range<u64>>> {
    let Some(table) = Table::announced(stream)? else { return Ok(None) };
    let Ok(search) = AhoCorasick::new([format!("{wanted}\0")]) else { return Ok(None) };
    let length = table.length();
    let mut tap = Tap { stream, at: Table::HEAD, from: table.at, kept: Vec::new(), most: length };
    let mut places = Vec::new();
    for found in search.stream_find_iter(&mut tap) {
        let at = Table::HEAD + found?.start() as u64;
        // Whoever writes it more often wants memory, not an audit.
        if places.len() < MOST_PLACES {
            places.push(at);
        }
    }
    if tap.kept.len() != length {
        return Ok(None);
    }
    let sections = table.sections(&tap.kept);
    let Some((_, names)) = sections.get(table.names).cloned() else { return Ok(None) };
    let is_named = |name: u32| names.start.checked_add(u64::from(name)).is_some_and(|at| places.binary_search(&at).is_ok());
    Ok(sections.into_iter().find(|(name, _)| is_named(*name)).map(|(_, place)| place))
}

/// A stream of which a part is kept.
struct Tap<'a> {
    stream: &'a mut dyn Read,
    at: u64,
    from: u64,
    kept: Vec<u8>,
    most: usize,
}

impl Read for Tap<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let passed = usize::try_from(self.from.saturating_sub(self.at)).unwrap_or(usize::MAX).min(read);
        let wanted = (read - passed).min(self.most - self.kept.len());
        self.kept.extend(&buffer[passed..passed + wanted]);
        self.at += read as u64;
        Ok(read)
    }
}

/// The table of sections.
struct Table {
    form: Form,
    at: u64,
    size: usize,
    count: usize,
    /// The number of the section with the names.
    names: usize,
}

impl Table {
    /// Bytes of a file's header that are read.
    const HEAD: u64 = 64;

    /// What a file's header says of it; nothing where it is no ELF file or has none.
    fn announced(stream: &mut dyn Read) -> io::Result<Option<Self>> {
        let mut head = [0; Self::HEAD as usize];
        stream.read_exact(&mut head)?;
        let form = match (&head[..4], head[4], head[5]) {
            (b"\x7fELF", 1 | 2, 1 | 2) => Form { wide: head[4] == 2, big: head[5] == 2 },
            _ => return Ok(None),
        };
        let (at, counts) = if form.wide { (form.long(&head, 40), 58) } else { (form.word(&head, 32).map(u64::from), 46) };
        let numbers = (at, form.half(&head, counts), form.half(&head, counts + 2), form.half(&head, counts + 4));
        let (Some(at), Some(size), Some(count), Some(names)) = numbers else { return Ok(None) };
        let sound = at >= Self::HEAD && (1..=MOST_SECTIONS).contains(&u64::from(count)) && size == if form.wide { 64 } else { 40 };
        Ok(sound.then_some(Self { form, at, size: size.into(), count: count.into(), names: names.into() }))
    }

    fn length(&self) -> usize {
        self.size * self.count
    }

    /// Each section's name, as a place among the names, and its bytes in the file.
    fn sections(&self, entries: &[u8]) -> Vec<(u32, Range<u64>)> {
        entries.chunks_exact(self.size).filter_map(|entry| self.form.section(entry)).collect()
    }
}

/// Width and byte order of a file.
#[derive(Clone, Copy)]
struct Form {
    wide: bool,
    big: bool,
}

impl Form {
    fn half(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn word(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
        Some(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// Place of its name among the names, and its bytes in the file.
    fn section(self, entry: &[u8]) -> Option<(u32, Range<u64>)> {
        let name = self.word(entry, 0)?;
        let (from, length) = if self.wide {
            (self.long(entry, 24)?, self.long(entry, 32)?)
        } else {
            (u64::from(self.word(entry, 16)?), u64::from(self.word(entry, 20)?))
        };
        Some((name, from..from.checked_add(length)?))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small ELF file (64 bits, little-endian) whose section `.dep-v0` holds a text.
    pub fn program(text: &str) -> Vec<u8> {
        let names = b"\0.dep-v0\0";
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(5000, 0);
        let data = bytes.len();
        bytes.extend(text.as_bytes());
        let names_at = bytes.len();
        bytes.extend(names);
        let table = bytes.len() as u64;
        let section = |name: u32, at: usize, size: usize| {
            let mut entry = [0; 64];
            entry[..4].copy_from_slice(&name.to_le_bytes());
            entry[24..32].copy_from_slice(&(at as u64).to_le_bytes());
            entry[32..40].copy_from_slice(&(size as u64).to_le_bytes());
            entry
        };
        bytes.extend([section(0, 0, 0), section(1, data, text.len()), section(0, names_at, names.len())].concat());
        bytes[40..48].copy_from_slice(&table.to_le_bytes());
        for (at, value) in [(58, 64_u16), (60, 3), (62, 2)] {
            bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_test_program_itself_has_sections() {
        let path = std::env::current_exe().unwrap();
        let open = || File::open(&path).unwrap();
        let found = by_seeking(&mut open(), ".text").unwrap().unwrap();
        assert!(!found.is_empty() && found.end < std::fs::metadata(&path).unwrap().len());
        assert_eq!(by_passing(&mut open(), ".text").unwrap(), Some(found));
        assert_eq!((audit_in_file(&mut open()).unwrap(), audit_in_stream(&mut open()).unwrap()), (None, None));
    }

    #[test]
    fn damage_is_no_elf_file() {
        let bytes = program("its list");
        assert_eq!(audit_in_stream(&mut bytes.as_slice()).unwrap(), Some(5000..5008));
        for length in [0, 3, 63, 64, 5000, bytes.len() - 1] {
            assert_eq!(audit_in_stream(&mut &bytes[..length]).unwrap(), None);
        }
        for at in 0..64 {
            let mut bytes = bytes[..4096].to_vec();
            bytes[at] = 0xff;
            let _ = audit_in_stream(&mut bytes.as_slice()).unwrap();
        }
    }
}
