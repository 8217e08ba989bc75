//! Other tools' files of suppressions and lists, taken over as rules; what cannot be said in a rule is listed, never dropped.

mod anchore;
mod cargo_deny;
mod clair;
mod dependency_check;
mod grype;
mod osv_scanner;
mod trivy;
mod yaml;

use super::edit::{self, Lines};
use crate::decide::policy::Policy;

/// The tables that rules go to.
pub const TABLES: [&str; 4] = ["allow", "deny", "suppress", "identity"];

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OWASP Dependency-Check's suppression XML (schemas 1.0 to 1.4).
    DependencyCheck,
    /// `.trivyignore`.
    TrivyIgnore,
    /// `.trivyignore.yaml`.
    TrivyYaml,
    /// The `ignore` list of `.grype.yaml`.
    Grype,
    /// `osv-scanner.toml`.
    OsvScanner,
    /// `deny.toml` of cargo-deny: advisories and bans.
    CargoDeny,
    /// The whitelists of claircli and clair-scanner.
    Clair,
    /// Anchore's policy bundles.
    Anchore,
}

/// What was taken over.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The rules, each with its table.
    pub rules: Vec<(&'static str, Lines)>,
    /// What could not be, with its place.
    pub left: Vec<String>,
}

impl Format {
    /// The format of a file, by its name and content; nothing for a policy file of our own.
    #[must_use]
    pub fn detect(path: &str, text: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        match () {
            () if text.trim_start().starts_with('<') => text.contains("<suppressions").then_some(Self::DependencyCheck),
            () if text.trim_start().starts_with('{') => {
                (text.contains("\"whitelists\"") || text.contains("\"policies\"")).then_some(Self::Anchore)
            }
            () if name.starts_with(".trivyignore") && !is_yaml => Some(Self::TrivyIgnore),
            () if has("[[IgnoredVulns]]") || has("[[PackageOverrides]]") => Some(Self::OsvScanner),
            () if name.ends_with(".toml") => {
                ["[advisories]", "[bans]", "[graph]", "[licenses]"].iter().any(|section| has(section)).then_some(Self::CargoDeny)
            }
            () if name.starts_with(".trivyignore") || has("vulnerabilities:") || has("misconfigurations:") => Some(Self::TrivyYaml),
            () if has("ignore:") => Some(Self::Grype),
            () if has("generalwhitelist:") || has("common:") || is_yaml && text.contains("CVE-") => Some(Self::Clair),
            () => None,
        }
    }

    /// Their names, for people.
    #[must_use]
    pub fn names() -> &'static str {
        "Dependency-Check's suppression XML, .trivyignore (also .yaml), the ignore list of .grype.yaml, osv-scanner.toml, cargo-deny's deny.toml, \
         claircli's whitelist, an Anchore policy bundle"
    }
}

/// Reads a file.
///
/// # Errors
/// When it is not of the format.
pub fn read(format: Format, text: &str) -> Result<Imported, String> {
    let imported = match format {
        Format::DependencyCheck => dependency_check::read(text)?,
        Format::TrivyIgnore => trivy::read_lines(text),
        Format::TrivyYaml => trivy::read_yaml(text)?,
        Format::Grype => grype::read(text)?,
        Format::OsvScanner => osv_scanner::read(text)?,
        Format::CargoDeny => cargo_deny::read(text)?,
        Format::Clair => clair::read(text)?,
        Format::Anchore => anchore::read(text)?,
    };
    Ok(imported.checked())
}

impl Imported {
    /// The rules of a table.
    #[must_use]
    pub fn lines(&self, table: &str) -> Vec<Lines> {
        self.rules.iter().filter(|(one, _)| *one == table).map(|(_, lines)| lines.clone()).collect()
    }

    /// As a policy file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let add = |text: String, table: &&str| edit::add(&text, table, &self.lines(table)).unwrap_or(text);
        TABLES.iter().filter(|table| !self.lines(table).is_empty()).fold(String::new(), add)
    }

    /// Without the rules that no policy file could have; they are listed.
    fn checked(mut self) -> Self {
        for (table, lines) in std::mem::take(&mut self.rules) {
            let alone = edit::add("", table, std::slice::from_ref(&lines)).unwrap_or_default();
            match Policy::parse("", &alone) {
                Ok(_) => self.rules.push((table, lines)),
                Err(wrong) => self.left.push(format!("{}: {}", wrong.message, alone.replace('\n', " ").trim())),
            }
        }
        self
    }

    /// Notes a suppression. Where the file gives no reason, that is the reason.
    fn suppress(&mut self, id: Option<&str>, purl: Option<&str>, reason: Option<&str>, rest: Lines) {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).unwrap_or("taken over; the file gave no reason");
        self.rules.push(("suppress", Lines::default().text("id", id).text("purl", purl).text("reason", Some(reason)).and(rest)));
    }

    /// Notes something that cannot be taken over.
    fn leave(&mut self, what: impl Into<String>) {
        self.left.push(what.into());
    }
}

/// The pattern of a package whose ecosystem the file does not say.
fn anywhere(name: &str) -> String {
    format!("pkg:{{npm,pypi,cargo,gem,golang,generic,maven/*,deb/*,rpm/*,apk/*}}/{name}")
}

/// The day of a date or time, if it is one.
fn day(text: &str) -> Option<String> {
    text.trim().get(..10)?.parse::<jiff::civil::Date>().ok().map(|date| date.to_string())
}
