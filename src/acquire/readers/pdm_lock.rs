//! pdm.lock, lock_version 3 and 4. A package with extras stands once more under the same name and version.

use super::pypi::{self, File, Nodes};
use crate::acquire::{Blemish, Found, Reading, Source, toml};
use crate::model::package::{Origin, Scope};
use ::toml::{Spanned, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    lock_version: Spanned<Value>,
    // Before 4.3 the digests stood here, under "name version".
    #[serde(default)]
    files: BTreeMap<String, Vec<File>>,
}

#[derive(Deserialize)]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    groups: Option<Vec<String>>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    files: Vec<File>,
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = toml::parse(source.text)?;
    let version = match lock.metadata.lock_version.get_ref() {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if !matches!(version.split('.').next(), Some("3" | "4")) {
        let at = lock.metadata.lock_version.span().start;
        return Err(Blemish::at(at, format!("lock_version {version} is not known; 3 and 4 are")));
    }
    let mut reading = Reading::default();
    let mut nodes = Nodes::default();
    let mut packages = Vec::new();
    for package in &lock.package {
        let (name, version) = (package.name.get_ref(), package.version.as_deref().unwrap_or_default());
        let old = lock.metadata.files.get(&format!("{name} {version}"));
        let hashes = package.files.iter().chain(old.into_iter().flatten()).filter_map(|file| file.hash.clone()).collect();
        packages.push(nodes.add(&mut reading, name, version, package.name.span().start, |found| fill(found, package, hashes)));
    }
    for (package, from) in lock.package.iter().zip(&packages) {
        let Some(from) = from else { continue };
        for requirement in &package.dependencies {
            // What only other platforms or versions of Python need may be left out of the file.
            if !nodes.ask(&mut reading, *from, pypi::name_of(requirement), Scope::Production) && !requirement.contains(';') {
                let reason = format!("it asks for `{requirement}`, which this file does not hold: it is cut off or was edited, lock again");
                reading.blemish(package.name.span().start, reason);
            }
        }
    }
    // The file names groups, and not which of them are for development: the manifest does.
    if let Some(project) = pypi::project(source) {
        nodes.add_root(&mut reading, &project);
        reading.settle_scopes();
    }
    Ok(reading)
}

fn fill(found: &mut Found, package: &Package, hashes: Vec<String>) {
    found.integrity = hashes;
    let production = package.groups.as_ref().is_none_or(|groups| groups.iter().any(|group| group == "default"));
    found.scope = if production { Scope::Production } else { Scope::Optional };
    found.origin = match (&package.git, &package.url, &package.path) {
        (Some(git), _, _) => Origin::Git(format!("git+{git}")),
        (_, Some(url), _) => pypi::archive_origin(url),
        (_, _, Some(path)) => Origin::Path(path.clone()),
        _ => Origin::Public,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_with};

    #[test]
    fn groups_extras_and_sources() {
        let text = "[metadata]\ngroups = [\"default\", \"dev\"]\nlock_version = \"4.5.0\"\n[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"default\"]\ndependencies = [\"B>=1; python_version < '3'\"]\nfiles = [{file = \"a.whl\", hash = \"sha256:aa\"}]\n\
                    [[package]]\nname = \"a\"\nversion = \"1\"\nextras = [\"x\"]\ngroups = [\"default\"]\ndependencies = [\"a==1\"]\n[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"dev\"]\ngit = \"https://example.test/b.git\"\nrevision = \"1\"\n";
        let manifest =
            ("pyproject.toml", "[project]\nname = \"app\"\ndependencies = [\"a[x]\"]\n[tool.pdm.dev-dependencies]\nt = [\"b\"]\n");
        let reading = read_with(read, "pdm.lock", text, &[manifest]).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/a@1", "pkg:pypi/a@1", "pkg:pypi/b@2"]);
        assert_eq!((reading.found[2].scope, paths(&reading)[2].as_str()), (Scope::Production, "app b@2"));
        assert!(matches!(reading.found[2].origin, Origin::Git(_)));
        assert_eq!(read_with(read, "pdm.lock", text, &[]).unwrap().found[2].scope, Scope::Optional);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "[metadata]\nlock_version = \"5.0\"\n", "[[package]]\nname = \"a\"\n"] {
            assert!(read_with(read, "pdm.lock", bad, &[]).is_err(), "{bad}");
        }
    }
}
