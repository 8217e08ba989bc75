//! Values in, verdicts out: what the policy says about each package and each finding, place by place.
//!
//! Pure: the policy's text and today's date are handed in. Which rules were used is returned, never marked. A floor is a policy that is
//! judged by itself; the worse of both judgements holds, so that nothing in a local file loosens it.

pub mod digest;
pub mod entry;
pub mod gate;
pub mod gate_section;
pub mod hardening;
pub mod load;
pub mod near;
mod own;
pub mod pattern;
pub mod policy;
pub mod propose;
pub mod rule;
pub mod rules;
pub mod source;
pub mod sources;
pub mod suppress;
pub mod vex;
pub mod whitelist;

use crate::model::finding::Finding;
use crate::model::hardening::Breach;
use crate::model::package::{Inventory, Scope};
use crate::model::report::WhitelistEntry;
use crate::model::verdict::{Decision, PlaceDecision, RuleRef, Verdict};
use policy::Policy;
use rule::{At, Body, Rule};
use rules::Use;
use std::collections::BTreeSet;
use vex::{Statements, VexUse};

/// What the policy says about one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// For each package, in its order.
    pub packages: Vec<Verdict>,
    /// For each finding, in its order: what is decided at each place of its package.
    pub findings: Vec<Vec<PlaceDecision>>,
    /// What the whitelist and the sources object to.
    pub whitelist: Vec<WhitelistEntry>,
    /// For each breach of a hardening rule, in its order.
    pub hardening: Vec<Verdict>,
    /// For each gap, in its order.
    pub gaps: Vec<Decision>,
    /// The rules and ids that matched something.
    pub used: BTreeSet<Use>,
    /// What became of each VEX statement.
    pub vex: VexUse,
    /// Suppressions that would have counted and have ended.
    pub ended: BTreeSet<String>,
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'a> {
    /// The packages and gaps.
    pub inventory: &'a Inventory,
    /// What applies to them.
    pub findings: &'a [Finding],
    /// Breaches of hardening rules.
    pub breaches: &'a [Breach],
    /// VEX statements that were handed in.
    pub statements: &'a Statements,
    /// ISO date.
    pub today: &'a str,
}

/// Judges one subject. With a floor, the worse of both judgements holds.
#[must_use]
pub fn decide(matter: Matter<'_>, policy: &Policy, floor: Option<&Policy>) -> Judged {
    let own = judge(matter, policy);
    match floor {
        Some(floor) => {
            // A comment in a Dockerfile is a local word too.
            let bare: Vec<Breach> = matter.breaches.iter().map(|breach| Breach { allowed: None, ..breach.clone() }).collect();
            own.not_below(judge(Matter { breaches: &bare, ..matter }, floor))
        }
        None => own,
    }
}

fn judge(matter: Matter<'_>, policy: &Policy) -> Judged {
    let mut judged = Judged::default();
    judge_packages(matter, policy, &mut judged);
    for finding in matter.findings {
        let package = &matter.inventory.packages[finding.found.package];
        let statement = matter.statements.about(finding, package, matter.inventory, &mut judged.vex);
        let mut places = Vec::with_capacity(package.places.len());
        for place in &package.places {
            let at = At { subject: &matter.inventory.subject, package, place };
            let rule = suppress::suppression(finding, at, policy, matter.today, &mut judged.used, &mut judged.ended);
            let gate = gate::judge(finding, policy.gates.at(&place.location, place.scope), matter.today);
            let aside = rule.map(set_aside).or_else(|| statement.clone());
            let (decision, rule, vex) = match aside {
                Some((rule, vex)) => (Decision::Suppressed, Some(rule), vex),
                None => (gate.decision, gate.rule, None),
            };
            places.push(PlaceDecision { location: place.location.clone(), decision, rule, vex });
        }
        judged.findings.push(places);
    }
    judged.hardening = matter.breaches.iter().map(|breach| judge_breach(breach, policy)).collect();
    let gap = |gap: &crate::model::package::Gap| policy.gates.at(&gap.location, Scope::Production).gap;
    judged.gaps = matter.inventory.gaps.iter().map(gap).collect();
    judged
}

fn judge_packages(matter: Matter<'_>, policy: &Policy, judged: &mut Judged) {
    for package in &matter.inventory.packages {
        let mut worst: Option<Verdict> = None;
        let mut is_pasted = false;
        for place in &package.places {
            let at = At { subject: &matter.inventory.subject, package, place };
            let said = whitelist::judge(at, policy, matter.today, &mut judged.used);
            for objection in said.against {
                // The lines are the same at every place: once is enough.
                let paste = said.paste.clone().filter(|_| objection.rule.kind != "sources" && !is_pasted);
                is_pasted |= paste.is_some();
                judged.whitelist.push(WhitelistEntry {
                    purl: package.purl.text().to_owned(),
                    location: place.location.clone(),
                    decision: objection.decision,
                    rule: Some(objection.rule),
                    reason: objection.reason,
                    paste,
                });
            }
            if worst.as_ref().is_none_or(|worst| said.verdict.decision > worst.decision) {
                worst = Some(said.verdict);
            }
        }
        judged.packages.push(worst.unwrap_or(Verdict { decision: Decision::Allow, rule: None }));
    }
}

/// What a suppress rule says: itself and its VEX justification.
fn set_aside(rule: &Rule) -> (RuleRef, Option<String>) {
    let vex = if let Body::Suppress { justification, .. } = &rule.body { justification.clone() } else { None };
    (rule.reference(), vex)
}

/// A comment beside the line allows a breach, where the policy does not deny it by name.
fn judge_breach(breach: &Breach, policy: &Policy) -> Verdict {
    let said = policy.hardening.judge(breach);
    match &breach.allowed {
        Some(reason) if said.decision != Decision::Allow => {
            let rule = RuleRef {
                location: Some(breach.location.clone()),
                reason: Some(reason.clone()),
                ..RuleRef::said("comment", breach.rule.name().to_owned())
            };
            Verdict { decision: Decision::Suppressed, rule: Some(rule) }
        }
        _ => said,
    }
}

impl Judged {
    /// The worse of this and the floor's judgement of the same matter. Uses are this one's: a floor is there for many projects.
    fn not_below(mut self, floor: Self) -> Self {
        worse(&mut self.packages, floor.packages, |verdict| verdict.decision);
        worse(&mut self.hardening, floor.hardening, |verdict| verdict.decision);
        worse(&mut self.gaps, floor.gaps, |decision| *decision);
        for (own, other) in self.findings.iter_mut().zip(floor.findings) {
            worse(own, other, |place| place.decision);
        }
        let key = |entry: &WhitelistEntry| (entry.purl.clone(), entry.location.clone(), entry.reason.clone(), entry.decision);
        let known: BTreeSet<_> = self.whitelist.iter().map(key).collect();
        let is_new = |entry: &WhitelistEntry| !known.contains(&key(entry));
        self.whitelist.extend(floor.whitelist.into_iter().filter(is_new));
        self.ended.extend(floor.ended);
        self
    }
}

fn worse<T>(own: &mut [T], floor: Vec<T>, decision: impl Fn(&T) -> Decision) {
    for (own, other) in own.iter_mut().zip(floor) {
        if decision(&other) > decision(own) {
            *own = other;
        }
    }
}
