//! The whitelists of claircli (`common`, and one section for each image) and clair-scanner (`generalwhitelist`, `images`): vulnerabilities
//! with a word on each.

use super::Imported;
use super::yaml::{self, text};
use crate::amend::edit::Lines;
use serde_json::Value;

/// Reads the file.
///
/// # Errors
/// When it is no YAML mapping.
pub fn read(file: &str) -> Result<Imported, String> {
    let document = yaml::read(file)?;
    let sections = document.as_object().ok_or("it is no mapping of images to vulnerabilities")?;
    let mut imported = Imported::default();
    for (name, value) in sections {
        match name.as_str() {
            "common" | "generalwhitelist" => section(None, name, value, &mut imported),
            "images" if value.as_object().is_some_and(|images| images.values().all(Value::is_object)) => {
                value.as_object().into_iter().flatten().for_each(|(image, value)| section(Some(image), image, value, &mut imported));
            }
            image => section(Some(image), image, value, &mut imported),
        }
    }
    Ok(imported)
}

fn section(image: Option<&str>, name: &str, value: &Value, imported: &mut Imported) {
    if image.is_some_and(|image| image.contains(['^', '$', '(', '|', '\\', '*', '+'])) {
        return imported.leave(format!("{name}: an image named by a regular expression cannot be said in a rule"));
    }
    // An image by its name, whatever registry it is from and tag it has.
    let glob = image.map(|image| format!("{{{image},{image}:*,**/{image},**/{image}:*}}"));
    let entries: Vec<(String, Option<String>)> = match value {
        Value::Object(entries) => entries.iter().map(|(id, word)| (id.clone(), text(word))).collect(),
        Value::Array(ids) => ids.iter().filter_map(text).map(|id| (id, None)).collect(),
        Value::Null => Vec::new(),
        other => return imported.leave(format!("{name}: {other} is no list of vulnerabilities")),
    };
    for (id, word) in entries {
        // claircli may say a list of packages instead of a word.
        imported.suppress(Some(&id), None, word.as_deref(), Lines::default().text("image", glob.as_deref()));
    }
}
