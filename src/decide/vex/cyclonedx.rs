//! VEX in CycloneDX 1.4 and later: `vulnerabilities[].analysis`, its products by `bom-ref`.

use super::{Product, Statement, Status, list, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The statements of a document; a vulnerability without an analysis says nothing.
#[must_use]
pub fn read(document: &Value) -> Vec<Statement> {
    let mut names = BTreeMap::new();
    gather(&document["metadata"]["component"], &mut names);
    list(&document["components"]).iter().for_each(|component| gather(component, &mut names));
    list(&document["vulnerabilities"]).iter().enumerate().filter_map(|(index, value)| statement(document, index, value, &names)).collect()
}

/// Which purl each `bom-ref` stands for.
fn gather(component: &Value, names: &mut BTreeMap<String, String>) {
    let mut waiting = vec![component];
    while let Some(component) = waiting.pop() {
        if let (Some(reference), Some(purl)) = (text(&component["bom-ref"]), text(&component["purl"])) {
            names.insert(reference, purl);
        }
        waiting.extend(list(&component["components"]));
    }
}

fn statement(document: &Value, index: usize, value: &Value, names: &BTreeMap<String, String>) -> Option<Statement> {
    let analysis = &value["analysis"];
    let status = match analysis["state"].as_str()? {
        "not_affected" | "false_positive" => Status::NotAffected,
        "resolved" | "resolved_with_pedigree" => Status::Fixed,
        "exploitable" => Status::Affected,
        _ => Status::UnderInvestigation,
    };
    let ids = text(&value["id"]).into_iter().chain(list(&value["references"]).iter().filter_map(|reference| text(&reference["id"])));
    Some(Statement {
        ids: ids.collect(),
        products: list(&value["affects"]).iter().map(|affect| product(affect, names)).collect(),
        status,
        justification: analysis["justification"].as_str().and_then(justification).map(str::to_owned),
        reason: text(&analysis["detail"]),
        timestamp: text(&analysis["lastUpdated"]).or_else(|| text(&document["metadata"]["timestamp"])).unwrap_or_default(),
        place: format!("vulnerabilities[{index}]"),
    })
}

/// A `bom-ref` of this document, a BOM-Link into another (`urn:cdx:serial/version#ref`), or a purl.
fn product(affect: &Value, names: &BTreeMap<String, String>) -> Product {
    let reference = text(&affect["ref"]).unwrap_or_default();
    let plain = if reference.starts_with("urn:cdx:") { reference.split_once('#').map_or("", |(_, rest)| rest) } else { &reference };
    let decoded = plain.replace("%3A", ":").replace("%2F", "/").replace("%40", "@");
    let name = names.get(plain).or_else(|| names.get(&decoded)).cloned();
    let name = name.unwrap_or_else(|| if plain.starts_with("pkg:") { plain.to_owned() } else { decoded });
    let versions = list(&affect["versions"]).iter();
    // A range says what its purl does not; its text never equals a version, so that the miss shows it.
    let versions = versions.filter_map(|one| text(&one["version"]).or_else(|| text(&one["range"]))).collect();
    Product { name, parts: Vec::new(), versions }
}

/// CycloneDX's justifications in the five standard words.
fn justification(word: &str) -> Option<&'static str> {
    Some(match word {
        "code_not_present" => "vulnerable_code_not_present",
        "code_not_reachable" => "vulnerable_code_not_in_execute_path",
        "requires_configuration" | "requires_dependency" | "requires_environment" => "vulnerable_code_cannot_be_controlled_by_adversary",
        word if word.starts_with("protected_") => "inline_mitigations_already_exist",
        _ => return None,
    })
}
