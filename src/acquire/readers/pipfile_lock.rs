//! Pipfile.lock, pipfile-spec 6: `default`, `develop` and categories of the project's own.
//!
//! It does not say who asks for whom; the Pipfile beside it says what the project asks for itself.

use super::pypi::{self, Nodes, Project};
use crate::acquire::json::{self, Members};
use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::package::{Origin, Scope};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Meta {
    pipfile_spec: u32,
    sources: Vec<Index>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    name: String,
    url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    version: String,
    hashes: Vec<String>,
    index: String,
    git: Option<String>,
    path: Option<String>,
    file: Option<String>,
    editable: bool,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not JSON of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let text = source.text;
    let categories: Members<'_> = json::parse(text)?;
    let Some((_, meta)) = categories.0.iter().find(|(name, _)| name == "_meta") else {
        return Err(Blemish::at(0, "it has no `_meta`: it is not a Pipfile.lock"));
    };
    let meta: Meta = json::parse_value(text, meta)?;
    if meta.pipfile_spec > 6 {
        return Err(Blemish::at(0, format!("pipfile-spec {} is newer than 6, the newest that is known", meta.pipfile_spec)));
    }
    let mut reading = Reading::default();
    super::npm::note_duplicates(text, &categories, &mut reading);
    let mut nodes = Nodes::default();
    for (category, value) in categories.0.iter().filter(|(name, _)| name != "_meta") {
        let scope = if category == "default" { Scope::Production } else { Scope::Development };
        let packages: Members<'_> = serde_json::from_str(value.get())
            .map_err(|error| Blemish::at(json::offset_in(text, value), format!("`{category}` does not read: {error}")))?;
        super::npm::note_duplicates(text, &packages, &mut reading);
        for (name, value) in &packages.0 {
            add(text, name, value, scope, &meta.sources, &mut nodes, &mut reading);
        }
    }
    if let Some(project) = project(source) {
        nodes.add_root(&mut reading, &project);
    }
    Ok(reading)
}

fn add(text: &str, name: &str, value: &RawValue, scope: Scope, indexes: &[Index], nodes: &mut Nodes, reading: &mut Reading) {
    let offset = json::name_offset(text, name, value);
    let entry: Entry = match json::parse_value(text, value) {
        Ok(entry) => entry,
        Err(blemish) => return reading.blemishes.push(blemish),
    };
    // An editable folder is the project itself.
    if entry.editable && entry.path.is_some() {
        return;
    }
    let origin = match (&entry.git, &entry.file, &entry.path) {
        (Some(git), _, _) => Origin::Git(format!("git+{git}")),
        (_, Some(file), _) => pypi::archive_origin(file),
        (_, _, Some(path)) => Origin::Path(path.clone()),
        _ => pypi::index_origin(indexes.iter().find(|index| index.name == entry.index).map_or("", |index| &index.url)),
    };
    let version = entry.version.trim_start_matches("===").trim_start_matches("==");
    nodes.add(reading, name, version, offset, |found: &mut Found| {
        (found.origin, found.integrity, found.scope) = (origin, entry.hashes, scope);
    });
}

fn project(source: &Source<'_>) -> Option<Project> {
    let manifest: BTreeMap<String, toml::Value> = toml::from_str(&source.beside("Pipfile")?).ok()?;
    let lists = manifest.iter().filter(|(name, _)| !matches!(name.as_str(), "source" | "requires" | "scripts" | "pipenv"));
    let mut project = Project::default();
    for (category, list) in lists {
        let scope = if category == "packages" { Scope::Production } else { Scope::Development };
        project.asks.extend(list.as_table().into_iter().flat_map(toml::Table::keys).map(|name| (name.clone(), scope)));
    }
    Some(project)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, read_with};

    #[test]
    fn categories_and_sources() {
        let text = r#"{"_meta":{"pipfile-spec":6,"sources":[{"name":"pypi","url":"https://pypi.org/simple"},{"name":"own","url":"https://pypi.example.test/simple"}]},
            "default":{"a":{"version":"==1.0","hashes":["sha256:aa"],"index":"pypi"},"b":{"version":"==2.0","index":"own"},"g":{"git":"https://example.test/g.git","ref":"1"},"own":{"path":".","editable":true}},
            "develop":{"c":{"version":"==3.0"}},"docs":{"d":{"version":"==4.0"}}}"#;
        let reading = read_with(read, "Pipfile.lock", text, &[("Pipfile", "[packages]\na = \"*\"\n[dev-packages]\nc = \"*\"\n")]).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/a@1.0", "pkg:pypi/b@2.0", "pkg:pypi/g", "pkg:pypi/c@3.0", "pkg:pypi/d@4.0"]);
        assert_eq!(reading.found[1].origin, Origin::Registry("https://pypi.example.test/simple".to_owned()));
        assert_eq!((reading.found[4].scope, reading.graph.directs().unwrap().len()), (Scope::Development, 2));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["{}", "[]", r#"{"_meta":{"pipfile-spec":7}}"#, r#"{"_meta":{"pipfile-spec":6},"default":[]}"#] {
            assert!(read_with(read, "Pipfile.lock", bad, &[]).is_err(), "{bad}");
        }
        let text = r#"{"_meta":{"pipfile-spec":6},"default":{"a":{},"b":7,"c":{"version":"==1"},"c":{"version":"==1"}}}"#;
        assert_eq!(read_with(read, "Pipfile.lock", text, &[]).unwrap().blemishes.len(), 3);
    }
}
