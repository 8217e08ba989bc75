//! What a new generation must look like beside the one before it, before it comes into force.

use super::SyncError;
use crate::mirror::compare::Moved;
use crate::mirror::store::{API, Manifest};
use jiff::{Timestamp, ToSpan};

/// A map smaller than this moves by more than a hundredth with every name.
const SMALLEST_MAP: u64 = 100;

/// Compares a generation with the one that it grew from. `moved`: package names that the mirror taught the old one, and
/// how many of them mean another product now.
///
/// # Errors
/// What is not as it must be, and what to do.
pub(super) fn succeeds(old: &Manifest, new: &Manifest, moved: Moved) -> Result<(), SyncError> {
    let suspicious = |what: String| Err(SyncError::Suspicious(format!("{what}; if that is meant, `sync --full` builds it from nothing")));
    for before in old.sources.iter().filter(|source| source.name != API) {
        let Some(now) = new.sources.iter().find(|source| source.name == before.name) else {
            return suspicious(format!("{} is not in it any more", before.name));
        };
        // The NVD withdraws records by a status and never drops them; lists have a bound of their own.
        if before.name == "nvd" && now.records < before.records {
            return suspicious(format!("the NVD's records fell from {} to {}", before.records, now.records));
        }
        if before.name == "nvd" && now.newest < before.newest {
            return suspicious(format!("the NVD's newest feed is of {}, {} was held", now.newest, before.newest));
        }
    }
    let (moved, of) = (moved.moved, moved.of);
    if of >= SMALLEST_MAP && moved * 100 > of {
        return suspicious(format!("{moved} of the {of} package names that the mirror teaches mean another product than before"));
    }
    Ok(())
}

/// A clock that is behind the newest feed by more than a day makes every age wrong.
///
/// # Errors
/// Both times.
pub(super) fn clock(now: &str, newest: &str) -> Result<(), SyncError> {
    let (Ok(clock), Ok(feed)) = (now.parse::<Timestamp>(), newest.parse::<Timestamp>()) else { return Ok(()) };
    if clock.checked_add(24.hours()).is_ok_and(|later| later < feed) {
        return Err(SyncError::Suspicious(format!(
            "this machine's clock says {now} and the newest feed is of {newest}: set the clock (or --today)"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mirror::SourceState;

    fn manifest(newest: &str, records: u64) -> Manifest {
        let nvd = SourceState {
            name: "nvd".to_owned(),
            contacted: String::new(),
            newest: newest.to_owned(),
            records,
            state: "current".to_owned(),
        };
        Manifest { sources: vec![nvd], ..Manifest::empty() }
    }

    #[test]
    fn a_generation_that_lost_something_is_no_successor() {
        let told = |new: &Manifest, moved, of| {
            succeeds(&manifest("2026-01-01", 1000), new, Moved { moved, of }).map_err(|error| error.to_string())
        };
        assert!(told(&manifest("2026-01-02", 1001), 1, 100).is_ok());
        assert!(told(&manifest("2026-01-02", 999), 0, 100).unwrap_err().contains("from 1000 to 999"));
        assert!(told(&manifest("2025-12-31", 1000), 0, 100).unwrap_err().contains("2025-12-31"));
        assert!(told(&Manifest::empty(), 0, 100).unwrap_err().contains("nvd is not in it"));
        assert!(told(&manifest("2026-01-02", 1001), 2, 100).unwrap_err().contains("2 of the 100"));
        assert!(told(&manifest("2026-01-02", 1001), 9, 9).is_ok(), "too small a map to tell");
    }

    #[test]
    fn a_clock_that_is_behind_is_told() {
        assert!(clock("2026-01-02T00:00:00Z", "2026-01-02T12:00:00-00:00").is_ok());
        assert!(clock("2026-01-02T00:00:00Z", "").is_ok());
        assert!(clock("2025-01-02T00:00:00Z", "2026-01-02T12:00:00-00:00").unwrap_err().to_string().contains("set the clock"));
    }
}
