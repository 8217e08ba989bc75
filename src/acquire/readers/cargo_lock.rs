//! Cargo.lock, versions 1 to 4 (The Cargo Book, "Cargo.toml vs Cargo.lock"; the format is cargo's own).
//!
//! A package without a source is the workspace's own and is not judged. Version 1 keeps checksums in
//! `[metadata]`, later ones beside the package. Which requests are for development stands in Cargo.toml only.

use super::cargo_manifest;
use crate::acquire::graph::{Edge, Root};
use crate::acquire::{Blemish, Found, Reading, Source, toml};
use crate::facts::is_public_registry;
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};
use ::toml::{Spanned, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    version: Option<Spanned<i64>>,
    #[serde(default)]
    package: Vec<Entry>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Entry {
    name: Spanned<String>,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<Spanned<String>>,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = toml::parse(source.text)?;
    if let Some(version) = lock.version.as_ref().filter(|version| *version.get_ref() > 4) {
        let reason = format!("lockfile version {} is newer than 4, the newest that is known", version.get_ref());
        return Err(Blemish::at(version.span().start, reason));
    }
    let mut reading = Reading::default();
    let mut nodes: BTreeMap<&str, Vec<(&Entry, Option<usize>)>> = BTreeMap::new();
    let mut places = Vec::new();
    for entry in &lock.package {
        let at = entry.source.as_ref().and_then(|address| add(&mut reading, &lock, entry, address));
        let of_name = nodes.entry(entry.name.get_ref()).or_default();
        if of_name.iter().any(|(other, _)| other.version == entry.version && other.source == entry.source) {
            reading.blemish(entry.name.span().start, format!("`{}` {} stands here twice: lock again", entry.name.get_ref(), entry.version));
        }
        of_name.push((entry, at));
        places.push(at);
    }
    let manifests = cargo_manifest::members(source);
    for (entry, at) in lock.package.iter().zip(places) {
        let mut edges = Vec::new();
        for request in &entry.dependencies {
            let Some(to) = find(&nodes, request.get_ref()) else {
                let reason =
                    format!("it asks for `{}`, which this file does not hold: it is cut off or was edited, lock again", request.get_ref());
                reading.blemish(request.span().start, reason);
                continue;
            };
            edges.extend(to.map(|to| (request.get_ref().split(' ').next().unwrap_or_default(), to)));
        }
        let name = entry.name.get_ref();
        match (at, &entry.source) {
            (Some(from), _) => edges.into_iter().for_each(|(_, to)| reading.graph.add(from, Edge { to, scope: Scope::Production })),
            (None, None) => {
                let manifest = manifests.get(name);
                let scope = |asked: &str| manifest.map_or(Scope::Production, |manifest| manifest.scope_of(asked));
                let asks = edges.into_iter().map(|(asked, to)| Edge { to, scope: scope(asked) }).collect();
                reading.graph.roots.push(Root { name: name.clone(), asks });
            }
            _ => {}
        }
    }
    reading.settle_scopes();
    Ok(reading)
}

fn add(reading: &mut Reading, lock: &Lock, entry: &Entry, address: &str) -> Option<usize> {
    let (name, offset) = (entry.name.get_ref(), entry.name.span().start);
    let old = lock.metadata.get(&format!("checksum {name} {} ({address})", entry.version)).and_then(Value::as_str);
    let checksum = entry.checksum.as_deref().or(old).filter(|sum| *sum != "<none>");
    match Purl::of_package(Ecosystem::Cargo, name, &entry.version) {
        Ok(purl) => {
            reading.found.push(Found {
                origin: origin_of(address),
                integrity: checksum.map(|sum| format!("sha256:{sum}")).into_iter().collect(),
                ..Found::new(purl, offset)
            });
            Some(reading.found.len() - 1)
        }
        Err(error) => {
            reading.blemish(offset, error.to_string());
            None
        }
    }
}

/// `name`, `name version` or `name version (source)`: as much as it takes to be unambiguous. The package may be
/// the workspace's own.
#[allow(clippy::option_option)]
fn find(nodes: &BTreeMap<&str, Vec<(&Entry, Option<usize>)>>, request: &str) -> Option<Option<usize>> {
    let mut parts = request.splitn(3, ' ');
    let of_name = nodes.get(parts.next()?)?;
    let (version, source) = (parts.next(), parts.next().map(|source| source.trim_matches(['(', ')'])));
    let fits = |entry: &Entry| {
        version.is_none_or(|version| version == entry.version) && source.is_none_or(|source| entry.source.as_deref() == Some(source))
    };
    of_name.iter().find(|(entry, _)| fits(entry)).map(|(_, at)| *at)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};

    const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[test]
    fn every_version_gives_the_same_packages() {
        let one = format!(
            "[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0 ({CRATES})\"]\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{CRATES}\"\n\n[metadata]\n\"checksum a 1.0.0 ({CRATES})\" = \"aa\"\n"
        );
        let four = format!(
            "version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0\", \"g\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{CRATES}\"\nchecksum = \"aa\"\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"{CRATES}\"\n[[package]]\nname = \"g\"\nversion = \"1.0.0\"\nsource = \"git+https://example.test/g#1\"\ndependencies = [\"a 2.0.0\"]\n"
        );
        for (text, count) in [(&one, 1), (&four, 3)] {
            let reading = read_text(read, "Cargo.lock", text).unwrap();
            let first = &reading.found[0];
            assert_eq!((reading.found.len(), first.purl.text(), first.integrity[0].as_str()), (count, "pkg:cargo/a@1.0.0", "sha256:aa"));
            assert!(text[first.offset..].starts_with("\"a\"") && reading.blemishes.is_empty());
        }
        let reading = read_text(read, "Cargo.lock", &four).unwrap();
        assert!(matches!(reading.found[2].origin, Origin::Git(_)));
        assert_eq!(paths(&reading), ["own a@1.0.0", "own g@1.0.0 a@2.0.0", "own g@1.0.0"]);
    }

    #[test]
    fn manifests_say_what_is_for_development() {
        let text = format!(
            "version = 4\n[[package]]\nname = \"m\"\nversion = \"0.1.0\"\ndependencies = [\"a\", \"b\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{CRATES}\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"{CRATES}\"\n"
        );
        let neighbours = [
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
            (
                "crates/m/Cargo.toml",
                "[package]\nname = \"m\"\n[dependencies]\na = \"1\"\n[dev-dependencies]\nrenamed = { package = \"b\", version = \"1\" }\n",
            ),
        ];
        let reading = read_with(read, "Cargo.lock", &text, &neighbours).unwrap();
        assert_eq!((reading.found[0].scope, reading.found[1].scope), (Scope::Production, Scope::Development));
        assert_eq!(names(&reading).len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        let read = |text: &str| read_text(read, "Cargo.lock", text);
        assert!(read("version = 5").unwrap_err().reason.contains("newer"));
        assert_eq!(read("version = 3\n[[package]]\nname=1").unwrap_err().offset, 29);
        assert!(read("[[package]]\nname = \"a\"").is_err());
        let twice = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\n".repeat(2);
        assert_eq!(read(&twice).unwrap().blemishes.len(), 1);
        let cut = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"z\"]\n";
        assert!(read(cut).unwrap().blemishes[0].reason.contains("cut off"));
    }
}
