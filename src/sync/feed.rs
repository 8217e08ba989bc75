//! NVD feeds as streams: `.meta` checksums, gunzip, and records one by one.
//!
//! A feed is verified whole before one of its records is used. Memory does not grow with the feed: only the
//! record at hand is kept.

use super::SyncError;
use crate::mirror::store::hex;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// What a `.meta` file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedMeta {
    /// The feed's own time.
    pub last_modified: String,
    /// Checksum of the uncompressed feed, lower case.
    pub sha256: String,
    /// Bytes of the compressed feed; 0 where it is not told.
    pub bytes: u64,
}

impl FeedMeta {
    /// Reads `key:value` lines; nothing if there is no checksum among them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).map(|value| value.trim().to_owned());
        let sha256 = value("sha256:")?.to_ascii_lowercase();
        let valid = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| Self {
            last_modified: value("lastModifiedDate:").unwrap_or_default(),
            sha256,
            bytes: value("gzSize:").and_then(|size| size.parse().ok()).unwrap_or(0),
        })
    }
}

/// A feed's bytes, uncompressed where they are gzip.
///
/// # Errors
/// When the file cannot be opened.
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let mut magic = [0; 2];
    let mut file = File::open(path).map_err(told)?;
    let compressed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = BufReader::with_capacity(1 << 18, File::open(path).map_err(told)?);
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The checksum of a feed's uncompressed bytes.
///
/// # Errors
/// When the file cannot be read or its compression is damaged.
pub fn checksum(path: &Path) -> Result<String, SyncError> {
    let (mut reader, mut hasher, mut buffer) = (open(path)?, Sha256::new(), vec![0; 1 << 18]);
    loop {
        match reader.read(&mut buffer).map_err(|cause| SyncError::Read { path: path.to_owned(), cause })? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// No record of any feed comes near this.
const LARGEST_RECORD: usize = 64 << 20;
const CHUNK: usize = 1 << 20;

/// Gives every element of the feed's `vulnerabilities` to `each`, in order. Gives their number.
///
/// # Errors
/// When the feed does not read or is not of that shape; `each` may have seen records by then.
pub fn for_each_record(path: &Path, feed: &str, mut each: impl FnMut(&str) -> Result<(), SyncError>) -> Result<u64, SyncError> {
    let mut window = Window { reader: open(path)?, buffer: Vec::new(), at: 0, passed: 0, ended: false, path };
    window.seek_array(feed)?;
    let mut count = 0;
    loop {
        match window.skip_to_element(feed)? {
            b']' => return Ok(count),
            _ => {
                let length = window.with_element(feed, &mut each)?;
                window.at += length;
                count += 1;
            }
        }
    }
}

struct Window<'a> {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    passed: u64,
    ended: bool,
    path: &'a Path,
}

impl Window<'_> {
    /// Drops what is done and reads on; nothing more at the end.
    fn more(&mut self) -> Result<bool, SyncError> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.passed += self.at as u64;
        self.at = 0;
        let (have, want) = (self.buffer.len(), self.buffer.len().max(CHUNK));
        self.buffer.resize(have + want, 0);
        let mut filled = 0;
        while filled < want {
            match self.reader.read(&mut self.buffer[have + filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(SyncError::Read { path: self.path.to_owned(), cause }),
            }
        }
        self.buffer.truncate(have + filled);
        Ok(filled > 0)
    }

    fn syntax(&self, feed: &str, cause: impl Into<String>) -> SyncError {
        SyncError::Syntax { feed: feed.to_owned(), offset: self.passed + self.at as u64, cause: cause.into() }
    }

    /// Goes to the first byte after `"vulnerabilities": [`; what stands before it is small.
    fn seek_array(&mut self, feed: &str) -> Result<(), SyncError> {
        const KEY: &[u8] = b"\"vulnerabilities\"";
        while self.more()? {
            if let Some(found) = self.buffer.windows(KEY.len()).position(|window| window == KEY) {
                let bytes = self.buffer[found + KEY.len()..].iter();
                let blank = bytes.take_while(|b| b.is_ascii_whitespace() || **b == b':').count();
                self.at = found + KEY.len() + blank;
                if self.buffer.get(self.at) == Some(&b'[') {
                    self.at += 1;
                    return Ok(());
                }
            }
            if self.buffer.len() > 4 * CHUNK {
                break;
            }
        }
        Err(self.syntax(feed, "there is no `vulnerabilities` list: this is not an NVD 2.0 feed"))
    }

    fn skip_to_element(&mut self, feed: &str) -> Result<u8, SyncError> {
        loop {
            match self.buffer.get(self.at).copied() {
                Some(b) if b.is_ascii_whitespace() || b == b',' => self.at += 1,
                Some(b) => return Ok(b),
                None if self.more()? => {}
                None => return Err(self.syntax(feed, "the feed ends in the middle")),
            }
        }
    }

    /// Gives the element at hand to `each`; gives its length.
    fn with_element(&mut self, feed: &str, each: &mut impl FnMut(&str) -> Result<(), SyncError>) -> Result<usize, SyncError> {
        loop {
            let rest = &self.buffer[self.at..];
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
            match values.next() {
                Some(Ok(value)) => {
                    each(value.get())?;
                    return Ok(values.byte_offset());
                }
                // A window that ends inside a number or word reads as any kind of error, so more is tried first.
                Some(Err(error)) => {
                    if rest.len() >= LARGEST_RECORD || !self.more()? {
                        return Err(self.syntax(feed, error.to_string()));
                    }
                }
                None => return Err(self.syntax(feed, "the feed ends in the middle")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut out = Vec::new();
        let each = |raw: &str| {
            out.push(raw.to_owned());
            Ok(())
        };
        for_each_record(file.path(), "test", each).map(|_| ()).map_err(|error| error.to_string())?;
        Ok(out)
    }

    #[test]
    fn records_come_one_by_one() {
        let text = r#"{"format":"NVD_CVE", "vulnerabilities" : [ {"a":"]}"} , {"b":[1,2]}],"x":1}"#;
        assert_eq!(records(text).unwrap(), [r#"{"a":"]}"}"#, r#"{"b":[1,2]}"#]);
        assert!(records(r#"{"vulnerabilities":[]}"#).unwrap().is_empty());
        let big = format!(r#"{{"vulnerabilities":[{{"a":"{}"}},{{"b":1}}]}}"#, "x".repeat(3 * CHUNK));
        assert_eq!(records(&big).unwrap().len(), 2, "a record larger than the window");
    }

    #[test]
    fn cut_and_foreign_feeds_are_told_with_their_place() {
        assert!(records(r#"{"vulnerabilities":[{"a":1},{"b""#).unwrap_err().contains("byte 28"));
        assert!(records("<html></html>").unwrap_err().contains("not an NVD 2.0 feed"));
        assert!(records(r#"{"vulnerabilities":[{"a":nonsense}]}"#).is_err());
    }

    #[test]
    fn meta_files_are_read_in_any_case_and_refused_without_a_checksum() {
        let sum = "A".repeat(64);
        let meta = FeedMeta::parse(&format!("lastModifiedDate:2021-09-10T07:00:00-00:00\r\nsize:5\r\nsha256:{sum}\r\n")).unwrap();
        assert_eq!(meta.sha256, "a".repeat(64));
        assert_eq!(meta.last_modified, "2021-09-10T07:00:00-00:00");
        assert_eq!(FeedMeta::parse("<html>"), None);
    }
}
