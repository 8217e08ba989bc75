//! Root filesystems: what is installed in them, and that no link leads out.

use crate::{arg, run};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

pub fn put(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn check(root: &Path) -> (i32, serde_json::Value) {
    let subject = format!("rootfs:{}", arg(root));
    let (code, out, err) = run(&[&subject, "--db", "starter", "--today", "2026-01-02", "-f", "json"]);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

fn purls(report: &serde_json::Value) -> Vec<String> {
    report["packages"].as_array().unwrap().iter().map(|package| package["purl"].as_str().unwrap().to_owned()).collect()
}

const STATUS: &str = "Package: python3-yaml\nStatus: install ok installed\nArchitecture: amd64\nSource: pyyaml\nVersion: 6.0-3+b2\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n";

#[test]
fn what_is_installed_is_found_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    fs::create_dir_all(root.join("etc")).unwrap();
    symlink("/usr/lib/os-release", root.join("etc/os-release")).unwrap();
    put(root, "var/lib/dpkg/status", STATUS);
    put(root, "var/lib/dpkg/info/python3-yaml.list", "/usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA\n");
    put(root, "usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA", "Name: PyYAML\nVersion: 6.0\n");
    put(root, "opt/venv/lib/python3.11/site-packages/jinja2-2.4.dist-info/METADATA", "Name: Jinja2\nVersion: 2.4\n");
    put(root, "app/node_modules/lodash/package.json", r#"{"name":"lodash","version":"4.17.4"}"#);
    put(root, "app/package-lock.json", "{}");
    // A list that a removed package left behind owns nothing.
    put(root, "var/lib/dpkg/info/gone.list", "/app/node_modules/lodash/package.json\n");
    put(root, "proc/1/root/app/node_modules/ghost/package.json", r#"{"name":"ghost","version":"1.0.0"}"#);
    let (code, report) = check(root);
    assert_eq!(
        purls(&report),
        [
            "pkg:deb/debian/python3-yaml@6.0-3%2Bb2?arch=amd64&distro=debian-12&upstream=pyyaml%406.0-3%2Bb2",
            "pkg:npm/lodash@4.17.4",
            "pkg:pypi/jinja2@2.4"
        ]
    );
    assert_eq!(report["subjects"][0]["distro"], "debian:12");
    assert!(code == 1 && report["findings"].as_array().unwrap().iter().any(|finding| finding["package"]["name"] == "lodash"));
    let coverage = report["coverage"].to_string();
    assert!(coverage.contains("it came with python3-yaml") && coverage.contains("what is installed counts"), "{coverage}");
}

#[test]
fn no_link_leads_out_of_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    let root = folder.path().join("root");
    put(&outside, "os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    put(&outside, "node_modules/ghost/package.json", r#"{"name":"ghost","version":"1.0.0"}"#);
    put(&root, "app/node_modules/here/package.json", r#"{"name":"here","version":"1.0.0"}"#);
    fs::create_dir_all(root.join("etc")).unwrap();
    symlink(outside.join("os-release"), root.join("etc/os-release")).unwrap();
    symlink("../../../outside/os-release", root.join("etc/loop")).unwrap();
    symlink(outside.join("node_modules"), root.join("node_modules")).unwrap();
    let (_, report) = check(&root);
    assert_eq!(purls(&report), ["pkg:npm/here@1.0.0"]);
    assert!(report["subjects"][0]["distro"].is_null());
}

#[test]
fn what_cannot_be_read_is_a_gap_and_nothing_is_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "etc/hostname", "empty");
    assert_eq!(check(root).0, 3);
    put(root, "usr/lib/os-release", "ID=fedora\nVERSION_ID=41\n");
    let (code, report) = check(root);
    assert!(code != 0 && report["gaps"].to_string().contains("this is a root of fedora:41, and none of the databases"), "{report}");
    put(root, "etc/os-release", "ID=almalinux\nVERSION_ID=9.4\n");
    put(root, "var/lib/rpm/rpmdb.sqlite", "no database");
    put(root, "app/node_modules/bad/package.json", "{");
    let (code, report) = check(root);
    let gaps = report["gaps"].to_string();
    assert!(code != 0 && gaps.contains("none of rpm's forms") && gaps.contains("node_modules/bad/package.json"), "{code} {gaps}");
    symlink("os-release", root.join("etc/self")).unwrap();
    fs::remove_file(root.join("etc/os-release")).unwrap();
    symlink("self", root.join("etc/os-release")).unwrap();
    assert!(check(root).1["gaps"].to_string().contains("circle"));
}
