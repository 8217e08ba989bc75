//! A policy file and those that it includes, read through a function that is handed in.

use super::policy::{File, Policy};
use super::source::{Source, lines};
use crate::diag::Diagnostic;
use crate::model::report::{PolicyFile, PolicyRole};
use std::path::{Component, Path, PathBuf};

/// Reads a file's text; the error is the reason.
pub type ReadText<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// Includes in includes at most.
const DEEPEST: usize = 16;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file named by the user cannot be read.
    #[error("reading {path}: {reason}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A file is wrong.
    #[error("{0}")]
    Wrong(Box<Diagnostic>),
}

impl From<Box<Diagnostic>> for LoadError {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Wrong(diagnostic)
    }
}

/// A policy, and the files it was read from with their texts.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Each file once, in the order in which they were laid, with its text.
    pub files: Vec<(PolicyFile, String)>,
}

impl Loaded {
    /// Loads a policy file with its includes; the files it includes lie below it. The policy is to be settled when all is laid.
    ///
    /// # Errors
    /// When a file cannot be read or is wrong.
    pub fn from(path: &str, role: PolicyRole, read: &mut ReadText<'_>) -> Result<Self, LoadError> {
        let mut loaded = Self::default();
        let text = read(path).map_err(|reason| LoadError::Read { path: path.to_owned(), reason })?;
        loaded.take(path, text, role, &mut vec![normal(path)], read)?;
        Ok(loaded)
    }

    /// Lays a file over that holds suppress rules only.
    ///
    /// # Errors
    /// When it is wrong or holds more.
    pub fn add_suppressions(&mut self, path: &str, text: String) -> Result<(), LoadError> {
        let file = File::parse(path, &text)?;
        if file.is_more_than_suppressions() {
            let reason =
                "a file of suppressions holds [[suppress]] and [[identity]] only; for more, use it as --config or include it".to_owned();
            return Err(LoadError::Read { path: path.to_owned(), reason });
        }
        self.policy.lay(file, path, &text, false)?;
        self.files.push((PolicyFile { path: path.to_owned(), role: PolicyRole::Suppression, sha256: String::new() }, text));
        Ok(())
    }

    fn take(
        &mut self,
        path: &str,
        text: String,
        role: PolicyRole,
        above: &mut Vec<PathBuf>,
        read: &mut ReadText<'_>,
    ) -> Result<(), LoadError> {
        let file = File::parse(path, &text)?;
        let starts = lines(&text);
        let source = Source::new(path, &text, &starts);
        for include in file.includes() {
            let below = beside(path, &include.path);
            let plain = normal(&below);
            if above.contains(&plain) {
                let way: Vec<String> = above.iter().map(|path| path.display().to_string()).collect();
                let help = format!("{} includes itself: {} › {below}", below, way.join(" › "));
                return Err(source.wrong(include.offset, "the includes go in a circle", Some(&help)).into());
            }
            if self.files.iter().any(|(known, _)| normal(&known.path) == plain) {
                continue;
            }
            if above.len() > DEEPEST {
                return Err(source.wrong(include.offset, format!("includes are more than {DEEPEST} deep"), None).into());
            }
            let text = read(&below).map_err(|reason| {
                source.wrong(
                    include.offset,
                    format!("{below} cannot be read: {reason}"),
                    Some("includes are relative to the file that names them"),
                )
            })?;
            above.push(plain);
            self.take(&below, text, PolicyRole::Include, above, read)?;
            above.pop();
        }
        self.policy.lay(file, path, &text, role == PolicyRole::Include)?;
        self.files.push((PolicyFile { path: path.to_owned(), role, sha256: String::new() }, text));
        Ok(())
    }
}

/// Where an include leads from the file that names it.
fn beside(path: &str, include: &str) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    folder.join(include).to_string_lossy().into_owned()
}

/// A path without `.` and `..`, to be compared.
fn normal(path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Loaded, LoadError> {
        let mut read = |path: &str| {
            let found = files.iter().find(|(name, _)| normal(name) == normal(path));
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "there is no such file".to_owned())
        };
        Loaded::from(files[0].0, PolicyRole::Config, &mut read)
    }

    #[test]
    fn includes_lie_below_and_are_read_once() {
        let deny = "[[deny]]\npurl = \"pkg:npm/a\"\nreason = \"x\"\n";
        let loaded = load(&[
            ("p/scacheck.toml", "include = [\"../org/a.toml\", \"../org/b.toml\"]\n[gate]\nfail-on = \"critical\"\n"),
            ("org/a.toml", "include = [\"b.toml\"]\n[gate]\nfail-on = \"low\"\nfail-on-kev = false\n"),
            ("org/b.toml", deny),
        ])
        .unwrap();
        let gate = loaded.policy.gates.at(&crate::model::package::Location::file("x"), crate::model::package::Scope::Production);
        assert_eq!((gate.severity.unwrap().name(), gate.kev, loaded.policy.rules.all().len()), ("critical", false, 1));
        let names: Vec<&str> = loaded.files.iter().map(|(file, _)| file.path.as_str()).collect();
        assert_eq!(names, ["p/../org/b.toml", "p/../org/a.toml", "p/scacheck.toml"]);
    }

    #[test]
    fn a_circle_and_a_missing_file_are_one_error_each() {
        let circle = load(&[("a.toml", "include = [\"b.toml\"]\n"), ("b.toml", "include = [\"./a.toml\"]\n")]).unwrap_err().to_string();
        assert!(circle.contains("in a circle") && circle.contains("b.toml:1:12") && circle.contains("a.toml › b.toml › "), "{circle}");
        let missing = load(&[("a.toml", "\ninclude = [\"b.toml\"]\n")]).unwrap_err().to_string();
        assert!(missing.contains("a.toml:2:12") && missing.contains("no such file"), "{missing}");
    }
}
