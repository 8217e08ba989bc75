//! rpm's database of installed packages in its three forms: Berkeley DB hash (`Packages`), ndb (`Packages.db`), SQLite (`rpmdb.sqlite`).
//! The form is told by the bytes, not by the name. All three hold the same headers.

mod bdb;
mod header;
mod intake;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;

use super::readers::distro::Distro;
use super::{Binary, Blemish, Reading};
use intake::Intake;

/// Reads a database of any form.
///
/// # Errors
/// When the distribution is not known or nothing of the database can be read.
pub fn read(binary: &Binary<'_>) -> Result<Reading, Blemish> {
    let distro = Distro::named(binary.distro, "almalinux:9")?;
    let bytes = binary.bytes;
    let mut intake = Intake::new(&distro, bytes.len());
    let outcome = if ndb::is_one(bytes) {
        ndb::read(bytes, &mut intake)
    } else if bdb::is_one(bytes) {
        bdb::read(bytes, &mut intake)
    } else if sqlite::is_one(bytes) {
        if let Some(log) = binary.beside("-wal").filter(|log| !log.is_empty()) {
            let reason =
                format!("rpm had not finished: {} bytes of changes lie beside it in a write-ahead log that is not read", log.len());
            intake.reading.blemish(0, format!("{reason}; `rpm -qa` as root merges them"));
        }
        sqlite::read(bytes, &mut intake)
    } else {
        Err("it is none of rpm's forms: Berkeley DB hash, ndb, SQLite".to_owned())
    };
    match outcome {
        Err(reason) if intake.reading.found.is_empty() => Err(Blemish::at(0, reason)),
        Err(reason) => {
            intake.broken(0, &reason);
            Ok(intake.reading)
        }
        Ok(()) => Ok(intake.reading),
    }
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}
