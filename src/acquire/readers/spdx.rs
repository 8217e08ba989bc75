//! SPDX JSON, 2.2, 2.3 and 3.0: packages with their purl, CPE and checksums, and what depends on what.
//!
//! Version 2 has `packages` with `externalRefs` and `relationships`; version 3 is one graph of elements. The
//! package that the document describes is the project itself. A package with neither purl nor CPE cannot be
//! judged, and that is said.

use crate::acquire::graph::{Edge, Root};
use crate::acquire::json;
use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::cpe::{Attribute, CpeName};
use crate::model::package::Scope;
use crate::model::purl::{Ecosystem, Purl};
use crate::model::repository::repository;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: Option<String>,
    #[serde(borrow)]
    packages: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    relationships: Vec<Relationship>,
    #[serde(default)]
    document_describes: Vec<String>,
    #[serde(borrow, rename = "@graph")]
    graph: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: String,
    related_spdx_element: String,
}

/// A package of version 2 or an element of version 3; each fills its own members.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Element {
    #[serde(rename = "SPDXID", alias = "spdxId", alias = "@id")]
    id: String,
    #[serde(rename = "type", alias = "@type")]
    kind: String,
    name: String,
    version_info: String,
    #[serde(rename = "software_packageVersion")]
    package_version: String,
    #[serde(rename = "software_packageUrl")]
    package_url: String,
    #[serde(rename = "software_primaryPurpose", alias = "primaryPackagePurpose")]
    purpose: String,
    external_refs: Vec<Reference>,
    external_identifier: Vec<Reference>,
    checksums: Vec<Checksum>,
    verified_using: Vec<Checksum>,
    homepage: String,
    download_location: String,
    #[serde(rename = "software_homePage")]
    home_page: String,
    #[serde(rename = "software_downloadLocation")]
    downloaded_from: String,
    from: String,
    to: Vec<String>,
    relationship_type: String,
    root_element: Vec<String>,
    spec_version: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    #[serde(alias = "externalIdentifierType")]
    reference_type: String,
    #[serde(alias = "identifier")]
    reference_locator: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Checksum {
    algorithm: String,
    checksum_value: String,
    hash_value: String,
}

/// Reads an SBOM.
///
/// # Errors
/// When it is not SPDX JSON, or of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let document: Document<'_> = json::parse(source.text)?;
    match (document.spdx_version.as_deref(), document.graph) {
        (Some(version), _) if version.starts_with("SPDX-2.") => {
            let describes = document.relationships.iter().filter(|line| line.relationship_type == "DESCRIBES");
            let described: BTreeSet<String> =
                describes.map(|line| line.related_spdx_element.clone()).chain(document.document_describes).collect();
            let packages = document.packages.unwrap_or_default();
            let several = packages.len() > described.len();
            let mut desk = Desk::of(source.text, described, several);
            packages.into_iter().for_each(|raw| desk.read(raw));
            for line in document.relationships {
                // Some relationships are written from the needed side.
                match line.relationship_type.as_str() {
                    "DEPENDS_ON" | "CONTAINS" => desk.relate(&line.spdx_element_id, &line.related_spdx_element, Scope::Production),
                    "DEPENDENCY_OF" | "RUNTIME_DEPENDENCY_OF" | "PROVIDED_DEPENDENCY_OF" | "CONTAINED_BY" => {
                        desk.relate(&line.related_spdx_element, &line.spdx_element_id, Scope::Production);
                    }
                    "OPTIONAL_DEPENDENCY_OF" => desk.relate(&line.related_spdx_element, &line.spdx_element_id, Scope::Optional),
                    "DEV_DEPENDENCY_OF" | "TEST_DEPENDENCY_OF" => {
                        desk.relate(&line.related_spdx_element, &line.spdx_element_id, Scope::Development)
                    }
                    _ => {}
                }
            }
            Ok(desk.finish())
        }
        (Some(version), _) => {
            let at = source.text.find("spdxVersion").unwrap_or(0);
            Err(Blemish::at(at, format!("spdxVersion {version} is not known; SPDX-2.2, SPDX-2.3 and 3.0 are")))
        }
        (None, Some(graph)) => read_graph(source.text, &graph),
        (None, None) => Err(Blemish::at(0, "it has neither `spdxVersion` nor `@graph`: it is another kind of JSON")),
    }
}

fn read_graph(text: &str, graph: &[&RawValue]) -> Result<Reading, Blemish> {
    let elements: Vec<(&RawValue, Element)> =
        graph.iter().map(|raw| (*raw, serde_json::from_str::<Element>(raw.get()).unwrap_or_default())).collect();
    for (raw, element) in &elements {
        if element.kind == "CreationInfo" && !element.spec_version.starts_with("3.") {
            return Err(Blemish::at(json::offset_in(text, raw), format!("specVersion {} is not known; 3.0 is", element.spec_version)));
        }
    }
    let roots = elements.iter().filter(|(_, element)| element.kind.ends_with("SpdxDocument") || element.kind.ends_with("Sbom"));
    let described: BTreeSet<String> = roots.flat_map(|(_, element)| element.root_element.iter().cloned()).collect();
    let several = elements.iter().filter(|(_, element)| element.kind == "software_Package").count() > described.len();
    let mut desk = Desk::of(text, described, several);
    for (raw, element) in &elements {
        if element.kind == "software_Package" {
            desk.read(raw);
        }
    }
    for (_, element) in &elements {
        if matches!(element.relationship_type.as_str(), "dependsOn" | "contains") {
            element.to.iter().for_each(|to| desk.relate(&element.from, to, Scope::Production));
        }
    }
    Ok(desk.finish())
}

/// Where packages and relationships come together.
struct Desk<'a> {
    text: &'a str,
    described: BTreeSet<String>,
    several: bool,
    names: BTreeMap<String, String>,
    nodes: BTreeMap<String, usize>,
    roots: BTreeMap<String, Vec<Edge>>,
    reading: Reading,
}

impl<'a> Desk<'a> {
    /// `several`: whether there is more than what the document describes.
    fn of(text: &'a str, described: BTreeSet<String>, several: bool) -> Self {
        let (names, nodes, roots, reading) = Default::default();
        Self { text, described, several, names, nodes, roots, reading }
    }

    fn read(&mut self, raw: &RawValue) {
        let offset = json::offset_in(self.text, raw);
        let element = match serde_json::from_str::<Element>(raw.get()) {
            Ok(element) => element,
            Err(error) => return self.reading.blemish(offset, format!("a package does not read: {error}")),
        };
        self.names.insert(element.id.clone(), element.name.clone());
        match package(&element) {
            // What the document describes is the project itself, unless that is all there is to judge.
            _ if self.described.contains(&element.id) && self.several => {}
            Ok(Some(found)) => {
                self.reading.found.push(Found { offset, ..found });
                self.nodes.insert(element.id, self.reading.found.len() - 1);
            }
            Ok(None) => {}
            Err(reason) => self.reading.blemish(offset, reason),
        }
    }

    fn relate(&mut self, from: &str, to: &str, scope: Scope) {
        let Some(to) = self.nodes.get(to).copied() else { return };
        match self.nodes.get(from) {
            Some(from) => self.reading.graph.add(*from, Edge { to, scope }),
            None if self.described.contains(from) => self.roots.entry(from.to_owned()).or_default().push(Edge { to, scope }),
            None => {}
        }
    }

    fn finish(mut self) -> Reading {
        for (id, asks) in self.roots {
            self.reading.graph.roots.push(Root { name: self.names.get(&id).cloned().unwrap_or(id), asks });
        }
        self.reading.settle_scopes();
        self.reading
    }
}

impl Element {
    fn reference(&self, kinds: &[&str]) -> Option<&str> {
        let mut all = self.external_refs.iter().chain(&self.external_identifier);
        all.find(|reference| kinds.contains(&reference.reference_type.as_str())).map(|reference| reference.reference_locator.as_str())
    }
}

fn package(element: &Element) -> Result<Option<Found>, String> {
    if matches!(element.purpose.to_ascii_lowercase().as_str(), "file" | "operating-system" | "container" | "device" | "data") {
        return Ok(None);
    }
    let version = if element.version_info.is_empty() { &element.package_version } else { &element.version_info };
    let cpe = element.reference(&["cpe23Type", "cpe22Type", "cpe23", "cpe22"]).map(CpeName::read).transpose();
    let stated = cpe.map_err(|error| format!("package `{}`: {error}", element.name))?;
    let purl = element.reference(&["purl", "packageUrl"]).or(Some(element.package_url.as_str()).filter(|text| !text.is_empty()));
    let purl = match (purl, &stated) {
        (Some(text), _) => text.parse::<Purl>().map_err(|error| error.to_string())?,
        (None, Some(cpe)) => {
            let stated = match cpe.version() {
                Attribute::Value(_) if version.is_empty() => cpe.version().plain().unwrap_or_default(),
                _ => version.clone(),
            };
            Purl::of_package(Ecosystem::Generic, &element.name, &stated).map_err(|error| error.to_string())?
        }
        (None, None) => return Err(format!("package `{}` has neither a purl nor a CPE, so it cannot be judged", element.name)),
    };
    let links = [&element.homepage, &element.download_location, &element.home_page, &element.downloaded_from];
    let digests = element.checksums.iter().chain(&element.verified_using);
    Ok(Some(Found {
        version: purl.version().map_or_else(|| version.clone(), |_| purl.full_version().into_owned()),
        integrity: digests.map(|sum| format!("{}:{}{}", sum.algorithm.to_ascii_lowercase(), sum.checksum_value, sum.hash_value)).collect(),
        stated_cpes: stated.into_iter().collect(),
        repositories: links.iter().filter_map(|link| repository(link)).collect(),
        ..Found::new(purl, 0)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text};

    #[test]
    fn version_two() {
        let text = r#"{"spdxVersion":"SPDX-2.3","packages":[
            {"SPDXID":"SPDXRef-app","name":"app","versionInfo":"1","primaryPackagePurpose":"APPLICATION","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/app@1"}]},
            {"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/a@1"}],"checksums":[{"algorithm":"SHA512","checksumValue":"aa"}]},
            {"SPDXID":"SPDXRef-b","name":"b","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:v:b:2.0:*:*:*:*:*:*:*"}]},
            {"SPDXID":"SPDXRef-c","name":"c"}],
            "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-app"},
            {"spdxElementId":"SPDXRef-app","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-a"},
            {"spdxElementId":"SPDXRef-b","relationshipType":"DEV_DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-a"}]}"#;
        let reading = read_text(read, "x.spdx.json", text).unwrap();
        assert_eq!((names(&reading), reading.blemishes.len()), (vec!["pkg:npm/a@1", "pkg:generic/b@2.0"], 1));
        assert_eq!((paths(&reading)[1].as_str(), reading.found[1].scope), ("app a@1 b@2.0", Scope::Development));
        assert_eq!(reading.found[0].integrity, ["sha512:aa"]);
    }

    #[test]
    fn version_three() {
        let text = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
            {"type":"CreationInfo","@id":"_:1","specVersion":"3.0.1"},
            {"type":"SpdxDocument","spdxId":"doc","rootElement":["app"]},
            {"type":"software_Package","spdxId":"app","name":"app"},
            {"type":"software_Package","spdxId":"a","name":"a","software_packageVersion":"1","software_packageUrl":"pkg:pypi/a@1","verifiedUsing":[{"type":"Hash","algorithm":"sha256","hashValue":"aa"}]},
            {"type":"software_Package","spdxId":"b","name":"b","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:pypi/b@2"}]},
            {"type":"Relationship","spdxId":"r","relationshipType":"dependsOn","from":"app","to":["a"]},
            {"type":"LifecycleScopedRelationship","spdxId":"s","relationshipType":"dependsOn","from":"a","to":["b"]}]}"#;
        let reading = read_text(read, "x.spdx.json", text).unwrap();
        assert_eq!(paths(&reading), ["app a@1", "app a@1 b@2"]);
        assert!(reading.blemishes.is_empty() && reading.found[0].integrity == ["sha256:aa"]);
    }

    #[test]
    fn other_json_is_refused() {
        for bad in [
            "{}",
            r#"{"spdxVersion":"SPDX-4.0"}"#,
            r#"{"@graph":[{"type":"CreationInfo","specVersion":"4.0"}]}"#,
            r#"{"spdxVersion":"SPDX-2.3","packages":7}"#,
        ] {
            assert!(read_text(read, "x.spdx.json", bad).is_err(), "{bad}");
        }
    }
}
