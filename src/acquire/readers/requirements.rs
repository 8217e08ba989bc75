//! requirements.txt (pip's "Requirements File Format"): pins, hashes, markers, extras, includes.
//!
//! Only `name==version` says which version is installed. Anything else is told as an entry that could not
//! be used; a version is never guessed. A marker does not exclude: what another platform installs counts.

use crate::acquire::{Blemish, Found, Include, Reading};
use crate::model::package::{Origin, Scope};
use crate::model::purl::{Ecosystem, Purl};

/// Reads a requirements file.
///
/// # Errors
/// Never: each line stands for itself.
pub fn read(text: &str) -> Result<Reading, Blemish> {
    if text.bytes().take(1024).any(|b| b == 0) {
        return Err(Blemish { offset: 0, reason: "this is a binary file, not a requirements file".to_owned() });
    }
    let mut reading = Reading::default();
    for (offset, line) in logical_lines(text) {
        read_line(&line, offset, &mut reading);
    }
    Ok(reading)
}

/// Lines with their offset: continued by `\`, comments cut.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let (mut at, mut start, mut joined) = (0, 0, String::new());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if joined.is_empty() {
            start = at;
        }
        at += line.len();
        let comment = bare.trim_start().starts_with('#');
        if let Some(front) = bare.strip_suffix('\\').filter(|_| !comment) {
            joined.push_str(front);
            joined.push(' ');
            continue;
        }
        joined.push_str(bare);
        let full = std::mem::take(&mut joined);
        let cut = full.find(" #").map_or(full.as_str(), |end| &full[..end]);
        let cut = if cut.trim_start().starts_with('#') { "" } else { cut.trim_end() };
        if !cut.trim().is_empty() {
            let indent = cut.len() - cut.trim_start().len();
            out.push((start + indent, cut.trim_start().to_owned()));
        }
    }
    if !joined.trim().is_empty() {
        out.push((start, joined.trim().to_owned()));
    }
    out
}

fn read_line(line: &str, offset: usize, reading: &mut Reading) {
    let mut blemish = |reason: String| reading.blemishes.push(Blemish { offset, reason });
    let option = |names: [&str; 2]| {
        names.iter().find_map(|name| line.strip_prefix(name)).map(|rest| rest.trim_start_matches(['=', ' ', '\t']).trim().to_owned())
    };
    if let Some(path) = option(["--requirement", "-r"]).or_else(|| option(["--constraint", "-c"])) {
        reading.includes.push(Include { path, offset });
        return;
    }
    if let Some(target) = option(["--editable", "-e"]) {
        // An editable folder is the project itself; an editable address is a package from git.
        if target.contains("://") || target.starts_with("git+") {
            match egg_name(&target) {
                Some(name) => add_source(reading, &name, Origin::Git(target), offset),
                None => blemish(format!("`{}` has no name: add #egg=NAME", clip(&target))),
            }
        }
        return;
    }
    if line.starts_with('-') {
        return;
    }
    let (requirement, options) = split_options(line);
    let integrity = hashes(options);
    let requirement = requirement.split(';').next().unwrap_or_default().trim();
    if let Some((name, address)) = requirement.split_once(" @ ") {
        add_source(reading, name.trim(), address_origin(address.trim()), offset);
        return;
    }
    if requirement.contains("://") || requirement.starts_with('.') || requirement.starts_with('/') || requirement.ends_with(".whl") {
        match egg_name(requirement) {
            Some(name) => add_source(reading, &name, address_origin(requirement), offset),
            None => blemish(format!("`{}` is a file or address, which does not say name and version", clip(requirement))),
        }
        return;
    }
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('[').and_then(|extras| extras.split_once(']')).map_or(rest, |(_, rest)| rest).trim();
    let rest = rest.trim_start_matches('(').trim_end_matches(')');
    let version = rest.strip_prefix("===").or_else(|| rest.strip_prefix("==")).map(str::trim);
    match version {
        Some(version) if !version.is_empty() && !version.contains([',', '*', ' ', '<', '>', '!']) => {
            match Purl::of_package(Ecosystem::Pypi, name, version) {
                Ok(purl) => reading.found.push(Found {
                    version: version.to_owned(),
                    integrity,
                    direct: None,
                    scope: Scope::Production,
                    ..Found::new(purl, offset)
                }),
                Err(error) => blemish(error.to_string()),
            }
        }
        _ if name.is_empty() => blemish(format!("`{}` is not a requirement", clip(line))),
        _ => blemish(format!("`{}` is not pinned to one version: write `{name}==VERSION`, or check a lockfile", clip(requirement))),
    }
}

fn add_source(reading: &mut Reading, name: &str, origin: Origin, offset: usize) {
    let name = name.split('[').next().unwrap_or_default().trim();
    match Purl::of_package(Ecosystem::Pypi, name, "") {
        Ok(purl) => reading.found.push(Found { origin, ..Found::new(purl, offset) }),
        Err(error) => reading.blemishes.push(Blemish { offset, reason: error.to_string() }),
    }
}

fn address_origin(address: &str) -> Origin {
    if address.starts_with("git+") {
        Origin::Git(address.to_owned())
    } else if address.contains("://") && !address.starts_with("file:") {
        Origin::Url(address.to_owned())
    } else {
        Origin::Path(address.to_owned())
    }
}

fn egg_name(address: &str) -> Option<String> {
    let fragment = address.split_once('#')?.1;
    fragment.split('&').find_map(|part| part.strip_prefix("egg=")).map(|name| name.split('[').next().unwrap_or_default().to_owned())
}

fn split_options(line: &str) -> (&str, &str) {
    line.find(" --").map_or((line, ""), |at| line.split_at(at))
}

fn hashes(options: &str) -> Vec<String> {
    let words: Vec<&str> = options.split([' ', '\t', '=']).filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0] == "--hash").map(|pair| pair[1].to_owned()).collect()
}

fn clip(text: &str) -> String {
    if text.chars().count() > 80 { format!("{}…", text.chars().take(80).collect::<String>()) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_with_everything_around_them() {
        let text = "# comment\nDjango==2.2.0  # old\nrequests[security]==2.6.0 ; python_version < '3' \\\n  --hash=sha256:aa \\\n  --hash sha256:bb\r\n\
                    zope.interface (==5.0)\n-r other.txt\n--index-url https://example.test/\n-e .\nfoo @ git+https://example.test/foo@1\n";
        let reading = read(text).unwrap();
        let names: Vec<&str> = reading.found.iter().map(|found| found.purl.text()).collect();
        assert_eq!(names, ["pkg:pypi/django@2.2.0", "pkg:pypi/requests@2.6.0", "pkg:pypi/zope.interface@5.0", "pkg:pypi/foo"]);
        assert_eq!(reading.found[1].integrity, ["sha256:aa", "sha256:bb"]);
        assert_eq!(reading.includes[0].path, "other.txt");
        assert!(text[reading.found[1].offset..].starts_with("requests"));
        assert!(reading.blemishes.is_empty(), "{:?}", reading.blemishes);
    }

    #[test]
    fn what_is_not_pinned_is_said_never_guessed() {
        let reading = read("flask>=1.0\nnumpy\npandas==1.*\n./local.whl\n???\n").unwrap();
        assert!(reading.found.is_empty());
        assert_eq!(reading.blemishes.len(), 5);
        assert!(reading.blemishes[0].reason.contains("flask"));
    }
}
