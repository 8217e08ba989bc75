//! Names that are nearly those of allowed packages: one letter more, less, other or swapped, or other separators only. Such names are
//! how people are made to install what they did not mean.

use super::pattern::Named;
use super::rule::{Kind, Rule};
use crate::model::package::Package;
use std::collections::{HashMap, HashSet};

/// The shortest name that is compared: short names differ by a letter all the time.
const SHORTEST: usize = 5;

/// The allowed names, findable by what is left of them when one letter is dropped.
#[derive(Debug, Clone, Default)]
pub struct Names {
    exact: HashSet<String>,
    without_one: HashMap<String, Vec<(String, usize)>>,
}

impl Names {
    /// The names of the allow rules that are no globs.
    #[must_use]
    pub fn of(rules: &[Rule]) -> Self {
        let mut names = Self::default();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.kind == Kind::Allow) {
            let Some(name) = rule.about.purl.as_ref().and_then(|pattern| pattern.exact_name()) else { continue };
            if !names.exact.insert(name.to_owned()) {
                continue;
            }
            for key in keys(name) {
                names.without_one.entry(key).or_default().push((name.to_owned(), index));
            }
        }
        names
    }

    /// The allowed name that a package's name is nearly, with its rule's index; nothing where it is allowed itself.
    #[must_use]
    pub fn near(&self, package: &Package) -> Option<(&str, usize)> {
        let name = Named::package(package).name;
        if self.exact.is_empty() || self.exact.contains(&name) {
            return None;
        }
        let found = keys(&name).into_iter().filter_map(|key| self.without_one.get(&key)).flatten();
        let near = found.filter(|(other, _)| is_near(&name, other)).min();
        near.map(|(other, index)| (other.as_str(), *index))
    }
}

/// The base name, lower case, without separators; and the text before it.
fn parts(name: &str) -> (&str, String) {
    let (head, base) = name.split_at(name.rfind('/').map_or(0, |at| at + 1));
    (head, base.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect())
}

fn keys(name: &str) -> HashSet<String> {
    let (head, base) = parts(name);
    if base.chars().count() < SHORTEST {
        return HashSet::new();
    }
    let letters: Vec<char> = base.chars().collect();
    let without = |at: usize| letters.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, c)| *c).collect::<String>();
    (0..letters.len()).map(without).chain([base.clone()]).map(|key| format!("{head}{key}")).collect()
}

/// One insertion, deletion, substitution or swap of neighbours, or none.
fn is_near(a: &str, b: &str) -> bool {
    let ((head_a, a), (head_b, b)) = (parts(a), parts(b));
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    head_a == head_b && (a.len() <= 1 && b.len() <= 1 || a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_near_and_two_are_not() {
        let n = |name: &str| format!("pkg:npm/{name}");
        for (a, b, near) in [
            ("lodash", "lodahs", true),
            ("lodash", "lodas", true),
            ("lodash", "lodashs", true),
            ("cross-env", "crossenv", true),
            ("lodash", "lodosh", true),
            ("lodash", "ladosh", false),
            ("lodash", "underscore", false),
            ("@acme/lodash", "lodash", false),
        ] {
            assert_eq!(is_near(&n(a), &n(b)) && !keys(&n(a)).is_disjoint(&keys(&n(b))), near, "{a} {b}");
        }
        assert!(keys("pkg:npm/vue").is_empty());
    }
}
