//! For the readers' own tests: a text, with or without neighbours, read.

use crate::acquire::tree::Memory;
use crate::acquire::{Blemish, Reader, Reading, Source};
use crate::model::package::PathName;

/// Reads a text.
pub fn read_text(reader: Reader, path: &str, text: &str) -> Result<Reading, Blemish> {
    read_with(reader, path, text, &[])
}

/// Reads a text that has neighbours.
pub fn read_with(reader: Reader, path: &str, text: &str, neighbours: &[(&str, &str)]) -> Result<Reading, Blemish> {
    let tree = neighbours.iter().fold(Memory::default(), |tree, (path, text)| tree.and(path, text.as_bytes().to_vec()));
    reader(&Source { text, path, tree: &tree, distro: None })
}

/// The purls of a reading, in order.
pub fn names(reading: &Reading) -> Vec<&str> {
    reading.found.iter().map(|found| found.purl.text()).collect()
}

/// Shortest path of each package, joined with blanks.
pub fn paths(reading: &Reading) -> Vec<String> {
    let one = |path: &Vec<PathName>| path.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ");
    reading.graph.paths(&reading.found).iter().map(|paths| paths.first().map(one).unwrap_or_default()).collect()
}
