//! yarn.lock of yarn 2 and later: YAML with `__metadata`, one entry per resolution.
//!
//! Entries with the `workspace:` protocol are the project's own; the file does not say which of their requests
//! are for development, so their package.json is asked. Yarn's checksum is of its own zip, not of the
//! registry's tarball.

use super::npm::{self, Entry, Requests};
use crate::acquire::graph::{Edge, Root};
use crate::acquire::yaml::{self, Entries};
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Scope;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The newest `__metadata.version` whose entries are known to be of this shape (yarn 4.18).
const NEWEST: u32 = 10;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Resolved {
    version: String,
    resolution: String,
    checksum: String,
    dependencies: Entries<String>,
    dependencies_meta: Entries<Meta>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    optional: bool,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not YAML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let entries: Entries<Resolved> = yaml::parse(source.text)?;
    let (metadata, entries): (Vec<_>, Vec<_>) = entries.0.into_iter().partition(|(name, _, _)| name == "__metadata");
    for (_, offset, metadata) in metadata {
        match metadata.version.parse::<u32>() {
            Ok(version) if version > NEWEST => {
                return Err(Blemish::at(offset, format!("lockfile version {version} is newer than {NEWEST}, the newest that is known")));
            }
            Ok(_) => {}
            Err(_) => return Err(Blemish::at(offset, "it has no lockfile version here")),
        }
    }
    let mut reading = Reading::default();
    let mut nodes: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let mut own = Vec::new();
    for (index, (descriptors, offset, entry)) in entries.iter().enumerate() {
        let node = match npm::split_name(&entry.resolution) {
            Some((name, reference)) if reference.starts_with("workspace:") => {
                own.push((index, name.to_owned(), reference["workspace:".len()..].to_owned()));
                None
            }
            // A patch is made of a package that stands in the file too: one package, once.
            Some((name, reference)) => match patched(descriptors).and_then(|original| exact(&nodes, &original)).flatten() {
                Some(original) => Some(original),
                None => npm::add(&mut reading, package(name, reference, entry), *offset),
            },
            None => {
                reading.blemish(*offset, "this entry has no resolution: it is cut off or was edited, lock again");
                None
            }
        };
        nodes.extend(descriptors.split(", ").map(|descriptor| (descriptor, node)));
    }
    for (descriptors, offset, entry) in &entries {
        let from = descriptors.split(", ").next().and_then(|first| nodes.get(first).copied()).flatten();
        for (name, range) in entry.dependencies.iter() {
            let found = find(&nodes, name, range);
            if found.is_none() {
                reading.blemish(
                    *offset,
                    format!("it asks for `{name}@{range}`, which this file does not hold: it is cut off or was edited, lock again"),
                );
            }
            let scope = if optional(entry, name) { Scope::Optional } else { Scope::Production };
            if let Some(from) = from {
                found.into_iter().flatten().for_each(|to| reading.graph.add(from, Edge { to, scope }));
            }
        }
    }
    for (index, name, folder) in own {
        let asks = asks(source, &entries[index].2, &folder, &nodes);
        reading.graph.roots.push(Root { name, asks });
    }
    reading.settle_scopes();
    Ok(reading)
}

fn optional(entry: &Resolved, name: &str) -> bool {
    entry.dependencies_meta.iter().any(|(other, meta)| other == name && meta.optional)
}

/// What a workspace asks for: the file says what, its package.json says for what.
fn asks(source: &Source<'_>, entry: &Resolved, folder: &str, nodes: &BTreeMap<&str, Option<usize>>) -> Vec<Edge> {
    let manifest = source.beside(&format!("{folder}/package.json")).and_then(|text| serde_json::from_str::<Requests>(&text).ok());
    let scope = |name: &str| {
        let stated =
            manifest.as_ref().and_then(|manifest| manifest.all().filter(|(other, _, _)| *other == name).map(|(_, _, scope)| scope).min());
        stated.unwrap_or(if optional(entry, name) { Scope::Optional } else { Scope::Production })
    };
    let requests = entry.dependencies.iter();
    requests
        .flat_map(|(name, range)| find(nodes, name, range).unwrap_or_default().into_iter().map(move |to| (name, to)))
        .map(|(name, to)| Edge { to, scope: scope(name) })
        .collect()
}

/// The packages behind a request; nothing where the file has none of that name. `resolutions` and patches change
/// descriptors, so the name alone must do where the descriptor is unknown.
fn find(nodes: &BTreeMap<&str, Option<usize>>, name: &str, range: &str) -> Option<Vec<usize>> {
    if let Some(node) = exact(nodes, &format!("{name}@{range}")) {
        return Some(node.into_iter().collect());
    }
    let start = format!("{name}@");
    let of_name: Vec<&Option<usize>> =
        nodes.range(start.as_str()..).take_while(|(other, _)| other.starts_with(&start)).map(|(_, node)| node).collect();
    (!of_name.is_empty()).then(|| of_name.into_iter().flatten().copied().collect())
}

/// The entry of a descriptor; before yarn 4 requests leave out `npm:`, which the entries' names have.
#[allow(clippy::option_option)]
fn exact(nodes: &BTreeMap<&str, Option<usize>>, descriptor: &str) -> Option<Option<usize>> {
    let (name, range) = npm::split_name(descriptor)?;
    nodes.get(descriptor).or_else(|| nodes.get(format!("{name}@npm:{range}").as_str())).copied()
}

fn package(name: &str, reference: &str, entry: &Resolved) -> Entry {
    let (bare, bindings) = reference.split_once("::").unwrap_or((reference, ""));
    // A patched package is that package, with the project's changes on top.
    let patched = patched(reference);
    let (name, bare) = patched.as_deref().and_then(npm::split_name).unwrap_or((name, bare));
    let archive = bindings.split('&').find_map(|binding| binding.strip_prefix("__archiveUrl=")).map(decode);
    let (name, _) = npm::real_name(name, bare);
    let from_registry = bare.starts_with("npm:") || patched.is_some();
    let local = bare.starts_with("portal:") || bare.starts_with("link:") || bare.starts_with("file:");
    Entry {
        name: name.to_owned(),
        version: if entry.version == "0.0.0-use.local" { String::new() } else { entry.version.clone() },
        resolved: match archive {
            Some(archive) => archive,
            None if from_registry => String::new(),
            None if local => bare.to_owned(),
            None => reference.to_owned(),
        },
        integrity: if entry.checksum.is_empty() { String::new() } else { format!("yarn-zip-{}", entry.checksum) },
        ..Entry::default()
    }
}

/// What a reference with the `patch:` protocol patches.
fn patched(reference: &str) -> Option<String> {
    let (_, rest) = reference.split_once("patch:")?;
    Some(decode(rest.split('#').next().unwrap_or(rest)))
}

/// Undoes percent encoding.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};
    use crate::acquire::readers::yarn_lock;
    use crate::model::package::Origin;

    const LOCK: &str = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\
        \"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    alias: \"npm:real@^1\"\n    dev: \"npm:1\"\n    own: \"workspace:*\"\n  languageName: unknown\n  linkType: soft\n\n\
        \"alias@npm:real@^1\":\n  version: 1.2.0\n  resolution: \"real@npm:1.2.0\"\n  dependencies:\n    p: \"npm:^1\"\n  checksum: 10c0/aa\n\n\
        \"dev@npm:1\":\n  version: 1.0.0\n  resolution: \"dev@npm:1.0.0::__archiveUrl=https%3A%2F%2Fnpm.example.test%2Fdev%2F-%2Fdev-1.0.0.tgz\"\n\n\
        \"p@npm:^1\":\n  version: 1.0.0\n  resolution: \"p@npm:1.0.0\"\n\n\
        \"p@patch:p@npm%3A^1#./p.patch\":\n  version: 1.0.0\n  resolution: \"p@patch:p@npm%3A1.0.0#./p.patch::version=1.0.0&hash=1\"\n\n\
        \"g@git+https://example.test/g.git\":\n  version: 2.0.0\n  resolution: \"g@https://example.test/g.git#commit=1\"\n\n\
        \"local@portal:./local::locator=app\":\n  version: 0.0.0-use.local\n  resolution: \"local@portal:./local::locator=app\"\n\n\
        \"own@workspace:*, own@workspace:own\":\n  version: 0.0.0-use.local\n  resolution: \"own@workspace:own\"\n";

    #[test]
    fn protocols_are_told_apart() {
        let manifest = ("package.json", r#"{"name":"app","devDependencies":{"dev":"1"},"dependencies":{"alias":"npm:real@^1"}}"#);
        let reading = read_with(yarn_lock::read, "yarn.lock", LOCK, &[manifest]).unwrap();
        assert_eq!(names(&reading), ["pkg:npm/real@1.2.0", "pkg:npm/dev@1.0.0", "pkg:npm/p@1.0.0", "pkg:npm/g@2.0.0", "pkg:npm/local"]);
        assert_eq!(reading.found[1].origin, Origin::Registry("https://npm.example.test/".to_owned()));
        assert!(matches!((&reading.found[3].origin, &reading.found[4].origin), (Origin::Git(_), Origin::Path(_))));
        assert_eq!(paths(&reading)[2], "app real@1.2.0 p@1.0.0");
        assert_eq!((reading.found[1].scope, reading.found[2].scope), (Scope::Development, Scope::Production));
        assert!(reading.blemishes.is_empty(), "{:?}", reading.blemishes);
    }

    #[test]
    fn a_cut_or_newer_file_is_told() {
        let cut = LOCK.split("\"p@npm").next().unwrap();
        assert!(
            read_text(yarn_lock::read, "yarn.lock", cut).unwrap().blemishes.iter().any(|blemish| blemish.reason.contains("`p@npm:^1`"))
        );
        assert!(read_text(yarn_lock::read, "yarn.lock", "__metadata:\n  version: 99\n").unwrap_err().reason.contains("newer"));
    }
}
