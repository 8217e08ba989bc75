//! rpm's old database form, `Packages`: a Berkeley DB hash table (`db_page.h` of Berkeley DB 4 and 5). A header mostly lies on a chain
//! of overflow pages of its own; small ones lie on the table's pages.

use super::intake::Intake;
use super::little;

/// `DB_HASHMAGIC`.
const MAGIC: u32 = 0x0006_1561;
const PAGE_HEAD: usize = 26;
const PAGE_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_SORTED: u8 = 13;
const ITEM_HERE: u8 = 1;
const ITEM_ELSEWHERE: u8 = 3;

/// Whether the bytes are a database of this form.
pub fn is_one(bytes: &[u8]) -> bool {
    little(bytes, 12).is_some_and(|magic| magic == MAGIC || magic.swap_bytes() == MAGIC)
}

/// Hands over the headers of a database.
///
/// # Errors
/// When its first page is wrong.
pub fn read(bytes: &[u8], intake: &mut Intake<'_>) -> Result<(), String> {
    let swapped = little(bytes, 12) != Some(MAGIC);
    let size = Pages { bytes, swapped, size: 0 }.long(20).unwrap_or(0) as usize;
    if !(512..=65536).contains(&size) || !size.is_power_of_two() {
        return Err(format!("its pages would have {size} bytes"));
    }
    if bytes.get(24) != Some(&0) {
        return Err("it is encrypted".to_owned());
    }
    let pages = Pages { bytes, swapped, size };
    let last = pages.long(32).unwrap_or(0) as usize;
    if last.saturating_add(1).saturating_mul(size) > bytes.len() {
        intake.broken(bytes.len(), &format!("it is cut off: it claims {} pages of {size} bytes", last + 1));
    }
    let mut keys = 0;
    for page in 1..bytes.len().div_ceil(size) {
        let start = page * size;
        if matches!(bytes.get(start + 25), Some(&(PAGE_UNSORTED | PAGE_SORTED))) {
            keys += pages.table(start, intake)?;
        }
    }
    // A page that lost its mark would not be missed otherwise.
    let stated = pages.long(88).unwrap_or(0);
    if keys < stated {
        intake.broken(88, &format!("it states {stated} entries, {keys} were found"));
    }
    Ok(())
}

/// The pages of a database and the order of its bytes.
struct Pages<'a> {
    bytes: &'a [u8],
    swapped: bool,
    size: usize,
}

impl Pages<'_> {
    fn long(&self, at: usize) -> Option<u32> {
        little(self.bytes, at).map(|value| if self.swapped { value.swap_bytes() } else { value })
    }

    fn short(&self, at: usize) -> Option<usize> {
        let value = u16::from_le_bytes(self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?);
        Some(usize::from(if self.swapped { value.swap_bytes() } else { value }))
    }

    /// A page of the table, and how many keys it has: keys and values in turns. Key 0 holds the next free number, the others a package each.
    fn table(&self, start: usize, intake: &mut Intake<'_>) -> Result<u32, String> {
        let entries = self.short(start + 20).unwrap_or(0);
        let mut before = self.size;
        let (mut key, mut keys) = (Some(0), 0);
        for at in 0..entries {
            let place = start + PAGE_HEAD + at * 2;
            let item = self.short(place).filter(|item| *item > PAGE_HEAD && *item < before);
            let Some(item) = item.filter(|_| place + 2 <= self.bytes.len()) else {
                intake.broken(place, "the table of a page leads out of it");
                return Ok(keys);
            };
            let (from, to) = (start + item, start + before);
            before = item;
            if at % 2 == 0 {
                key = self.long(from + 1);
                keys += 1;
            } else if key != Some(0) {
                match self.bytes.get(from..to) {
                    Some([ITEM_HERE, blob @ ..]) => intake.header(from, blob)?,
                    Some([ITEM_ELSEWHERE, ..]) => match self.chain(from) {
                        Ok(blob) => intake.header(from, &blob)?,
                        Err((read, reason)) => {
                            intake.broken(from, &reason);
                            intake.charge(read)?;
                        }
                    },
                    _ => intake.broken(from, "an entry of a kind that is not known"),
                }
            }
        }
        Ok(keys)
    }

    /// The bytes that an entry keeps on pages of their own. Every page adds at least a byte, so that a circle ends. An error says how many
    /// bytes were read until then.
    fn chain(&self, from: usize) -> Result<Vec<u8>, (usize, String)> {
        let (Some(mut page), Some(length)) = (self.long(from + 4), self.long(from + 8)) else {
            return Err((0, "an entry that is cut off".to_owned()));
        };
        let length = length as usize;
        if length > self.bytes.len() {
            return Err((0, format!("an entry that claims {length} bytes")));
        }
        let mut blob = Vec::new();
        while blob.len() < length {
            let start = (page as usize).saturating_mul(self.size);
            let here = self.short(start.saturating_add(22)).filter(|_| self.bytes.get(start + 25) == Some(&PAGE_OVERFLOW));
            let part = here.filter(|here| *here > 0 && *here <= self.size - PAGE_HEAD);
            let part = part.and_then(|here| self.bytes.get(start + PAGE_HEAD..start + PAGE_HEAD + here));
            blob.extend(part.ok_or_else(|| (blob.len(), format!("a chain of pages that breaks at page {page}")))?);
            page = self.long(start + 16).unwrap_or(0);
        }
        if blob.len() == length { Ok(blob) } else { Err((blob.len(), "a chain of pages that is longer than its entry says".to_owned())) }
    }
}
