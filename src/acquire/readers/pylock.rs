//! pylock.toml, lock-version 1 ("pylock.toml Specification" of the packaging specifications, PEP 751).
//!
//! The specification lets tools leave out who asks for whom, so a file that ends early between two packages
//! cannot be told from a whole one.

use super::pypi::{self, Nodes};
use crate::acquire::{Blemish, Found, Reading, Source, toml};
use crate::model::package::{Origin, Scope};
use ::toml::Spanned;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    lock_version: Spanned<String>,
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: Spanned<String>,
    #[serde(default)]
    version: String,
    marker: Option<String>,
    index: Option<String>,
    #[serde(default)]
    dependencies: Vec<Request>,
    vcs: Option<Address>,
    directory: Option<Address>,
    archive: Option<Address>,
    sdist: Option<Address>,
    #[serde(default)]
    wheels: Vec<Address>,
}

#[derive(Deserialize)]
struct Request {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    url: Option<String>,
    path: Option<String>,
    editable: bool,
    hashes: BTreeMap<String, String>,
}

impl Address {
    fn text(&self) -> String {
        self.url.clone().or_else(|| self.path.clone()).unwrap_or_default()
    }
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = toml::parse(source.text)?;
    if lock.lock_version.get_ref().split('.').next() != Some("1") {
        return Err(Blemish::at(
            lock.lock_version.span().start,
            format!("lock-version {} is not known; 1 is", lock.lock_version.get_ref()),
        ));
    }
    let mut reading = Reading::default();
    let mut nodes = Nodes::default();
    let mut packages = Vec::new();
    for package in &lock.packages {
        // An editable folder is the project itself or a member of it.
        let own = package.directory.as_ref().is_some_and(|folder| folder.editable);
        let offset = package.name.span().start;
        packages.push(if own {
            None
        } else {
            nodes.add(&mut reading, package.name.get_ref(), &package.version, offset, |found| fill(found, package))
        });
    }
    for (package, from) in lock.packages.iter().zip(packages) {
        let Some(from) = from else { continue };
        package.dependencies.iter().for_each(|request| {
            nodes.ask(&mut reading, from, &request.name, Scope::Production);
        });
    }
    if let Some(project) = pypi::project(source) {
        nodes.add_root(&mut reading, &project);
    }
    Ok(reading)
}

fn fill(found: &mut Found, package: &Package) {
    let files = package.wheels.iter().chain(&package.sdist).chain(&package.archive);
    found.integrity = files.flat_map(|file| &file.hashes).map(|(name, digest)| format!("{name}:{digest}")).collect();
    found.origin = match (&package.vcs, &package.directory, &package.archive) {
        (Some(vcs), _, _) => Origin::Git(vcs.text()),
        (_, Some(folder), _) => Origin::Path(folder.text()),
        (_, _, Some(archive)) => pypi::archive_origin(&archive.text()),
        _ => pypi::index_origin(package.index.as_deref().unwrap_or_default()),
    };
    // Only a marker names the extra or the group that a package is locked for.
    let marker = package.marker.as_deref().unwrap_or_default();
    found.scope = match (marker.contains("in extras"), marker.contains("in dependency_groups")) {
        (true, _) => Scope::Optional,
        (false, true) => Scope::Development,
        (false, false) => Scope::Production,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};

    #[test]
    fn every_kind_of_source() {
        let text = "lock-version = \"1.0\"\ncreated-by = \"x\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nindex = \"https://pypi.org/simple\"\nmarker = \"'dev' in dependency_groups\"\nwheels = [{url = \"u\", hashes = {sha256 = \"aa\"}}]\n\
                    [[packages]]\nname = \"b\"\nvcs = {type = \"git\", url = \"https://example.test/b.git\", commit-id = \"1\"}\n[[packages]]\nname = \"own\"\ndirectory = {path = \".\", editable = true}\n[[packages]]\nname = \"c\"\nversion = \"2\"\narchive = {url = \"https://example.test/c.zip\", hashes = {sha256 = \"cc\"}}\ndependencies = [{name = \"a\"}]\n";
        let reading = read_text(read, "pylock.toml", text).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/a@1", "pkg:pypi/b", "pkg:pypi/c@2"]);
        assert_eq!((reading.found[0].scope, reading.found[0].integrity[0].as_str()), (Scope::Development, "sha256:aa"));
        assert!(matches!((&reading.found[1].origin, &reading.found[2].origin), (Origin::Git(_), Origin::Url(_))));
        assert_eq!(paths(&reading)[0], "c@2 a@1");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "lock-version = \"2.0\"\n", "lock-version = \"1.0\"\n[[packages]]\nversion = \"1\"\n"] {
            assert!(read_text(read, "pylock.toml", bad).is_err(), "{bad}");
        }
    }
}
