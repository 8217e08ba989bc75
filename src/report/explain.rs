//! The reasoning behind a check, as a tree: what each package is held to be, its rivals, and each answer.

use super::tame;
use crate::model::finding::{Finding, Identity, Matches, Step};
use crate::model::package::Inventory;
use std::fmt::Write;

/// Renders the reasoning; with an id, only of that vulnerability.
#[must_use]
pub fn render(inventory: &Inventory, identities: &[Identity], findings: &[Finding], matches: &Matches, id: Option<&str>) -> String {
    let mut out = String::new();
    let wanted = |name: &str, aliases: &[String]| {
        id.is_none_or(|id| name.eq_ignore_ascii_case(id) || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id)))
    };
    for (index, (package, identity)) in inventory.packages.iter().zip(identities).enumerate() {
        let found: Vec<&Finding> =
            findings.iter().filter(|finding| finding.found.package == index && wanted(&finding.found.id, &finding.found.aliases)).collect();
        let turned: Vec<_> = matches.rejections.iter().filter(|one| one.package == index && wanted(&one.id, &[])).collect();
        let leads: Vec<_> = matches.leads.iter().filter(|one| one.package == index && wanted(&one.id, &[])).collect();
        if id.is_some() && found.is_empty() && turned.is_empty() && leads.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}", tame(package.purl.text()));
        for candidate in &identity.candidates {
            let doubt = candidate.doubt.map(|doubt| format!(", in doubt: {doubt}")).unwrap_or_default();
            let at = candidate.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            let evidence = tame(&candidate.evidence.join("; "));
            let _ = writeln!(out, "├─ is {}{} ({}{doubt}): {evidence}", candidate.product, tame(&at), candidate.basis.name());
        }
        for rival in &identity.rivals {
            let _ = writeln!(out, "├─ not taken: {}: {}", rival.product, tame(&rival.reason));
        }
        for finding in found {
            let _ = writeln!(out, "├─ {} {} ({})", finding.found.id, finding.found.truth.name(), finding.assessment.severity());
            steps(&mut out, &finding.found.because);
        }
        for one in turned {
            let _ = writeln!(out, "├─ {} turned down by {}", one.id, one.by);
            steps(&mut out, &one.because);
        }
        for one in leads {
            let _ = writeln!(out, "├─ {} is only a lead", one.id);
            steps(&mut out, &one.because);
        }
    }
    if out.is_empty() { "nothing here is touched by that\n".to_owned() } else { out }
}

fn steps(out: &mut String, steps: &[Step]) {
    for step in steps {
        let _ = writeln!(out, "│  {}{}: {}", "  ".repeat(usize::from(step.depth)), step.truth, tame(&step.text));
    }
}
