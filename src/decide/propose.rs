//! The allow rule that a package asks for: exact version and digests, or the source package of a distribution.

use crate::model::package::{Origin, Package};
use std::fmt::Write;

/// Stands where a person is to say why.
pub const ASK: &str = "…";

/// An allow rule to be written down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// `purl` or `source`.
    pub key: &'static str,
    /// The pattern.
    pub pattern: String,
    /// Who built it, for what a distribution's database says that of.
    pub vendor: Option<String>,
    /// The registry, where that is not the public one.
    pub registry: Option<String>,
    /// Digests as the lockfile writes them.
    pub integrity: Vec<String>,
    /// Whether it runs a script when it is installed.
    pub install_script: bool,
}

/// The rule that would allow a package as it is. A distribution's package is named by its source package and release, in any version: its
/// security updates need no edit.
#[must_use]
pub fn rule_for(package: &Package) -> Proposal {
    if package.ecosystem().is_distro() {
        let namespace = package.purl.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let name = package.source.as_ref().map_or(package.purl.base_name(), |source| &source.name);
        let release = package.purl.qualifier("distro").map(|release| format!("?distro={}", any_update(release))).unwrap_or_default();
        return Proposal {
            key: "source",
            pattern: format!("pkg:{}/{namespace}{name}{release}", package.purl.kind()),
            vendor: package.vendor.clone(),
            registry: None,
            integrity: Vec::new(),
            install_script: false,
        };
    }
    let end = package.purl.text().find(['?', '#']).unwrap_or(package.purl.text().len());
    let integrity = package.integrity();
    let registry = if let Origin::Registry(address) = &package.origin { Some(address.clone()) } else { None };
    let pattern = package.purl.text()[..end].replace("%40", "@");
    Proposal { key: "purl", pattern, vendor: None, registry, integrity, install_script: package.install_script }
}

/// `almalinux-9.2` becomes `almalinux-9*`: the minor number changes with updates.
fn any_update(release: &str) -> String {
    match release.rfind('-') {
        Some(at) if release[at..].contains('.') => {
            let major = release[at..].find('.').map_or(release.len(), |dot| at + dot);
            format!("{}*", &release[..major])
        }
        _ => release.to_owned(),
    }
}

impl Proposal {
    /// As lines of a policy file. Without a reason, the one in `[whitelist]` holds.
    #[must_use]
    pub fn to_toml(&self, reason: Option<&str>) -> String {
        let mut out = format!("[[allow]]\n{} = {}\n", self.key, quoted(&self.pattern));
        let mut field = |key: &str, value: String| {
            let _ = writeln!(out, "{key} = {value}");
        };
        if let Some(vendor) = &self.vendor {
            field("vendor", quoted(vendor));
        }
        if let Some(registry) = &self.registry {
            field("registry", quoted(registry));
        }
        match self.integrity.as_slice() {
            [] => {}
            [one] => field("integrity", quoted(one)),
            many => field("integrity", format!("[{}]", many.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "))),
        }
        if self.install_script {
            field("install-script", "true".to_owned());
        }
        if let Some(reason) = reason {
            field("reason", quoted(reason));
        }
        out
    }
}

/// A text as TOML writes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
