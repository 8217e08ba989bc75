//! OpenVEX 0.2.0 of what was set aside: one statement for each suppressed finding, with the reason that was given for it.

use crate::model::report::{FindingEntry, Report};
use crate::model::verdict::{Decision, PlaceDecision};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Renders the document. The same report gives the same bytes: its name is a digest of its statements.
///
/// # Errors
/// When it does not serialize, which a test rules out.
pub fn render(report: &Report) -> Result<String, String> {
    let timestamp = format!("{}T00:00:00Z", report.today);
    let statements: Vec<Value> = report.findings.iter().filter_map(|finding| statement(finding, &timestamp)).collect();
    let body = serde_json::to_string(&statements).map_err(|error| error.to_string())?;
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/public/vex-{digest}"),
        "author": "scacheck",
        "timestamp": timestamp,
        "version": 1,
        "tooling": format!("scacheck {}", report.tool.version),
        "statements": statements,
    });
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|error| error.to_string())
}

/// The statement of a finding that is set aside wherever its package is; where it is set aside in some places only, nothing can be said of
/// the product as a whole. With a justification it is not affected; without one it is, and the reason says what is done about it.
fn statement(finding: &FindingEntry, timestamp: &str) -> Option<Value> {
    if finding.places.is_empty() || !finding.places.iter().all(|place| place.decision == Decision::Suppressed) {
        return None;
    }
    let place: &PlaceDecision = finding.places.first()?;
    let reason = place.rule.as_ref().and_then(|rule| rule.reason.clone()).unwrap_or_default();
    let mut statement = json!({
        "vulnerability": {"name": finding.id, "aliases": finding.aliases},
        "products": [{"@id": finding.package.purl, "identifiers": {"purl": finding.package.purl}}],
        "timestamp": timestamp,
    });
    match place.vex.as_deref() {
        Some("fixed") => statement["status"] = json!("fixed"),
        Some("not_affected") => {
            statement["status"] = json!("not_affected");
            statement["impact_statement"] = json!(reason);
        }
        Some(justification) => {
            statement["status"] = json!("not_affected");
            statement["justification"] = json!(justification);
            statement["impact_statement"] = json!(reason);
        }
        None => {
            statement["status"] = json!("affected");
            statement["action_statement"] = json!(reason);
        }
    }
    Some(statement)
}
