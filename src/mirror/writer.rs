//! Fills the database of a generation that nobody reads yet.
//!
//! One connection, one transaction, no journal: a generation that does not get published is thrown away
//! whole. What has an index over many rows is built when everything is in.

use super::rows::{AsideRow, Batch, CveRow, Interner, Subject, Tree};
use super::{MirrorError, SCHEMA};
use crate::facts::World;
use crate::model::advisory::CveId;
use crate::model::osv::OsvAdvisory;
use rusqlite::{Connection, params};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The writing end of a generation.
pub struct Writer {
    connection: Connection,
    /// Pairs of this load, in order; sorted and inserted at the end.
    applicability: Vec<(u32, i64)>,
    /// For a record that was replaced: pairs before this place are its old version's.
    superseded: HashMap<i64, usize>,
    /// Records that are kept aside.
    aside: HashSet<String>,
}

impl Writer {
    /// A new, empty database file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, MirrorError> {
        Self::start(Connection::open(path)?, true)
    }

    /// Goes on in a copy of an earlier generation.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn resume(path: &Path) -> Result<Self, MirrorError> {
        Self::start(Connection::open(path)?, false)
    }

    /// A database that lives in memory only.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory() -> Result<Self, MirrorError> {
        Self::start(Connection::open_in_memory()?, true)
    }

    fn start(connection: Connection, empty: bool) -> Result<Self, MirrorError> {
        connection.execute_batch(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -49152; PRAGMA temp_store = MEMORY; BEGIN;",
        )?;
        if empty {
            connection.execute_batch(include_str!("schema.sql"))?;
            connection.pragma_update(None, "user_version", SCHEMA)?;
        } else {
            connection
                .execute_batch("DROP INDEX IF EXISTS product_name; DROP INDEX IF EXISTS product_key; DROP INDEX IF EXISTS product_solid; DROP INDEX IF EXISTS mention_name;")?;
        }
        let aside = connection.prepare("SELECT record FROM kept_aside")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Self { connection, applicability: Vec::new(), superseded: HashMap::new(), aside })
    }

    /// What this database already holds, for the decoding thread.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn interner(&self) -> Result<Interner, MirrorError> {
        let mut interner = Interner::default();
        let mut products = self.connection.prepare("SELECT id, part, vendor, product FROM product")?;
        let mut rows = products.query([])?;
        while let Some(row) = rows.next()? {
            interner.know_product(row.get(0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?);
        }
        let mut criteria = self.connection.prepare("SELECT * FROM criteria")?;
        let mut rows = criteria.query([])?;
        while let Some(row) = rows.next()? {
            let end = |at: usize| row.get_ref(at).ok().and_then(|value| value.as_str_or_null().ok().flatten());
            interner.know_criterion(row.get(0)?, row.get(1)?, text(row, 2)?, [end(3), end(4), end(5), end(6)]);
        }
        let mut records = self.connection.prepare("SELECT id, modified FROM cve")?;
        let mut rows = records.query([])?;
        while let Some(row) = rows.next()? {
            interner.know_record(row.get(0)?, text(row, 1)?);
        }
        Ok(interner)
    }

    /// Inserts a batch.
    ///
    /// # Errors
    /// When the database refuses (a full disk, say).
    pub fn write(&mut self, feed: &str, batch: &Batch) -> Result<(), MirrorError> {
        {
            let mut insert = self.connection.prepare_cached("INSERT INTO product VALUES (?, ?, ?, ?, ?)")?;
            for row in &batch.products {
                let (part, rest) = row.name.split_once(':').unwrap_or(("*", &row.name));
                let (vendor, product) = split_pair(rest);
                insert.execute(params![row.id, part, vendor, product, row.key])?;
            }
            let mut insert = self.connection.prepare_cached("INSERT INTO criteria VALUES (?, ?, ?, ?, ?, ?, ?)")?;
            for row in &batch.criteria {
                let [a, b, c, d] = &row.ends;
                insert.execute(params![row.id, row.product, row.rest, a, b, c, d])?;
            }
        }
        batch.aside.iter().try_for_each(|row| self.keep_aside(feed, row))?;
        batch.cves.iter().try_for_each(|row| self.write_cve(row))
    }

    fn write_cve(&mut self, row: &CveRow) -> Result<(), MirrorError> {
        if row.replaces {
            self.forget_cve(row.id)?;
        }
        self.connection.prepare_cached("INSERT OR REPLACE INTO cve VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(params![
            row.id,
            row.published,
            row.modified,
            row.status,
            row.tree,
            row.signals,
            row.detail
        ])?;
        self.applicability.extend(row.products.iter().map(|product| (*product, row.id)));
        if !row.links.is_empty() {
            let mut insert = self.connection.prepare_cached("INSERT OR IGNORE INTO link VALUES (?, ?, ?)")?;
            for (ecosystem, name) in &row.links {
                insert.execute(params![row.id, ecosystem, name])?;
            }
        }
        for (ecosystem, name) in &row.mentions {
            self.connection.prepare_cached("INSERT OR IGNORE INTO mention VALUES (?, ?, ?)")?.execute(params![row.id, ecosystem, name])?;
        }
        for repository in &row.repositories {
            self.connection.prepare_cached("INSERT OR IGNORE INTO repository VALUES (?, ?)")?.execute(params![row.id, repository])?;
        }
        for Subject { ecosystem, name, product } in &row.subjects {
            self.connection.prepare_cached("INSERT OR IGNORE INTO subject VALUES (?, ?, ?, ?, ?)")?.execute(params![
                ecosystem,
                name,
                row.id,
                &*product.vendor,
                &*product.product
            ])?;
        }
        self.set_right(row.id)
    }

    /// A record that decodes now is not kept aside any more, whichever feed brought it.
    fn set_right(&mut self, id: i64) -> Result<(), MirrorError> {
        if !self.aside.is_empty() {
            let name = CveId::from_packed(id).to_string();
            if self.aside.remove(&name) {
                self.connection.execute("DELETE FROM kept_aside WHERE record = ?", [name])?;
            }
        }
        Ok(())
    }

    fn forget_cve(&mut self, id: i64) -> Result<(), MirrorError> {
        // A row of this very load is still in memory; one of an earlier generation is in the table.
        self.superseded.insert(id, self.applicability.len());
        let mut tree = self.connection.prepare_cached("SELECT tree FROM cve WHERE id = ?")?;
        let tree: String = tree.query_row([id], |row| row.get(0))?;
        let mut product = self.connection.prepare_cached("SELECT product_id FROM criteria WHERE id = ?")?;
        let mut delete = self.connection.prepare_cached("DELETE FROM applicability WHERE product_id = ? AND cve_id = ?")?;
        for criterion in super::reader::criteria_in(&tree) {
            let found: i64 = product.query_row([criterion], |row| row.get(0))?;
            delete.execute(params![found, id])?;
        }
        for sql in [
            "DELETE FROM link WHERE cve_id = ?",
            "DELETE FROM mention WHERE cve_id = ?",
            "DELETE FROM subject WHERE cve_id = ?",
            "DELETE FROM repository WHERE cve_id = ?",
        ] {
            self.connection.prepare_cached(sql)?.execute([id])?;
        }
        Ok(())
    }

    /// Stores an OSV advisory of a source whose old ones were dropped before ([`Writer::forget_osv`]).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write_osv(&mut self, source: &str, advisory: &OsvAdvisory) -> Result<(), MirrorError> {
        let body = serde_json::to_string(advisory).map_err(|error| MirrorError::Index(error.to_string()))?;
        let connection = &self.connection;
        connection
            .prepare_cached("INSERT OR REPLACE INTO osv (id, source, modified, withdrawn, body) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![advisory.id, source, advisory.modified, advisory.withdrawn, body])?;
        let rowid = connection.last_insert_rowid();
        let mut package = connection.prepare_cached("INSERT OR IGNORE INTO osv_package VALUES (?, ?, ?)")?;
        for affected in &advisory.affected {
            package.execute(params![affected.ecosystem, affected.name, rowid])?;
        }
        let mut alias = connection.prepare_cached("INSERT OR IGNORE INTO osv_alias VALUES (?, ?)")?;
        let cves = advisory.cves();
        let ids = advisory.aliases.iter().cloned().chain(cves.iter().map(ToString::to_string));
        for id in ids {
            alias.execute(params![id, rowid])?;
        }
        Ok(())
    }

    /// Stores a CVE that CISA lists as exploited.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write_kev(&mut self, cve: i64, added: &str, due: &str, ransomware: bool) -> Result<(), MirrorError> {
        self.connection.prepare_cached("INSERT OR REPLACE INTO kev VALUES (?, ?, ?, ?)")?.execute(params![cve, added, due, ransomware])?;
        Ok(())
    }

    /// Drops the OSV advisories of a source.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_osv(&mut self, source: &str) -> Result<(), MirrorError> {
        for sql in [
            "DELETE FROM osv_package WHERE osv IN (SELECT rowid FROM osv WHERE source = ?)",
            "DELETE FROM osv_alias WHERE osv IN (SELECT rowid FROM osv WHERE source = ?)",
            "DELETE FROM osv WHERE source = ?",
        ] {
            self.connection.execute(sql, [source])?;
        }
        Ok(())
    }

    /// Drops the list of exploited CVEs.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_kev(&mut self) -> Result<(), MirrorError> {
        Ok(self.connection.execute_batch("DELETE FROM kev")?)
    }

    /// Drops all EPSS scores.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_epss(&mut self) -> Result<(), MirrorError> {
        Ok(self.connection.execute_batch("DELETE FROM epss")?)
    }

    /// Stores a CVE's EPSS probability and percentile, both from 0 to 1.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write_epss(&mut self, cve: i64, score: f64, percentile: f64) -> Result<(), MirrorError> {
        self.connection.prepare_cached("INSERT OR REPLACE INTO epss VALUES (?, ?, ?)")?.execute(params![cve, score, percentile])?;
        Ok(())
    }

    /// Drops all overrides.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_overrides(&mut self) -> Result<(), MirrorError> {
        Ok(self.connection.execute_batch("DELETE FROM override; DELETE FROM override_applicability;")?)
    }

    /// Stores the configurations that a source gives a CVE which the NVD left without any.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write_override(&mut self, cve: i64, source: &str, tree: &Tree) -> Result<(), MirrorError> {
        self.connection.prepare_cached("INSERT OR REPLACE INTO override VALUES (?, ?, ?)")?.execute(params![cve, source, tree.text])?;
        let mut insert = self.connection.prepare_cached("INSERT OR IGNORE INTO override_applicability VALUES (?, ?)")?;
        for product in &tree.products {
            insert.execute(params![product, cve])?;
        }
        Ok(())
    }

    /// Drops what the CPE dictionary told.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_titles(&mut self) -> Result<(), MirrorError> {
        Ok(self.connection.execute_batch("DELETE FROM title")?)
    }

    /// Stores a product's title and what replaced it, both products as quoted `vendor:product`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn write_title(&mut self, product: &str, title: &str, replaced_by: Option<&str>) -> Result<(), MirrorError> {
        self.connection.prepare_cached("INSERT OR REPLACE INTO title VALUES (?, ?, ?)")?.execute(params![product, title, replaced_by])?;
        Ok(())
    }

    /// Keeps a record aside that does not decode.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep_aside(&mut self, feed: &str, row: &AsideRow) -> Result<(), MirrorError> {
        if !self.aside.insert(row.record.clone()) {
            self.connection.execute("DELETE FROM kept_aside WHERE feed = ? AND record = ?", [feed, &row.record])?;
        }
        let mut insert = self.connection.prepare_cached("INSERT INTO kept_aside VALUES (?, ?, ?, ?)")?;
        insert.execute(params![feed, row.record, row.error, row.raw])?;
        Ok(())
    }

    /// Drops what was kept aside from a feed that is read again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_aside(&mut self, feed: &str) -> Result<(), MirrorError> {
        self.connection.execute("DELETE FROM kept_aside WHERE feed = ?", [feed])?;
        Ok(())
    }

    /// How many records are kept aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_aside(&self) -> Result<u64, MirrorError> {
        Ok(self.connection.query_row("SELECT count(*) FROM kept_aside", [], |row| row.get(0))?)
    }

    /// The products, for the search index.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn products(&self) -> Result<Vec<super::index::Document>, MirrorError> {
        super::index::documents(&self.connection)
    }

    /// Writes what spans many records, builds the indexes and ends the transaction. Gives the connection and
    /// the number of CVEs without any configuration.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn finish(mut self, worlds: &[World]) -> Result<(Connection, u64), MirrorError> {
        let superseded = std::mem::take(&mut self.superseded);
        let pairs = std::mem::take(&mut self.applicability).into_iter().enumerate();
        let mut pairs: Vec<(u32, i64)> =
            pairs.filter(|(at, (_, cve))| superseded.get(cve).is_none_or(|from| at >= from)).map(|(_, pair)| pair).collect();
        pairs.sort_unstable();
        {
            let mut insert = self.connection.prepare("INSERT OR IGNORE INTO applicability VALUES (?, ?)")?;
            for (product, cve) in &pairs {
                insert.execute(params![product, cve])?;
            }
        }
        let unconfigured = super::publish::aggregate(&self.connection, worlds)?;
        self.connection.execute_batch(
            "CREATE INDEX product_key ON product (name_key); CREATE INDEX product_solid ON product (replace(name_key, '-', '')); CREATE INDEX product_name ON product (product, vendor, part);
             CREATE INDEX mention_name ON mention (name, ecosystem);
             COMMIT; PRAGMA locking_mode = NORMAL;",
        )?;
        let check: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" {
            return Err(MirrorError::Index(format!("the new database is damaged ({check}): is the disk sound?")));
        }
        Ok((self.connection, unconfigured))
    }
}

fn text<'a>(row: &'a rusqlite::Row<'_>, at: usize) -> Result<&'a str, rusqlite::Error> {
    Ok(row.get_ref(at)?.as_str()?)
}

/// Cuts `vendor:product` at its unquoted colon.
fn split_pair(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if quoted => quoted = false,
            b'\\' => quoted = true,
            b':' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "*")
}
