//! What `pip list` prints, as columns or JSON. (`pip freeze` prints a requirements file.)

use super::pypi::Nodes;
use crate::acquire::json;
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Origin;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    editable_project_location: Option<String>,
}

/// Reads a list in either form.
///
/// # Errors
/// When it is neither.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let (mut reading, mut nodes) = (Reading::default(), Nodes::default());
    if source.text.trim_start().starts_with('[') {
        let entries: Vec<&RawValue> = json::parse(source.text)?;
        for raw in entries {
            let entry: Entry = json::parse_value(source.text, raw)?;
            let offset = json::offset_in(source.text, raw);
            add(&mut nodes, &mut reading, &entry.name, &entry.version, entry.editable_project_location.as_deref(), offset);
        }
        return Ok(reading);
    }
    let (mut at, mut heading, mut folders) = (0, 0, None);
    for line in source.text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (heading, words.as_slice()) {
            (0, ["Package", "Version", ..]) => {
                // Other columns hold paths too (`pip list -v`); only this one tells an editable project.
                folders = line.find("Editable project location");
                heading = 1;
            }
            (1, [rule, ..]) if rule.bytes().all(|b| b == b'-') => heading = 2,
            (2, [name, version, ..]) => {
                let folder = folders.and_then(|column| line.get(column..)).filter(|text| !text.starts_with(' '));
                let folder = folder.and_then(|text| text.split_whitespace().next());
                add(&mut nodes, &mut reading, name, version, folder, at);
            }
            // Hints of pip stand around the table.
            (_, []) => {}
            (2, _) => reading.blemish(at, "this line does not say name and version"),
            _ => {}
        }
        at += line.len();
    }
    if heading == 2 { Ok(reading) } else { Err(Blemish::at(0, "it has no heading `Package  Version`: it is not what `pip list` prints")) }
}

fn add(nodes: &mut Nodes, reading: &mut Reading, name: &str, version: &str, folder: Option<&str>, offset: usize) {
    nodes.add(reading, name, version, offset, |found| {
        // The last column is the folder of an editable project.
        found.origin =
            folder.filter(|folder| folder.contains(['/', '\\'])).map_or(Origin::Public, |folder| Origin::Path(folder.to_owned()));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, read_text};

    #[test]
    fn columns_and_json() {
        let columns = "Package    Version  Editable project location\n---------- -------- -------------------------\nA_b        1.0\nown        0.1      /src/own\n\n[notice] A new release of pip is available\n";
        let reading = read_text(read, "-", columns).unwrap();
        assert_eq!(names(&reading)[..2], ["pkg:pypi/a-b@1.0", "pkg:pypi/own@0.1"]);
        assert!(matches!(reading.found[1].origin, Origin::Path(_)));
        let json = r#"[{"name": "a", "version": "1"}, {"name": "own", "version": "2", "editable_project_location": "/src"}]"#;
        assert_eq!(names(&read_text(read, "-", json).unwrap()), ["pkg:pypi/a@1", "pkg:pypi/own@2"]);
        let verbose = "Package Version Location          Installer\n------- ------- ----------------- ---------\nidna    3.7     /usr/lib/python3  pip\n";
        assert_eq!(read_text(read, "-", verbose).unwrap().found[0].origin, Origin::Public);
        assert!(read_text(read, "-", "a b\n").is_err() && read_text(read, "-", "[1]").is_err());
    }
}
