//! JSON objects whose members keep their order and their place in the file.
//!
//! serde_json's raw values are slices of the text, so an offset is a difference of addresses; nothing is
//! copied and no position is searched for.

use super::Blemish;
use super::text::offset_of;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An object's members in order; a name that stands twice is there twice.
#[derive(Debug, Default)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Where a raw value of this text begins.
#[must_use]
pub fn offset_in(text: &str, value: &RawValue) -> usize {
    (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// Where the name of a member begins: the text before its value ends with `"name":`.
#[must_use]
pub fn name_offset(text: &str, name: &str, value: &RawValue) -> usize {
    let at = offset_in(text, value);
    let before = text[..at].trim_end().trim_end_matches(':').trim_end();
    let name = before.len().saturating_sub(name.len() + 2);
    if before.get(name..).is_some_and(|quoted| quoted.starts_with('"')) { name } else { at }
}

/// Parses a whole file.
///
/// # Errors
/// Where and why it does not parse.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Blemish> {
    serde_json::from_str(text)
        .map_err(|error| Blemish { offset: offset_of(text, error.line(), error.column()), reason: told(&error, text) })
}

/// Parses one value of a file.
///
/// # Errors
/// Where the value stands and why it does not parse.
pub fn parse_value<T: DeserializeOwned>(text: &str, value: &RawValue) -> Result<T, Blemish> {
    serde_json::from_str(value.get()).map_err(|error| Blemish { offset: offset_in(text, value), reason: told(&error, text) })
}

fn told(error: &serde_json::Error, text: &str) -> String {
    if text.bytes().take(1024).any(|b| b == 0) {
        return "this is a binary file, not JSON".to_owned();
    }
    if text.contains("\n<<<<<<< ") {
        return "it has merge conflict marks: resolve the conflict".to_owned();
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let message: String = message.chars().take(200).collect();
    if error.is_eof() {
        format!("the file ends in the middle ({message}): it is cut off")
    } else {
        format!("it is not valid here: {message}")
    }
}
