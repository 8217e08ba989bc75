//! package-lock.json, lockfileVersion 1: nested `dependencies`, with `requires` for who asks for whom.
//!
//! What the project itself asks for stands in the package.json beside it only.

use super::npm::{self, Entry};
use crate::acquire::graph::Edge;
use crate::acquire::json::{self, Members};
use crate::acquire::{Reading, Source};
use crate::model::package::Scope;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
struct Dependency<'a> {
    #[serde(default)]
    version: String,
    #[serde(default)]
    resolved: serde_json::Value,
    #[serde(default)]
    integrity: String,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    bundled: bool,
    #[serde(default)]
    requires: serde_json::Value,
    #[serde(borrow)]
    dependencies: Option<Members<'a>>,
}

/// What is installed at one level of the tree, and the level above.
struct Level {
    above: Option<usize>,
    packages: BTreeMap<String, usize>,
}

/// Reads the `dependencies` of a lockfile.
#[must_use]
pub fn read(source: &Source<'_>, dependencies: &Members<'_>) -> Reading {
    let mut tree = Tree::default();
    tree.read(source.text, dependencies, None);
    let Tree { mut reading, levels, requires } = tree;
    let find = |mut level: usize, name: &str| {
        loop {
            let found = levels[level].packages.get(name).copied();
            match (found, levels[level].above) {
                (None, Some(above)) => level = above,
                _ => return found,
            }
        }
    };
    for (from, level, names) in requires {
        for name in names {
            if let Some(to) = find(level, &name) {
                reading.graph.add(from, Edge { to, scope: Scope::Production });
            }
        }
    }
    npm::add_roots(&mut reading, &npm::projects(source), &|name, _| find(0, name).into_iter().collect());
    reading
}

#[derive(Default)]
struct Tree {
    reading: Reading,
    levels: Vec<Level>,
    requires: Vec<(usize, usize, Vec<String>)>,
}

impl Tree {
    /// Reads one level; serde_json itself refuses more than 128 levels, so the recursion is bounded.
    fn read(&mut self, text: &str, dependencies: &Members<'_>, above: Option<usize>) {
        let level = self.levels.len();
        self.levels.push(Level { above, packages: BTreeMap::new() });
        npm::note_duplicates(text, dependencies, &mut self.reading);
        for (name, value) in &dependencies.0 {
            let offset = json::name_offset(text, name, value);
            let dependency = match serde_json::from_str::<Dependency<'_>>(value.get()) {
                Ok(dependency) => dependency,
                Err(error) => {
                    self.reading.blemish(offset, format!("`{name}` does not read: {error}"));
                    continue;
                }
            };
            let at = npm::add(&mut self.reading, entry_of(name, &dependency), offset);
            self.levels[level].packages.extend(at.map(|at| (name.to_string(), at)));
            let inside = dependency.dependencies.as_ref().map_or(level, |inner| {
                let inside = self.levels.len();
                self.read(text, inner, Some(level));
                inside
            });
            let names = dependency.requires.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
            self.requires.extend(at.map(|at| (at, inside, names)));
        }
    }
}

fn entry_of(name: &str, dependency: &Dependency<'_>) -> Entry {
    let spec = dependency.version.as_str();
    let resolved = dependency.resolved.as_str().unwrap_or_default();
    // The version holds the source of what comes from no registry.
    let foreign = spec.contains("://") || spec.starts_with("file:") || spec.starts_with("github:");
    let (name, version) = npm::real_name(name, spec);
    let (version, resolved) = if foreign { ("", spec) } else { (version, resolved) };
    Entry {
        name: name.to_owned(),
        version: version.to_owned(),
        resolved: resolved.to_owned(),
        integrity: dependency.integrity.clone(),
        install_script: false,
        bundled: dependency.bundled,
        scope: Some(match (dependency.dev, dependency.optional) {
            (true, _) => Scope::Development,
            (false, true) => Scope::Optional,
            (false, false) => Scope::Production,
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::acquire::readers::npm_lock::read;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};

    const LOCK: &str = r#"{"lockfileVersion":1,"dependencies":{
        "a":{"version":"1.0.0","requires":{"b":"^2","c":"1"},"dependencies":{"b":{"version":"2.0.0"}}},
        "b":{"version":"9.0.0","dev":true},"c":{"version":"npm:@s/d@3.0.0"},
        "e":{"version":"git+https://example.test/e.git#1"},"f-g":{"version":"https://registry.npmjs.org/f-g/-/f-g-1.2.3.tgz"}}}"#;

    #[test]
    fn version_one_nests() {
        let reading = read_text(read, "package-lock.json", LOCK).unwrap();
        assert_eq!(
            names(&reading),
            ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/b@9.0.0", "pkg:npm/%40s/d@3.0.0", "pkg:npm/e", "pkg:npm/f-g@1.2.3"]
        );
        assert!(reading.graph.directs().is_none());
        assert_eq!(paths(&reading)[1], "a@1.0.0 b@2.0.0");
    }

    #[test]
    fn the_manifest_beside_it_names_what_is_direct() {
        let manifest = ("package.json", r#"{"name":"app","dependencies":{"a":"1"}}"#);
        let reading = read_with(read, "package-lock.json", LOCK, &[manifest]).unwrap();
        assert_eq!(paths(&reading)[3], "app a@1.0.0 @s/d@3.0.0");
        assert_eq!(reading.graph.directs().unwrap().len(), 1);
    }
}
