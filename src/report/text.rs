//! The report for a terminal: 80 columns, worst first, the fix and one line what to do.

use super::{tame, whitelist};
use crate::model::finding::FixState;
use crate::model::package::Location;
use crate::model::report::{FindingEntry, Report};
use crate::model::verdict::Decision;
use std::fmt::Write;

const WIDTH: usize = 80;
/// Findings that do not fail the gate are listed up to here; the other formats have all.
const QUIET: usize = 20;

/// Renders the report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    let denied: Vec<&FindingEntry> = report.findings.iter().filter(|finding| finding.decision == Decision::Deny).collect();
    let warned: Vec<&FindingEntry> = report.findings.iter().filter(|finding| finding.decision == Decision::Warn).collect();
    whitelist::render(&mut out, &report.whitelist);
    if !denied.is_empty() {
        heading(&mut out, "Denied findings", denied.len());
        denied.iter().for_each(|finding| full(&mut out, finding));
    }
    if !warned.is_empty() {
        heading(&mut out, "Warnings", warned.len());
        warned.iter().take(QUIET).for_each(|finding| brief(&mut out, finding));
        if warned.len() > QUIET {
            line(&mut out, &format!("  … and {} more; `-f html=report.html` shows all", warned.len() - QUIET));
        }
    }
    if !report.gaps.is_empty() {
        heading(&mut out, "Not looked at", report.gaps.len());
        for gap in &report.gaps {
            line(&mut out, &format!("  {}", gap.location));
            wrap(&mut out, &gap.reason, 6);
        }
    }
    let unread: Vec<_> = report.unread().collect();
    if !unread.is_empty() {
        heading(&mut out, "Known, but not looked at", unread.len());
        for entry in unread.iter().take(QUIET) {
            wrap(&mut out, &format!("{} ({}): {}", entry.path, entry.reader, entry.reason.as_deref().unwrap_or_default()), 2);
        }
        if unread.len() > QUIET {
            line(&mut out, &format!("  … and {} more; `-f html=report.html` shows all", unread.len() - QUIET));
        }
    }
    hardening(&mut out, report);
    vex(&mut out, report);
    report.unused_rules.iter().for_each(|rule| wrap(&mut out, &whitelist::unused(rule), 0));
    report.warnings.iter().for_each(|warning| wrap(&mut out, &format!("note: {warning}"), 0));
    closing(&mut out, report);
    out
}

fn hardening(out: &mut String, report: &Report) {
    let breaches: Vec<_> = report.hardening.iter().filter(|entry| matches!(entry.decision, Decision::Deny | Decision::Warn)).collect();
    if breaches.is_empty() {
        return;
    }
    heading(out, "Hardening", breaches.len());
    for entry in breaches {
        line(out, &format!("  {:<5} {}  {}", entry.decision.name(), entry.id, entry.location));
        wrap(out, &entry.evidence, 6);
    }
}

fn vex(out: &mut String, report: &Report) {
    for entry in report.vex.iter().filter(|entry| entry.nearest.is_some()) {
        let what = if entry.matched { "VEX" } else { "VEX not applied" };
        wrap(out, &format!("{what}: {}: {}", entry.statement, entry.nearest.as_deref().unwrap_or_default()), 0);
    }
}

fn full(out: &mut String, finding: &FindingEntry) {
    let score = finding.cvss.first().map(|cvss| format!(" {:.1}", cvss.score)).unwrap_or_default();
    let exploited = if finding.kev { "  EXPLOITED" } else { "" };
    line(
        out,
        &format!(
            "  {}{score}{exploited}  {}  {} {}",
            finding.severity.to_uppercase(),
            finding.id,
            finding.package.name,
            finding.package.version
        ),
    );
    if let Some(doubt) = finding.doubt {
        line(out, &format!("      in doubt: {doubt}"));
    }
    wrap(out, &first_words(&finding.summary), 6);
    let places: Vec<String> = finding.places.iter().take(3).map(|place| shown(&place.location)).collect();
    let more = if finding.places.len() > 3 { format!(" and {} more", finding.places.len() - 3) } else { String::new() };
    wrap(out, &format!("at   {}{more}", places.join(", ")), 6);
    if finding.package.path.len() > 2 {
        let names: Vec<&str> = finding.package.path.iter().map(AsRef::as_ref).collect();
        wrap(out, &format!("via  {}", names.join(" › ")), 6);
    }
    if let Some(rule) = finding.places.first().and_then(|place| place.rule.as_ref()) {
        wrap(out, &format!("why  {}", rule.text), 6);
    }
    let todo = match (&finding.fix.command, &finding.fix.suggested) {
        (Some(command), Some(version)) => format!("fix  {version}: {command}"),
        (None, Some(version)) => format!("fix  upgrade to {version}"),
        _ if !finding.fix.versions.is_empty() => format!("fix  fixed in {}", finding.fix.versions.join(", ")),
        _ if finding.fix.state == Some(FixState::Ignored) => {
            "fix  its distribution has said that it will not be fixed here soon: move to a newer release, or suppress it with a reason"
                .to_owned()
        }
        _ => "fix  no version fixes it yet: replace it, or suppress it with a reason".to_owned(),
    };
    wrap(out, &todo, 6);
}

/// A place, and whether the base image brought it.
fn shown(place: &Location) -> String {
    let base = if place.base { " (base image)" } else { "" };
    format!("{place}{base}")
}

fn brief(out: &mut String, finding: &FindingEntry) {
    let why = finding.doubt.map(|doubt| format!("  ({doubt})")).unwrap_or_default();
    line(out, &format!("  {:<8} {:<16} {} {}{why}", finding.severity, finding.id, finding.package.name, finding.package.version));
}

fn closing(out: &mut String, report: &Report) {
    let s = &report.summary;
    let _ = writeln!(out);
    let counts = format!(
        "{} packages, {} findings: {} denied, {} warned, {} suppressed, {} in doubt; {} gaps",
        s.packages, s.findings, s.denied, s.warned, s.suppressed, s.doubtful, s.gaps
    );
    let breaches = report.hardening.iter().filter(|entry| matches!(entry.decision, Decision::Deny | Decision::Warn)).count();
    let counts = if breaches > 0 { format!("{counts}; {breaches} for hardening") } else { counts };
    wrap(out, &counts, 0);
    let mirror = if report.mirror.kind == "starter" {
        "starter feed".to_owned()
    } else {
        format!("mirror generation {} of {}", report.mirror.generation, report.mirror.built_at)
    };
    wrap(out, &format!("{mirror}; {} of its CVEs have no configuration", report.mirror.unconfigured), 0);
    wrap(out, &format!("exit {}: {}", report.exit_code, report.verdict()), 0);
}

pub(super) fn heading(out: &mut String, title: &str, count: usize) {
    let _ = writeln!(out, "{}{title} ({count})", if out.is_empty() { "" } else { "\n" });
}

pub(super) fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", tame(text));
}

fn first_words(text: &str) -> String {
    let short: String = text.chars().take(210).collect();
    if short.len() < text.len() { format!("{}…", short.trim_end()) } else { short }
}

/// Breaks at spaces; a word that is longer than a line stands alone.
pub(super) fn wrap(out: &mut String, text: &str, indent: usize) {
    let (pad, mut used) = (" ".repeat(indent), 0);
    for word in tame(text).split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > WIDTH {
            out.push('\n');
            used = 0;
        }
        if used == 0 {
            out.push_str(&pad);
            used = indent;
        } else {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    if used > 0 {
        out.push('\n');
    }
}
