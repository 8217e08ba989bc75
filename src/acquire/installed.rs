//! Which files of a root filesystem tell what is installed in it, and which packages belong to which.
//!
//! Takes paths and a tree, gives what is to be read; folders on disk and images are the same to it.

use super::readers::{apk_installed, dpkg_status, npm_installed, python_installed};
use super::text::decode;
use super::tree::{Tree, TreeError};
use super::{BinaryReader, Owned, Reader, rpm, table};
use crate::model::package::{Gap, Location};

/// What to do with a file of a root filesystem.
#[derive(Clone, Copy)]
pub enum Use {
    /// It is a distribution's database; those come first, as only what they hold can own anything.
    Database(&'static str, Reader),
    /// The same, no text.
    BinaryDatabase(&'static str, BinaryReader),
    /// It tells of one language package.
    Package(&'static str, Reader),
    /// It is a lockfile; in a root filesystem what is installed counts.
    Lockfile(&'static str),
}

/// Where rpm keeps its database, by distribution and age.
const RPM: [&str; 3] = ["var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"];

/// What to do with a path, `/` between names and none in front; nothing for most.
#[must_use]
pub fn use_of(path: &str) -> Option<Use> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match path {
        "var/lib/dpkg/status" => return Some(Use::Database("dpkg database", dpkg_status::read)),
        "lib/apk/db/installed" | "usr/lib/apk/db/installed" => return Some(Use::Database("apk database", apk_installed::read)),
        _ => {}
    }
    if folder == "var/lib/dpkg/status.d" {
        return (!name.ends_with(".md5sums")).then_some(Use::Database("dpkg database", dpkg_status::read));
    }
    if RPM.iter().any(|place| path.strip_prefix(place).is_some_and(|rest| matches!(rest, "Packages" | "Packages.db" | "rpmdb.sqlite"))) {
        return Some(Use::BinaryDatabase("rpm database", rpm::read));
    }
    if let Some((format, reader)) = language_package(folder, name) {
        return Some(Use::Package(format, reader));
    }
    match table::entry_for(path) {
        Some(entry) if !path.contains("node_modules/") && matches!(entry.known, table::Known::Read(_)) => Some(Use::Lockfile(entry.format)),
        _ => None,
    }
}

/// Whether a path is a distribution's database.
#[must_use]
pub fn is_database(path: &str) -> bool {
    matches!(use_of(path), Some(Use::Database(..) | Use::BinaryDatabase(..)))
}

/// Whether a path tells of a language package.
#[must_use]
pub fn is_language_package(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, name)| language_package(folder, name).is_some())
}

/// Whether a path may be judged by itself where no distribution's package brought it: it tells of a language package, or may be an
/// executable.
#[must_use]
pub fn may_be_owned(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    is_language_package(path) || path.contains("bin/") || path.contains("libexec/") || name.contains(".so")
}

fn language_package(folder: &str, name: &str) -> Option<(&'static str, Reader)> {
    let parent = folder.rsplit('/').next().unwrap_or_default();
    let python = (name == "METADATA" && parent.ends_with(".dist-info"))
        || (name == "PKG-INFO" && parent.ends_with(".egg-info"))
        || name.ends_with(".egg-info");
    if python {
        return Some(("Python package", python_installed::read));
    }
    (name == "package.json" && is_npm_package(folder)).then_some(("npm package", npm_installed::read))
}

/// Whether a folder is `node_modules/name` or `node_modules/@scope/name`.
fn is_npm_package(folder: &str) -> bool {
    let mut parts = folder.rsplit('/');
    let (name, above, upper) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let plain = !name.is_empty() && !name.starts_with(['.', '@']);
    plain && (above == "node_modules" || (above.starts_with('@') && upper == "node_modules"))
}

/// The distribution of a root, as `debian:12`, by its os-release (os-release(5): `etc` first, then `usr/lib`).
///
/// # Errors
/// A gap, when the file is there and does not say.
pub fn distro(tree: &dyn Tree) -> Result<Option<String>, Gap> {
    for path in ["etc/os-release", "usr/lib/os-release"] {
        let text = match tree.read(path) {
            Ok(bytes) => decode(bytes.into_owned()).text,
            Err(TreeError::Missing) => continue,
            Err(error) => return Err(Gap { location: Location::file(path), reason: error.to_string() }),
        };
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
            let bare = line.trim_matches(['"', '\'']);
            (!bare.is_empty()).then(|| bare.to_ascii_lowercase())
        };
        return match (value("ID"), value("VERSION_ID")) {
            (Some(id), Some(release)) => Ok(Some(format!("{id}:{release}"))),
            (Some(id), None) => {
                let reason = format!("it names `{id}` and no release (VERSION_ID): say it, as in `--distro {id}:RELEASE`");
                Err(Gap { location: Location::file(path), reason })
            }
            _ => Err(Gap { location: Location::file(path), reason: "it names no distribution (ID): say it with `--distro`".to_owned() }),
        };
    }
    Ok(None)
}

/// The files of language packages that a package of dpkg brought, each with its name. rpm and apk keep that in their databases.
#[must_use]
pub fn dpkg_owned(tree: &dyn Tree, paths: &[String]) -> Vec<Owned> {
    let mut owned = Vec::new();
    for list in paths.iter().filter(|path| path.starts_with("var/lib/dpkg/info/") && path.ends_with(".list")) {
        let name = list.rsplit('/').next().unwrap_or_default().trim_end_matches(".list");
        let name = name.split(':').next().unwrap_or(name);
        let Ok(bytes) = tree.read(list) else { continue };
        let text = decode(bytes.into_owned()).text;
        let files = text.lines().map(|line| line.trim_start_matches('/')).filter(|file| may_be_owned(file));
        owned.extend(files.map(|file| Owned { path: file.to_owned(), owner: name.to_owned() }));
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::tree::Memory;

    #[test]
    fn the_known_places_are_known() {
        let kind = |path: &str| match use_of(path) {
            Some(Use::Database(kind, _) | Use::Package(kind, _) | Use::BinaryDatabase(kind, _)) => kind,
            Some(Use::Lockfile(_)) => "lockfile",
            None => "",
        };
        for (path, expected) in [
            ("var/lib/dpkg/status", "dpkg database"),
            ("var/lib/dpkg/status-old", ""),
            ("var/lib/dpkg/status.d/base", "dpkg database"),
            ("var/lib/dpkg/status.d/base.md5sums", ""),
            ("usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm database"),
            ("app/node_modules/@a/b/package.json", "npm package"),
            ("app/node_modules/a/node_modules/b/package.json", "npm package"),
            ("app/node_modules/a/dist/esm/package.json", ""),
            ("app/node_modules/@a/package.json", ""),
            ("app/package.json", ""),
            ("app/package-lock.json", "lockfile"),
            ("venv/lib/python3.11/site-packages/a-1.dist-info/METADATA", "Python package"),
            ("usr/lib/python3/dist-packages/a-1.egg-info", "Python package"),
            ("usr/lib/python3/dist-packages/a-1.egg-info/PKG-INFO", "Python package"),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }

    #[test]
    fn os_release_is_read_from_both_places() {
        let of = |path: &str, text: &str| distro(&Memory::of(path, text.as_bytes().to_vec()));
        assert_eq!(of("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n").unwrap().as_deref(), Some("debian:12"));
        assert_eq!(of("usr/lib/os-release", "NAME=x\nID='alpine'\nVERSION_ID=3.20.1\n").unwrap().as_deref(), Some("alpine:3.20.1"));
        assert!(of("etc/os-release", "ID=debian\n").unwrap_err().reason.contains("--distro debian:RELEASE"));
        assert_eq!(of("etc/passwd", "").unwrap(), None);
    }

    #[test]
    fn what_a_distributions_package_brought_is_its_own() {
        let list = "/.\n/usr/lib/python3/dist-packages/yaml/__init__.py\n/usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO\n";
        let path = "var/lib/dpkg/info/python3-yaml:amd64.list";
        let owned = dpkg_owned(&Memory::of(path, list.into()), &[path.to_owned()]);
        let file = "usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO".to_owned();
        assert_eq!(owned, [Owned { path: file, owner: "python3-yaml".to_owned() }]);
    }
}
