//! TOML lockfiles: one way to parse them, with the place of an error.

use super::Blemish;
use serde::de::DeserializeOwned;

/// Parses a whole file. TOML itself refuses a key or table that stands twice.
///
/// # Errors
/// Where and why it does not parse.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Blemish> {
    toml::from_str(text).map_err(|error| {
        let message: String = error.message().lines().next().unwrap_or_default().chars().take(200).collect();
        Blemish::at(error.span().map_or(0, |span| span.start), format!("it is not valid here: {message}"))
    })
}
