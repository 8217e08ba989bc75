//! The policy in force: scacheck.toml and the files it includes, parsed first, then validated; a mistake is one diagnostic that points
//! at it. Later files win where a key has one value; rules add up.

use super::entry::Entry;
use super::gate_section::{GateSection, Gates};
use super::hardening::Hardening;
use super::near::Names;
use super::own;
use super::rule::{Kind, Rule};
use super::rules::Rules;
use super::source::{Source, lines};
use super::sources::{self, Sources};
use crate::diag::{Diagnostic, nearest};
use crate::model::evidence::OwnFact;
use crate::model::package::Location;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// How the whitelist works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Neither allow nor deny rules count.
    Off,
    /// Packages that a deny rule names are denied.
    #[default]
    DenyListed,
    /// Packages that no allow rule names are denied too.
    AllowOnly,
}

/// The policy in force.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How the whitelist works.
    pub mode: Mode,
    /// Where that is said.
    pub mode_at: Option<Location>,
    /// Every rule.
    pub rules: Rules,
    /// The names of what is allowed.
    pub names: Names,
    /// What fails the gate, place by place.
    pub gates: Gates,
    /// Where packages may come from.
    pub sources: Sources,
    /// What images and Dockerfiles must be like.
    pub hardening: Hardening,
    /// What packages are and are not.
    pub identities: Vec<OwnFact>,
    /// What is odd about the files without being wrong.
    pub warnings: Vec<String>,
}

/// A file that another one includes, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// As it is written: relative to the file that includes it.
    pub path: String,
    /// The byte at which it stands.
    pub offset: usize,
}

/// One file, parsed but not validated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    include: Vec<Spanned<String>>,
    #[serde(default)]
    whitelist: Whitelist,
    #[serde(default)]
    gate: GateSection,
    #[serde(default)]
    sources: sources::Section,
    #[serde(default)]
    hardening: super::hardening::Section,
    #[serde(default)]
    allow: Vec<Spanned<Entry>>,
    #[serde(default)]
    deny: Vec<Spanned<Entry>>,
    #[serde(default)]
    suppress: Vec<Spanned<Entry>>,
    #[serde(default)]
    identity: Vec<own::Entry>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Whitelist {
    mode: Option<Spanned<Mode>>,
    reason: Option<String>,
    approved_by: Option<String>,
}

impl File {
    /// Parses a file's text.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Box<Diagnostic>> {
        toml::from_str(text).map_err(|error| Box::new(told(path, text, &error)))
    }

    /// The files that it includes.
    pub fn includes(&self) -> impl Iterator<Item = Include> {
        self.include.iter().map(|path| Include { path: path.get_ref().clone(), offset: path.span().start })
    }

    /// Whether it holds anything but suppress rules and identities.
    #[must_use]
    pub fn is_more_than_suppressions(&self) -> bool {
        !(self.allow.is_empty() && self.deny.is_empty() && self.include.is_empty()) || self.whitelist.mode.is_some()
    }
}

impl Policy {
    /// Reads one policy file that includes no other. `path` is how the user would write its path.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Box<Diagnostic>> {
        let mut policy = Self::default();
        policy.lay(File::parse(path, text)?, path, text, false)?;
        policy.settle();
        Ok(policy)
    }

    /// Lays a file over what is there. Rules of an `included` file may be there for other projects.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn lay(&mut self, file: File, path: &str, text: &str, included: bool) -> Result<(), Box<Diagnostic>> {
        let lines = lines(text);
        let source = Source::new(path, text, &lines);
        if let Some(mode) = &file.whitelist.mode {
            self.mode = *mode.get_ref();
            self.mode_at = Some(source.location(mode.span().start));
        }
        self.gates.lay(&file.gate, &source)?;
        self.sources.lay(&file.sources, &source)?;
        self.hardening.lay(file.hardening, &source)?;
        self.identities.extend(own::facts(file.identity, path, text)?);
        let mut unreasoned: Vec<Location> = Vec::new();
        for (kind, entries) in [(Kind::Allow, file.allow), (Kind::Deny, file.deny), (Kind::Suppress, file.suppress)] {
            for entry in entries {
                let start = entry.span().start;
                let mut rule = entry.into_inner().into_rule(kind, start, &source)?;
                if kind == Kind::Allow {
                    rule.reason = rule.reason.or_else(|| file.whitelist.reason.clone());
                    rule.approved_by = rule.approved_by.or_else(|| file.whitelist.approved_by.clone());
                }
                unreasoned.extend(rule.reason.is_none().then(|| rule.location.clone()));
                self.rules.add(rule, included);
            }
        }
        if let Some(first) = unreasoned.first() {
            let many = if unreasoned.len() == 1 { String::new() } else { format!(" and {} more", unreasoned.len() - 1) };
            self.warnings.push(format!(
                "{first}: an allow rule without a reason{many}: say why in each, or once for all of them as `reason` in [whitelist]"
            ));
        }
        Ok(())
    }

    /// Makes the rules findable and notes those that stand there twice. Called once, when every file was laid.
    pub fn settle(&mut self) {
        self.rules.settle();
        self.names = Names::of(self.rules.all());
        let mut seen: BTreeMap<(Kind, String), &Location> = BTreeMap::new();
        let mut twice = Vec::new();
        for rule in self.rules.all() {
            match seen.get(&(rule.kind, rule.key())) {
                Some(first) => {
                    twice.push(format!("{}: the {} rule {} stands at {first} already", rule.location, rule.kind.name(), rule.text))
                }
                None => {
                    seen.insert((rule.kind, rule.key()), &rule.location);
                }
            }
        }
        self.warnings.extend(twice);
    }

    /// The rules of a kind.
    pub fn rules_of(&self, kind: Kind) -> impl Iterator<Item = &Rule> {
        self.rules.all().iter().filter(move |rule| rule.kind == kind)
    }
}

/// serde names the known keys in its message; the nearest one is the help.
fn told(path: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().trim().to_owned();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let help = match (message.starts_with("unknown"), quoted.next()) {
        (true, Some(word)) => nearest(word, quoted).map(|near| format!("did you mean `{near}`?")),
        _ => None,
    };
    Diagnostic::at(path, text, error.span().map_or(0, |span| span.start), message, help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::advisory::Severity;
    use crate::model::package::Scope;

    #[test]
    fn a_policy_with_everything() {
        let text = "[whitelist]\nmode = \"allow-only\"\nreason = \"reviewed\"\n[gate]\nfail-on = \"medium\"\non-gap = \"warn\"\n\
                    [gate.on-doubt]\nweak-identity = \"deny\"\n[gate.development]\nfail-on = \"critical\"\n\
                    [[allow]]\npurl = \"pkg:npm/*\"\nuntil = 2026-12-31\n[[deny]]\npurl = \"pkg:npm/a\"\nrange = \"<2\"\nreason = \"old\"\n\
                    [[suppress]]\nid = [\"CVE-2020-0001\",\n\"CVE-2020-0002\"]\nreason = \"not reachable\"\nuntil = \"2026-01-01\"\njustification = \"component_not_present\"\n";
        let policy = Policy::parse("scacheck.toml", text).unwrap();
        let rules = policy.rules.all();
        assert_eq!((policy.mode, rules.len()), (Mode::AllowOnly, 3));
        let gate = |scope| policy.gates.at(&Location::file("x"), scope).severity;
        assert_eq!((gate(Scope::Production), gate(Scope::Development)), (Some(Severity::Medium), Some(Severity::Critical)));
        assert_eq!((rules[0].location.line, rules[0].reason.as_deref()), (Some(12), Some("reviewed")));
        assert!(rules[2].in_force("2026-01-01") && !rules[2].in_force("2026-01-02"));
        assert_eq!(rules[2].parts()[1].location.as_ref().unwrap().line, Some(20));
        assert!(policy.warnings.is_empty(), "{:?}", policy.warnings);
    }

    #[test]
    fn what_is_odd_is_one_warning() {
        let text = "[[allow]]\npurl = \"pkg:npm/a@1\"\n[[allow]]\npurl = \"pkg:npm/b@1\"\n[[deny]]\npurl = \"pkg:npm/c\"\nreason = \"x\"\n\
                    [[deny]]\npurl = \"pkg:npm/c\"\nreason = \"y\"\n";
        let policy = Policy::parse("scacheck.toml", text).unwrap();
        assert_eq!(policy.warnings.len(), 2, "{:?}", policy.warnings);
        assert!(policy.warnings[0].starts_with("scacheck.toml:2: an allow rule without a reason and 1 more"));
        assert!(policy.warnings[1].contains("scacheck.toml:9: the deny rule pkg:npm/c stands at scacheck.toml:6 already"));
    }

    #[test]
    fn mistakes_are_one_diagnostic_each_with_place_and_help() {
        for (text, line, column, said) in [
            ("[whitelst]\n", 1, 2, "did you mean `whitelist`?"),
            ("[whitelist]\nmode = \"alow-only\"\n", 2, 8, "allow-only"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\nreasn = \"x\"\n", 3, 1, "did you mean `reason`?"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\n", 2, 8, "no reason"),
            ("[[deny]]\npurl = \"lodash\"\nreason = \"x\"\n", 2, 8, "not a purl"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\nrange = \">=1 <\"\nreason = \"x\"\n", 3, 14, "no version"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\nrange = \">=2,<1\"\nreason = \"x\"\n", 3, 10, "matches nothing"),
            ("[[allow]]\nreason = \"x\"\n", 1, 1, "has no `purl`"),
            ("[[allow]]\npurl = \"pkg:npm/a\"\nid = \"CVE-2020-0001\"\n", 3, 6, "belongs to [[suppress]]"),
            ("[[allow]]\npurl = \"pkg:npm/a\"\nintegrity = [\"sha512-x\"]\n", 3, 14, "no digest"),
            ("[[suppress]]\nid = \"CVE-2020-0001\"\nreason = \"x\"\nuntil = \"soon\"\n", 4, 9, "not a date"),
            ("[[suppress]]\nid = \"CVE-2020-0001\"\nreason = \"x\"\njustification = \"component_not_presnt\"\n", 4, 17, "did you mean"),
            ("[gate]\nfail-on = \"hgih\"\n", 2, 11, "not one of"),
            ("[gate]\nfail-on-cvss = 11.0\n", 2, 16, "between 0 and 10"),
            ("[gate.on-doubt]\nweak-idenity = \"warn\"\n", 2, 1, "did you mean `weak-identity`?"),
            ("[gate.base]\nfail-onn = \"high\"\n", 2, 1, "did you mean `fail-on`?"),
            ("[sources]\non-http = \"never\"\n", 2, 11, "not one of"),
            ("[[suppress]\n", 1, 12, ""),
        ] {
            let diagnostic = Policy::parse("scacheck.toml", text).unwrap_err();
            assert_eq!((diagnostic.line, diagnostic.column), (line, column), "{diagnostic}");
            assert!(diagnostic.to_string().contains(said), "{diagnostic}");
        }
    }
}
