//! scacheck.toml: text in, policy out, with the place of every rule. Parsed first, then validated; a
//! mistake is one diagnostic that points at it.

use super::own;
use super::pattern::Pattern;
use crate::diag::{Diagnostic, nearest};
use crate::model::advisory::Severity;
use crate::model::evidence::OwnFact;
use crate::model::package::Location;
use crate::model::truth::Doubt;
use crate::model::verdict::{Decision, RuleRef};
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

/// One rule of the file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its place among all rules.
    pub index: usize,
    /// `allow`, `deny`, `suppress`.
    pub kind: &'static str,
    /// The rule in words.
    pub text: String,
    /// Which packages.
    pub pattern: Option<Pattern>,
    /// Which vulnerability, of a suppress rule.
    pub id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Last day in force, ISO date.
    pub until: Option<String>,
    /// What to use instead, of a deny rule.
    pub use_instead: Option<String>,
    /// VEX justification, of a suppress rule.
    pub justification: Option<String>,
    /// Where it stands.
    pub location: Location,
}

impl Rule {
    /// Whether it is in force on that day.
    #[must_use]
    pub fn in_force(&self, today: &str) -> bool {
        self.until.as_deref().is_none_or(|until| today <= until)
    }

    /// The rule as the report names it.
    #[must_use]
    pub fn reference(&self) -> RuleRef {
        RuleRef { kind: self.kind.to_owned(), text: self.text.clone(), location: Some(self.location.clone()), reason: self.reason.clone() }
    }
}

/// What fails the gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Findings of this severity and above; nothing switches the severity gate off.
    pub severity: Option<Severity>,
    /// Findings in KEV.
    pub kev: bool,
    /// CVSS base scores from here.
    pub cvss: Option<f64>,
    /// EPSS probabilities from here.
    pub epss: Option<f64>,
    /// Only findings that a version fixes.
    pub only_fixed: bool,
    /// What gaps cost: warn or deny.
    pub gap: Decision,
    /// What doubts cost.
    pub doubts: BTreeMap<Doubt, Decision>,
}

impl Default for Gate {
    fn default() -> Self {
        let doubts = [
            (Doubt::WeakIdentity, Decision::Allow),
            (Doubt::PlatformUnseen, Decision::Warn),
            (Doubt::DistroMayBackport, Decision::Warn),
            (Doubt::OtherSource, Decision::Warn),
            (Doubt::VersionUnparsable, Decision::Deny),
        ];
        Self {
            severity: Some(Severity::High),
            kev: true,
            cvss: None,
            epss: None,
            only_fixed: false,
            gap: Decision::Deny,
            doubts: doubts.into(),
        }
    }
}

impl Gate {
    /// What a doubt costs.
    #[must_use]
    pub fn cost_of(&self, doubt: Doubt) -> Decision {
        self.doubts.get(&doubt).copied().unwrap_or(Decision::Deny)
    }
}

/// The policy in force.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How the whitelist works.
    pub mode: Mode,
    /// Every rule, in the file's order by kind.
    pub rules: Vec<Rule>,
    /// The gate.
    pub gate: Gate,
    /// What packages are and are not.
    pub identities: Vec<OwnFact>,
}

impl Policy {
    /// The rules of a kind.
    pub fn rules_of(&self, kind: &'static str) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.kind == kind)
    }

    /// Reads a policy file. `path` is how the user would write its path.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Box<Diagnostic>> {
        let file: File = toml::from_str(text).map_err(|error| Box::new(told(path, text, &error)))?;
        let mut policy = Self {
            mode: file.whitelist.mode,
            rules: Vec::new(),
            gate: file.gate.into_gate(path, text)?,
            identities: own::facts(file.identity, path, text)?,
        };
        let kinds = [("allow", file.allow), ("deny", file.deny), ("suppress", file.suppress)];
        for (kind, entries) in kinds {
            for entry in entries {
                let index = policy.rules.len();
                let start = entry.span().start;
                policy.rules.push(entry.into_inner().into_rule(start, index, kind, path, text)?);
            }
        }
        Ok(policy)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    whitelist: Whitelist,
    #[serde(default)]
    gate: GateSection,
    #[serde(default)]
    allow: Vec<Spanned<Entry>>,
    #[serde(default)]
    deny: Vec<Spanned<Entry>>,
    #[serde(default)]
    suppress: Vec<Spanned<Entry>>,
    #[serde(default)]
    identity: Vec<own::Entry>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Whitelist {
    #[serde(default)]
    mode: Mode,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GateSection {
    fail_on: Option<Spanned<String>>,
    fail_on_kev: Option<bool>,
    fail_on_cvss: Option<f64>,
    fail_on_epss: Option<f64>,
    only_fixed: Option<bool>,
    on_gap: Option<Spanned<String>>,
    #[serde(default)]
    on_doubt: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl GateSection {
    fn into_gate(self, path: &str, text: &str) -> Result<Gate, Box<Diagnostic>> {
        let wrong = |at: &Spanned<String>, error: String| Box::new(Diagnostic::at(path, text, at.span().start, error, None));
        let mut gate = Gate::default();
        if let Some(word) = &self.fail_on {
            gate.severity = threshold(word.get_ref()).map_err(|error| wrong(word, error))?;
        }
        if let Some(word) = &self.on_gap {
            gate.gap = cost(word.get_ref())
                .ok()
                .filter(|cost| *cost != Decision::Allow)
                .ok_or_else(|| wrong(word, "on-gap is `warn` or `deny`".to_owned()))?;
        }
        for (kind, word) in &self.on_doubt {
            let names = || Doubt::ALL.into_iter().map(Doubt::name);
            let doubt = Doubt::from_name(kind.get_ref()).ok_or_else(|| {
                let help = nearest(kind.get_ref(), names()).map(|near| format!("did you mean `{near}`?"));
                Box::new(Diagnostic::at(
                    path,
                    text,
                    kind.span().start,
                    format!("`{}` is no doubt; there are {}", kind.get_ref(), names().collect::<Vec<_>>().join(", ")),
                    help,
                ))
            })?;
            gate.doubts.insert(doubt, cost(word.get_ref()).map_err(|error| wrong(word, error))?);
        }
        gate.kev = self.fail_on_kev.unwrap_or(gate.kev);
        gate.cvss = self.fail_on_cvss;
        gate.epss = self.fail_on_epss;
        gate.only_fixed = self.only_fixed.unwrap_or(false);
        Ok(gate)
    }
}

/// `none`, or the least severity that fails the gate.
///
/// # Errors
/// When the word is no severity.
pub fn threshold(word: &str) -> Result<Option<Severity>, String> {
    match word {
        "none" => Ok(None),
        "low" | "medium" | "high" | "critical" => Ok(Severity::from_word(word)),
        other => Err(format!("`{other}` is not one of none, low, medium, high, critical")),
    }
}

/// `allow`, `warn` or `deny`.
///
/// # Errors
/// When the word is another.
pub fn cost(word: &str) -> Result<Decision, String> {
    match word {
        "allow" => Ok(Decision::Allow),
        "warn" => Ok(Decision::Warn),
        "deny" => Ok(Decision::Deny),
        other => Err(format!("`{other}` is not one of allow, warn, deny")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    purl: Option<Spanned<String>>,
    range: Option<String>,
    id: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
    until: Option<Spanned<toml::Value>>,
    use_instead: Option<Spanned<String>>,
    justification: Option<Spanned<String>>,
}

/// The five justifications of VEX (CISA, "Minimum Requirements for VEX", 2023).
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

impl Entry {
    fn into_rule(self, start: usize, index: usize, kind: &'static str, path: &str, text: &str) -> Result<Rule, Box<Diagnostic>> {
        let entry = self;
        let wrong =
            |at: usize, message: String, help: Option<&str>| Box::new(Diagnostic::at(path, text, at, message, help.map(str::to_owned)));
        for (name, field, only) in [
            ("id", &entry.id, "suppress"),
            ("use-instead", &entry.use_instead, "deny"),
            ("justification", &entry.justification, "suppress"),
        ] {
            if let Some(field) = field.as_ref().filter(|_| only != kind) {
                return Err(wrong(field.span().start, format!("`{name}` belongs to [[{only}]], not to [[{kind}]]"), None));
            }
        }
        let at = entry.purl.as_ref().or(entry.id.as_ref()).map_or(start, |field| field.span().start);
        if entry.purl.is_none() && entry.id.is_none() {
            let needed = if kind == "suppress" { "`id` or `purl`" } else { "`purl`" };
            return Err(wrong(at, format!("this [[{kind}]] rule has no {needed}"), Some("purl = \"pkg:npm/name@1.2.3\"")));
        }
        if entry.reason.as_ref().is_none_or(|reason| reason.get_ref().trim().is_empty()) && kind != "allow" {
            return Err(wrong(
                at,
                format!("this [[{kind}]] rule has no reason"),
                Some("say why, so that it can be defended later: reason = \"…\""),
            ));
        }
        let range = entry.range.as_deref();
        let pattern = entry
            .purl
            .as_ref()
            .map(|purl| Pattern::parse(purl.get_ref(), range).map_err(|error| wrong(purl.span().start, error, None)))
            .transpose()?;
        let until = entry
            .until
            .as_ref()
            .map(|until| {
                date(until.get_ref()).ok_or_else(|| wrong(until.span().start, "`until` is not a date like 2026-12-31".to_owned(), None))
            })
            .transpose()?;
        if let Some(word) = entry.justification.as_ref().filter(|word| !JUSTIFICATIONS.contains(&word.get_ref().as_str())) {
            return Err(wrong(
                word.span().start,
                format!("`{}` is no VEX justification; there are {}", word.get_ref(), JUSTIFICATIONS.join(", ")),
                None,
            ));
        }
        let diagnostic = Diagnostic::at(path, text, at, String::new(), None);
        let text =
            [entry.id.as_ref().map(|id| id.get_ref().clone()), entry.purl.as_ref().map(|purl| purl.get_ref().clone()), entry.range.clone()];
        Ok(Rule {
            index,
            kind,
            text: text.into_iter().flatten().collect::<Vec<_>>().join(" "),
            pattern,
            id: entry.id.map(Spanned::into_inner),
            reason: entry.reason.map(Spanned::into_inner),
            until,
            use_instead: entry.use_instead.map(Spanned::into_inner),
            justification: entry.justification.map(Spanned::into_inner),
            location: Location { line: Some(diagnostic.line), column: Some(diagnostic.column), ..Location::file(path) },
        })
    }
}

/// A date written bare or in quotes.
fn date(value: &toml::Value) -> Option<String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(date) => date.date?.to_string(),
        _ => return None,
    };
    text.parse::<jiff::civil::Date>().ok().map(|date| date.to_string())
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

    #[test]
    fn a_policy_with_everything() {
        let text = "[whitelist]\nmode = \"allow-only\"\n[gate]\nfail-on = \"medium\"\non-gap = \"warn\"\n[gate.on-doubt]\nweak-identity = \"deny\"\n\
                    [[allow]]\npurl = \"pkg:npm/*\"\nuntil = 2026-12-31\n[[deny]]\npurl = \"pkg:npm/a\"\nrange = \"<2\"\nreason = \"old\"\n\
                    [[suppress]]\nid = \"CVE-2020-0001\"\nreason = \"not reachable\"\nuntil = \"2026-01-01\"\njustification = \"component_not_present\"\n";
        let policy = Policy::parse("scacheck.toml", text).unwrap();
        assert_eq!((policy.mode, policy.rules.len(), policy.gate.severity), (Mode::AllowOnly, 3, Some(Severity::Medium)));
        assert_eq!(policy.rules[0].location.line, Some(9));
        assert!(policy.rules[2].in_force("2026-01-01") && !policy.rules[2].in_force("2026-01-02"));
    }

    #[test]
    fn mistakes_are_one_diagnostic_each_with_place_and_help() {
        for (text, line, said) in [
            ("[whitelst]\n", 1, "did you mean `whitelist`?"),
            ("[whitelist]\nmode = \"alow-only\"\n", 2, "allow-only"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\nreasn = \"x\"\n", 3, "did you mean `reason`?"),
            ("[[deny]]\npurl = \"pkg:npm/a\"\n", 2, "no reason"),
            ("[[deny]]\npurl = \"lodash\"\nreason = \"x\"\n", 2, "not a purl"),
            ("[[allow]]\nreason = \"x\"\n", 1, "has no `purl`"),
            ("[[allow]]\npurl = \"pkg:npm/a\"\nid = \"CVE-2020-0001\"\n", 3, "belongs to [[suppress]]"),
            ("[[suppress]]\nid = \"CVE-2020-0001\"\nreason = \"x\"\nuntil = \"soon\"\n", 4, "not a date"),
            ("[gate]\nfail-on = \"hgih\"\n", 2, "not one of"),
            ("[gate.on-doubt]\nweak-idenity = \"warn\"\n", 2, "did you mean `weak-identity`?"),
            ("[[suppress]\n", 1, ""),
        ] {
            let diagnostic = Policy::parse("scacheck.toml", text).unwrap_err();
            assert_eq!(diagnostic.line, line, "{diagnostic}");
            assert!(diagnostic.to_string().contains(said), "{diagnostic}");
        }
    }
}
