//! poetry.lock, lock-version 1 and 2. Old files give each package a category, new ones its groups, and those
//! between neither; then the pyproject.toml beside it says what is for development.
//!
//! Poetry writes `[metadata]` last, so a file without it is cut off.

use super::pypi::{self, File, Nodes};
use crate::acquire::{Blemish, Found, Reading, Source, toml};
use crate::model::package::{Origin, Scope};
use ::toml::{Spanned, Table, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    lock_version: Option<Spanned<String>>,
    #[serde(default)]
    files: BTreeMap<String, Vec<File>>,
}

#[derive(Deserialize)]
struct Package {
    name: Spanned<String>,
    version: String,
    category: Option<String>,
    groups: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    dependencies: Table,
    source: Option<Address>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    url: String,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape, is cut off, or is of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = toml::parse(source.text)?;
    let Some(metadata) = lock.metadata else {
        return Err(Blemish::at(source.text.len(), "it ends without `[metadata]`: it is cut off"));
    };
    if let Some(version) = metadata.lock_version.as_ref().filter(|version| !matches!(version.get_ref().split('.').next(), Some("1" | "2")))
    {
        return Err(Blemish::at(version.span().start, format!("lock-version {} is not known; 1 and 2 are", version.get_ref())));
    }
    let mut reading = Reading::default();
    let mut nodes = Nodes::default();
    let mut packages = Vec::new();
    for package in &lock.package {
        let name = package.name.get_ref();
        let files = package.files.iter().chain(metadata.files.get(name).into_iter().flatten());
        packages.push(nodes.add(&mut reading, name, &package.version, package.name.span().start, |found| fill(found, package, files)));
    }
    for (package, from) in lock.package.iter().zip(packages) {
        let Some(from) = from else { continue };
        for (name, value) in &package.dependencies {
            let optional = value.get("optional").and_then(Value::as_bool) == Some(true);
            nodes.ask(&mut reading, from, name, if optional { Scope::Optional } else { Scope::Production });
        }
    }
    if let Some(project) = pypi::project(source) {
        nodes.add_root(&mut reading, &project);
    }
    // Where the file itself says what is for development, that is what the tool installs by.
    if lock.package.iter().all(|package| package.category.is_none() && package.groups.is_none()) {
        reading.settle_scopes();
    }
    Ok(reading)
}

fn fill<'a>(found: &mut Found, package: &Package, files: impl Iterator<Item = &'a File>) {
    found.integrity = files.filter_map(|file| file.hash.clone()).collect();
    let main = package.groups.as_ref().is_none_or(|groups| groups.iter().any(|group| group == "main"));
    found.scope = match (package.category.as_deref().unwrap_or("main"), main) {
        ("main", true) if package.optional => Scope::Optional,
        ("main", true) => Scope::Production,
        _ => Scope::Development,
    };
    found.origin = match &package.source {
        None => Origin::Public,
        Some(Address { kind, url }) => match kind.as_str() {
            "git" => Origin::Git(url.clone()),
            "url" => pypi::archive_origin(url),
            "directory" | "file" => Origin::Path(url.clone()),
            // "legacy" is any index with the simple interface.
            _ => pypi::index_origin(url),
        },
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};

    const OLD: &str = "[[package]]\nname = \"A_b\"\nversion = \"1.0\"\ncategory = \"main\"\noptional = false\n[package.dependencies]\nc = {version = \">=1\", optional = true}\n\n[[package]]\nname = \"c\"\nversion = \"2.0\"\ncategory = \"dev\"\noptional = false\n\n[metadata]\nlock-version = \"1.1\"\n[metadata.files]\nA_b = [{file = \"a.whl\", hash = \"sha256:aa\"}]\n";

    #[test]
    fn categories_groups_or_the_manifest_say_the_scope() {
        let reading = read_text(read, "poetry.lock", OLD).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/a-b@1.0", "pkg:pypi/c@2.0"]);
        assert_eq!((reading.found[1].scope, reading.found[0].integrity.as_slice()), (Scope::Development, &["sha256:aa".to_owned()][..]));
        let new = "[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"main\", \"dev\"]\noptional = true\nfiles = [{file = \"a\", hash = \"sha256:bb\"}]\n[[package]]\nname = \"d\"\nversion = \"1\"\ngroups = [\"dev\"]\noptional = false\n[package.source]\ntype = \"git\"\nurl = \"https://example.test/d.git\"\nreference = \"HEAD\"\n[metadata]\nlock-version = \"2.1\"\n";
        let reading = read_text(read, "poetry.lock", new).unwrap();
        assert_eq!((reading.found[0].scope, reading.found[1].scope), (Scope::Optional, Scope::Development));
        assert_eq!(reading.found[1].origin, Origin::Git("https://example.test/d.git".to_owned()));
        let between = OLD.replace("category = \"main\"\n", "").replace("category = \"dev\"\n", "");
        let manifest = ("pyproject.toml", "[tool.poetry]\nname = \"app\"\n[tool.poetry.dev-dependencies]\na-b = \"1\"\n");
        let reading = read_with(read, "poetry.lock", &between, &[manifest]).unwrap();
        assert_eq!((reading.found[1].scope, paths(&reading)[1].as_str()), (Scope::Development, "app a-b@1.0 c@2.0"));
    }

    #[test]
    fn a_cut_or_newer_file_is_told() {
        let cut = &OLD[..OLD.find("[metadata]").unwrap()];
        assert!(read_text(read, "poetry.lock", cut).unwrap_err().reason.contains("cut off"));
        assert!(read_text(read, "poetry.lock", "[metadata]\nlock-version = \"3.0\"\n").unwrap_err().reason.contains("not known"));
    }
}
