//! rpm's newest database form, `rpmdb.sqlite`: one table of headers (rpm's `lib/backend/sqlite.c`). The bytes are opened in memory, so an
//! image's database needs no file, and nothing can be written to one on disk.

use super::intake::Intake;
use rusqlite::Connection;
use std::io::Read;

/// Whether the bytes are a database of this form.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SQLite format 3\0")
}

/// Hands over the headers of a database.
///
/// # Errors
/// When SQLite cannot go on; what came before is handed over.
pub fn read(bytes: &[u8], intake: &mut Intake<'_>) -> Result<(), String> {
    let sqlite = |error: rusqlite::Error| format!("SQLite cannot read it: {error}");
    let mut connection = Connection::open_in_memory().map_err(sqlite)?;
    connection.deserialize_read_exact("main", unlogged(bytes), bytes.len(), true).map_err(sqlite)?;
    // A view of that name could have rows without end.
    let kind = connection
        .query_row("SELECT type FROM sqlite_schema WHERE name = 'Packages'", [], |row| row.get::<_, String>(0))
        .map_err(sqlite)?;
    if kind != "table" {
        return Err(format!("its Packages is a {kind} and no table"));
    }
    let mut select = connection.prepare("SELECT hnum, blob FROM Packages ORDER BY hnum").map_err(sqlite)?;
    let mut rows = select.query([]).map_err(sqlite)?;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let number = row.get::<_, u32>(0).map_err(sqlite)?;
        match row.get_ref(1).map_err(sqlite)?.as_blob() {
            Ok(blob) => intake.header(number as usize, blob)?,
            Err(_) => {
                intake.charge(0)?;
                intake.broken(number as usize, "a row without a header");
            }
        }
    }
    Ok(())
}

/// The database with its log switched off (file format, "1.3. File format version numbers": bytes 18 and 19 are 1): a database in memory
/// can have none.
fn unlogged(bytes: &[u8]) -> impl Read + '_ {
    const PLAIN: [u8; 2] = [1, 1];
    let at = 18.min(bytes.len());
    bytes[..at].chain(&PLAIN[..bytes.len().saturating_sub(18).min(2)]).chain(&bytes[20.min(bytes.len())..])
}
