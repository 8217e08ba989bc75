//! Facts that ship inside the program: worlds, registries and runtimes, read once from `data/`.
//!
//! They are data with a source, not code; a wrong fact is mended in the file. Every file is parsed in a
//! test, so that a broken one never ships.

pub mod distro;
pub mod hardening;
pub mod secret_files;
pub mod secrets;

use crate::model::purl::Ecosystem;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// An ecosystem or kind of software that records speak of (`data/worlds.toml`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Its name.
    pub name: String,
    /// The purl type, where packages of it are judged.
    #[serde(default)]
    ecosystem: Option<String>,
    /// Parts of addresses.
    pub references: Vec<String>,
    /// Words of descriptions.
    pub words: Vec<String>,
    /// File name endings.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Values of target_sw.
    pub targets: Vec<String>,
    /// Texts in an address before a package's name.
    #[serde(default)]
    pub names: Vec<String>,
    /// The year in which its registry opened; no older record is about a package of it.
    pub since: Option<u16>,
}

impl World {
    /// The ecosystem whose packages live in this world.
    #[must_use]
    pub fn ecosystem(&self) -> Option<Ecosystem> {
        self.ecosystem.as_deref().map(Ecosystem::from_type)
    }
}

#[derive(Deserialize)]
struct Worlds {
    world: Vec<World>,
}

/// The text of `data/worlds.toml`: a mirror built with another text is built anew.
pub const WORLDS_TEXT: &str = include_str!("../data/worlds.toml");

/// All worlds, in the order of their bits.
pub fn worlds() -> &'static [World] {
    static WORLDS: LazyLock<Vec<World>> =
        LazyLock::new(|| toml::from_str::<Worlds>(WORLDS_TEXT).map(|file| file.world).unwrap_or_default());
    &WORLDS
}

/// The world of an ecosystem's packages.
#[must_use]
pub fn world_of(ecosystem: Ecosystem) -> Option<&'static World> {
    worlds().iter().find(|world| world.ecosystem() == Some(ecosystem))
}

#[derive(Deserialize)]
struct Registry {
    public: Vec<String>,
}

/// Whether an address is the ecosystem's public registry.
#[must_use]
pub fn is_public_registry(ecosystem: Ecosystem, address: &str) -> bool {
    static REGISTRIES: LazyLock<BTreeMap<String, Registry>> =
        LazyLock::new(|| toml::from_str(include_str!("../data/registries.toml")).unwrap_or_default());
    REGISTRIES.get(ecosystem.name()).is_some_and(|registry| registry.public.iter().any(|public| address.starts_with(public)))
}

/// A runtime that packages of an ecosystem always run on (`data/curated/runtimes.toml`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtime {
    ecosystem: String,
    products: Vec<String>,
    #[serde(rename = "reason")]
    _reason: String,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Deserialize)]
struct Runtimes {
    runtime: Vec<Runtime>,
}

/// Whether a package of that ecosystem always runs on that product (`vendor:product`).
#[must_use]
pub fn always_runs_on(ecosystem: Ecosystem, product: &str) -> bool {
    static RUNTIMES: LazyLock<Vec<Runtime>> = LazyLock::new(|| {
        assert!(is_generic("core") && !is_generic("lodash"));
        toml::from_str::<Runtimes>(include_str!("../data/curated/runtimes.toml")).map(|file| file.runtime).unwrap_or_default()
    });
    RUNTIMES.iter().any(|runtime| runtime.ecosystem == ecosystem.name() && runtime.products.iter().any(|known| known == product))
}

/// Whether a vendor's projects once counted in years, and then in smaller numbers (`data/curated/schemes.toml`).
#[must_use]
pub fn years_before(vendor: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Scheme {
        vendor: String,
        years_before: bool,
    }
    #[derive(Deserialize)]
    struct Schemes {
        scheme: Vec<Scheme>,
    }
    static SCHEMES: LazyLock<Vec<Scheme>> = LazyLock::new(|| {
        toml::from_str::<Schemes>(include_str!("../data/curated/schemes.toml")).map(|file| file.scheme).unwrap_or_default()
    });
    SCHEMES.iter().any(|scheme| scheme.years_before && scheme.vendor == vendor)
}

/// A curated identity (`data/curated/identity.toml`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityFact {
    /// The package, as a purl without version.
    pub purl: String,
    /// Products it is, as `vendor:product`.
    #[serde(default)]
    pub is: Vec<String>,
    /// Products it is not.
    #[serde(default, rename = "is-not")]
    pub is_not: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where that can be read.
    pub source: String,
    /// When it was written down.
    pub date: String,
}

#[derive(Deserialize)]
struct IdentityFacts {
    identity: Vec<IdentityFact>,
}

/// The curated fact about a package.
#[must_use]
pub fn curated(purl_without_version: &str) -> Option<&'static IdentityFact> {
    static FACTS: LazyLock<BTreeMap<String, IdentityFact>> = LazyLock::new(|| {
        let file = toml::from_str::<IdentityFacts>(include_str!("../data/curated/identity.toml"));
        file.map(|file| file.identity.into_iter().map(|fact| (fact.purl.clone(), fact)).collect()).unwrap_or_default()
    });
    FACTS.get(purl_without_version)
}

/// Whether a word names a part of any program (`core`, `client`), and so nothing by itself.
#[must_use]
pub fn is_generic(word: &str) -> bool {
    #[derive(Deserialize)]
    struct File {
        words: Vec<String>,
    }
    static WORDS: LazyLock<Vec<String>> =
        LazyLock::new(|| toml::from_str::<File>(include_str!("../data/generic.toml")).map(|file| file.words).unwrap_or_default());
    WORDS.iter().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    #[test]
    fn every_file_parses_and_is_not_empty() {
        assert!(toml::from_str::<Worlds>(WORLDS_TEXT).unwrap().world.len() <= 31, "the bits of one number");
        assert!(world_of(Ecosystem::Npm).is_some() && world_of(Ecosystem::Pypi).is_some() && world_of(Ecosystem::Cargo).is_some());
        toml::from_str::<Runtimes>(include_str!("../data/curated/runtimes.toml")).unwrap();
        assert!(is_public_registry(Ecosystem::Cargo, "registry+https://github.com/rust-lang/crates.io-index"));
        assert!(!is_public_registry(Ecosystem::Npm, "https://registry.example.test/lodash"));
    }

    #[test]
    fn curated_facts_are_canonical_and_say_why() {
        let file: IdentityFacts = toml::from_str(include_str!("../data/curated/identity.toml")).unwrap();
        for fact in file.identity {
            assert_eq!(fact.purl.parse::<Purl>().unwrap().text(), fact.purl);
            assert!(fact.reason.len() > 10 && fact.source.starts_with("https://"), "{}", fact.purl);
            assert!(fact.date.parse::<jiff::civil::Date>().is_ok(), "{}", fact.purl);
            assert!(!fact.is.is_empty() || !fact.is_not.is_empty());
            for name in fact.is.iter().chain(&fact.is_not) {
                assert_eq!(name.split(':').count(), 2, "{name}");
            }
        }
    }
}
