//! The walls of the house: which room may know which, and which crate lives in which file.

use std::fs;
use std::path::Path;

/// Room, and the rooms of this crate that it may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("version", &["version", "model"]),
    ("acquire", &["acquire", "model", "facts"]),
    ("identify", &["identify", "model", "facts", "mirror"]),
    ("matching", &["matching", "model", "facts", "version"]),
    ("amend", &["amend", "decide", "model", "diag"]),
    ("harden", &["harden", "model", "facts"]),
    ("decide", &["decide", "model", "version", "diag", "facts"]),
    ("report", &["report", "model"]),
    ("mirror", &["mirror", "model", "facts"]),
    ("sync", &["sync", "model", "version", "facts", "mirror"]),
];

/// Crate, and the only places that may name it.
const CRATES: &[(&str, &[&str])] = &[
    ("reqwest::", &["src/sync/https.rs"]),
    ("minisign_verify::", &["src/mirror/signature.rs"]),
    ("tantivy::", &["src/mirror/index.rs"]),
    ("rusqlite::", &["src/mirror/", "src/acquire/rpm/"]),
    ("clap::", &["src/cli.rs", "src/cli/"]),
    ("minijinja::", &["src/report/html.rs"]),
    (
        "flate2::",
        &[
            "src/acquire/image/",
            "src/acquire/readers/auditable.rs",
            "src/sync/feed.rs",
            "src/sync/epss.rs",
            "src/sync/overrides.rs",
            "src/sync/cpe_dictionary.rs",
        ],
    ),
    ("zip::", &["src/sync/osv_export.rs"]),
    ("tar::", &["src/acquire/image/", "src/sync/overrides.rs", "src/sync/cpe_dictionary.rs", "src/mirror/transfer.rs"]),
    ("zstd::", &["src/acquire/image/", "src/mirror/transfer.rs"]),
    ("serde_saphyr", &["src/acquire/yaml.rs", "src/amend/import/yaml.rs"]),
    ("toml_edit", &["src/amend/edit.rs"]),
    ("quick_xml", &["src/amend/import/dependency_check.rs"]),
];

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push((path.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all() -> Vec<(String, String)> {
    let mut out = Vec::new();
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    sources(Path::new("src"), &mut out);
    assert!(out.len() > 40);
    out
}

#[test]
fn rooms_know_only_what_they_may() {
    for (path, text) in all() {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| path.starts_with(&format!("src/{room}/"))) else { continue };
        for part in text.split("crate::").skip(1) {
            let room: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(allowed.contains(&room.as_str()), "{path} names {room}");
        }
    }
}

#[test]
fn crates_live_where_they_belong() {
    for (path, text) in all() {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (name, places) in CRATES {
            assert!(!code.contains(name) || places.iter().any(|place| path.starts_with(place)), "{path} uses {name}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    for (path, text) in all() {
        assert!(text.starts_with("//!"), "{path} does not open with what it is");
        let body = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(body <= 400, "{path} has {body} lines");
    }
}
