//! dpkg's database of installed packages: `var/lib/dpkg/status`, and one file per package in `status.d` (deb822 stanzas,
//! dpkg-query(1)). Only what is installed whole counts; removed packages leave their stanza behind.

use super::distro::{Distro, Installed};
use crate::acquire::{Blemish, Reading, Source};
use std::collections::BTreeMap;

/// Reads stanzas.
///
/// # Errors
/// When the distribution is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let distro = Distro::of(source, "debian:12")?;
    let mut reading = Reading::default();
    let mut at = 0;
    for stanza in source.text.split("\n\n") {
        let fields = fields(stanza);
        if !fields.is_empty() {
            add(&mut reading, &distro, &fields, at + (stanza.len() - stanza.trim_start().len()));
        }
        at += stanza.len() + 2;
    }
    Ok(reading)
}

fn add(reading: &mut Reading, distro: &Distro<'_>, fields: &BTreeMap<String, &str>, at: usize) {
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    // Images without dpkg have stanzas without a status, of packages that are there.
    let state: Vec<&str> = field("status").split_whitespace().collect();
    if !state.is_empty() && state.get(2) != Some(&"installed") {
        if !matches!(state.get(2), Some(&"not-installed" | &"config-files")) {
            reading.blemish(at, format!("`{}` is not installed whole: its state is `{}`", field("package"), field("status")));
        }
        return;
    }
    let (name, version) = (field("package"), field("version"));
    if name.is_empty() || version.is_empty() {
        reading.blemish(at, "a stanza without a package's name or version");
        return;
    }
    // `Source: name` or `Source: name (version)`; without the field, source and binary are of one name.
    let source = field("source");
    let upstream = (!source.is_empty()).then(|| match source.split_once(" (") {
        Some((name, rest)) => format!("{}@{}", name.trim(), rest.trim_end_matches(')')),
        None => format!("{source}@{version}"),
    });
    distro.add(reading, Installed { kind: "deb", name, version, arch: field("architecture"), upstream }, at);
}

/// The fields of a stanza in lower case; lines that go on an earlier one are left out, none of them is asked for.
fn fields(stanza: &str) -> BTreeMap<String, &str> {
    let lines = stanza.lines().filter(|line| !line.starts_with([' ', '\t', '#']));
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::names;
    use crate::acquire::tree::Memory;

    #[test]
    fn only_what_is_installed_counts_with_its_source() {
        let text = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u2\nDescription: a\n Package: not this\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: held\nStatus: hold ok installed\nArchitecture: all\nSource: other (1:2.0-1)\nVersion: 3.0-1+b1\n\nPackage: half\nStatus: install reinstreq half-installed\nVersion: 1\n";
        let reading = read(&Source { text, path: "status", tree: &Memory::default(), distro: Some("debian:12") }).unwrap();
        assert_eq!(
            names(&reading),
            [
                "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1~deb12u2",
                "pkg:deb/debian/held@3.0-1%2Bb1?arch=all&distro=debian-12&upstream=other%401:2.0-1"
            ]
        );
        assert_eq!(reading.blemishes.len(), 1, "{:?}", reading.blemishes);
    }
}
