//! Grype: the `ignore` rules of `.grype.yaml` (Grype's documentation, "Specifying matches to ignore").

use super::yaml::{self, list, text};
use super::{Imported, anywhere};
use crate::amend::edit::Lines;
use serde_json::Value;

/// Reads the rules; everything else in the file configures Grype.
///
/// # Errors
/// When it is no YAML.
pub fn read(file: &str) -> Result<Imported, String> {
    let document = yaml::read(file)?;
    let mut imported = Imported::default();
    for (index, entry) in list(&document["ignore"]).iter().enumerate() {
        if let Err(reason) = rule(entry, &mut imported) {
            imported.leave(format!("ignore[{index}]: {reason}"));
        }
    }
    Ok(imported)
}

/// Package types, as purls have them. Namespaces are not part of Grype's names, except where the name has them.
fn purl_type(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "npm" => "npm/",
        "python" => "pypi/",
        "rust-crate" => "cargo/",
        "gem" => "gem/",
        "go-module" => "golang/",
        "deb" => "deb/*/",
        "rpm" => "rpm/*/",
        "apk" => "apk/*/",
        "binary" => "generic/",
        _ => return None,
    })
}

fn rule(entry: &Value, imported: &mut Imported) -> Result<(), String> {
    let object = entry.as_object().ok_or("it is no rule")?;
    let odd = object.keys().find(|key| !["vulnerability", "include-aliases", "reason", "fix-state", "package"].contains(&key.as_str()));
    if let Some(key) = odd {
        return Err(format!("`{key}` cannot be said in a rule"));
    }
    let package = &entry["package"];
    let odd = package
        .as_object()
        .into_iter()
        .flatten()
        .find(|(key, _)| !["name", "version", "type", "location", "language"].contains(&key.as_str()));
    if let Some((key, _)) = odd {
        return Err(format!("`package.{key}` cannot be said in a rule"));
    }
    let until_fixed = match text(&entry["fix-state"]).as_deref() {
        None => false,
        Some("not-fixed" | "unknown") => true,
        Some(other) => return Err(format!("`fix-state: {other}` cannot be said in a rule")),
    };
    let version = text(&package["version"]).map(|version| format!("@{version}")).unwrap_or_default();
    let purl = match (text(&package["name"]), text(&package["type"])) {
        (None, None) if version.is_empty() => None,
        (name, Some(kind)) => {
            let front = purl_type(&kind).ok_or_else(|| format!("packages of type {kind} have no purl that is known"))?;
            Some(format!("pkg:{front}{}{version}", name.unwrap_or_else(|| "**".to_owned())))
        }
        (Some(name), None) => Some(format!("{}{version}", anywhere(&name))),
        (None, None) => return Err("it names a version and no package".to_owned()),
    };
    let id = text(&entry["vulnerability"]);
    let rest = Lines::default().text("path", text(&package["location"]).as_deref()).truth("until-fixed", until_fixed);
    if id.is_none() && purl.is_none() {
        return Err("it names neither a vulnerability nor a package: that would set aside everything".to_owned());
    }
    imported.suppress(id.as_deref(), purl.as_deref(), text(&entry["reason"]).as_deref(), rest);
    Ok(())
}
