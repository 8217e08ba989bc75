//! What `dpkg -l` and `rpm -qa` print. Neither names the distribution, so the user must (`--distro`); `dpkg -l`
//! does not name source packages either, by which advisories go, and that is said.

use super::distro::{Distro, Installed};
use crate::acquire::{Blemish, Reading, Source};

/// Reads the table of `dpkg -l`: packages that are installed, whatever is wished for them.
///
/// # Errors
/// When it has no heading, or the distribution is not said.
pub fn read_dpkg(source: &Source<'_>) -> Result<Reading, Blemish> {
    let distro = Distro::of(source, "debian:12")?;
    let mut reading = Reading::default();
    let (mut at, mut heading) = (0, false);
    for line in source.text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (heading, words.as_slice()) {
            (false, [rule, ..]) if rule.starts_with("+++-") => heading = true,
            (false, _) | (_, []) => {}
            (true, [status, name, version, arch, ..]) if status.len() <= 3 => {
                // The second letter is the state: only `i` is installed whole; the others but `n` and `c` are half of it.
                match status.as_bytes().get(1) {
                    Some(b'n' | b'c') => {}
                    Some(b'i' | b'W' | b't' | b'H' | b'U' | b'F') => {
                        let name = name.split(':').next().unwrap_or(name);
                        distro.add(&mut reading, Installed { kind: "deb", name, version, arch, upstream: None }, at);
                    }
                    _ => reading.blemish(at, format!("the state `{status}` of `{name}` is not known")),
                }
            }
            _ => reading.blemish(at, "this line is not of the table that `dpkg -l` prints"),
        }
        at += line.len();
    }
    if !heading {
        return Err(Blemish::at(0, "it has no heading `+++-…`: it is not what `dpkg -l` prints"));
    }
    if !reading.found.is_empty() {
        let reason = "`dpkg -l` does not say which source package each comes from, so those whose source has another name are not judged: give /var/lib/dpkg/status, an SBOM or the image";
        reading.blemish(0, reason);
    }
    Ok(reading)
}

/// Reads the lines of `rpm -qa`: `name-version-release.arch`.
///
/// # Errors
/// When the distribution is not said.
pub fn read_rpm(source: &Source<'_>) -> Result<Reading, Blemish> {
    let distro = Distro::of(source, "almalinux:9")?;
    let mut reading = Reading::default();
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        let text = line.trim();
        match rpm_name(text) {
            // Keys are kept in the same database as packages.
            Some(("gpg-pubkey", ..)) => {}
            Some((name, version, arch)) => {
                distro.add(&mut reading, Installed { kind: "rpm", name, version: &version, arch, upstream: None }, at)
            }
            None if text.is_empty() => {}
            None => reading.blemish(at, format!("`{}` is not name-version-release.arch", text.chars().take(80).collect::<String>())),
        }
        at += line.len();
    }
    Ok(reading)
}

/// Name, version with release, and architecture of one line of `rpm -qa`.
#[must_use]
pub fn rpm_name(line: &str) -> Option<(&str, String, &str)> {
    if line.contains(char::is_whitespace) {
        return None;
    }
    let (front, release) = line.rsplit_once('-')?;
    let (name, version) = front.rsplit_once('-')?;
    let (release, arch) = match release.rsplit_once('.') {
        Some((
            release,
            arch @ ("x86_64" | "noarch" | "aarch64" | "i386" | "i486" | "i586" | "i686" | "ppc64le" | "s390x" | "armv7hl" | "riscv64"),
        )) => (release, arch),
        // Keys have no architecture.
        _ if name == "gpg-pubkey" => (release, ""),
        _ => return None,
    };
    let sound = !name.is_empty() && version.starts_with(|c: char| c.is_ascii_alphanumeric()) && !release.is_empty();
    sound.then(|| (name, format!("{version}-{release}"), arch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, read_text};
    use crate::acquire::tree::Memory;

    fn read(reader: crate::acquire::Reader, text: &str, distro: &str) -> Reading {
        reader(&Source { text, path: "-", tree: &Memory::default(), distro: Some(distro) }).unwrap()
    }

    #[test]
    fn dpkg_tables() {
        let text = "Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ Name           Version      Architecture Description\n+++-==============-============-============-=================================\nii  libc6:amd64    2.36-9+deb12u4 amd64      GNU C Library\nrc  old            1.0          all          gone\nhi  bash           1:5.2        amd64        shell\n";
        let reading = read(read_dpkg, text, "debian:12");
        assert_eq!(
            names(&reading),
            ["pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12", "pkg:deb/debian/bash@1:5.2?arch=amd64&distro=debian-12"]
        );
        assert!(reading.blemishes.len() == 1 && reading.blemishes[0].reason.contains("source package"));
        assert!(read_text(read_dpkg, "-", text).unwrap_err().reason.contains("--distro debian:12"));
    }

    #[test]
    fn rpm_lines() {
        let reading = read(
            read_rpm,
            "bash-5.1.8-6.el9_1.x86_64\ngpg-pubkey-5a6340b3-6229229e\nlibstdc++-11.3.1-2.1.el9.x86_64\nwhat\n",
            "almalinux:9",
        );
        assert_eq!(
            names(&reading),
            [
                "pkg:rpm/almalinux/bash@5.1.8-6.el9_1?arch=x86_64&distro=almalinux-9",
                "pkg:rpm/almalinux/libstdc%2B%2B@11.3.1-2.1.el9?arch=x86_64&distro=almalinux-9"
            ]
        );
        assert_eq!(reading.blemishes.len(), 1);
    }
}
