//! CPE names: the formatted string binding of CPE 2.3 (NISTIR 7695, section 6.2) and the relations between
//! two names (NISTIR 7696, section 6).
//!
//! A value keeps its quoted form, so that a literal `\*` and the wildcard `*` stay different. CPE 2.2 URIs
//! are read through the `cpe` crate, which cannot read or compare 2.3 names.

use std::fmt;
use std::str::FromStr;

/// One attribute of a CPE name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// `*`: any value.
    Any,
    /// `-`: not applicable.
    Na,
    /// A value in the quoted form of the formatted string binding, lower case.
    Value(Box<str>),
}

impl Attribute {
    fn parse(text: &str) -> Self {
        match text {
            "*" => Self::Any,
            "-" => Self::Na,
            value if value.bytes().any(|b| b.is_ascii_uppercase()) => Self::Value(value.to_ascii_lowercase().into()),
            value => Self::Value(value.into()),
        }
    }

    /// The quoted form, as it stands in a formatted string.
    #[must_use]
    pub fn quoted(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Na => "-",
            Self::Value(value) => value,
        }
    }

    /// The value without its quoting, if it has one.
    #[must_use]
    pub fn plain(&self) -> Option<String> {
        match self {
            Self::Value(value) => Some(unquote(value)),
            _ => None,
        }
    }

    /// Whether every value that `target` can take is covered (NISTIR 7696, table 6-2: superset or equal).
    #[must_use]
    pub fn covers(&self, target: &Self) -> bool {
        match (self, target) {
            (Self::Any, _) => true,
            (Self::Na, Self::Na) => true,
            (Self::Value(source), Self::Value(target)) => value_covers(source, target),
            _ => false,
        }
    }
}

/// Whether a value with the unquoted wildcards `*` and `?` at its ends covers another (NISTIR 7696, 6.3).
fn value_covers(source: &str, target: &str) -> bool {
    if source == target {
        return true;
    }
    let (front, core, back) = split_wildcards(source);
    if front.is_none() && back.is_none() {
        return false;
    }
    let target = unquote(target);
    let core = unquote(core);
    target
        .match_indices(&core)
        .any(|(at, found)| fits(front, target[..at].chars().count()) && fits(back, target[at + found.len()..].chars().count()))
        || (core.is_empty() && fits(front.or(back), target.chars().count()))
}

/// How many characters a run of wildcards stands for: `Some(None)` for `*`, `Some(Some(n))` for `n` times `?`.
type Wildcard = Option<Option<usize>>;

fn fits(wildcard: Wildcard, length: usize) -> bool {
    match wildcard {
        None => length == 0,
        Some(None) => true,
        Some(Some(most)) => length <= most,
    }
}

fn split_wildcards(value: &str) -> (Wildcard, &str, Wildcard) {
    let (mut front, mut back, mut core) = (None, None, value);
    if let Some(rest) = core.strip_prefix('*') {
        (front, core) = (Some(None), rest);
    } else {
        let count = core.bytes().take_while(|b| *b == b'?').count();
        if count > 0 {
            (front, core) = (Some(Some(count)), &core[count..]);
        }
    }
    let quoted_end = |text: &str| text.bytes().rev().skip(1).take_while(|b| *b == b'\\').count() % 2 == 1;
    if core.ends_with('*') && !quoted_end(core) {
        (back, core) = (Some(None), &core[..core.len() - 1]);
    } else {
        let mut count = 0;
        while core.ends_with('?') && !quoted_end(core) {
            core = &core[..core.len() - 1];
            count += 1;
        }
        if count > 0 {
            back = Some(Some(count));
        }
    }
    (front, core, back)
}

/// A value without its backslashes.
#[must_use]
pub fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            other => out.push(other),
        }
    }
    out
}

/// A plain value with the quoting of the formatted string binding (NISTIR 7695, 5.3.2).
#[must_use]
pub fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 4);
    for c in value.chars() {
        if !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')) || (c == '-' && value.len() == 1) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The part of a CPE name: what kind of thing it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `a`
    Application,
    /// `o`
    OperatingSystem,
    /// `h`
    Hardware,
    /// `*`
    Any,
}

impl Part {
    /// The letter of the binding.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Application => "a",
            Self::OperatingSystem => "o",
            Self::Hardware => "h",
            Self::Any => "*",
        }
    }

    /// The part of that letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "a" | "A" => Some(Self::Application),
            "o" | "O" => Some(Self::OperatingSystem),
            "h" | "H" => Some(Self::Hardware),
            "*" => Some(Self::Any),
            _ => None,
        }
    }
}

/// A vendor:product pair in quoted form: the unit of identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductName {
    /// What kind of thing it is.
    pub part: Part,
    /// Quoted vendor.
    pub vendor: Box<str>,
    /// Quoted product.
    pub product: Box<str>,
}

impl ProductName {
    /// An application named by its quoted vendor and product.
    #[must_use]
    pub fn application(vendor: &str, product: &str) -> Self {
        Self { part: Part::Application, vendor: vendor.into(), product: product.into() }
    }

    /// The formatted string that names this product at one version, everything else open.
    #[must_use]
    pub fn at_version(&self, version: &str) -> String {
        let version = if version.is_empty() { "*".to_owned() } else { quote(&version.to_ascii_lowercase()) };
        format!("cpe:2.3:{}:{}:{}:{version}:*:*:*:*:*:*:*", self.part.letter(), self.vendor, self.product)
    }
}

impl fmt::Display for ProductName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.vendor, self.product)
    }
}

/// A CPE 2.3 name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CpeName {
    /// The kind of thing.
    pub part: Part,
    /// vendor, product, version, update, edition, language, sw_edition, target_sw, target_hw, other.
    attributes: [Attribute; 10],
}

macro_rules! attribute {
    ($($(#[$doc:meta])* $name:ident = $index:literal;)*) => {
        impl CpeName { $( $(#[$doc])* #[must_use] pub fn $name(&self) -> &Attribute { &self.attributes[$index] } )* }
    };
}

attribute! {
    /// The vendor.
    vendor = 0;
    /// The product.
    product = 1;
    /// The version.
    version = 2;
    /// The update: `rc1`, `sp2`, `patch3`.
    update = 3;
    /// The (deprecated) edition.
    edition = 4;
    /// The software edition: `community`, `lts`.
    sw_edition = 6;
    /// The software it runs in: `node.js`, `wordpress`, `windows`.
    target_sw = 7;
    /// The hardware it runs on.
    target_hw = 8;
}

impl CpeName {
    /// The vendor:product pair, where both are values.
    #[must_use]
    pub fn product_name(&self) -> Option<ProductName> {
        match (self.vendor(), self.product()) {
            (Attribute::Value(vendor), Attribute::Value(product)) => {
                Some(ProductName { part: self.part, vendor: vendor.clone(), product: product.clone() })
            }
            _ => None,
        }
    }

    /// Whether this name covers the other in every attribute (NISTIR 7696, table 6-4).
    #[must_use]
    pub fn covers(&self, target: &Self) -> bool {
        (self.part == Part::Any || self.part == target.part)
            && self.attributes.iter().zip(&target.attributes).all(|(source, target)| source.covers(target))
    }

    /// The name that covers every other.
    #[must_use]
    pub fn anything() -> Self {
        Self { part: Part::Any, attributes: std::array::from_fn(|_| Attribute::Any) }
    }

    /// Reads a CPE 2.2 URI (`cpe:/a:vendor:product:version`) or a CPE 2.3 formatted string.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn read(text: &str) -> Result<Self, CpeError> {
        if text.starts_with("cpe:/") { Self::from_uri(text) } else { text.parse() }
    }

    fn from_uri(text: &str) -> Result<Self, CpeError> {
        use cpe::component::Component;
        use cpe::cpe::Cpe as _;
        let error = || CpeError { text: text.to_owned() };
        let uri = cpe::uri::Uri::parse(text).map_err(|_| error())?;
        let part = Part::from_letter(text.trim_start_matches("cpe:/").get(..1).ok_or_else(error)?).ok_or_else(error)?;
        let attribute = |component: Component<'_>| match component {
            Component::Any => Attribute::Any,
            Component::NotApplicable => Attribute::Na,
            Component::Value(plain) => Attribute::Value(quote(&plain.replace('\\', "").to_ascii_lowercase()).into()),
        };
        let attributes = [
            attribute(uri.vendor()),
            attribute(uri.product()),
            attribute(uri.version()),
            attribute(uri.update()),
            attribute(uri.edition()),
            Attribute::Any,
            attribute(uri.sw_edition()),
            attribute(uri.target_sw()),
            attribute(uri.target_hw()),
            attribute(uri.other()),
        ];
        Ok(Self { part, attributes })
    }
}

/// A text that is not a CPE name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a CPE name: {text}")]
pub struct CpeError {
    /// The offending text.
    pub text: String,
}

/// Cuts a formatted string at its unquoted colons: prefix `cpe`, `2.3`, then eleven attributes.
#[must_use]
pub fn split_formatted(text: &str) -> Option<[&str; 11]> {
    let rest = text.strip_prefix("cpe:2.3:")?;
    let mut out = [""; 11];
    let (mut field, mut start, mut quoted) = (0, 0, false);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if quoted => quoted = false,
            b'\\' => quoted = true,
            b':' => {
                *out.get_mut(field)? = &rest[start..at];
                field += 1;
                start = at + 1;
            }
            _ => {}
        }
    }
    if field != 10 || quoted {
        return None;
    }
    out[10] = &rest[start..];
    out.iter().all(|field| !field.is_empty()).then_some(out)
}

impl FromStr for CpeName {
    type Err = CpeError;

    fn from_str(text: &str) -> Result<Self, CpeError> {
        let error = || CpeError { text: text.to_owned() };
        let fields = split_formatted(text).ok_or_else(error)?;
        let part = Part::from_letter(fields[0]).ok_or_else(error)?;
        Ok(Self { part, attributes: std::array::from_fn(|i| Attribute::parse(fields[i + 1])) })
    }
}

impl fmt::Display for CpeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpe:2.3:{}", self.part.letter())?;
        self.attributes.iter().try_for_each(|attribute| write!(f, ":{}", attribute.quoted()))
    }
}

/// The key under which names that differ only in case and separators meet: lower case, every run of
/// `-`, `_`, `.` and space becomes one `-`.
#[must_use]
pub fn name_key(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\\' => {}
            '-' | '_' | '.' | ' ' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            other => out.extend(other.to_lowercase()),
        }
    }
    out.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoted_colons_and_stars_stay_values() {
        let name: CpeName = r"cpe:2.3:a:vendor:pro\:duct:1.0\*:*:-:*:*:node.js:*:*".parse().unwrap();
        assert_eq!(name.product().plain().unwrap(), "pro:duct");
        assert_eq!(name.version().plain().unwrap(), "1.0*");
        assert_eq!(*name.edition(), Attribute::Na);
        assert_eq!(name.to_string(), r"cpe:2.3:a:vendor:pro\:duct:1.0\*:*:-:*:*:node.js:*:*");
    }

    #[test]
    fn malformed_names_are_refused() {
        for bad in [
            "",
            "cpe:2.3:a:b",
            "cpe:2.3:x:b:c:*:*:*:*:*:*:*:*",
            "cpe:2.3:a:b:c:*:*:*:*:*:*:*:*:*",
            r"cpe:2.3:a:b:c:*:*:*:*:*:*:*:\",
            "cpe:2.3:a::c:*:*:*:*:*:*:*:*",
        ] {
            assert!(bad.parse::<CpeName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn wildcards_cover_as_the_specification_says() {
        let value = |text: &str| Attribute::parse(text);
        for (source, target, expected) in [
            ("*", "-", true),
            ("-", "*", false),
            ("-", "-", true),
            ("1.0", "1.0", true),
            ("1.0", "1.1", false),
            ("8.*", "8.1", true),
            ("8.*", "9.1", false),
            ("?.1", "8.1", true),
            ("??.1", "8.1", true),
            ("?.1", "88.1", false),
            ("*.1", "8.1", true),
            (r"abc\*", "abcd", false),
            ("abc*", r"abc\*", true),
            ("*b*", "abc", true),
        ] {
            assert_eq!(value(source).covers(&value(target)), expected, "{source} {target}");
        }
    }

    #[test]
    fn uris_of_cpe_2_2_are_read() {
        let name = CpeName::read("cpe:/a:apache:http_server:2.4.1").unwrap();
        assert_eq!(name.to_string(), "cpe:2.3:a:apache:http_server:2.4.1:*:*:*:*:*:*:*");
        assert!(CpeName::read("cpe:/nonsense::").is_err());
    }

    #[test]
    fn keys_ignore_case_and_separators() {
        assert_eq!(name_key("Foo_Bar.js"), "foo-bar-js");
        assert_eq!(name_key(r"joomla\!"), "joomla!");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_round_trips(text in ".{0,80}") {
            if let Ok(name) = text.parse::<CpeName>() {
                prop_assert_eq!(name.to_string().parse::<CpeName>().unwrap(), name);
            }
        }

        #[test]
        fn quoting_round_trips(value in "[!-~]{1,20}") {
            prop_assert_eq!(unquote(&quote(&value)), value);
        }

        #[test]
        fn a_name_covers_itself(version in "[a-z0-9.]{1,8}") {
            let name: CpeName = format!("cpe:2.3:a:v:p:{version}:*:*:*:*:*:*:*").parse().unwrap();
            prop_assert!(name.covers(&name));
        }
    }
}
