//! Adds rules to a policy file and takes rules out of it; everything else stays as it was written.

use crate::decide::propose::Proposal;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// A rule to be written: its keys in order.
#[derive(Debug, Clone, Default)]
pub struct Lines(Vec<(&'static str, Item)>);

impl Lines {
    /// What a proposal says.
    #[must_use]
    pub fn of(proposal: &Proposal) -> Self {
        Self::default()
            .text(proposal.key, Some(&proposal.pattern))
            .text("vendor", proposal.vendor.as_deref())
            .text("registry", proposal.registry.as_deref())
            .texts("integrity", &proposal.integrity)
            .truth("install-script", proposal.install_script)
    }

    /// With a text, if there is one.
    #[must_use]
    pub fn text(mut self, key: &'static str, text: Option<&str>) -> Self {
        self.0.extend(text.map(|text| (key, value(text))));
        self
    }

    /// With one text, or a list of several.
    #[must_use]
    pub fn texts(mut self, key: &'static str, texts: &[String]) -> Self {
        match texts {
            [] => {}
            [one] => self.0.push((key, value(one))),
            many => self.0.push((key, value(many.iter().map(String::as_str).collect::<Array>()))),
        }
        self
    }

    /// With a list of texts.
    #[must_use]
    pub fn list(mut self, key: &'static str, texts: &[String]) -> Self {
        self.0.push((key, value(texts.iter().map(String::as_str).collect::<Array>())));
        self
    }

    /// With what another has.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// With `true`, if it is.
    #[must_use]
    pub fn truth(mut self, key: &'static str, is_so: bool) -> Self {
        self.0.extend(is_so.then(|| (key, value(true))));
        self
    }
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse::<DocumentMut>().map_err(|error| error.to_string())
}

/// Adds rules after the last one of their table: `allow`, `deny`, `suppress`, `identity`.
///
/// # Errors
/// When the text is no TOML, or writes the table as something else.
pub fn add(text: &str, table: &str, rules: &[Lines]) -> Result<String, String> {
    let mut document = parse(text)?;
    // What follows the last table is the end of the file: rules go behind comments that stand alone.
    if document.is_empty() && !text.trim().is_empty() {
        return Ok(format!("{}\n\n{}", text.trim_end(), add("", table, rules)?));
    }
    // New tables go behind everything, unless others of their kind say where.
    let after = document.get(table).and_then(Item::as_array_of_tables).and_then(|tables| tables.iter().filter_map(Table::position).max());
    let entry = document.entry(table).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = entry.as_array_of_tables_mut().ok_or_else(|| format!("`{}` is not written as [[{}]] tables", table, table))?;
    for Lines(fields) in rules {
        let mut rule = Table::new();
        for (key, item) in fields {
            rule.insert(key, item.clone());
        }
        rule.decor_mut().set_prefix("\n");
        rule.set_position(after);
        tables.push(rule);
    }
    let out = document.to_string();
    Ok(if text.trim().is_empty() { out.trim_start().to_owned() } else { out })
}

/// Takes the rules out that stand at the given places of a table. A comment right above a rule goes with it; one that an
/// empty line parts from it stays.
///
/// # Errors
/// When the text is no TOML.
pub fn remove(text: &str, table: &str, places: &[usize]) -> Result<String, String> {
    let mut document = parse(text)?;
    let mut left_over = String::new();
    if let Some(tables) = document.get_mut(table).and_then(Item::as_array_of_tables_mut) {
        let mut kept = ArrayOfTables::new();
        for (place, table) in tables.iter().enumerate() {
            let prefix = table.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            if places.contains(&place) {
                let standing_apart = prefix.rfind("\n\n").map_or("", |at| &prefix[..=at]);
                if standing_apart.contains('#') {
                    left_over.push_str(standing_apart);
                }
                continue;
            }
            let mut table = table.clone();
            if !left_over.is_empty() {
                let prefix = format!("{left_over}{prefix}");
                table.decor_mut().set_prefix(prefix);
                left_over.clear();
            }
            kept.push(table);
        }
        *tables = kept;
        if tables.is_empty() {
            document.remove(table);
        }
    }
    if !left_over.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{left_over}{trailing}"));
    }
    Ok(document.to_string())
}

/// Sets a key of a section, if it is not there.
///
/// # Errors
/// When the text is no TOML, or the section is no table.
pub fn set_missing(text: &str, section: &str, fields: &[(&str, &str)]) -> Result<String, String> {
    let mut document = parse(text)?;
    let entry = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
    let table = entry.as_table_mut().ok_or_else(|| format!("`{section}` is not written as a [{section}] table"))?;
    for (key, text) in fields {
        if !table.contains_key(key) {
            table.insert(key, value(*text));
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n[whitelist]\nmode = 'allow-only' # strict\n\n# --- web ---\n\n# the server\n[[allow]]\npurl = \"pkg:npm/a@1\"\n\n\
                        [[allow]]\npurl    = \"pkg:npm/b@1\"   # aligned\n\n[[deny]]\npurl = \"pkg:npm/c\"\nreason = \"x\"\n";

    #[test]
    fn adding_changes_nothing_else() {
        let rule = Lines::default().text("purl", Some("pkg:npm/d@1")).text("reason", Some("say \"why\""));
        let out = add(TEXT, "allow", std::slice::from_ref(&rule)).unwrap();
        let added = "\n[[allow]]\npurl = \"pkg:npm/d@1\"\nreason = 'say \"why\"'\n";
        assert_eq!(out.replacen(added, "", 1), TEXT, "{out}");
        assert!(out.find(added).unwrap() < out.find("[[deny]]").unwrap(), "{out}");
        assert_eq!(add("", "allow", &[rule]).unwrap(), added.trim_start());
        assert!(add("allow = 1\n", "allow", &[Lines::default()]).is_err());
    }

    #[test]
    fn removing_takes_the_rule_and_its_comment() {
        let out = remove(TEXT, "allow", &[0]).unwrap();
        assert_eq!(out, TEXT.replace("# the server\n[[allow]]\npurl = \"pkg:npm/a@1\"\n\n", ""), "{out}");
        let out = remove(TEXT, "allow", &[0, 1]).unwrap();
        assert!(out.contains("# --- web ---") && out.contains("[[deny]]") && !out.contains("[[allow]]"), "{out}");
    }
}
