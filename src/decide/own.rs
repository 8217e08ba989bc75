//! What a policy says packages are: `[[identity]]` with `is` and `is-not`.

use crate::diag::Diagnostic;
use crate::model::cpe::{ProductName, quote};
use crate::model::evidence::OwnFact;
use crate::model::purl::Purl;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    purl: Spanned<String>,
    #[serde(default)]
    is: Vec<Spanned<String>>,
    #[serde(default)]
    is_not: Vec<Spanned<String>>,
    reason: Spanned<String>,
}

/// The facts of a policy file.
///
/// # Errors
/// The first mistake, with its place.
pub(super) fn facts(entries: Vec<Entry>, path: &str, text: &str) -> Result<Vec<OwnFact>, Box<Diagnostic>> {
    entries.into_iter().map(|entry| fact(&entry, path, text)).collect()
}

fn fact(entry: &Entry, path: &str, text: &str) -> Result<OwnFact, Box<Diagnostic>> {
    let at = |field: &Spanned<String>, message: String, help: &str| {
        Box::new(Diagnostic::at(path, text, field.span().start, message, (!help.is_empty()).then(|| help.to_owned())))
    };
    let purl: Purl = entry.purl.get_ref().parse().map_err(|error| at(&entry.purl, format!("{error}"), "purl = \"pkg:npm/name\""))?;
    if purl.without_version() != purl.text() {
        return Err(at(&entry.purl, "an identity is one of all versions".to_owned(), &format!("purl = \"{}\"", purl.without_version())));
    }
    if entry.is.is_empty() && entry.is_not.is_empty() {
        return Err(at(&entry.purl, "this [[identity]] says neither `is` nor `is-not`".to_owned(), "is = [\"vendor:product\"]"));
    }
    if entry.reason.get_ref().trim().is_empty() {
        return Err(at(&entry.reason, "this [[identity]] has no reason".to_owned(), "say why, so that it can be defended later"));
    }
    let product = |name: &Spanned<String>| match name.get_ref().split_once(':') {
        Some((vendor, product)) if !vendor.is_empty() && !product.is_empty() && !product.contains(':') => {
            Ok(ProductName::application(&quote(vendor), &quote(product)))
        }
        _ => Err(at(
            name,
            format!("`{}` is not a vendor and a product", name.get_ref()),
            "write \"vendor:product\", as `scacheck db search` shows them",
        )),
    };
    let line = text[..entry.purl.span().start.min(text.len())].matches('\n').count() + 1;
    Ok(OwnFact {
        purl: purl.text().to_owned(),
        is: entry.is.iter().map(product).collect::<Result<_, _>>()?,
        is_not: entry.is_not.iter().map(product).collect::<Result<_, _>>()?,
        reason: entry.reason.get_ref().clone(),
        place: format!("{path}, line {line}"),
    })
}
