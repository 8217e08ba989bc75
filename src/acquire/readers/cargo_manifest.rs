//! Cargo.toml beside a lockfile and those of the workspace's members: which requests are for development only.

use super::npm;
use crate::acquire::Source;
use crate::model::package::Scope;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    package: BTreeMap<String, Value>,
    workspace: Workspace,
    #[serde(flatten)]
    own: Tables,
    target: BTreeMap<String, Tables>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Workspace {
    members: Vec<String>,
    dependencies: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Tables {
    dependencies: BTreeMap<String, Value>,
    build_dependencies: BTreeMap<String, Value>,
    dev_dependencies: BTreeMap<String, Value>,
}

/// What one member asks for, by the packages' own names.
#[derive(Debug, Default)]
pub struct Manifest {
    scopes: BTreeMap<String, Scope>,
}

impl Manifest {
    /// What the member needs a package for; what it does not name counts as needed.
    #[must_use]
    pub fn scope_of(&self, name: &str) -> Scope {
        self.scopes.get(name).copied().unwrap_or(Scope::Production)
    }
}

/// The manifests of the project and its members, by package name.
#[must_use]
pub fn members(source: &Source<'_>) -> BTreeMap<String, Manifest> {
    let read = |path: &str| source.beside(path).and_then(|text| toml::from_str::<File>(&text).ok());
    let Some(top) = read("Cargo.toml") else { return BTreeMap::new() };
    let patterns: Vec<&str> = top.workspace.members.iter().map(String::as_str).collect();
    // A path dependency of the top is a member without being named.
    let paths = top.own.dependencies.values().chain(top.workspace.dependencies.values()).filter_map(|value| value.get("path")?.as_str());
    let folders: BTreeSet<String> = npm::members(source, &patterns).into_iter().chain(paths.map(str::to_owned)).collect();
    let shared = top.workspace.dependencies.clone();
    let files = folders.iter().filter_map(|folder| read(&format!("{folder}/Cargo.toml")));
    std::iter::once(&top).map(|file| of(file, &shared)).chain(files.map(|file| of(&file, &shared))).flatten().collect()
}

fn of(file: &File, shared: &BTreeMap<String, Value>) -> Option<(String, Manifest)> {
    let name = file.package.get("name")?.as_str()?.to_owned();
    let mut scopes: BTreeMap<String, Scope> = BTreeMap::new();
    for tables in std::iter::once(&file.own).chain(file.target.values()) {
        let lists = [
            (&tables.dependencies, Scope::Production),
            (&tables.build_dependencies, Scope::Production),
            (&tables.dev_dependencies, Scope::Development),
        ];
        for (list, scope) in lists {
            for (key, value) in list {
                let optional = value.get("optional").and_then(Value::as_bool) == Some(true);
                let scope = if optional { Scope::Optional } else { scope };
                // `renamed = { package = "real" }`, here or in the workspace's own list.
                let real = |value: &Value| value.get("package").and_then(Value::as_str).map(str::to_owned);
                let name = real(value).or_else(|| shared.get(key).and_then(real)).unwrap_or_else(|| key.clone());
                scopes.entry(name).and_modify(|old| *old = (*old).min(scope)).or_insert(scope);
            }
        }
    }
    Some((name, Manifest { scopes }))
}
