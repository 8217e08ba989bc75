//! What to type to get a fixed version: the command of the tool whose lockfile names the package. Never run.

use crate::model::package::Package;
use crate::model::purl::Ecosystem;

/// The command; nothing where no single one does it, or where a name or version holds more than a shell word may.
#[must_use]
pub fn command(package: &Package, version: &str) -> Option<String> {
    let name = package.name();
    let plain = |text: &str| {
        !text.is_empty() && !text.starts_with('-') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"@/._+-~:".contains(&b))
    };
    if !plain(&name) || !plain(version) {
        return None;
    }
    let file = package.places.first().map(|place| place.location.path.rsplit('/').next().unwrap_or_default()).unwrap_or_default();
    let transitive = package.direct() == Some(false);
    match (package.ecosystem(), file) {
        // Of these two, what another package asks for moves with that package only.
        (Ecosystem::Npm, "yarn.lock" | "bun.lock") if transitive => None,
        (Ecosystem::Npm, "yarn.lock") => Some(format!("yarn add {name}@{version}")),
        (Ecosystem::Npm, "bun.lock") => Some(format!("bun add {name}@{version}")),
        (Ecosystem::Npm, "pnpm-lock.yaml") if transitive => Some(format!("pnpm update {name}")),
        (Ecosystem::Npm, "pnpm-lock.yaml") => Some(format!("pnpm update {name}@{version}")),
        (Ecosystem::Npm, _) if transitive => Some(format!("npm update {name}")),
        (Ecosystem::Npm, _) => Some(format!("npm install {name}@{version}")),
        (Ecosystem::Pypi, "poetry.lock") if transitive => Some(format!("poetry update {name}")),
        (Ecosystem::Pypi, "poetry.lock") => Some(format!("poetry add '{name}>={version}'")),
        (Ecosystem::Pypi, "uv.lock") => Some(format!("uv lock --upgrade-package '{name}>={version}'")),
        (Ecosystem::Pypi, "pdm.lock") => Some(format!("pdm update {name}")),
        (Ecosystem::Pypi, "Pipfile.lock") => Some(format!("pipenv upgrade '{name}>={version}'")),
        (Ecosystem::Pypi, _) => Some(format!("pip install '{name}>={version}'")),
        (Ecosystem::Cargo, _) => Some(format!("cargo update -p {name}@{} --precise {version}", package.version)),
        (Ecosystem::Deb, _) => Some(format!("apt-get install --only-upgrade {name}")),
        _ => None,
    }
}
