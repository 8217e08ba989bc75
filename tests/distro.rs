//! Distribution packages: what their own distribution says, per vulnerability and per release.

use crate::rootfs::put;
use crate::sources::zip_of;
use crate::{arg, run};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// An advisory of one package: its events, and what else is said of it.
fn row(id: &str, upstream: &str, ecosystem: &str, name: &str, fixed: Option<&str>, specific: Value) -> (String, String) {
    let mut events = vec![json!({"introduced": "0"})];
    events.extend(fixed.map(|fixed| json!({"fixed": fixed})));
    let affected = json!([{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}], "ecosystem_specific": specific}]);
    let advisory =
        json!({"id": id, "modified": "2026-01-01T00:00:00Z", "upstream": [upstream], "summary": "A flaw.", "affected": affected});
    (format!("{id}.json"), advisory.to_string())
}

/// A mirror of one ecosystem's rows and one record of the NVD.
fn mirror(ecosystem: &str, rows: &[(String, String)]) -> TempDir {
    let (feeds, osv, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let record = crate::sync::record("CVE-2020-0003", "2025-01-01T00:00:00.000", "9.9.9").replace("thing_project:thing", "acme:sample");
    crate::sync::write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &[record.replace(":node.js:", ":*:")]);
    fs::create_dir(osv.path().join(ecosystem)).unwrap();
    let entries: Vec<(&str, String)> = rows.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    fs::write(osv.path().join(ecosystem).join("all.zip"), zip_of(&entries)).unwrap();
    let to = ["--nvd", arg(feeds.path()), "--osv", arg(osv.path()), "--db", arg(mirror.path()), "--today", "2026-01-02"];
    let (code, out, err) = run(&[&["sync", "--source", &format!("nvd,osv:{ecosystem}")], &to[..]].concat());
    assert!(code == 0, "{out}{err}");
    mirror
}

fn check(root: &TempDir, mirror: &TempDir, today: &str) -> Value {
    let subject = format!("rootfs:{}", arg(root.path()));
    let (_, out, err) = run(&[&subject, "--db", arg(mirror.path()), "--today", today, "-f", "json"]);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

fn debian(status: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "etc/os-release", "ID=debian\nVERSION_ID=\"11\"\n");
    put(root.path(), "var/lib/dpkg/status", status);
    root
}

const STATUS: &str =
    "Package: libsample1\nStatus: install ok installed\nArchitecture: amd64\nSource: sample (2.0-1)\nVersion: 1:7.0-1+b2\n";

fn states(report: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let mut states: Vec<_> = all.map(|finding| (text(&finding["id"]), text(&finding["class"]), text(&finding["fix"]["state"]))).collect();
    states.sort();
    states
}

#[test]
fn what_a_distribution_says_of_each_vulnerability() {
    let of = |number: u8, fixed, specific| {
        row(&format!("DEBIAN-CVE-2020-000{number}"), &format!("CVE-2020-000{number}"), "Debian:11", "sample", fixed, specific)
    };
    let mirror = mirror(
        "Debian",
        &[
            of(1, Some("2.0-1+deb11u1"), json!({"urgency": "not yet assigned"})),
            of(2, None, json!({"urgency": "low"})),
            of(3, None, json!({"status": "not-affected"})),
            of(4, None, json!({"status": "ignored"})),
            of(5, None, json!({"urgency": "unimportant"})),
            of(6, Some("2.0-1"), json!({})),
            of(7, Some("0"), json!({})),
            // Of another release, and of a source that is only called like the binary package.
            row("DEBIAN-CVE-2020-0008", "CVE-2020-0008", "Debian:12", "sample", None, json!({})),
            row("DEBIAN-CVE-2020-0009", "CVE-2020-0009", "Debian:11", "libsample1", None, json!({})),
        ],
    );
    let report = check(&debian(STATUS), &mirror, "2026-01-02");
    let expected =
        [("1", "vulnerability", "fixed"), ("2", "vulnerability", "unfixed"), ("4", "vulnerability", "ignored"), ("5", "notice", "unfixed")];
    let expected: Vec<_> = expected.map(|(id, class, state)| (format!("CVE-2020-000{id}"), class.to_owned(), state.to_owned())).into();
    assert_eq!(states(&report), expected);
    assert!(report["gaps"].as_array().unwrap().is_empty(), "{}", report["gaps"]);
    // The NVD's range alone would say yes; the distribution's word is kept beside it.
    assert!(
        report["rejected"].to_string().contains("CVE-2020-0003") && report["rejected"].to_string().contains("not-affected"),
        "{report:#}"
    );
}

#[test]
fn a_release_past_its_support_and_one_without_rows_are_told_apart() {
    let mirror = mirror("Debian", &[row("DSA-1", "CVE-2020-0001", "Debian:11", "sample", Some("1.0-1"), json!({}))]);
    let two = format!("{STATUS}\nPackage: other\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
    let root = debian(&two);
    let gaps = |today: &str| {
        let report = check(&root, &mirror, today);
        report["gaps"].as_array().unwrap().iter().map(|gap| gap["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(gaps("2026-01-02").is_empty());
    let ended = gaps("2027-01-01");
    assert!(ended.len() == 1 && ended[0].starts_with("2 × the free security support of debian 11 ended on 2026-08-31"), "{ended:?}");
    put(root.path(), "etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    let missing = gaps("2026-01-02");
    assert!(missing.len() == 1 && missing[0].starts_with("2 × the mirror holds no advisories of Debian:12"), "{missing:?}");
    put(root.path(), "etc/os-release", "ID=nobodyknows\nVERSION_ID=1\n");
    assert!(gaps("2026-01-02")[0].contains("nobodyknows-1"));
}

#[test]
fn those_who_rebuild_the_same_packages_stand_in_and_it_is_said() {
    let rows = [
        row("ALSA-1", "CVE-2020-0001", "AlmaLinux:9", "sample-libs", Some("1:2.0-5.el9_2"), json!({})),
        row("ALSA-2", "CVE-2020-0002", "AlmaLinux:9", "sample-libs", Some("2.0-9.el9"), json!({})),
        row("ALSA-3", "CVE-2020-0004", "AlmaLinux:9", "sample", None, json!({})),
        row("ALBA-4", "", "AlmaLinux:9", "sample-libs", Some("1:9-1"), json!({})),
    ];
    let mirror = mirror("AlmaLinux", &rows);
    let list = |distro: &str| {
        let folder = tempfile::tempdir().unwrap();
        let purl =
            format!("pkg:rpm/{distro}/sample-libs@2.0-5.el9?arch=x86_64&epoch=1&distro={distro}-9.4&upstream=sample-2.0-5.el9.src.rpm");
        let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "sample-libs", "version": "1:2.0-5.el9", "purl": purl}]});
        put(folder.path(), "bom.cdx.json", &bom.to_string());
        let file = folder.path().join("bom.cdx.json");
        let (_, out, err) = run(&[arg(&file), "--db", arg(mirror.path()), "--today", "2026-01-02", "-f", "json"]);
        serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    };
    for distro in ["almalinux", "rhel", "rocky", "ol"] {
        let report = list(distro);
        // The NVD's one record is a doubt here, without a state.
        let ids: Vec<String> =
            states(&report).into_iter().filter(|(_, class, state)| state != "-" && class == "vulnerability").map(|(id, ..)| id).collect();
        // The epoch decides the second; the third is of the source's name, which these advisories do not use.
        assert_eq!(ids, ["CVE-2020-0001"], "{distro}: {report:#}");
        assert!(
            states(&report).contains(&("ALBA-4".to_owned(), "notice".to_owned(), "fixed".to_owned())),
            "mended bugs are no vulnerability"
        );
        let said = report["warnings"].to_string();
        assert_eq!(said.contains("AlmaLinux:9 stand in"), distro != "almalinux", "{distro}: {said}");
    }
    let stream = list("centos");
    assert!(states(&stream).iter().all(|(.., state)| state == "-") && stream["gaps"].to_string().contains("centos-9"), "{stream:#}");
}

#[test]
fn streams_of_a_module_have_fixes_of_their_own() {
    let stream = |id: &str, stream: &str, fixed: &str| {
        let (name, text) = row(id, "CVE-2020-0001", "AlmaLinux:8", "npm", Some(fixed), json!({}));
        (name, text.replace("A flaw.", &format!("Important: nodejs:{stream} security update")))
    };
    let rows = [stream("ALSA-18", "18", "9.8-1.18.2.module_el8.8.0+3652"), stream("ALSA-20", "20", "9.8-1.20.8.module_el8.9.0+3700")];
    let mirror = mirror("AlmaLinux", &rows);
    let list = |version: &str| {
        let (_, out, _) = run(&[
            &format!("pkg:rpm/almalinux/npm@{version}?distro=almalinux-8.9"),
            "--db",
            arg(mirror.path()),
            "--today",
            "2026-01-02",
            "-f",
            "json",
        ]);
        let report: Value = serde_json::from_str(&out).unwrap();
        let truths = report["findings"].as_array().unwrap().iter().map(|finding| finding["truth"].as_str().unwrap().to_owned());
        truths.collect::<Vec<_>>().join(" ")
    };
    // Before both, the fix of one stream and of the other, and a build that no advisory lists.
    assert_eq!(list("9.6-1.16.1.module_el8.7.0%2B1"), "yes");
    assert_eq!(list("9.8-1.18.2.module_el8.8.0%2B3652"), "");
    assert_eq!(list("9.8-1.20.8.module_el8.9.0%2B3700"), "");
    assert_eq!(list("9.8-1.18.9.module_el8.8.0%2B4000"), "unknown");
}
