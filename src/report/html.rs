//! The HTML report: one self-contained file without scripts from elsewhere; everything is visible without
//! any script at all.

use crate::model::report::Report;
use minijinja::{AutoEscape, Environment, context};

/// Renders the report.
///
/// # Errors
/// When the embedded template does not render, which a test rules out.
pub fn render(report: &Report) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("tame", |text: String| super::tame(&text));
    environment.add_filter("tame_lines", |text: String| text.lines().map(super::tame).collect::<Vec<_>>().join("\n"));
    environment.add_template("report", include_str!("report.html")).map_err(|error| error.to_string())?;
    let template = environment.get_template("report").map_err(|error| error.to_string())?;
    template
        .render(context! { r => minijinja::Value::from(minijinja::value::Serde(report)), said => report.verdict() })
        .map_err(|error| error.to_string())
}
