//! Cargo.lock, versions 1 to 4 (The Cargo Book, "Cargo.toml vs Cargo.lock"; the format is cargo's own).
//!
//! A package without a source is the workspace's own and is not judged. Version 1 keeps checksums in
//! `[metadata]`, later ones beside the package.

use crate::acquire::{Blemish, Found, Reading};
use crate::facts::is_public_registry;
use crate::model::package::Origin;
use crate::model::purl::{Ecosystem, Purl};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

#[derive(Deserialize)]
struct Lock {
    version: Option<Spanned<i64>>,
    #[serde(default)]
    package: Vec<Spanned<Entry>>,
    #[serde(default)]
    metadata: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct Entry {
    name: Spanned<String>,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape or of a version that is not known.
pub fn read(text: &str) -> Result<Reading, Blemish> {
    let lock: Lock =
        toml::from_str(text).map_err(|error| Blemish { offset: error.span().map_or(0, |span| span.start), reason: told(&error, text) })?;
    if let Some(version) = lock.version.as_ref().filter(|version| *version.get_ref() > 4) {
        return Err(Blemish {
            offset: version.span().start,
            reason: format!("lockfile version {} is newer than 4, the newest that is known", version.get_ref()),
        });
    }
    let own = lock.package.iter().map(Spanned::get_ref).filter(|entry| entry.source.is_none());
    let direct: BTreeSet<&str> = own.clone().flat_map(|entry| &entry.dependencies).filter_map(|name| name.split(' ').next()).collect();
    let mut reading = Reading::default();
    for entry in lock.package.iter().map(Spanned::get_ref) {
        let Some(source) = &entry.source else { continue };
        let offset = entry.name.span().start;
        let name = entry.name.get_ref();
        let old = lock.metadata.get(&format!("checksum {name} {} ({source})", entry.version)).and_then(|value| value.as_str());
        match Purl::of_package(Ecosystem::Cargo, name, &entry.version) {
            Ok(purl) => reading.found.push(Found {
                version: entry.version.clone(),
                origin: origin_of(source),
                integrity: entry
                    .checksum
                    .as_deref()
                    .or(old)
                    .filter(|sum| *sum != "<none>")
                    .map(|sum| format!("sha256:{sum}"))
                    .into_iter()
                    .collect(),
                direct: Some(direct.contains(name.as_str())),
                ..Found::new(purl, offset)
            }),
            Err(error) => reading.blemishes.push(Blemish { offset, reason: error.to_string() }),
        }
    }
    Ok(reading)
}

fn origin_of(source: &str) -> Origin {
    if is_public_registry(Ecosystem::Cargo, source) {
        Origin::Public
    } else if source.starts_with("git+") {
        Origin::Git(source.to_owned())
    } else if source.starts_with("path+") {
        Origin::Path(source.to_owned())
    } else {
        Origin::Registry(source.to_owned())
    }
}

fn told(error: &toml::de::Error, text: &str) -> String {
    if text.contains("\n<<<<<<< ") {
        return "it has merge conflict marks: resolve the conflict".to_owned();
    }
    format!("it is not a Cargo lockfile here: {}", error.message().chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_gives_the_same_packages() {
        let v1 = r#"
[[package]]
name = "own"
version = "0.1.0"
dependencies = ["a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[metadata]
"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)" = "aa"
"#;
        let v4 = r#"
version = 4
[[package]]
name = "own"
version = "0.1.0"
dependencies = ["a"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"
[[package]]
name = "g"
version = "1.0.0"
source = "git+https://example.test/g#1"
"#;
        for (text, count) in [(v1, 1), (v4, 2)] {
            let reading = read(text).unwrap();
            assert_eq!(reading.found.len(), count);
            let first = &reading.found[0];
            assert_eq!((first.purl.text(), first.integrity[0].as_str(), first.direct), ("pkg:cargo/a@1.0.0", "sha256:aa", Some(true)));
            assert!(text[first.offset..].starts_with("\"a\""));
        }
        assert!(matches!(read(v4).unwrap().found[1].origin, Origin::Git(_)));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        assert!(read("version = 5").unwrap_err().reason.contains("newer"));
        assert_eq!(read("version = 3\n[[package]\nname=1").unwrap_err().offset, 22);
        assert!(read("[[package]]\nname = \"a\"").is_err());
    }
}
