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

/// JSON with comments and commas before closing brackets, made plain JSON of the same length: what is too much
/// becomes blanks, so every offset holds.
#[must_use]
pub fn strict(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut comma) = (0, None);
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                string_end(&bytes, at)
            }
            (b'/', Some(b'/')) => blank(&mut bytes, at, |rest| rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())),
            (b'/', Some(b'*')) => {
                blank(&mut bytes, at, |rest| rest.windows(2).skip(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4))
            }
            (b',', _) => {
                // A second comma is an error, which the parser is left to tell.
                comma = if comma.is_none() { Some(at) } else { None };
                at + 1
            }
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
                at + 1
            }
            (byte, _) => {
                comma = comma.filter(|_| byte.is_ascii_whitespace());
                at + 1
            }
        };
        at = end;
    }
    // Only whole comments and commas were replaced, by blanks.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn blank(bytes: &mut [u8], start: usize, length: impl Fn(&[u8]) -> usize) -> usize {
    let end = start + length(&bytes[start..]);
    bytes[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    end
}

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
    serde_json::from_str(text).map_err(|error| Blemish { offset: offset_of(text, error.line(), error.column()), reason: told(&error) })
}

/// Parses one value of a file.
///
/// # Errors
/// Where the value stands and why it does not parse.
pub fn parse_value<T: DeserializeOwned>(text: &str, value: &RawValue) -> Result<T, Blemish> {
    serde_json::from_str(value.get()).map_err(|error| Blemish { offset: offset_in(text, value), reason: told(&error) })
}

fn told(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let message: String = message.chars().take(200).collect();
    if error.is_eof() {
        format!("the file ends in the middle ({message}): it is cut off")
    } else {
        format!("it is not valid here: {message}")
    }
}
