//! Values in, verdicts out: what the policy says about each package and each finding, place by place.
//!
//! Pure: the policy's text and today's date are handed in. Which rules were used is returned, never marked.

pub mod gate;
mod own;
pub mod pattern;
pub mod policy;

use crate::model::finding::Finding;
use crate::model::package::{Location, Package};
use crate::model::report::WhitelistEntry;
use crate::model::verdict::{Decision, PlaceDecision, RuleRef, Verdict};
use policy::{Mode, Policy, Rule};
use std::collections::BTreeSet;

/// What the policy says about one subject.
#[derive(Debug, Default)]
pub struct Judged {
    /// For each package, in its order.
    pub packages: Vec<Verdict>,
    /// For each finding, in its order: what is decided at each place of its package.
    pub findings: Vec<Vec<PlaceDecision>>,
    /// Whitelist violations.
    pub whitelist: Vec<WhitelistEntry>,
    /// Indices of the rules that matched something.
    pub used: BTreeSet<usize>,
}

/// Judges the packages and findings of one subject. `today` is an ISO date.
#[must_use]
pub fn decide(packages: &[Package], findings: &[Finding], policy: &Policy, today: &str) -> Judged {
    let mut judged = Judged::default();
    for package in packages {
        let (verdict, reason) = whitelist(package, policy, today, &mut judged.used);
        if verdict.decision == Decision::Deny {
            judged.whitelist.extend(package.places.iter().map(|place| WhitelistEntry {
                purl: package.purl.text().to_owned(),
                location: place.location.clone(),
                decision: Decision::Deny,
                rule: verdict.rule.clone(),
                reason: reason.clone(),
            }));
        }
        judged.packages.push(verdict);
    }
    for finding in findings {
        let package = &packages[finding.found.package];
        let gate = gate::judge(finding, policy);
        let suppressed = suppression(finding, package, policy, today, &mut judged.used);
        judged.findings.push(package.places.iter().map(|place| place_decision(&place.location, &gate, suppressed)).collect());
    }
    judged
}

fn place_decision(location: &Location, gate: &Verdict, suppressed: Option<&Rule>) -> PlaceDecision {
    match suppressed {
        Some(rule) => PlaceDecision {
            location: location.clone(),
            decision: Decision::Suppressed,
            rule: Some(rule.reference()),
            vex: rule.justification.clone(),
        },
        None => PlaceDecision { location: location.clone(), decision: gate.decision, rule: gate.rule.clone(), vex: None },
    }
}

/// A deny rule wins over any allow rule; with `allow-only`, what no rule allows is denied.
fn whitelist(package: &Package, policy: &Policy, today: &str, used: &mut BTreeSet<usize>) -> (Verdict, String) {
    let allow = Verdict { decision: Decision::Allow, rule: None };
    if policy.mode == Mode::Off {
        return (allow, String::new());
    }
    let fits = |rule: &&Rule| rule.pattern.as_ref().is_some_and(|pattern| pattern.fits(&package.purl, &package.version));
    let may_fit = |rule: &&Rule| rule.pattern.as_ref().is_some_and(|pattern| pattern.may_fit(&package.purl, &package.version));
    let denying: Vec<&Rule> = policy.rules_of("deny").filter(may_fit).collect();
    used.extend(denying.iter().map(|rule| rule.index));
    if let Some(rule) = denying.first() {
        let instead = rule.use_instead.as_ref().map(|other| format!("; use {other} instead")).unwrap_or_default();
        let reason = format!("denied by {}: {}{instead}", rule.text, rule.reason.as_deref().unwrap_or("no reason given"));
        return (Verdict { decision: Decision::Deny, rule: Some(rule.reference()) }, reason);
    }
    let allowing: Vec<&Rule> = policy.rules_of("allow").filter(fits).collect();
    used.extend(allowing.iter().map(|rule| rule.index));
    match allowing.iter().find(|rule| rule.in_force(today)) {
        Some(rule) => (Verdict { decision: Decision::Allow, rule: Some(rule.reference()) }, String::new()),
        None if policy.mode == Mode::DenyListed => (allow, String::new()),
        None => {
            let expired =
                allowing.first().and_then(|rule| rule.until.as_deref()).map(|until| format!(" (a rule for it expired on {until})"));
            let reason = format!(
                "no allow rule names it{}; to allow it: [[allow]] purl = \"{}\" reason = \"…\"",
                expired.unwrap_or_default(),
                package.purl
            );
            let rule = RuleRef { kind: "whitelist".to_owned(), text: "mode = \"allow-only\"".to_owned(), location: None, reason: None };
            (Verdict { decision: Decision::Deny, rule: Some(rule) }, reason)
        }
    }
}

fn suppression<'a>(finding: &Finding, package: &Package, policy: &'a Policy, today: &str, used: &mut BTreeSet<usize>) -> Option<&'a Rule> {
    let named = |rule: &&Rule| {
        let ids = std::iter::once(&finding.found.id).chain(&finding.found.aliases);
        let id = rule.id.as_ref().is_none_or(|wanted| ids.into_iter().any(|id| id.eq_ignore_ascii_case(wanted)));
        id && rule.pattern.as_ref().is_none_or(|pattern| pattern.fits(&package.purl, &package.version))
    };
    let fitting: Vec<&Rule> = policy.rules_of("suppress").filter(named).collect();
    used.extend(fitting.iter().map(|rule| rule.index));
    fitting.into_iter().find(|rule| rule.in_force(today))
}
