//! Which layer of an image brought which file, and which package within a database that several layers wrote.

use crate::acquire::installed::{self, Use};
use crate::acquire::text::decode;
use crate::acquire::tree::Tree;
use crate::acquire::{Binary, Source};
use crate::model::purl::Purl;
use std::collections::{BTreeMap, BTreeSet};

/// Where each thing is from.
#[derive(Debug, Default)]
pub struct Strata {
    /// Digests, lowest first.
    pub digests: Vec<String>,
    /// How many of them are the base image's.
    pub base: usize,
    /// The layer that each file is from.
    pub files: BTreeMap<String, usize>,
    /// For each database, the layer that each of its packages is from.
    pub packages: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Strata {
    /// The digest of the layer that a package in a file is from, and whether it is the base image's.
    #[must_use]
    pub fn of(&self, path: &str, purl: &Purl) -> Option<(String, bool)> {
        let in_database = self.packages.get(path).and_then(|packages| packages.get(&key(purl)));
        let layer = *in_database.or_else(|| self.files.get(path))?;
        Some((self.digests.get(layer)?.clone(), layer < self.base))
    }
}

/// The packages of a database, whatever distribution it is of; nothing where it does not read, which its reading proper tells.
#[must_use]
pub fn packages(tree: &dyn Tree, path: &str) -> Option<BTreeSet<String>> {
    let bytes = tree.read(path).ok()?;
    let distro = Some("any:0");
    let reading = match installed::use_of(path) {
        Some(Use::Database(_, reader)) => {
            let decoded = decode(bytes.into_owned());
            reader(&Source { text: &decoded.text, path, tree, distro })
        }
        Some(Use::BinaryDatabase(_, reader)) => reader(&Binary { bytes: &bytes, path, tree, distro }),
        _ => return None,
    };
    reading.ok().map(|reading| reading.found.iter().map(|found| key(&found.purl)).collect())
}

fn key(purl: &Purl) -> String {
    format!("{} {} {}", purl.base_name(), purl.full_version(), purl.qualifier("arch").unwrap_or_default())
}
