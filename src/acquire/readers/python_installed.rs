//! An installed Python distribution: `METADATA` of a `.dist-info` folder, `PKG-INFO` of an `.egg-info` (core metadata
//! specification; `direct_url.json`: PEP 610).

use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::package::Origin;
use crate::model::purl::{Ecosystem, Purl};
use crate::model::repository::repository;
use serde::Deserialize;

#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    vcs_info: Option<serde::de::IgnoredAny>,
}

/// Reads the headers.
///
/// # Errors
/// When it names no package or no version.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let headers: Vec<(String, &str)> = source
        .text
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let all = |name: &'static str| headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| *value);
    let (Some(name), Some(version)) = (all("name").next(), all("version").next()) else {
        return Err(Blemish::at(0, "it names no package or no version, so it cannot be judged"));
    };
    let purl = Purl::of_package(Ecosystem::Pypi, name, version).map_err(|error| Blemish::at(0, error.to_string()))?;
    let labelled = all("project-url").map(|value| value.split_once(',').map_or(value, |(_, address)| address.trim()));
    let mut found = Found { repositories: all("home-page").chain(labelled).filter_map(repository).collect(), ..Found::new(purl, 0) };
    if let Some(text) = source.beside("direct_url.json") {
        found.origin = match serde_json::from_str::<DirectUrl>(&text) {
            Ok(direct) => origin_of(direct),
            Err(error) => return Err(Blemish::at(0, format!("direct_url.json beside it does not read: {error}"))),
        };
    }
    Ok(Reading { found: vec![found], ..Reading::default() })
}

fn origin_of(direct: DirectUrl) -> Origin {
    match direct {
        DirectUrl { url, .. } if url.starts_with("file:") => Origin::Path(url),
        DirectUrl { url, vcs_info: Some(_) } => Origin::Git(url),
        DirectUrl { url, .. } => Origin::Url(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, read_text, read_with};

    const METADATA: &str = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2.0\nProject-URL: Source, https://github.com/acme/foo\nSummary: a\n\nName: not this\n";

    #[test]
    fn headers_name_the_package() {
        let reading = read_text(read, "site-packages/foo_bar-1.2.0.dist-info/METADATA", METADATA).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/foo-bar@1.2.0"]);
        assert_eq!(reading.found[0].repositories, ["github.com/acme/foo"]);
        assert!(read_text(read, "x.dist-info/METADATA", "Name: foo\n").is_err());
    }

    #[test]
    fn what_does_not_come_from_the_index_is_told() {
        let beside = [("x.dist-info/direct_url.json", r#"{"url":"https://github.com/acme/foo","vcs_info":{"vcs":"git"}}"#)];
        let reading = read_with(read, "x.dist-info/METADATA", METADATA, &beside).unwrap();
        assert_eq!(reading.found[0].origin, Origin::Git("https://github.com/acme/foo".to_owned()));
    }
}
