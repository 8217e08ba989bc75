//! An installed npm package: the `package.json` of a folder in `node_modules`.

use super::npm::{self, Entry};
use crate::acquire::{Blemish, Reading, Source, json};
use crate::model::repository::repository;
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Repository {
    Address(String),
    Link { url: Option<String> },
    Other(serde::de::IgnoredAny),
}

/// Reads a manifest.
///
/// # Errors
/// When it is no JSON object, or names no package or no version.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let manifest: Manifest = json::parse(source.text)?;
    let (Some(name), Some(version)) = (manifest.name, manifest.version) else {
        return Err(Blemish::at(0, "it names no package or no version, so it cannot be judged"));
    };
    let mut reading = Reading::default();
    let address = match manifest.repository {
        Some(Repository::Address(address)) => Some(address),
        Some(Repository::Link { url }) => url,
        _ => None,
    };
    // `owner/name` and `github:owner/name` are short for an address (npm's package.json documentation, `repository`).
    let address = address.map(|address| match address.strip_prefix("github:").unwrap_or(&address) {
        short if short.matches('/').count() == 1 && !short.contains(':') => format!("https://github.com/{short}"),
        _ => address,
    });
    if let Some(at) = npm::add(&mut reading, Entry { name, version, ..Entry::default() }, 0) {
        reading.found[at].repositories = address.as_deref().and_then(repository).into_iter().collect();
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, read_text};

    #[test]
    fn a_manifest_names_the_package_and_its_repository() {
        let text = r#"{"name":"@acme/foo","version":"1.0.0","repository":{"type":"git","url":"git+https://github.com/acme/foo.git"}}"#;
        let reading = read_text(read, "node_modules/@acme/foo/package.json", text).unwrap();
        assert_eq!(names(&reading), ["pkg:npm/%40acme/foo@1.0.0"]);
        assert_eq!(reading.found[0].repositories, ["github.com/acme/foo"]);
        let short =
            read_text(read, "node_modules/foo/package.json", r#"{"name":"foo","version":"1.0.0","repository":"acme/foo"}"#).unwrap();
        assert_eq!(short.found[0].repositories, ["github.com/acme/foo"]);
        assert!(read_text(read, "node_modules/foo/package.json", r#"{"type":"module"}"#).is_err());
    }
}
