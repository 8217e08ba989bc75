//! yarn.lock of yarn 1 ("lockfile v1"): blocks of patterns, each with what they resolved to. The later yarns
//! write YAML under the same name, which `yarn_berry` reads.
//!
//! The file names neither the project nor its members: package.json beside it does. It is cut off exactly when
//! some package asks for a pattern that no block has.

use super::npm::{self, Entry};
use super::yarn_berry;
use crate::acquire::graph::Edge;
use crate::acquire::{Blemish, Reading, Source};
use crate::model::package::Scope;
use std::collections::{BTreeMap, BTreeSet};

/// One block of the file.
#[derive(Debug, Default)]
struct Block {
    offset: usize,
    patterns: Vec<String>,
    version: String,
    resolved: String,
    integrity: String,
    asks: Vec<(String, String, Scope)>,
}

/// Reads a lockfile of any yarn.
///
/// # Errors
/// When a line fits the format nowhere, or the file is of a version that is not known.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    if source.text.lines().any(|line| line.starts_with("__metadata:")) {
        return yarn_berry::read(source);
    }
    if let Some(version) =
        source.text.lines().find_map(|line| line.strip_prefix("# yarn lockfile v")).filter(|version| version.trim() != "1")
    {
        return Err(Blemish::at(0, format!("lockfile version {} is not known; 1 is", version.trim())));
    }
    let blocks = blocks(source.text)?;
    let mut reading = Reading::default();
    let mut by_pattern: BTreeMap<&str, usize> = BTreeMap::new();
    let mut packages = Vec::new();
    for block in &blocks {
        let at = add(block, &mut reading);
        for pattern in &block.patterns {
            if let Some(at) = at
                && by_pattern.insert(pattern, at).is_some()
            {
                reading.blemish(block.offset, format!("`{pattern}` stands here twice: lock again"));
            }
        }
        packages.push(at);
    }
    let projects = npm::projects(source);
    let members: BTreeSet<&str> = projects.iter().map(|project| project.name.as_str()).collect();
    for (block, from) in blocks.iter().zip(&packages) {
        for (name, range, scope) in &block.asks {
            match (from, by_pattern.get(format!("{name}@{range}").as_str())) {
                (Some(from), Some(to)) => reading.graph.add(*from, Edge { to: *to, scope: *scope }),
                (_, None) if !members.contains(name.as_str()) => {
                    reading.blemish(
                        block.offset,
                        format!("it asks for `{name}@{range}`, which this file does not hold: it is cut off or was edited, lock again"),
                    );
                }
                _ => {}
            }
        }
    }
    // `resolutions` rewrite what was asked for, so the name alone must do where the pattern is unknown.
    let find = |name: &str, range: &str| match by_pattern.get(format!("{name}@{range}").as_str()) {
        Some(at) => vec![*at],
        None => by_pattern
            .range(format!("{name}@").as_str()..)
            .take_while(|(pattern, _)| npm::split_name(pattern).is_some_and(|(own, _)| own == name))
            .map(|(_, at)| *at)
            .collect(),
    };
    npm::add_roots(&mut reading, &projects, &find);
    reading.settle_scopes();
    Ok(reading)
}

fn add(block: &Block, reading: &mut Reading) -> Option<usize> {
    let Some((name, range)) = block.patterns.first().and_then(|pattern| npm::split_name(pattern)) else {
        reading.blemish(block.offset, "it names no package and range here");
        return None;
    };
    let (name, range) = npm::real_name(name, range);
    let local = ["file:", "link:", "./", "../"].iter().any(|start| range.starts_with(start));
    let entry = Entry {
        name: name.to_owned(),
        version: block.version.clone(),
        resolved: if block.resolved.is_empty() && local { range.to_owned() } else { block.resolved.clone() },
        integrity: block.integrity.clone(),
        ..Entry::default()
    };
    npm::add(reading, entry, block.offset)
}

fn blocks(text: &str) -> Result<Vec<Block>, Blemish> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut list: Option<Scope> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let offset = at;
        at += line.len();
        let line = line.trim_end();
        let bare = line.trim_start();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let wrong = || Blemish::at(offset, "this line is not of the yarn lockfile format");
        let depth = line.len() - bare.len();
        if depth == 0 {
            let patterns = bare.strip_suffix(':').ok_or_else(wrong)?;
            let patterns = words(patterns).ok_or_else(wrong)?;
            blocks.push(Block { offset, patterns, ..Block::default() });
            list = None;
            continue;
        }
        let block = blocks.last_mut().ok_or_else(wrong)?;
        if depth >= 4 {
            let scope = list.ok_or_else(wrong)?;
            let [name, range] = <[String; 2]>::try_from(words(bare).ok_or_else(wrong)?).map_err(|_| wrong())?;
            block.asks.push((name, range, scope));
            continue;
        }
        match bare {
            "dependencies:" => list = Some(Scope::Production),
            "optionalDependencies:" => list = Some(Scope::Optional),
            // Lists that other versions added; their entries are read and lead nowhere.
            _ if bare.ends_with(':') => list = Some(Scope::Optional),
            _ => {
                let [key, value] = <[String; 2]>::try_from(words(bare).ok_or_else(wrong)?).map_err(|_| wrong())?;
                match key.as_str() {
                    "version" => block.version = value,
                    "resolved" => block.resolved = value,
                    "integrity" => block.integrity = value,
                    _ => {}
                }
            }
        }
    }
    Ok(blocks)
}

/// Words separated by blanks or commas, quoted as in JSON where they hold more than plain characters. Nothing
/// where a quote does not end.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let word = stream.next()?.ok()?;
            (word, &rest[stream.byte_offset()..])
        } else {
            let end = rest.find([',', ' ']).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        words.push(word);
        rest = after.trim_start_matches([',', ' ']);
    }
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};
    use crate::model::package::Origin;

    const LOCK: &str = "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\n\
        \"@s/a@1.0.0\", \"@s/a@^1.0.0\":\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/@s/a/-/a-1.0.0.tgz#abc\"\n  integrity sha512-x\n  dependencies:\n    b \"^2.0.0\"\n\n\
        b@^2.0.0:\n  version \"2.1.0\"\n  optionalDependencies:\n    \"old\" \"npm:real@3\"\n\n\
        \"local@file:./local\":\n  version \"0.1.0\"\n\n\
        \"old@npm:real@3\":\n  version \"3.0.0\"\n  resolved \"https://registry.yarnpkg.com/real/-/real-3.0.0.tgz\"\n\n\
        dev@1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    b \"^2.0.0\"\n";

    #[test]
    fn blocks_aliases_and_folders() {
        let reading = read_text(read, "yarn.lock", LOCK).unwrap();
        assert_eq!(
            names(&reading),
            ["pkg:npm/%40s/a@1.0.0", "pkg:npm/b@2.1.0", "pkg:npm/local@0.1.0", "pkg:npm/real@3.0.0", "pkg:npm/dev@1.0.0"]
        );
        assert!(matches!(reading.found[2].origin, Origin::Path(_)) && reading.blemishes.is_empty(), "{:?}", reading.blemishes);
        assert!(LOCK[reading.found[1].offset..].starts_with("b@^2.0.0"));
        assert!(reading.graph.directs().is_none() && reading.found.iter().all(|found| found.scope == Scope::Production));
    }

    #[test]
    fn manifests_of_a_workspace_give_roots_and_scopes() {
        let neighbours = [
            ("package.json", r#"{"name":"top","workspaces":["packages/*"],"devDependencies":{"dev":"1.0.0"}}"#),
            ("packages/m/package.json", r#"{"name":"m","dependencies":{"@s/a":"1.9.9"}}"#),
        ];
        let reading = read_with(read, "yarn.lock", LOCK, &neighbours).unwrap();
        assert_eq!(paths(&reading)[3], "m @s/a@1.0.0 b@2.1.0 real@3.0.0");
        assert_eq!(
            (reading.found[4].scope, reading.found[1].scope, reading.found[3].scope),
            (Scope::Development, Scope::Production, Scope::Optional)
        );
    }

    #[test]
    fn a_cut_or_foreign_file_is_told() {
        let cut = &LOCK[..LOCK.find("b@^2.0.0:").unwrap()];
        assert!(read_text(read, "yarn.lock", cut).unwrap().blemishes[0].reason.contains("b@^2.0.0"));
        for bad in ["# yarn lockfile v2\n", "a@1:\n  version \"1\n", "a@1\n", "  version \"1\"\n", "a@1:\n    b \"1\"\n"] {
            assert!(read_text(read, "yarn.lock", bad).is_err(), "{bad}");
        }
    }
}
