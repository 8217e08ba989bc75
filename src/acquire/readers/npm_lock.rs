//! package-lock.json and npm-shrinkwrap.json, lockfileVersion 2 and 3 (npm's "package-lock.json" page); version 1
//! is in `npm_lock_v1`.
//!
//! `packages` lists installed folders. The root, links and workspace members are the project's own and are not
//! packages here. An alias is read as the package it stands for.

use super::npm::{self, Entry, Requests};
use super::npm_lock_v1;
use crate::acquire::graph::{Edge, Root};
use crate::acquire::json::{self, Members};
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Scope;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock<'a> {
    lockfile_version: Option<u64>,
    #[serde(borrow)]
    packages: Option<Members<'a>>,
    #[serde(borrow)]
    dependencies: Option<Members<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    // Read on its own: flattening would buffer every entry.
    #[serde(skip)]
    requests: Requests,
    version: Option<String>,
    // A bundled package of old files has `false` here.
    resolved: Option<serde_json::Value>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    in_bundle: bool,
    #[serde(default)]
    has_install_script: bool,
}

impl Folder {
    fn resolved(&self) -> &str {
        self.resolved.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default()
    }

    fn scope(&self) -> Scope {
        match (self.dev, self.optional || self.dev_optional) {
            (true, _) => Scope::Development,
            (false, true) => Scope::Optional,
            (false, false) => Scope::Production,
        }
    }
}

/// Reads a lockfile.
///
/// # Errors
/// When it is not JSON, is of a version that is not known, or lists nothing that could be read.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let lock: Lock<'_> = json::parse(source.text)?;
    match (lock.lockfile_version, &lock.packages, &lock.dependencies) {
        (Some(version @ 4..), _, _) => Err(Blemish::at(0, format!("lockfileVersion {version} is newer than 3, the newest that is known"))),
        (_, Some(packages), _) => Ok(read_packages(source.text, packages)),
        (_, None, Some(dependencies)) => Ok(npm_lock_v1::read(source, dependencies)),
        // A project without dependencies has neither list; so has a file that is something else.
        (Some(1), None, None) => Ok(Reading::default()),
        _ => Err(Blemish::at(0, "it has neither `packages` nor `dependencies`: it is not an npm lockfile")),
    }
}

/// What a folder is: a package of the reading, or the project's own.
enum Node {
    Package(usize),
    Own,
    Link,
}

fn read_packages(text: &str, packages: &Members<'_>) -> Reading {
    let mut reading = Reading::default();
    npm::note_duplicates(text, packages, &mut reading);
    let mut nodes: HashMap<&str, Node> = HashMap::new();
    let mut folders: Vec<(&str, Folder)> = Vec::new();
    for (path, value) in &packages.0 {
        match json::parse_value::<Folder>(text, value).and_then(|folder| Ok((folder, json::parse_value(text, value)?))) {
            Ok((mut folder, requests)) => {
                folder.requests = requests;
                let node = node_of(text, path, value, &folder, &mut reading);
                nodes.extend(node.map(|node| (path.as_ref(), node)));
                folders.push((path, folder));
            }
            Err(blemish) => reading.blemishes.push(blemish),
        }
    }
    for (path, folder) in &folders {
        let asks = folder.requests.all().filter_map(|(name, _, scope)| Some(Edge { to: resolve(&nodes, path, name)?, scope }));
        match nodes.get(path) {
            Some(Node::Package(at)) => asks.filter(|edge| edge.scope != Scope::Development).for_each(|edge| reading.graph.add(*at, edge)),
            Some(Node::Own) => {
                let name = if folder.requests.name.is_empty() { (*path).to_owned() } else { folder.requests.name.clone() };
                reading.graph.roots.push(Root { name, asks: asks.collect() });
            }
            _ => {}
        }
    }
    reading
}

fn node_of(text: &str, path: &str, value: &RawValue, folder: &Folder, reading: &mut Reading) -> Option<Node> {
    // The root is ""; workspace members and folders of the project lie outside node_modules.
    let Some(installed_as) = installed_as(path) else { return Some(Node::Own) };
    if folder.link {
        return Some(Node::Link);
    }
    let entry = Entry {
        name: if folder.requests.name.is_empty() { installed_as.to_owned() } else { folder.requests.name.clone() },
        version: folder.version.clone().unwrap_or_default(),
        resolved: folder.resolved().to_owned(),
        integrity: folder.integrity.clone().unwrap_or_default(),
        install_script: folder.has_install_script,
        bundled: folder.in_bundle,
        scope: Some(folder.scope()),
    };
    npm::add(reading, entry, json::name_offset(text, path, value)).map(Node::Package)
}

/// `a/node_modules/b` is installed as `b`.
fn installed_as(path: &str) -> Option<&str> {
    let at = path.rfind("node_modules/")?;
    (at == 0 || path[..at].ends_with('/')).then(|| &path[at + "node_modules/".len()..])
}

/// Node's own search: in the asker's node_modules, then in those above it.
fn resolve(nodes: &HashMap<&str, Node>, from: &str, name: &str) -> Option<usize> {
    let mut folder = from;
    loop {
        let path = if folder.is_empty() { format!("node_modules/{name}") } else { format!("{folder}/node_modules/{name}") };
        match nodes.get(path.as_str()) {
            Some(Node::Package(at)) => return Some(*at),
            // A link leads to the project's own folder, which is a root itself.
            Some(Node::Link | Node::Own) => return None,
            None if folder.is_empty() => return None,
            None => {
                folder = folder.rfind('/').map_or("", |at| folder[..at].trim_end_matches("node_modules").trim_end_matches('/'));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};
    use crate::model::package::Origin;

    #[test]
    fn folders_aliases_links_and_members_are_told_apart() {
        let text = r#"{"lockfileVersion":3,"packages":{
            "":{"name":"app","dependencies":{"a":"1"},"devDependencies":{"g":"1"}},
            "node_modules/a":{"version":"1.0.0","resolved":"https://registry.npmjs.org/a/-/a-1.0.0.tgz","integrity":"sha512-x sha1-y","dependencies":{"@s/b":"2","own":"1"}},
            "node_modules/a/node_modules/@s/b":{"version":"2.0.0","dev":true,"dependencies":{"alias":"1"}},
            "node_modules/alias":{"name":"real","version":"3.0.0","hasInstallScript":true},
            "node_modules/own":{"resolved":"packages/own","link":true},
            "packages/own":{"version":"0.0.1","dependencies":{"p":"1"}},
            "node_modules/g":{"version":"1.0.0","resolved":"git+ssh://git@example.test/g.git#abc"},
            "node_modules/p":{"version":"1.0.0","resolved":"https://npm.example.test/repo/p/-/p-1.0.0.tgz"}}}"#;
        let reading = read_text(read, "package-lock.json", text).unwrap();
        assert_eq!(
            names(&reading),
            ["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/real@3.0.0", "pkg:npm/g@1.0.0", "pkg:npm/p@1.0.0"]
        );
        assert_eq!(reading.graph.directs().unwrap().into_iter().collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(paths(&reading)[2], "app a@1.0.0 @s/b@2.0.0 real@3.0.0");
        assert_eq!(paths(&reading)[4], "packages/own p@1.0.0");
        assert_eq!((reading.found[1].scope, reading.found[2].install_script), (Scope::Development, true));
        assert_eq!(reading.found[0].integrity, ["sha512-x", "sha1-y"]);
        assert!(matches!(reading.found[3].origin, Origin::Git(_)));
        assert_eq!(reading.found[4].origin, Origin::Registry("https://npm.example.test/repo/".to_owned()));
        assert!(text[reading.found[0].offset..].starts_with("\"node_modules/a\""));
    }

    #[test]
    fn an_address_of_another_package_is_judged_and_told() {
        let text = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"https://registry.npmjs.org/evil/-/evil-1.0.0.tgz"}}}"#;
        let reading = read_text(read, "package-lock.json", text).unwrap();
        assert_eq!(names(&reading), ["pkg:npm/evil@1.0.0"]);
        assert!(reading.blemishes[0].reason.contains("address of `evil`"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "{", "[]", r#"{"lockfileVersion":9,"packages":{}}"#, r#"{"name":"x"}"#] {
            assert!(read_text(read, "package-lock.json", bad).is_err(), "{bad}");
        }
        let text = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{},"node_modules/b":7,"node_modules/c":{"version":"1"},"node_modules/c":{"version":"2"}}}"#;
        let reading = read_text(read, "package-lock.json", text).unwrap();
        assert_eq!((reading.blemishes.len(), reading.found.len()), (3, 2));
    }
}
