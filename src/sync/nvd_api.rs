//! What changed at the NVD lately, asked of its CVE API 2.0 (NVD, "Vulnerabilities API": `lastModStartDate` and
//! `lastModEndDate` at most 120 days apart, pages of at most 2,000 records, 5 requests in 30 seconds or 50 with a key).
//!
//! Pages are kept in a folder until the window is whole, so that a killed run goes on where it was. A window whose total
//! changes between two pages has lost records to a later time: its pages no longer fit each other, and it is asked anew.

use super::SyncError;
use super::fetch::{FetchError, Transport};
use super::https::{Https, Retry};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where the API is and what it is told.
#[derive(Clone)]
pub struct Api {
    /// Its address, up to the question mark.
    pub place: String,
    /// The key that the NVD gives for the asking; never shown.
    pub key: Option<String>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("place", &self.place).field("key", &self.key.as_ref().map(|_| "…")).finish()
    }
}

/// A span of time in which records were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// A window's records, in files of the feeds' own form.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) window: Window,
    pub(super) pages: Vec<PathBuf>,
    pub(super) records: u64,
    /// The newest change among them, as the NVD writes it.
    pub(super) newest: String,
}

/// How far back a question may reach, with a day for clocks that differ.
pub(super) const REACH_DAYS: i64 = 119;
/// A window that a killed run left is gone on with for this long.
const RESUMED_HOURS: i64 = 6;
const LARGEST_PAGE: u64 = 2000;
const SMALLEST_PAGE: u64 = 100;
/// Failures of one page in a row, before it is given up.
const TRIES: u32 = 8;
/// Windows that changed under the questions, before that is given up.
const WINDOWS: u32 = 4;

/// The oldest moment that a window ending now can start at.
pub(super) fn reach(now: Timestamp) -> Timestamp {
    now.checked_sub((REACH_DAYS * 24).hours()).unwrap_or(Timestamp::MIN)
}

/// Everything that changed from `since` to now. `raw` keeps the pages; [`forget`] them when they are in the mirror.
///
/// # Errors
/// When a page cannot be had; those before it are kept for the next run.
pub(super) fn fetch(api: &Api, raw: &Path, since: Timestamp, now: Timestamp, transport: &Transport) -> Result<Delta, SyncError> {
    let http = Https::new(&api.place, raw, transport)?;
    let mut asker = Asker { http, key: api.key.as_deref(), pace: Pace::new(api.key.is_some()), size: LARGEST_PAGE };
    let fresh = Window { start: since, end: now };
    let mut window = left_over(raw, fresh).unwrap_or(fresh);
    for _ in 0..WINDOWS {
        fs::create_dir_all(raw).map_err(told("making", raw))?;
        keep(&raw.join(WINDOW), &serde_json::to_vec(&window).unwrap_or_default())?;
        if let Some(delta) = asker.window(raw, window)? {
            return Ok(delta);
        }
        forget(raw);
        window = fresh;
    }
    Err(SyncError::Moving { place: api.place.clone() })
}

/// Drops the pages of a window that is in the mirror.
pub(super) fn forget(raw: &Path) {
    let _ = fs::remove_dir_all(raw);
}

const WINDOW: &str = "window.json";

/// The window of a run that was killed, if it still serves.
fn left_over(raw: &Path, fresh: Window) -> Option<Window> {
    let left: Window = serde_json::from_slice(&fs::read(raw.join(WINDOW)).ok()?).ok()?;
    let youngest = fresh.end.checked_sub(RESUMED_HOURS.hours()).ok()?;
    let serves = left.start <= fresh.start && left.start >= reach(fresh.end) && left.end <= fresh.end && left.end >= youngest;
    if !serves {
        forget(raw);
    }
    serves.then_some(left)
}

/// What a page says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    start_index: u64,
    total_results: u64,
    #[serde(borrow)]
    vulnerabilities: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    cve: Stamp<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stamp<'a> {
    #[serde(borrow, default)]
    last_modified: Cow<'a, str>,
}

/// A page without its records.
struct Head {
    total: u64,
    count: u64,
    newest: String,
}

fn head(bytes: &[u8], at: u64) -> Result<Head, String> {
    let page: Page<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let count = page.vulnerabilities.len() as u64;
    if page.start_index != at || (count == 0 && at < page.total_results) {
        return Err(format!("it holds {count} records from {}, asked was from {at} of {}", page.start_index, page.total_results));
    }
    let newest = page.vulnerabilities.into_iter().map(|item| item.cve.last_modified).max().unwrap_or_default().into_owned();
    Ok(Head { total: page.total_results, count, newest })
}

struct Asker<'a> {
    http: Https,
    key: Option<&'a str>,
    pace: Pace,
    /// Records asked for at once: half as many after two failures, twice as many after a success.
    size: u64,
}

impl Asker<'_> {
    /// All pages of a window; nothing if it changed meanwhile.
    fn window(&mut self, raw: &Path, window: Window) -> Result<Option<Delta>, SyncError> {
        let mut delta = Delta { window, pages: Vec::new(), records: 0, newest: String::new() };
        let mut total = None;
        while total.is_none_or(|total| delta.records < total) {
            let path = raw.join(format!("{:09}.json", delta.records));
            let kept = fs::read(&path).ok().and_then(|bytes| head(&bytes, delta.records).ok());
            let page = match kept {
                Some(page) => page,
                None => self.page(window, delta.records, &path)?,
            };
            if *total.get_or_insert(page.total) != page.total || delta.records + page.count > page.total {
                return Ok(None);
            }
            if page.count > 0 {
                delta.pages.push(path);
            }
            delta.records += page.count;
            delta.newest = delta.newest.max(page.newest);
        }
        Ok(Some(delta))
    }

    fn page(&mut self, window: Window, at: u64, path: &Path) -> Result<Head, SyncError> {
        let mut failures = 0;
        loop {
            self.pace.wait();
            let question = question(window, at, self.size);
            let answer = self.http.attempt(&question, self.key).and_then(|bytes| {
                let head = head(&bytes, at).map_err(|cause| (FetchError::Answer { url: self.http.shown(&question), cause }, Retry::Yes))?;
                Ok((head, bytes))
            });
            let (error, retry) = match answer {
                Ok((head, bytes)) => {
                    keep(path, &bytes)?;
                    self.size = (self.size * 2).min(LARGEST_PAGE);
                    return Ok(head);
                }
                Err(failed) => failed,
            };
            failures += 1;
            if failures % 2 == 0 {
                self.size = (self.size / 2).max(SMALLEST_PAGE);
            }
            let refused = matches!(error, FetchError::Status { status: 403 | 429, .. });
            match retry {
                Retry::No => return Err(error.into()),
                _ if failures >= TRIES => return Err(error.into()),
                Retry::After(pause) => sleep(pause),
                // Over the limit: the NVD counts the requests of the last half minute.
                Retry::Yes if refused => sleep(Duration::from_secs(30)),
                Retry::Yes => sleep(Duration::from_millis(250 << failures.min(6))),
            }
        }
    }
}

fn question(window: Window, at: u64, size: u64) -> String {
    // The dates are extended ISO 8601 with milliseconds; without an offset they are UTC.
    let date = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string();
    format!("?lastModStartDate={}&lastModEndDate={}&startIndex={at}&resultsPerPage={size}", date(window.start), date(window.end))
}

fn told<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> SyncError + 'a {
    move |cause| SyncError::Fetch(FetchError::File { action, path: path.to_owned(), cause })
}

/// Writes a file that is whole or not there.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), SyncError> {
    let part = path.with_extension("part");
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(told("writing", path))
}

/// Keeps requests apart, so that no half minute sees more of them than the NVD allows.
struct Pace {
    apart: Duration,
    next: Option<Instant>,
}

impl Pace {
    fn new(with_key: bool) -> Self {
        Self { apart: Duration::from_millis(if with_key { 610 } else { 6100 }), next: None }
    }

    fn wait(&mut self) {
        if let Some(next) = self.next {
            sleep(next.saturating_duration_since(Instant::now()));
        }
        self.next = Some(Instant::now() + self.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str) -> Window {
        Window { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    #[test]
    fn a_question_names_its_window_and_page() {
        let asked = question(window("2026-01-01T00:00:00Z", "2026-02-01T12:30:00.5Z"), 4000, 500);
        let expected =
            "?lastModStartDate=2026-01-01T00:00:00.000&lastModEndDate=2026-02-01T12:30:00.500&startIndex=4000&resultsPerPage=500";
        assert_eq!(asked, expected);
    }

    #[test]
    fn pages_that_are_not_the_asked_ones_are_refused() {
        let page = |start: u64, total: u64, records: &str| {
            head(format!(r#"{{"startIndex":{start},"totalResults":{total},"vulnerabilities":[{records}]}}"#).as_bytes(), 2).is_ok()
        };
        assert!(page(2, 3, r#"{"cve":{"id":"CVE-2026-1","lastModified":"2026-01-01T00:00:00.000"}}"#));
        assert!(page(2, 2, ""), "nothing was left");
        assert!(!page(0, 3, r#"{"cve":{}}"#), "another page");
        assert!(!page(2, 3, ""), "an empty page before the end would never end");
        assert!(head(br#"{"startIndex":2,"totalResults":3,"vulnerabilities":[{"#, 2).is_err());
    }

    #[test]
    fn a_left_window_serves_while_it_is_young_and_reaches_as_far() {
        let folder = tempfile::tempdir().unwrap();
        let left = |text: &str, fresh: Window| {
            fs::create_dir_all(folder.path()).unwrap();
            fs::write(folder.path().join(WINDOW), text).unwrap();
            left_over(folder.path(), fresh).is_some()
        };
        let old = r#"{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"}"#;
        assert!(left(old, window("2026-01-01T00:00:00Z", "2026-01-02T03:00:00Z")));
        assert!(!left(old, window("2026-01-01T00:00:00Z", "2026-01-02T07:00:00Z")), "too old");
        assert!(!left(old, window("2025-12-31T00:00:00Z", "2026-01-02T03:00:00Z")), "does not reach back as far");
        assert!(!left("nonsense", window("2026-01-01T00:00:00Z", "2026-01-02T03:00:00Z")));
    }
}
