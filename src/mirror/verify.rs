//! Whether the generation in force is what was published: digests, SQLite's own check, and the tables
//! against each other and against the search index.

use super::index::Index;
use super::store::{self, Manifest, Store};
use super::{MirrorError, reader::Reader};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub what: String,
    /// Nothing, or what is wrong.
    pub trouble: Option<String>,
}

/// Looks at everything, also after the first trouble.
///
/// # Errors
/// When there is no mirror to look at.
pub fn verify(store: &Store) -> Result<Vec<Check>, MirrorError> {
    let manifest = store.manifest()?;
    let folder = store.folder(manifest.generation);
    let mut checks = Vec::new();
    for file in &manifest.files {
        let trouble = match store::digest(&folder.join(&file.path)) {
            Ok((size, sha256)) if size == file.size && sha256 == file.sha256 => None,
            Ok((size, _)) => Some(format!("its bytes have changed ({size} bytes, {} when published)", file.size)),
            Err(error) => Some(error.to_string()),
        };
        checks.push(Check { what: format!("digest of {}", file.path), trouble });
    }
    let (names, kept_aside, records) =
        (manifest.names, manifest.kept_aside, manifest.sources.iter().find(|s| s.name == "nvd").map(|s| s.records));
    match Reader::open(&folder, store.state(manifest)) {
        Ok(reader) => checks.extend(verify_tables(&reader, names, kept_aside, records)),
        Err(error) => checks.push(Check { what: "opening the database".to_owned(), trouble: Some(error.to_string()) }),
    }
    let held = Index::open(&folder.join(store::INDEX)).map(|index| index.len());
    checks.push(Check {
        what: "search index".to_owned(),
        trouble: match held {
            Ok(held) if held == names => None,
            Ok(held) => Some(format!("it holds {held} names, {names} were published")),
            Err(error) => Some(error.to_string()),
        },
    });
    Ok(checks)
}

fn verify_tables(reader: &Reader, names: u64, kept_aside: u64, records: Option<u64>) -> Vec<Check> {
    let connection = reader.connection();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    let mut checks = vec![Check {
        what: "SQLite quick_check".to_owned(),
        trouble: match text("PRAGMA quick_check(1)") {
            Ok(answer) if answer == "ok" => None,
            Ok(answer) => Some(answer),
            Err(error) => Some(error.to_string()),
        },
    }];
    let orphans = [
        ("criteria without a product", "SELECT count(*) FROM criteria WHERE product_id NOT IN (SELECT id FROM product)"),
        ("applicability without a record", "SELECT count(*) FROM applicability WHERE cve_id NOT IN (SELECT id FROM cve)"),
        ("advisories without a package", "SELECT count(*) FROM osv_package WHERE osv NOT IN (SELECT rowid FROM osv)"),
    ];
    let expected = [
        ("products", "SELECT count(*) FROM product WHERE product <> '*'", Some(names)),
        ("records kept aside", "SELECT count(*) FROM kept_aside", Some(kept_aside)),
        ("NVD records", "SELECT count(*) FROM cve", records),
    ];
    let orphans = orphans.map(|(what, sql)| (what, sql, Some(0)));
    for (what, sql, wanted) in orphans.into_iter().chain(expected) {
        let trouble = match (count(sql), wanted) {
            (Ok(found), Some(wanted)) if found != wanted => Some(format!("{found}, expected {wanted}")),
            (Err(error), _) => Some(error.to_string()),
            _ => None,
        };
        checks.push(Check { what: what.to_owned(), trouble });
    }
    checks
}

/// How much of what the mirror teaches about names has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Package names that mean another product, or none any more.
    pub moved: u64,
    /// Package names that the earlier generation taught.
    pub of: u64,
}

/// A package name that means another product than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// `npm`, `pypi`, …
    pub ecosystem: String,
    /// The package.
    pub name: String,
    /// The product that it meant, `vendor:product`.
    pub before: String,
    /// The one that it means now; nothing if none is taught any more.
    pub now: Option<String>,
}

/// What a package name means is the product with the most evidence, the first by name among equals.
const MEANING: &str = "SELECT l.ecosystem, l.name, p.vendor || ':' || p.product FROM learned l JOIN product p ON p.id = l.product_id
     ORDER BY 1, 2, l.cves DESC, 3";

/// The names whose meaning differs between two generations' folders.
///
/// # Errors
/// When a database cannot be read.
pub fn moved(old: &Path, new: &Path) -> Result<Vec<Move>, MirrorError> {
    let now = meanings(new)?;
    let changed = meanings(old)?.into_iter().filter_map(|((ecosystem, name), before)| {
        let now = now.get(&(ecosystem.clone(), name.clone())).cloned();
        (now.as_ref() != Some(&before)).then_some(Move { ecosystem, name, before, now })
    });
    Ok(changed.collect())
}

/// How many names a generation teaches.
///
/// # Errors
/// When its database cannot be read.
pub fn taught(folder: &Path) -> Result<u64, MirrorError> {
    Ok(meanings(folder)?.len() as u64)
}

fn meanings(folder: &Path) -> Result<BTreeMap<(String, String), String>, MirrorError> {
    let path = folder.join(store::DATABASE);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select = connection.prepare(MEANING)?;
    let mut rows = select.query([])?;
    let mut meanings = BTreeMap::new();
    while let Some(row) = rows.next()? {
        meanings.entry((row.get(0)?, row.get(1)?)).or_insert(row.get(2)?);
    }
    Ok(meanings)
}

/// What the generation in force has that the one before it had not, as lines.
///
/// # Errors
/// When one of them is not there or cannot be read.
pub fn diff(store: &Store) -> Result<Vec<String>, MirrorError> {
    let new = store.manifest()?;
    let Some(old) = store.before(new.generation)? else {
        return Ok(vec![format!("generation {} is the only one", new.generation)]);
    };
    let mut lines = vec![format!("generation {} of {} beside {} of {}", new.generation, new.built_at, old.generation, old.built_at)];
    let records = |manifest: &Manifest, name: &str| manifest.sources.iter().find(|source| source.name == name).map_or(0, |s| s.records);
    let mut names: Vec<&str> = old.sources.iter().chain(&new.sources).map(|source| source.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let counted = names.into_iter().map(|name| (name, records(&old, name), records(&new, name)));
    lines.extend(counted.filter(|(_, old, new)| old != new).map(|(name, old, new)| format!("{name}: {old} records before, {new} now")));
    if old.unconfigured != new.unconfigured {
        lines.push(format!("CVEs without any configuration: {} before, {} now", old.unconfigured, new.unconfigured));
    }
    for Move { ecosystem, name, before, now } in moved(&store.folder(old.generation), &store.folder(new.generation))? {
        lines.push(format!("{ecosystem} {name}: {before} before, {} now", now.as_deref().unwrap_or("nothing taught")));
    }
    Ok(lines)
}
