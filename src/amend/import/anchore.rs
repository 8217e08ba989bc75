//! Anchore policy bundles 1.0: whitelists of vulnerabilities, and rules that deny packages (Anchore's documentation, "Policy Bundles").

use super::{Imported, anywhere, day};
use crate::amend::edit::Lines;
use serde_json::Value;

/// Reads the bundle.
///
/// # Errors
/// When it is no JSON.
pub fn read(file: &str) -> Result<Imported, String> {
    let bundle: Value = serde_json::from_str(file).map_err(|error| error.to_string())?;
    let mut imported = Imported::default();
    for list in items(&bundle["whitelists"]).iter().chain(items(&bundle["allowlists"])) {
        let name = list["name"].as_str().or(list["id"].as_str()).unwrap_or("a whitelist");
        for item in items(&list["items"]) {
            whitelisted(name, item, &mut imported);
        }
    }
    for policy in items(&bundle["policies"]) {
        let name = policy["name"].as_str().unwrap_or("a policy");
        for rule in items(&policy["rules"]) {
            judged(name, rule, &mut imported);
        }
    }
    for key in ["whitelisted_images", "blacklisted_images", "allowlisted_images", "denylisted_images", "mappings"] {
        if !items(&bundle[key]).is_empty() {
            imported.leave(format!("{key}: which images a policy is for is said by where its scacheck.toml lies"));
        }
    }
    Ok(imported)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `trigger_id` is a vulnerability and a package, `CVE-2018-0737+openssl`; `*` is any.
fn whitelisted(name: &str, item: &Value, imported: &mut Imported) {
    let trigger = item["trigger_id"].as_str().unwrap_or_default();
    if item["gate"] != "vulnerabilities" {
        return imported.leave(format!("{name}: {trigger}: the gate {} has no counterpart", item["gate"]));
    }
    let until = item["expires_on"].as_str().filter(|date| !date.is_empty());
    let until = match until.map(|date| (date, day(date))) {
        Some((date, None)) => return imported.leave(format!("{name}: {trigger}: expires_on {date} is not understood")),
        Some((_, day)) => day,
        None => None,
    };
    let (id, package) = trigger.split_once('+').unwrap_or((trigger, "*"));
    if id.contains('*') && package == "*" || id.is_empty() {
        return imported.leave(format!("{name}: {trigger}: it would set aside everything"));
    }
    let purl = (package != "*").then(|| anywhere(package));
    let id = (id != "*").then_some(id);
    if id.is_some_and(|id| id.contains('*')) {
        return imported.leave(format!("{name}: {trigger}: ids with * cannot be said in a rule"));
    }
    let reason = item["description"].as_str().map_or_else(|| format!("on the whitelist {name}"), str::to_owned);
    imported.suppress(id, purl.as_deref(), Some(&reason), Lines::default().text("until", until.as_deref()));
}

/// The gate `packages` with its list of denied ones.
fn judged(policy: &str, rule: &Value, imported: &mut Imported) {
    let (gate, trigger) = (rule["gate"].as_str().unwrap_or_default(), rule["trigger"].as_str().unwrap_or_default());
    let shown = format!("{policy}: {gate}/{trigger}");
    let value =
        |wanted: &str| items(&rule["params"]).iter().find(|param| param["name"] == wanted).and_then(|param| param["value"].as_str());
    let decision = match rule["action"].as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("stop") => "deny",
        Some("warn") => "warn",
        _ => return imported.leave(format!("{shown}: its action {} lets it through", rule["action"])),
    };
    if gate != "packages" || !matches!(trigger, "blacklist" | "denylist") {
        return imported.leave(format!("{shown}: it has no counterpart among rules; see [gate] and [hardening]"));
    }
    let Some(name) = value("name") else { return imported.leave(format!("{shown}: it names no package")) };
    let versions: Vec<&str> =
        value("version").into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|version| !version.is_empty()).collect();
    if value("version_comparison").is_some_and(|sign| sign != "=") {
        return imported.leave(format!("{shown}: {name}: a comparison of versions without their ecosystem cannot be said in a rule"));
    }
    let at = if versions.is_empty() { vec![String::new()] } else { versions.iter().map(|version| format!("@{version}")).collect() };
    for version in at {
        let lines = Lines::default()
            .text("purl", Some(&format!("{}{version}", anywhere(name))))
            .text("reason", Some(&format!("denied by the policy {policy}")))
            .text("decision", (decision == "warn").then_some("warn"));
        imported.rules.push(("deny", lines));
    }
}
