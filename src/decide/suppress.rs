//! Suppressions: which rule sets a finding aside at a place, and which would have if it had not ended.

use super::policy::Policy;
use super::rule::{At, Body, Kind, NamedId, Rule};
use super::rules::Use;
use crate::model::finding::Finding;
use crate::version::range::Standing;
use std::collections::BTreeSet;

/// The rule that sets a finding aside at a place. Rules that ended are used too; what became of them is added to `ended`.
#[must_use]
pub fn suppression<'a>(
    finding: &Finding,
    at: At<'_>,
    policy: &'a Policy,
    today: &str,
    used: &mut BTreeSet<Use>,
    ended: &mut BTreeSet<String>,
) -> Option<&'a Rule> {
    let ids: Vec<&String> = std::iter::once(&finding.found.id).chain(&finding.found.aliases).collect();
    let mut rules = policy.rules.about(Kind::Suppress, at.package);
    rules.extend(ids.iter().flat_map(|id| policy.rules.about_id(id)));
    rules.sort_by_key(|(index, _)| *index);
    rules.dedup_by_key(|(index, _)| *index);
    let mut in_force = None;
    for (index, rule) in rules {
        let Body::Suppress { ids: named, cpe, until_fixed, .. } = &rule.body else { continue };
        let is_meant = |one: &&NamedId| ids.iter().any(|id| id.eq_ignore_ascii_case(&one.id));
        let product =
            cpe.as_ref().is_none_or(|product| finding.found.cpe.as_ref().and_then(|cpe| cpe.product_name()).as_ref() == Some(product));
        if !(named.is_empty() || named.iter().any(|one| is_meant(&one))) || !product || rule.about.standing(at) != Ok(Standing::In) {
            continue;
        }
        // A rule may name one vulnerability by several of its ids: all of them are used.
        used.extend(named.iter().enumerate().filter(|(_, one)| is_meant(one)).map(|(part, _)| (index, part)));
        used.extend(named.is_empty().then_some((index, 0)));
        let package = at.package.purl.text();
        if !rule.in_force(today) {
            let until = rule.until.as_deref().unwrap_or_default();
            ended.insert(format!(
                "{}: the suppression of {} expired on {until}; it counts again for {package}",
                rule.location, finding.found.id
            ));
        } else if *until_fixed && !finding.found.fixed_in.is_empty() {
            let versions = finding.found.fixed_in.join(", ");
            ended.insert(format!(
                "{}: the suppression of {} until it is fixed has ended, for {versions} fixes it; it counts again for {package}",
                rule.location, finding.found.id
            ));
        } else {
            in_force = in_force.or(Some(rule));
        }
    }
    in_force
}
