//! The gate: what a finding costs at a place when no rule speaks of it.
//!
//! Certain findings are judged by class, severity, KEV, CVSS and EPSS. A doubtful one costs what the policy
//! says its doubt costs, but never more than it would cost if it were certain.

use super::gate_section::{Gate, GraceSince};
use crate::model::advisory::Severity;
use crate::model::finding::{Class, Finding};
use crate::model::truth::Truth;
use crate::model::verdict::{Decision, RuleRef, Verdict};
use jiff::civil::Date;

/// Judges one finding. `today` is an ISO date.
#[must_use]
pub fn judge(finding: &Finding, gate: &Gate, today: &str) -> Verdict {
    let certain = judge_certain(finding, gate, today);
    let Truth::Unknown(doubt) = finding.found.truth else { return certain };
    let cost = gate.cost_of(doubt);
    if cost < certain.decision { said(cost, "doubt", format!("{doubt}: {}", cost.name())) } else { certain }
}

fn judge_certain(finding: &Finding, gate: &Gate, today: &str) -> Verdict {
    match finding.found.class {
        Class::Malicious => return said(Decision::Deny, "gate", "a malicious package".to_owned()),
        Class::Notice => return said(gate.notice, "gate", "a notice".to_owned()),
        Class::Vulnerability => {}
    }
    if gate.only_fixed && finding.found.fixed_in.is_empty() {
        return said(Decision::Warn, "gate", "only-fixed: no version fixes it yet".to_owned());
    }
    if gate.kev && finding.assessment.kev {
        return said(Decision::Deny, "gate", "known to be exploited (KEV)".to_owned());
    }
    let denied = denial(finding, gate);
    if let Some(text) = denied {
        return match grace(finding, gate, today) {
            Some(until) => said(Decision::Warn, "gate", format!("{text}; in grace {until}")),
            None => said(Decision::Deny, "gate", text),
        };
    }
    let severity = finding.assessment.severity();
    if let Some(cost) = gate.unscored.filter(|_| severity == Severity::Unscored) {
        return said(cost, "gate", "unscored".to_owned());
    }
    let warned = gate.warn_from.is_some_and(|least| severity >= least);
    said(if warned { Decision::Warn } else { Decision::Allow }, "gate", format!("severity {severity}, below the gate"))
}

/// Why a finding is denied by its numbers.
fn denial(finding: &Finding, gate: &Gate) -> Option<String> {
    let facts = &finding.assessment;
    let severity = facts.severity();
    if severity == Severity::Unscored {
        let denied = gate.unscored.map_or(gate.severity.is_some(), |cost| cost == Decision::Deny);
        return denied.then(|| "unscored".to_owned()).or_else(|| epss(facts.epss, gate));
    }
    if let Some(threshold) = gate.severity.filter(|threshold| severity >= *threshold) {
        return Some(format!("severity {severity}, the gate is at {threshold}"));
    }
    let cvss = facts.score().zip(gate.cvss).filter(|(score, least)| score >= least);
    cvss.map(|(score, least)| format!("CVSS {score:.1}, the gate is at {least:.1}")).or_else(|| epss(facts.epss, gate))
}

fn epss(score: Option<f64>, gate: &Gate) -> Option<String> {
    let (score, least) = score.zip(gate.epss).filter(|(score, least)| score >= least)?;
    Some(format!("EPSS {score:.3}, the gate is at {least:.3}"))
}

/// Until when a denial is a warning still. Without a date to count from there is no grace, except that what no version fixes yet has not
/// begun to count where grace is since the fix.
fn grace(finding: &Finding, gate: &Gate, today: &str) -> Option<String> {
    if gate.grace_days == 0 {
        return None;
    }
    let since = match gate.grace_since {
        GraceSince::Published => finding.assessment.published.as_deref()?,
        GraceSince::Fixed if finding.found.fixed_in.is_empty() => return Some("until a version fixes it".to_owned()),
        GraceSince::Fixed => finding.assessment.fix_published.as_deref()?,
    };
    let day = |text: &str| text.get(..10)?.parse::<Date>().ok();
    let last = day(since)?.checked_add(jiff::Span::new().try_days(i64::from(gate.grace_days)).ok()?).ok()?;
    (day(today)? <= last).then(|| format!("until {last}"))
}

fn said(decision: Decision, kind: &str, text: String) -> Verdict {
    Verdict { decision, rule: Some(RuleRef::said(kind, text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Assessment, Basis, Match};

    fn finding(severity: Severity, published: Option<&str>, fix_published: Option<&str>, fixed: bool) -> Finding {
        Finding {
            found: Match {
                package: 0,
                id: "CVE-2020-0001".to_owned(),
                cve: None,
                aliases: Vec::new(),
                class: Class::Vulnerability,
                truth: Truth::Yes,
                cpe: None,
                basis: Basis::Advisory,
                fixed_in: if fixed { vec!["2".to_owned()] } else { Vec::new() },
                fix_state: None,
                because: Vec::new(),
            },
            assessment: Assessment {
                severity_word: Some(severity),
                published: published.map(str::to_owned),
                fix_published: fix_published.map(str::to_owned),
                ..Assessment::default()
            },
            suggested: None,
        }
    }

    #[test]
    fn days_of_grace_count_from_publication_or_fix() {
        let since = |grace_since| Gate { grace_days: 10, grace_since, ..Gate::default() };
        let (published, fixed) = (since(GraceSince::Published), since(GraceSince::Fixed));
        let high = |published, fix, is_fixed| finding(Severity::High, published, fix, is_fixed);
        for (finding, gate, today, expected) in [
            (high(Some("2026-01-01T10:00:00"), None, true), &published, "2026-01-11", Decision::Warn),
            (high(Some("2026-01-01T10:00:00"), None, true), &published, "2026-01-12", Decision::Deny),
            (high(None, None, true), &published, "2026-01-01", Decision::Deny),
            (high(Some("odd"), None, true), &published, "2026-01-01", Decision::Deny),
            (high(Some("2020-01-01"), None, false), &fixed, "2026-01-01", Decision::Warn),
            (high(Some("2020-01-01"), Some("2026-01-01T00:00:00Z"), true), &fixed, "2026-01-05", Decision::Warn),
            (high(Some("2020-01-01"), Some("2025-01-01T00:00:00Z"), true), &fixed, "2026-01-05", Decision::Deny),
            (high(Some("2020-01-01"), None, true), &fixed, "2026-01-05", Decision::Deny),
        ] {
            assert_eq!(judge(&finding, gate, today).decision, expected, "{:?} {today}", finding.assessment);
        }
        let mut exploited = high(Some("2026-01-01"), None, true);
        exploited.assessment.kev = true;
        assert_eq!(judge(&exploited, &published, "2026-01-02").decision, Decision::Deny);
    }

    #[test]
    fn below_the_gate_is_warned_of_or_listed() {
        let quiet = Gate { warn_from: Some(Severity::Medium), unscored: Some(Decision::Allow), ..Gate::default() };
        for (severity, expected) in [
            (Severity::Low, Decision::Allow),
            (Severity::Medium, Decision::Warn),
            (Severity::High, Decision::Deny),
            (Severity::Unscored, Decision::Allow),
        ] {
            assert_eq!(judge(&finding(severity, None, None, true), &quiet, "2026-01-01").decision, expected, "{severity}");
        }
        let open = Gate { severity: None, ..Gate::default() };
        assert_eq!(judge(&finding(Severity::Unscored, None, None, true), &open, "2026-01-01").decision, Decision::Warn);
    }
}
