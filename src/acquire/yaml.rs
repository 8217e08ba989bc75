//! YAML lockfiles: one way to parse them, with the place of every name and of an error.

use super::Blemish;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Budget, Options, Spanned};
use std::fmt;
use std::marker::PhantomData;

/// A mapping's entries in order, each name with its byte offset.
#[derive(Debug)]
pub struct Entries<V>(pub Vec<(String, usize, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Entries<V> {
    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, _, value)| (name.as_str(), value))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Mapping<V> {
            type Value = Entries<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<Spanned<String>, V>()? {
                    let offset = name.referenced.span().byte_offset().unwrap_or_default();
                    entries.push((name.value, usize::try_from(offset).unwrap_or_default(), value));
                }
                Ok(Entries(entries))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Entries::default())
            }
        }
        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

/// Parses a whole file. A name that stands twice is an error.
///
/// # Errors
/// Where and why it does not parse, or that it asks for more than a file of its size may.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Blemish> {
    // No lockfile needs anchors, so a file has at most one node for each of its bytes.
    let most = text.len().max(1024);
    let mut budget = Budget::default();
    (budget.max_nodes, budget.max_events, budget.max_total_scalar_bytes) = (most, 4 * most, most);
    (budget.max_aliases, budget.max_depth) = (64, 64);
    let mut options = Options::default();
    options.budget = Some(budget);
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().and_then(|location| location.span().byte_offset());
        let message = error.without_snippet().to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let message = message.split(", set Dup").next().unwrap_or_default();
        let message: String = message.chars().take(200).collect();
        Blemish::at(place.and_then(|at| usize::try_from(at).ok()).unwrap_or_default(), format!("it is not valid here: {message}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_place_and_bombs_are_refused() {
        let text = "ä: 1\n'b': 2\n";
        let entries: Entries<String> = parse(text).unwrap();
        assert_eq!(entries.0, [("ä".to_owned(), 0, "1".to_owned()), ("b".to_owned(), 6, "2".to_owned())]);
        assert!(parse::<Entries<String>>("a: 1\na: 2\n").unwrap_err().reason.contains("duplicate"));
        let bomb = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, at| format!("{text}a{at}: &a{at} [*a{}, *a{}]\n", at - 1, at - 1));
        assert!(parse::<Entries<serde_json::Value>>(&bomb).is_err());
        assert!(parse::<Entries<serde_json::Value>>(&"[".repeat(100_000)).is_err());
    }
}
