//! The JSON report, `scacheck.report/1`.

use crate::model::report::Report;

/// Renders the report.
///
/// # Errors
/// When a number cannot be written as JSON, which the model rules out.
pub fn render(report: &Report) -> Result<String, String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(|error| error.to_string())
}
