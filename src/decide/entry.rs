//! `[[allow]]`, `[[deny]]` and `[[suppress]]` as a policy file writes them: from text to checked rules.

use super::digest::Digest;
use super::pattern::{Pattern, PatternError};
use super::rule::{Body, Kind, Layer, NamedId, Rule, Selector};
use super::source::Source;
use crate::diag::Diagnostic;
use crate::model::cpe::{CpeName, ProductName, quote};
use crate::model::package::Scope;
use crate::model::verdict::Decision;
use globset::{GlobBuilder, GlobMatcher};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use toml::Spanned;

/// One entry as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    purl: Option<Spanned<String>>,
    range: Option<Spanned<String>>,
    source: Option<Spanned<String>>,
    vendor: Option<String>,
    id: Option<Spanned<Many>>,
    cpe: Option<Spanned<String>>,
    registry: Option<Spanned<Many>>,
    integrity: Option<Spanned<Many>>,
    install_script: Option<Spanned<bool>>,
    scope: Option<Spanned<Many>>,
    path: Option<Spanned<String>>,
    image: Option<Spanned<String>>,
    layer: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
    approved_by: Option<String>,
    ticket: Option<String>,
    until: Option<Spanned<toml::Value>>,
    until_fixed: Option<Spanned<bool>>,
    use_instead: Option<Spanned<String>>,
    decision: Option<Spanned<String>>,
    justification: Option<Spanned<String>>,
}

/// One text or a list of them, with the places of a list's items.
#[derive(Debug)]
struct Many(Vec<(String, Option<usize>)>);

impl<'de> Deserialize<'de> for Many {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Many;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Many, E> {
                Ok(Many(vec![(text.to_owned(), None)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = items.next_element::<Spanned<String>>()? {
                    let start = item.span().start;
                    out.push((item.into_inner(), Some(start)));
                }
                Ok(Many(out))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// The items of a field, each with its place.
fn items(field: Option<&Spanned<Many>>) -> Vec<(&str, usize)> {
    let Some(field) = field else { return Vec::new() };
    field.get_ref().0.iter().map(|(text, at)| (text.as_str(), at.unwrap_or(field.span().start))).collect()
}

/// The five justifications of VEX (CISA, "Minimum Requirements for VEX", 2023).
pub const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

impl Entry {
    /// The checked rule. `start` is where the entry stands.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn into_rule(self, kind: Kind, start: usize, source: &Source<'_>) -> Result<Rule, Box<Diagnostic>> {
        self.refuse_strangers(kind, source)?;
        let subject = [&self.purl, &self.source, &self.cpe].into_iter().flatten().map(|field| field.span().start).next();
        let at = self.id.as_ref().filter(|_| self.purl.is_none()).map(|id| id.span().start).or(subject).unwrap_or(start);
        if subject.is_none() && self.id.is_none() {
            let needed = if kind == Kind::Suppress { "`id`, `purl` or `cpe`" } else { "`purl` or `source`" };
            return Err(source.wrong(at, format!("this [[{}]] rule has no {needed}", kind.name()), Some("purl = \"pkg:npm/name@1.2.3\"")));
        }
        if self.reason.as_ref().is_none_or(|reason| reason.get_ref().trim().is_empty()) && kind != Kind::Allow {
            let help = Some("say why, so that it can be defended later: reason = \"…\"");
            return Err(source.wrong(at, format!("this [[{}]] rule has no reason", kind.name()), help));
        }
        let ids: Vec<&str> = items(self.id.as_ref()).into_iter().map(|(id, _)| id).collect();
        let words = [&self.purl, &self.range, &self.source, &self.cpe].into_iter().flatten().map(|field| field.get_ref().as_str());
        let text: Vec<&str> = ids.into_iter().chain(words).collect();
        Ok(Rule {
            kind,
            text: text.join(" "),
            about: self.selector(source)?,
            body: self.body(kind, start, source)?,
            until: self.until.as_ref().map(|until| date(until, source)).transpose()?,
            reason: self.reason.map(Spanned::into_inner),
            approved_by: self.approved_by,
            ticket: self.ticket,
            location: source.location(at),
        })
    }

    /// Keys that belong to another kind of rule.
    fn refuse_strangers(&self, kind: Kind, source: &Source<'_>) -> Result<(), Box<Diagnostic>> {
        let place = |field: Option<std::ops::Range<usize>>| field.map(|span| span.start);
        for (name, at, only) in [
            ("id", place(self.id.as_ref().map(Spanned::span)), Kind::Suppress),
            ("cpe", place(self.cpe.as_ref().map(Spanned::span)), Kind::Suppress),
            ("justification", place(self.justification.as_ref().map(Spanned::span)), Kind::Suppress),
            ("until-fixed", place(self.until_fixed.as_ref().map(Spanned::span)), Kind::Suppress),
            ("use-instead", place(self.use_instead.as_ref().map(Spanned::span)), Kind::Deny),
            ("decision", place(self.decision.as_ref().map(Spanned::span)), Kind::Deny),
            ("registry", place(self.registry.as_ref().map(Spanned::span)), Kind::Allow),
            ("integrity", place(self.integrity.as_ref().map(Spanned::span)), Kind::Allow),
            ("install-script", place(self.install_script.as_ref().map(Spanned::span)), Kind::Allow),
        ] {
            if let Some(at) = at.filter(|_| only != kind) {
                return Err(source.wrong(at, format!("`{name}` belongs to [[{}]], not to [[{}]]", only.name(), kind.name()), None));
            }
        }
        Ok(())
    }

    fn selector(&self, source: &Source<'_>) -> Result<Selector, Box<Diagnostic>> {
        if let Some(range) = self.range.as_ref().filter(|_| self.purl.is_none() && self.source.is_none()) {
            return Err(source.wrong(range.span().start, "`range` needs a `purl`: whose versions?", None));
        }
        let scope = |(word, at): (&str, usize)| {
            Scope::from_name(word)
                .ok_or_else(|| source.wrong(at, format!("`{word}` is not one of production, optional, development"), None))
        };
        // The range is of the package that the rule names; with both, of the source package.
        let range = |is_its: bool| self.range.as_ref().filter(|_| is_its);
        Ok(Selector {
            purl: pattern(self.purl.as_ref(), range(self.source.is_none()), source)?,
            source: pattern(self.source.as_ref(), range(true), source)?,
            vendor: self.vendor.clone(),
            scope: items(self.scope.as_ref()).into_iter().map(scope).collect::<Result<_, _>>()?,
            path: self.path.as_ref().map(|path| glob(path, source)).transpose()?,
            image: self.image.as_ref().map(|image| glob(image, source)).transpose()?,
            layer: self.layer.as_ref().map(|layer| layer_of(layer, source)).transpose()?,
        })
    }

    fn body(&self, kind: Kind, start: usize, source: &Source<'_>) -> Result<Body, Box<Diagnostic>> {
        Ok(match kind {
            Kind::Allow => Body::Allow {
                registries: items(self.registry.as_ref()).into_iter().map(|(text, _)| text.to_owned()).collect(),
                digests: self.digests(source)?,
                digests_at: source.location(self.integrity.as_ref().map_or(start, |field| field.span().start)),
                install_script: self.install_script.as_ref().is_some_and(|word| *word.get_ref()),
            },
            Kind::Deny => Body::Deny {
                use_instead: self.use_instead.as_ref().map(|text| text.get_ref().clone()),
                decision: match &self.decision {
                    None => Decision::Deny,
                    Some(word) => Decision::from_word(word.get_ref())
                        .ok()
                        .filter(|decision| *decision != Decision::Allow)
                        .ok_or_else(|| source.wrong(word.span().start, "`decision` of a deny rule is `deny` or `warn`", None))?,
                },
            },
            Kind::Suppress => Body::Suppress {
                ids: items(self.id.as_ref())
                    .into_iter()
                    .map(|(id, at)| NamedId { id: id.to_owned(), location: source.location(at) })
                    .collect(),
                cpe: self.cpe.as_ref().map(|text| product(text, source)).transpose()?,
                justification: self.justification.as_ref().map(|word| justification(word, source)).transpose()?,
                until_fixed: self.until_fixed.as_ref().is_some_and(|word| *word.get_ref()),
            },
        })
    }

    fn digests(&self, source: &Source<'_>) -> Result<Vec<Digest>, Box<Diagnostic>> {
        let mut out = Vec::new();
        for (text, at) in items(self.integrity.as_ref()) {
            for word in text.split_whitespace() {
                let help = Some("as lockfiles write it: sha512-BASE64= or sha256:HEX");
                out.push(Digest::parse(word).ok_or_else(|| source.wrong(at, format!("`{word}` is no digest"), help))?);
            }
        }
        Ok(out)
    }
}

fn pattern(
    purl: Option<&Spanned<String>>,
    range: Option<&Spanned<String>>,
    source: &Source<'_>,
) -> Result<Option<Pattern>, Box<Diagnostic>> {
    let Some(purl) = purl else { return Ok(None) };
    let parsed = Pattern::parse(purl.get_ref(), range.map(|range| range.get_ref().as_str()));
    parsed.map(Some).map_err(|error| match (error, range) {
        // One quote stands before the text.
        (PatternError::Range(error), Some(range)) => source.wrong(range.span().start + 1 + error.offset, error.reason, None),
        (PatternError::Range(error), None) => source.wrong(purl.span().start, error.reason, None),
        (PatternError::Purl(reason), _) => source.wrong(purl.span().start, reason, None),
    })
}

fn glob(text: &Spanned<String>, source: &Source<'_>) -> Result<GlobMatcher, Box<Diagnostic>> {
    // Paths of a subject have no slash at their front.
    let built = GlobBuilder::new(text.get_ref().trim_start_matches('/')).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| source.wrong(text.span().start, error.kind().to_string(), None))
}

fn layer_of(word: &Spanned<String>, source: &Source<'_>) -> Result<Layer, Box<Diagnostic>> {
    match word.get_ref().as_str() {
        "base" => Ok(Layer::Base),
        "own" => Ok(Layer::Own),
        digest if digest.starts_with("sha256:") => Ok(Layer::Digest(digest.to_owned())),
        other => Err(source.wrong(word.span().start, format!("`{other}` is not base, own or a layer's digest"), None)),
    }
}

/// A product, as `vendor:product` or a CPE name of it.
fn product(text: &Spanned<String>, source: &Source<'_>) -> Result<ProductName, Box<Diagnostic>> {
    let word = text.get_ref();
    let named = match word.split_once(':') {
        Some(("cpe", _)) => CpeName::read(word).ok().and_then(|name| name.product_name()),
        Some((vendor, product)) if !vendor.is_empty() && !product.is_empty() && !product.contains(':') => {
            Some(ProductName::application(&quote(vendor), &quote(product)))
        }
        _ => None,
    };
    named.ok_or_else(|| {
        source.wrong(text.span().start, format!("`{word}` is no product"), Some("write \"vendor:product\" or a CPE 2.3 name of it"))
    })
}

fn justification(word: &Spanned<String>, source: &Source<'_>) -> Result<String, Box<Diagnostic>> {
    if JUSTIFICATIONS.contains(&word.get_ref().as_str()) {
        return Ok(word.get_ref().clone());
    }
    let help = crate::diag::nearest(word.get_ref(), JUSTIFICATIONS).map(|near| format!("did you mean `{near}`?"));
    let message = format!("`{}` is no VEX justification; there are {}", word.get_ref(), JUSTIFICATIONS.join(", "));
    Err(source.wrong(word.span().start, message, help.as_deref()))
}

/// A date written bare or in quotes.
fn date(value: &Spanned<toml::Value>, source: &Source<'_>) -> Result<String, Box<Diagnostic>> {
    let text = match value.get_ref() {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Datetime(date) => date.date.map(|date| date.to_string()),
        _ => None,
    };
    text.and_then(|text| text.parse::<jiff::civil::Date>().ok())
        .map(|date| date.to_string())
        .ok_or_else(|| source.wrong(value.span().start, "`until` is not a date like 2026-12-31", None))
}
