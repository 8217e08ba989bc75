//! The NVD's dictionary of CPE names, as its 2.0 feed gives it: a gzipped tar of JSON chunks, or one such file.
//!
//! Of its million names the mirror keeps one title for each product, and what a product's names were all replaced by.

use super::SyncError;
use super::lists::Loaded;
use crate::mirror::rows::AsideRow;
use crate::mirror::writer::Writer;
use crate::model::cpe::CpeName;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Bytes of one chunk at most.
const LARGEST: u64 = 256 << 20;
/// Bytes of the unpacked dictionary at most; today's has about two thousand million.
const LARGEST_ARCHIVE: u64 = 16 << 30;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    products: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    cpe: Entry<'a>,
}

/// NVD, "CPE API 2.0 schema": `cpe`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    cpe_name: Cow<'a, str>,
    #[serde(default)]
    deprecated: bool,
    #[serde(borrow, default)]
    titles: Vec<Title<'a>>,
    #[serde(borrow, default)]
    deprecated_by: Vec<Successor<'a>>,
}

#[derive(Deserialize)]
struct Title<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    lang: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Successor<'a> {
    #[serde(borrow)]
    cpe_name: Cow<'a, str>,
}

/// A product, as all its names together tell of it.
#[derive(Default)]
struct Product {
    title: Option<String>,
    /// Some name of it is still good.
    lives: bool,
    successors: BTreeMap<String, u32>,
}

impl Product {
    /// The product's title is what the titles of its versions begin with.
    fn learn(&mut self, entry: &Entry<'_>) {
        if let Some(title) = entry.titles.iter().find(|title| title.lang.starts_with("en")) {
            self.title = Some(match &self.title {
                None => title.title.trim().to_owned(),
                Some(known) => {
                    let same = known.split(' ').zip(title.title.trim().split(' ')).take_while(|(a, b)| a == b);
                    same.map(|(word, _)| word).collect::<Vec<_>>().join(" ")
                }
            });
        }
        self.lives |= !entry.deprecated;
        for successor in &entry.deprecated_by {
            if let Some(product) = CpeName::read(&successor.cpe_name).ok().and_then(|name| name.product_name()) {
                *self.successors.entry(product.to_string()).or_default() += 1;
            }
        }
    }

    /// What replaced a product none of whose names is good any more: the product that most of them went to.
    fn replaced_by(&self, own: &str) -> Option<&str> {
        let named = self.successors.iter().filter(|(name, _)| *name != own).max_by_key(|(_, count)| **count);
        named.filter(|_| !self.lives).map(|(name, _)| name.as_str())
    }
}

/// Loads the dictionary.
///
/// # Errors
/// When it cannot be read to its end, or the database refuses.
pub fn load(name: &str, path: &Path, sound: &dyn Fn(u64) -> Result<(), SyncError>, writer: &mut Writer) -> Result<Loaded, SyncError> {
    let (mut products, mut count, mut aside) = (BTreeMap::<String, Product>::new(), 0, Vec::new());
    for_each_chunk(path, &mut |text, file| {
        let chunk: Chunk<'_> = serde_json::from_str(text).map_err(|error| broken(path, format!("{file}: {error}")))?;
        for Item { cpe } in &chunk.products {
            count += 1;
            match CpeName::read(&cpe.cpe_name).map(|name| name.product_name()) {
                Ok(Some(product)) => products.entry(product.to_string()).or_default().learn(cpe),
                Ok(None) => {}
                Err(error) => aside.push(AsideRow { record: cpe.cpe_name.to_string(), error: error.to_string(), raw: String::new() }),
            }
        }
        Ok(())
    })?;
    sound(count)?;
    writer.forget_titles()?;
    writer.forget_aside(name)?;
    aside.iter().try_for_each(|row| writer.keep_aside(name, row))?;
    for (key, product) in &products {
        let title = product.title.as_deref().unwrap_or_default();
        writer.write_title(key, title, product.replaced_by(key))?;
    }
    Ok(Loaded { records: count, newest: String::new() })
}

fn broken(path: &Path, cause: String) -> SyncError {
    SyncError::Syntax { feed: path.display().to_string(), offset: 0, cause }
}

/// Gives the text of each chunk: the JSON files of an archive, or the file itself.
fn for_each_chunk(path: &Path, take: &mut dyn FnMut(&str, &str) -> Result<(), SyncError>) -> Result<(), SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let open = || -> Result<Box<dyn Read>, SyncError> {
        let mut file = BufReader::new(File::open(path).map_err(told)?);
        let zipped = std::io::BufRead::fill_buf(&mut file).map_err(told)?.starts_with(&[0x1f, 0x8b]);
        Ok(if zipped { Box::new(MultiGzDecoder::new(file).take(LARGEST_ARCHIVE)) } else { Box::new(file.take(LARGEST_ARCHIVE)) })
    };
    let whole = |reader: &mut dyn Read, file: &str| {
        let mut text = String::new();
        let length = reader.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| broken(path, format!("{file}: {error}")))?;
        if length as u64 > LARGEST { Err(broken(path, format!("{file} has more than {LARGEST} bytes"))) } else { Ok(text) }
    };
    let mut first = [0];
    let is_json = matches!(open()?.read(&mut first), Ok(1)) && first == *b"{";
    if is_json {
        return take(&whole(&mut *open()?, "the file")?, "the file");
    }
    let mut archive = tar::Archive::new(open()?);
    let mut chunks = 0;
    for entry in archive.entries().map_err(told)? {
        let mut entry = entry.map_err(|error| broken(path, format!("it is no whole archive: {error}")))?;
        let file = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if file.ends_with(".json") {
            take(&whole(&mut entry, &file)?, &file)?;
            chunks += 1;
        }
    }
    if chunks == 0 { Err(broken(path, "the archive holds no JSON file".to_owned())) } else { Ok(()) }
}
