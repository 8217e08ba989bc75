//! `osv-scanner.toml`: `[[IgnoredVulns]]` and `[[PackageOverrides]]` (osv-scanner's documentation, "Configuration").

use super::{Imported, anywhere, day};
use crate::amend::edit::Lines;
use toml::{Table, Value};

/// Reads the file.
///
/// # Errors
/// When it is no TOML.
pub fn read(file: &str) -> Result<Imported, String> {
    let document: Table = toml::from_str(file).map_err(|error: toml::de::Error| error.to_string())?;
    let mut imported = Imported::default();
    for (key, value) in &document {
        match key.as_str() {
            "IgnoredVulns" => tables(value).iter().for_each(|entry| vulnerability(entry, &mut imported)),
            "PackageOverrides" => tables(value).iter().for_each(|entry| package(entry, &mut imported)),
            other => imported.leave(format!("{other}: it has no counterpart")),
        }
    }
    Ok(imported)
}

fn tables(value: &Value) -> Vec<Table> {
    value.as_array().into_iter().flatten().filter_map(|entry| entry.as_table().cloned()).collect()
}

fn text(entry: &Table, key: &str) -> Option<String> {
    entry.get(key).and_then(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Datetime(date) => Some(date.to_string()),
        _ => None,
    })
}

fn until(entry: &Table, key: &str) -> Result<Option<String>, String> {
    match text(entry, key) {
        None => Ok(None),
        // The zero of the tool's dates means no end.
        Some(date) if date.starts_with("0001-") => Ok(None),
        Some(date) => day(&date).map(Some).ok_or_else(|| format!("{key} = {date} is not understood")),
    }
}

fn vulnerability(entry: &Table, imported: &mut Imported) {
    let id = text(entry, "id");
    match (&id, until(entry, "ignoreUntil")) {
        (None, _) => imported.leave("[[IgnoredVulns]]: it has no id"),
        (_, Err(reason)) => imported.leave(format!("[[IgnoredVulns]] {}: {reason}", id.unwrap_or_default())),
        (Some(id), Ok(until)) => {
            imported.suppress(Some(id), None, text(entry, "reason").as_deref(), Lines::default().text("until", until.as_deref()))
        }
    }
}

fn package(entry: &Table, imported: &mut Imported) {
    let name = text(entry, "name");
    let shown = format!("[[PackageOverrides]] {}", name.as_deref().unwrap_or("(every package)"));
    let ignores = |value: Option<&Value>| value.and_then(|value| value.get("ignore")).and_then(Value::as_bool).unwrap_or(false);
    let all = entry.get("ignore").and_then(Value::as_bool).unwrap_or(false) || ignores(entry.get("vulnerability"));
    if let Some(license) = entry.get("license") {
        imported.leave(format!("{shown}: license = {license}: licences are not judged"));
    }
    if let Some(group) = text(entry, "group") {
        return imported.leave(format!("{shown}: group = {group}: groups of dependencies have no counterpart"));
    }
    if !all {
        return;
    }
    let version = text(entry, "version").map(|version| format!("@{version}")).unwrap_or_default();
    let purl = match (name, text(entry, "ecosystem").as_deref()) {
        (None, None) => return imported.leave(format!("{shown}: it would set aside everything")),
        (Some(name), None) => anywhere(&name),
        (name, Some(ecosystem)) => {
            let kind = match ecosystem.split(':').next().unwrap_or(ecosystem) {
                "npm" => "npm/",
                "PyPI" => "pypi/",
                "crates.io" => "cargo/",
                "Go" => "golang/",
                "RubyGems" => "gem/",
                "Debian" => "deb/debian/",
                "Ubuntu" => "deb/ubuntu/",
                "Alpine" => "apk/alpine/",
                "AlmaLinux" => "rpm/almalinux/",
                "Rocky Linux" => "rpm/rocky/",
                other => return imported.leave(format!("{shown}: packages of {other} have no purl that is known")),
            };
            format!("pkg:{kind}{}", name.unwrap_or_else(|| "**".to_owned()))
        }
    };
    match until(entry, "effectiveUntil") {
        Ok(until) => imported.suppress(
            None,
            Some(&format!("{purl}{version}")),
            text(entry, "reason").as_deref(),
            Lines::default().text("until", until.as_deref()),
        ),
        Err(reason) => imported.leave(format!("{shown}: {reason}")),
    }
}
