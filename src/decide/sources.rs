//! `[sources]`: where packages may come from and how they must be pinned.

use super::digest::Digest;
use super::rule::{At, Body, Rule};
use super::source::Source;
use crate::diag::Diagnostic;
use crate::facts::is_public_registry;
use crate::model::package::{Location, Origin, SubjectKind};
use crate::model::purl::Ecosystem;
use crate::model::verdict::{Decision, RuleRef};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What `[sources]` says.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    registries: Option<(Vec<String>, Location)>,
    git: Option<(Vec<String>, Location)>,
    costs: BTreeMap<Trouble, (Decision, Location)>,
}

/// What can be wrong with where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// An address without encryption.
    Http,
    /// An archive at an address of its own.
    Archive,
    /// The lockfile has no digest.
    MissingIntegrity,
    /// Only digests of which others can be made.
    WeakIntegrity,
    /// A script runs when it is installed, and no rule approves of it.
    InstallScript,
    /// Its name is nearly that of an allowed package.
    NearName,
}

/// `[sources]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Section {
    registries: Option<Spanned<Vec<String>>>,
    git: Option<Spanned<Vec<String>>>,
    on_http: Option<Spanned<String>>,
    on_archive: Option<Spanned<String>>,
    on_missing_integrity: Option<Spanned<String>>,
    on_weak_integrity: Option<Spanned<String>>,
    on_install_script: Option<Spanned<String>>,
    on_near_name: Option<Spanned<String>>,
}

/// Something that `[sources]` has to say about a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// What it costs.
    pub decision: Decision,
    /// The key that says so.
    pub rule: RuleRef,
    /// In words.
    pub reason: String,
}

impl Sources {
    /// Lays a file's section over.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn lay(&mut self, section: &Section, source: &Source<'_>) -> Result<(), Box<Diagnostic>> {
        let list = |field: &Option<Spanned<Vec<String>>>| {
            field.as_ref().map(|field| (field.get_ref().clone(), source.location(field.span().start)))
        };
        self.registries = list(&section.registries).or_else(|| self.registries.take());
        self.git = list(&section.git).or_else(|| self.git.take());
        for (trouble, word) in [
            (Trouble::Http, &section.on_http),
            (Trouble::Archive, &section.on_archive),
            (Trouble::MissingIntegrity, &section.on_missing_integrity),
            (Trouble::WeakIntegrity, &section.on_weak_integrity),
            (Trouble::InstallScript, &section.on_install_script),
            (Trouble::NearName, &section.on_near_name),
        ] {
            let Some(word) = word else { continue };
            let cost = Decision::from_word(word.get_ref()).map_err(|error| source.wrong(word.span().start, error, None))?;
            if trouble == Trouble::NearName && cost == Decision::Deny {
                let message = "`on-near-name` is `warn` or `allow`: mode = \"allow-only\" denies every name that is not allowed";
                return Err(source.wrong(word.span().start, message, None));
            }
            self.costs.insert(trouble, (cost, source.location(word.span().start)));
        }
        Ok(())
    }

    /// What a trouble costs, as an objection; nothing where it costs nothing.
    #[must_use]
    pub fn object(&self, trouble: Trouble, reason: String) -> Option<Objection> {
        let (decision, location) = match (self.costs.get(&trouble), trouble) {
            (Some((decision, location)), _) => (*decision, Some(location.clone())),
            // A name that is nearly another's is told also where nothing is said of it.
            (None, Trouble::NearName) => (Decision::Warn, None),
            (None, _) => return None,
        };
        let rule = RuleRef { location, ..RuleRef::said("sources", trouble.key().to_owned()) };
        (decision != Decision::Allow).then_some(Objection { decision, rule, reason })
    }

    /// Everything there is to say about a package at a place. `by` are the allow rules that fit it.
    #[must_use]
    pub fn judge(&self, at: At<'_>, by: &[&Rule]) -> Vec<Objection> {
        let mut out: Vec<Objection> = self.place(at, by).into_iter().collect();
        let package = at.package;
        let mut add = |trouble, reason: &str| out.extend(self.object(trouble, reason.to_owned()));
        if let Origin::Url(address) = &package.origin {
            add(Trouble::Archive, &format!("it is an archive at {address}, not a release of a registry"));
        }
        let address = package.origin.address().unwrap_or_default();
        if ["http://", "git+http://", "git://"].iter().any(|scheme| address.starts_with(scheme)) {
            add(Trouble::Http, &format!("{address} is not encrypted"));
        }
        if is_pinned_by_digest(at) {
            if at.place.integrity.is_empty() {
                add(Trouble::MissingIntegrity, "the lockfile has no digest of it");
            } else if !at.place.integrity.iter().any(|text| Digest::parse(text).is_some_and(|digest| !digest.is_weak())) {
                add(Trouble::WeakIntegrity, &format!("it has no strong digest, only {}", at.place.integrity.join(" ")));
            }
        }
        let approved = by.iter().any(|rule| matches!(rule.body, Body::Allow { install_script: true, .. }));
        if package.install_script && !approved {
            add(
                Trouble::InstallScript,
                "it runs a script when it is installed; to approve of that: install-script = true in its [[allow]]",
            );
        }
        out
    }

    /// Registries and git organisations. A rule that names the package's own registry stands before the general list.
    fn place(&self, at: At<'_>, by: &[&Rule]) -> Option<Objection> {
        let package = at.package;
        let (list, key) = match &package.origin {
            Origin::Git(_) => (self.git.as_ref()?, "git"),
            Origin::Public if package.ecosystem().is_distro() => return None,
            Origin::Public | Origin::Registry(_) => (self.registries.as_ref()?, "registries"),
            Origin::Url(_) | Origin::Path(_) => return None,
        };
        let approved = by.iter().any(|rule| matches!(&rule.body, Body::Allow { registries, .. } if !registries.is_empty()));
        if approved || list.0.iter().any(|allowed| comes_from(&package.origin, package.ecosystem(), allowed)) {
            return None;
        }
        let address = package.origin.address().unwrap_or("the public registry");
        let rule = RuleRef { location: Some(list.1.clone()), ..RuleRef::said("sources", format!("{key} = {:?}", list.0)) };
        Some(Objection { decision: Decision::Deny, rule, reason: format!("it comes from {address}, which is not allowed") })
    }
}

impl Trouble {
    fn key(self) -> &'static str {
        match self {
            Self::Http => "on-http",
            Self::Archive => "on-archive",
            Self::MissingIntegrity => "on-missing-integrity",
            Self::WeakIntegrity => "on-weak-integrity",
            Self::InstallScript => "on-install-script",
            Self::NearName => "on-near-name",
        }
    }
}

/// Whether a package's origin is below an allowed address; `public` stands for the ecosystem's own registries.
#[must_use]
pub fn comes_from(origin: &Origin, ecosystem: Ecosystem, allowed: &str) -> bool {
    match origin {
        Origin::Public => {
            allowed == "public" || is_public_registry(ecosystem, allowed) || is_public_registry(ecosystem, &format!("{allowed}/"))
        }
        _ => {
            let (address, allowed) = (bare(origin.address().unwrap_or_default()), bare(allowed));
            !allowed.is_empty() && address.strip_prefix(&allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    }
}

/// An address without scheme, user, `.git` and fragment: `git@host:team/x.git` and `https://host/team/x` are one place.
fn bare(address: &str) -> String {
    let address = address.split(['#', '?']).next().unwrap_or_default();
    let (address, has_scheme) = match address.split_once("://") {
        Some((_, rest)) => (rest, true),
        None => (address, false),
    };
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    let joined = if has_scheme { format!("{host}{path}") } else { format!("{}{path}", host.replacen(':', "/", 1)) };
    let plain = joined.trim_end_matches('/').trim_end_matches(".git");
    let (host, path) = plain.split_at(plain.find('/').unwrap_or(plain.len()));
    format!("{}{path}", host.to_ascii_lowercase())
}

/// Whether a digest can be expected: lockfiles and SBOMs of language packages have them, what is installed has not.
fn is_pinned_by_digest(at: At<'_>) -> bool {
    let installed = matches!(at.subject.kind, SubjectKind::Image | SubjectKind::Rootfs | SubjectKind::Purl);
    let language = matches!(at.package.ecosystem(), Ecosystem::Npm | Ecosystem::Pypi | Ecosystem::Cargo);
    language && !installed && !at.place.bundled && matches!(at.package.origin, Origin::Public | Origin::Registry(_) | Origin::Url(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_below_another_by_whole_names() {
        let git = |text: &str| Origin::Git(text.to_owned());
        for (origin, allowed, expected) in [
            (git("git+ssh://git@github.com/acme/x.git#0123"), "https://github.com/acme", true),
            (git("git@github.com:acme/x.git"), "https://github.com/acme/", true),
            (git("https://github.com/acme-evil/x"), "https://github.com/acme", false),
            (git("https://github.com.evil.example/acme/x"), "https://github.com/acme", false),
            (git("https://user@evil.example/github.com/acme/x"), "https://github.com/acme", false),
            (git("https://GitHub.com/acme/x"), "https://github.com/acme/x.git", true),
            (Origin::Registry("https://npm.acme.example/x".to_owned()), "https://npm.acme.example", true),
            (Origin::Public, "public", true),
            (Origin::Public, "https://npm.acme.example", false),
            (git("https://github.com/acme/x"), "", false),
        ] {
            assert_eq!(comes_from(&origin, Ecosystem::Npm, allowed), expected, "{origin:?} {allowed}");
        }
    }
}
