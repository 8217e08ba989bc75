//! Hostile evidence: what a record or a package says of itself or of another must neither add a certain wrong finding nor take
//! a right one away.

use crate::{arg, run};
use std::fs;
use std::path::Path;

fn synced(records: &[String]) -> tempfile::TempDir {
    let (feeds, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    crate::sync::write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", records);
    let to = ["--nvd", arg(feeds.path()), "--db", arg(mirror.path()), "--today", "2026-01-02", "--years", "2020-2020"];
    let (code, out, err) = run(&[&["sync", "--source", "nvd"], &to[..]].concat());
    assert!(code == 0, "{out}{err}");
    mirror
}

fn record(number: u32, product: &str, text: &str, link: &str) -> String {
    let text = crate::sync::record(&format!("CVE-2020-{number:04}"), "2025-01-01T00:00:00.000", "2.0.0")
        .replace("A flaw in the npm package thing.", text)
        .replace("thing_project:thing", product)
        .replace(":node.js:", ":*:");
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["cve"]["references"] = serde_json::json!([{ "url": link }]);
    record.to_string()
}

/// Id and truth of every finding of one package; `repository` is what its metadata claim.
fn findings(mirror: &Path, purl: &str, repository: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let links = serde_json::json!([{ "type": "vcs", "url": repository }]);
    let component = serde_json::json!({ "type": "library", "name": "x", "purl": purl, "externalReferences": links });
    let bom = serde_json::json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component] });
    let file = folder.path().join("bom.cdx.json");
    fs::write(&file, bom.to_string()).unwrap();
    let out = run(&[arg(&file), "--db", arg(mirror), "--today", "2026-01-02", "-f", "json"]).1;
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    report["findings"].as_array().unwrap().iter().map(|finding| (word(&finding["id"]), word(&finding["truth"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, truth)| ((*id).to_owned(), (*truth).to_owned())).collect()
}

#[test]
fn a_record_that_links_to_another_package_accuses_nobody_else() {
    let right = record(1, "thing_project:thing", "A flaw in the npm package thing.", "https://example.test/1");
    let hostile = record(2, "evil:bait", "A flaw in bait, an npm package.", "https://www.npmjs.com/package/thing");
    let mirror = synced(&[right, hostile]);
    assert_eq!(findings(mirror.path(), "pkg:npm/thing@1.0.0", ""), pairs(&[("CVE-2020-0001", "yes")]));
    assert_eq!(findings(mirror.path(), "pkg:npm/bait@1.0.0", ""), pairs(&[("CVE-2020-0002", "yes")]));
}

#[test]
fn a_package_that_claims_a_servers_repository_is_not_the_server() {
    let server = |number| record(number, "acme:thing", "A buffer overflow in the WordPress plugin thing.", "https://github.com/acme/thing");
    let mirror = synced(&[server(1), server(2)]);
    assert_eq!(findings(mirror.path(), "pkg:npm/thing@1.0.0", "https://github.com/acme/thing"), []);
    assert_eq!(findings(mirror.path(), "pkg:npm/other@1.0.0", "https://github.com/acme/thing"), []);
}

#[test]
fn metadata_settles_what_the_records_leave_open() {
    let silent = |number, vendor: &str| record(number, vendor, "A flaw.", "https://github.com/acme/thing");
    let mirror = synced(&[silent(1, "acme:thing"), silent(2, "acme:thing")]);
    let claims = |repository: &str| findings(mirror.path(), "pkg:pypi/thing@1.0.0", repository);
    assert_eq!(claims(""), pairs(&[("CVE-2020-0001", "yes"), ("CVE-2020-0002", "yes")]));
    assert_eq!(claims("git+https://github.com/acme/thing.git"), pairs(&[("CVE-2020-0001", "yes"), ("CVE-2020-0002", "yes")]));
    assert_eq!(claims("https://github.com/somebody/else"), pairs(&[("CVE-2020-0001", "unknown"), ("CVE-2020-0002", "unknown")]));
}

#[test]
fn a_package_cannot_talk_itself_out_of_its_own_records() {
    let own = |number| record(number, "acme:thing", "A flaw in the npm package thing.", "https://github.com/acme/thing");
    let mirror = synced(&[own(1), own(2)]);
    let found = findings(mirror.path(), "pkg:npm/thing@1.0.0", "https://github.com/somebody/else");
    assert_eq!(found, pairs(&[("CVE-2020-0001", "yes"), ("CVE-2020-0002", "yes")]));
}

#[test]
fn a_part_of_a_project_is_found_under_the_projects_name_in_its_own_record_alone() {
    let part = record(1, "thing_project:thing", "The thing-types crate before 2.0.0 for Rust hangs.", "https://example.test/1");
    let whole = record(2, "thing_project:thing", "The thing crate before 2.0.0 for Rust hangs.", "https://example.test/2");
    let mirror = synced(&[part, whole]);
    assert_eq!(findings(mirror.path(), "pkg:cargo/thing-types@1.0.0", ""), pairs(&[("CVE-2020-0001", "yes")]));
    assert_eq!(findings(mirror.path(), "pkg:cargo/thing-other@1.0.0", ""), []);
}

#[test]
fn a_crate_that_carries_a_c_library_has_the_librarys_vulnerabilities() {
    let library = |number| record(number, "thing:thing", "A buffer overflow in thing.c.", "https://example.test/1");
    let mirror = synced(&[library(1)]);
    assert_eq!(findings(mirror.path(), "pkg:cargo/thing-src@111.0.0%2B1.9.9", ""), pairs(&[("CVE-2020-0001", "yes")]));
    assert_eq!(findings(mirror.path(), "pkg:cargo/thing-src@111.0.0%2B2.0.0", ""), []);
    assert_eq!(findings(mirror.path(), "pkg:cargo/thing-sys@0.1.0", ""), []);
}
