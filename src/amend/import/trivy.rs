//! Trivy: `.trivyignore` (an id a line, `exp:DATE`, comments) and `.trivyignore.yaml` (Trivy's documentation, "Filtering").

use super::yaml::{self, list, text};
use super::{Imported, day};
use crate::amend::edit::Lines;

/// Whether an id is of a vulnerability: the others are of misconfigurations, secrets and licences.
fn is_vulnerability(id: &str) -> bool {
    ["CVE-", "GHSA-", "RUSTSEC-", "PYSEC-", "GO-", "DSA-", "DLA-", "RHSA-", "ALSA-", "MAL-", "TEMP-", "NSWG-"]
        .iter()
        .any(|front| id.to_ascii_uppercase().starts_with(front))
}

/// The plain form. A comment right above an id is its reason.
pub fn read_lines(file: &str) -> Imported {
    let mut imported = Imported::default();
    let mut comment: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(file.lines()) {
        let line = line.trim();
        if line.is_empty() {
            comment.clear();
        } else if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
        } else {
            let (body, trailing) = line.split_once('#').map_or((line, None), |(body, words)| (body, Some(words.trim())));
            let mut words = body.split_whitespace();
            let id = words.next().unwrap_or_default();
            let (mut until, mut odd) = (None, None);
            for word in words {
                match word.strip_prefix("exp:").and_then(day) {
                    Some(day) => until = Some(day),
                    None => odd = Some(word),
                }
            }
            let reason = trailing.map_or_else(|| comment.join(" "), str::to_owned);
            match odd {
                Some(word) => imported.leave(format!("line {number}: {id}: `{word}` is not understood")),
                None if is_vulnerability(id) => {
                    imported.suppress(Some(id), None, Some(&reason), Lines::default().text("until", until.as_deref()))
                }
                None => imported.leave(format!("line {number}: {id} is no vulnerability")),
            }
            comment.clear();
        }
    }
    imported
}

/// The YAML form.
///
/// # Errors
/// When it is no YAML.
pub fn read_yaml(file: &str) -> Result<Imported, String> {
    let document = yaml::read(file)?;
    let mut imported = Imported::default();
    for (index, entry) in list(&document["vulnerabilities"]).iter().enumerate() {
        let Some(id) = text(&entry["id"]) else {
            imported.leave(format!("vulnerabilities[{index}]: it has no id"));
            continue;
        };
        let until = text(&entry["expired_at"]).and_then(|date| day(&date));
        if !entry["expired_at"].is_null() && until.is_none() {
            imported.leave(format!("vulnerabilities[{index}]: {id}: its date is not understood"));
            continue;
        }
        let some = |key: &str| {
            let texts: Vec<Option<String>> = list(&entry[key]).iter().filter_map(text).map(Some).collect();
            if texts.is_empty() { vec![None] } else { texts }
        };
        for purl in some("purls") {
            for path in some("paths") {
                let rest = Lines::default().text("path", path.as_deref()).text("until", until.as_deref());
                imported.suppress(Some(&id), purl.as_deref(), text(&entry["statement"]).as_deref(), rest);
            }
        }
    }
    for kind in ["misconfigurations", "secrets", "licenses"] {
        for entry in list(&document[kind]) {
            imported.leave(format!("{kind}: {}: scacheck has no such findings", text(&entry["id"]).unwrap_or_default()));
        }
    }
    Ok(imported)
}
