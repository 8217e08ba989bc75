//! A generation as one compressed file, for sites without a network, CI caches and teams.
//!
//! The file is a zstd stream of a tar: the manifest first, then the files that it lists with their digests. An import
//! believes nothing that the manifest does not vouch for, and leaves the generation in force alone until all is tried.

use super::store::{self, Manifest, Store};
use super::{MirrorError, SCHEMA};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path};

/// Compression level: 3 takes a second for a whole NVD, higher ones gain little.
const LEVEL: i32 = 3;
/// Bytes of a manifest at most.
const LARGEST_MANIFEST: u64 = 16 << 20;
const MANIFEST: &str = "manifest.json";

/// Writes the generation in force to a file; gives its size and SHA-256.
///
/// # Errors
/// When there is no generation or the file cannot be written; an older file of that name is then as it was.
pub fn export(store: &Store, file: &Path) -> Result<(u64, String), MirrorError> {
    let mut manifest = store.manifest()?;
    let folder = store.folder(manifest.generation);
    // The stamps of later contacts travel with it.
    manifest.sources = store.state(manifest.clone()).sources;
    let part = file.with_extension("part");
    let written = write(&folder, &manifest, &part);
    if let Err(cause) = written.and_then(|()| fs::rename(&part, file)) {
        let _ = fs::remove_file(&part);
        return Err(MirrorError::Io { action: "writing", path: file.to_owned(), cause });
    }
    store::digest(file)
}

fn write(folder: &Path, manifest: &Manifest, part: &Path) -> io::Result<()> {
    let stream = zstd::Encoder::new(BufWriter::new(File::create(part)?), LEVEL)?;
    let mut archive = tar::Builder::new(stream);
    let text = serde_json::to_vec_pretty(manifest)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, MANIFEST, text.as_slice())?;
    for stamp in &manifest.files {
        let mut header = tar::Header::new_gnu();
        header.set_size(stamp.size);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, &stamp.path, File::open(folder.join(&stamp.path))?)?;
    }
    let mut out = archive.into_inner()?.finish()?;
    out.flush()?;
    out.get_ref().sync_all()
}

/// Brings an exported generation into force; gives its number here. `force` takes one that is older than what is there.
///
/// # Errors
/// When the file is no export, is damaged, of another schema or older; the generation in force then stays.
pub fn import(store: &Store, file: &Path, force: bool, holder: &str) -> Result<u64, MirrorError> {
    let refused = |reason: String| MirrorError::Refused { path: file.to_owned(), reason };
    let damaged = |error: io::Error| refused(format!("it does not unpack ({error}): copy it again"));
    let stream = File::open(file).map_err(MirrorError::io("reading", file))?;
    let stream = zstd::Decoder::new(BufReader::new(stream)).map_err(damaged)?;
    let mut archive = tar::Archive::new(stream);
    let mut entries = archive.entries().map_err(damaged)?;
    let first = entries.next().ok_or_else(|| refused("it is empty".to_owned()))?.map_err(damaged)?;
    if first.path_bytes().as_ref() != MANIFEST.as_bytes() {
        return Err(refused("it is not what `scacheck db export` writes".to_owned()));
    }
    let manifest: Manifest =
        serde_json::from_reader(first.take(LARGEST_MANIFEST)).map_err(|error| refused(format!("its manifest does not read: {error}")))?;
    if manifest.schema != SCHEMA {
        return Err(refused(format!("it has schema {}, this scacheck needs {SCHEMA}: export it with the same version", manifest.schema)));
    }
    let _lock = store.lock(holder)?;
    if let Some(now) = store.manifest().ok().filter(|now| now.built_at > manifest.built_at && !force) {
        return Err(refused(format!("it was built {}, the mirror here {}: --force takes the older one", manifest.built_at, now.built_at)));
    }
    let growing = store.begin()?;
    let mut missing: BTreeSet<&str> = manifest.files.iter().map(|stamp| stamp.path.as_str()).collect();
    for entry in entries {
        let entry = entry.map_err(damaged)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let stamp = manifest.files.iter().find(|stamp| stamp.path == path && missing.contains(path.as_str()));
        let Some(stamp) = stamp.filter(|stamp| is_inside(&stamp.path)) else {
            return Err(refused(format!("it holds `{}`, which its manifest does not list", path.escape_debug())));
        };
        let target = growing.join(&stamp.path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(MirrorError::io("making", parent))?;
        }
        let mut out = File::create(&target).map_err(MirrorError::io("writing", &target))?;
        io::copy(&mut entry.take(stamp.size.saturating_add(1)), &mut out).map_err(damaged)?;
        drop(out);
        if store::digest(&target)? != (stamp.size, stamp.sha256.clone()) {
            return Err(refused(format!("`{path}` is not what the manifest says: the file was damaged or changed")));
        }
        missing.remove(stamp.path.as_str());
    }
    if let Some(path) = missing.first() {
        return Err(refused(format!("`{path}` is missing: the file was cut off")));
    }
    let sources = manifest.sources.clone();
    let generation = store.publish(&growing, manifest)?;
    sources.iter().try_for_each(|source| store.note_contact(&source.name, Some(&source.contacted), &source.state))?;
    Ok(generation)
}

/// A relative path of plain names.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && path != MANIFEST && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
