//! What the lockfiles of npm, yarn, pnpm and bun have in common: names, addresses, manifests, workspaces.

use crate::acquire::graph::{Edge, Root};
use crate::acquire::json::Members;
use crate::acquire::{Found, Reading, Source};
use crate::facts::is_public_registry;
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};
use globset::GlobBuilder;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// Folders that a search for workspace members looks into at most.
const MOST_FOLDERS: usize = 20_000;

/// One package as a lockfile gives it.
#[derive(Debug, Default)]
pub struct Entry {
    /// Its name in the registry, not the one it is installed under.
    pub name: String,
    /// Its version; empty where the file has none.
    pub version: String,
    /// The address of its bytes; empty where the file has none.
    pub resolved: String,
    /// Digests, separated by blanks.
    pub integrity: String,
    /// Whether installing it runs a script.
    pub install_script: bool,
    /// Whether its bytes are part of another package's.
    pub bundled: bool,
    /// What it is needed for.
    pub scope: Option<Scope>,
}

/// Adds a package to a reading; gives its index. What cannot be used is noted.
pub fn add(reading: &mut Reading, entry: Entry, offset: usize) -> Option<usize> {
    let origin = origin_of(&entry.resolved);
    let mut name = entry.name;
    // The address says what is installed, whatever the entry calls it.
    if let Some(real) = name_in_address(&entry.resolved).filter(|real| *real != name && matches!(origin, Origin::Public)) {
        reading.blemish(
            offset,
            format!(
                "`{name}` is installed from the address of `{real}`, which is what was judged: lock again, or find out who changed the file"
            ),
        );
        name = real;
    }
    let version = if entry.version.is_empty() { version_in_address(&entry.resolved).to_owned() } else { entry.version };
    if version.is_empty() && origin == Origin::Public {
        reading.blemish(offset, format!("`{name}` has no version: lock again"));
        return None;
    }
    match Purl::of_package(Ecosystem::Npm, &name, &version) {
        Ok(purl) => {
            reading.found.push(Found {
                version,
                origin,
                integrity: entry.integrity.split_whitespace().map(str::to_owned).collect(),
                install_script: entry.install_script,
                bundled: entry.bundled,
                scope: entry.scope.unwrap_or(Scope::Production),
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

/// Where the bytes at an address come from. No address means the registry that the project is set up with.
#[must_use]
pub fn origin_of(resolved: &str) -> Origin {
    let address = resolved.to_owned();
    let local = ["file:", "link:", "portal:", "./", "../", "/"].iter().any(|start| resolved.starts_with(start));
    if resolved.is_empty() || is_public_registry(Ecosystem::Npm, resolved) {
        Origin::Public
    } else if resolved.starts_with("git") || resolved.contains(".git#") || resolved.contains("#commit=") {
        Origin::Git(address)
    } else if local || !resolved.contains("://") {
        Origin::Path(address)
    } else if let Some((front, _)) = resolved.split_once("/-/") {
        // A registry's own address: what stands before the package's name.
        let front = front.rsplit_once('/').map_or("", |(front, _)| front);
        let scoped = front.rsplit_once('/').filter(|(_, scope)| scope.starts_with('@') || scope.starts_with("%40"));
        Origin::Registry(format!("{}/", scoped.map_or(front, |(front, _)| front)))
    } else {
        Origin::Url(address)
    }
}

/// The package that a registry's tarball address names: `…/@scope/name/-/name-1.0.0.tgz`.
fn name_in_address(address: &str) -> Option<String> {
    let (front, _) = address.split_once("/-/")?;
    let path = front.split_once("://")?.1.split_once('/')?.1;
    let name = path.replace("%40", "@").replace("%2f", "/").replace("%2F", "/");
    let plain = name.split('/').count() == if name.starts_with('@') { 2 } else { 1 };
    plain.then_some(name)
}

/// The version that a registry's tarball address ends with: `…/-/name-1.0.0.tgz`.
fn version_in_address(address: &str) -> &str {
    let file = address.split_once("/-/").map_or("", |(_, file)| file.split(['#', '?']).next().unwrap_or(file));
    let name = file.strip_suffix(".tgz").unwrap_or_default();
    name.match_indices('-').map(|(at, _)| &name[at + 1..]).find(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default()
}

/// `name@rest`, where the name may begin with `@`.
#[must_use]
pub fn split_name(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// The package that a range asks for, and the range: `npm:real@^1` under another name is `real`.
#[must_use]
pub fn real_name<'a>(name: &'a str, range: &'a str) -> (&'a str, &'a str) {
    range.strip_prefix("npm:").and_then(split_name).unwrap_or((name, range))
}

/// A range; empty where something else than a text stands in its place.
#[derive(Debug, Default)]
struct Range(String);

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Text(String),
            Other(IgnoredAny),
        }
        Ok(match Any::deserialize(deserializer)? {
            Any::Text(text) => Self(text),
            Any::Other(_) => Self::default(),
        })
    }
}

/// What one package.json, or one entry that repeats it, asks for.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// The package's own name.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    dependencies: BTreeMap<String, Range>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Range>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Range>,
    #[serde(default)]
    peer_dependencies: BTreeMap<String, Range>,
}

impl Requests {
    /// The requests in a JSON object; none where it is something else.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Self {
        serde_json::from_value(value.clone()).unwrap_or_default()
    }

    /// Names, ranges and scopes. A package in two lists counts in the one that installs it in more places.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, Scope)> {
        let lists = [
            (&self.dependencies, Scope::Production),
            (&self.peer_dependencies, Scope::Production),
            (&self.optional_dependencies, Scope::Optional),
            (&self.dev_dependencies, Scope::Development),
        ];
        lists.into_iter().flat_map(move |(list, scope)| {
            list.iter()
                .filter(move |(name, _)| scope != Scope::Production || !self.optional_dependencies.contains_key(*name))
                .map(move |(name, range)| (name.as_str(), range.0.as_str(), scope))
        })
    }
}

/// A package.json with the members of its workspace.
#[derive(Debug, Deserialize, Default)]
struct Manifest {
    #[serde(flatten)]
    requests: Requests,
    #[serde(default)]
    workspaces: serde_json::Value,
}

/// The project beside a lockfile and its workspace members, by what their package.json files ask for.
#[must_use]
pub fn projects(source: &Source<'_>) -> Vec<Requests> {
    let Some(manifest) = source.beside("package.json").and_then(|text| serde_json::from_str::<Manifest>(&text).ok()) else {
        return Vec::new();
    };
    let patterns = manifest.workspaces.get("packages").unwrap_or(&manifest.workspaces);
    let patterns: Vec<&str> = patterns.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let members = members(source, &patterns);
    let read = |folder: &String| source.beside(&format!("{folder}/package.json")).and_then(|text| serde_json::from_str(&text).ok());
    std::iter::once(manifest.requests).chain(members.iter().filter_map(read)).collect()
}

/// The folders that workspace patterns name (`packages/*`, `apps/**`, `!apps/old`), relative to the file.
#[must_use]
pub fn members(source: &Source<'_>, patterns: &[&str]) -> BTreeSet<String> {
    let build = |pattern: &str| {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        GlobBuilder::new(pattern).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
    };
    let wanted: Vec<_> = patterns.iter().filter(|pattern| !pattern.starts_with('!')).filter_map(|pattern| build(pattern)).collect();
    let unwanted: Vec<_> = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).filter_map(build).collect();
    let open_ended = patterns.iter().any(|pattern| pattern.contains("**"));
    let deepest =
        if open_ended { 16 } else { patterns.iter().map(|pattern| pattern.trim_matches('/').split('/').count()).max().unwrap_or(0) };
    let (mut found, mut seen) = (BTreeSet::new(), 0);
    let mut queue = vec![(String::new(), 0)];
    while let Some((folder, depth)) = queue.pop() {
        if depth == deepest || seen > MOST_FOLDERS {
            continue;
        }
        let Some(place) = source.relative(&folder) else { continue };
        for name in source.tree.folders(&place) {
            seen += 1;
            if matches!(name.as_str(), "node_modules" | "target" | ".git") {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if wanted.iter().any(|glob| glob.is_match(&path)) && !unwanted.iter().any(|glob| glob.is_match(&path)) {
                found.insert(path.clone());
            }
            queue.push((path, depth + 1));
        }
    }
    found
}

/// Makes roots of projects; `find` gives the packages that a request leads to.
pub fn add_roots(reading: &mut Reading, projects: &[Requests], find: &dyn Fn(&str, &str) -> Vec<usize>) {
    for project in projects {
        let asks = project.all().flat_map(|(name, range, scope)| find(name, range).into_iter().map(move |to| Edge { to, scope })).collect();
        reading.graph.roots.push(Root { name: project.name.clone(), asks });
    }
}

/// Notes names that stand twice in an object: tools keep the last one only.
pub fn note_duplicates(text: &str, members: &Members<'_>, reading: &mut Reading) {
    let mut seen = BTreeSet::new();
    for (name, value) in members.0.iter().filter(|(name, _)| !name.is_empty()) {
        if !seen.insert(name) {
            reading.blemish(crate::acquire::json::name_offset(text, name, value), format!("`{name}` stands here twice: lock again"));
        }
    }
}
