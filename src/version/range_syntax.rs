//! The ways in which ecosystems write ranges: node-semver's README ("Ranges"), the cargo book ("Specifying Dependencies"), PEP 440
//! ("Version specifiers"), Debian policy 7.1, rpm's dependency signs, apk-tools' `~`. Text in, ends out.

use super::range::{End, RangeError, Sign};
use crate::model::purl::Ecosystem;

type Ends = Vec<End>;

/// The alternatives of a range.
///
/// # Errors
/// What cannot be read, with its place.
pub fn parse(text: &str, ecosystem: Ecosystem) -> Result<Vec<Ends>, RangeError> {
    let mut alternatives = Vec::new();
    for (offset, part) in pieces(text, 0, "||") {
        alternatives.extend(match ecosystem {
            Ecosystem::Npm => vec![npm(part, offset)?],
            _ => joined(part, offset, ecosystem)?,
        });
    }
    Ok(alternatives)
}

/// Parts of a text with their offsets.
fn pieces<'a>(text: &'a str, offset: usize, separator: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let mut at = offset;
    text.split(separator).map(move |part| {
        let start = at + part.len() - part.trim_start().len();
        at += part.len() + separator.len();
        (start, part.trim())
    })
}

fn wrong(offset: usize, reason: impl Into<String>) -> RangeError {
    RangeError { offset, reason: reason.into() }
}

fn end(sign: Sign, version: impl Into<String>) -> End {
    End { sign, version: version.into() }
}

/// The longest sign at the start of a text.
const SIGNS: [(&str, Option<Sign>); 14] = [
    ("===", Some(Sign::Equal)),
    ("~=", None),
    ("==", Some(Sign::Equal)),
    ("!=", Some(Sign::NotEqual)),
    ("<=", Some(Sign::LessEqual)),
    (">=", Some(Sign::GreaterEqual)),
    ("<<", Some(Sign::Less)),
    (">>", Some(Sign::Greater)),
    ("~>", None),
    ("<", Some(Sign::Less)),
    (">", Some(Sign::Greater)),
    ("=", Some(Sign::Equal)),
    ("^", None),
    ("~", None),
];

/// A sign, its meaning where it stands for one end, and the rest.
fn sign_of(text: &str) -> (&'static str, Option<Sign>, &str) {
    let found = SIGNS.iter().find_map(|(sign, meaning)| text.strip_prefix(sign).map(|rest| (*sign, *meaning, rest.trim_start())));
    found.unwrap_or(("", None, text))
}

/// Parts that must all hold, joined by commas, or by spaces before a sign.
fn joined(text: &str, offset: usize, ecosystem: Ecosystem) -> Result<Vec<Ends>, RangeError> {
    let mut alternatives: Vec<Ends> = vec![Vec::new()];
    for (start, part) in pieces(text, offset, ",").flat_map(|(start, part)| spaced(start, part)) {
        let choices = match ecosystem {
            Ecosystem::Cargo => vec![semver_part(part, start, true)?],
            Ecosystem::Pypi => pypi(part, start)?,
            _ => vec![plain(part, start, ecosystem)?],
        };
        let with = |ends: &Ends| choices.iter().map(|more| ends.iter().chain(more).cloned().collect()).collect::<Vec<Ends>>();
        alternatives = alternatives.iter().flat_map(with).collect();
        if alternatives.len() > 64 {
            return Err(wrong(start, "it has too many parts"));
        }
    }
    Ok(alternatives)
}

/// Splits at spaces, a sign with the version that follows it. An empty text is one empty part.
fn spaced(offset: usize, text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let rest = &text[from..];
        let (_, _, body) = sign_of(rest);
        let lead = rest.len() - body.len();
        let length = lead + body.find(char::is_whitespace).unwrap_or(body.len());
        parts.push((offset + from, rest[..length].trim_end()));
        from += length + rest[length..].len() - rest[length..].trim_start().len();
    }
    if parts.is_empty() { vec![(offset, "")] } else { parts }
}

/// node-semver: comparators beside each other, hyphen ranges.
fn npm(text: &str, offset: usize) -> Result<Ends, RangeError> {
    if let Some(at) = text.find(" - ") {
        let (low, high) = (text[..at].trim(), text[at + 3..].trim());
        let lead = offset + text.len() - text[at + 3..].trim_start().len();
        let low = Partial::parse(low).ok_or_else(|| wrong(offset, format!("`{low}` is no version")))?;
        let high = Partial::parse(high).ok_or_else(|| wrong(lead, format!("`{high}` is no version")))?;
        let mut ends = vec![end(Sign::GreaterEqual, low.floor())];
        ends.push(high.next().map_or_else(|| end(Sign::LessEqual, high.floor()), |next| end(Sign::Less, next)));
        return Ok(ends);
    }
    let parts: Vec<_> = pieces(text, offset, ",").flat_map(|(start, part)| spaced(start, part)).collect();
    let mut ends = Vec::new();
    for (start, part) in parts {
        ends.extend(semver_part(part, start, false)?);
    }
    Ok(ends)
}

/// One comparator of npm or cargo. A bare version is `^` in cargo and `=` in npm.
fn semver_part(text: &str, offset: usize, bare_is_caret: bool) -> Result<Ends, RangeError> {
    if text.is_empty() {
        return Err(wrong(offset, "a part of it is empty; `*` stands for every version"));
    }
    let (sign, meaning, rest) = sign_of(text);
    let partial = Partial::parse(rest).ok_or_else(|| match rest {
        "" => wrong(offset, format!("`{text}` has no version")),
        _ => wrong(offset + text.len() - rest.len(), format!("`{rest}` is no version")),
    })?;
    let between = |next: Option<String>| {
        let mut ends = vec![end(Sign::GreaterEqual, partial.floor())];
        ends.extend(next.map(|next| end(Sign::Less, next)));
        ends
    };
    Ok(match (sign, meaning) {
        _ if partial.numbers.is_empty() => vec![end(Sign::GreaterEqual, "0.0.0-0")],
        ("^", _) => between(partial.caret()),
        ("", _) if bare_is_caret && !partial.wild => between(partial.caret()),
        ("~" | "~>" | "~=", _) => between(partial.tilde()),
        ("" | "=" | "==", _) if partial.numbers.len() < 3 => between(partial.next()),
        (_, Some(Sign::Greater)) => {
            partial.next().map_or_else(|| vec![end(Sign::Greater, partial.floor())], |next| vec![end(Sign::GreaterEqual, next)])
        }
        (_, Some(Sign::LessEqual)) => {
            vec![partial.next().map_or_else(|| end(Sign::LessEqual, partial.floor()), |next| end(Sign::Less, next))]
        }
        (_, Some(sign)) => vec![end(sign, partial.floor())],
        _ => vec![end(Sign::Equal, partial.floor())],
    })
}

/// A semantic version of which the end may be missing or `x`.
struct Partial {
    numbers: Vec<u64>,
    pre: String,
    wild: bool,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['v', 'V']);
        let text = text.split('+').next()?;
        let (core, pre) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = Vec::new();
        let mut wild = false;
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > 3 {
            return None;
        }
        for part in parts {
            if matches!(part, "x" | "X" | "*") {
                wild = true;
            } else if wild || part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            } else {
                numbers.push(part.parse().ok()?);
            }
        }
        (pre.is_empty() || numbers.len() == 3).then(|| Self { numbers, pre: pre.to_owned(), wild })
    }

    fn at(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or(0)
    }

    /// The version with what is missing as zero; where something is missing, the pre-releases of that are meant too.
    fn floor(&self) -> String {
        let pre = match self.pre.as_str() {
            "" if self.numbers.len() < 3 => "-0".to_owned(),
            "" => String::new(),
            pre => format!("-{pre}"),
        };
        format!("{}.{}.{}{pre}", self.at(0), self.at(1), self.at(2))
    }

    /// The first version after those that the given parts name; nothing where all are given.
    fn next(&self) -> Option<String> {
        (self.numbers.len() < 3).then(|| self.step(self.numbers.len() - 1))
    }

    /// `~`: the last part may grow, where minor is given.
    fn tilde(&self) -> Option<String> {
        Some(self.step(usize::from(self.numbers.len() > 1)))
    }

    /// `^`: what is right of the first number other than zero may grow.
    fn caret(&self) -> Option<String> {
        let first = self.numbers.iter().position(|number| *number > 0);
        Some(self.step(first.unwrap_or(self.numbers.len() - 1)))
    }

    fn step(&self, index: usize) -> String {
        let number = |at: usize| match at.cmp(&index) {
            std::cmp::Ordering::Less => self.at(at),
            std::cmp::Ordering::Equal => self.at(at).saturating_add(1),
            std::cmp::Ordering::Greater => 0,
        };
        format!("{}.{}.{}-0", number(0), number(1), number(2))
    }
}

/// One clause of PEP 440; `!=1.2.*` leaves two alternatives.
fn pypi(text: &str, offset: usize) -> Result<Vec<Ends>, RangeError> {
    if matches!(text, "*" | "") {
        return if text.is_empty() {
            Err(wrong(offset, "a part of it is empty"))
        } else {
            Ok(vec![vec![end(Sign::GreaterEqual, "0.dev0")]])
        };
    }
    let (sign, meaning, rest) = sign_of(text);
    if rest.is_empty() {
        return Err(wrong(offset, format!("`{text}` has no version")));
    }
    let body = rest.strip_suffix(".*");
    let release = body.unwrap_or(rest);
    if !release.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'v' | 'V')) || super::pep440::parse(release).is_none() {
        let at = offset + text.len() - rest.len();
        return Err(wrong(at - usize::from(rest.starts_with(['=', '<', '>'])), format!("`{text}`: `{rest}` is no version")));
    }
    let prefix = |text: &str| [end(Sign::GreaterEqual, format!("{text}.dev0")), end(Sign::Less, format!("{}.dev0", bumped(text)))];
    Ok(match (sign, meaning, body) {
        ("==", _, Some(prefixed)) => vec![prefix(prefixed).into()],
        ("!=", _, Some(prefixed)) => {
            let [low, high] = prefix(prefixed);
            vec![vec![end(Sign::Less, low.version)], vec![end(Sign::GreaterEqual, high.version)]]
        }
        (_, _, Some(_)) => return Err(wrong(offset, format!("`{text}`: `.*` goes with == and != only"))),
        ("~=", ..) => {
            let numbers =
                release.split(|c: char| !c.is_ascii_digit() && c != '.' && c != '!').next().unwrap_or(release).trim_end_matches('.');
            let Some((kept, _)) = numbers.rsplit_once('.') else {
                return Err(wrong(offset, format!("`{text}`: ~= needs a version of two parts or more")));
            };
            vec![vec![end(Sign::GreaterEqual, release), end(Sign::Less, format!("{}.dev0", bumped(kept)))]]
        }
        (_, Some(sign), None) => vec![vec![end(sign, release)]],
        _ => return Err(wrong(offset, format!("`{text}` has no sign: write `=={text}` or `>={text}`"))),
    })
}

/// A release with its last number one higher.
fn bumped(release: &str) -> String {
    let (head, last) = match release.rfind(['.', '!']) {
        Some(at) => release.split_at(at + 1),
        None => ("", release),
    };
    let number: u64 = last.trim_start_matches(['v', 'V']).parse().unwrap_or(0);
    format!("{head}{}", number.saturating_add(1))
}

/// A sign and a version, as distributions write them.
fn plain(text: &str, offset: usize, ecosystem: Ecosystem) -> Result<Ends, RangeError> {
    if text == "*" {
        return Ok(Vec::new());
    }
    let (sign, meaning, rest) = sign_of(text);
    match (sign, meaning) {
        _ if rest.is_empty() && !sign.is_empty() => Err(wrong(offset, format!("`{text}` has no version"))),
        ("~", _) if ecosystem == Ecosystem::Apk => Ok(vec![end(Sign::GreaterEqual, rest), end(Sign::Less, bumped(rest))]),
        (_, Some(sign)) => Ok(vec![end(sign, rest)]),
        _ => Err(wrong(offset, format!("`{text}` is no range end: write `>=1.0,<2`"))),
    }
}
