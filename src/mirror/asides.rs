//! What the mirror knows beside applicability: CVEs without any configuration by the packages that they name, and the
//! CPE dictionary's titles.

use super::MirrorError;
use super::reader::Reader;
use crate::model::advisory::CveId;
use crate::model::cpe::ProductName;
use crate::model::mirror::Mention;
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeMap;

impl Reader {
    /// The unconfigured CVEs that name a package, by its canonical name in an ecosystem or, in prose, by a `name_key`;
    /// rejected ones are left out. Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn mentions(&self, ecosystem: &str, name: &str, key: &str) -> Result<Vec<Mention>, MirrorError> {
        let mut select = self.connection().prepare_cached(
            "SELECT m.cve_id, max(m.ecosystem <> ''), c.signals FROM mention m JOIN cve c ON c.id = m.cve_id
             WHERE ((m.name = ?1 AND m.ecosystem = ?2) OR (m.name = ?3 AND m.ecosystem = ''))
               AND c.tree = '[]' AND c.status <> 'Rejected' AND NOT EXISTS (SELECT 1 FROM override o WHERE o.cve_id = m.cve_id)
             GROUP BY m.cve_id ORDER BY m.cve_id DESC",
        )?;
        let rows = select.query_map(params![name, ecosystem, key], |row| {
            Ok(Mention { cve: CveId::from_packed(row.get(0)?), by_reference: row.get(1)?, signals: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The CVEs that are about a package although their product has another name, by product.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn subjects(&self, ecosystem: &str, key: &str) -> Result<BTreeMap<ProductName, Vec<CveId>>, MirrorError> {
        let mut select = self
            .connection()
            .prepare_cached("SELECT vendor, product, cve_id FROM subject WHERE ecosystem = ? AND name = ? ORDER BY cve_id")?;
        let mut rows = select.query(params![ecosystem, key])?;
        let mut found: BTreeMap<ProductName, Vec<CveId>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (vendor, product): (String, String) = (row.get(0)?, row.get(1)?);
            found.entry(ProductName::application(&vendor, &product)).or_default().push(CveId::from_packed(row.get(2)?));
        }
        Ok(found)
    }

    /// The repositories that a product's CVEs link to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn repositories(&self, product: &ProductName) -> Result<Vec<String>, MirrorError> {
        let mut select = self.connection().prepare_cached(
            "SELECT DISTINCT r.repository FROM product p JOIN applicability a ON a.product_id = p.id JOIN repository r ON r.cve_id = a.cve_id
             WHERE p.product = ? AND p.vendor = ? AND p.part = ? ORDER BY r.repository",
        )?;
        let rows = select.query_map(params![product.product, product.vendor, product.part.letter()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A product's title in the CPE dictionary and the product that replaced it, where it is deprecated.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn title(&self, product: &ProductName) -> Result<Option<(String, Option<String>)>, MirrorError> {
        let mut select = self.connection().prepare_cached("SELECT title, replaced_by FROM title WHERE product = ?")?;
        Ok(select.query_row([product.to_string()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }
}
