//! Where the readings of one subject come together: files are read once each, packages of one identity become one with all
//! their places, and what could not be read becomes a gap.

use super::image::strata::Strata;
use super::table::{Known, entry_for};
use super::text::{Lines, decode, reject_spoiled};
use super::tree::Tree;
use super::{Binary, BinaryReader, Blemish, Found, Include, Reader, Reading, Selection, Source, gap_at};
use crate::model::dockerfile::Dockerfile;
use crate::model::package::{
    Coverage, CoverageState, Gap, Inventory, Location, Origin, Package, PathName, Place, SourcePackage, Subject, SubjectKind,
};
use crate::model::purl::Purl;
use std::collections::{BTreeMap, BTreeSet};

/// Where the readings of one subject come together.
pub struct Desk<'a> {
    /// What is looked at.
    pub subject: Subject,
    selection: &'a Selection,
    packages: Vec<Package>,
    known: BTreeMap<(String, Origin), usize>,
    /// Which layer of an image brought what.
    pub strata: Strata,
    /// What was looked at, and what was not.
    pub coverage: Vec<Coverage>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Dockerfiles.
    dockerfiles: Vec<Dockerfile>,
    done: BTreeSet<String>,
    owners: BTreeMap<String, String>,
}

impl<'a> Desk<'a> {
    /// A desk for one subject.
    pub fn new(kind: SubjectKind, name: &str, selection: &'a Selection) -> Self {
        let subject = Subject { kind, name: name.to_owned(), names: Vec::new(), digest: None, distro: None, base: None, image: None };
        Self {
            subject,
            selection,
            packages: Vec::new(),
            known: BTreeMap::new(),
            strata: Strata::default(),
            coverage: Vec::new(),
            gaps: Vec::new(),
            dockerfiles: Vec::new(),
            done: BTreeSet::new(),
            owners: BTreeMap::new(),
        }
    }

    /// Reads a file of the table of lockfiles.
    pub fn read_known(&mut self, tree: &dyn Tree, path: &str) {
        if let Some(entry) = entry_for(path)
            && let Known::Read(reader) = entry.known
        {
            self.read_file(tree, path, entry.format, reader);
        }
    }

    /// Reads a file and those it includes, each once.
    pub fn read_file(&mut self, tree: &dyn Tree, path: &str, format: &'static str, reader: Reader) {
        let mut queue = vec![path.to_owned()];
        while let Some(path) = queue.pop() {
            if !self.done.insert(path.clone()) {
                continue;
            }
            let decoded = match tree.read(&path) {
                Ok(bytes) => decode(bytes.into_owned()),
                Err(error) => {
                    self.fail(&path, format, Gap { location: Location::file(&path), reason: error.to_string() });
                    continue;
                }
            };
            let lines = Lines::of(&decoded.text);
            let distro = self.subject.distro.clone();
            let source = Source { text: &decoded.text, path: &path, tree, distro: self.selection.distro.as_deref().or(distro.as_deref()) };
            match reject_spoiled(&decoded.text).and_then(|()| reader(&source)) {
                Ok(mut reading) => {
                    reading.blemishes.extend(decoded.broken);
                    for include in &reading.includes {
                        match source.relative(&include.path) {
                            Some(next) => queue.push(next),
                            None => reading.blemishes.push(outside(include)),
                        }
                    }
                    self.take(reading, &path, format, Some(&lines));
                }
                Err(blemish) => self.fail(&path, format, gap_at(&path, &lines, &blemish)),
            }
        }
    }

    /// Reads a file that is no text.
    pub fn read_binary(&mut self, tree: &dyn Tree, path: &str, format: &'static str, reader: BinaryReader) {
        if !self.done.insert(path.to_owned()) {
            return;
        }
        let distro = self.subject.distro.clone();
        let distro = self.selection.distro.as_deref().or(distro.as_deref());
        let reading = match tree.read(path) {
            Ok(bytes) => reader(&Binary { bytes: &bytes, path, tree, distro }).map_err(|blemish| blemish.reason),
            Err(error) => Err(error.to_string()),
        };
        match reading {
            Ok(reading) => self.take(reading, path, format, None),
            Err(reason) => self.fail(path, format, Gap { location: Location::file(path), reason }),
        }
    }

    /// Notes that a distribution's package brought a file; one that is not installed owns nothing.
    pub fn own(&mut self, path: String, owner: &str) {
        if self.packages.iter().any(|package| package.ecosystem().is_distro() && package.purl.base_name() == owner) {
            self.owners.insert(merged(&path).to_owned(), owner.to_owned());
        }
    }

    /// The distribution's package that brought a file.
    #[must_use]
    pub fn owner(&self, path: &str) -> Option<String> {
        self.owners.get(merged(path)).cloned()
    }

    fn take(&mut self, reading: Reading, path: &str, format: &str, lines: Option<&Lines<'_>>) {
        self.cover(path, format, reading.found.len(), CoverageState::Read, None);
        self.gaps.extend(reading.blemishes.iter().map(|blemish| match lines {
            Some(lines) => gap_at(path, lines, blemish),
            None => Gap { location: Location::file(path), reason: blemish.reason.clone() },
        }));
        let (directs, paths) = (reading.graph.directs(), reading.graph.paths(&reading.found));
        for ((at, found), paths) in reading.found.into_iter().enumerate().zip(paths) {
            let direct = directs.as_ref().map(|directs| directs.contains(&at));
            self.add(found, path, lines, direct, paths);
        }
        self.dockerfiles.extend(reading.dockerfile);
        for owned in reading.owned {
            self.own(owned.path, &owned.owner);
        }
    }

    fn fail(&mut self, path: &str, format: &str, gap: Gap) {
        self.cover(path, format, 0, CoverageState::Failed, Some(gap.reason.clone()));
        self.gaps.push(gap);
    }

    /// Notes what became of a file.
    pub fn cover(&mut self, path: &str, format: &str, packages: usize, state: CoverageState, reason: Option<String>) {
        let subject = self.subject.name.clone();
        self.coverage.push(Coverage { subject, path: path.to_owned(), reader: format.to_owned(), packages, state, reason });
    }

    fn add(&mut self, found: Found, path: &str, lines: Option<&Lines<'_>>, direct: Option<bool>, paths: Vec<Vec<PathName>>) {
        let wanted = self.selection.ecosystems.is_empty() || self.selection.ecosystems.iter().any(|kind| kind == found.purl.kind());
        if !wanted || self.selection.omit.contains(&found.scope) {
            return;
        }
        let place = if self.subject.kind == SubjectKind::Purl {
            Location::file(path)
        } else {
            let (line, column) = lines.map(|lines| lines.place(found.offset)).unzip();
            let (layer, base) = self.strata.of(path, &found.purl).unzip();
            Location { path: path.to_owned(), line, column, layer, base: base.unwrap_or(false) }
        };
        let place = Place { location: place, scope: found.scope, direct, paths, integrity: found.integrity, bundled: found.bundled };
        let source = source_of(&found.purl);
        let origin = found.origin.map(|address| crate::facts::secrets::hide(address).into_owned());
        let next = self.packages.len();
        let at = *self.known.entry((found.purl.text().to_owned(), origin.clone())).or_insert(next);
        if at == next {
            self.packages.push(Package {
                purl: found.purl,
                version: found.version,
                source,
                origin,
                install_script: false,
                stated_cpes: Vec::new(),
                repositories: Vec::new(),
                vendor: found.vendor,
                module: found.module,
                places: Vec::new(),
            });
        }
        let entry = &mut self.packages[at];
        entry.install_script |= found.install_script;
        entry.stated_cpes.extend(found.stated_cpes);
        entry.repositories.extend(found.repositories);
        entry.places.push(place);
    }

    /// The inventory, in its order.
    pub fn finish(mut self) -> Inventory {
        for package in &mut self.packages {
            package.places.sort();
            package.places.dedup();
            package.stated_cpes.dedup();
            package.repositories.sort();
            package.repositories.dedup();
        }
        self.packages.sort_by_cached_key(|package| (package.purl.text().to_owned(), package.origin.clone()));
        self.coverage.sort();
        self.gaps.sort();
        self.gaps.dedup();
        Inventory {
            subject: self.subject,
            packages: self.packages,
            dockerfiles: self.dockerfiles,
            coverage: self.coverage,
            gaps: self.gaps,
        }
    }
}

/// `bin`, `sbin` and `lib` are links into `usr` in most distributions, whose file lists still name files by the old place.
fn merged(path: &str) -> &str {
    path.strip_prefix("usr/")
        .filter(|rest| rest.starts_with("bin/") || rest.starts_with("sbin/") || rest.starts_with("lib"))
        .unwrap_or(path)
}

fn outside(include: &Include) -> Blemish {
    Blemish::at(include.offset, format!("`{}` lies outside the subject and was not read", include.path))
}

/// The source package that a distro purl's `upstream` qualifier names: `openssl`, `openssl@1.1.1n-0`, or `openssl-3.0.7-27.el9.src.rpm`.
fn source_of(purl: &Purl) -> Option<SourcePackage> {
    if !purl.ecosystem().is_distro() {
        return None;
    }
    let own = purl.full_version();
    let (name, version) = match purl.qualifier("upstream") {
        Some(upstream) => source_rpm(upstream, &own).unwrap_or_else(|| {
            let (name, version) = upstream.split_once('@').unwrap_or((upstream, &own));
            (name.to_owned(), version.to_owned())
        }),
        None => (purl.base_name().to_owned(), own.into_owned()),
    };
    Some(SourcePackage { name, version })
}

/// Name and EVR of a source package by its file's name. The name has no epoch; a package and its source share it almost always, so the
/// package's own stands in.
fn source_rpm(file: &str, own: &str) -> Option<(String, String)> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (front, release) = stem.rsplit_once('-')?;
    let (name, version) = front.rsplit_once('-')?;
    let epoch = own.split_once(':').map(|(epoch, _)| format!("{epoch}:")).unwrap_or_default();
    Some((name.to_owned(), format!("{epoch}{version}-{release}")))
}
