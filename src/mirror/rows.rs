//! From records to rows: interning of products and criteria, and the compact form of configuration trees.
//!
//! The [`Interner`] lives in the decoding thread; what it hands over is ready to be inserted, so that the
//! writing thread only binds values.

use crate::model::advisory::{CveDetail, CveId, Operator};
use crate::model::cpe::{ProductName, name_key, split_formatted};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A criterion as a feed writes it.
#[derive(Debug, Clone, Default)]
pub struct RawCriterion<'a> {
    /// Whether the product is the vulnerable one.
    pub vulnerable: bool,
    /// The formatted string.
    pub criteria: Cow<'a, str>,
    /// start including, start excluding, end including, end excluding.
    pub ends: [Option<Cow<'a, str>>; 4],
}

/// A node as a feed writes it.
#[derive(Debug, Clone)]
pub struct RawNode<'a> {
    /// How operands are joined.
    pub operator: Operator,
    /// Whether the result is turned round.
    pub negate: bool,
    /// Criteria.
    pub matches: Vec<RawCriterion<'a>>,
}

/// A configuration as a feed writes it.
#[derive(Debug, Clone)]
pub struct RawConfiguration<'a> {
    /// How nodes are joined.
    pub operator: Operator,
    /// Whether the result is turned round.
    pub negate: bool,
    /// Nodes.
    pub nodes: Vec<RawNode<'a>>,
}

/// A package that a record is about, and the product that stands for it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The ecosystem.
    pub ecosystem: &'static str,
    /// The package, as a `name_key`.
    pub name: String,
    /// The record's product.
    pub product: ProductName,
}

/// An NVD record as sync hands it over.
#[derive(Debug, Clone)]
pub struct RawRecord<'a> {
    /// Its id.
    pub id: CveId,
    /// When it was published, as the feed writes it.
    pub published: Cow<'a, str>,
    /// When it was last changed, as the feed writes it.
    pub modified: Cow<'a, str>,
    /// Its status.
    pub status: Cow<'a, str>,
    /// Everything that is only shown.
    pub detail: CveDetail<'a>,
    /// Its configurations.
    pub configurations: Vec<RawConfiguration<'a>>,
    /// Worlds it speaks of.
    pub signals: i64,
    /// Packages that its references link to: ecosystem and name.
    pub links: Vec<(&'static str, String)>,
    /// Packages that it names, where it has no configuration: by ecosystem and canonical name, or '' and a `name_key`.
    pub mentions: Vec<(&'static str, String)>,
    /// Packages that it is about although its product has another name.
    pub subjects: Vec<Subject>,
    /// Repositories that its references lead into.
    pub repositories: Vec<String>,
}

/// A new row of `product`.
#[derive(Debug, Clone)]
pub struct ProductRow {
    /// Its number.
    pub id: u32,
    /// `part:vendor:product`, quoted.
    pub name: Box<str>,
    /// The key of the product.
    pub key: String,
}

/// A new row of `criteria`.
#[derive(Debug, Clone)]
pub struct CriteriaRow {
    /// Its number.
    pub id: u32,
    /// Its product.
    pub product: u32,
    /// Version and later attributes.
    pub rest: String,
    /// The four ends.
    pub ends: [Option<String>; 4],
}

/// A row of `cve` with what belongs to it.
#[derive(Debug, Clone)]
pub struct CveRow {
    /// Packed id.
    pub id: i64,
    /// When published.
    pub published: String,
    /// When last changed.
    pub modified: String,
    /// Status.
    pub status: String,
    /// The tree's compact form.
    pub tree: String,
    /// Worlds.
    pub signals: i64,
    /// JSON detail.
    pub detail: String,
    /// Whether an older row of the same id must go.
    pub replaces: bool,
    /// Vulnerable products.
    pub products: Vec<u32>,
    /// Linked packages.
    pub links: Vec<(&'static str, String)>,
    /// Packages that it names, where it has no configuration.
    pub mentions: Vec<(&'static str, String)>,
    /// Packages that it is about although its product has another name.
    pub subjects: Vec<Subject>,
    /// Repositories that its references lead into.
    pub repositories: Vec<String>,
}

/// A record that could not be decoded.
#[derive(Debug, Clone)]
pub struct AsideRow {
    /// Its id, or its place in the feed.
    pub record: String,
    /// What is wrong.
    pub error: String,
    /// The record as it came.
    pub raw: String,
}

/// Rows ready to be inserted, in an order that keeps references valid.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// New products.
    pub products: Vec<ProductRow>,
    /// New criteria.
    pub criteria: Vec<CriteriaRow>,
    /// Records.
    pub cves: Vec<CveRow>,
    /// Records kept aside.
    pub aside: Vec<AsideRow>,
}

/// Configurations in the mirror's form, with the products that they call vulnerable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The tree's compact form.
    pub text: String,
    /// Vulnerable products, sorted, each once.
    pub products: Vec<u32>,
}

/// Numbers products and criteria, and knows how new each record is.
#[derive(Debug, Default)]
pub struct Interner {
    products: HashMap<Box<str>, u32>,
    criteria: HashMap<u128, u32>,
    modified: HashMap<i64, i64>,
}

impl Interner {
    /// Takes up a product of an earlier generation.
    pub fn know_product(&mut self, id: u32, part: &str, vendor: &str, product: &str) {
        self.products.insert(format!("{part}:{vendor}:{product}").into(), id);
    }

    /// Takes up a criterion of an earlier generation.
    pub fn know_criterion(&mut self, id: u32, product: u32, rest: &str, ends: [Option<&str>; 4]) {
        self.criteria.insert(criterion_key(product, rest, ends), id);
    }

    /// Takes up a record of an earlier generation.
    pub fn know_record(&mut self, id: i64, modified: &str) {
        self.modified.insert(id, sortable(modified));
    }

    /// How many records are known.
    #[must_use]
    pub fn records(&self) -> usize {
        self.modified.len()
    }

    /// Adds a record to the batch, unless a newer one of the same id is known.
    ///
    /// # Errors
    /// Names the criterion that is no CPE name; the batch is then as it was, but for interned names.
    pub fn encode(&mut self, record: &RawRecord<'_>, batch: &mut Batch) -> Result<(), String> {
        let stamp = sortable(&record.modified);
        let known = self.modified.get(&record.id.packed()).copied();
        if known.is_some_and(|known| known > stamp) {
            return Ok(());
        }
        let tree = self.tree(&record.configurations, batch)?;
        let detail = serde_json::to_string(&record.detail).map_err(|error| error.to_string())?;
        self.modified.insert(record.id.packed(), stamp);
        batch.cves.push(CveRow {
            id: record.id.packed(),
            published: record.published.to_string(),
            modified: record.modified.to_string(),
            status: record.status.to_string(),
            tree: tree.text,
            signals: record.signals,
            detail,
            replaces: known.is_some(),
            products: tree.products,
            links: record.links.clone(),
            mentions: record.mentions.clone(),
            subjects: record.subjects.clone(),
            repositories: record.repositories.clone(),
        });
        Ok(())
    }

    /// The compact form of configurations.
    ///
    /// # Errors
    /// Names the criterion that is no CPE name.
    pub fn tree(&mut self, configurations: &[RawConfiguration<'_>], batch: &mut Batch) -> Result<Tree, String> {
        let mut products = Vec::new();
        let mut tree = Vec::with_capacity(configurations.len());
        for configuration in configurations {
            let mut nodes = Vec::with_capacity(configuration.nodes.len());
            for node in &configuration.nodes {
                let mut uses = Vec::with_capacity(node.matches.len());
                for raw in &node.matches {
                    let (product, id) = self.criterion(raw, batch)?;
                    if raw.vulnerable {
                        products.push(product);
                    }
                    uses.push(u64::from(id) * 2 + u64::from(raw.vulnerable));
                }
                nodes.push((node.operator, u8::from(node.negate), uses));
            }
            tree.push((configuration.operator, u8::from(configuration.negate), nodes));
        }
        products.sort_unstable();
        products.dedup();
        Ok(Tree { text: serde_json::to_string(&tree).map_err(|error| error.to_string())?, products })
    }

    fn criterion(&mut self, raw: &RawCriterion<'_>, batch: &mut Batch) -> Result<(u32, u32), String> {
        let fields = split_formatted(&raw.criteria).ok_or_else(|| format!("`{}` is not a CPE name", raw.criteria))?;
        let product = self.product(fields, batch)?;
        let mut last = 11;
        while last > 3 && fields[last - 1] == "*" {
            last -= 1;
        }
        let rest = fields[3..last].join(":");
        let ends = raw.ends.each_ref().map(|end| end.as_deref());
        let next = next_id(self.criteria.len())?;
        let id = *self.criteria.entry(criterion_key(product, &rest, ends)).or_insert_with(|| {
            batch.criteria.push(CriteriaRow { id: next, product, rest, ends: ends.map(|end| end.map(str::to_owned)) });
            next
        });
        Ok((product, id))
    }

    fn product(&mut self, fields: [&str; 11], batch: &mut Batch) -> Result<u32, String> {
        let mut name = [fields[0], fields[1], fields[2]].join(":");
        name.make_ascii_lowercase();
        if let Some(id) = self.products.get(name.as_str()) {
            return Ok(*id);
        }
        let id = next_id(self.products.len())?;
        let name: Box<str> = name.into();
        batch.products.push(ProductRow { id, name: name.clone(), key: name_key(fields[2]) });
        self.products.insert(name, id);
        Ok(id)
    }
}

fn next_id(count: usize) -> Result<u32, String> {
    u32::try_from(count + 1).map_err(|_| "more names than the mirror can number".to_owned())
}

/// 128 bits of SipHash: among a million criteria a collision has odds of one in 10^26.
fn criterion_key(product: u32, rest: &str, ends: [Option<&str>; 4]) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, product, rest, ends).hash(&mut hasher);
        hasher.finish()
    };
    (u128::from(half(0)) << 64) | u128::from(half(1))
}

/// A time stamp's digits as one number, so that later stamps are greater: `2021-06-28T18:03:00.000`.
fn sortable(stamp: &str) -> i64 {
    let digits = stamp.bytes().filter(u8::is_ascii_digit).chain(std::iter::repeat(b'0')).take(17);
    digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(modified: &'static str) -> RawRecord<'static> {
        let criterion =
            RawCriterion { vulnerable: true, criteria: "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*".into(), ends: [None, None, None, Some("2".into())] };
        let node = RawNode { operator: Operator::Or, negate: false, matches: vec![criterion] };
        RawRecord {
            id: "CVE-2020-0001".parse().unwrap(),
            published: "2020".into(),
            modified: modified.into(),
            status: "Analyzed".into(),
            detail: CveDetail::default(),
            configurations: vec![RawConfiguration { operator: Operator::Or, negate: false, nodes: vec![node] }],
            signals: 0,
            links: Vec::new(),
            mentions: Vec::new(),
            subjects: Vec::new(),
            repositories: Vec::new(),
        }
    }

    #[test]
    fn the_newer_of_two_records_wins_whatever_comes_first() {
        let (mut interner, mut batch) = (Interner::default(), Batch::default());
        interner.encode(&record("2021-01-01T00:00:00.000"), &mut batch).unwrap();
        interner.encode(&record("2020-01-01T00:00:00.000"), &mut batch).unwrap();
        assert_eq!(batch.cves.len(), 1);
        interner.encode(&record("2022-01-01T00:00:00.000"), &mut batch).unwrap();
        assert!(batch.cves[1].replaces);
        assert_eq!((batch.products.len(), batch.criteria.len()), (1, 1), "names are stored once");
    }

    #[test]
    fn a_broken_name_is_told() {
        let mut broken = record("2021");
        broken.configurations[0].nodes[0].matches[0].criteria = "cpe:2.3:a:v".into();
        assert!(Interner::default().encode(&broken, &mut Batch::default()).unwrap_err().contains("cpe:2.3:a:v"));
    }
}
