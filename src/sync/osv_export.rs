//! OSV exports: `ECOSYSTEM/all.zip` with one JSON file for each advisory, and folders of private advisories.
//!
//! Nothing of a zip is unpacked to disk. Its checksums are tried before anything is written; an advisory that does
//! not decode is kept aside.

use super::lists::Loaded;
use super::{SyncError, changed, osv};
use crate::mirror::rows::AsideRow;
use crate::mirror::store::hex;
use crate::mirror::writer::Writer;
use crate::model::osv::OsvAdvisory;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Bytes of one advisory at most; the largest known has under two million.
const LARGEST: u64 = 16 << 20;
/// Bytes of all advisories of an export at most.
const LARGEST_EXPORT: u64 = 16 << 30;

type Sound<'a> = &'a dyn Fn(u64) -> Result<(), SyncError>;

/// Loads an export.
///
/// # Errors
/// When it is no sound zip of advisories, or the database refuses.
pub fn load_zip(name: &str, path: &Path, sound: Sound<'_>, writer: &mut Writer) -> Result<Loaded, SyncError> {
    let broken = |cause: String| SyncError::Syntax { feed: path.display().to_string(), offset: 0, cause };
    let file = File::open(path).map_err(|cause| SyncError::Read { path: path.to_owned(), cause })?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(format!("it is no whole zip: {error}")))?;
    let (mut total, mut advisories) = (0_u64, 0_u64);
    for at in 0..archive.len() {
        let (entry, length) = read_entry(&mut archive, at, None).map_err(broken)?;
        total = total.saturating_add(length);
        if total > LARGEST_EXPORT {
            return Err(broken(format!("it unpacks to more than {LARGEST_EXPORT} bytes")));
        }
        advisories += u64::from(entry.ends_with(".json"));
    }
    if advisories == 0 {
        return Err(broken("it holds no advisory".to_owned()));
    }
    sound(advisories)?;
    let mut desk = Desk::begin(name, writer)?;
    let mut text = Vec::new();
    for at in 0..archive.len() {
        text.clear();
        let (entry, _) = read_entry(&mut archive, at, Some(&mut text)).map_err(|cause| changed(path, &cause))?;
        if entry.ends_with(".json") {
            desk.add(&entry, &text)?;
        }
    }
    Ok(desk.loaded)
}

/// Reads an entry to its end, so that its checksum is tried; gives its name and length.
fn read_entry(archive: &mut ZipArchive<BufReader<File>>, at: usize, into: Option<&mut Vec<u8>>) -> Result<(String, u64), String> {
    let entry = archive.by_index(at).map_err(|error| format!("entry {at} does not read: {error}"))?;
    let name = entry.name().map_err(|error| format!("entry {at} has no name: {error}"))?.into_owned();
    if entry.enclosed_name().is_none() || name.contains(['/', '\\']) && name.ends_with(".json") {
        return Err(format!("it holds an entry named `{}`, which no export has", name.escape_debug()));
    }
    let mut bounded = entry.take(LARGEST + 1);
    let length = match into {
        Some(text) => bounded.read_to_end(text).map(|length| length as u64),
        None => std::io::copy(&mut bounded, &mut std::io::sink()),
    };
    match length {
        Ok(length) if length > LARGEST => Err(format!("`{name}` unpacks to more than {LARGEST} bytes")),
        Ok(length) => Ok((name, length)),
        Err(error) => Err(format!("`{name}` does not unpack: {error}")),
    }
}

/// Loads a folder of private advisories.
///
/// # Errors
/// When a file cannot be read or the database refuses.
pub fn load_folder(name: &str, folder: &Path, writer: &mut Writer) -> Result<Loaded, SyncError> {
    let files = files(folder)?;
    let texts: Vec<(String, Vec<u8>)> =
        files.into_iter().map(|path| Ok((path.display().to_string(), read(&path)?))).collect::<Result<_, SyncError>>()?;
    let mut desk = Desk::begin(name, writer)?;
    texts.iter().try_for_each(|(path, text)| desk.add(path, text))?;
    Ok(desk.loaded)
}

/// A digest over the names and bytes of a folder's advisories.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn digest_of_folder(folder: &Path) -> Result<String, SyncError> {
    let mut hasher = Sha256::new();
    for path in files(folder)? {
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(Sha256::digest(read(&path)?));
    }
    Ok(hex(&hasher.finalize()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, SyncError> {
    let entries = fs::read_dir(folder).map_err(|cause| SyncError::Read { path: folder.to_owned(), cause })?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let length = File::open(path).map_err(told)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(told)?;
    if length as u64 > LARGEST {
        return Err(SyncError::Syntax {
            feed: path.display().to_string(),
            offset: LARGEST,
            cause: "it is too large for an advisory".to_owned(),
        });
    }
    Ok(bytes)
}

struct Desk<'a> {
    name: &'a str,
    writer: &'a mut Writer,
    loaded: Loaded,
}

impl<'a> Desk<'a> {
    fn begin(name: &'a str, writer: &'a mut Writer) -> Result<Self, SyncError> {
        writer.forget_osv(name)?;
        writer.forget_aside(name)?;
        Ok(Self { name, writer, loaded: Loaded::default() })
    }

    fn add(&mut self, entry: &str, text: &[u8]) -> Result<(), SyncError> {
        let text = String::from_utf8_lossy(text);
        match osv::decode(&text) {
            Ok(advisory) => {
                let advisory = slim(advisory);
                self.writer.write_osv(self.name, &advisory)?;
                self.loaded.records += 1;
                self.loaded.newest = std::mem::take(&mut self.loaded.newest).max(advisory.modified);
            }
            Err(error) => {
                let row = AsideRow { record: entry.to_owned(), error, raw: text.into_owned() };
                self.writer.keep_aside(self.name, &row)?;
            }
        }
        Ok(())
    }
}

/// There are hundreds of thousands of malicious packages, and of each only its name and versions count.
fn slim(mut advisory: OsvAdvisory) -> OsvAdvisory {
    if advisory.is_malicious() {
        advisory.references.clear();
        advisory.severity.clear();
        advisory.cwe.clear();
    }
    advisory
}
