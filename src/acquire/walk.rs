//! Finds the known files below a folder, and says which folders were passed over.

use super::table::{Known, NO_LOCK, NPM_LOCKS, PYTHON_LOCKS, entry_for};
use super::tree::{Folder, Tree};
use super::{AcquireError, Selection};
use crate::model::package::{Coverage, CoverageState, Gap, Location};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeSet;
use std::path::Path;
use walkdir::WalkDir;

/// Folders of version control: never looked into, not worth a word.
const VERSION_CONTROL: [&str; 4] = [".git", ".hg", ".svn", ".jj"];

/// Folders that hold somebody else's files, with why they are passed over, and for installed packages the lockfiles
/// of which one must stand beside them, or nothing of them was looked at.
const PASSED_OVER: [(&str, &str, &[&str]); 9] = [
    ("node_modules", "installed packages: the lockfile beside them counts", NPM_LOCKS),
    (".venv", "installed packages: the lockfile beside them counts", PYTHON_LOCKS),
    ("venv", "installed packages: the lockfile beside them counts", PYTHON_LOCKS),
    ("site-packages", "installed packages: the lockfile beside them counts", PYTHON_LOCKS),
    ("vendor", "vendored copies", &[]),
    ("third_party", "vendored copies", &[]),
    ("testdata", "test data", &[]),
    ("fixtures", "test data", &[]),
    ("__fixtures__", "test data", &[]),
];

const NO_LOCK_FOR_INSTALLED: &str = "installed packages without a lockfile beside them cannot be read yet: make a lockfile";

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Paths of files with a reader, sorted.
    pub readable: Vec<String>,
    /// What is known but not read.
    pub coverage: Vec<Coverage>,
    /// What could not be entered.
    pub gaps: Vec<Gap>,
}

/// Walks a folder. Links to folders are not followed.
///
/// # Errors
/// When the folder itself cannot be read or a pattern is wrong.
pub fn walk(root: &Path, subject: &str, selection: &Selection) -> Result<Walked, AcquireError> {
    let excluded = globs(&selection.exclude)?;
    let mut walked = Walked::default();
    let (mut manifests, mut installed) = (Vec::new(), Vec::new());
    let mut present = BTreeSet::new();
    let mut entries = WalkDir::new(root).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(AcquireError::Read { path: root.to_owned(), cause: error.into() });
            }
            Err(error) => {
                let path = error.path().map(|path| relative(root, path)).unwrap_or_default();
                walked.gaps.push(Gap { location: Location::file(&path), reason: format!("it could not be entered: {error}") });
                continue;
            }
        };
        let path = relative(root, entry.path());
        if path.is_empty() {
            continue;
        }
        let name = entry.file_name().to_string_lossy();
        if excluded.is_match(&path) {
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_dir() {
            if VERSION_CONTROL.contains(&&*name) {
                entries.skip_current_dir();
            } else if let Some((_, why, locks)) = PASSED_OVER.iter().find(|(known, ..)| *known == name) {
                entries.skip_current_dir();
                installed.push((path, *why, *locks));
            }
        } else if let Some(known) = entry_for(&path) {
            present.insert(path.clone());
            match known.known {
                Known::Read(_) => walked.readable.push(path),
                Known::Unsupported(reason) => walked.coverage.push(line(subject, &path, known.format, CoverageState::Unsupported, reason)),
                Known::Manifest { locks, asks } => manifests.push((path, known.format, locks, asks)),
            }
        }
    }
    let tree = Folder::at(root);
    for (path, format, locks, asks) in manifests {
        // What cannot be read may ask for something.
        let asks = !has_lock(&path, locks, &present) && tree.read(&path).map_or(true, |bytes| asks.iter().any(|word| holds(&bytes, word)));
        if asks {
            walked.coverage.push(line(subject, &path, format, CoverageState::Unsupported, NO_LOCK));
        }
    }
    for (path, why, locks) in installed {
        let known = locks.is_empty() || has_lock(&path, locks, &present);
        let (state, why) = if known { (CoverageState::Excluded, why) } else { (CoverageState::Unsupported, NO_LOCK_FOR_INSTALLED) };
        walked.coverage.push(line(subject, &format!("{path}/"), "folder", state, why));
    }
    Ok(walked)
}

fn holds(bytes: &[u8], word: &str) -> bool {
    word.is_empty() || bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// A lockfile beside the file or above it (a workspace has one for all its members).
fn has_lock(path: &str, locks: &[&str], present: &BTreeSet<String>) -> bool {
    let mut folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    loop {
        let beside = |lock: &str| if folder.is_empty() { lock.to_owned() } else { format!("{folder}/{lock}") };
        if locks.iter().any(|lock| present.contains(&beside(lock))) {
            return true;
        }
        if folder.is_empty() {
            return false;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

fn line(subject: &str, path: &str, reader: &str, state: CoverageState, reason: &str) -> Coverage {
    Coverage {
        subject: subject.to_owned(),
        path: path.to_owned(),
        reader: reader.to_owned(),
        packages: 0,
        state,
        reason: Some(reason.to_owned()),
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn globs(patterns: &[String]) -> Result<GlobSet, AcquireError> {
    let told =
        |pattern: &str, error: globset::Error| AcquireError::Pattern { pattern: pattern.to_owned(), reason: error.kind().to_string() };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // A bare name excludes at any depth, as in .gitignore; a folder excludes what is below it.
        let pattern = pattern.trim_end_matches('/');
        let anchored = if pattern.contains('/') { pattern.trim_start_matches('/').to_owned() } else { format!("**/{pattern}") };
        set.add(GlobBuilder::new(&anchored).literal_separator(true).build().map_err(|error| told(pattern, error))?);
    }
    set.build().map_err(|error| told(&patterns.join(", "), error))
}
