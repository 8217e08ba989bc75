//! Distributions and their releases (`data/distros.toml`): whose advisories speak of a package, by which names, and until when.

use crate::model::purl::Purl;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// By which of a package's names advisories know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The source package's.
    Source,
    /// The binary package's.
    Binary,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Distro {
    ids: Vec<String>,
    /// The releases that this is said of; all, where none is named.
    #[serde(default)]
    releases: Vec<String>,
    words: Vec<String>,
    #[serde(default)]
    near: Vec<String>,
    by: Vec<By>,
    #[serde(default)]
    codenames: BTreeMap<String, String>,
    #[serde(default)]
    end_of_life: BTreeMap<String, String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Distros {
    no_security: Vec<String>,
    distro: Vec<Distro>,
}

static FILE: LazyLock<Distros> = LazyLock::new(|| toml::from_str(include_str!("../../data/distros.toml")).unwrap_or_default());

/// Whether an advisory tells of mended bugs or new features only, by its id.
#[must_use]
pub fn tells_no_vulnerability(id: &str) -> bool {
    FILE.no_security.iter().any(|prefix| id.starts_with(prefix.as_str()))
}

/// One release of one distribution.
#[derive(Debug, Clone)]
pub struct Release {
    distro: &'static Distro,
    number: String,
}

impl Release {
    /// The release that a purl's namespace and `distro` qualifier name (`debian-11`, `debian:11.6`, `bullseye`); nothing where they name
    /// none that is known.
    #[must_use]
    pub fn of(purl: &Purl) -> Option<Self> {
        let release = purl.qualifier("distro")?;
        let prefix = |id: &str| release.strip_prefix(id).and_then(|rest| rest.strip_prefix(['-', ':']));
        let by_prefix = FILE.distro.iter().flat_map(|distro| &distro.ids).filter_map(|id| Some((id.as_str(), prefix(id)?)));
        let (id, bare) = by_prefix.max_by_key(|(id, _)| id.len()).or_else(|| Some((purl.namespace()?, release)))?;
        let fits = |distro: &&Distro, number: &str| {
            let major = number.split('.').next().unwrap_or(number);
            distro.ids.iter().any(|known| known == id) && (distro.releases.is_empty() || distro.releases.iter().any(|known| known == major))
        };
        FILE.distro.iter().find_map(|distro| {
            let number = distro.codenames.get(bare).map_or(bare, String::as_str).trim_start_matches('v');
            let known = fits(&distro, number) && number.starts_with(|c: char| c.is_ascii_digit());
            known.then(|| Self { distro, number: number.to_owned() })
        })
    }

    /// The OSV schema's words for it.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.distro.words.iter().map(|template| self.fill(template)).collect()
    }

    /// The words of those who build the same packages under the same versions.
    #[must_use]
    pub fn near(&self) -> Vec<String> {
        self.distro.near.iter().map(|template| self.fill(template)).collect()
    }

    /// Whether advisories know packages by that name of theirs.
    #[must_use]
    pub fn known_by(&self, by: By) -> bool {
        self.distro.by.contains(&by)
    }

    /// The last day of its free security support, as an ISO date; nothing where that is not known.
    #[must_use]
    pub fn end_of_life(&self) -> Option<&'static str> {
        let ends = &self.distro.end_of_life;
        [self.number.clone(), self.first(2), self.first(1)].iter().find_map(|number| ends.get(number)).map(String::as_str)
    }

    /// Its first id and number, as `debian 11`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.distro.ids.first().map_or("", String::as_str), self.number)
    }

    fn first(&self, parts: usize) -> String {
        self.number.split('.').take(parts).collect::<Vec<_>>().join(".")
    }

    fn fill(&self, template: &str) -> String {
        let mut parts = self.number.split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("0"));
        let pack = if minor == "0" { major.to_owned() } else { format!("{major} SP{minor}") };
        template.replace("{full}", &self.number).replace("{major}", major).replace("{branch}", &self.first(2)).replace("{sp}", &pack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(purl: &str) -> Option<Release> {
        Release::of(&purl.parse().unwrap())
    }

    #[test]
    fn the_file_parses_and_its_dates_are_dates() {
        assert!(FILE.distro.len() > 10);
        for distro in FILE.distro.iter() {
            assert!(!distro.ids.is_empty() && !distro.words.is_empty() && !distro.by.is_empty());
            assert!(distro.end_of_life.values().all(|day| day.parse::<jiff::civil::Date>().is_ok()), "{:?}", distro.ids);
        }
    }

    #[test]
    fn releases_are_found_under_every_spelling() {
        for (distro, expected) in
            [("debian-11", "Debian:11"), ("bullseye", "Debian:11"), ("debian:12", "Debian:12"), ("debian-11.6", "Debian:11"), ("sid", "")]
        {
            let word = release(&format!("pkg:deb/debian/openssl@1?distro={distro}")).map(|release| release.words().remove(0));
            assert_eq!(word.unwrap_or_default(), expected, "{distro}");
        }
        assert!(release("pkg:deb/debian/openssl@1").is_none());
        for (purl, expected) in [
            ("pkg:apk/alpine/musl@1?distro=alpine-3.20.1", "Alpine:v3.20"),
            ("pkg:deb/ubuntu/bash@1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS"),
            ("pkg:rpm/redhat/bash@1?distro=rhel-9.4", "Red Hat:enterprise_linux:9::baseos"),
            ("pkg:rpm/sles/bash@1?distro=sles-15.5", "SUSE:Linux Enterprise Server 15 SP5"),
            ("pkg:rpm/opensuse-leap/bash@1?distro=opensuse-leap-15.6", "openSUSE:Leap 15.6"),
            ("pkg:apk/wolfi/bash@1?distro=wolfi-20230201", "Wolfi"),
        ] {
            assert_eq!(release(purl).unwrap().words()[0], expected);
        }
    }

    #[test]
    fn who_stands_in_and_until_when() {
        let rocky = release("pkg:rpm/rocky/bash@1?distro=rocky-9.4").unwrap();
        assert_eq!((rocky.near(), rocky.end_of_life()), (vec!["AlmaLinux:9".to_owned()], Some("2032-05-31")));
        assert!(release("pkg:rpm/centos/bash@1?distro=centos-9").is_none(), "Stream runs ahead");
        assert_eq!(release("pkg:rpm/centos/bash@1?distro=centos-8").unwrap().name(), "centos 8");
        assert_eq!(release("pkg:apk/alpine/musl@1?distro=alpine-3.16.4").unwrap().end_of_life(), Some("2024-05-23"));
        assert!(release("pkg:deb/debian/a@1?distro=debian-11").unwrap().known_by(By::Source));
    }
}
