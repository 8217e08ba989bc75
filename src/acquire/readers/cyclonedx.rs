//! CycloneDX JSON, 1.2 to 1.6: components with their purl, CPE, hashes and scope, nested ones too.
//!
//! Only what identifies a package is read, so that an SBOM with fields of a later version still reads. A
//! component with neither purl nor CPE cannot be judged, and that is said.

use crate::acquire::json;
use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::cpe::{Attribute, CpeName};
use crate::model::package::Scope;
use crate::model::purl::Purl;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
    #[serde(borrow)]
    bom_format: Option<Cow<'a, str>>,
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
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
    #[serde(borrow)]
    components: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

/// Reads an SBOM.
///
/// # Errors
/// When it is not CycloneDX JSON.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let text = source.text;
    let bom: Bom<'_> = json::parse(text)?;
    if bom.bom_format.as_deref() != Some("CycloneDX") {
        return Err(Blemish { offset: 0, reason: "`bomFormat` is not `CycloneDX`: it is another kind of JSON".to_owned() });
    }
    let mut reading = Reading::default();
    for raw in bom.components.unwrap_or_default() {
        read_component(text, raw, &mut reading);
    }
    Ok(reading)
}

/// serde_json itself refuses more than 128 levels, so the recursion is bounded.
fn read_component(text: &str, raw: &RawValue, reading: &mut Reading) {
    let offset = json::offset_in(text, raw);
    match serde_json::from_str::<Component<'_>>(raw.get()) {
        Ok(component) => {
            if let Err(reason) = add(&component, offset, reading) {
                reading.blemishes.push(Blemish { offset, reason });
            }
            component.components.unwrap_or_default().into_iter().for_each(|inner| read_component(text, inner, reading));
        }
        Err(error) => reading.blemishes.push(Blemish { offset, reason: format!("a component does not read: {error}") }),
    }
}

fn add(component: &Component<'_>, offset: usize, reading: &mut Reading) -> Result<(), String> {
    // An excluded component is not part of what ships; files and data are no packages.
    if component.scope.as_deref() == Some("excluded") || matches!(&*component.kind, "file" | "data" | "cryptographic-asset") {
        return Ok(());
    }
    let stated = component
        .cpe
        .as_deref()
        .map(|text| CpeName::read(text).map_err(|error| format!("component `{}`: {error}", component.name)))
        .transpose()?;
    let purl = match (&component.purl, &stated) {
        (Some(text), _) => text.parse::<Purl>().map_err(|error| error.to_string())?,
        (None, Some(cpe)) => purl_of(component, cpe)?,
        (None, None) if matches!(&*component.kind, "operating-system" | "device" | "container") => return Ok(()),
        (None, None) => return Err(format!("component `{}` has neither a purl nor a CPE, so it cannot be judged", component.name)),
    };
    let version = purl.version().map_or_else(|| component.version.clone(), str::to_owned);
    reading.found.push(Found {
        version,
        integrity: component.hashes.iter().map(|hash| format!("{}:{}", hash.alg.to_ascii_lowercase(), hash.content)).collect(),
        scope: if component.scope.as_deref() == Some("optional") { Scope::Optional } else { Scope::Production },
        stated_cpes: stated.into_iter().collect(),
        ..Found::new(purl, offset)
    });
    Ok(())
}

fn purl_of(component: &Component<'_>, cpe: &CpeName) -> Result<Purl, String> {
    let version = match (component.version.as_str(), cpe.version()) {
        ("", Attribute::Value(_)) => cpe.version().plain().unwrap_or_default(),
        (given, _) => given.to_owned(),
    };
    let group = if component.group.is_empty() { String::new() } else { format!("{}/", component.group) };
    Purl::of_package(crate::model::purl::Ecosystem::Generic, &format!("{group}{}", component.name), &version)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_nested_and_stated() {
        let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
            {"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","hashes":[{"alg":"SHA-256","content":"aa"}],
             "components":[{"type":"library","name":"b","purl":"pkg:pypi/B_b@2"}]},
            {"type":"application","name":"curl","cpe":"cpe:/a:haxx:curl:7.0"},
            {"type":"library","name":"x","purl":"pkg:npm/x@1","scope":"excluded"},
            {"type":"library","name":"nameless"},{"type":"file","name":"f"}]}"#;
        let reading = read(text).unwrap();
        let names: Vec<&str> = reading.found.iter().map(|found| found.purl.text()).collect();
        assert_eq!(names, ["pkg:npm/a@1", "pkg:pypi/b-b@2", "pkg:generic/curl@7.0"]);
        assert_eq!(reading.found[2].stated_cpes.len(), 1);
        assert_eq!(reading.blemishes.len(), 1);
    }

    #[test]
    fn other_json_is_refused() {
        for bad in ["{}", "[]", r#"{"bomFormat":"SPDX"}"#, r#"{"bomFormat":"CycloneDX","components":[{"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
