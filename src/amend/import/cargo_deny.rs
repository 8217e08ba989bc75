//! cargo-deny's `deny.toml`: `[advisories] ignore` and `[bans]` (the cargo-deny book, "advisories" and "bans").

use super::Imported;
use crate::amend::edit::Lines;
use toml::{Table, Value};

/// Reads the file.
///
/// # Errors
/// When it is no TOML.
pub fn read(file: &str) -> Result<Imported, String> {
    let document: Table = toml::from_str(file).map_err(|error: toml::de::Error| error.to_string())?;
    let mut imported = Imported::default();
    for (section, value) in &document {
        match (section.as_str(), value.as_table()) {
            ("advisories", Some(table)) => advisories(table, &mut imported),
            ("bans", Some(table)) => bans(table, &mut imported),
            ("sources", _) => imported.leave("[sources]: say it in [sources] of scacheck.toml: registries and git"),
            ("licenses", _) => imported.leave("[licenses]: licences are not judged"),
            (other, _) => imported.leave(format!("[{other}]: it configures cargo-deny")),
        }
    }
    Ok(imported)
}

fn text(entry: &Value, key: &str) -> Option<String> {
    entry.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn advisories(table: &Table, imported: &mut Imported) {
    for (key, value) in table {
        if key != "ignore" {
            imported.leave(format!("[advisories] {key}: it has no counterpart"));
            continue;
        }
        for entry in value.as_array().into_iter().flatten() {
            let reason = text(entry, "reason");
            match (entry.as_str().map(str::to_owned).or_else(|| text(entry, "id")), spec(entry)) {
                // A crate instead of an id: its yanked versions are let through, which is no finding here.
                (Some(id), _) if !id.contains('@') && id.contains('-') => {
                    imported.suppress(Some(&id), None, reason.as_deref(), Lines::default())
                }
                (_, Some((name, ..))) => imported.leave(format!("[advisories] ignore {name}: yanked versions are no findings")),
                _ => imported.leave(format!("[advisories] ignore {entry}: it is not understood")),
            }
        }
    }
}

/// A crate's name and what is said of its version: `name`, `name@=1.2.3`, `name:1.2`, `{ crate = … }`, `{ name = …, version = … }`.
fn spec(entry: &Value) -> Option<(String, Option<String>)> {
    let whole = entry.as_str().map(str::to_owned).or_else(|| text(entry, "crate")).or_else(|| text(entry, "name"))?;
    let (name, version) = whole.split_once(['@', ':']).map_or((whole.as_str(), None), |(name, version)| (name, Some(version.to_owned())));
    Some((name.to_owned(), version.or_else(|| text(entry, "version"))))
}

/// The rule of a crate: an exact version where one is given, else a range in cargo's own syntax.
fn lines(name: &str, version: Option<&str>) -> Lines {
    let exact = version.and_then(|version| version.strip_prefix('=')).map(str::trim).filter(|version| version.split('.').count() >= 3);
    match (exact, version.filter(|version| *version != "*")) {
        (Some(exact), _) => Lines::default().text("purl", Some(&format!("pkg:cargo/{name}@{exact}"))),
        (None, range) => Lines::default().text("purl", Some(&format!("pkg:cargo/{name}"))).text("range", range),
    }
}

fn bans(table: &Table, imported: &mut Imported) {
    for (key, value) in table {
        for entry in value.as_array().into_iter().flatten() {
            let (Some((name, version)), "allow" | "deny") = (spec(entry), key.as_str()) else { continue };
            let reason = text(entry, "reason");
            if let Some(wrappers) = entry.get("wrappers") {
                imported.leave(format!(
                    "[bans] deny {name}: let through below {wrappers}, which cannot be said in a rule; without that it would deny more"
                ));
                continue;
            }
            let rule =
                lines(&name, version.as_deref()).text("reason", Some(reason.as_deref().unwrap_or("taken over; the file gave no reason")));
            match key.as_str() {
                "deny" => imported.rules.push(("deny", rule.text("use-instead", text(entry, "use-instead").as_deref()))),
                _ => imported.rules.push(("allow", rule)),
            }
        }
        match key.as_str() {
            "deny" => {}
            "allow" if value.as_array().is_some_and(|list| !list.is_empty()) => {
                imported.leave("[bans] allow: it denies every other crate; for that set mode = \"allow-only\" in [whitelist]");
            }
            "allow" => {}
            other => imported.leave(format!("[bans] {other}: it has no counterpart")),
        }
    }
}
