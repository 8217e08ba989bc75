//! Packages of a distribution as purls: namespace, `arch`, `distro` and `upstream` qualifiers (purl-spec, types deb, rpm, apk).

use crate::acquire::{Blemish, Found, Reading, Source};
use crate::model::purl::Purl;

/// An installed package of a distribution.
pub struct Installed<'a> {
    /// `deb`, `rpm` or `apk`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
    /// Its version, with epoch and release.
    pub version: &'a str,
    /// Its architecture; may be empty.
    pub arch: &'a str,
    /// Its source package where that has another name or version: `name@version`, for an rpm the source's file name.
    pub upstream: Option<String>,
}

/// The distribution and release that a file is of.
pub struct Distro<'a> {
    id: &'a str,
    release: &'a str,
}

impl<'a> Distro<'a> {
    /// What the root's os-release or the user says.
    ///
    /// # Errors
    /// When neither does.
    pub fn of(source: &Source<'a>, example: &str) -> Result<Self, Blemish> {
        Self::named(source.distro, example)
    }

    /// From `id:release`.
    ///
    /// # Errors
    /// When nothing or half of it is said.
    pub fn named(distro: Option<&'a str>, example: &str) -> Result<Self, Blemish> {
        let split = distro.and_then(|distro| distro.split_once([':', '-'])).filter(|(id, release)| !id.is_empty() && !release.is_empty());
        let (id, release) = split.ok_or_else(|| {
            Blemish::at(0, format!("nothing says which distribution and release these packages are of: say it, as in `--distro {example}`"))
        })?;
        Ok(Self { id, release })
    }

    /// Adds a package; one that is no purl is noted.
    pub fn add(&self, reading: &mut Reading, package: Installed<'_>, offset: usize) {
        let escape = |text: &str| {
            text.replace('%', "%25").replace('+', "%2B").replace('@', "%40").replace('?', "%3F").replace('#', "%23").replace('&', "%26")
        };
        let Installed { kind, name, version, arch, upstream } = package;
        let (epoch, version) = version.split_once(':').filter(|_| kind == "rpm").unwrap_or(("", version));
        let mut text = format!("pkg:{kind}/{}/{}@{}?", self.id, escape(name), escape(version));
        if !arch.is_empty() {
            text.push_str(&format!("arch={}&", escape(arch)));
        }
        if !epoch.is_empty() && epoch != "0" {
            text.push_str(&format!("epoch={epoch}&"));
        }
        text.push_str(&format!("distro={}-{}", self.id, self.release));
        if let Some(upstream) = upstream {
            text.push_str(&format!("&upstream={}", escape(&upstream)));
        }
        match text.parse::<Purl>() {
            Ok(purl) => reading.found.push(Found::new(purl, offset)),
            Err(error) => reading.blemish(offset, error.to_string()),
        }
    }
}
