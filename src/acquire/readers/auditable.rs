//! The crates that went into an executable, as cargo-auditable writes them into it: JSON, packed with zlib (cargo-auditable's PARSING.md
//! and its JSON schema).

use crate::acquire::graph::{Edge, Root};
use crate::acquire::{Binary, Blemish, Found, Reading};
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};
use serde::Deserialize;
use std::io::Read;

/// Unpacked bytes at most.
const LARGEST: u64 = 16 << 20;

#[derive(Deserialize)]
struct Audit {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

/// Reads the section's bytes.
///
/// # Errors
/// When they are not what cargo-auditable writes.
pub fn read(binary: &Binary<'_>) -> Result<Reading, Blemish> {
    let wrong = |reason: String| Blemish::at(0, format!("its list of crates (.dep-v0) does not read: {reason}"));
    let mut text = Vec::new();
    let unpacked = flate2::read::ZlibDecoder::new(binary.bytes).take(LARGEST + 1).read_to_end(&mut text);
    if unpacked.map_err(|error| wrong(error.to_string()))? as u64 > LARGEST {
        return Err(wrong(format!("it has more than {LARGEST} bytes")));
    }
    let audit: Audit = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let mut reading = Reading::default();
    // The root and other crates of the same project are the program itself, as in a lockfile.
    let places: Vec<Option<usize>> = audit.packages.iter().map(|entry| add(&mut reading, entry)).collect();
    for (entry, at) in audit.packages.iter().zip(&places) {
        let asks: Vec<Edge> =
            entry.dependencies.iter().filter_map(|to| *places.get(*to)?).map(|to| Edge { to, scope: Scope::Production }).collect();
        match at {
            Some(from) => asks.into_iter().for_each(|edge| reading.graph.add(*from, edge)),
            None if entry.root || !asks.is_empty() => reading.graph.roots.push(Root { name: entry.name.clone(), asks }),
            None => {}
        }
    }
    Ok(reading)
}

fn add(reading: &mut Reading, entry: &Entry) -> Option<usize> {
    let origin = match entry.source.as_str() {
        _ if entry.root => return None,
        "local" => return None,
        "crates.io" => Origin::Public,
        "git" => Origin::Git("a repository that is not named".to_owned()),
        other => Origin::Registry(other.to_owned()),
    };
    match Purl::of_package(Ecosystem::Cargo, &entry.name, &entry.version) {
        Ok(purl) => {
            // Build dependencies run when the program is built and are not in it.
            let scope = if entry.kind.as_deref() == Some("build") { Scope::Development } else { Scope::Production };
            reading.found.push(Found { origin, scope, ..Found::new(purl, 0) });
            Some(reading.found.len() - 1)
        }
        Err(error) => {
            reading.blemish(0, error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::names;
    use crate::acquire::tree::Memory;
    use std::io::Write;

    fn packed(text: &str) -> Vec<u8> {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(text.as_bytes()).unwrap();
        zlib.finish().unwrap()
    }

    fn reading(bytes: &[u8]) -> Result<Reading, Blemish> {
        read(&Binary { bytes, path: "usr/bin/x", tree: &Memory::default(), distro: None })
    }

    #[test]
    fn crates_with_their_scope_and_paths() {
        let text = r#"{"packages":[{"name":"app","version":"1.0.0","source":"local","dependencies":[1,2],"root":true},
            {"name":"smallvec","version":"1.6.0","source":"crates.io"},
            {"name":"cc","version":"1.0.1","source":"crates.io","kind":"build","dependencies":[1]},
            {"name":"ours","version":"0.1.0","source":"git"}]}"#;
        let reading = reading(&packed(text)).unwrap();
        assert_eq!(names(&reading), ["pkg:cargo/smallvec@1.6.0", "pkg:cargo/cc@1.0.1", "pkg:cargo/ours@0.1.0"]);
        assert_eq!((reading.found[1].scope, &reading.graph.roots[0].name), (Scope::Development, &"app".to_owned()));
        assert!(matches!(reading.found[2].origin, Origin::Git(_)));
    }

    #[test]
    fn what_does_not_read_is_told() {
        assert!(reading(b"no zlib").unwrap_err().reason.contains(".dep-v0"));
        assert!(reading(&packed("{}")).is_err());
        let bomb = packed(&" ".repeat((LARGEST + 2) as usize));
        assert!(reading(&bomb).unwrap_err().reason.contains("more than"));
    }
}
