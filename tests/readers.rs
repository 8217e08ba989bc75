//! Every lockfile format against a file of the real tool: the inventory beside the tool's own listing, and what
//! damage does to it.

use crate::arg;
use crate::run;
use scacheck::acquire::subject::acquire;
use scacheck::acquire::table::{Known, entry_for};
use scacheck::acquire::text::{decode, reject_spoiled};
use scacheck::acquire::tree::Memory;
use scacheck::acquire::{Blemish, Reading, Selection, Source};
use scacheck::model::package::{Inventory, Origin, Scope};
use scacheck::model::purl::Ecosystem;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn lockfiles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lockfiles")
}

/// The projects, each with the lockfile of one tool.
fn projects() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(lockfiles()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn inventory(path: &Path) -> Inventory {
    acquire(arg(path), &Selection::default(), &mut std::io::empty()).unwrap()
}

/// `name version` of each package. Python's names compare in their normal form.
fn lines(inventory: &Inventory) -> BTreeSet<String> {
    let line = |package: &scacheck::model::package::Package| {
        let name = if package.ecosystem() == Ecosystem::Pypi { package.name().replace(['.', '_'], "-") } else { package.name() };
        format!("{name} {}", if package.version.is_empty() { "?" } else { &package.version })
    };
    inventory.packages.iter().map(line).collect()
}

/// Each difference from the tool's listing stands in `differences.txt` with its reason: `+` is ours only, `-` the
/// tool's only.
#[test]
fn the_inventory_is_the_tools_own_listing() {
    for project in projects() {
        let inventory = inventory(&project);
        assert!(inventory.gaps.is_empty(), "{}: {:?}", project.display(), inventory.gaps);
        let ours = lines(&inventory);
        let listing: BTreeSet<String> = fs::read_to_string(project.join("listing.txt")).unwrap().lines().map(str::to_owned).collect();
        assert!(ours.len() >= 50, "{}: {}", project.display(), ours.len());
        let only = |sign: &str, of: &BTreeSet<String>, not: &BTreeSet<String>| {
            of.difference(not).map(|line| format!("{sign} {line}")).collect::<BTreeSet<_>>()
        };
        let found: BTreeSet<String> = only("+", &ours, &listing).into_iter().chain(only("-", &listing, &ours)).collect();
        let told = fs::read_to_string(project.join("differences.txt")).unwrap_or_default();
        let told: BTreeSet<String> =
            told.lines().filter_map(|line| line.split_once("  # ")).map(|(line, _)| line.trim_end().to_owned()).collect();
        assert_eq!(found, told, "{}: left is what differs, right is what is told", project.display());
    }
}

#[test]
fn every_package_has_its_place_and_where_requests_are_known_its_path() {
    for project in projects() {
        for package in inventory(&project).packages {
            let place = &package.places[0];
            let file = fs::read_to_string(project.join(&place.location.path)).unwrap();
            let line = file.lines().nth(place.location.line.unwrap() as usize - 1).unwrap();
            let base = package.purl.base_name().to_lowercase().replace(['-', '_', '.'], "");
            let near = file.lines().skip(place.location.line.unwrap() as usize - 1).take(3).collect::<String>();
            let near = near.to_lowercase().replace(['-', '_', '.'], "");
            assert!(near.contains(&base), "{} {}: {line}", project.display(), package.purl);
            // Pipfile.lock and the pylock.toml of pip do not say who asks for whom.
            if !project.ends_with("pipenv") && !project.ends_with("pip-lock") {
                assert!(!package.paths().is_empty(), "{} {} has no path", project.display(), package.purl);
            }
        }
    }
}

/// One project was locked by every tool of the npm world; npm writes down the scope of each package, the others
/// leave it to be derived.
#[test]
fn scope_and_directness_agree_between_the_tools() {
    let of = |name: &str| -> BTreeMap<String, (Scope, Option<bool>)> {
        let packages = inventory(&lockfiles().join(name)).packages;
        packages.iter().map(|package| (package.purl.text().to_owned(), (package.scope(), package.direct()))).collect()
    };
    let npm = of("npm-11");
    for tool in ["npm-8", "yarn-1", "yarn-3", "yarn-4", "pnpm-7", "pnpm-8", "pnpm-9", "bun-1"] {
        let mut compared = 0;
        // To npm the local folder is a project of its own, to the others a package, so its request is direct to npm only.
        for (purl, other) in of(tool).iter().filter(|(purl, _)| !purl.starts_with("pkg:npm/minimist@")) {
            if let Some(own) = npm.get(purl) {
                assert_eq!(own, other, "{tool} {purl}");
                compared += 1;
            }
        }
        assert!(compared > 180, "{tool} {compared}");
    }
}

#[test]
fn packages_from_elsewhere_are_marked() {
    for (project, name, kind) in [
        ("npm-11", "tiny", "git"),
        ("yarn-1", "tiny", "git"),
        ("yarn-1", "local-tool", "path"),
        ("yarn-4", "local-tool", "path"),
        ("pnpm-9", "tiny", "git"),
        ("pnpm-9", "local-tool", "path"),
        ("bun-1", "tiny", "git"),
        ("cargo-1.95", "tinyrs", "git"),
        ("uv", "tinypy", "git"),
        ("uv", "local-lib", "path"),
        ("pipenv", "tinypy", "git"),
        ("pdm-2", "tinypy", "git"),
        ("poetry-2", "tinypy", "git"),
        ("poetry-2", "local-lib", "path"),
    ] {
        let packages = inventory(&lockfiles().join(project)).packages;
        let package = packages.iter().find(|package| package.name() == name).unwrap_or_else(|| panic!("{project} has no {name}"));
        let found = match package.origin {
            Origin::Git(_) => "git",
            Origin::Path(_) => "path",
            _ => "else",
        };
        assert_eq!(found, kind, "{project} {name}");
        // Nothing else is: the rest comes from the public registry.
        let others = packages.iter().filter(|package| package.origin != Origin::Public).count();
        assert!(others <= 2, "{project}: {others}");
    }
}

/// The lockfiles of all projects, by path.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for project in projects() {
        for entry in fs::read_dir(&project).unwrap() {
            let path = entry.unwrap().path();
            if entry_for(arg(&path)).is_some_and(|entry| matches!(entry.known, Known::Read(_))) {
                files.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    files
}

fn read(path: &Path, bytes: &[u8]) -> Result<Reading, Blemish> {
    let Some(Known::Read(reader)) = entry_for(arg(path)).map(|entry| entry.known) else { panic!("{}", path.display()) };
    let decoded = decode(bytes.to_vec());
    reject_spoiled(&decoded.text)?;
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut reading = reader(&Source { text: &decoded.text, path: name, tree: &Memory::default(), distro: None })?;
    reading.blemishes.extend(decoded.broken);
    Ok(reading)
}

fn purls(reading: &Reading) -> Vec<String> {
    reading.found.iter().map(|found| found.purl.text().to_owned()).collect()
}

/// These say nothing of what must follow, so a cut between two entries cannot be told from the end.
fn may_end_anywhere(path: &Path) -> bool {
    ["requirements.txt", "pylock.toml"].iter().any(|name| path.ends_with(name))
}

#[test]
fn a_cut_file_is_never_taken_for_a_whole_one() {
    for (path, bytes) in files() {
        let whole = purls(&read(&path, &bytes).unwrap());
        for at in 1..=50 {
            let cut = &bytes[..bytes.len() * at / 51];
            let unnoticed = read(&path, cut).is_ok_and(|reading| reading.blemishes.is_empty() && purls(&reading) != whole);
            assert!(!unnoticed || may_end_anywhere(&path), "{} cut at {} of {}", path.display(), cut.len(), bytes.len());
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut state = 1_u64;
    for (path, bytes) in files() {
        for _ in 0..30 {
            let mut damaged = bytes.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).unwrap() % damaged.len();
                damaged[at] ^= 1 << (state % 8);
            }
            if let Ok(reading) = read(&path, &damaged) {
                assert_eq!(reading.graph.paths(&reading.found).len(), reading.found.len());
            }
        }
    }
}

#[test]
fn byte_order_marks_line_ends_and_encodings_change_nothing() {
    for (path, bytes) in files() {
        let whole = read(&path, &bytes).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for (what, other) in
            [("BOM", [b"\xef\xbb\xbf", bytes.as_slice()].concat()), ("CRLF", text.replace('\n', "\r\n").into_bytes()), ("UTF-16", wide)]
        {
            let reading = read(&path, &other).unwrap_or_else(|error| panic!("{} {what}: {error:?}", path.display()));
            assert_eq!(purls(&reading), purls(&whole), "{} {what}", path.display());
            assert_eq!(reading.blemishes, whole.blemishes, "{} {what}", path.display());
        }
    }
}

#[test]
fn an_unfinished_merge_is_told_with_its_line() {
    for (path, bytes) in files() {
        let text = String::from_utf8(bytes).unwrap();
        let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
        let merged = format!("{}<<<<<<< HEAD\n=======\n>>>>>>> main\n{}", &text[..half], &text[half..]);
        let error = read(&path, merged.as_bytes()).unwrap_err();
        assert!(error.offset == half && error.reason.contains("conflict"), "{}: {error:?}", path.display());
    }
}

#[test]
fn deep_nesting_and_endless_lines_neither_panic_nor_hang() {
    for name in [
        "package-lock.json",
        "bun.lock",
        "Pipfile.lock",
        "a.cdx.json",
        "a.spdx.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "Cargo.lock",
        "uv.lock",
        "requirements.txt",
    ] {
        for open in ["{\"a\":", "[", "a = [", "- ", "a: {", "((", "__metadata:\n  a: ["] {
            let text = open.repeat(1_000_000 / open.len());
            let _ = read(Path::new(name), text.as_bytes());
        }
        let _ = read(Path::new(name), "x".repeat(4_000_000).as_bytes());
        let _ = read(Path::new(name), format!("a==1 \\\n{}", " \\\n".repeat(1_000_000)).as_bytes());
    }
}

#[test]
fn a_java_build_with_one_lockfile_is_not_clean() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("web")).unwrap();
    fs::write(folder.path().join("pom.xml"), "<project/>").unwrap();
    fs::write(folder.path().join("web/package-lock.json"), r#"{"lockfileVersion":3,"packages":{"node_modules/ms":{"version":"2.1.3"}}}"#)
        .unwrap();
    let (code, text, _) = run(&[arg(folder.path()), "--db", "starter", "--today", "2026-01-02"]);
    assert!(code == 0 && text.contains("Known, but not looked at (1)\n  pom.xml") && text.contains("leaves out pom.xml"), "{code} {text}");
    let (code, text, _) = run(&[arg(folder.path()), "--db", "starter", "--today", "2026-01-02", "--strict"]);
    assert!(code == 5 && text.contains("pom.xml"), "{code} {text}");
}

#[test]
fn selections_leave_out_what_they_name() {
    let path = lockfiles().join("npm-11");
    let all = inventory(&path).packages.len();
    let of = |selection: Selection| acquire(arg(&path), &selection, &mut std::io::empty()).unwrap().packages;
    let omitted = of(Selection { omit: vec![Scope::Development, Scope::Optional], ..Selection::default() });
    assert!(omitted.len() > 50 && omitted.len() < all && omitted.iter().all(|package| package.scope() == Scope::Production));
    assert!(of(Selection { ecosystems: vec!["cargo".into()], ..Selection::default() }).is_empty());
    assert!(of(Selection { exclude: vec!["package-lock.json".into()], ..Selection::default() }).is_empty());
}

#[test]
fn listings_come_in_on_standard_input() {
    for (text, arguments, purl) in [
        ("Package Version\n------- -------\nidna    3.7\n", &[][..], "pkg:pypi/idna@3.7"),
        ("idna==3.7\nrequests==2.32.3\n", &[], "pkg:pypi/idna@3.7"),
        ("bash-5.1.8-6.el9.x86_64\n", &["--distro", "almalinux:9"], "pkg:rpm/almalinux/bash@5.1.8-6.el9?arch=x86_64&distro=almalinux-9"),
        (
            "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"SPDXID\":\"a\",\"externalRefs\":[{\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:npm/ms@2.1.3\"}]}]}",
            &[],
            "pkg:npm/ms@2.1.3",
        ),
    ] {
        let output = crate::scacheck()
            .args(["--db", "starter", "--today", "2026-01-02", "-f", "json", "-"])
            .args(arguments)
            .write_stdin(text)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["packages"][0]["purl"], purl);
    }
}
