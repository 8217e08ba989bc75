//! A whitelist of what is there: a policy file that allows exactly that.

use super::edit::{self, Lines};
use crate::decide::propose::{Proposal, quoted, rule_for};
use crate::model::package::{Inventory, Origin};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What is said of all the rules.
#[derive(Debug, Clone, Default)]
pub struct Grounds<'a> {
    /// Why all this may be shipped.
    pub reason: Option<&'a str>,
    /// Who says so.
    pub approved_by: Option<&'a str>,
    /// ISO date.
    pub today: &'a str,
}

/// The text of the whitelist. A file that is there already keeps what it says; it may not have allow rules.
///
/// # Errors
/// When the file has allow rules, or is no TOML.
pub fn whitelist(inventory: &Inventory, existing: Option<&str>, grounds: &Grounds<'_>) -> Result<String, String> {
    let proposals: BTreeSet<Proposal> = inventory.packages.iter().map(rule_for).collect();
    let seen = format!("in {} on {}", inventory.subject.name, grounds.today);
    let reason = grounds.reason.map_or_else(|| format!("there when the whitelist was made, {seen}"), str::to_owned);
    let Some(existing) = existing else { return Ok(fresh(inventory, &proposals, &reason, grounds)) };
    if existing.lines().any(|line| line.trim_start().starts_with("[[allow]]")) {
        return Err("it has allow rules already: `whitelist diff` tells what is missing, `whitelist add` adds".to_owned());
    }
    let mut fields = vec![("mode", "allow-only"), ("reason", reason.as_str())];
    fields.extend(grounds.approved_by.map(|name| ("approved-by", name)));
    let text = edit::set_missing(existing, "whitelist", &fields)?;
    edit::add(&text, "allow", &proposals.iter().map(Lines::of).collect::<Vec<_>>())
}

fn fresh(inventory: &Inventory, proposals: &BTreeSet<Proposal>, reason: &str, grounds: &Grounds<'_>) -> String {
    let mut out = String::from(
        "# What may be shipped. `scacheck whitelist diff` tells what a change asks for.\n\n[whitelist]\nmode = \"allow-only\"\n",
    );
    let _ = writeln!(out, "reason = {}", quoted(reason));
    if let Some(name) = grounds.approved_by {
        let _ = writeln!(out, "approved-by = {}", quoted(name));
    }
    let registries: BTreeSet<&str> = inventory
        .packages
        .iter()
        .filter_map(|package| match &package.origin {
            Origin::Registry(address) => Some(address.as_str()),
            _ => None,
        })
        .collect();
    let listed: Vec<String> = std::iter::once("public").chain(registries).map(quoted).collect();
    let _ = writeln!(out, "\n[sources]\nregistries = [{}]\non-http = \"deny\"\non-weak-integrity = \"warn\"", listed.join(", "));
    for proposal in proposals {
        let _ = write!(out, "\n{}", proposal.to_toml(None));
    }
    out
}
