//! Public configurations for CVEs that the NVD left without any: a gzipped tar of `data/YEAR/CVE-….json`, each with
//! configurations in the NVD's own form (the CVE API 2.0 schema).

use super::lists::Loaded;
use super::{SyncError, changed, nvd};
use crate::mirror::rows::{AsideRow, Batch, Interner};
use crate::mirror::writer::Writer;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Bytes of one file at most.
const LARGEST: u64 = 4 << 20;
/// Bytes of the unpacked archive at most; today's has two hundred million.
const LARGEST_ARCHIVE: u64 = 8 << 30;

/// Loads the archive.
///
/// # Errors
/// When it cannot be read to its end, or the database refuses.
pub fn load(
    name: &str,
    path: &Path,
    sound: &dyn Fn(u64) -> Result<(), SyncError>,
    writer: &mut Writer,
    interner: &mut Interner,
) -> Result<Loaded, SyncError> {
    let mut count = 0;
    for_each(path, &mut |_, _| {
        count += 1;
        Ok(())
    })?;
    sound(count)?;
    writer.forget_overrides()?;
    writer.forget_aside(name)?;
    let mut loaded = Loaded::default();
    for_each(path, &mut |id, text| {
        let mut batch = Batch::default();
        match nvd::decode_configurations(text, interner, &mut batch) {
            Ok((cve, tree)) => {
                writer.write(name, &batch)?;
                writer.write_override(cve, name, &tree)?;
                loaded.records += 1;
            }
            Err(error) => {
                // Names that were interned on the way are rows already.
                writer.write(name, &batch)?;
                writer.keep_aside(name, &AsideRow { record: id.to_owned(), error, raw: text.to_owned() })?;
            }
        }
        Ok(())
    })
    .map_err(|error| match error {
        SyncError::Mirror(_) => error,
        other => changed(path, &other),
    })?;
    Ok(loaded)
}

fn for_each(path: &Path, take: &mut dyn FnMut(&str, &str) -> Result<(), SyncError>) -> Result<(), SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let broken = |cause: String| SyncError::Syntax { feed: path.display().to_string(), offset: 0, cause };
    let file = BufReader::new(File::open(path).map_err(told)?);
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file).take(LARGEST_ARCHIVE));
    for entry in archive.entries().map_err(told)? {
        let entry = entry.map_err(|error| broken(format!("it is no whole archive: {error}")))?;
        let file = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(id) = file.rsplit('/').next().and_then(|file| file.strip_suffix(".json")).filter(|id| id.starts_with("CVE-")) else {
            continue;
        };
        let mut text = String::new();
        let length = entry.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| broken(format!("{file}: {error}")))?;
        if length as u64 > LARGEST {
            return Err(broken(format!("{file} has more than {LARGEST} bytes")));
        }
        take(id, &text)?;
    }
    Ok(())
}
