//! rpm's own database form, `Packages.db` (SUSE): pages of slots that say where each header's blob lies (rpm's `lib/backend/ndb/rpmpkg.c`;
//! all numbers little-endian, blobs in blocks of sixteen bytes).

use super::intake::Intake;
use super::little;

const MAGIC: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const BLOB: u32 = u32::from_le_bytes(*b"BlbS");
const PAGE: usize = 4096;
const SLOT_SIZE: usize = 16;
/// The first page holds the database's own header in the room of two slots.
const HEAD: usize = 2 * SLOT_SIZE;
const BLOCK: usize = 16;
/// A blob's mark, package number, generation and length.
const BLOB_HEAD: usize = 16;

/// Whether the bytes are a database of this form.
pub fn is_one(bytes: &[u8]) -> bool {
    little(bytes, 0) == Some(MAGIC)
}

/// Hands over the headers of a database.
///
/// # Errors
/// When the database's own header is wrong.
pub fn read(bytes: &[u8], intake: &mut Intake<'_>) -> Result<(), String> {
    if little(bytes, 4) != Some(0) {
        return Err("its form is of a version that is not known".to_owned());
    }
    let pages = little(bytes, 12).ok_or("it is cut off in its header")? as usize;
    let claimed = pages.saturating_mul(PAGE);
    let table = bytes.get(HEAD..claimed.min(bytes.len())).ok_or("it has no slots")?;
    if claimed > bytes.len() {
        intake.broken(bytes.len(), &format!("it is cut off: it claims {pages} pages of slots"));
    }
    for (at, slot) in table.chunks_exact(SLOT_SIZE).enumerate() {
        let place = HEAD + at * SLOT_SIZE;
        let (package, block) = (little(slot, 4).unwrap_or(0), little(slot, 8).unwrap_or(0) as usize);
        if little(slot, 0) != Some(SLOT) {
            intake.broken(place, "a slot without its mark");
        } else if package != 0 {
            match blob(bytes, package, block) {
                Some(blob) => intake.header(block * BLOCK, blob)?,
                None => intake.broken(place, &format!("package number {package} is not where its slot says")),
            }
        }
    }
    Ok(())
}

fn blob(bytes: &[u8], package: u32, block: usize) -> Option<&[u8]> {
    let at = block.checked_mul(BLOCK)?;
    let length = little(bytes, at.checked_add(12)?)? as usize;
    let known = little(bytes, at)? == BLOB && little(bytes, at + 4)? == package;
    let from = at + BLOB_HEAD;
    if known { bytes.get(from..from.checked_add(length)?) } else { None }
}
