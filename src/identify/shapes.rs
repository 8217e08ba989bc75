//! The shapes in which a package's name may stand in a product's name: by rule, never by list of packages.

use crate::facts::is_generic;
use crate::model::cpe::{ProductName, name_key, unquote};
use crate::model::purl::Ecosystem;

/// A key to look for, and what is asked of what is found under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The key (`model::cpe::name_key`).
    pub key: String,
    /// Whether it is the package's whole name; other shapes need evidence of their own.
    pub exact: bool,
    /// A vendor that must agree, quoted.
    pub vendor: Option<String>,
    /// What the product must be an addition to, as its criteria's target software says.
    pub host: Option<String>,
    /// How it comes from the name, for people.
    pub how: &'static str,
}

/// Affixes that ecosystems add to or leave off the name of a project.
fn affixes(ecosystem: Ecosystem) -> (&'static [&'static str], &'static [&'static str]) {
    match ecosystem {
        Ecosystem::Npm => (&["node-"], &["-js", "js", "-node"]),
        Ecosystem::Pypi => (&["python-", "py-", "django-", "flask-", "pytest-", "products-"], &["-python", "-py", "-py3"]),
        Ecosystem::Cargo => (&["rust-", "lib"], &["-rs", "-rust"]),
        _ => (&[], &[]),
    }
}

/// Whether a name says of itself which language it is for: `pythonthing`, `thing.js`, `rust-thing`.
pub fn marked(ecosystem: Ecosystem, key: &str) -> bool {
    let (fronts, backs): (&[&str], &[&str]) = match ecosystem {
        Ecosystem::Npm => (&["node-"], &["-js", "-node"]),
        Ecosystem::Pypi => (&["python"], &["-python", "-py"]),
        Ecosystem::Cargo => (&["rust-"], &["-rs", "-rust"]),
        _ => (&[], &[]),
    };
    fronts.iter().any(|front| key.starts_with(front)) || backs.iter().any(|back| key.ends_with(back))
}

/// Endings of packages that are one project built in another way.
const TWINS: [&str; 5] = ["-gpu", "-cpu", "-headless", "-nightly", "-bin"];

/// All shapes of a package's name, the whole name first.
pub fn shapes(ecosystem: Ecosystem, name: &str) -> Vec<Shape> {
    let mut out = Vec::new();
    if let Some((scope, base)) = name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        return scoped(name, scope, base);
    }
    let key = name_key(name);
    out.push(Shape { key: key.clone(), exact: true, vendor: None, host: None, how: "same name" });
    let (front, back) = affixes(ecosystem);
    let mut other = |key: String, vendor: Option<&str>, how: &'static str| {
        // What is left of a name must still name something; a vendor that agrees makes good for that.
        let names = vendor.is_some() || !is_generic(&key);
        if key.len() > 2 && names && !out.iter().any(|shape: &Shape| shape.key == key) {
            out.push(Shape { key, exact: false, vendor: vendor.map(str::to_owned), host: None, how });
        }
    };
    for affix in front {
        if let Some(rest) = key.strip_prefix(affix) {
            other(rest.to_owned(), None, "same name without the ecosystem's prefix");
        }
        other(format!("{affix}{key}"), Some(&key), "same name with the ecosystem's prefix, its vendor is the name");
    }
    for affix in back {
        if let Some(rest) = key.strip_suffix(affix) {
            other(rest.to_owned(), None, "same name without the ecosystem's suffix");
        }
        other(format!("{key}{affix}"), Some(&key), "same name with the ecosystem's suffix, its vendor is the name");
    }
    // `vendor-product` as one name: apache-airflow is apache:airflow.
    if let Some((vendor, rest)) = key.split_once('-') {
        other(rest.to_owned(), Some(vendor), "its first word is the vendor");
        out.iter_mut().filter(|shape| shape.vendor.as_deref() == Some(vendor)).for_each(|shape| shape.exact = true);
    }
    // `host-plugin-name`: a product of the last word alone that runs on the host.
    if let (Some((host, _)), Some((_, last))) = (key.split_once('-'), key.rsplit_once('-'))
        && last.len() > 2
    {
        out.push(Shape {
            key: last.to_owned(),
            exact: false,
            vendor: None,
            host: Some(host.to_owned()),
            how: "its last word, as an addition to its first",
        });
    }
    for twin in TWINS {
        if let Some(rest) = key.strip_suffix(twin) {
            out.push(Shape { key: rest.to_owned(), exact: true, vendor: None, host: None, how: "same project in another build" });
        }
    }
    out
}

/// A scope is an organisation: its product may carry the bare name, under a vendor of the scope's name.
fn scoped(name: &str, scope: &str, base: &str) -> Vec<Shape> {
    let same = |key: String, exact, how| Shape { key, exact, vendor: None, host: None, how };
    vec![
        Shape { key: name_key(base), exact: true, vendor: Some(name_key(scope)), host: None, how: "its scope is the vendor" },
        same(name_key(&name.replace('/', "-")), true, "same name"),
        same(name_key(&format!("{scope}-{base}")), false, "same name with its scope"),
        same(name.to_lowercase(), true, "same name"),
    ]
}

/// The name without separators; nothing for a scoped name, or one so short that anything could be read into it.
pub fn solid(name: &str) -> Option<Shape> {
    let key = name_key(name).replace('-', "");
    let fits = !name.starts_with('@') && key.len() >= 6;
    fits.then_some(Shape { key, exact: false, vendor: None, host: None, how: "same name but for separators" })
}

/// Whether a product's name has separators that the package's lacks: the NVD writes spaces so (`pull_it` for `pullit`). The other
/// way round the product is likely a package of its own, published to be mistaken for this one (`crossenv` for `cross-env`).
pub fn spaced(name: &str, product: &ProductName) -> bool {
    let separators = |text: &str| text.matches('-').count();
    separators(&name_key(&product.product)) > separators(&name_key(name))
}

/// Whether a vendor, quoted, is the organisation of that key.
pub fn vendor_agrees(wanted: &str, vendor: &str) -> bool {
    let vendor = name_key(&unquote(vendor));
    let bare =
        |text: &str| text.trim_end_matches("-project").trim_end_matches("project").trim_end_matches("js").trim_end_matches('-').to_owned();
    vendor == wanted || (!bare(wanted).is_empty() && bare(&vendor) == bare(wanted))
}

/// Whether a product's name is one of the shapes of a package's name.
pub fn agree(ecosystem: Ecosystem, name: &str, product: &ProductName) -> bool {
    let key = name_key(&product.product);
    let same_letters = || solid(name).is_some_and(|shape| shape.key == key.replace('-', "") && spaced(name, product));
    shapes(ecosystem, name).iter().any(|shape| shape.key == key) || same_letters()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_come_by_rule() {
        let keys = |ecosystem, name: &str| shapes(ecosystem, name).into_iter().map(|shape| shape.key).collect::<Vec<_>>();
        assert_eq!(keys(Ecosystem::Npm, "foo.js")[0], "foo-js");
        assert!(keys(Ecosystem::Npm, "foo.js").contains(&"foo".to_owned()));
        assert!(!keys(Ecosystem::Npm, "core-js").contains(&"core".to_owned()));
        assert!(keys(Ecosystem::Pypi, "apache-foo").contains(&"foo".to_owned()));
        let scoped = shapes(Ecosystem::Npm, "@org/foo");
        assert_eq!((scoped[0].key.as_str(), scoped[0].vendor.as_deref()), ("foo", Some("org")));
        assert!(vendor_agrees("org", "org_project") && vendor_agrees("angular", "angularjs") && !vendor_agrees("org", "other"));
    }
}
