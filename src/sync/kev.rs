//! CISA's Known Exploited Vulnerabilities catalogue, in the JSON form that CISA publishes.

use super::SyncError;
use super::lists::Loaded;
use crate::mirror::rows::AsideRow;
use crate::mirror::writer::Writer;
use crate::model::advisory::CveId;
use serde::Deserialize;
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue {
    catalog_version: String,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    id: String,
    #[serde(default)]
    date_added: String,
    #[serde(default)]
    due_date: String,
    #[serde(default)]
    known_ransomware_campaign_use: String,
}

/// Loads the catalogue from a file.
///
/// # Errors
/// When it cannot be read or decoded, or the database refuses.
pub fn load(name: &str, path: &Path, sound: &dyn Fn(u64) -> Result<(), SyncError>, writer: &mut Writer) -> Result<Loaded, SyncError> {
    let text = fs::read_to_string(path).map_err(|cause| SyncError::Read { path: path.to_owned(), cause })?;
    load_text(name, &path.display().to_string(), &text, sound, writer)
}

/// Loads the catalogue from its text; `place` is for messages.
///
/// # Errors
/// As for [`load`].
pub fn load_text(
    name: &str,
    place: &str,
    text: &str,
    sound: &dyn Fn(u64) -> Result<(), SyncError>,
    writer: &mut Writer,
) -> Result<Loaded, SyncError> {
    let catalogue: Catalogue =
        serde_json::from_str(text).map_err(|error| SyncError::Syntax { feed: place.to_owned(), offset: 0, cause: error.to_string() })?;
    sound(catalogue.vulnerabilities.len() as u64)?;
    writer.forget_kev()?;
    writer.forget_aside(name)?;
    let mut loaded = Loaded { records: 0, newest: catalogue.catalog_version };
    for entry in &catalogue.vulnerabilities {
        match entry.id.parse::<CveId>() {
            Ok(id) => {
                let ransomware = entry.known_ransomware_campaign_use == "Known";
                writer.write_kev(id.packed(), &entry.date_added, &entry.due_date, ransomware)?;
                loaded.records += 1;
            }
            Err(_) => {
                let row = AsideRow { record: entry.id.clone(), error: "this is not a CVE id".to_owned(), raw: String::new() };
                writer.keep_aside(name, &row)?;
            }
        }
    }
    Ok(loaded)
}
