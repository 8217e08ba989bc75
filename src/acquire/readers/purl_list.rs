//! Package URLs, one a line; blank lines and `#` comments are passed over.

use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::purl::Purl;

/// Reads a list of purls.
///
/// # Errors
/// Never: each line stands for itself.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let mut reading = Reading::default();
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let purl = line.trim();
        if !purl.is_empty() && !purl.starts_with('#') {
            match purl.parse::<Purl>() {
                Ok(purl) => reading.found.push(Found::new(purl, offset)),
                Err(error) => reading.blemishes.push(Blemish { offset, reason: error.to_string() }),
            }
        }
        offset += line.len();
    }
    Ok(reading)
}
