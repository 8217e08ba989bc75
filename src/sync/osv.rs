//! Decodes one OSV advisory (OSV schema 1.6) into the mirror's form.
//!
//! Only what decides or is shown is kept. Ecosystem words that are not known pass as they are.

use crate::model::cpe::name_key;
use crate::model::osv::{AffectedPackage, OsvAdvisory, OsvEvent, OsvRange, OsvSeverity};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default)]
    modified: String,
    published: Option<String>,
    withdrawn: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    upstream: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    severity: Vec<OsvSeverity>,
    #[serde(default)]
    affected: Vec<WireAffected>,
    #[serde(default)]
    references: Vec<WireReference>,
    #[serde(default)]
    database_specific: Option<DatabaseSpecific>,
}

#[derive(Deserialize, Default)]
struct DatabaseSpecific {
    severity: Option<serde_json::Value>,
    informational: Option<serde_json::Value>,
    #[serde(default)]
    cwe_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WireReference {
    url: String,
}

#[derive(Deserialize)]
struct WireAffected {
    package: Option<WirePackage>,
    #[serde(default)]
    ranges: Vec<WireRange>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<OsvSeverity>,
    #[serde(default)]
    database_specific: Option<DatabaseSpecific>,
    #[serde(default)]
    ecosystem_specific: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct WirePackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct WireRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// Decodes an advisory.
///
/// # Errors
/// When the text is not an OSV advisory, in words that name the field.
pub fn decode(text: &str) -> Result<OsvAdvisory, String> {
    let wire: Wire = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let specific = wire.database_specific.unwrap_or_default();
    let word = |value: &Option<serde_json::Value>| value.as_ref().and_then(|value| value.as_str()).map(str::to_owned);
    let mut severity = wire.severity;
    let mut severity_word = word(&specific.severity);
    let mut affected = Vec::with_capacity(wire.affected.len());
    for entry in wire.affected {
        let Some(package) = entry.package else { continue };
        let inner = entry.database_specific.unwrap_or_default();
        severity.extend(entry.severity);
        severity_word = severity_word.or_else(|| word(&inner.severity));
        affected.push(AffectedPackage {
            name: if package.ecosystem == "PyPI" { name_key(&package.name) } else { package.name },
            ecosystem: package.ecosystem,
            // A range in commits says nothing about versions; OSV lists those beside it.
            ranges: entry.ranges.into_iter().filter(|range| range.kind != "GIT").map(range_of).collect(),
            versions: entry.versions,
            state: entry
                .ecosystem_specific
                .and_then(|specific| ["status", "urgency"].iter().find_map(|key| specific.get(*key)?.as_str().map(str::to_owned))),
            informational: word(&inner.informational).or_else(|| word(&specific.informational)),
        });
    }
    severity.dedup();
    Ok(OsvAdvisory {
        id: wire.id,
        modified: wire.modified,
        published: wire.published,
        withdrawn: wire.withdrawn,
        aliases: wire.aliases,
        upstream: wire.upstream,
        related: wire.related,
        summary: if wire.summary.is_empty() { first_sentence(&wire.details) } else { wire.summary },
        severity,
        severity_word,
        cwe: specific.cwe_ids.unwrap_or_default(),
        references: wire.references.into_iter().map(|reference| reference.url).collect(),
        affected,
    })
}

fn range_of(wire: WireRange) -> OsvRange {
    let events = wire.events.into_iter().flatten().filter_map(|(key, value)| {
        let version = value.as_str()?.to_owned();
        match key.as_str() {
            "introduced" => Some(OsvEvent::Introduced(version)),
            "fixed" => Some(OsvEvent::Fixed(version)),
            "last_affected" => Some(OsvEvent::LastAffected(version)),
            "limit" => Some(OsvEvent::Limit(version)),
            _ => None,
        }
    });
    OsvRange { kind: wire.kind, events: events.collect() }
}

fn first_sentence(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    line[..end].trim_start_matches('#').trim().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_advisory_of_unknown_words_still_decodes() {
        let text = r#"{"id":"X-1","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-0001"],"affected":[
            {"package":{"ecosystem":"New World:7","name":"p"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},
            {"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"},{"novel":"3"}]}],"database_specific":{"severity":"Moderate"}},
            {"ranges":[]}],"details":"First. Second."}"#;
        let advisory = super::decode(text).unwrap();
        assert_eq!(advisory.affected[0].ranges.len(), 1);
        assert_eq!(advisory.affected[0].ranges[0].events.len(), 2);
        assert_eq!((advisory.severity_word.as_deref(), advisory.summary.as_str()), (Some("Moderate"), "First."));
        assert!(super::decode(r#"{"modified":1}"#).is_err());
    }
}
