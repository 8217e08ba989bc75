//! The last step of a generation: evidence that spans many records, aggregated once.

use super::MirrorError;
use crate::facts::World;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Rebuilds `product_world`, `product_count` and `learned` from the records. Gives the number of CVEs
/// that no CPE will ever match.
///
/// # Errors
/// When the database refuses.
pub fn aggregate(connection: &Connection, worlds: &[World]) -> Result<u64, MirrorError> {
    connection.execute_batch(
        "DELETE FROM product_world; DELETE FROM product_count; DELETE FROM learned;
         INSERT INTO product_count SELECT product_id, count(*), max(cve_id) / 10000000000 FROM
           (SELECT product_id, cve_id FROM applicability UNION SELECT product_id, cve_id FROM override_applicability) GROUP BY product_id;",
    )?;
    count_worlds(connection, worlds)?;
    connection.execute_batch(
        // An advisory of an ecosystem that names one package and a CVE says as much as a link from that CVE.
        "CREATE TEMP TABLE one (osv INTEGER PRIMARY KEY, ecosystem TEXT, name TEXT);
         INSERT INTO one SELECT osv, min(ecosystem), min(name) FROM osv_package GROUP BY osv HAVING count(*) = 1;
         CREATE TEMP TABLE told AS
           SELECT ecosystem, name, cve_id FROM link
           UNION
           SELECT CASE one.ecosystem WHEN 'PyPI' THEN 'pypi' WHEN 'crates.io' THEN 'cargo' ELSE 'npm' END, lower(one.name),
                  CAST(substr(a.alias, 5, 4) AS INTEGER) * 10000000000 + CAST(substr(a.alias, 10) AS INTEGER)
           FROM osv_alias a JOIN one ON one.osv = a.osv JOIN osv o ON o.rowid = a.osv
           WHERE one.ecosystem IN ('npm', 'PyPI', 'crates.io') AND a.alias GLOB 'CVE-[0-9][0-9][0-9][0-9]-[0-9]*' AND o.withdrawn IS NULL;
         CREATE TEMP TABLE sole AS
           SELECT cve_id, min(product_id) AS product_id FROM applicability
           WHERE cve_id IN (SELECT cve_id FROM told) GROUP BY cve_id HAVING count(*) = 1;
         INSERT INTO learned
           SELECT l.ecosystem, l.name, s.product_id, count(*), count(DISTINCT json_extract(c.detail, '$.assigner'))
           FROM told l JOIN sole s ON s.cve_id = l.cve_id JOIN cve c ON c.id = l.cve_id
           GROUP BY 1, 2, 3;
         DROP TABLE sole; DROP TABLE told; DROP TABLE one;",
    )?;
    let unconfigured = connection.query_row(
        "SELECT count(*) FROM cve WHERE tree = '[]' AND status <> 'Rejected' AND id NOT IN (SELECT cve_id FROM override)",
        [],
        |row| row.get(0),
    )?;
    Ok(unconfigured)
}

#[derive(Default)]
struct Counts {
    references: u32,
    words: u32,
    targets: u32,
}

fn count_worlds(connection: &Connection, worlds: &[World]) -> Result<(), MirrorError> {
    let mut counts: BTreeMap<(u32, usize), Counts> = BTreeMap::new();
    let mut select = connection.prepare(
        "SELECT a.product_id, c.signals, count(*) FROM
           (SELECT product_id, cve_id FROM applicability UNION SELECT product_id, cve_id FROM override_applicability) a
         JOIN cve c ON c.id = a.cve_id WHERE c.signals <> 0 GROUP BY 1, 2",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (product, signals, count): (u32, i64, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        for world in 0..worlds.len().min(31) {
            let bits = (signals >> (2 * world)) & 3;
            if bits != 0 {
                let entry = counts.entry((product, world)).or_default();
                entry.references += if bits & 1 != 0 { count } else { 0 };
                entry.words += if bits & 2 != 0 { count } else { 0 };
            }
        }
    }
    // `rest` holds version:update:edition:language:sw_edition:target_sw: the sixth field is the target.
    let mut select = connection.prepare("SELECT product_id, rest FROM criteria WHERE rest LIKE '%:%:%:%:%:%'")?;
    let mut rows = select.query([])?;
    let mut others: BTreeMap<(u32, String), u32> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (product, rest): (u32, String) = (row.get(0)?, row.get(1)?);
        let Some(target) = fields(&rest).nth(5).filter(|target| *target != "*" && *target != "-") else { continue };
        match worlds.iter().position(|world| world.targets.iter().any(|known| known == target)) {
            Some(world) => counts.entry((product, world)).or_default().targets += 1,
            None => *others.entry((product, target.to_owned())).or_default() += 1,
        }
    }
    let mut insert = connection.prepare("INSERT INTO product_world VALUES (?, ?, ?, ?, ?)")?;
    for ((product, world), count) in counts {
        insert.execute(params![product, worlds[world].name, count.references, count.words, count.targets])?;
    }
    let mut insert = connection.prepare("INSERT OR IGNORE INTO product_world VALUES (?, ?, 0, 0, ?)")?;
    for ((product, target), count) in others {
        insert.execute(params![product, format!("target:{target}"), count])?;
    }
    Ok(())
}

/// The fields of a formatted string's tail, cut at unquoted colons.
fn fields(rest: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    rest.split(move |c: char| {
        let cut = c == ':' && !quoted;
        quoted = c == '\\' && !quoted;
        cut
    })
}
