//! What the lockfiles of Python's tools have in common: names, sources, and what the project itself asks for.

use crate::acquire::graph::{Edge, Root};
use crate::acquire::{Found, Reading, Source};
use crate::facts::is_public_registry;
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// A file of a package, as a lockfile lists it.
#[derive(Debug, Deserialize)]
pub struct File {
    /// `algorithm:digest`.
    pub hash: Option<String>,
}

/// The packages of a lockfile by name. A name may stand for several versions, each for another platform.
#[derive(Debug, Default)]
pub struct Nodes(BTreeMap<String, Vec<usize>>);

impl Nodes {
    /// Adds a package to a reading. What cannot be used is noted.
    pub fn add(&mut self, reading: &mut Reading, name: &str, version: &str, offset: usize, fill: impl FnOnce(&mut Found)) -> Option<usize> {
        match Purl::of_package(Ecosystem::Pypi, name, version) {
            Ok(purl) => {
                let mut found = Found::new(purl, offset);
                fill(&mut found);
                if found.version.is_empty() && found.origin == Origin::Public {
                    reading.blemish(offset, format!("`{name}` has no version: lock again"));
                    return None;
                }
                reading.found.push(found);
                let at = reading.found.len() - 1;
                self.0.entry(normal(name)).or_default().push(at);
                Some(at)
            }
            Err(error) => {
                reading.blemish(offset, error.to_string());
                None
            }
        }
    }

    /// The packages of a name.
    #[must_use]
    pub fn of_name(&self, name: &str) -> &[usize] {
        self.0.get(&normal(name)).map_or(&[], Vec::as_slice)
    }

    /// Says that a package asks for another, at all versions that the file holds of it. Gives whether it has any.
    pub fn ask(&self, reading: &mut Reading, from: usize, name: &str, scope: Scope) -> bool {
        let of_name = self.of_name(name);
        of_name.iter().for_each(|to| reading.graph.add(from, Edge { to: *to, scope }));
        !of_name.is_empty()
    }

    /// Makes the project a root of the reading.
    pub fn add_root(&self, reading: &mut Reading, project: &Project) {
        let asks = project.asks.iter().flat_map(|(name, scope)| self.of_name(name).iter().map(|to| Edge { to: *to, scope: *scope }));
        let root = Root { name: project.name.clone(), asks: asks.collect() };
        reading.graph.roots.push(root);
    }
}

/// A name in the form in which names are compared ("Name normalization" of the packaging specifications).
#[must_use]
pub fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            _ => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

/// The name at the front of a requirement ("Dependency specifiers"): `requests[socks]>=2; marker`.
#[must_use]
pub fn name_of(requirement: &str) -> &str {
    let requirement = requirement.trim();
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(requirement.len());
    &requirement[..end]
}

/// Where the index, repository, archive or folder at an address is.
#[must_use]
pub fn index_origin(index: &str) -> Origin {
    if index.is_empty() || is_public_registry(Ecosystem::Pypi, index) { Origin::Public } else { Origin::Registry(index.to_owned()) }
}

/// An archive at an address: one of the public registry's own is as good as a pin.
#[must_use]
pub fn archive_origin(address: &str) -> Origin {
    if is_public_registry(Ecosystem::Pypi, address) {
        Origin::Public
    } else if address.contains("://") && !address.starts_with("file:") {
        Origin::Url(address.to_owned())
    } else {
        Origin::Path(address.to_owned())
    }
}

/// What the project asks for itself.
#[derive(Debug, Default)]
pub struct Project {
    /// Its name; may be empty.
    pub name: String,
    /// Names with what they are needed for.
    pub asks: Vec<(String, Scope)>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Manifest {
    project: Metadata,
    dependency_groups: BTreeMap<String, Vec<Value>>,
    tool: Tools,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Metadata {
    name: String,
    dependencies: Vec<String>,
    optional_dependencies: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tools {
    poetry: Poetry,
    pdm: Development,
    uv: Development,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Poetry {
    name: String,
    dependencies: Table,
    dev_dependencies: Table,
    group: BTreeMap<String, Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    dependencies: Table,
}

/// pdm keeps a table of groups, uv one list.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Development {
    dev_dependencies: Option<Value>,
}

/// What the pyproject.toml beside a lockfile asks for; nothing where there is none that reads.
#[must_use]
pub fn project(source: &Source<'_>) -> Option<Project> {
    let manifest: Manifest = toml::from_str(&source.beside("pyproject.toml")?).ok()?;
    let poetry = &manifest.tool.poetry;
    let mut project = Project {
        name: if manifest.project.name.is_empty() { poetry.name.clone() } else { manifest.project.name.clone() },
        asks: Vec::new(),
    };
    let mut ask = |requirement: &str, scope| {
        if !matches!(name_of(requirement), "" | "python") {
            project.asks.push((name_of(requirement).to_owned(), scope));
        }
    };
    manifest.project.dependencies.iter().for_each(|requirement| ask(requirement, Scope::Production));
    manifest.project.optional_dependencies.values().flatten().for_each(|requirement| ask(requirement, Scope::Optional));
    for (name, value) in &poetry.dependencies {
        let optional = value.get("optional").and_then(Value::as_bool) == Some(true);
        ask(name, if optional { Scope::Optional } else { Scope::Production });
    }
    let groups = poetry.group.values().flat_map(|group| group.dependencies.keys());
    poetry.dev_dependencies.keys().chain(groups).for_each(|name| ask(name, Scope::Development));
    manifest.dependency_groups.values().flatten().filter_map(Value::as_str).for_each(|requirement| ask(requirement, Scope::Development));
    for tool in [&manifest.tool.pdm, &manifest.tool.uv] {
        strings(tool.dev_dependencies.as_ref()).into_iter().for_each(|requirement| ask(requirement, Scope::Development));
    }
    Some(project)
}

/// The strings of a list, or of the lists in a table.
fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::Table(table)) => table.values().flat_map(|list| strings(Some(list))).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::tree::Memory;

    #[test]
    fn names_compare_and_end_as_the_specifications_say() {
        assert_eq!(normal("Zope._Interface--x"), "zope-interface-x");
        for (text, name) in [("requests[socks] >=2 ; python_version<'3'", "requests"), ("a@ https://example.test", "a"), (" b (==1)", "b")]
        {
            assert_eq!(name_of(text), name);
        }
    }

    #[test]
    fn every_way_to_ask_in_a_manifest() {
        let text = "[project]\nname = \"app\"\ndependencies = [\"a>=1\"]\n[project.optional-dependencies]\nx = [\"b\"]\n[dependency-groups]\ndev = [\"c==1\", {include-group = \"other\"}]\n\
                    [tool.poetry.dependencies]\npython = \"*\"\nd = \"1\"\ne = {version = \"1\", optional = true}\n[tool.poetry.group.t.dependencies]\nf = \"1\"\n[tool.pdm.dev-dependencies]\ny = [\"g\"]\n[tool.uv]\ndev-dependencies = [\"h\"]\n";
        let tree = Memory::of("pyproject.toml", text.as_bytes().to_vec());
        let project = project(&Source { text: "", path: "uv.lock", tree: &tree, distro: None }).unwrap();
        let all: Vec<String> = project.asks.iter().map(|(name, scope)| format!("{name} {scope:?}")).collect();
        assert_eq!(
            all,
            [
                "a Production",
                "b Optional",
                "d Production",
                "e Optional",
                "f Development",
                "c Development",
                "g Development",
                "h Development"
            ]
        );
    }
}
