//! The gate: what a finding costs when no rule speaks of it.
//!
//! Certain findings are judged by class, severity, KEV, CVSS and EPSS. A doubtful one costs what the policy
//! says its doubt costs, but never more than it would cost if it were certain.

use super::policy::Policy;
use crate::model::advisory::Severity;
use crate::model::finding::{Class, Finding};
use crate::model::truth::Truth;
use crate::model::verdict::{Decision, RuleRef, Verdict};

/// Judges one finding.
#[must_use]
pub fn judge(finding: &Finding, policy: &Policy) -> Verdict {
    let certain = judge_certain(finding, policy);
    let Truth::Unknown(doubt) = finding.found.truth else { return certain };
    let cost = policy.gate.cost_of(doubt);
    if cost < certain.decision { said(cost, "doubt", format!("{doubt}: {}", cost.name())) } else { certain }
}

fn judge_certain(finding: &Finding, policy: &Policy) -> Verdict {
    let gate = &policy.gate;
    let facts = &finding.assessment;
    match finding.found.class {
        Class::Malicious => return said(Decision::Deny, "gate", "a malicious package".to_owned()),
        Class::Notice => return said(Decision::Warn, "gate", "a notice".to_owned()),
        Class::Vulnerability => {}
    }
    if gate.only_fixed && finding.found.fixed_in.is_empty() {
        return said(Decision::Warn, "gate", "only-fixed: no version fixes it yet".to_owned());
    }
    if gate.kev && facts.kev {
        return said(Decision::Deny, "gate", "known to be exploited (KEV)".to_owned());
    }
    let severity = facts.severity();
    if let Some(threshold) = gate.severity
        && severity >= threshold
    {
        let text =
            if severity == Severity::Unscored { "unscored".to_owned() } else { format!("severity {severity}, the gate is at {threshold}") };
        return said(Decision::Deny, "gate", text);
    }
    match (facts.score(), gate.cvss) {
        (Some(score), Some(least)) if score >= least => {
            return said(Decision::Deny, "gate", format!("CVSS {score:.1}, the gate is at {least:.1}"));
        }
        _ => {}
    }
    match (facts.epss, gate.epss) {
        (Some(score), Some(least)) if score >= least => {
            return said(Decision::Deny, "gate", format!("EPSS {score:.3}, the gate is at {least:.3}"));
        }
        _ => {}
    }
    said(Decision::Warn, "gate", format!("severity {severity}, below the gate"))
}

fn said(decision: Decision, kind: &str, text: String) -> Verdict {
    Verdict { decision, rule: Some(RuleRef { kind: kind.to_owned(), text, location: None, reason: None }) }
}
