//! What a change asks of the whitelist: packages that no rule allows, and rules that allow nothing any more.

use crate::decide::Judged;
use crate::decide::pattern::Named;
use crate::decide::policy::Policy;
use crate::decide::propose::{ASK, rule_for};
use crate::decide::rule::{Kind, Rule};
use crate::model::package::{Inventory, Location, Package};
use crate::model::report::WhitelistEntry;
use crate::model::verdict::Decision;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// One package that the list does not allow as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The package.
    pub purl: String,
    /// Where it is named first.
    pub location: Location,
    /// Why it is not allowed.
    pub reason: String,
    /// The rule that would allow it.
    pub paste: String,
}

/// What a change asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// No rule names them.
    pub added: Vec<Change>,
    /// A rule names them in another version or with another digest: the rule's words and place.
    pub changed: Vec<(String, Location, Change)>,
    /// Packages that no allow rule helps: a deny rule names them, or they come from where nothing may come from.
    pub refused: Vec<(String, Location, String)>,
    /// Rules that allow nothing any more.
    pub removed: Vec<(String, Location)>,
}

/// Holds an inventory's judgement against the list.
#[must_use]
pub fn compare(inventory: &Inventory, policy: &Policy, judged: &Judged) -> Changes {
    let mut changes = Changes::default();
    let mut replaced: BTreeSet<usize> = BTreeSet::new();
    let mut by_purl: BTreeMap<&str, Vec<&WhitelistEntry>> = BTreeMap::new();
    judged.whitelist.iter().for_each(|entry| by_purl.entry(&entry.purl).or_default().push(entry));
    for package in &inventory.packages {
        let of_it = by_purl.get(package.purl.text()).map_or(&[][..], Vec::as_slice);
        let Some(entry) = of_it.iter().find(|entry| entry.paste.is_some()) else {
            let denied = of_it.iter().filter(|entry| entry.decision == Decision::Deny);
            changes
                .refused
                .extend(denied.map(|entry| (package.purl.text().replace("%40", "@"), entry.location.clone(), entry.reason.clone())));
            continue;
        };
        let change = Change {
            purl: package.purl.text().replace("%40", "@"),
            location: entry.location.clone(),
            reason: entry.reason.clone(),
            paste: rule_for(package).to_toml(Some(ASK)),
        };
        match named_by(policy, package, judged) {
            Some((index, rule)) => {
                replaced.insert(index);
                changes.changed.push((rule.text.clone(), rule.location.clone(), change));
            }
            None => changes.added.push(change),
        }
    }
    let unused =
        |(index, rule): &(usize, &Rule)| rule.kind == Kind::Allow && !judged.used.contains(&(*index, 0)) && !replaced.contains(index);
    let rules = policy.rules.all().iter().enumerate().filter(unused);
    changes.removed = rules.map(|(_, rule)| (rule.text.clone(), rule.location.clone())).collect();
    changes
}

/// The rule of the package's name that a change replaces: one that nothing uses, else one whose digest differs.
fn named_by<'a>(policy: &'a Policy, package: &Package, judged: &Judged) -> Option<(usize, &'a Rule)> {
    let rules: Vec<_> = policy.rules.about(Kind::Allow, package).into_iter().filter(|(_, rule)| rule.about.names(package)).collect();
    let unused = rules.iter().find(|(index, _)| !judged.used.contains(&(*index, 0)));
    let same = || {
        let named = Named::package(package);
        rules.iter().find(|(_, rule)| rule.about.purl.as_ref().and_then(|pattern| pattern.exact_version()) == Some(named.version))
    };
    unused.or_else(same).copied()
}

impl Changes {
    /// Whether everything that is there is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.refused.is_empty()
    }

    /// Whether the list says what is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_allowed() && self.removed.is_empty()
    }

    /// For a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for change in &self.added {
            let _ = writeln!(out, "+ {}  ({})\n      {}", change.purl, change.location, change.reason);
        }
        for (rule, at, change) in &self.changed {
            let _ = writeln!(out, "~ {}  ({})\n      instead of {rule} ({at}): {}", change.purl, change.location, change.reason);
        }
        for (purl, at, reason) in &self.refused {
            let _ = writeln!(out, "! {purl}  ({at})\n      {reason}");
        }
        for (rule, at) in &self.removed {
            let _ = writeln!(out, "- {rule}  ({at})\n      nothing is there that it allows");
        }
        let _ = writeln!(out, "{}", self.count());
        let lines = self.lines();
        if !lines.is_empty() {
            let _ = writeln!(out, "\nTo allow what is new or changed:\n\n{lines}");
        }
        out
    }

    /// For a pull request.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let mut out = format!("### Whitelist: {}\n", self.count());
        if self.is_empty() {
            return out;
        }
        out.push_str("\n| | package or rule | where | why |\n|---|---|---|---|\n");
        let mut row = |sign: &str, what: &str, at: &Location, why: &str| {
            let _ = writeln!(out, "| {sign} | `{}` | `{}` | {} |", cell(what), cell(&at.to_string()), cell(why));
        };
        self.added.iter().for_each(|change| row("added", &change.purl, &change.location, &change.reason));
        for (rule, at, change) in &self.changed {
            row("changed", &change.purl, &change.location, &format!("instead of `{rule}` (`{at}`): {}", change.reason));
        }
        self.refused.iter().for_each(|(purl, at, reason)| row("refused", purl, at, reason));
        self.removed.iter().for_each(|(rule, at)| row("removed", rule, at, "nothing is there that it allows"));
        let lines = self.lines();
        if !lines.is_empty() {
            let _ =
                write!(out, "\n<details><summary>Lines that allow what is new or changed</summary>\n\n```toml\n{lines}```\n\n</details>\n");
        }
        out
    }

    fn count(&self) -> String {
        format!(
            "{} added, {} changed, {} refused, {} removed",
            self.added.len(),
            self.changed.len(),
            self.refused.len(),
            self.removed.len()
        )
    }

    fn lines(&self) -> String {
        let changes = self.added.iter().chain(self.changed.iter().map(|(.., change)| change));
        let lines: BTreeSet<&str> = changes.map(|change| change.paste.as_str()).collect();
        lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}
