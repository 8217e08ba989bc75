//! bun.lock, lockfileVersion 0 to 2: JSON with comments and commas before closing brackets.
//!
//! `packages` maps where a package is installed (`a/b` is b inside a) to `[name@version, registry, requests,
//! digest]`; what comes from no registry has fewer members. The binary bun.lockb is not read.

use super::npm::{self, Entry, Requests};
use crate::acquire::graph::{Edge, Root};
use crate::acquire::json::{self, Members};
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Scope;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock<'a> {
    lockfile_version: u64,
    #[serde(borrow, default)]
    workspaces: Members<'a>,
    #[serde(borrow, default)]
    packages: Members<'a>,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not JSON of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let text = &json::strict(source.text);
    let lock: Lock<'_> = json::parse(text)?;
    if lock.lockfile_version > 2 {
        return Err(Blemish::at(0, format!("lockfileVersion {} is newer than 2, the newest that is known", lock.lockfile_version)));
    }
    let mut reading = Reading::default();
    npm::note_duplicates(text, &lock.packages, &mut reading);
    let mut nodes: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let mut requests = Vec::new();
    for (path, value) in &lock.packages.0 {
        let offset = json::name_offset(text, path, value);
        let parts: Vec<Value> = json::parse_value(text, value)?;
        let Some((name, reference)) = parts.first().and_then(Value::as_str).and_then(npm::split_name) else {
            reading.blemish(offset, format!("`{path}` does not say name and version"));
            continue;
        };
        if reference.starts_with("workspace:") {
            nodes.insert(path, None);
            continue;
        }
        let asks: Requests = parts.iter().find(|part| part.is_object()).map(Requests::of).unwrap_or_default();
        let at = npm::add(&mut reading, entry_of(name, reference, &parts), offset);
        nodes.insert(path, at);
        requests.extend(at.map(|at| (at, path.as_ref(), asks)));
    }
    for (from, path, asks) in &requests {
        for (name, _, scope) in asks.all() {
            if let Some(Some(to)) = find(&nodes, path, name) {
                reading.graph.add(*from, Edge { to, scope });
            }
        }
    }
    for (folder, value) in &lock.workspaces.0 {
        let project: Requests = json::parse_value(text, value)?;
        let name = if project.name.is_empty() { folder.to_string() } else { project.name.clone() };
        let mut root = Root { name: name.clone(), asks: Vec::new() };
        for (asked, range, scope) in project.all() {
            // A member's own choice is installed below its name where it differs from the others'.
            match find(&nodes, &name, asked) {
                Some(node) => root.asks.extend(node.map(|to| Edge { to, scope })),
                None if scope == Scope::Optional || range.is_empty() => {}
                None => reading
                    .blemish(json::offset_in(text, value), format!("it asks for `{asked}`, which this file does not hold: lock again")),
            }
        }
        reading.graph.roots.push(root);
    }
    reading.settle_scopes();
    Ok(reading)
}

fn entry_of(name: &str, reference: &str, parts: &[Value]) -> Entry {
    let text = |at: usize| parts.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = reference.contains(':');
    let registry = text(1);
    Entry {
        name: name.to_owned(),
        version: if address { String::new() } else { reference.to_owned() },
        resolved: match (address, registry.is_empty()) {
            (true, _) => reference.to_owned(),
            (false, true) => String::new(),
            // The second member is the registry, or the whole address of the archive.
            (false, false) if registry.contains("/-/") => registry,
            (false, false) => format!("{}/{name}/-/", registry.trim_end_matches('/')),
        },
        integrity: parts.iter().skip(2).filter_map(Value::as_str).find(|text| text.starts_with("sha")).unwrap_or_default().to_owned(),
        ..Entry::default()
    }
}

/// The package behind a request: inside the asker, then inside those around it. Within a scope the asker's own
/// name holds a slash, so every prefix is tried.
fn find(nodes: &BTreeMap<&str, Option<usize>>, from: &str, name: &str) -> Option<Option<usize>> {
    let mut around = from;
    loop {
        if let Some(node) = nodes.get(format!("{around}/{name}").trim_start_matches('/')) {
            return Some(*node);
        }
        if around.is_empty() {
            return None;
        }
        around = around.rsplit_once('/').map_or("", |(front, _)| front);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};
    use crate::model::package::Origin;

    #[test]
    fn tuples_of_every_length() {
        let text = r#"{
  "lockfileVersion": 1, // a comment, with "quotes"
  "workspaces": {
    "": { "name": "app", "dependencies": { "a": "1", "alias": "npm:real@2", }, "devDependencies": { "t": "https://example.test/t.tgz" }, },
    "packages/m": { "name": "@s/m", "dependencies": { "a": "2" } },
  },
  "packages": {
    "@s/m": ["@s/m@workspace:packages/m"],
    "@s/m/a": ["a@2.0.0", "https://npm.example.test/a/-/a-2.0.0.tgz", {}, "sha512-z"],
    "a": ["a@1.0.0", "", { "dependencies": { "b": "^1" } }, "sha512-a,]}"],
    "a/b": ["b@1.0.0", "", {}, "sha512-b"],
    "alias": ["real@2.0.0", "", {}, "sha512-r"],
    "t": ["t@https://example.test/t.tgz", {}, "sha512-t"],
    "g": ["g@git+https://example.test/g.git#1", {}, "1"],
  },
}"#;
        let reading = read_text(read, "bun.lock", text).unwrap();
        assert_eq!(
            names(&reading),
            ["pkg:npm/a@2.0.0", "pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0", "pkg:npm/real@2.0.0", "pkg:npm/t", "pkg:npm/g"]
        );
        assert_eq!(reading.found[0].origin, Origin::Registry("https://npm.example.test/".to_owned()));
        assert_eq!(paths(&reading)[..4], ["@s/m a@2.0.0", "app a@1.0.0", "app a@1.0.0 b@1.0.0", "app real@2.0.0"]);
        assert_eq!((reading.found[4].scope, reading.found[1].integrity.as_slice()), (Scope::Development, &["sha512-a,]}".to_owned()][..]));
        assert!(
            text[reading.found[1].offset..].starts_with("\"a\": [\"a@1.0.0\"") && reading.blemishes.is_empty(),
            "{:?}",
            reading.blemishes
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "{", r#"{"lockfileVersion": 3}"#, r#"{"lockfileVersion": 1, "packages": {"a": 1}}"#, r#"{"lockfileVersion": 1,, }"#]
        {
            assert!(read_text(read, "bun.lock", bad).is_err(), "{bad}");
        }
    }
}
