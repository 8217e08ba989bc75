//! Decodes one record of the NVD's CVE API 2.0 schema (also used by its 2.0 feeds).
//!
//! Fields that are not known are passed over, words that are not known are kept; a record that still does
//! not decode is kept aside whole.

use super::learn::Learner;
use super::{mention, subject};
use crate::mirror::rows::{AsideRow, Batch, Interner, RawConfiguration, RawCriterion, RawNode, RawRecord, Tree};
use crate::model::advisory::{CveDetail, CveId, Cvss, Operator, Reference};
use crate::model::repository::repository;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    cve: Cve<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    source_identifier: Cow<'a, str>,
    #[serde(borrow, default)]
    published: Cow<'a, str>,
    #[serde(borrow)]
    last_modified: Cow<'a, str>,
    #[serde(borrow, default)]
    vuln_status: Cow<'a, str>,
    #[serde(borrow, default)]
    cve_tags: Vec<CveTags<'a>>,
    #[serde(borrow, default)]
    descriptions: Vec<Description<'a>>,
    #[serde(borrow, default)]
    metrics: Metrics<'a>,
    #[serde(borrow, default)]
    weaknesses: Vec<Weakness<'a>>,
    #[serde(borrow, default)]
    configurations: Vec<WireConfiguration<'a>>,
    #[serde(borrow, default)]
    references: Vec<WireReference<'a>>,
}

#[derive(Deserialize)]
struct CveTags<'a> {
    #[serde(borrow, default)]
    tags: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Description<'a> {
    #[serde(borrow)]
    lang: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
struct Metrics<'a> {
    #[serde(borrow, default, rename = "cvssMetricV40")]
    v40: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV31")]
    v31: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV30")]
    v30: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV2")]
    v2: Vec<Metric<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric<'a> {
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    cvss_data: CvssData<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CvssData<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    vector_string: Cow<'a, str>,
    base_score: f64,
}

#[derive(Deserialize)]
struct Weakness<'a> {
    #[serde(borrow, default)]
    description: Vec<Description<'a>>,
}

#[derive(Deserialize)]
struct WireReference<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    tags: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct WireConfiguration<'a> {
    operator: Option<Operator>,
    #[serde(default)]
    negate: bool,
    #[serde(borrow, default)]
    nodes: Vec<WireNode<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireNode<'a> {
    operator: Option<Operator>,
    #[serde(default)]
    negate: bool,
    #[serde(borrow, default)]
    cpe_match: Vec<WireMatch<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatch<'a> {
    vulnerable: bool,
    #[serde(borrow)]
    criteria: Cow<'a, str>,
    #[serde(borrow, default)]
    version_start_including: Option<Text<'a>>,
    #[serde(borrow, default)]
    version_start_excluding: Option<Text<'a>>,
    #[serde(borrow, default)]
    version_end_including: Option<Text<'a>>,
    #[serde(borrow, default)]
    version_end_excluding: Option<Text<'a>>,
}

/// Decodes a record and adds its rows to the batch; what does not decode is kept aside there.
pub fn decode(raw: &str, learner: &Learner, interner: &mut Interner, batch: &mut Batch) {
    let result = serde_json::from_str::<Item<'_>>(raw).map_err(|error| error.to_string()).and_then(|item| {
        let record = record_of(item.cve, learner)?;
        interner.encode(&record, batch)
    });
    if let Err(error) = result {
        let name = |raw: &str| -> Option<String> {
            let value: serde_json::Value = serde_json::from_str(raw).ok()?;
            Some(value.get("cve")?.get("id")?.as_str()?.to_owned())
        };
        batch.aside.push(AsideRow { record: name(raw).unwrap_or_else(|| "unnamed".to_owned()), error, raw: raw.to_owned() });
    }
}

/// Decodes a file that holds the configurations of one CVE and nothing else of its record. Gives the packed id and
/// the configurations in the mirror's form; names that are new are in the batch.
///
/// # Errors
/// What does not decode.
pub fn decode_configurations(text: &str, interner: &mut Interner, batch: &mut Batch) -> Result<(i64, Tree), String> {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(rename = "_annotation")]
        annotation: Annotation,
        #[serde(borrow)]
        cve: Configured<'a>,
    }
    #[derive(Deserialize)]
    struct Annotation {
        cve_id: String,
    }
    #[derive(Deserialize)]
    struct Configured<'a> {
        #[serde(borrow, default)]
        configurations: Vec<WireConfiguration<'a>>,
    }
    let file: File<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let id: CveId = file.annotation.cve_id.parse().map_err(|_| format!("`{}` is not a CVE id", file.annotation.cve_id))?;
    let configurations: Vec<RawConfiguration<'_>> = file.cve.configurations.into_iter().map(configuration_of).collect();
    Ok((id.packed(), interner.tree(&configurations, batch)?))
}

fn record_of<'a>(cve: Cve<'a>, learner: &Learner) -> Result<RawRecord<'a>, String> {
    let id = cve.id.parse().map_err(|_| format!("`{}` is not a CVE id", cve.id))?;
    let english = cve.descriptions.into_iter().find(|text| text.lang == "en");
    let summary = english.map(|text| text.value).unwrap_or_default();
    let addresses = || cve.references.iter().map(|reference| reference.url.as_ref());
    let signals = learner.signals(&summary, addresses());
    let mut links = Vec::new();
    addresses().for_each(|address| learner.links(address, &mut links));
    let mut mentions = Vec::new();
    if cve.configurations.is_empty() {
        mentions.clone_from(&links);
        mentions.extend(mention::names(&summary).into_iter().map(|name| ("", name)));
    }
    let configurations: Vec<RawConfiguration<'a>> = cve.configurations.into_iter().map(configuration_of).collect();
    let mut repositories: Vec<String> = addresses().filter_map(repository).collect();
    repositories.sort();
    repositories.dedup();
    let subjects = subject::subjects(&summary, signals, &configurations);
    let metrics = [cve.metrics.v40, cve.metrics.v31, cve.metrics.v30, cve.metrics.v2].into_iter().flatten();
    let mut cwe: Vec<Cow<'a, str>> = cve.weaknesses.into_iter().flat_map(|weakness| weakness.description).map(|text| text.value).collect();
    cwe.retain(|id| id.starts_with("CWE-"));
    cwe.sort();
    cwe.dedup();
    Ok(RawRecord {
        id,
        published: cve.published,
        modified: cve.last_modified,
        status: cve.vuln_status,
        detail: CveDetail {
            summary,
            assigner: cve.source_identifier,
            cvss: metrics.map(cvss_of).collect(),
            cwe,
            references: cve.references.into_iter().map(|r| Reference { url: r.url, tags: texts(r.tags) }).collect(),
            tags: cve.cve_tags.into_iter().flat_map(|tags| texts(tags.tags)).collect(),
        },
        configurations,
        signals,
        links,
        mentions,
        subjects,
        repositories,
    })
}

fn texts(texts: Vec<Text<'_>>) -> Vec<Cow<'_, str>> {
    texts.into_iter().map(|text| text.0).collect()
}

fn cvss_of(metric: Metric<'_>) -> Cvss<'_> {
    let data = metric.cvss_data;
    Cvss { version: data.version, vector: data.vector_string, score: data.base_score, source: metric.source }
}

/// A configuration or node without an operator is an OR (API 2.0 schema, `config` and `node`).
fn configuration_of(wire: WireConfiguration<'_>) -> RawConfiguration<'_> {
    let nodes = wire.nodes.into_iter().map(|node| RawNode {
        operator: node.operator.unwrap_or(Operator::Or),
        negate: node.negate,
        matches: node.cpe_match.into_iter().map(criterion_of).collect(),
    });
    RawConfiguration { operator: wire.operator.unwrap_or(Operator::Or), negate: wire.negate, nodes: nodes.collect() }
}

fn criterion_of(wire: WireMatch<'_>) -> RawCriterion<'_> {
    let ends = [wire.version_start_including, wire.version_start_excluding, wire.version_end_including, wire.version_end_excluding];
    RawCriterion { vulnerable: wire.vulnerable, criteria: wire.criteria, ends: ends.map(|end| end.map(|text| text.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_words_do_not_abort_and_broken_records_are_kept() {
        let (learner, mut interner, mut batch) = (Learner::new().unwrap(), Interner::default(), Batch::default());
        let strange = r#"{"cve":{"id":"CVE-2030-0001","lastModified":"2030-01-01T00:00:00.000","vulnStatus":"Pondered","newField":{"a":[1]},
            "metrics":{"cvssMetricV50":[{}]},"configurations":[{"operator":"XOR","nodes":[{"operator":"NAND","negate":true,
            "cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:v:p:*:*:*:*:*:*:*:*","more":1}]}]}]}}"#;
        decode(strange, &learner, &mut interner, &mut batch);
        assert_eq!((batch.cves.len(), batch.aside.len()), (1, 0));
        assert_eq!((batch.cves[0].status.as_str(), batch.cves[0].tree.as_str()), ("Pondered", r#"[["?",0,[["?",1,[3]]]]]"#));
        decode(r#"{"cve":{"id":"CVE-2030-0002","lastModified":5}}"#, &learner, &mut interner, &mut batch);
        decode(r#"{"cve":{"id":"nonsense","lastModified":"2030"}}"#, &learner, &mut interner, &mut batch);
        assert_eq!(batch.aside.iter().map(|row| row.record.as_str()).collect::<Vec<_>>(), ["CVE-2030-0002", "nonsense"]);
    }
}
