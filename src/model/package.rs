//! Packages and where they were found: what the acquire room hands over.

use super::cpe::CpeName;
use super::dockerfile::Dockerfile;
use super::image::ImageFacts;
use super::purl::{Ecosystem, Purl};
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A place in the subject, its path relative to the subject's root with `/` between names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// Path of the file, or `-` for standard input, or the purl given as argument.
    pub path: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Digest of the image layer that brought the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Whether that layer is the base image's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
}

impl Location {
    /// A file as a whole.
    #[must_use]
    pub fn file(path: &str) -> Self {
        Self { path: path.to_owned(), line: None, column: None, layer: None, base: false }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

/// What a package is needed for, the most binding first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Needed when the product runs.
    Production,
    /// Installed where it can be.
    Optional,
    /// Needed to build and test only.
    Development,
}

impl Scope {
    /// The word used in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Optional => "optional",
            Self::Development => "development",
        }
    }

    /// The scope of that name; `prod` and `dev` are short forms.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "production" | "prod" => Some(Self::Production),
            "optional" => Some(Self::Optional),
            "development" | "dev" => Some(Self::Development),
            _ => None,
        }
    }
}

/// Where the bytes of a package come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The ecosystem's public registry, or nothing is said.
    Public,
    /// Another registry.
    Registry(String),
    /// A version control repository.
    Git(String),
    /// An archive at a URL.
    Url(String),
    /// A folder or file of this machine.
    Path(String),
}

impl Origin {
    /// The same with another address.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Public => Self::Public,
            Self::Registry(address) => Self::Registry(change(&address)),
            Self::Git(address) => Self::Git(change(&address)),
            Self::Url(address) => Self::Url(change(&address)),
            Self::Path(address) => Self::Path(change(&address)),
        }
    }

    /// The address, where it is not the public registry.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Public => None,
            Self::Registry(address) | Self::Git(address) | Self::Url(address) | Self::Path(address) => Some(address),
        }
    }
}

/// The package that a distribution builds its binary packages from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One name on the way from the project to a package, shared by all the paths that it stands on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathName(Arc<str>);

impl From<String> for PathName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl AsRef<str> for PathName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for PathName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// One place where a package was found, with what holds there only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Where.
    pub location: Location,
    /// What it is needed for there.
    pub scope: Scope,
    /// Whether the project itself asks for it; nothing where the file does not say.
    pub direct: Option<bool>,
    /// Names from a root of the lockfile down to this package: the shortest, then those through other packages.
    pub paths: Vec<Vec<PathName>>,
    /// Digests as the lockfile writes them.
    pub integrity: Vec<String>,
    /// Whether its bytes are part of another package's, whose digest covers them.
    pub bundled: bool,
}

/// One package at one version, with every place it was found in.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its identity in its ecosystem.
    pub purl: Purl,
    /// The version as written.
    pub version: String,
    /// The distribution's source package.
    pub source: Option<SourcePackage>,
    /// Where its bytes come from.
    pub origin: Origin,
    /// Whether installing it runs a script of its own.
    pub install_script: bool,
    /// CPE names that an SBOM states for it.
    pub stated_cpes: Vec<CpeName>,
    /// Its repositories, as its own metadata name them (`model::repository`).
    pub repositories: Vec<String>,
    /// Who built it, as its database says.
    pub vendor: Option<String>,
    /// The rpm module it is of, `name:stream:version:context`.
    pub module: Option<String>,
    /// Where it was found; never empty.
    pub places: Vec<Place>,
}

impl Package {
    /// The ecosystem.
    #[must_use]
    pub fn ecosystem(&self) -> Ecosystem {
        self.purl.ecosystem()
    }

    /// The name as the ecosystem writes it.
    #[must_use]
    pub fn name(&self) -> String {
        self.purl.full_name()
    }

    /// The digests of all places, sorted.
    #[must_use]
    pub fn integrity(&self) -> Vec<String> {
        let digests: std::collections::BTreeSet<&String> = self.places.iter().flat_map(|place| &place.integrity).collect();
        digests.into_iter().cloned().collect()
    }

    /// The most binding scope of its places.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.places.iter().map(|place| place.scope).min().unwrap_or(Scope::Production)
    }

    /// The ways by which the project comes to it, over all places.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<PathName>> {
        let mut paths: Vec<Vec<PathName>> = self.places.iter().flat_map(|place| &place.paths).cloned().collect();
        paths.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        paths.dedup();
        paths
    }

    /// Whether any place asks for it directly; nothing where no file says.
    #[must_use]
    pub fn direct(&self) -> Option<bool> {
        self.places.iter().filter_map(|place| place.direct).max()
    }
}

/// What was made of a file or database that scacheck knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CoverageState {
    /// Read whole.
    Read,
    /// Known, but it could not be read.
    Failed,
    /// Known, but there is no reader for it yet.
    Unsupported,
    /// A folder of somebody else's files, passed over by default.
    Excluded,
}

/// One line of the account of what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Coverage {
    /// Which subject.
    pub subject: String,
    /// Path of the file, relative to the subject.
    pub path: String,
    /// The format's name.
    pub reader: String,
    /// How many packages it holds.
    pub packages: usize,
    /// What was made of it.
    pub state: CoverageState,
    /// Why it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Something that could not be looked at: it is in the report, and the policy judges it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Where.
    pub location: Location,
    /// What could not be read and what to do.
    pub reason: String,
}

/// The kinds of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// A folder.
    Directory,
    /// One file.
    File,
    /// A container image.
    Image,
    /// A root filesystem.
    Rootfs,
    /// A software bill of materials.
    Sbom,
    /// A purl given as argument.
    Purl,
    /// Standard input.
    Stdin,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// As the user named it.
    pub name: String,
    /// The names an image was saved under.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// An image's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The distribution, as `debian:12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distro: Option<String>,
    /// The image it builds upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What an image says about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
}

/// Everything found in one subject.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// What was looked at.
    pub subject: Subject,
    /// One entry per purl, sorted by purl.
    pub packages: Vec<Package>,
    /// Dockerfiles, in the order in which they were read.
    pub dockerfiles: Vec<Dockerfile>,
    /// What was made of each known file, sorted by path.
    pub coverage: Vec<Coverage>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}
