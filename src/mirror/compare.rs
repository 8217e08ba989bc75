//! Two generations beside each other: what a sync changed, and which package names mean another product now.

use super::MirrorError;
use super::store::{self, Manifest, Store};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

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
