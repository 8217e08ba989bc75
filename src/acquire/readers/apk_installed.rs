//! Alpine's database of installed packages, `lib/apk/db/installed` (apk-tools' index format: one letter, a colon, a value; a blank
//! line ends a package).

use super::distro::{Distro, Installed};
use crate::acquire::{Blemish, Reading, Source};

/// Reads the database.
///
/// # Errors
/// When the distribution is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let distro = Distro::of(source, "alpine:3.20")?;
    let mut reading = Reading::default();
    let mut at = 0;
    for stanza in source.text.split("\n\n") {
        let field = |letter: &str| stanza.lines().find_map(|line| line.strip_prefix(letter)?.strip_prefix(':')).unwrap_or_default();
        let (name, version, origin) = (field("P"), field("V"), field("o"));
        if !name.is_empty() && !version.is_empty() {
            let upstream = (!origin.is_empty() && origin != name).then(|| format!("{origin}@{version}"));
            let mut folder = "";
            for line in stanza.lines() {
                match line.split_once(':') {
                    Some(("F", value)) => folder = value,
                    Some(("R", value)) => reading.own(at, folder, value, name),
                    _ => {}
                }
            }
            distro.add(&mut reading, Installed { kind: "apk", name, version, arch: field("A"), upstream }, at);
        } else if !stanza.trim().is_empty() {
            reading.blemish(at, "an entry without a package's name or version");
        }
        at += stanza.len() + 2;
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::Owned;
    use crate::acquire::readers::testing::names;
    use crate::acquire::tree::Memory;

    #[test]
    fn entries_with_their_origin() {
        let text = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nF:lib\nR:README\nF:usr/lib/python3.12/site-packages/six-1.dist-info\nR:METADATA\nR:WHEEL\n\nP:libcrypto3\nV:3.3.1-r0\nA:x86_64\no:openssl\n\nP:broken\n\n";
        let reading = read(&Source { text, path: "installed", tree: &Memory::default(), distro: Some("alpine:3.20.1") }).unwrap();
        assert_eq!(
            names(&reading),
            [
                "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1",
                "pkg:apk/alpine/libcrypto3@3.3.1-r0?arch=x86_64&distro=alpine-3.20.1&upstream=openssl%403.3.1-r0"
            ]
        );
        assert_eq!(reading.blemishes.len(), 1);
        let owned = Owned { path: "usr/lib/python3.12/site-packages/six-1.dist-info/METADATA".into(), owner: "musl".into() };
        assert_eq!(reading.owned, [owned]);
    }
}
