//! What the whitelist says about a package at a place: deny rules first, then the allow rules, then where it comes from.

use super::digest::{self, Comparison};
use super::policy::{Mode, Policy};
use super::propose;
use super::rule::{At, Body, Kind, Rule};
use super::rules::Use;
use super::sources::{Objection, Trouble};
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
    let mut paste = None;
    let mut by = None;
    if policy.mode != Mode::Off {
        against.extend(denials(at, policy, today, used));
        match allowance(at, policy, today, used) {
            Ok(rule) => by = rule,
            Err(objection) => {
                against.push(objection);
                paste = Some(propose::rule_for(at.package).to_toml(Some(propose::ASK)));
            }
        }
        against.extend(near_name(at, policy));
    }
    against.extend(policy.sources.judge(at, by));
    against.sort_by_key(|objection| std::cmp::Reverse(objection.decision));
    let verdict = match against.first() {
        Some(worst) => Verdict { decision: worst.decision, rule: Some(worst.rule.clone()) },
        None => Verdict { decision: Decision::Allow, rule: by.map(Rule::reference) },
    };
    // What another rule denies, an allow rule does not help.
    let denied_otherwise = against.iter().filter(|one| one.decision == Decision::Deny).any(|one| matches!(one.rule.kind.as_str(), "deny"));
    Said { verdict, paste: paste.filter(|_| !denied_otherwise), against }
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

/// The allow rule that is about it, or why there is none.
fn allowance<'a>(at: At<'_>, policy: &'a Policy, today: &str, used: &mut BTreeSet<Use>) -> Result<Option<&'a Rule>, Objection> {
    let mut nearest: Option<(u8, &Rule, String)> = None;
    let mut miss = |rank: u8, rule: &'a Rule, reason: String| {
        if nearest.as_ref().is_none_or(|(best, ..)| rank > *best) {
            nearest = Some((rank, rule, reason));
        }
    };
    let mut fitting = None;
    for (index, rule) in policy.rules.about(Kind::Allow, at.package) {
        if !rule.about.names(at.package) {
            continue;
        }
        match rule.about.standing(at) {
            Ok(Standing::In) => {
                used.insert((index, 0));
                if !rule.in_force(today) {
                    miss(3, rule, format!("a rule for it expired on {}", rule.until.as_deref().unwrap_or_default()));
                    continue;
                }
                match digests(at, rule) {
                    Ok(()) => fitting = fitting.or(Some(rule)),
                    Err(reason) => miss(4, rule, reason),
                }
            }
            Ok(_) => miss(2, rule, format!("whether version {} is in the range cannot be told", at.package.version)),
            Err(reason) => miss(1, rule, reason),
        }
    }
    let reason = match (fitting, nearest) {
        (Some(rule), _) => return Ok(Some(rule)),
        // A digest that differs from the approved one is told in every mode.
        (None, Some((rank, rule, reason))) if rank == 4 || policy.mode == Mode::AllowOnly => {
            let place = if rank == 4 { digests_at(rule) } else { rule.reference() };
            return Err(Objection { decision: Decision::Deny, rule: place, reason });
        }
        (None, _) if policy.mode == Mode::DenyListed => return Ok(None),
        (None, _) => "no allow rule names it".to_owned(),
    };
    let rule = RuleRef { location: policy.mode_at.clone(), ..RuleRef::said("whitelist", "mode = \"allow-only\"".to_owned()) };
    Err(Objection { decision: Decision::Deny, rule, reason })
}

fn digests(at: At<'_>, rule: &Rule) -> Result<(), String> {
    let Body::Allow { digests, .. } = &rule.body else { return Ok(()) };
    if digests.is_empty() {
        return Ok(());
    }
    match digest::compare(&at.package.integrity, digests) {
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
