//! What the mirror knows about a product beside its CVEs: the evidence that identity is built on.
//!
//! The facts are reduced at sync time from references, descriptions and target software; no description is
//! read during a check.

use super::cpe::ProductName;

/// How often a world (an ecosystem or a kind of software: `npm`, `wordpress`, `device`) speaks of a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorldCount {
    /// The world's name, from `data/worlds.toml`.
    pub world: String,
    /// CVEs with a reference into that world (its registry or advisory database).
    pub references: u32,
    /// CVEs whose description uses that world's words.
    pub words: u32,
    /// Criteria whose target software is that world.
    pub targets: u32,
}

/// A product and what speaks for or against it being a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFacts {
    /// Which product.
    pub product: ProductName,
    /// CVEs that name it vulnerable.
    pub cves: u32,
    /// The year of the newest CVE's id; 0 where none names it.
    pub latest: u16,
    /// Worlds that speak of it.
    pub worlds: Vec<WorldCount>,
}

/// A package name that the references of a product's CVEs link to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedName {
    /// Which product.
    pub product: ProductName,
    /// CVEs of this product alone that link to the package.
    pub cves: u32,
    /// How many organisations assigned those CVEs.
    pub assigners: u32,
}

/// One hit of a search over vendor and product names.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// Which product.
    pub product: ProductName,
    /// Relevance within this one search; not comparable between searches.
    pub score: f32,
}

/// What a policy says a package is or is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFact {
    /// The package, as a canonical purl without a version.
    pub purl: String,
    /// Products that it is.
    pub is: Vec<ProductName>,
    /// Products that it is not.
    pub is_not: Vec<ProductName>,
    /// Why.
    pub reason: String,
    /// File and line of the rule.
    pub place: String,
}

/// What an identity may rest on, beside what an SBOM states. All of it, but for measurements of what each kind is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// Curated facts.
    pub curated: bool,
    /// Links learned from the mirror's own records.
    pub learned: bool,
    /// The same name.
    pub names: bool,
    /// Other shapes of the name: affixes, scopes, twins, additions, separators.
    pub shapes: bool,
    /// The ecosystem guard: what records say of a product. Without it, every product of the name is the package.
    pub guard: bool,
}

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self { curated: true, learned: true, names: true, shapes: true, guard: true };
}

/// What is known about packages beside the mirror.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'a> {
    /// What the policy says.
    pub own: &'a [OwnFact],
    /// Which evidence counts.
    pub kinds: Kinds,
}
