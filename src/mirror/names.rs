//! Which name keys the mirror has at all. Most packages' names are no product's, in any shape, so the first question
//! is asked of a set of hashes; the set is read once a check has asked for enough packages to pay for it.

use super::MirrorError;
use rusqlite::Connection;
use std::cell::{Cell, OnceCell};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Questions that go to the database before the set is read.
const PATIENCE: u32 = 150;

/// The keys of all products, read when it pays.
#[derive(Default)]
pub struct NameKeys {
    asked: Cell<u32>,
    keys: OnceCell<HashSet<u64>>,
    hasher: RandomState,
}

impl NameKeys {
    /// Of these keys, those that some product may have. A key that is left out has no product.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn possible<'a>(&self, connection: &Connection, keys: &[&'a str]) -> Result<Vec<&'a str>, MirrorError> {
        self.asked.set(self.asked.get().saturating_add(1));
        if self.asked.get() <= PATIENCE {
            return Ok(keys.to_vec());
        }
        let known = match self.keys.get() {
            Some(known) => known,
            None => {
                let mut select = connection.prepare("SELECT name_key FROM product")?;
                let mut rows = select.query([])?;
                let mut known = HashSet::new();
                while let Some(row) = rows.next()? {
                    known.insert(self.hasher.hash_one(row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?));
                }
                self.keys.get_or_init(|| known)
            }
        };
        Ok(keys.iter().copied().filter(|key| known.contains(&self.hasher.hash_one(key.as_bytes()))).collect())
    }
}
