//! One line of a requirements file: joined where a backslash continues it, its comment apart, and what it asks for.

use super::pypi;
use crate::model::package::Origin;

/// A joined line, or the comment behind or below one.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it begins.
    pub offset: usize,
    /// The line without its comment.
    pub text: String,
    /// Set where this is a comment.
    pub comment: Option<&'a str>,
    /// Whether the file ends where the line should go on.
    pub unfinished: bool,
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Another requirements file.
    Include(String),
    /// The index that every package comes from.
    Index(String),
    /// An option that names no package, or the project itself.
    Ignored,
    /// It cannot be used, and why.
    Wrong(String),
    /// A package.
    Package {
        /// Its name.
        name: String,
        /// The one version that it is pinned to.
        version: Option<String>,
        /// Where it comes from, if from no index.
        address: Option<String>,
        /// Digests.
        integrity: Vec<String>,
        /// The requirement as written.
        written: String,
    },
}

/// The joined lines and comments of a file, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut start, mut joined) = (0, 0, String::new());
    for raw in text.split_inclusive('\n') {
        let bare = raw.trim_end_matches(['\n', '\r']);
        let begin = at + (bare.len() - bare.trim_start().len());
        if joined.is_empty() {
            start = begin;
        }
        at += raw.len();
        let (front, comment) = split_comment(bare);
        let goes_on = comment.is_none().then(|| front.strip_suffix('\\')).flatten();
        joined.push_str(goes_on.unwrap_or(front).trim());
        joined.push(' ');
        if goes_on.is_none() {
            push(&mut pieces, start, &mut joined, false);
        }
        pieces.extend(comment.map(|comment| Piece { offset: begin, text: String::new(), comment: Some(comment), unfinished: false }));
    }
    push(&mut pieces, start, &mut joined, true);
    pieces.into_iter()
}

fn push(pieces: &mut Vec<Piece<'_>>, offset: usize, joined: &mut String, unfinished: bool) {
    let text = std::mem::take(joined).trim().to_owned();
    if !text.is_empty() {
        pieces.push(Piece { offset, text, comment: None, unfinished });
    }
}

/// A comment begins the line or follows a blank.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let at = line.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t']))).map(|(at, _)| at);
    at.map_or((line, None), |at| (&line[..at], Some(&line[at..])))
}

/// The argument of an option in its long or short form.
#[must_use]
pub fn option(line: &str, names: [&str; 2]) -> Option<String> {
    let rest = names.iter().find_map(|name| line.strip_prefix(name))?;
    Some(rest.trim_start_matches(['=', ' ', '\t']).trim().to_owned())
}

/// Reads a line.
#[must_use]
pub fn parse(text: &str) -> Line {
    if let Some(path) = option(text, ["--requirement", "-r"]) {
        return Line::Include(path);
    }
    if let Some(url) = option(text, ["--index-url", "-i"]) {
        return Line::Index(url);
    }
    if let Some(target) = option(text, ["--editable", "-e"]) {
        // An editable folder is the project itself; an editable address is a package from a repository.
        let address = target.contains("://") || target.starts_with("git+");
        return if address { from_address(&target, Vec::new()) } else { Line::Ignored };
    }
    if text.starts_with('-') {
        return Line::Ignored;
    }
    let (requirement, options) = text.find(" --").map_or((text, ""), |at| text.split_at(at));
    let integrity = hashes(options);
    if let Some((name, address)) = requirement.split_once('@').filter(|(name, _)| is_name(name)) {
        let address = address.split(" ;").next().unwrap_or_default().trim().to_owned();
        let name = pypi::name_of(name).to_owned();
        return Line::Package { name, version: None, address: Some(address), integrity, written: requirement.to_owned() };
    }
    let requirement = requirement.split(';').next().unwrap_or_default().trim();
    let local = ["./", "../", "/", "file:"].iter().any(|start| requirement.starts_with(start));
    if requirement.contains("://") || local || requirement == "." || requirement.ends_with(".whl") || requirement.ends_with(".tar.gz") {
        return if requirement == "." { Line::Ignored } else { from_address(requirement, integrity) };
    }
    let name = pypi::name_of(requirement);
    if name.is_empty() {
        return Line::Wrong(format!("`{}` is not a requirement", clip(text)));
    }
    let rest = requirement[name.len()..].trim_start();
    let rest = rest.strip_prefix('[').and_then(|extras| extras.split_once(']')).map_or(rest, |(_, rest)| rest).trim();
    let rest = rest.trim_start_matches('(').trim_end_matches(')');
    let version = rest.strip_prefix("===").or_else(|| rest.strip_prefix("==")).map(str::trim);
    let version = version.filter(|version| !version.is_empty() && !version.contains([',', '*', ' ', '<', '>', '!', '=', '$']));
    Line::Package { name: name.to_owned(), version: version.map(str::to_owned), address: None, integrity, written: requirement.to_owned() }
}

/// `name` or `name[extras]`, with blanks around.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    let name = pypi::name_of(text);
    !name.is_empty() && (name.len() == text.len() || text[name.len()..].trim_start().starts_with('[') && text.ends_with(']'))
}

fn from_address(address: &str, integrity: Vec<String>) -> Line {
    let Some(name) = egg(address).or_else(|| wheel(address)) else {
        return Line::Wrong(format!("`{}` does not say which package it is: add #egg=NAME", clip(address)));
    };
    Line::Package { name, version: None, address: Some(address.to_owned()), integrity, written: address.to_owned() }
}

fn egg(address: &str) -> Option<String> {
    let fragment = address.split_once('#')?.1;
    fragment
        .split('&')
        .find_map(|part| part.strip_prefix("egg="))
        .map(|name| pypi::name_of(name).to_owned())
        .filter(|name| !name.is_empty())
}

/// A wheel's file name begins with the package's name ("Binary distribution format").
fn wheel(address: &str) -> Option<String> {
    let file = address.split(['#', '?']).next()?.rsplit('/').next()?.strip_suffix(".whl")?;
    (file.split('-').count() >= 5 && address.contains("://")).then(|| file.split('-').next().unwrap_or_default().to_owned())
}

/// Where an address leads.
#[must_use]
pub fn origin(address: &str) -> Origin {
    let repository = ["git+", "hg+", "svn+", "bzr+"].iter().any(|start| address.starts_with(start));
    match pypi::archive_origin(address) {
        // An archive of the public index without a version in the line: the address stays the source.
        Origin::Public => Origin::Url(address.to_owned()),
        _ if repository => Origin::Git(address.to_owned()),
        origin => origin,
    }
}

fn hashes(options: &str) -> Vec<String> {
    let words: Vec<&str> = options.split([' ', '\t', '=']).filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0] == "--hash").map(|pair| pair[1].to_owned()).collect()
}

/// A text short enough for a message.
#[must_use]
pub fn clip(text: &str) -> String {
    if text.chars().count() > 80 { format!("{}…", text.chars().take(80).collect::<String>()) } else { text.to_owned() }
}
