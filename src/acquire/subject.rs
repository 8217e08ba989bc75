//! From what the user typed to an inventory.

use super::readers::purl_list;
use super::secrets;
use super::table::{Known, NO_LOCK, entry_for, reader_by_content};
use super::text::{Lines, decode, reject_spoiled};
use super::tree::{Folder, LARGEST_FILE, Memory, Tree, TreeError};
use super::walk::walk;
use super::{AcquireError, Blemish, Found, Include, Reader, Reading, Selection, Source, gap_at};
use crate::model::package::{
    Coverage, CoverageState, Gap, Inventory, Location, Origin, Package, PathName, Place, SourcePackage, Subject, SubjectKind,
};
use crate::model::purl::Purl;
use std::collections::{BTreeMap, BTreeSet};
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
        Some("image" | "rootfs") => Err(AcquireError::Unreadable {
            name: text.to_owned(),
            reason: "container images and root filesystems cannot be read yet: give an SBOM of it (CycloneDX or SPDX JSON)".to_owned(),
        }),
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
        return Err(unreadable(&TreeError::TooLarge(read as u64).to_string()));
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
            let text = decode(bytes.clone()).text;
            let (format, reader) = reader_by_content(&text).ok_or_else(|| unreadable(what_it_is(&bytes)))?;
            desk.read_file(tree, file, format, reader);
        }
    }
    Ok(desk.finish())
}

fn what_it_is(bytes: &[u8]) -> String {
    let tar = bytes.get(257..262) == Some(b"ustar");
    if tar || bytes.starts_with(&[0x1f, 0x8b]) {
        "it looks like an archive or image, which cannot be read yet: give an SBOM of it (CycloneDX or SPDX JSON)".to_owned()
    } else {
        "it is no lockfile that is known by its name, and its content is neither a list of purls, nor an SBOM (CycloneDX or SPDX JSON), nor what `pip list`, `pip freeze`, `dpkg -l` or `rpm -qa` print".to_owned()
    }
}

/// `nginx:latest` is an image's name, not a file.
fn hint(name: &str) -> String {
    let image = name.split_once(':').is_some_and(|(image, tag)| !image.contains(' ') && !tag.is_empty() && !tag.contains('\\'));
    if image {
        format!("; if this is the name of an image, save it with `docker save {name} -o image.tar` and check an SBOM of it")
    } else {
        String::new()
    }
}

/// Where the readings of one subject come together.
struct Desk<'a> {
    subject: Subject,
    selection: &'a Selection,
    packages: Vec<Package>,
    known: BTreeMap<(String, Origin), usize>,
    coverage: Vec<Coverage>,
    gaps: Vec<Gap>,
    done: BTreeSet<String>,
}

impl<'a> Desk<'a> {
    fn new(kind: SubjectKind, name: &str, selection: &'a Selection) -> Self {
        let subject = Subject { kind, name: name.to_owned(), digest: None, distro: None, base: None };
        Self {
            subject,
            selection,
            packages: Vec::new(),
            known: BTreeMap::new(),
            coverage: Vec::new(),
            gaps: Vec::new(),
            done: BTreeSet::new(),
        }
    }

    fn read_known(&mut self, tree: &dyn Tree, path: &str) {
        if let Some(entry) = entry_for(path)
            && let Known::Read(reader) = entry.known
        {
            self.read_file(tree, path, entry.format, reader);
        }
    }

    /// Reads a file and those it includes, each once.
    fn read_file(&mut self, tree: &dyn Tree, path: &str, format: &'static str, reader: Reader) {
        let mut queue = vec![path.to_owned()];
        while let Some(path) = queue.pop() {
            if !self.done.insert(path.clone()) {
                continue;
            }
            let decoded = match tree.read(&path) {
                Ok(bytes) => decode(bytes),
                Err(error) => {
                    self.fail(&path, format, Gap { location: Location::file(&path), reason: error.to_string() });
                    continue;
                }
            };
            let lines = Lines::of(&decoded.text);
            let source = Source { text: &decoded.text, path: &path, tree, distro: self.selection.distro.as_deref() };
            match reject_spoiled(&decoded.text).and_then(|()| reader(&source)) {
                Ok(mut reading) => {
                    reading.blemishes.extend(decoded.broken);
                    for include in &reading.includes {
                        match source.relative(&include.path) {
                            Some(next) => queue.push(next),
                            None => reading.blemishes.push(outside(include)),
                        }
                    }
                    self.take(reading, &path, format, &lines);
                }
                Err(blemish) => self.fail(&path, format, gap_at(&path, &lines, &blemish)),
            }
        }
    }

    fn take(&mut self, reading: Reading, path: &str, format: &str, lines: &Lines<'_>) {
        self.cover(path, format, reading.found.len(), CoverageState::Read, None);
        self.gaps.extend(reading.blemishes.iter().map(|blemish| gap_at(path, lines, blemish)));
        let (directs, paths) = (reading.graph.directs(), reading.graph.paths(&reading.found));
        for ((at, found), paths) in reading.found.into_iter().enumerate().zip(paths) {
            let direct = directs.as_ref().map(|directs| directs.contains(&at));
            self.add(found, path, lines, direct, paths);
        }
    }

    fn fail(&mut self, path: &str, format: &str, gap: Gap) {
        self.cover(path, format, 0, CoverageState::Failed, Some(gap.reason.clone()));
        self.gaps.push(gap);
    }

    fn cover(&mut self, path: &str, format: &str, packages: usize, state: CoverageState, reason: Option<String>) {
        let subject = self.subject.name.clone();
        self.coverage.push(Coverage { subject, path: path.to_owned(), reader: format.to_owned(), packages, state, reason });
    }

    fn add(&mut self, found: Found, path: &str, lines: &Lines<'_>, direct: Option<bool>, paths: Vec<Vec<PathName>>) {
        let wanted = self.selection.ecosystems.is_empty() || self.selection.ecosystems.iter().any(|kind| kind == found.purl.kind());
        if !wanted || self.selection.omit.contains(&found.scope) {
            return;
        }
        let place = if self.subject.kind == SubjectKind::Purl {
            Location::file(path)
        } else {
            let (line, column) = lines.place(found.offset);
            Location { path: path.to_owned(), line: Some(line), column: Some(column), layer: None }
        };
        let place = Place { location: place, scope: found.scope, direct, paths };
        let source = source_of(&found.purl);
        let origin = found.origin.map(|address| secrets::hide(address).into_owned());
        let next = self.packages.len();
        let at = *self.known.entry((found.purl.text().to_owned(), origin.clone())).or_insert(next);
        if at == next {
            self.packages.push(Package {
                purl: found.purl,
                version: found.version,
                source,
                origin,
                integrity: Vec::new(),
                install_script: false,
                stated_cpes: Vec::new(),
                repositories: Vec::new(),
                places: Vec::new(),
            });
        }
        let entry = &mut self.packages[at];
        entry.install_script |= found.install_script;
        entry.integrity.extend(found.integrity);
        entry.stated_cpes.extend(found.stated_cpes);
        entry.repositories.extend(found.repositories);
        entry.places.push(place);
    }

    fn finish(mut self) -> Inventory {
        for package in &mut self.packages {
            package.places.sort();
            package.places.dedup();
            package.integrity.sort();
            package.integrity.dedup();
            package.stated_cpes.dedup();
            package.repositories.sort();
            package.repositories.dedup();
        }
        self.packages.sort_by_cached_key(|package| (package.purl.text().to_owned(), package.origin.clone()));
        self.coverage.sort();
        self.gaps.sort();
        self.gaps.dedup();
        Inventory { subject: self.subject, packages: self.packages, coverage: self.coverage, gaps: self.gaps, image: None }
    }
}

fn outside(include: &Include) -> Blemish {
    Blemish::at(include.offset, format!("`{}` lies outside the subject and was not read", include.path))
}

/// The source package that a distro purl's `upstream` qualifier names (`openssl` or `openssl@1.1.1n-0`).
fn source_of(purl: &Purl) -> Option<SourcePackage> {
    if !purl.ecosystem().is_distro() {
        return None;
    }
    let own = purl.version().unwrap_or_default();
    let (name, version) = match purl.qualifier("upstream") {
        Some(upstream) => upstream.split_once('@').unwrap_or((upstream, own)),
        None => (purl.base_name(), own),
    };
    Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
}
