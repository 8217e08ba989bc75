//! What the whitelist says about a package at a place: deny rules first, then the allow rules, then where it comes from.

use super::digest::{self, Comparison};
use super::policy::{Mode, Policy};
use super::propose;
use super::rule::{At, Body, Kind, Rule};
use super::rules::Use;
use super::sources::{Objection, Trouble, comes_from};
use crate::model::verdict::{Decision, RuleRef, Verdict};
use crate::version::range::Standing;
use std::collections::BTreeSet;

/// What is said of a package at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The worst of it, with its rule.
    pub verdict: Verdict,
    /// Everything that speaks against the package, worst first.
    pub against: Vec<Objection>,
    /// The rule that would allow it, ready to paste; nothing where no rule can.
    pub paste: Option<String>,
}

/// Judges a package at a place. `today` is an ISO date.
#[must_use]
pub fn judge(at: At<'_>, policy: &Policy, today: &str, used: &mut BTreeSet<Use>) -> Said {
    let mut against = Vec::new();
    let mut by = Vec::new();
    let mut paste = None;
    if policy.mode != Mode::Off {
        let denials = denials(at, policy, today, used);
        // What a deny rule names, an allow rule does not help.
        let may_paste = !denials.iter().any(|one| one.decision == Decision::Deny);
        against.extend(denials);
        match allowance(at, policy, today, used) {
            Ok(rules) => by = rules,
            Err(objection) => {
                against.push(*objection);
                paste = may_paste.then(|| propose::rule_for(at.package).to_toml(Some(propose::ASK)));
            }
        }
        against.extend(near_name(at, policy));
    }
    against.extend(policy.sources.judge(at, &by));
    against.sort_by_key(|objection| std::cmp::Reverse(objection.decision));
    let verdict = match against.first() {
        Some(worst) => Verdict { decision: worst.decision, rule: Some(worst.rule.clone()) },
        None => Verdict { decision: Decision::Allow, rule: by.first().map(|rule| rule.reference()) },
    };
    Said { verdict, paste, against }
}

/// The deny rules that are, or may be, about it: a version that cannot be compared is in every range.
fn denials(at: At<'_>, policy: &Policy, today: &str, used: &mut BTreeSet<Use>) -> Vec<Objection> {
    let mut out = Vec::new();
    for (index, rule) in policy.rules.about(Kind::Deny, at.package) {
        let Body::Deny { use_instead, decision } = &rule.body else { continue };
        if !rule.about.standing(at).is_ok_and(|standing| standing != Standing::Out) {
            continue;
        }
        used.insert((index, 0));
        if !rule.in_force(today) {
            continue;
        }
        let instead = use_instead.as_ref().map(|other| format!("; use {other} instead")).unwrap_or_default();
        let reason = format!("denied by {}: {}{instead}", rule.text, rule.reason.as_deref().unwrap_or("no reason given"));
        out.push(Objection { decision: *decision, rule: rule.reference(), reason });
    }
    out
}

/// The allow rules that are about it, or why there is none.
fn allowance<'a>(at: At<'_>, policy: &'a Policy, today: &str, used: &mut BTreeSet<Use>) -> Result<Vec<&'a Rule>, Box<Objection>> {
    let mut nearest: Option<(Nearness, &Rule, String)> = None;
    let mut fitting = Vec::new();
    for (index, rule) in policy.rules.about(Kind::Allow, at.package) {
        if !rule.about.names(at.package) {
            continue;
        }
        let miss = match rule.about.standing(at) {
            Ok(Standing::In) => {
                used.insert((index, 0));
                if rule.in_force(today) {
                    bytes(at, rule).err().map(|reason| (Nearness::OtherBytes, reason))
                } else {
                    let until = rule.until.as_deref().unwrap_or_default();
                    Some((Nearness::Expired, format!("a rule for it expired on {until}")))
                }
            }
            Ok(_) => Some((Nearness::Unsure, format!("whether version {} is in the range cannot be told", at.package.version))),
            Err(reason) => Some((Nearness::OtherVersion, reason)),
        };
        match miss {
            None => fitting.push(rule),
            Some((nearness, reason)) if nearest.as_ref().is_none_or(|(best, ..)| nearness > *best) => {
                nearest = Some((nearness, rule, reason))
            }
            Some(_) => {}
        }
    }
    let decision = if policy.mode == Mode::AllowOnly { Decision::Deny } else { Decision::Warn };
    match nearest {
        _ if !fitting.is_empty() => Ok(fitting),
        // That its bytes are not the approved ones is told in every mode.
        Some((Nearness::OtherBytes, rule, reason)) => Err(Box::new(Objection { decision, rule: digests_at(rule), reason })),
        _ if policy.mode == Mode::DenyListed => Ok(Vec::new()),
        Some((_, rule, reason)) => Err(Box::new(Objection { decision, rule: rule.reference(), reason })),
        None => {
            let rule = RuleRef { location: policy.mode_at.clone(), ..RuleRef::said("whitelist", "mode = \"allow-only\"".to_owned()) };
            Err(Box::new(Objection { decision, rule, reason: "no allow rule names it".to_owned() }))
        }
    }
}

/// How near a rule that names a package comes to allowing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    OtherVersion,
    Unsure,
    Expired,
    OtherBytes,
}

/// Whether a package comes from where the rule says, with the digests that it gives.
fn bytes(at: At<'_>, rule: &Rule) -> Result<(), String> {
    let Body::Allow { digests, registries, .. } = &rule.body else { return Ok(()) };
    let package = at.package;
    if !registries.is_empty() && !registries.iter().any(|allowed| comes_from(&package.origin, package.ecosystem(), allowed)) {
        return Err(format!(
            "it comes from {}, not from {}",
            package.origin.address().unwrap_or("the public registry"),
            registries.join(", ")
        ));
    }
    if digests.is_empty() || at.place.bundled && at.place.integrity.is_empty() {
        return Ok(());
    }
    match digest::compare(&at.place.integrity, digests) {
        Comparison::Same => Ok(()),
        Comparison::Other(text) => Err(format!("its digest {text} is not the approved one")),
        Comparison::Nothing => Err("nothing states a digest of it that could be held against the approved one".to_owned()),
    }
}

/// The rule, pointing at its digests.
fn digests_at(rule: &Rule) -> RuleRef {
    let location = match &rule.body {
        Body::Allow { digests_at, .. } => digests_at.clone(),
        _ => rule.location.clone(),
    };
    RuleRef { location: Some(location), ..rule.reference() }
}

fn near_name(at: At<'_>, policy: &Policy) -> Option<Objection> {
    let (name, index) = policy.names.near(at.package)?;
    let rule = policy.rules.all().get(index)?;
    // A name that a rule allows by a glob, or by its source package, was looked at.
    if policy.rules.about(Kind::Allow, at.package).iter().any(|(_, rule)| rule.about.names(at.package)) {
        return None;
    }
    let reason = format!("its name is nearly that of {name}, which is allowed at {}: is it the package that was meant?", rule.location);
    policy.sources.object(Trouble::NearName, reason)
}
