//! The C library that a crate carries in its sources: `openssl-src 111.12.0+1.1.1h` is built from OpenSSL 1.1.1h.
//!
//! A crate is taken at its word only where the build metadata of its version (SemVer 2.0.0, clause 10) gives the library's
//! version; a `-sys` crate without it may link to whatever the system has.

use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::model::cpe::{Part, name_key};
use crate::model::evidence::ProductFacts;
use crate::model::finding::{Basis, Candidate};
use crate::model::package::Package;
use crate::model::purl::Ecosystem;

/// How many times more records than the next one of its name a product must have to be the library that everybody means.
const CLEARLY: u32 = 4;

/// The products that a crate carries, each with the version of it.
///
/// # Errors
/// When the mirror cannot be read.
pub fn carried(package: &Package, names: &Reader) -> Result<Vec<Candidate>, MirrorError> {
    let Some((library, version)) = library(package.ecosystem(), &package.name(), &package.version) else { return Ok(Vec::new()) };
    let bare = library.strip_prefix("lib").unwrap_or(&library).to_owned();
    let with = format!("lib{bare}");
    let found = names.products_named(&[&bare, &with])?;
    let Some(most) = best(&found, &library).or_else(|| best(&found, if library == bare { &with } else { &bare })) else {
        return Ok(Vec::new());
    };
    // A project's program and its library are carried together: curl and libcurl.
    let same = found.iter().filter(|(_, facts)| facts.product.part == Part::Application && facts.product.vendor == most.product.vendor);
    Ok(same
        .map(|(_, facts)| {
            let evidence = format!("its version says that it carries {library} {version}");
            Candidate { version: Some(version.clone()), ..Candidate::certain(facts.product.clone(), Basis::ExactName, evidence) }
        })
        .collect())
}

/// The product of a name with by far the most records, if it is no crate itself.
fn best<'a>(found: &'a [(String, ProductFacts)], key: &str) -> Option<&'a ProductFacts> {
    let of_name = || found.iter().filter(|(known, facts)| known == key && facts.product.part == Part::Application).map(|(_, facts)| facts);
    let most = of_name().max_by_key(|facts| facts.cves)?;
    let next = of_name().filter(|facts| facts.product != most.product).map(|facts| facts.cves).max().unwrap_or(0);
    let crates =
        most.worlds.iter().find(|count| count.world == Ecosystem::Cargo.name()).map_or(0, |count| count.references.max(count.words));
    (most.cves >= next * CLEARLY && crates * 2 < most.cves).then_some(most)
}

/// The library's key and version, by the crate's name and build metadata.
fn library(ecosystem: Ecosystem, name: &str, version: &str) -> Option<(String, String)> {
    if ecosystem != Ecosystem::Cargo {
        return None;
    }
    let key = name_key(name);
    let library = key.strip_suffix("-src").or_else(|| key.strip_suffix("-sys"))?;
    let (_, metadata) = version.split_once('+')?;
    // The library's name may stand before its version: `curl-7.81.0`, `zstd.1.4.7`.
    let version = &metadata[metadata.find(|c: char| c.is_ascii_digit())?..];
    let named = metadata.strip_suffix(version).map(|front| front.trim_matches(['-', '.', 'v']))?;
    let own = named.is_empty() || library.contains(&name_key(named));
    (own && version.contains('.')).then(|| (library.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_metadata_tells_what_is_carried() {
        let of = |name: &str, version: &str| library(Ecosystem::Cargo, name, version);
        let some = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(of("openssl-src", "111.12.0+1.1.1h"), some("openssl", "1.1.1h"));
        assert_eq!(of("curl-sys", "0.4.52+curl-7.81.0"), some("curl", "7.81.0"));
        assert_eq!(of("zstd-sys", "1.4.18+zstd.1.4.7"), some("zstd", "1.4.7"));
        assert_eq!(of("libssh2-sys", "0.2.23"), None);
        assert_eq!(of("thing", "1.0.0+2.0"), None);
        assert_eq!(of("foo-sys", "1.0.0+deprecated"), None);
    }
}
