//! Package URLs, as the purl specification and its type definitions fix them.
//!
//! Parsing and the canonical form are the `packageurl` crate's; this type adds the ecosystem and keeps the
//! canonical text, so that two purls are equal exactly when their texts are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The package ecosystems that scacheck tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    /// npm registry packages.
    Npm,
    /// Python packages.
    Pypi,
    /// Rust crates.
    Cargo,
    /// Debian packages and their derivatives.
    Deb,
    /// RPM packages.
    Rpm,
    /// Alpine packages.
    Apk,
    /// `pkg:generic`, judged by a stated CPE only.
    Generic,
    /// A purl type that scacheck does not judge yet.
    Other,
}

impl Ecosystem {
    /// The ecosystem of a purl type.
    #[must_use]
    pub fn from_type(kind: &str) -> Self {
        match kind {
            "npm" => Self::Npm,
            "pypi" => Self::Pypi,
            "cargo" => Self::Cargo,
            "deb" => Self::Deb,
            "rpm" => Self::Rpm,
            "apk" => Self::Apk,
            "generic" => Self::Generic,
            _ => Self::Other,
        }
    }

    /// The purl type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Cargo => "cargo",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
            Self::Generic => "generic",
            Self::Other => "other",
        }
    }

    /// Whether a distribution builds and patches these packages.
    #[must_use]
    pub fn is_distro(self) -> bool {
        matches!(self, Self::Deb | Self::Rpm | Self::Apk)
    }

    /// The ecosystem word of the OSV schema for a language ecosystem.
    #[must_use]
    pub fn osv_name(self) -> Option<&'static str> {
        match self {
            Self::Npm => Some("npm"),
            Self::Pypi => Some("PyPI"),
            Self::Cargo => Some("crates.io"),
            _ => None,
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is not a package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package URL: {reason}")]
pub struct PurlError {
    /// The offending text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A package URL in canonical form.
#[derive(Debug, Clone)]
pub struct Purl {
    ecosystem: Ecosystem,
    kind: String,
    namespace: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<String, String>,
    text: String,
}

impl Purl {
    /// A purl of a language package: `name` may carry its scope (`@scope/name`).
    ///
    /// # Errors
    /// When the parts do not make a valid purl (an empty name, say).
    pub fn of_package(ecosystem: Ecosystem, name: &str, version: &str) -> Result<Self, PurlError> {
        let error = |reason: String| PurlError { text: format!("pkg:{ecosystem}/{name}@{version}"), reason };
        let (namespace, base) = match name.rsplit_once('/') {
            Some((namespace, base)) => (Some(namespace), base),
            None => (None, name),
        };
        let mut purl = packageurl::PackageUrl::new(ecosystem.name(), base.to_owned()).map_err(|e| error(e.to_string()))?;
        if let Some(namespace) = namespace {
            purl.with_namespace(namespace.to_owned()).map_err(|e| error(e.to_string()))?;
        }
        if !version.is_empty() {
            purl.with_version(version.to_owned()).map_err(|e| error(e.to_string()))?;
        }
        Ok(Self::from_crate(&purl))
    }

    fn from_crate(purl: &packageurl::PackageUrl<'_>) -> Self {
        Self {
            ecosystem: Ecosystem::from_type(purl.ty()),
            kind: purl.ty().to_owned(),
            namespace: purl.namespace().map(str::to_owned),
            name: purl.name().to_owned(),
            version: purl.version().map(str::to_owned),
            qualifiers: purl.qualifiers().iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            text: purl.to_string(),
        }
    }

    /// The ecosystem.
    #[must_use]
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// The purl type as written, also of an ecosystem that is not judged.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The namespace: an npm scope, a distribution.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name without its namespace.
    #[must_use]
    pub fn base_name(&self) -> &str {
        &self.name
    }

    /// The name as the ecosystem writes it: npm scopes belong to it.
    #[must_use]
    pub fn full_name(&self) -> String {
        match &self.namespace {
            Some(namespace) if !self.ecosystem.is_distro() => format!("{namespace}/{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// The version, if it has one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The version with what the type keeps in qualifiers: an rpm's `epoch` (purl-spec, type rpm). Empty where there is no version.
    #[must_use]
    pub fn full_version(&self) -> Cow<'_, str> {
        let version = self.version().unwrap_or_default();
        match self.qualifier("epoch").filter(|epoch| self.kind() == "rpm" && *epoch != "0") {
            Some(epoch) if !version.contains(':') => format!("{epoch}:{version}").into(),
            _ => version.into(),
        }
    }

    /// A qualifier's value.
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.get(key).map(String::as_str)
    }

    /// The qualifiers it gives, sorted.
    pub fn qualifier_keys(&self) -> impl Iterator<Item = &str> {
        self.qualifiers.keys().map(String::as_str)
    }

    /// The canonical text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The canonical text up to the version: the name of all versions of the package.
    #[must_use]
    pub fn without_version(&self) -> &str {
        let end = self.text.find('?').or_else(|| self.text.find('#')).unwrap_or(self.text.len());
        match self.text[..end].rfind('@') {
            Some(at) if self.version.is_some() => &self.text[..at],
            _ => &self.text[..end],
        }
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        let text = text.trim();
        // Scopes are often written unescaped (`pkg:npm/@scope/name@1`); the specification wants `%40`.
        let escaped = text.strip_prefix("pkg:npm/@").map(|rest| format!("pkg:npm/%40{rest}"));
        let source = escaped.as_deref().unwrap_or(text);
        packageurl::PackageUrl::from_str(source)
            .map(|purl| Self::from_crate(&purl))
            .map_err(|error| PurlError { text: text.to_owned(), reason: error.to_string() })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Purl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Purl {}

impl PartialOrd for Purl {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Purl {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for Purl {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_follow_the_type_definitions() {
        for (given, canonical) in [
            ("pkg:npm/@angular/core@1.0.0", "pkg:npm/%40angular/core@1.0.0"),
            ("pkg:pypi/Zope_Interface@5.0", "pkg:pypi/zope-interface@5.0"),
            ("pkg:cargo/smallvec@0.5.1", "pkg:cargo/smallvec@0.5.1"),
            (
                "pkg:deb/debian/openssl@1.1.1n-0+deb11u3?distro=debian-11&arch=amd64",
                "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u3?arch=amd64&distro=debian-11",
            ),
        ] {
            assert_eq!(given.parse::<Purl>().unwrap().text(), canonical);
        }
    }

    #[test]
    fn parts_are_told_apart() {
        let purl: Purl = "pkg:npm/%40angular/core@1.0.0".parse().unwrap();
        assert_eq!(purl.full_name(), "@angular/core");
        assert_eq!(purl.without_version(), "pkg:npm/%40angular/core");
        let purl: Purl = "pkg:npm/%40angular/core".parse().unwrap();
        assert_eq!(purl.without_version(), "pkg:npm/%40angular/core");
        assert_eq!(Purl::of_package(Ecosystem::Npm, "@a/b", "1").unwrap().text(), "pkg:npm/%40a/b@1");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "lodash", "pkg:", "pkg:npm", "pkg:npm/"] {
            assert!(bad.parse::<Purl>().is_err(), "{bad}");
        }
        assert!(Purl::of_package(Ecosystem::Npm, "", "1").is_err());
    }
}
