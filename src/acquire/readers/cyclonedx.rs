//! CycloneDX JSON, 1.2 to 1.7: components with their purl, CPE, hashes and scope, nested ones too, and the graph
//! of `dependencies`.
//!
//! Only what identifies a package is read, so that an SBOM with fields of a later version still reads. A
//! component with neither purl nor CPE cannot be judged, and that is said.

use crate::acquire::graph::{Edge, Root};
use crate::acquire::json;
use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::cpe::{Attribute, CpeName};
use crate::model::package::Scope;
use crate::model::purl::{Ecosystem, Purl};
use crate::model::repository::repository;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
    #[serde(borrow)]
    bom_format: Option<Cow<'a, str>>,
    #[serde(borrow)]
    spec_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    component: Option<Component<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    r#ref: String,
    #[serde(default)]
    depends_on: Vec<String>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
    #[serde(rename = "bom-ref")]
    bom_ref: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    purl: Option<String>,
    cpe: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default, rename = "externalReferences")]
    external_references: Vec<ExternalReference>,
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
}

/// A link of a component (CycloneDX 1.6, `externalReferences`).
#[derive(Deserialize)]
struct ExternalReference {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

/// Reads an SBOM.
///
/// # Errors
/// When it is not CycloneDX JSON, or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let text = source.text;
    let bom: Bom<'_> = json::parse(text)?;
    if bom.bom_format.as_deref() != Some("CycloneDX") {
        return Err(Blemish::at(0, "`bomFormat` is not `CycloneDX`: it is another kind of JSON"));
    }
    if let Some(version) = bom.spec_version.as_deref().filter(|version| version.split('.').next() != Some("1")) {
        let at = text.find("specVersion").unwrap_or(0);
        return Err(Blemish::at(at, format!("specVersion {version} is not known; 1.2 to 1.7 are")));
    }
    let mut reader = Components { text, reading: Reading::default(), nodes: BTreeMap::new() };
    for raw in bom.components.unwrap_or_default() {
        reader.read(raw);
    }
    let Components { mut reading, nodes, .. } = reader;
    let root = bom.metadata.and_then(|metadata| metadata.component);
    for dependency in &bom.dependencies {
        let edges = dependency.depends_on.iter().filter_map(|to| nodes.get(to)).map(|to| Edge { to: *to, scope: Scope::Production });
        match (nodes.get(&dependency.r#ref), &root) {
            (Some(from), _) => edges.for_each(|edge| reading.graph.add(*from, edge)),
            (None, Some(root)) if root.bom_ref.as_deref() == Some(&dependency.r#ref) && !dependency.depends_on.is_empty() => {
                reading.graph.roots.push(Root { name: root.name.clone(), asks: edges.collect() });
            }
            _ => {}
        }
    }
    Ok(reading)
}

struct Components<'a> {
    text: &'a str,
    reading: Reading,
    nodes: BTreeMap<String, usize>,
}

impl Components<'_> {
    /// serde_json itself refuses more than 128 levels, so the recursion is bounded.
    fn read(&mut self, raw: &RawValue) {
        let offset = json::offset_in(self.text, raw);
        match serde_json::from_str::<Component<'_>>(raw.get()) {
            Ok(component) => {
                match package(&component) {
                    Ok(Some(mut found)) => {
                        found.offset = offset;
                        self.reading.found.push(found);
                        self.nodes.extend(component.bom_ref.clone().map(|name| (name, self.reading.found.len() - 1)));
                    }
                    Ok(None) => {}
                    Err(reason) => self.reading.blemish(offset, reason),
                }
                component.components.unwrap_or_default().into_iter().for_each(|inner| self.read(inner));
            }
            Err(error) => self.reading.blemish(offset, format!("a component does not read: {error}")),
        }
    }
}

/// The package that a component is; nothing where it is none.
fn package(component: &Component<'_>) -> Result<Option<Found>, String> {
    // An excluded component is not part of what ships; files and data are no packages.
    if component.scope.as_deref() == Some("excluded") || matches!(&*component.kind, "file" | "data" | "cryptographic-asset") {
        return Ok(None);
    }
    let cpe = component.cpe.as_deref().map(CpeName::read).transpose();
    let stated = cpe.map_err(|error| format!("component `{}`: {error}", component.name))?;
    let purl = match (&component.purl, &stated) {
        (Some(text), _) => text.parse::<Purl>().map_err(|error| error.to_string())?,
        (None, Some(cpe)) => purl_of(component, cpe)?,
        (None, None) if matches!(&*component.kind, "operating-system" | "device" | "container") => return Ok(None),
        (None, None) => return Err(format!("component `{}` has neither a purl nor a CPE, so it cannot be judged", component.name)),
    };
    let version = purl.version().map_or_else(|| component.version.clone(), |_| purl.full_version().into_owned());
    Ok(Some(Found {
        version,
        integrity: component.hashes.iter().map(|hash| format!("{}:{}", hash.alg.to_ascii_lowercase(), hash.content)).collect(),
        scope: if component.scope.as_deref() == Some("optional") { Scope::Optional } else { Scope::Production },
        stated_cpes: stated.into_iter().collect(),
        repositories: repositories(component),
        ..Found::new(purl, 0)
    }))
}

/// Where the component's source is, by its own links.
fn repositories(component: &Component<'_>) -> Vec<String> {
    let own = component.external_references.iter().filter(|link| matches!(link.kind.as_str(), "vcs" | "website" | "source-distribution"));
    own.filter_map(|link| repository(&link.url)).collect()
}

fn purl_of(component: &Component<'_>, cpe: &CpeName) -> Result<Purl, String> {
    let version = match (component.version.as_str(), cpe.version()) {
        ("", Attribute::Value(_)) => cpe.version().plain().unwrap_or_default(),
        (given, _) => given.to_owned(),
    };
    let group = if component.group.is_empty() { String::new() } else { format!("{}/", component.group) };
    Purl::of_package(Ecosystem::Generic, &format!("{group}{}", component.name), &version).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};

    #[test]
    fn components_nested_and_stated() {
        let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"bom-ref":"app","name":"app","type":"application"}},"components":[
            {"type":"library","bom-ref":"1","name":"a","version":"1","purl":"pkg:npm/a@1","hashes":[{"alg":"SHA-256","content":"aa"}],
             "components":[{"type":"library","bom-ref":"2","name":"b","purl":"pkg:pypi/B_b@2"}]},
            {"type":"application","name":"curl","cpe":"cpe:/a:haxx:curl:7.0"},
            {"type":"library","name":"x","purl":"pkg:npm/x@1","scope":"excluded"},
            {"type":"library","name":"nameless"},{"type":"file","name":"f"}],
            "dependencies":[{"ref":"app","dependsOn":["1"]},{"ref":"1","dependsOn":["2"]},{"ref":"2"}]}"#;
        let reading = read_text(read, "bom.json", text).unwrap();
        assert_eq!(names(&reading), ["pkg:npm/a@1", "pkg:pypi/b-b@2", "pkg:generic/curl@7.0"]);
        assert_eq!((reading.found[2].stated_cpes.len(), reading.blemishes.len()), (1, 1));
        assert_eq!(paths(&reading)[..2], ["app a@1", "app a@1 b-b@2"]);
    }

    #[test]
    fn other_json_is_refused() {
        for bad in [
            "{}",
            "[]",
            r#"{"bomFormat":"SPDX"}"#,
            r#"{"bomFormat":"CycloneDX","components":[{"#,
            r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#,
        ] {
            assert!(read_text(read, "bom.json", bad).is_err(), "{bad}");
        }
    }
}
