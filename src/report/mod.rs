//! Report in, bytes out: one file per format. Nothing is looked up, decided or sorted here.

pub mod explain;
pub mod html;
pub mod json;
pub mod openvex;
pub mod text;
pub mod whitelist;

/// Characters that could steer a terminal or turn text around are shown as their escape.
#[must_use]
pub fn tame(text: &str) -> String {
    let steers = |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(steers) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if steers(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}
