//! Answers questions about one published generation, or about one in memory.
//!
//! Names for identify, advisories for matching, details for findings. The database is opened read-only and
//! immutable; the search index is opened when it is first needed.

use super::index::{Index, IndexSource};
use super::names::NameKeys;
use super::{MirrorError, SCHEMA};
use crate::model::advisory::{Configuration, CriterionUse, CveDetail, CveId, CveRecord, MatchCriteria, Node, Operator, VersionRange};
use crate::model::cpe::{CpeName, Part, ProductName};
use crate::model::evidence::{LearnedName, ProductFacts, SearchHit, WorldCount};
use crate::model::mirror::MirrorState;
use crate::model::osv::OsvAdvisory;
use crate::model::purl::Ecosystem;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::LazyLock;

/// The configurations of a CVE as stored.
type Tree = Vec<(Operator, u8, Vec<(Operator, u8, Vec<u64>)>)>;

/// How many keys one question asks for; most packages have fewer shapes.
const KEYS: usize = 20;

static NAMED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT p.id, p.part, p.vendor, p.product, n.cves, n.latest, p.name_key FROM product p
         CROSS JOIN product_count n WHERE n.product_id = p.id AND p.name_key IN (?{})",
        ", ?".repeat(KEYS - 1)
    )
});

/// An open mirror.
pub struct Reader {
    connection: Connection,
    index: OnceCell<Index>,
    index_source: IndexSource,
    state: MirrorState,
    criteria: RefCell<HashMap<u64, Rc<MatchCriteria>>>,
    names: NameKeys,
}

impl Reader {
    /// Opens a generation's folder. `state` is what its manifest and the contact stamps say.
    ///
    /// # Errors
    /// When the files cannot be opened or have another schema.
    pub fn open(folder: &Path, state: MirrorState) -> Result<Self, MirrorError> {
        let path = folder.join(super::store::DATABASE);
        let damaged = |reason: String| MirrorError::Damaged { path: folder.to_owned(), reason };
        let plain = path.to_str().ok_or_else(|| damaged("its path is not UTF-8".to_owned()))?;
        let escaped = plain.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).map_err(|e| damaged(e.to_string()))?;
        let found: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| damaged(e.to_string()))?;
        if found != SCHEMA {
            return Err(MirrorError::Schema { path: folder.to_owned(), found });
        }
        // Without this SQLite plans a query anew whenever a value is bound, in case another plan suits it better.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch("PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -8192;")?;
        Ok(Self::over(connection, IndexSource::Folder(folder.join(super::store::INDEX)), state))
    }

    /// A reader over a database in memory; the search index is built when it is first needed.
    #[must_use]
    pub fn over_memory(connection: Connection, state: MirrorState) -> Self {
        Self::over(connection, IndexSource::Database, state)
    }

    fn over(connection: Connection, index_source: IndexSource, state: MirrorState) -> Self {
        Self { connection, index: OnceCell::new(), index_source, state, criteria: RefCell::default(), names: NameKeys::default() }
    }

    /// What this mirror says about itself.
    #[must_use]
    pub fn state(&self) -> &MirrorState {
        &self.state
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Products whose name has one of these keys (`model::cpe::name_key`), each with its key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn products_named(&self, keys: &[&str]) -> Result<Vec<(String, ProductFacts)>, MirrorError> {
        let mut out = Vec::new();
        for keys in self.names.possible(&self.connection, keys)?.chunks(KEYS) {
            let mut select = self.connection.prepare_cached(&NAMED)?;
            let padded = (0..KEYS).map(|at| keys.get(at).copied());
            let found = select.query_map(rusqlite::params_from_iter(padded), |row| Ok((row.get(6)?, product_row(row)?)))?;
            for found in found {
                let (key, product) = found?;
                out.push((key, self.with_worlds(product)?));
            }
        }
        out.sort_by(|a: &(String, ProductFacts), b| a.1.product.cmp(&b.1.product));
        Ok(out)
    }

    /// Products whose name is this one when separators are left out of both.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn products_solid(&self, solid: &str) -> Result<Vec<ProductFacts>, MirrorError> {
        let mut select = self.connection.prepare_cached(
            "SELECT p.id, p.part, p.vendor, p.product, coalesce(n.cves, 0), coalesce(n.latest, 0) FROM product p
             LEFT JOIN product_count n ON n.product_id = p.id WHERE replace(p.name_key, '-', '') = ? ORDER BY p.vendor, p.product",
        )?;
        let found = select.query_map([solid], product_row)?.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().map(|found| self.with_worlds(found)).collect()
    }

    /// One product, if the mirror has it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn product(&self, name: &ProductName) -> Result<Option<ProductFacts>, MirrorError> {
        let mut select = self.connection.prepare_cached(
            "SELECT p.id, p.part, p.vendor, p.product, coalesce(n.cves, 0), coalesce(n.latest, 0) FROM product p
             LEFT JOIN product_count n ON n.product_id = p.id WHERE p.product = ? AND p.vendor = ? AND p.part = ?",
        )?;
        let found = select.query_row(params![name.product, name.vendor, name.part.letter()], product_row).optional()?;
        found.map(|found| self.with_worlds(found)).transpose()
    }

    fn with_worlds(&self, (id, facts): (i64, ProductFacts)) -> Result<ProductFacts, MirrorError> {
        let mut select = self.connection.prepare_cached("SELECT world, refs, words, targets FROM product_world WHERE product_id = ?")?;
        let worlds = select.query_map([id], |row| {
            Ok(WorldCount { world: row.get(0)?, references: row.get(1)?, words: row.get(2)?, targets: row.get(3)? })
        })?;
        Ok(ProductFacts { worlds: worlds.collect::<Result<_, _>>()?, ..facts })
    }

    /// Products whose own CVEs link to this package.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn learned(&self, ecosystem: Ecosystem, name: &str) -> Result<Vec<LearnedName>, MirrorError> {
        let mut select = self.connection.prepare_cached(
            "SELECT p.part, p.vendor, p.product, l.cves, l.assigners FROM learned l JOIN product p ON p.id = l.product_id
             WHERE l.ecosystem = ? AND l.name = ? ORDER BY l.cves DESC, p.vendor, p.product",
        )?;
        let rows = select.query_map(params![ecosystem.name(), name], |row| {
            Ok(LearnedName { product: product_name(row, 0)?, cves: row.get(3)?, assigners: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Searches vendor and product names.
    ///
    /// # Errors
    /// When the index cannot be opened or read.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<SearchHit>, MirrorError> {
        if self.index.get().is_none() {
            let index = match &self.index_source {
                IndexSource::Folder(folder) => Index::open(folder)?,
                IndexSource::Database => Index::in_memory(&super::index::documents(&self.connection)?)?,
            };
            let _ = self.index.set(index);
        }
        self.index.get().map_or_else(|| Ok(Vec::new()), |index| index.search(text, limit))
    }

    /// The records that name a product as vulnerable, oldest id first; rejected ones are left out.
    ///
    /// # Errors
    /// When the database cannot be read or a tree is damaged.
    pub fn cves_of(&self, name: &ProductName) -> Result<Vec<CveRecord>, MirrorError> {
        let mut product = self.connection.prepare_cached("SELECT id FROM product WHERE product = ? AND vendor = ? AND part = ?")?;
        let found: Option<i64> = product.query_row(params![name.product, name.vendor, name.part.letter()], |row| row.get(0)).optional()?;
        let Some(product) = found else { return Ok(Vec::new()) };
        let mut select = self.connection.prepare_cached(
            "SELECT a.cve_id, c.status, c.tree, o.source, o.tree FROM
               (SELECT cve_id FROM applicability WHERE product_id = ?1 UNION SELECT cve_id FROM override_applicability WHERE product_id = ?1) a
             LEFT JOIN cve c ON c.id = a.cve_id LEFT JOIN override o ON o.cve_id = a.cve_id ORDER BY 1",
        )?;
        let mut rows = select.query([product])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let id = CveId::from_packed(row.get(0)?);
            // What the NVD says itself counts; others fill in where it says nothing.
            let own: Option<&str> = row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?.filter(|tree| *tree != "[]");
            let other: Option<&str> = row.get_ref(4)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            let record = CveRecord {
                id,
                status: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                source: if own.is_some() { "nvd".to_owned() } else { row.get::<_, Option<String>>(3)?.unwrap_or_else(|| "nvd".to_owned()) },
                configurations: self.configurations(id, own.or(other).unwrap_or("[]"))?,
            };
            if !record.is_rejected() {
                out.push(record);
            }
        }
        Ok(out)
    }

    fn configurations(&self, id: CveId, text: &str) -> Result<Vec<Configuration>, MirrorError> {
        let tree: Tree = serde_json::from_str(text)
            .map_err(|error| MirrorError::Index(format!("the configurations of {id} are damaged ({error}): run `scacheck db verify`")))?;
        let node = |(operator, negate, uses): (Operator, u8, Vec<u64>)| -> Result<Node, MirrorError> {
            let matches =
                uses.into_iter().map(|packed| Ok(CriterionUse { vulnerable: packed & 1 == 1, criteria: self.criterion(packed >> 1)? }));
            Ok(Node { operator, negate: negate != 0, matches: matches.collect::<Result<_, MirrorError>>()? })
        };
        tree.into_iter()
            .map(|(operator, negate, nodes)| {
                Ok(Configuration { operator, negate: negate != 0, nodes: nodes.into_iter().map(node).collect::<Result<_, _>>()? })
            })
            .collect()
    }

    fn criterion(&self, id: u64) -> Result<Rc<MatchCriteria>, MirrorError> {
        if let Some(known) = self.criteria.borrow().get(&id) {
            return Ok(Rc::clone(known));
        }
        let mut select = self.connection.prepare_cached(
            "SELECT p.part, p.vendor, p.product, c.rest, c.start_including, c.start_excluding, c.end_including, c.end_excluding
             FROM criteria c JOIN product p ON p.id = c.product_id WHERE c.id = ?",
        )?;
        let found = select.query_row([id], |row| {
            let rest: String = row.get(3)?;
            let given = if rest.is_empty() { 0 } else { rest.matches(':').count() - rest.matches("\\:").count() + 1 };
            let mut name = format!("cpe:2.3:{}:{}:{}", row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            if given > 0 {
                name.push(':');
                name.push_str(&rest);
            }
            name.push_str(&":*".repeat(8usize.saturating_sub(given)));
            let end = |at: usize| row.get::<_, Option<String>>(at).map(|end| end.map(Into::into));
            let range = VersionRange { start_including: end(4)?, start_excluding: end(5)?, end_including: end(6)?, end_excluding: end(7)? };
            Ok((name, range))
        })?;
        let cpe: CpeName = found.0.parse().map_err(|error| MirrorError::Index(format!("{error}: run `scacheck db verify`")))?;
        let criteria = Rc::new(MatchCriteria { cpe, range: found.1 });
        self.criteria.borrow_mut().insert(id, Rc::clone(&criteria));
        Ok(criteria)
    }

    /// What an NVD record says beside its configurations.
    ///
    /// # Errors
    /// When the database cannot be read or the record is damaged.
    pub fn detail(&self, id: CveId) -> Result<Option<CveDetail<'static>>, MirrorError> {
        let mut select = self.connection.prepare_cached("SELECT detail FROM cve WHERE id = ?")?;
        let text: Option<String> = select.query_row([id.packed()], |row| row.get(0)).optional()?;
        let parse = |text: String| {
            serde_json::from_str::<CveDetail<'_>>(&text)
                .map(CveDetail::into_owned)
                .map_err(|error| MirrorError::Index(format!("{id} is damaged ({error}): run `scacheck db verify`")))
        };
        text.map(parse).transpose()
    }

    /// When an NVD record was published, ISO date and time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn published(&self, id: CveId) -> Result<Option<String>, MirrorError> {
        let mut select = self.connection.prepare_cached("SELECT published FROM cve WHERE id = ?")?;
        Ok(select.query_row([id.packed()], |row| row.get(0)).optional()?)
    }

    /// Whether CISA lists a CVE as exploited.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_exploited(&self, id: CveId) -> Result<bool, MirrorError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM kev WHERE cve_id = ?")?.exists([id.packed()])?)
    }

    /// The EPSS probability of a CVE.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn epss(&self, id: CveId) -> Result<Option<f64>, MirrorError> {
        let mut select = self.connection.prepare_cached("SELECT score FROM epss WHERE cve_id = ?")?;
        Ok(select.query_row([id.packed()], |row| row.get(0)).optional()?)
    }

    /// The OSV advisories that name a package; `ecosystem` as OSV writes it.
    ///
    /// # Errors
    /// When the database cannot be read or an advisory is damaged.
    pub fn advisories_of(&self, ecosystem: &str, name: &str) -> Result<Vec<OsvAdvisory>, MirrorError> {
        let mut select = self.connection.prepare_cached(
            "SELECT o.body FROM osv_package p JOIN osv o ON o.rowid = p.osv WHERE p.ecosystem = ? AND p.name = ?
             ORDER BY o.id, o.source = 'advisories'",
        )?;
        let bodies = select.query_map(params![ecosystem, name], |row| row.get::<_, String>(0))?;
        let found: Result<Vec<OsvAdvisory>, MirrorError> = bodies
            .map(|body| {
                serde_json::from_str(&body?)
                    .map_err(|error| MirrorError::Index(format!("an advisory for {name} is damaged ({error}): run `scacheck db verify`")))
            })
            .collect();
        // One advisory may be in the exports of several ecosystems; a private one never takes a public one's place.
        found.map(|mut found| {
            found.dedup_by(|a, b| a.id == b.id);
            found
        })
    }

    /// One OSV advisory by its id.
    ///
    /// # Errors
    /// When the database cannot be read or the advisory is damaged.
    pub fn advisory(&self, id: &str) -> Result<Option<OsvAdvisory>, MirrorError> {
        let mut select = self.connection.prepare_cached("SELECT body FROM osv WHERE id = ? ORDER BY source = 'advisories' LIMIT 1")?;
        let body: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
        body.map(|body| {
            serde_json::from_str(&body)
                .map_err(|error| MirrorError::Index(format!("advisory {id} is damaged ({error}): run `scacheck db verify`")))
        })
        .transpose()
    }

    /// Whether the mirror holds any advisory of an OSV ecosystem.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn knows_ecosystem(&self, ecosystem: &str) -> Result<bool, MirrorError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM osv_package WHERE ecosystem = ? LIMIT 1")?.exists([ecosystem])?)
    }
}

impl CveDetail<'_> {
    fn into_owned(self) -> CveDetail<'static> {
        use crate::model::advisory::{Cvss, Reference};
        let own = |text: std::borrow::Cow<'_, str>| std::borrow::Cow::Owned(text.into_owned());
        CveDetail {
            summary: own(self.summary),
            assigner: own(self.assigner),
            cvss: self
                .cvss
                .into_iter()
                .map(|c| Cvss { version: own(c.version), vector: own(c.vector), score: c.score, source: own(c.source) })
                .collect(),
            cwe: self.cwe.into_iter().map(own).collect(),
            references: self
                .references
                .into_iter()
                .map(|r| Reference { url: own(r.url), tags: r.tags.into_iter().map(own).collect() })
                .collect(),
            tags: self.tags.into_iter().map(own).collect(),
        }
    }
}

/// A product's number and facts, its worlds still to be read.
fn product_row(row: &rusqlite::Row<'_>) -> Result<(i64, ProductFacts), rusqlite::Error> {
    Ok((row.get(0)?, ProductFacts { product: product_name(row, 1)?, cves: row.get(4)?, latest: row.get(5)?, worlds: Vec::new() }))
}

fn product_name(row: &rusqlite::Row<'_>, at: usize) -> Result<ProductName, rusqlite::Error> {
    let part: String = row.get(at)?;
    Ok(ProductName {
        part: Part::from_letter(&part).unwrap_or(Part::Any),
        vendor: row.get::<_, String>(at + 1)?.into(),
        product: row.get::<_, String>(at + 2)?.into(),
    })
}

/// The numbers of the vulnerable criteria in a stored tree; a damaged tree has none.
pub(super) fn criteria_in(tree: &str) -> Vec<u64> {
    let tree: Tree = serde_json::from_str(tree).unwrap_or_default();
    let uses = tree.into_iter().flat_map(|(_, _, nodes)| nodes).flat_map(|(_, _, uses)| uses);
    uses.filter(|packed| packed & 1 == 1).map(|packed| packed >> 1).collect()
}
