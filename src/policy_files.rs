//! The files that a check's policy comes from: scacheck.toml with its includes, the floor, suppressions and VEX statements.

use crate::amend::import;
use crate::decide::load::{LoadError, Loaded};
use crate::decide::policy::Policy;
use crate::decide::vex::{self, Statements};
use crate::mirror::store::hex;
use crate::model::report::{PolicyFile, PolicyRole};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Which files were named.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The project's; nothing: none.
    pub config: Option<PathBuf>,
    /// What it may only tighten.
    pub floor: Option<PathBuf>,
    /// Suppressions.
    pub suppressions: Vec<PathBuf>,
    /// VEX statements.
    pub vex: Vec<PathBuf>,
}

/// What was read from them.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The policy.
    pub policy: Policy,
    /// The floor.
    pub floor: Option<Policy>,
    /// VEX statements.
    pub statements: Statements,
    /// Every file with its digest.
    pub files: Vec<PolicyFile>,
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn digested(files: Vec<(PolicyFile, String)>) -> impl Iterator<Item = PolicyFile> {
    files.into_iter().map(|(file, text)| PolicyFile { sha256: hex(&Sha256::digest(text.as_bytes())), ..file })
}

/// Reads every file.
///
/// # Errors
/// When one cannot be read or is wrong.
pub fn gather(named: &Named) -> Result<Gathered, LoadError> {
    let mut loaded = match &named.config {
        Some(path) => Loaded::from(&shown(path), PolicyRole::Config, &mut read)?,
        None => Loaded::default(),
    };
    for path in &named.suppressions {
        let path = shown(path);
        let text = read(&path).map_err(|reason| LoadError::Read { path: path.clone(), reason })?;
        let (text, warnings) = suppressions(&path, text)?;
        loaded.add_suppressions(&path, text)?;
        loaded.policy.warnings.extend(warnings);
    }
    loaded.policy.settle();
    let mut gathered = Gathered { policy: loaded.policy, files: digested(loaded.files).collect(), ..Gathered::default() };
    if let Some(path) = &named.floor {
        let mut floor = Loaded::from(&shown(path), PolicyRole::Floor, &mut read)?;
        floor.policy.settle();
        gathered.floor = Some(floor.policy);
        gathered.files.extend(digested(floor.files));
    }
    for path in &named.vex {
        let path = shown(path);
        let fail = |reason: String| LoadError::Read { path: path.clone(), reason };
        let text = read(&path).map_err(fail)?;
        gathered.statements.add(&path, vex::read(&text).map_err(fail)?);
        let file = PolicyFile { path: path.clone(), role: PolicyRole::Vex, sha256: String::new() };
        gathered.files.extend(digested(vec![(file, text)]));
    }
    Ok(gathered)
}

/// A file of suppressions as a policy file's text: its own, or what another tool's file says, with what could not be taken over.
fn suppressions(path: &str, text: String) -> Result<(String, Vec<String>), LoadError> {
    let Some(format) = import::Format::detect(path, &text) else { return Ok((text, Vec::new())) };
    let imported = import::read(format, &text).map_err(|reason| LoadError::Read { path: path.to_owned(), reason })?;
    let left: Vec<String> = imported.left.iter().map(|left| format!("{path}: not taken over: {left}")).collect();
    Ok((imported.to_toml(), left))
}

/// scacheck.toml in the subject's folder, then its parents up to the repository's root; never from inside an image.
#[must_use]
pub fn find(subject: &str) -> Option<PathBuf> {
    let subject = subject.split_once(':').filter(|(prefix, _)| matches!(*prefix, "dir" | "sbom")).map_or(subject, |(_, rest)| rest);
    let is_file = !(subject == "-" || subject.starts_with("pkg:") || subject.starts_with("rootfs:") || subject.starts_with("image:"));
    let path = Path::new(if is_file { subject } else { "." });
    let folder = if path.is_dir() { path } else { path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")) };
    let beside = folder.join("scacheck.toml");
    if beside.is_file() {
        return Some(beside);
    }
    let absolute = folder.canonicalize().ok()?;
    let root = absolute.ancestors().find(|folder| folder.join(".git").exists())?.to_owned();
    absolute
        .ancestors()
        .take_while(|folder| folder.starts_with(&root))
        .map(|folder| folder.join("scacheck.toml"))
        .find(|path| path.is_file())
}
