//! uv.lock, version 1. Packages with an editable or virtual source are the workspace's own.
//!
//! uv locks for all platforms at once, so one name may have several versions.

use super::pypi::{self, File, Nodes};
use crate::acquire::graph::{Edge, Root};
use crate::acquire::{Blemish, Found, Reading, Source, toml};
use crate::model::package::{Origin, Scope};
use ::toml::Spanned;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Lock {
    version: Spanned<u32>,
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: Spanned<String>,
    #[serde(default)]
    version: String,
    source: Address,
    #[serde(default)]
    dependencies: Vec<Request>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Request>>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Request>>,
    sdist: Option<File>,
    #[serde(default)]
    wheels: Vec<File>,
}

#[derive(Deserialize)]
struct Request {
    name: Spanned<String>,
    version: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    registry: Option<String>,
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
}

impl Address {
    fn is_own(&self) -> bool {
        self.editable.is_some() || self.r#virtual.is_some()
    }

    fn origin(&self) -> Origin {
        match (&self.registry, &self.git, &self.url, self.path.as_ref().or(self.directory.as_ref())) {
            (Some(index), _, _, _) if index.contains("://") => pypi::index_origin(index),
            (Some(folder), _, _, _) => Origin::Path(folder.clone()),
            (_, Some(git), _, _) => Origin::Git(format!("git+{git}")),
            (_, _, Some(url), _) => pypi::archive_origin(url),
            (_, _, _, Some(path)) => Origin::Path(path.clone()),
            _ => Origin::Public,
        }
    }
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not TOML of that shape or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock = toml::parse(source.text)?;
    if *lock.version.get_ref() > 1 {
        return Err(Blemish::at(
            lock.version.span().start,
            format!("version {} is newer than 1, the newest that is known", lock.version.get_ref()),
        ));
    }
    let mut reading = Reading::default();
    let mut nodes = Nodes::default();
    let mut own = BTreeSet::new();
    let mut packages = Vec::new();
    for package in &lock.package {
        let name = package.name.get_ref();
        let at = if package.source.is_own() {
            own.insert(pypi::normal(name));
            None
        } else {
            nodes.add(&mut reading, name, &package.version, package.name.span().start, |found| fill(found, package))
        };
        packages.push(at);
    }
    for (package, at) in lock.package.iter().zip(packages) {
        let mut asks = Vec::new();
        for (request, scope) in package.requests() {
            let to = of_request(&nodes, &reading.found, request);
            if to.is_empty() && !own.contains(&pypi::normal(request.name.get_ref())) {
                let reason = format!(
                    "it asks for `{}`, which this file does not hold: it is cut off or was edited, lock again",
                    request.name.get_ref()
                );
                reading.blemish(request.name.span().start, reason);
            }
            asks.extend(to.into_iter().map(|to| Edge { to, scope }));
        }
        match at {
            Some(from) => asks.into_iter().for_each(|edge| reading.graph.add(from, edge)),
            None if package.source.is_own() => reading.graph.roots.push(Root { name: package.name.get_ref().clone(), asks }),
            None => {}
        }
    }
    reading.settle_scopes();
    Ok(reading)
}

impl Package {
    /// What it asks for. Only the project's own extras are optional: those of a package stand here because
    /// somebody asked for them.
    fn requests(&self) -> impl Iterator<Item = (&Request, Scope)> {
        let extras = if self.source.is_own() { Scope::Optional } else { Scope::Production };
        let plain = self.dependencies.iter().map(|request| (request, Scope::Production));
        let optional = self.optional_dependencies.values().flatten().map(move |request| (request, extras));
        let development = self.dev_dependencies.values().flatten().map(|request| (request, Scope::Development));
        plain.chain(optional).chain(development)
    }
}

/// A request names the version only where there are several.
fn of_request(nodes: &Nodes, found: &[Found], request: &Request) -> Vec<usize> {
    let fits = |at: &usize| request.version.as_ref().is_none_or(|version| found[*at].version == *version);
    nodes.of_name(request.name.get_ref()).iter().copied().filter(fits).collect()
}

fn fill(found: &mut Found, package: &Package) {
    found.origin = package.source.origin();
    found.integrity = package.wheels.iter().chain(&package.sdist).filter_map(|file| file.hash.clone()).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};

    const LOCK: &str = "version = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\", extra = [\"x\"] }, { name = \"m\" }]\n[package.dev-dependencies]\ndev = [{ name = \"b\", version = \"2.0\", source = { registry = \"https://pypi.org/simple\" } }]\n\n\
        [[package]]\nname = \"m\"\nversion = \"0.1.0\"\nsource = { editable = \"packages/m\" }\n\n\
        [[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"u\", hash = \"sha256:aa\", size = 1 }\nwheels = [{ url = \"w\", hash = \"sha256:bb\" }]\n[package.optional-dependencies]\nx = [{ name = \"b\", version = \"1.0\" }]\n\n\
        [[package]]\nname = \"b\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.example.test/simple\" }\n\n[[package]]\nname = \"b\"\nversion = \"2.0\"\nsource = { git = \"https://example.test/b?rev=1#2\" }\n";

    #[test]
    fn members_extras_forks_and_sources() {
        let reading = read_text(read, "uv.lock", LOCK).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/a@1.0", "pkg:pypi/b@1.0", "pkg:pypi/b@2.0"]);
        assert_eq!(paths(&reading), ["app a@1.0", "app a@1.0 b@1.0", "app b@2.0"]);
        assert_eq!((reading.found[1].scope, reading.found[2].scope), (Scope::Production, Scope::Development));
        assert_eq!(reading.found[1].origin, Origin::Registry("https://pypi.example.test/simple".to_owned()));
        assert!(matches!(reading.found[2].origin, Origin::Git(_)) && reading.found[0].integrity.len() == 2);
        assert!(reading.blemishes.is_empty(), "{:?}", reading.blemishes);
    }

    #[test]
    fn a_cut_or_newer_file_is_told() {
        let cut = &LOCK[..LOCK.rfind("[[package]]").unwrap()];
        assert!(read_text(read, "uv.lock", cut).unwrap().blemishes[0].reason.contains("`b`"));
        assert!(read_text(read, "uv.lock", "version = 2\n").unwrap_err().reason.contains("newer"));
        assert!(read_text(read, "uv.lock", "package = 1\n").is_err());
    }
}
