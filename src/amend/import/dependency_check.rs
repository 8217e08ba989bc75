//! OWASP Dependency-Check's suppression XML (dependency-suppression.1.0 to 1.4.xsd). An entry is taken over whole or not at all: half of
//! its conditions would set aside more than it does.

use super::{Imported, day};
use crate::amend::edit::Lines;
use crate::model::cpe::CpeName;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

/// One `<suppress>`.
#[derive(Default)]
struct Entry {
    line: usize,
    until: Option<String>,
    fields: Vec<(String, String, bool)>,
}

/// Reads the file.
///
/// # Errors
/// When it is no XML.
pub fn read(file: &str) -> Result<Imported, String> {
    let mut reader = Reader::from_str(file);
    let mut imported = Imported::default();
    let (mut entry, mut field): (Option<Entry>, Option<(String, String, bool)>) = (None, None);
    let (mut line, mut passed) = (1, 0);
    loop {
        let here = usize::try_from(reader.buffer_position()).unwrap_or(0).min(file.len());
        line += file.as_bytes()[passed.min(here)..here].iter().filter(|byte| **byte == b'\n').count();
        passed = passed.max(here);
        let event = reader.read_event().map_err(|error| format!("line {line}: {error}"))?;
        match event {
            Event::Start(start) => match (start.local_name().as_ref(), &mut entry) {
                ("suppress", None) => entry = Some(Entry { line, until: attribute(&start, "until"), fields: Vec::new() }),
                (name, Some(_)) => field = Some((name.to_owned(), String::new(), attribute(&start, "regex").as_deref() == Some("true"))),
                _ => {}
            },
            Event::Text(text) => {
                if let Some((_, value, _)) = &mut field {
                    value.push_str(text.as_ref());
                }
            }
            Event::CData(text) => {
                if let Some((_, value, _)) = &mut field {
                    value.push_str(text.as_ref());
                }
            }
            Event::GeneralRef(reference) => {
                if let Some((_, value, _)) = &mut field {
                    value.push(match reference.as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => reference.resolve_char_ref().ok().flatten().unwrap_or('\u{fffd}'),
                    });
                }
            }
            Event::End(end) => match (end.local_name().as_ref(), field.take(), entry.take()) {
                ("suppress", _, Some(done)) => take(done, &mut imported),
                (_, Some(done), Some(mut open)) => {
                    open.fields.push(done);
                    entry = Some(open);
                }
                (_, _, open) => entry = open,
            },
            Event::Eof => break,
            _ => {}
        }
    }
    match entry {
        Some(open) => Err(format!("line {}: <suppress> does not end", open.line)),
        None => Ok(imported),
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok().flatten()?;
    Some(attribute.value.into_owned())
}

fn take(entry: Entry, imported: &mut Imported) {
    let line = entry.line;
    if let Err(reason) = rules(entry, imported) {
        imported.leave(format!("line {line}: {reason}"));
    }
}

fn rules(entry: Entry, imported: &mut Imported) -> Result<(), String> {
    let until = entry.until.as_deref().map(|until| day(until).ok_or_else(|| format!("until=\"{until}\" is not understood"))).transpose()?;
    let mut by_name: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    for (name, value, regex) in &entry.fields {
        by_name.entry(name).or_default().push((value.trim(), *regex));
    }
    let notes =
        by_name.remove("notes").and_then(|notes| notes.first().map(|(text, _)| text.split_whitespace().collect::<Vec<_>>().join(" ")));
    let mut purls = Vec::new();
    for (text, regex) in by_name.remove("packageUrl").unwrap_or_default() {
        purls.push(if regex { plain_purl(text)? } else { text.to_owned() });
    }
    for (text, regex) in by_name.remove("gav").unwrap_or_default() {
        purls.push(maven(text, regex)?);
    }
    let mut ids = Vec::new();
    for key in ["cve", "vulnerabilityName"] {
        for (text, regex) in by_name.remove(key).unwrap_or_default() {
            if regex {
                return Err(format!("<{key}> as a regular expression cannot be said in a rule: {text}"));
            }
            ids.push(text.to_owned());
        }
    }
    let cpes = by_name.remove("cpe").unwrap_or_default();
    if let Some((name, values)) = by_name.first_key_value() {
        return Err(format!("<{name}> cannot be said in a rule: {}", values.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ")));
    }
    let reason = notes.filter(|notes| !notes.is_empty());
    let packages: Vec<Option<&str>> = if purls.is_empty() { vec![None] } else { purls.iter().map(|purl| Some(purl.as_str())).collect() };
    if !cpes.is_empty() {
        return identities(&cpes, &packages, &ids, until.is_some(), reason.as_deref(), imported);
    }
    if ids.is_empty() && purls.is_empty() {
        return Err("it has no condition".to_owned());
    }
    for purl in packages {
        let rest = Lines::default().text("until", until.as_deref());
        let reason = reason.as_deref().unwrap_or("taken over; the file gave no reason");
        let lines = Lines::default().texts("id", &ids).text("purl", purl).text("reason", Some(reason)).and(rest);
        imported.rules.push(("suppress", lines));
    }
    Ok(())
}

/// `<cpe>` says that the package is not that product, for good: `[[identity]]` with `is-not`.
fn identities(
    cpes: &[(&str, bool)],
    packages: &[Option<&str>],
    ids: &[String],
    ends: bool,
    reason: Option<&str>,
    imported: &mut Imported,
) -> Result<(), String> {
    if ends || !ids.is_empty() {
        return Err("<cpe> together with a vulnerability or an end cannot be said in a rule".to_owned());
    }
    for package in packages {
        let purl = package.ok_or("<cpe> without a package cannot be said in a rule")?;
        let bare = purl.split(['?', '#']).next().unwrap_or(purl);
        let all_versions = match bare.rfind('@').filter(|at| !bare[..*at].ends_with('/')) {
            Some(_) => return Err("<cpe> for one version cannot be said in a rule: an identity is one of all versions".to_owned()),
            None if bare.contains(['*', '{']) => return Err("<cpe> for several packages cannot be said in a rule".to_owned()),
            None => bare,
        };
        let mut products = Vec::new();
        for (text, regex) in cpes {
            let product = if *regex { None } else { product(text) };
            products.push(product.ok_or_else(|| format!("<cpe> {text} does not name one product"))?);
        }
        let reason = reason.unwrap_or("taken over; the file gave no reason");
        let lines = Lines::default().text("purl", Some(all_versions)).list("is-not", &products).text("reason", Some(reason));
        imported.rules.push(("identity", lines));
    }
    Ok(())
}

/// `vendor:product` of a CPE 2.2 URI (`cpe:/a:vendor:product`) or a CPE 2.3 name.
fn product(text: &str) -> Option<String> {
    if text.starts_with("cpe:2.3:") {
        return CpeName::read(text).ok()?.product_name().map(|name| name.to_string());
    }
    let mut parts = text.strip_prefix("cpe:/")?.split(':').skip(1);
    let (vendor, product) = (parts.next()?, parts.next()?);
    let is_open = parts.any(|part| !part.is_empty());
    (!is_open && !vendor.is_empty() && !product.is_empty()).then(|| format!("{vendor}:{product}"))
}

/// A regular expression that means a plain purl: `^pkg:npm/name@.*$`.
fn plain_purl(regex: &str) -> Result<String, String> {
    let fail = || format!("<packageUrl> as this regular expression cannot be said in a rule: {regex}");
    let body = regex.strip_prefix('^').ok_or_else(fail)?;
    let body = body.strip_suffix('$').unwrap_or(body);
    let body = ["@.*", "@.+", ".*"].iter().find_map(|end| body.strip_suffix(end)).unwrap_or(body);
    let plain = body.replace("\\-", "-").replace("\\.", ".").replace("\\/", "/").replace("\\@", "@");
    // A dot without a backslash fits any letter: in a name it is meant as a dot, but fits more.
    let odd = plain.contains(['\\', '(', '[', '*', '+', '|', '?', '{', '^', '$']) || body.replace("\\.", "").contains('.');
    if odd || !plain.starts_with("pkg:") { Err(fail()) } else { Ok(plain) }
}

/// `group:artifact:version`, plain or as a regular expression that ends open.
fn maven(text: &str, regex: bool) -> Result<String, String> {
    let fail = || format!("<gav> cannot be said in a rule: {text}");
    let body = if regex {
        plain_purl(&format!("^pkg:{}", text.strip_prefix('^').ok_or_else(fail)?)).map_err(|_| fail())?
    } else {
        format!("pkg:{text}")
    };
    let parts: Vec<&str> = body.trim_start_matches("pkg:").split(':').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [group, artifact] => Ok(format!("pkg:maven/{group}/{artifact}")),
        [group, artifact, version] => Ok(format!("pkg:maven/{group}/{artifact}@{version}")),
        _ => Err(fail()),
    }
}
