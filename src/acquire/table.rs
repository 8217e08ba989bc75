//! Which file is read by which reader, by its name; and which files are known but not read yet.

use super::Reader;
use super::readers::{
    bun_lock, cargo_lock, cyclonedx, distro_list, dockerfile, npm_lock, pdm_lock, pip_list, pipfile_lock, pnpm_lock, poetry_lock,
    purl_list, pylock, requirements, spdx, uv_lock, yarn_lock,
};

/// What to do with a known file.
#[derive(Clone, Copy)]
pub enum Known {
    /// Read it.
    Read(Reader),
    /// Say that it is there and not looked at.
    Unsupported(&'static str),
    /// Say so only where it asks for packages and none of its lockfiles stands beside it or above.
    Manifest {
        /// The lockfiles that make it good.
        locks: &'static [&'static str],
        /// Words, one of which the file has where it asks for packages.
        asks: &'static [&'static str],
    },
}

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The format's name, as coverage shows it.
    pub format: &'static str,
    /// The file's name, with its folder where that matters; `*` stands for any part of a name.
    pub pattern: &'static str,
    /// What to do.
    pub known: Known,
}

/// Why a manifest alone says nothing.
pub const NO_LOCK: &str = "it names ranges, not versions, and no lockfile stands beside it: make a lockfile";

/// Lockfiles of npm, yarn, pnpm and bun.
pub const NPM_LOCKS: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];

/// Lockfiles of Python's tools.
pub const PYTHON_LOCKS: &[&str] =
    &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements.txt", "requirements.lock", "conda-lock.yml"];

const fn read(format: &'static str, pattern: &'static str, reader: Reader) -> Entry {
    Entry { format, pattern, known: Known::Read(reader) }
}

const fn not_yet(format: &'static str, pattern: &'static str) -> Entry {
    Entry { format, pattern, known: Known::Unsupported("there is no reader for this format yet") }
}

const fn manifest(format: &'static str, pattern: &'static str, locks: &'static [&'static str], asks: &'static [&'static str]) -> Entry {
    Entry { format, pattern, known: Known::Manifest { locks, asks } }
}

/// The table; the first line that fits counts.
pub const TABLE: &[Entry] = &[
    read("npm lockfile", "package-lock.json", npm_lock::read),
    read("npm lockfile", "npm-shrinkwrap.json", npm_lock::read),
    read("yarn lockfile", "yarn.lock", yarn_lock::read),
    read("pnpm lockfile", "pnpm-lock.yaml", pnpm_lock::read),
    read("bun lockfile", "bun.lock", bun_lock::read),
    read("Cargo lockfile", "Cargo.lock", cargo_lock::read),
    read("pip requirements", "*requirements*.txt", requirements::read),
    read("pip requirements", "requirements/*.txt", requirements::read),
    read("pip requirements", "requirements*.lock", requirements::read),
    read("Pipenv lockfile", "Pipfile.lock", pipfile_lock::read),
    read("Poetry lockfile", "poetry.lock", poetry_lock::read),
    read("uv lockfile", "uv.lock", uv_lock::read),
    read("PDM lockfile", "pdm.lock", pdm_lock::read),
    read("Python lockfile", "pylock.toml", pylock::read),
    read("Python lockfile", "pylock.*.toml", pylock::read),
    read("CycloneDX", "bom.json", cyclonedx::read),
    read("CycloneDX", "*.cdx.json", cyclonedx::read),
    read("SPDX", "*.spdx.json", spdx::read),
    read("Dockerfile", "Dockerfile", dockerfile::read),
    read("Dockerfile", "Dockerfile.*", dockerfile::read),
    read("Dockerfile", "*.Dockerfile", dockerfile::read),
    read("Dockerfile", "*.dockerfile", dockerfile::read),
    read("Dockerfile", "Containerfile", dockerfile::read),
    read("Dockerfile", "Containerfile.*", dockerfile::read),
    not_yet("bun lockfile", "bun.lockb"),
    not_yet("Deno lockfile", "deno.lock"),
    not_yet("Conda lockfile", "conda-lock.yml"),
    not_yet("Conda environment", "environment.yml"),
    not_yet("Maven project", "pom.xml"),
    not_yet("Gradle lockfile", "gradle.lockfile"),
    not_yet("Gradle build", "build.gradle"),
    not_yet("Gradle build", "build.gradle.kts"),
    not_yet("sbt build", "build.sbt"),
    not_yet("Ivy build", "ivy.xml"),
    not_yet("Java archive", "*.jar"),
    not_yet("Java archive", "*.war"),
    not_yet("Java archive", "*.ear"),
    not_yet("Python archive", "*.whl"),
    not_yet("Go modules", "go.mod"),
    not_yet("Bundler lockfile", "Gemfile.lock"),
    not_yet("Composer lockfile", "composer.lock"),
    not_yet("NuGet lockfile", "packages.lock.json"),
    not_yet("NuGet lockfile", "packages.config"),
    not_yet(".NET dependencies", "*.deps.json"),
    not_yet("Mix lockfile", "mix.lock"),
    not_yet("Rebar lockfile", "rebar.lock"),
    not_yet("Swift lockfile", "Package.resolved"),
    not_yet("CocoaPods lockfile", "Podfile.lock"),
    not_yet("Carthage lockfile", "Cartfile.resolved"),
    not_yet("pub lockfile", "pubspec.lock"),
    not_yet("Conan lockfile", "conan.lock"),
    not_yet("vcpkg manifest", "vcpkg.json"),
    not_yet("Cabal lockfile", "cabal.project.freeze"),
    not_yet("Stack lockfile", "stack.yaml.lock"),
    not_yet("renv lockfile", "renv.lock"),
    not_yet("Carton lockfile", "cpanfile.snapshot"),
    not_yet("Crystal lockfile", "shard.lock"),
    not_yet("Bazel lockfile", "MODULE.bazel.lock"),
    manifest("npm manifest", "package.json", NPM_LOCKS, &["ependencies\""]),
    manifest("Cargo manifest", "Cargo.toml", &["Cargo.lock"], &["dependencies"]),
    manifest("Python manifest", "pyproject.toml", PYTHON_LOCKS, &["dependencies"]),
    manifest("Python manifest", "setup.py", PYTHON_LOCKS, &["install_requires"]),
    manifest("Python manifest", "setup.cfg", PYTHON_LOCKS, &["install_requires"]),
    manifest("Python manifest", "Pipfile", PYTHON_LOCKS, &["packages]"]),
    manifest("pip requirements", "*requirements*.in", PYTHON_LOCKS, &[""]),
    manifest("Bundler manifest", "Gemfile", &["Gemfile.lock"], &["gem "]),
    manifest("Composer manifest", "composer.json", &["composer.lock"], &["\"require"]),
    manifest("pub manifest", "pubspec.yaml", &["pubspec.lock"], &["dependencies:"]),
    manifest("Mix manifest", "mix.exs", &["mix.lock"], &["deps"]),
    manifest("Swift manifest", "Package.swift", &["Package.resolved"], &[".package("]),
    manifest("NuGet manifest", "*.csproj", &["packages.lock.json"], &["PackageReference"]),
    manifest("NuGet manifest", "*.fsproj", &["packages.lock.json"], &["PackageReference"]),
    manifest("NuGet manifest", "*.vbproj", &["packages.lock.json"], &["PackageReference"]),
    manifest("Conan manifest", "conanfile.txt", &["conan.lock"], &["requires"]),
    manifest("Conan manifest", "conanfile.py", &["conan.lock"], &["requires"]),
];

/// The line for a path.
#[must_use]
pub fn entry_for(path: &str) -> Option<&'static Entry> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.ends_with(".dockerignore") {
        return None;
    }
    TABLE.iter().find(|entry| match entry.pattern.split_once('/') {
        Some((folder, pattern)) => {
            fits(pattern, name) && path.strip_suffix(name).is_some_and(|front| format!("/{front}").ends_with(&format!("/{folder}/")))
        }
        None => fits(entry.pattern, name),
    })
}

/// The reader for a text whose name says nothing, by its first bytes.
#[must_use]
pub fn reader_by_content(text: &str) -> Option<(&'static str, Reader)> {
    let head: String = text.trim_start().chars().take(4096).collect();
    let words: Vec<&str> = head.lines().next().unwrap_or_default().split_whitespace().collect();
    if head.starts_with("pkg:") || head.starts_with('#') && head.contains("\npkg:") {
        Some(("purl list", purl_list::read))
    } else if head.starts_with('{') {
        match () {
            () if head.contains("CycloneDX") => Some(("CycloneDX", cyclonedx::read)),
            () if head.contains("\"spdxVersion\"") || head.contains("spdx.org/rdf") => Some(("SPDX", spdx::read)),
            () if head.contains("\"lockfileVersion\"") => Some(("npm lockfile", npm_lock::read)),
            () => None,
        }
    } else if head.starts_with("Desired=") {
        Some(("dpkg -l", distro_list::read_dpkg))
    } else if words.starts_with(&["Package", "Version"]) || head.starts_with("[{") && head.contains("\"version\"") {
        Some(("pip list", pip_list::read))
    } else if head.lines().filter(|line| !line.trim().is_empty()).take(5).all(|line| distro_list::rpm_name(line.trim()).is_some())
        && !head.is_empty()
    {
        Some(("rpm -qa", distro_list::read_rpm))
    } else {
        requirements::begins_with_a_pin(&head).then_some(("pip requirements", requirements::read as Reader))
    }
}

/// Whether a name fits a pattern: its parts between the `*` stand in it in order.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_line() {
        for (name, format) in [
            ("package-lock.json", "npm lockfile"),
            ("requirements-dev.txt", "pip requirements"),
            ("dev-requirements.txt", "pip requirements"),
            ("requirements/base.txt", "pip requirements"),
            ("a/requirements/base.txt", "pip requirements"),
            ("pylock.dev.toml", "Python lockfile"),
            ("app.cdx.json", "CycloneDX"),
            ("a/guava-31.jar", "Java archive"),
        ] {
            assert_eq!(entry_for(name).unwrap().format, format);
        }
        assert!(["main.rs", "notes.txt", "myrequirements/base.txt", "packages-lock.json"].iter().all(|name| entry_for(name).is_none()));
    }

    #[test]
    fn content_tells_what_a_name_does_not() {
        for (text, format) in [
            ("pkg:npm/a@1\n", "purl list"),
            ("{\"bomFormat\": \"CycloneDX\"}", "CycloneDX"),
            ("{\"spdxVersion\": \"SPDX-2.3\"}", "SPDX"),
            ("{\"@context\": \"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\"}", "SPDX"),
            ("Package    Version\n---------- -------\n", "pip list"),
            ("[{\"name\": \"a\", \"version\": \"1\"}]", "pip list"),
            ("Desired=Unknown/Install\n", "dpkg -l"),
            ("bash-5.1.8-6.el9.x86_64\nzlib-1.2.11-40.el9.x86_64\n", "rpm -qa"),
            ("a==1\nb==2\n", "pip requirements"),
        ] {
            assert_eq!(reader_by_content(text).unwrap().0, format);
        }
        assert!(["hello", "", "a-b-c\n", "int main() { return a == b; }"].iter().all(|text| reader_by_content(text).is_none()));
    }
}
