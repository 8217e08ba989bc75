//! OpenVEX 0.2.0 (and 0.0.x, where products and vulnerabilities are plain texts).

use super::{Product, Statement, Status, list, text};
use serde_json::Value;

/// The statements of a document.
///
/// # Errors
/// When a statement has no status that is known: to pass it over could hide what it says.
pub fn read(document: &Value) -> Result<Vec<Statement>, String> {
    list(&document["statements"]).iter().enumerate().map(|(index, value)| statement(document, index, value)).collect()
}

fn statement(document: &Value, index: usize, value: &Value) -> Result<Statement, String> {
    let place = format!("statements[{index}]");
    let status = match value["status"].as_str() {
        Some("not_affected") => Status::NotAffected,
        Some("fixed") => Status::Fixed,
        Some("affected") => Status::Affected,
        Some("under_investigation") => Status::UnderInvestigation,
        other => return Err(format!("{place}: `{}` is no status", other.unwrap_or_default())),
    };
    let vulnerability = &value["vulnerability"];
    let ids = [text(vulnerability), text(&vulnerability["name"])]
        .into_iter()
        .flatten()
        .chain(list(&vulnerability["aliases"]).iter().filter_map(text));
    let products = if value["products"].is_array() { &value["products"] } else { &document["products"] };
    Ok(Statement {
        ids: ids.collect(),
        products: list(products).iter().map(product).collect(),
        status,
        justification: text(&value["justification"]),
        reason: text(&value["impact_statement"]).or_else(|| text(&value["status_notes"])),
        timestamp: text(&value["timestamp"]).or_else(|| text(&document["timestamp"])).unwrap_or_default(),
        place,
    })
}

fn product(value: &Value) -> Product {
    Product { name: name(value), parts: list(&value["subcomponents"]).iter().map(name).collect(), versions: Vec::new() }
}

fn name(value: &Value) -> String {
    text(&value["identifiers"]["purl"]).or_else(|| text(&value["@id"])).or_else(|| text(value)).unwrap_or_default()
}
