//! The rules of a policy, findable by package: thousands of rules are held against thousands of packages.

use super::pattern::Named;
use super::rule::{Body, Kind, Rule};
use crate::model::package::Package;
use crate::model::verdict::RuleRef;
use globset::{GlobSet, GlobSetBuilder};
use std::collections::{BTreeSet, HashMap};

/// A rule, or one of the ids that it names, that was used: the rule's index and the id's within it.
pub type Use = (usize, usize);

/// Every rule of a policy.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Rule>,
    included: BTreeSet<usize>,
    by_name: HashMap<(Kind, String), Vec<usize>>,
    by_id: HashMap<String, Vec<usize>>,
    by_glob: HashMap<Kind, (GlobSet, Vec<usize>)>,
    others: HashMap<Kind, Vec<usize>>,
}

impl Rules {
    /// Adds a rule.
    pub fn add(&mut self, rule: Rule, included: bool) {
        if included {
            self.included.insert(self.all.len());
        }
        self.all.push(rule);
    }

    /// Makes the rules findable.
    pub fn settle(&mut self) {
        (self.by_name, self.by_id, self.by_glob, self.others) = Default::default();
        let mut globs: HashMap<Kind, (GlobSetBuilder, Vec<usize>)> = HashMap::new();
        for (index, rule) in self.all.iter().enumerate() {
            let pattern = rule.about.source.as_ref().or(rule.about.purl.as_ref());
            let glob = pattern.and_then(|pattern| pattern.glob());
            match (pattern.and_then(|pattern| pattern.exact_name()), &rule.body) {
                (Some(name), _) => self.by_name.entry((rule.kind, name.to_owned())).or_default().push(index),
                (None, Body::Suppress { ids, .. }) if !ids.is_empty() => {
                    ids.iter().for_each(|id| self.by_id.entry(id.id.to_ascii_uppercase()).or_default().push(index));
                }
                _ => match glob {
                    Some(glob) => {
                        let (set, indices) = globs.entry(rule.kind).or_insert_with(|| (GlobSetBuilder::new(), Vec::new()));
                        set.add(glob.clone());
                        indices.push(index);
                    }
                    None => self.others.entry(rule.kind).or_default().push(index),
                },
            }
        }
        for (kind, (set, indices)) in globs {
            match set.build() {
                Ok(set) => drop(self.by_glob.insert(kind, (set, indices))),
                // Too many for one automaton: each is held against each package.
                Err(_) => self.others.entry(kind).or_default().extend(indices),
            }
        }
    }

    /// All of them, in the order of their files.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.all
    }

    /// The rules of a kind that may be about a package, in the order of their files.
    #[must_use]
    pub fn about(&self, kind: Kind, package: &Package) -> Vec<(usize, &Rule)> {
        let names = [Some(Named::package(package)), Named::source(package)];
        let keys: BTreeSet<String> = names.into_iter().flatten().map(|named| named.name).collect();
        let by_glob = self.by_glob.get(&kind).into_iter().flat_map(|(set, indices)| {
            let fitting: Vec<usize> = keys.iter().flat_map(|name| set.matches(name)).map(|at| indices[at]).collect();
            fitting
        });
        let mut found: BTreeSet<usize> = by_glob.collect();
        let named = keys.iter().filter_map(|name| self.by_name.get(&(kind, name.clone()))).flatten();
        found.extend(named.chain(self.others.get(&kind).into_iter().flatten()));
        found.into_iter().map(|index| (index, &self.all[index])).collect()
    }

    /// The suppress rules that name a vulnerability and no package.
    pub fn about_id(&self, id: &str) -> impl Iterator<Item = (usize, &Rule)> {
        self.by_id.get(&id.to_ascii_uppercase()).into_iter().flatten().map(|index| (*index, &self.all[*index]))
    }

    /// What was not used, and whether an included file brought it: there it may be for other projects.
    pub fn unused(&self, used: &BTreeSet<Use>) -> impl Iterator<Item = (RuleRef, bool)> {
        let parts = move |(index, rule): (usize, &Rule)| {
            let unused = move |(part, _): &(usize, RuleRef)| !used.contains(&(index, *part));
            let included = self.included.contains(&index);
            rule.parts().into_iter().enumerate().filter(unused).map(move |(_, part)| (part, included)).collect::<Vec<_>>()
        };
        self.all.iter().enumerate().flat_map(parts)
    }
}
