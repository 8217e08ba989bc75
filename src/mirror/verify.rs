//! Whether the generation in force is what was published: digests, SQLite's own check, and the tables
//! against each other and against the search index.

use super::index::Index;
use super::store::{self, Store};
use super::{MirrorError, reader::Reader};

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
