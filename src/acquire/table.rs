//! Which file is read by which reader, by its name; and which files are known but not read yet.

use super::Reader;
use super::readers::{
    bun_lock, cargo_lock, cyclonedx, npm_lock, pdm_lock, pipfile_lock, pnpm_lock, poetry_lock, purl_list, pylock, requirements, uv_lock, yarn_lock,
};

/// What to do with a known file.
#[derive(Clone, Copy)]
pub enum Known {
    /// Read it.
    Read(Reader),
    /// Say that it is there and not looked at.
    Unsupported(&'static str),
    /// Say so only where no lockfile of its ecosystem stands beside it.
    Manifest(&'static str),
}

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The format's name, as coverage shows it.
    pub format: &'static str,
    /// The file's name; `*` may stand at the front or in the middle.
    pub pattern: &'static str,
    /// What to do.
    pub known: Known,
}

const fn read(format: &'static str, pattern: &'static str, reader: Reader) -> Entry {
    Entry { format, pattern, known: Known::Read(reader) }
}

const fn not_yet(format: &'static str, pattern: &'static str) -> Entry {
    Entry { format, pattern, known: Known::Unsupported("there is no reader for this format yet") }
}

const fn manifest(format: &'static str, pattern: &'static str, reason: &'static str) -> Entry {
    Entry { format, pattern, known: Known::Manifest(reason) }
}

const NO_LOCK: &str = "it names ranges, not versions, and no lockfile stands beside it: make a lockfile";

/// The table; the first line that fits counts.
pub const TABLE: &[Entry] = &[
    read("npm lockfile", "package-lock.json", npm_lock::read),
    read("npm lockfile", "npm-shrinkwrap.json", npm_lock::read),
    read("yarn lockfile", "yarn.lock", yarn_lock::read),
    read("pnpm lockfile", "pnpm-lock.yaml", pnpm_lock::read),
    read("bun lockfile", "bun.lock", bun_lock::read),
    read("Cargo lockfile", "Cargo.lock", cargo_lock::read),
    read("pip requirements", "requirements*.txt", requirements::read),
    read("Pipenv lockfile", "Pipfile.lock", pipfile_lock::read),
    read("Poetry lockfile", "poetry.lock", poetry_lock::read),
    read("uv lockfile", "uv.lock", uv_lock::read),
    read("PDM lockfile", "pdm.lock", pdm_lock::read),
    read("Python lockfile", "pylock.toml", pylock::read),
    read("Python lockfile", "pylock.*.toml", pylock::read),
    read("CycloneDX", "bom.json", cyclonedx::read),
    read("CycloneDX", "*.cdx.json", cyclonedx::read),
    not_yet("bun lockfile", "bun.lockb"),
    not_yet("SPDX", "*.spdx.json"),
    not_yet("Maven project", "pom.xml"),
    not_yet("Gradle lockfile", "gradle.lockfile"),
    not_yet("Gradle build", "build.gradle"),
    not_yet("Gradle build", "build.gradle.kts"),
    not_yet("Java archive", "*.jar"),
    not_yet("Java archive", "*.war"),
    not_yet("Go modules", "go.mod"),
    not_yet("Bundler lockfile", "Gemfile.lock"),
    not_yet("Composer lockfile", "composer.lock"),
    not_yet("NuGet lockfile", "packages.lock.json"),
    not_yet(".NET dependencies", "*.deps.json"),
    not_yet("Mix lockfile", "mix.lock"),
    not_yet("Swift lockfile", "Package.resolved"),
    not_yet("CocoaPods lockfile", "Podfile.lock"),
    not_yet("pub lockfile", "pubspec.lock"),
    not_yet("Conan lockfile", "conan.lock"),
    not_yet("Dockerfile", "Dockerfile"),
    manifest("npm manifest", "package.json", NO_LOCK),
    manifest("Cargo manifest", "Cargo.toml", NO_LOCK),
    manifest("Python manifest", "pyproject.toml", NO_LOCK),
    manifest("Python manifest", "setup.py", NO_LOCK),
    manifest("Python manifest", "Pipfile", NO_LOCK),
];

/// The line for a file name.
#[must_use]
pub fn entry_for(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| fits(entry.pattern, name))
}

/// Files that make a manifest's missing lockfile good: beside it, or above it for a workspace.
#[must_use]
pub fn locks_of(manifest: &str) -> &'static [&'static str] {
    match manifest {
        "package.json" => &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"],
        "Cargo.toml" => &["Cargo.lock"],
        _ => &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements.txt"],
    }
}

/// The reader for a text whose name says nothing, by its first bytes.
#[must_use]
pub fn reader_by_content(text: &str) -> Option<(&'static str, Reader)> {
    let head = text.trim_start_matches('\u{feff}').trim_start();
    if head.starts_with("pkg:") || head.starts_with('#') && head.contains("\npkg:") {
        return Some(("purl list", purl_list::read));
    }
    if head.starts_with('{') {
        let head: String = head.chars().take(4096).collect();
        if head.contains("CycloneDX") {
            return Some(("CycloneDX", cyclonedx::read));
        }
        if head.contains("\"lockfileVersion\"") {
            return Some(("npm lockfile", npm_lock::read));
        }
    }
    None
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((front, back)) => name.len() >= front.len() + back.len() && name.starts_with(front) && name.ends_with(back),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_line() {
        for (name, format) in [
            ("package-lock.json", "npm lockfile"),
            ("requirements-dev.txt", "pip requirements"),
            ("app.cdx.json", "CycloneDX"),
            ("guava-31.jar", "Java archive"),
        ] {
            assert_eq!(entry_for(name).unwrap().format, format);
        }
        assert!(entry_for("main.rs").is_none() && entry_for("notes.txt").is_none());
    }

    #[test]
    fn content_tells_what_a_name_does_not() {
        assert_eq!(reader_by_content("pkg:npm/a@1\n").unwrap().0, "purl list");
        assert_eq!(reader_by_content("{\"bomFormat\": \"CycloneDX\"}").unwrap().0, "CycloneDX");
        assert!(reader_by_content("hello").is_none());
    }
}
