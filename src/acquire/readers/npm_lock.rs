//! package-lock.json and npm-shrinkwrap.json, lockfileVersion 1, 2 and 3 (npm's "package-lock.json" page).
//!
//! Version 2 and 3 list installed folders under `packages`; version 1 nests `dependencies`. The root, links
//! and workspace members are the project's own and are not packages here. An alias is read as the package
//! it stands for.

use crate::acquire::json::{self, Members};
use crate::acquire::{Blemish, Found, Reading};
use crate::facts::is_public_registry;
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock<'a> {
    lockfile_version: Option<u64>,
    #[serde(borrow)]
    packages: Option<Members<'a>>,
    #[serde(borrow)]
    dependencies: Option<Members<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<serde_json::Value>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    has_install_script: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Root {
    #[serde(default)]
    dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    peer_dependencies: BTreeMap<String, serde_json::Value>,
}

impl Root {
    fn asks_for(&self, name: &str) -> bool {
        [&self.dependencies, &self.dev_dependencies, &self.optional_dependencies, &self.peer_dependencies]
            .iter()
            .any(|map| map.contains_key(name))
    }
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not JSON, is of a version that is not known, or lists nothing that could be read.
pub fn read(text: &str) -> Result<Reading, Blemish> {
    let lock: Lock<'_> = json::parse(text)?;
    match (lock.lockfile_version, &lock.packages, &lock.dependencies) {
        (Some(4..), _, _) => Err(at_start(format!(
            "lockfileVersion {} is newer than 3, the newest that is known",
            lock.lockfile_version.unwrap_or_default()
        ))),
        (_, Some(packages), _) => Ok(read_packages(text, packages)),
        (_, None, Some(dependencies)) => {
            let mut reading = Reading::default();
            read_dependencies(text, dependencies, &mut reading);
            Ok(reading)
        }
        // A project without dependencies has neither list; so has a file that is something else.
        (Some(1), None, None) => Ok(Reading::default()),
        _ => Err(at_start("it has neither `packages` nor `dependencies`: it is not an npm lockfile".to_owned())),
    }
}

fn at_start(reason: String) -> Blemish {
    Blemish { offset: 0, reason }
}

fn read_packages(text: &str, packages: &Members<'_>) -> Reading {
    let mut reading = Reading::default();
    let root = packages.0.iter().find(|(path, _)| path.is_empty());
    let root = root.and_then(|(_, value)| serde_json::from_str::<Root>(value.get()).ok()).unwrap_or_default();
    for (path, value) in &packages.0 {
        // The root is ""; workspace members lie outside node_modules.
        let Some((parent, folder_name)) = split_folder(path) else { continue };
        match entry_of(text, value) {
            Ok(entry) if entry.link => {}
            Ok(entry) => {
                let name = entry.name.clone().unwrap_or_else(|| folder_name.to_owned());
                let direct = parent.is_empty() && root.asks_for(folder_name);
                let offset = json::name_offset(text, path, value);
                add(&mut reading, &name, entry, Some(direct), offset);
            }
            Err(blemish) => reading.blemishes.push(blemish),
        }
    }
    reading
}

/// `a/node_modules/b` is folder `b` below `a`.
fn split_folder(path: &str) -> Option<(&str, &str)> {
    match path.rfind("node_modules/") {
        Some(at) if at == 0 || path[..at].ends_with('/') => Some((path[..at].trim_end_matches('/'), &path[at + "node_modules/".len()..])),
        _ => None,
    }
}

fn entry_of(text: &str, value: &RawValue) -> Result<Entry, Blemish> {
    json::parse_value(text, value)
}

/// serde_json itself refuses more than 128 levels, so the recursion is bounded.
fn read_dependencies(text: &str, dependencies: &Members<'_>, reading: &mut Reading) {
    #[derive(Deserialize)]
    struct Nested<'a> {
        #[serde(borrow)]
        dependencies: Option<Members<'a>>,
    }
    for (name, value) in &dependencies.0 {
        let offset = json::name_offset(text, name, value);
        match entry_of(text, value) {
            Ok(mut entry) => {
                // In version 1 the version field holds the source of what is no registry package.
                let spec = entry.version.clone().unwrap_or_default();
                let alias = spec
                    .strip_prefix("npm:")
                    .and_then(|target| target.rsplit_once('@'))
                    .map(|(name, version)| (name.to_owned(), version.to_owned()));
                let foreign = spec.contains("://") || spec.starts_with("file:") || spec.starts_with("github:");
                let name = match alias {
                    Some((target, version)) => {
                        entry.version = Some(version);
                        target
                    }
                    None => name.to_string(),
                };
                if foreign {
                    entry.resolved = Some(spec.into());
                    entry.version = Some(String::new());
                }
                add(reading, &name, entry, None, offset);
            }
            Err(blemish) => reading.blemishes.push(blemish),
        }
        if let Ok(nested) = serde_json::from_str::<Nested<'_>>(value.get())
            && let Some(inner) = nested.dependencies
        {
            read_dependencies(text, &inner, reading);
        }
    }
}

fn add(reading: &mut Reading, name: &str, entry: Entry, direct: Option<bool>, offset: usize) {
    let resolved = entry.resolved.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
    let origin = origin_of(resolved);
    let version = entry.version.unwrap_or_default();
    if version.is_empty() && origin == Origin::Public {
        reading.blemishes.push(Blemish { offset, reason: format!("`{name}` has no version: run `npm install --package-lock-only`") });
        return;
    }
    match Purl::of_package(Ecosystem::Npm, name, &version) {
        Ok(purl) => reading.found.push(Found {
            version,
            origin,
            integrity: entry
                .integrity
                .into_iter()
                .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect(),
            install_script: entry.has_install_script,
            scope: if entry.dev {
                Scope::Development
            } else if entry.optional || entry.dev_optional {
                Scope::Optional
            } else {
                Scope::Production
            },
            direct,
            ..Found::new(purl, offset)
        }),
        Err(error) => reading.blemishes.push(Blemish { offset, reason: error.to_string() }),
    }
}

fn origin_of(resolved: &str) -> Origin {
    let address = resolved.to_owned();
    if resolved.is_empty() || is_public_registry(Ecosystem::Npm, resolved) {
        Origin::Public
    } else if resolved.starts_with("git") || resolved.starts_with("github:") || resolved.contains(".git#") {
        Origin::Git(address)
    } else if resolved.starts_with("file:") || !resolved.contains("://") {
        Origin::Path(address)
    } else if resolved.contains("/-/") {
        Origin::Registry(
            address.split("/-/").next().unwrap_or_default().rsplit_once('/').map_or(String::new(), |(host, _)| format!("{host}/")),
        )
    } else {
        Origin::Url(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        read(text).unwrap().found.iter().map(|found| found.purl.to_string()).collect()
    }

    #[test]
    fn folders_aliases_links_and_members_are_told_apart() {
        let text = r#"{"lockfileVersion":3,"packages":{
            "":{"dependencies":{"a":"1"}},
            "node_modules/a":{"version":"1.0.0","resolved":"https://registry.npmjs.org/a/-/a-1.0.0.tgz","integrity":"sha512-x"},
            "node_modules/a/node_modules/@s/b":{"version":"2.0.0","dev":true},
            "node_modules/alias":{"name":"real","version":"3.0.0"},
            "node_modules/own":{"resolved":"packages/own","link":true},
            "packages/own":{"version":"0.0.1"},
            "node_modules/g":{"version":"1.0.0","resolved":"git+ssh://git@example.test/g.git#abc"},
            "node_modules/p":{"version":"1.0.0","resolved":"https://npm.example.test/repo/p/-/p-1.0.0.tgz"}}}"#;
        let reading = read(text).unwrap();
        assert_eq!(names(text), ["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/real@3.0.0", "pkg:npm/g@1.0.0", "pkg:npm/p@1.0.0"]);
        assert_eq!((reading.found[0].direct, reading.found[1].direct), (Some(true), Some(false)));
        assert_eq!(reading.found[1].scope, Scope::Development);
        assert!(matches!(reading.found[3].origin, Origin::Git(_)));
        assert_eq!(reading.found[4].origin, Origin::Registry("https://npm.example.test/repo/".to_owned()));
        assert!(text[reading.found[0].offset..].starts_with("\"node_modules/a\""));
    }

    #[test]
    fn version_one_nests() {
        let text = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0"}}},
            "c":{"version":"npm:d@3.0.0"},"e":{"version":"git+https://example.test/e.git#1"}}}"#;
        assert_eq!(names(text), ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/d@3.0.0", "pkg:npm/e"]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "{", "[]", r#"{"lockfileVersion":9,"packages":{}}"#, r#"{"name":"x"}"#, "\u{0}\u{1}binary"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let text = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{},"node_modules/b":7}}"#;
        assert_eq!(read(text).unwrap().blemishes.len(), 2);
    }
}
