//! The search over vendor and product names: tantivy, one segment, opened when it is first needed.
//!
//! A published index lies in a folder that may be read-only, where tantivy cannot make its lock file; it is
//! small, so it is read into memory. Scores rank hits within one search and mean nothing beyond it.

use super::MirrorError;
use crate::model::cpe::{Part, ProductName, unquote};
use crate::model::evidence::SearchHit;
use std::path::{Path, PathBuf};
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Directory, IndexWriter, TantivyDocument, Term};

/// Where a reader gets its index from.
pub enum IndexSource {
    /// A published folder.
    Folder(PathBuf),
    /// The products of a database in memory.
    Database,
}

/// The products of a database, with their titles.
///
/// # Errors
/// When it cannot be read.
pub(super) fn documents(connection: &rusqlite::Connection) -> Result<Vec<Document>, MirrorError> {
    let mut select = connection.prepare(
        "SELECT part, vendor, p.product, ifnull(title, '') FROM product p LEFT JOIN title t ON t.product = vendor || ':' || p.product
         WHERE p.product <> '*'",
    )?;
    let rows =
        select.query_map([], |row| Ok(Document { part: row.get(0)?, vendor: row.get(1)?, product: row.get(2)?, title: row.get(3)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One vendor:product pair, quoted.
pub struct Document {
    /// `a`, `o`, `h`.
    pub part: String,
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Title of the product in the CPE dictionary, or nothing.
    pub title: String,
}

#[derive(Clone, Copy)]
struct Fields {
    part: Field,
    vendor: Field,
    product: Field,
    vendor_words: Field,
    product_words: Field,
    title_words: Field,
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fields = Fields {
        part: builder.add_text_field("part", STORED),
        vendor: builder.add_text_field("vendor", STRING | STORED),
        product: builder.add_text_field("product", STRING | STORED),
        vendor_words: builder.add_text_field("vendor_words", TEXT),
        product_words: builder.add_text_field("product_words", TEXT),
        title_words: builder.add_text_field("title_words", TEXT),
    };
    (builder.build(), fields)
}

/// An open index.
pub struct Index {
    searcher: tantivy::Searcher,
    fields: Fields,
}

impl Index {
    /// Builds an index in a new folder, as one segment and without lock files.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn build(folder: &Path, documents: &[Document]) -> Result<(), MirrorError> {
        std::fs::create_dir_all(folder).map_err(MirrorError::io("making", folder))?;
        let (schema, fields) = schema();
        let index = tantivy::Index::create_in_dir(folder, schema).map_err(told)?;
        fill(&index, fields, documents)?;
        for entry in std::fs::read_dir(folder).map_err(MirrorError::io("reading", folder))?.flatten() {
            if entry.file_name().to_string_lossy().ends_with(".lock") {
                std::fs::remove_file(entry.path()).map_err(MirrorError::io("removing", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Builds an index in memory.
    ///
    /// # Errors
    /// When tantivy refuses.
    pub fn in_memory(documents: &[Document]) -> Result<Self, MirrorError> {
        let (schema, fields) = schema();
        let index = tantivy::Index::create_in_ram(schema);
        fill(&index, fields, documents)?;
        Self::over(&index)
    }

    /// Reads a published index.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn open(folder: &Path) -> Result<Self, MirrorError> {
        let directory = RamDirectory::create();
        for entry in std::fs::read_dir(folder).map_err(MirrorError::io("reading", folder))? {
            let path = entry.map_err(MirrorError::io("reading", folder))?.path();
            let bytes = std::fs::read(&path).map_err(MirrorError::io("reading", &path))?;
            let name = PathBuf::from(path.file_name().unwrap_or_default());
            directory.atomic_write(&name, &bytes).map_err(MirrorError::io("reading", &path))?;
        }
        let index = tantivy::Index::open(directory).map_err(told)?;
        Self::over(&index)
    }

    fn over(index: &tantivy::Index) -> Result<Self, MirrorError> {
        let reader = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual).try_into().map_err(told)?;
        Ok(Self { searcher: tantivy::IndexReader::searcher(&reader), fields: schema().1 })
    }

    /// The best hits for a text: exact product, then words of product and vendor, then one typing mistake.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<SearchHit>, MirrorError> {
        let text = text.to_lowercase();
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut add = |field: Field, word: &str, boost: f32| {
            let term = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::Basic);
            clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(term), boost))));
        };
        for whole in [text.clone(), text.replace([' ', '-'], "_"), text.replace([' ', '_'], "-")] {
            add(self.fields.product, &whole, 8.0);
        }
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            add(self.fields.product_words, word, 3.0);
            add(self.fields.vendor_words, word, 1.5);
            add(self.fields.title_words, word, 1.0);
        }
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 4) {
            let fuzzy = FuzzyTermQuery::new(Term::from_field_text(self.fields.product_words, word), 1, true);
            clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(fuzzy), 0.5))));
        }
        if clauses.is_empty() {
            return Ok(Vec::new());
        }
        let query = BooleanQuery::new(clauses);
        let found = self.searcher.search(&query, &TopDocs::with_limit(limit.max(1)).order_by_score()).map_err(told)?;
        found
            .into_iter()
            .map(|(score, address)| {
                let document: TantivyDocument = self.searcher.doc(address).map_err(told)?;
                let get = |field: Field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
                let part = Part::from_letter(&get(self.fields.part)).unwrap_or(Part::Any);
                let product = ProductName { part, vendor: get(self.fields.vendor).into(), product: get(self.fields.product).into() };
                Ok(SearchHit { product, score })
            })
            .collect()
    }

    /// How many pairs it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn fill(index: &tantivy::Index, fields: Fields, documents: &[Document]) -> Result<(), MirrorError> {
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 40_000_000).map_err(told)?;
    writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
    for row in documents {
        let mut document = TantivyDocument::default();
        document.add_text(fields.part, &row.part);
        document.add_text(fields.vendor, &row.vendor);
        document.add_text(fields.product, &row.product);
        document.add_text(fields.vendor_words, unquote(&row.vendor).replace('_', " "));
        document.add_text(fields.product_words, unquote(&row.product).replace('_', " "));
        document.add_text(fields.title_words, &row.title);
        writer.add_document(document).map_err(told)?;
    }
    writer.commit().map_err(told)?;
    let segments = index.searchable_segment_ids().map_err(told)?;
    if segments.len() > 1 {
        writer.merge(&segments).wait().map_err(told)?;
        writer.commit().map_err(told)?;
    }
    writer.wait_merging_threads().map_err(told)
}

fn told(error: impl std::fmt::Display) -> MirrorError {
    MirrorError::Index(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engineer_finds_products_by_any_part_of_the_name() {
        let pair = |vendor: &str, product: &str| Document {
            part: "a".into(),
            vendor: vendor.into(),
            product: product.into(),
            title: if product == "airflow" { "Workflow Scheduler".to_owned() } else { String::new() },
        };
        let index = Index::in_memory(&[
            pair("apache", "http_server"),
            pair("lodash", "lodash"),
            pair("nodejs", r"node\!js"),
            pair("apache", "airflow"),
        ])
        .unwrap();
        assert_eq!(index.len(), 4);
        for (text, expected) in [
            ("http server", "http_server"),
            ("lodash", "lodash"),
            ("lodahs", "lodash"),
            ("apache airflow", "airflow"),
            ("HTTP_Server", "http_server"),
            ("scheduler", "airflow"),
        ] {
            assert_eq!(&*index.search(text, 3).unwrap()[0].product.product, expected, "{text}");
        }
        assert!(index.search("!!!", 3).unwrap().is_empty());
    }
}
