//! What the whitelist objects to, for a terminal: each package with its line in the lockfile and the policy's line, then the lines to paste.

use super::tame;
use super::text::{heading, line, wrap};
use crate::model::report::WhitelistEntry;
use crate::model::verdict::{Decision, RuleRef};
use std::collections::BTreeSet;

/// Lines to paste are printed for so many packages; `whitelist diff` prints all.
const PASTED: usize = 20;

/// Adds the objections, denials first.
pub fn render(out: &mut String, entries: &[WhitelistEntry]) {
    for (decision, title) in [(Decision::Deny, "Denied packages"), (Decision::Warn, "Packages to look at")] {
        let these: Vec<&WhitelistEntry> = entries.iter().filter(|entry| entry.decision == decision).collect();
        if these.is_empty() {
            continue;
        }
        heading(out, title, these.len());
        for entry in these {
            line(out, &format!("  {}  {}", entry.purl, entry.location));
            wrap(out, &entry.reason, 6);
            if let Some(rule) = &entry.rule {
                let at = rule.location.as_ref().map(|location| format!("  ({location})")).unwrap_or_default();
                wrap(out, &format!("rule {}{at}", rule.text), 6);
            }
        }
    }
    let pastes: BTreeSet<&String> = entries.iter().filter_map(|entry| entry.paste.as_ref()).collect();
    if !pastes.is_empty() {
        out.push_str("\nTo allow them, once they have been verified, add to scacheck.toml:\n");
        for paste in pastes.iter().take(PASTED) {
            out.push('\n');
            paste.lines().for_each(|text| line(out, text));
        }
        if pastes.len() > PASTED {
            wrap(out, &format!("… and {} more: `scacheck whitelist diff` prints all", pastes.len() - PASTED), 0);
        }
    }
}

/// One line about a rule that matched nothing.
#[must_use]
pub fn unused(rule: &RuleRef) -> String {
    let place = rule.location.as_ref().map(ToString::to_string).unwrap_or_default();
    tame(&format!("unused rule: {place}: {} {}", rule.kind, rule.text))
}
