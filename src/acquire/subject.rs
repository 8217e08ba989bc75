//! From what the user typed to an inventory.

use super::desk::Desk;
use super::image;
use super::readers::purl_list;
use super::rootfs;
use super::table::{Known, NO_LOCK, entry_for, reader_by_content};
use super::text::decode;
use super::tree::{Folder, LARGEST_FILE, Memory, Tree, TreeError};
use super::walk::walk;
use super::{AcquireError, Selection};
use crate::model::package::{CoverageState, Inventory, SubjectKind};
use crate::model::purl::Purl;
use std::io::Read;
use std::path::Path;

/// Looks at one subject.
///
/// # Errors
/// When it does not exist or is not what it claims to be; what is wrong inside it is a gap.
pub fn acquire(text: &str, selection: &Selection, stdin: &mut dyn Read) -> Result<Inventory, AcquireError> {
    let (prefix, rest) = match text.split_once(':') {
        Some((prefix @ ("dir" | "image" | "rootfs" | "sbom"), rest)) => (Some(prefix), rest),
        _ => (None, text),
    };
    match prefix {
        _ if selection.base.is_some() && !(prefix == Some("image") || prefix.is_none() && image::is_image(Path::new(text))) => {
            Err(AcquireError::Unreadable { name: text.to_owned(), reason: "`--base` is said of images, and this is none".to_owned() })
        }
        Some("image") => image::acquire(rest, selection),
        Some("rootfs") => rootfs::acquire(rest, selection),
        None if text == "-" => from_stdin(selection, stdin),
        None if text.starts_with("pkg:") => from_purl(text, selection),
        _ => from_path(rest, prefix, selection),
    }
}

fn from_purl(text: &str, selection: &Selection) -> Result<Inventory, AcquireError> {
    let purl: Purl = text
        .parse()
        .map_err(|error: crate::model::purl::PurlError| AcquireError::Unreadable { name: text.to_owned(), reason: error.reason })?;
    if purl.version().is_none() {
        let reason = format!("it names no version: write {purl}@VERSION");
        return Err(AcquireError::Unreadable { name: text.to_owned(), reason });
    }
    let tree = Memory::of(text, purl.text().as_bytes().to_vec());
    let mut desk = Desk::new(SubjectKind::Purl, text, selection);
    desk.read_file(&tree, text, "purl", purl_list::read);
    Ok(desk.finish())
}

fn from_stdin(selection: &Selection, stdin: &mut dyn Read) -> Result<Inventory, AcquireError> {
    let unreadable = |reason: &str| AcquireError::Unreadable { name: "standard input".to_owned(), reason: reason.to_owned() };
    let mut bytes = Vec::new();
    let read = stdin.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error.to_string()))?;
    if read as u64 > LARGEST_FILE {
        return Err(unreadable(&TreeError::TooLarge(read as u64, LARGEST_FILE).to_string()));
    }
    let text = decode(bytes.clone()).text;
    let mut desk = Desk::new(SubjectKind::Stdin, "-", selection);
    if text.trim().is_empty() {
        return Ok(desk.finish());
    }
    let (format, reader) =
        reader_by_content(&text).ok_or_else(|| unreadable("it is neither a list of purls, nor an SBOM (CycloneDX or SPDX JSON), nor what `pip list`, `pip freeze`, `dpkg -l` or `rpm -qa` print"))?;
    desk.read_file(&Memory::of("-", bytes), "-", format, reader);
    Ok(desk.finish())
}

fn from_path(name: &str, prefix: Option<&str>, selection: &Selection) -> Result<Inventory, AcquireError> {
    let path = Path::new(name);
    let meta = std::fs::metadata(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => AcquireError::Missing { name: name.to_owned(), hint: hint(name) },
        _ => AcquireError::Read { path: path.to_owned(), cause },
    })?;
    if prefix.is_none() && image::is_image(path) {
        return image::acquire(name, selection);
    }
    if meta.is_dir() {
        if prefix == Some("sbom") {
            return Err(AcquireError::Unreadable { name: name.to_owned(), reason: "it is a folder, not an SBOM".to_owned() });
        }
        let mut desk = Desk::new(SubjectKind::Directory, name, selection);
        let walked = walk(path, name, selection)?;
        let tree = Folder::at(path);
        for file in &walked.readable {
            desk.read_known(&tree, file);
        }
        desk.coverage.extend(walked.coverage);
        desk.gaps.extend(walked.gaps);
        return Ok(desk.finish());
    }
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or(name).to_owned();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    from_file(name, &Folder::at(parent), &file, prefix, selection)
}

fn from_file(name: &str, tree: &Folder, file: &str, prefix: Option<&str>, selection: &Selection) -> Result<Inventory, AcquireError> {
    let unreadable = |reason: String| AcquireError::Unreadable { name: name.to_owned(), reason };
    let named = entry_for(file).filter(|_| prefix != Some("sbom"));
    let (kind, format) = match named {
        Some(entry) if matches!(entry.format, "CycloneDX" | "SPDX") => (SubjectKind::Sbom, entry.format),
        Some(entry) => (SubjectKind::File, entry.format),
        None => (SubjectKind::Sbom, "SBOM"),
    };
    // A file named as the subject must be readable: there is no verdict without it.
    let bytes = tree.read(file).map_err(|error| unreadable(error.to_string()))?;
    let mut desk = Desk::new(kind, name, selection);
    match named.map(|entry| entry.known) {
        Some(Known::Read(reader)) => desk.read_file(tree, file, format, reader),
        Some(Known::Unsupported(reason)) => desk.cover(file, format, 0, CoverageState::Unsupported, Some(reason.to_owned())),
        Some(Known::Manifest { .. }) => desk.cover(file, format, 0, CoverageState::Unsupported, Some(NO_LOCK.to_owned())),
        None => {
            let text = decode(bytes.to_vec()).text;
            let (format, reader) = reader_by_content(&text).ok_or_else(|| unreadable(what_it_is(&bytes)))?;
            desk.read_file(tree, file, format, reader);
        }
    }
    Ok(desk.finish())
}

fn what_it_is(bytes: &[u8]) -> String {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        "it is an archive packed with gzip: if it holds an image, unpack it first (`gunzip`)".to_owned()
    } else {
        "it is no lockfile that is known by its name, and its content is neither a list of purls, nor an SBOM (CycloneDX or SPDX JSON), nor what `pip list`, `pip freeze`, `dpkg -l` or `rpm -qa` print".to_owned()
    }
}

/// `nginx:latest` is an image's name, not a file.
fn hint(name: &str) -> String {
    let image = name.split_once(':').is_some_and(|(image, tag)| !image.contains(' ') && !tag.is_empty() && !tag.contains('\\'));
    if image {
        format!("; if this is the name of an image, save it first: `docker save {name} -o image.tar && scacheck image.tar`")
    } else {
        String::new()
    }
}
