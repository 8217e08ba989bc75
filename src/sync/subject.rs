//! The package that a record is about where its product has another name: a part of a project (`foo-types` under `foo`), or a
//! package that was filed under the runtime it runs on.
//!
//! What a reference links to is no evidence here. The description must name the package, and the product must be the head of
//! its name; or it is the runtime, and all versions of the configuration lie below the one that the description gives to a
//! package *for* that runtime.

use super::mention::{self, Named};
use crate::facts::{always_runs_on, is_generic, worlds};
use crate::mirror::rows::{RawConfiguration, RawCriterion, Subject};
use crate::model::cpe::{CpeName, Part, ProductName, name_key, unquote};
use crate::model::purl::Ecosystem;
use crate::version::VersionOrder;
use std::cmp::Ordering;

/// The packages that a record is about. `signals`: the worlds that it speaks of.
pub fn subjects(description: &str, signals: i64, configurations: &[RawConfiguration<'_>]) -> Vec<Subject> {
    let Some(ecosystem) = only_ecosystem(signals) else { return Vec::new() };
    let vulnerable: Vec<&RawCriterion<'_>> = configurations
        .iter()
        .flat_map(|configuration| &configuration.nodes)
        .flat_map(|node| &node.matches)
        .filter(|criterion| criterion.vulnerable && criterion.criteria.starts_with("cpe:2.3:a:"))
        .collect();
    let Some(product) = only_product(&vulnerable) else { return Vec::new() };
    let key = name_key(&unquote(&product.product));
    let runtime = always_runs_on(ecosystem, &product.to_string());
    let meant = |named: &Named<'_>| {
        let ranged = named.bound.filter(|bound| all_below(ecosystem, &vulnerable, bound));
        if runtime {
            named.called && ranged.is_some_and(|bound| description.contains(&format!("{bound} for "))) && named.key != key
        } else {
            (named.called || ranged.is_some()) && part_of(&named.key, &key)
        }
    };
    let mut names: Vec<String> = mention::named(description).into_iter().filter(meant).map(|named| named.key).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| Subject { ecosystem: ecosystem.name(), name, product: product.clone() }).collect()
}

/// The one language ecosystem that a record speaks of.
fn only_ecosystem(signals: i64) -> Option<Ecosystem> {
    let spoken = worlds().iter().enumerate().filter(|(at, _)| signals >> (2 * at) & 3 != 0);
    let mut ecosystems = spoken.filter_map(|(_, world)| world.ecosystem());
    ecosystems.next().filter(|_| ecosystems.next().is_none())
}

fn only_product(criteria: &[&RawCriterion<'_>]) -> Option<ProductName> {
    let name = |criterion: &&RawCriterion<'_>| criterion.criteria.parse::<CpeName>().ok()?.product_name();
    let mut products = criteria.iter().map(name);
    let first = products.next()??;
    (first.part == Part::Application && products.all(|other| other.as_ref() == Some(&first))).then_some(first)
}

/// Whether every range ends before a version.
fn all_below(ecosystem: Ecosystem, criteria: &[&RawCriterion<'_>], bound: &str) -> bool {
    let order = VersionOrder::of(ecosystem);
    let ordered = |end: &str| order.compare(end, bound);
    criteria.iter().all(|criterion| {
        let exact = criterion.criteria.split(':').nth(5).filter(|version| !matches!(*version, "*" | "-"));
        let including = criterion.ends[2].as_deref().or(exact).and_then(ordered).is_some_and(Ordering::is_lt);
        including || criterion.ends[3].as_deref().and_then(ordered).is_some_and(Ordering::is_le)
    })
}

/// Whether a package is one of a project's by its name: `foo-types` of `foo`.
fn part_of(name: &str, project: &str) -> bool {
    project.len() > 2
        && !is_generic(project)
        && name
            .strip_prefix(project)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::rows::RawNode;
    use crate::model::advisory::Operator;

    fn configuration(product: &str, end: &'static str) -> Vec<RawConfiguration<'static>> {
        let criteria = format!("cpe:2.3:a:{product}:*:*:*:*:*:*:*:*").into();
        let criterion = RawCriterion { vulnerable: true, criteria, ends: [None, None, None, Some(end.into())] };
        let node = RawNode { operator: Operator::Or, negate: false, matches: vec![criterion] };
        vec![RawConfiguration { operator: Operator::Or, negate: false, nodes: vec![node] }]
    }

    fn names(world: &str, text: &str, product: &str, end: &'static str) -> Vec<String> {
        let signals = 2 << (2 * worlds().iter().position(|known| known.name == world).unwrap());
        subjects(text, signals, &configuration(product, end)).into_iter().map(|subject| subject.name).collect()
    }

    #[test]
    fn a_part_that_the_text_is_about_stands_under_its_project() {
        assert_eq!(names("cargo", "The foo-types crate before 0.8.0 for Rust", "foo_project:foo", "0.8.0"), ["foo-types"]);
        assert_eq!(names("cargo", "foo-deque is a package of queues for Rust.", "foo_project:foo", "9"), ["foo-deque"]);
        assert!(names("cargo", "The option `foo-types` for Rust", "foo_project:foo", "0.8.0").is_empty());
        assert!(names("cargo", "The bar-types crate before 0.8.0 for Rust", "foo_project:foo", "0.8.0").is_empty());
    }

    #[test]
    fn a_package_filed_under_its_runtime_needs_the_same_version() {
        assert_eq!(names("npm", "The foo module before 1.2.3 for Node.js", "nodejs:node.js", "1.2.3"), ["foo"]);
        assert_eq!(names("npm", "The foo package before 1.2.3 for Node.js", "joyent:node.js", "1.0"), ["foo"]);
        assert!(names("npm", "The foo module before 1.2.3 in Node.js", "nodejs:node.js", "1.2.3").is_empty());
        assert!(names("npm", "The zlib module of Node.js before 4.1.0", "nodejs:node.js", "4.1.0").is_empty());
        assert!(names("npm", "The foo module before 1.2.3 for Node.js", "nodejs:node.js", "4.1.0").is_empty());
        assert!(names("npm", "The foo module before 1.2.3 for Node.js", "other:thing", "1.2.3").is_empty());
    }
}
