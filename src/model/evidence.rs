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
