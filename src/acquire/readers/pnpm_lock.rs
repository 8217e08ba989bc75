//! pnpm-lock.yaml, lockfileVersion 5 (pnpm 3–7), 6 (pnpm 8) and 9 (pnpm 9 and later).
//!
//! Versions 5 and 6 keep a package and its requests in one entry of `packages`; 9 keeps the package in `packages`
//! and its requests in `snapshots`, one for each set of peers. `importers` are the project and its members; a
//! single project of an old version has its requests at the top.

use super::npm::{self, Entry};
use super::pnpm_key::{Key, Layout};
use crate::acquire::graph::{Edge, Root};
use crate::acquire::yaml::{self, Entries};
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Scope;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: String,
    #[serde(default)]
    importers: Entries<Importer>,
    #[serde(default)]
    packages: Entries<Package>,
    #[serde(default)]
    snapshots: Entries<Package>,
    #[serde(default)]
    dependencies: Entries<Chosen>,
    #[serde(default)]
    optional_dependencies: Entries<Chosen>,
    #[serde(default)]
    dev_dependencies: Entries<Chosen>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Importer {
    dependencies: Entries<Chosen>,
    optional_dependencies: Entries<Chosen>,
    dev_dependencies: Entries<Chosen>,
}

/// A version alone, or one with the range that led to it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Chosen {
    Version(String),
    Specified { version: String },
}

impl Chosen {
    fn version(&self) -> &str {
        match self {
            Self::Version(version) | Self::Specified { version } => version,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Package {
    name: String,
    version: String,
    resolution: Resolution,
    requires_build: bool,
    dependencies: Entries<String>,
    optional_dependencies: Entries<String>,
    dev: Option<bool>,
    optional: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resolution {
    integrity: String,
    tarball: String,
    repo: String,
    commit: String,
    directory: String,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not YAML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = yaml::parse(source.text)?;
    let layout = match lock.lockfile_version.split('.').next().unwrap_or_default() {
        "5" => Layout::Slashes,
        "6" => Layout::LeadingSlash,
        "9" => Layout::Plain,
        _ => {
            let at = source.text.find("lockfileVersion").unwrap_or(0);
            return Err(Blemish::at(at, format!("lockfileVersion {} is not known; 5, 6 and 9 are", lock.lockfile_version)));
        }
    };
    let mut reading = Reading::default();
    let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
    let metadata: BTreeMap<&str, &Package> = lock.packages.iter().collect();
    let places: BTreeMap<&str, usize> = lock.packages.0.iter().map(|(key, at, _)| (key.as_str(), *at)).collect();
    // In version 9 each set of peers is a snapshot of its own; the package behind it is the same.
    let entries = if layout == Layout::Plain { &lock.snapshots } else { &lock.packages };
    for (key, offset, entry) in &entries.0 {
        let plain = layout.without_peers(key);
        let described = if layout == Layout::Plain { metadata.get(plain).copied() } else { Some(entry) };
        let Some(described) = described else {
            reading.blemish(*offset, format!("`packages` holds no `{plain}`: the file is cut off or was edited, lock again"));
            continue;
        };
        let place = places.get(plain).copied().unwrap_or(*offset);
        if let Some(at) = add(&mut reading, layout, key, described, entry.optional, place) {
            nodes.insert(key.clone(), at);
        }
    }
    let known = Nodes { layout, nodes: &nodes };
    known.note_missing_snapshots(&lock, &mut reading);
    for (key, offset, entry) in &entries.0 {
        let Some(from) = nodes.get(key).copied() else { continue };
        for (list, scope) in [(&entry.dependencies, Scope::Production), (&entry.optional_dependencies, Scope::Optional)] {
            for (name, version) in list.iter() {
                match known.find(name, version) {
                    Some(to) => reading.graph.add(from, Edge { to, scope }),
                    None => note_absent(&mut reading, name, version, *offset),
                }
            }
        }
    }
    let single = Importer {
        dependencies: lock.dependencies,
        optional_dependencies: lock.optional_dependencies,
        dev_dependencies: lock.dev_dependencies,
    };
    known.add_root(".", &single, 0, &mut reading);
    lock.importers.0.iter().for_each(|(folder, offset, importer)| known.add_root(folder, importer, *offset, &mut reading));
    reading.settle_scopes();
    Ok(reading)
}

fn note_absent(reading: &mut Reading, name: &str, version: &str, offset: usize) {
    // Links lead to members of the workspace.
    if !version.starts_with("link:") {
        reading.blemish(
            offset,
            format!("it asks for `{name}` {version}, which this file does not hold: it is cut off or was edited, lock again"),
        );
    }
}

/// The packages of the file by key.
struct Nodes<'a> {
    layout: Layout,
    nodes: &'a BTreeMap<String, usize>,
}

impl Nodes<'_> {
    fn find(&self, name: &str, version: &str) -> Option<usize> {
        self.layout.keys(name, version).iter().find_map(|key| self.nodes.get(key).copied())
    }

    fn add_root(&self, folder: &str, importer: &Importer, offset: usize, reading: &mut Reading) {
        let lists = [
            (&importer.dependencies, Scope::Production),
            (&importer.optional_dependencies, Scope::Optional),
            (&importer.dev_dependencies, Scope::Development),
        ];
        if lists.iter().all(|(list, _)| list.0.is_empty()) {
            return;
        }
        let mut root = Root { name: folder.to_owned(), asks: Vec::new() };
        for (list, scope) in lists {
            for (name, chosen) in list.iter() {
                match self.find(name, chosen.version()) {
                    Some(to) => root.asks.push(Edge { to, scope }),
                    None => note_absent(reading, name, chosen.version(), offset),
                }
            }
        }
        reading.graph.roots.push(root);
    }

    /// A package without any snapshot is one that the cut took the rest of.
    fn note_missing_snapshots(&self, lock: &Lock, reading: &mut Reading) {
        if self.layout == Layout::Plain {
            for (key, offset, _) in &lock.packages.0 {
                let next = self.nodes.range(key.clone()..).next().map(|(other, _)| self.layout.without_peers(other));
                if next != Some(key.as_str()) {
                    reading.blemish(*offset, format!("`snapshots` holds no `{key}`: the file is cut off or was edited, lock again"));
                }
            }
        }
    }
}

fn add(reading: &mut Reading, layout: Layout, key: &str, package: &Package, optional: bool, offset: usize) -> Option<usize> {
    let Some(Key { name, version, address }) = layout.split(key) else {
        reading.blemish(offset, format!("`{key}` does not say name and version"));
        return None;
    };
    let resolution = &package.resolution;
    let resolved = if !resolution.repo.is_empty() {
        format!("git+{}#{}", resolution.repo, resolution.commit)
    } else if !resolution.directory.is_empty() {
        format!("file:{}", resolution.directory)
    } else if resolution.tarball.is_empty() {
        address
    } else {
        resolution.tarball.clone()
    };
    let entry = Entry {
        name: if package.name.is_empty() { name } else { package.name.clone() },
        version: if package.version.is_empty() { version } else { package.version.clone() },
        resolved,
        integrity: resolution.integrity.clone(),
        install_script: package.requires_build,
        bundled: false,
        scope: Some(match (package.dev, package.optional || optional) {
            (Some(true), _) => Scope::Development,
            (_, true) => Scope::Optional,
            _ => Scope::Production,
        }),
    };
    npm::add(reading, entry, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};
    use crate::model::package::Origin;

    const NINE: &str = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      alias:\n        specifier: npm:real@1\n        version: real@1.0.0\n      '@s/m':\n        specifier: workspace:*\n        version: link:packages/m\n  packages/m:\n    devDependencies:\n      dom:\n        specifier: 16.0.0\n        version: 16.0.0(react@16.1.0)\n\npackages:\n\n  dom@16.0.0:\n    resolution: {integrity: sha512-d}\n    peerDependencies:\n      react: ^16\n\n  react@16.1.0:\n    resolution: {integrity: sha512-r}\n\n  real@1.0.0:\n    resolution: {integrity: sha512-x}\n\nsnapshots:\n\n  dom@16.0.0(react@16.1.0):\n    dependencies:\n      react: 16.1.0\n\n  react@16.1.0: {}\n\n  real@1.0.0: {}\n";

    #[test]
    fn version_nine_keeps_snapshots_apart() {
        let reading = read_text(read, "pnpm-lock.yaml", NINE).unwrap();
        assert_eq!(names(&reading), ["pkg:npm/dom@16.0.0", "pkg:npm/react@16.1.0", "pkg:npm/real@1.0.0"]);
        assert_eq!(paths(&reading), ["packages/m dom@16.0.0", "packages/m dom@16.0.0 react@16.1.0", ". real@1.0.0"]);
        assert_eq!((reading.found[1].scope, reading.found[2].scope), (Scope::Development, Scope::Production));
        assert!(
            NINE[reading.found[0].offset..].starts_with("dom@16.0.0:\n    resolution") && reading.blemishes.is_empty(),
            "{:?}",
            reading.blemishes
        );
    }

    #[test]
    fn older_versions_keep_everything_in_one_entry() {
        let five = "lockfileVersion: 5.4\nspecifiers:\n  a: 1\ndependencies:\n  a: 1.0.0_b@2.0.0\n  t: '@example.test/t.tgz'\npackages:\n  /a/1.0.0_b@2.0.0:\n    resolution: {integrity: sha512-a}\n    dependencies:\n      '@s/b': 2.0.0\n    requiresBuild: true\n    dev: false\n  /@s/b/2.0.0:\n    resolution: {integrity: sha512-b}\n    dev: true\n  '@example.test/t.tgz':\n    resolution: {tarball: https://example.test/t.tgz}\n    name: t\n    version: 3.0.0\n";
        let six = "lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: '1'\n    version: 1.0.0(b@2.0.0)\npackages:\n  /a@1.0.0(b@2.0.0):\n    resolution: {integrity: sha512-a}\n    dependencies:\n      '@s/b': 2.0.0\n  /@s/b@2.0.0:\n    resolution: {integrity: sha512-b}\n  git.example.test/g/abc:\n    resolution: {commit: abc, repo: https://git.example.test/g.git, type: git}\n    name: g\n    version: 0.1.0\n";
        let (five, six) = (read_text(read, "p", five).unwrap(), read_text(read, "p", six).unwrap());
        assert_eq!(names(&five), ["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/t@3.0.0"]);
        assert_eq!((five.found[2].origin.clone(), five.found[0].install_script), (Origin::Url("https://example.test/t.tgz".into()), true));
        assert_eq!(names(&six), ["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/g@0.1.0"]);
        assert!(matches!(six.found[2].origin, Origin::Git(_)));
        assert_eq!(paths(&six)[1], ". a@1.0.0 @s/b@2.0.0");
        assert!(five.blemishes.is_empty() && six.blemishes.is_empty(), "{:?} {:?}", five.blemishes, six.blemishes);
    }

    #[test]
    fn a_cut_or_newer_file_is_told() {
        for cut in ["  react@16.1.0: {}", "  real@1.0.0: {}", "packages:\n"] {
            let text = &NINE[..NINE.rfind(cut).unwrap()];
            assert!(!read_text(read, "p", text).unwrap().blemishes.is_empty(), "{cut}");
        }
        assert!(read_text(read, "p", "lockfileVersion: '10.0'\n").unwrap_err().reason.contains("not known"));
        assert!(read_text(read, "p", "a: b\n").is_err());
    }
}
