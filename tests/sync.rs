//! The mirror from outside: real tiny feeds in a folder and over loopback HTTP, deltas, damage, crashes.

use crate::{arg, run};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

pub fn record(id: &str, modified: &str, end: &str) -> String {
    format!(
        r#"{{"cve":{{"id":"{id}","lastModified":"{modified}","published":"{modified}","vulnStatus":"Analyzed","descriptions":[{{"lang":"en","value":"A flaw in the npm package thing."}}],
        "metrics":{{"cvssMetricV31":[{{"source":"nvd@nist.gov","type":"Primary","cvssData":{{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}}}}]}},
        "configurations":[{{"nodes":[{{"operator":"OR","negate":false,"cpeMatch":[{{"vulnerable":true,"criteria":"cpe:2.3:a:thing_project:thing:*:*:*:*:*:node.js:*:*","versionEndExcluding":"{end}"}}]}}]}}]}}}}"#
    )
}

pub fn write_feed(folder: &Path, name: &str, time: &str, records: &[String]) {
    let text = format!(r#"{{"format":"NVD_CVE","vulnerabilities":[{}]}}"#, records.join(","));
    let digest: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect();
    fs::write(folder.join(format!("nvdcve-2.0-{name}.json.gz")), &text).unwrap();
    fs::write(folder.join(format!("nvdcve-2.0-{name}.meta")), format!("lastModifiedDate:{time}\r\nsha256:{digest}\r\n")).unwrap();
}

struct Scene {
    feeds: TempDir,
    mirror: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { feeds: TempDir::new().unwrap(), mirror: TempDir::new().unwrap() };
        write_feed(scene.feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &[record("CVE-2020-0001", "2025-01-01T00:00:00.000", "2.0.0")]);
        scene
    }

    fn sync(&self, more: &[&str]) -> (i32, String, String) {
        let base = [
            "sync",
            "--source",
            "nvd",
            "--nvd",
            arg(self.feeds.path()),
            "--db",
            arg(self.mirror.path()),
            "--years",
            "2020-2021",
            "--today",
            "2026-01-02",
        ];
        run(&[&base[..], more].concat())
    }

    fn check(&self, version: &str) -> (i32, String, String) {
        run(&[&format!("pkg:npm/thing@{version}"), "--db", arg(self.mirror.path()), "--today", "2026-01-02"])
    }
}

#[test]
fn feeds_become_a_mirror_and_the_newer_record_wins() {
    let scene = Scene::new();
    let (code, out, err) = scene.sync(&[]);
    assert!(code == 0 && out.contains("published generation 1: 1 records"), "{out}{err}");
    assert!(out.contains("absent years: 2021"));
    assert_eq!(scene.check("2.5.0").0, 0);
    assert!(scene.sync(&[]).1.contains("nothing new"));
    let newer = [record("CVE-2020-0001", "2026-01-02T00:00:00.000", "3.0.0"), record("CVE-2020-0002", "2026-01-02T00:00:00.000", "1.0.0")];
    write_feed(scene.feeds.path(), "modified", "2026-01-02T00:00:00-00:00", &newer);
    assert!(scene.sync(&[]).1.contains("published generation 2: 2 records"));
    assert_eq!(scene.check("2.5.0").0, 1, "the newer record's range counts");
    let verified = run(&["db", "--db", arg(scene.mirror.path()), "verify"]);
    assert_eq!(verified.0, 0, "{}", verified.1);
    assert!(run(&["db", "--db", arg(scene.mirror.path()), "search", "thing"]).1.contains("thing_project:thing"));
}

#[test]
fn a_delta_gives_the_tables_of_a_full_load() {
    let scene = Scene::new();
    scene.sync(&[]);
    let newer = [record("CVE-2020-0001", "2026-01-02T00:00:00.000", "3.0.0"), record("CVE-2020-0009", "2026-01-02T00:00:00.000", "1.0.0")];
    write_feed(scene.feeds.path(), "modified", "2026-01-02T00:00:00-00:00", &newer);
    scene.sync(&[]);
    let report = |scene: &Scene| {
        let out = run(&["pkg:npm/thing@0.5.0", "--db", arg(scene.mirror.path()), "--today", "2026-01-02", "-f", "json"]).1;
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        (report["findings"].clone(), report["packages"].clone(), report["mirror"]["unconfigured"].clone())
    };
    let delta = report(&scene);
    assert_eq!(scene.sync(&["--full"]).0, 0);
    assert_eq!(delta, report(&scene));
}

#[test]
fn damaged_feeds_publish_nothing_and_lose_nothing() {
    let scene = Scene::new();
    scene.sync(&[]);
    let feed = scene.feeds.path().join("nvdcve-2.0-2020.json.gz");
    let meta = scene.feeds.path().join("nvdcve-2.0-2020.meta");
    fs::write(&feed, "{}").unwrap();
    fs::write(&meta, format!("lastModifiedDate:x\nsha256:{}\n", "0".repeat(64))).unwrap();
    let (code, out, err) = scene.sync(&[]);
    assert!(code == 1 && out.contains("old data kept"), "{out}{err}");
    assert_eq!(scene.check("1.0.0").0, 1, "the old records still count");
    let (code, _, err) = scene.sync(&["--full"]);
    assert!(code == 2 && err.contains("nothing was published"), "{err}");
    assert_eq!(scene.check("1.0.0").0, 1);
    let (code, _, err) = run(&["sync", "--source", "nvd", "--nvd", arg(scene.mirror.path()), "--db", arg(scene.feeds.path())]);
    assert!(code == 2 && err.contains("holds no NVD feed"), "{err}");
}

#[test]
fn a_damaged_or_old_mirror_gives_no_verdict() {
    let scene = Scene::new();
    scene.sync(&[]);
    let old = run(&["pkg:npm/thing@9.0.0", "--db", arg(scene.mirror.path()), "--today", "2026-02-01", "--db-max-age", "7d"]);
    assert!(old.0 == 4 && old.2.contains("30 days"), "{}", old.2);
    let database = scene.mirror.path().join("generation/0001/mirror.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    let half = bytes.len() / 2;
    bytes[half] ^= 0xff;
    fs::write(&database, &bytes).unwrap();
    assert_eq!(run(&["db", "--db", arg(scene.mirror.path()), "verify"]).0, 4);
    fs::remove_file(&database).unwrap();
    let (code, _, err) = scene.check("1.0.0");
    assert!(code == 4 && err.contains("sync --full"), "{err}");
}

/// Serves a folder's files until the listener is dropped with the process.
fn serve(folder: std::path::PathBuf) -> String {
    serve_damaged(folder, 0)
}

/// The same, but the first answers with a feed are damaged in the middle.
fn serve_damaged(folder: std::path::PathBuf, mut damaged: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(64) {
            let mut stream = stream.unwrap();
            let mut head = [0; 2048];
            let read = stream.read(&mut head).unwrap();
            let request = String::from_utf8_lossy(&head[..read]).into_owned();
            let name = request.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let feed = name.ends_with(".gz");
            let (status, mut body) = fs::read(folder.join(name)).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            if feed && damaged > 0 && !body.is_empty() {
                damaged -= 1;
                let middle = body.len() / 2;
                body[middle] ^= 0x55;
            }
            let _ = write!(stream, "HTTP/1.1 {status}\r\nETag: \"tag\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    address
}

#[test]
fn a_feed_that_arrives_damaged_is_fetched_again() {
    let scene = Scene::new();
    let feed = scene.feeds.path().join("nvdcve-2.0-2020.json.gz");
    let text = fs::read(&feed).unwrap();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&text).unwrap();
    fs::write(&feed, zipped.finish().unwrap()).unwrap();
    let sync = |damaged| {
        let address = serve_damaged(scene.feeds.path().to_owned(), damaged);
        let to = ["--db", arg(scene.mirror.path()), "--today", "2026-01-02", "--years", "2020-2020", "--full", "--nvd", &address];
        run(&[&["sync", "--source", "nvd"], &to[..]].concat())
    };
    let (code, out, err) = sync(2);
    assert!(code == 0 && out.contains("generation 1: 1 records"), "{out}{err}");
    let (code, _, err) = sync(9);
    assert!(code == 2 && err.contains("nvdcve-2.0-2020.json.gz") && err.contains("damaged"), "{err}");
    assert_eq!(sync(0).0, 0, "nothing damaged was kept");
}

#[test]
fn an_address_must_have_every_year() {
    let scene = Scene::new();
    let address = serve(scene.feeds.path().to_owned());
    let to = ["--db", arg(scene.mirror.path()), "--today", "2026-01-02", "--nvd", &address];
    let (code, _, err) = run(&[&["sync", "--source", "nvd", "--years", "2020-2021"], &to[..]].concat());
    assert!(code == 2 && err.contains("2021"), "{err}");
    let (code, out, err) = run(&[&["sync", "--source", "nvd", "--years", "2020-2020"], &to[..]].concat());
    assert!(code == 0 && out.contains("generation 1"), "{out}{err}");
    assert_eq!(scene.check("1.0.0").0, 1);
}
