//! The sources beside the NVD from outside: real small files in a folder and over loopback HTTP.

use crate::{arg, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const TODAY: &str = "2026-01-02";

pub fn advisory(id: &str, aliases: &str, ecosystem: &str, name: &str, fixed: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","aliases":[{aliases}],"summary":"A flaw.","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

pub fn zip_of(entries: &[(&str, String)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with every source, and a mirror to be.
struct Scene {
    files: TempDir,
    mirror: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { files: TempDir::new().unwrap(), mirror: TempDir::new().unwrap() };
        scene.osv(&[
            ("GHSA-1.json", advisory("GHSA-1", "\"CVE-2025-0001\"", "PyPI", "thing", "2.0")),
            ("MAL-1.json", advisory("MAL-2025-1", "", "PyPI", "evil", "9")),
        ]);
        scene.write("kev.json", br#"{"catalogVersion":"2026.01.01","vulnerabilities":[{"cveID":"CVE-2025-0001","dateAdded":"2026-01-01","dueDate":"2026-02-01","knownRansomwareCampaignUse":"Known"}]}"#);
        scene.write(
            "epss.csv.gz",
            &gzip(b"#model_version:v1,score_date:2026-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2025-0001,0.97000,0.99000\n"),
        );
        scene.overrides("CVE-2025-0002", "cpe:2.3:a:vendor:other:*:*:*:*:*:python:*:*");
        scene
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.files.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn osv(&self, entries: &[(&str, String)]) {
        self.write("PyPI/all.zip", &zip_of(entries));
    }

    fn overrides(&self, id: &str, cpe: &str) {
        let text = format!(
            r#"{{"_annotation":{{"cve_id":"{id}"}},"cve":{{"configurations":[{{"nodes":[{{"operator":"OR","negate":false,"cpeMatch":[{{"vulnerable":true,"criteria":"{cpe}","versionEndExcluding":"3.0"}}]}}]}}]}}}}"#
        );
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, format!("main/data/2025/{id}.json"), text.as_bytes()).unwrap();
        self.write("main.tar.gz", &gzip(&builder.into_inner().unwrap()));
    }

    fn sync_from(&self, place: &str, more: &[&str]) -> (i32, String, String) {
        let at = |name: &str| format!("{place}/{name}");
        let (kev, epss, overrides) = (at("kev.json"), at("epss.csv.gz"), at("main.tar.gz"));
        let base =
            ["sync", "--source", "kev,epss,overrides,osv:PyPI", "--osv", place, "--kev", &kev, "--epss", &epss, "--overrides", &overrides];
        run(&[&base[..], &["--db", arg(self.mirror.path()), "--today", TODAY], more].concat())
    }

    fn sync(&self, more: &[&str]) -> (i32, String, String) {
        self.sync_from(arg(self.files.path()), more)
    }

    fn report(&self, subject: &str) -> serde_json::Value {
        let out = run(&[subject, "--db", arg(self.mirror.path()), "--today", TODAY, "-f", "json"]).1;
        serde_json::from_str(&out).unwrap()
    }
}

#[test]
fn every_source_reaches_the_findings() {
    let scene = Scene::new();
    let (code, out, err) = scene.sync(&[]);
    assert!(code == 0 && out.contains("published generation 1: 5 records, 4 files read"), "{out}{err}");
    let report = scene.report("pkg:pypi/thing@1.0");
    let finding = &report["findings"][0];
    assert_eq!((finding["truth"].as_str(), finding["kev"].as_bool(), finding["epss"].as_f64()), (Some("yes"), Some(true), Some(0.97)));
    assert_eq!((report["exit_code"].as_i64(), finding["fix"]["suggested"].as_str()), (Some(1), Some("2.0")));
    // Unscored denies, and so does malware.
    let report = scene.report("pkg:pypi/evil@1.0");
    assert_eq!((report["findings"][0]["class"].as_str(), report["findings"][0]["decision"].as_str()), (Some("malicious"), Some("deny")));
    // Only the overrides know this one; the NVD has no record of it here.
    let report = scene.report("pkg:pypi/other@2.0");
    let finding = &report["findings"][0];
    assert_eq!(
        (finding["id"].as_str(), finding["severity"].as_str(), finding["decision"].as_str()),
        (Some("CVE-2025-0002"), Some("unscored"), Some("deny")),
        "{report}"
    );
    assert!(finding["because"].to_string().contains("OVERRIDES"), "{finding}");
    assert_eq!(report["mirror"]["sources"].as_array().unwrap().len(), 4);
    assert!(scene.sync(&[]).1.contains("nothing new"));
}

#[test]
fn what_a_source_drops_is_dropped_and_what_others_have_stays() {
    let scene = Scene::new();
    scene.sync(&[]);
    scene.osv(&[("GHSA-1.json", advisory("GHSA-1", "\"CVE-2025-0001\"", "PyPI", "thing", "1.0"))]);
    assert!(scene.sync(&[]).1.contains("published generation 2"));
    assert!(scene.report("pkg:pypi/thing@1.0")["findings"].as_array().unwrap().is_empty());
    assert!(scene.report("pkg:pypi/evil@1.0")["findings"].as_array().unwrap().is_empty());
    assert_eq!(scene.report("pkg:pypi/other@2.0")["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_source_that_fails_keeps_its_last_good_data_and_is_named() {
    let scene = Scene::new();
    scene.sync(&[]);
    let good = fs::read(scene.files.path().join("PyPI/all.zip")).unwrap();
    let bomb = zip_of(&[("GHSA-1.json", " ".repeat(17 << 20))]);
    for (bytes, said) in [
        (good[..good.len() / 2].to_vec(), "no whole zip"),
        (zip_of(&[("../GHSA-1.json", "{}".to_owned())]), "which no export has"),
        (bomb, "unpacks to more than"),
        (b"<html>".to_vec(), "no whole zip"),
        (zip_of(&[]), "holds no advisory"),
    ] {
        scene.write("PyPI/all.zip", &bytes);
        let (code, out, err) = scene.sync(&[]);
        assert!(code == 1 && out.contains(said) && out.contains("old data kept"), "{said}: {out}{err}");
        let report = scene.report("pkg:pypi/thing@1.0");
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{said}");
        let source = report["mirror"]["sources"].as_array().unwrap().iter().find(|source| source["name"] == "osv:PyPI").unwrap().clone();
        assert!(source["state"].as_str().unwrap().starts_with("failed"), "{source}");
    }
    for (file, bytes, said) in [
        ("kev.json", &b"[]"[..], "kev"),
        ("epss.csv.gz", &gzip(b"cve,epss,percentile\nCVE-2025-0001,9,9\n")[..], "percentile"),
        ("main.tar.gz", &gzip(b"not a tar")[..], "archive"),
    ] {
        scene.write(file, bytes);
        let (code, out, _) = scene.sync(&[]);
        assert!(code == 1 && out.contains(said), "{file}: {out}");
        assert_eq!(scene.report("pkg:pypi/thing@1.0")["findings"][0]["kev"], true, "{file}");
    }
}

#[test]
fn a_source_that_shrank_is_not_believed() {
    let scene = Scene::new();
    let many = |count: usize| -> Vec<(String, String)> {
        (0..count).map(|at| (format!("GHSA-{at}.json"), advisory(&format!("GHSA-{at}"), "", "PyPI", "thing", "2.0"))).collect()
    };
    let write = |count: usize| {
        let entries = many(count);
        scene.osv(&entries.iter().map(|(name, text)| (name.as_str(), text.clone())).collect::<Vec<_>>());
    };
    write(200);
    scene.sync(&[]);
    write(100);
    let (code, out, _) = scene.sync(&[]);
    assert!(code == 1 && out.contains("has 100 records and had 200"), "{out}");
    assert_eq!(scene.report("pkg:pypi/thing@1.0")["findings"].as_array().unwrap().len(), 200);
    assert_eq!(scene.sync(&["--full"]).0, 0);
    assert_eq!(scene.report("pkg:pypi/thing@1.0")["findings"].as_array().unwrap().len(), 100);
}

#[test]
fn private_advisories_only_add() {
    let scene = Scene::new();
    let own = TempDir::new().unwrap();
    fs::write(own.path().join("own.json"), advisory("OWN-1", "", "PyPI", "inner", "5.0")).unwrap();
    fs::write(own.path().join("ghsa.json"), advisory("GHSA-1", "\"CVE-2025-0001\"", "PyPI", "thing", "0.1")).unwrap();
    let (code, out, err) = scene.sync(&["--advisories", arg(own.path())]);
    assert!(code == 0, "{out}{err}");
    assert_eq!(scene.report("pkg:pypi/inner@1.0")["findings"].as_array().unwrap().len(), 1);
    assert_eq!(
        scene.report("pkg:pypi/thing@1.0")["findings"].as_array().unwrap().len(),
        1,
        "a private copy does not take the public one's place"
    );
}

#[test]
fn an_export_travels_and_a_changed_one_is_refused() {
    let scene = Scene::new();
    scene.sync(&[]);
    let (file, other) = (scene.files.path().join("mirror.scacheck"), TempDir::new().unwrap());
    let db = |arguments: &[&str]| run(&[&["db"], arguments, &["--db", arg(other.path())]].concat());
    assert_eq!(run(&["db", "export", arg(&file), "--db", arg(scene.mirror.path())]).0, 0);
    assert!(db(&["import", arg(&file)]).1.contains("generation 1 is in force"));
    let of = |mirror: &Path| run(&["pkg:pypi/thing@1.0", "--db", arg(mirror), "--today", TODAY, "-f", "json"]).1;
    assert_eq!(of(other.path()), of(scene.mirror.path()));
    assert_eq!(db(&["verify"]).0, 0);
    // Cut, changed and foreign files leave the mirror as it was.
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    let half = whole.len() / 2;
    changed[half] ^= 1;
    for (bytes, place) in [(&whole[..half], "cut"), (&changed[..], "changed"), (&b"hello"[..], "foreign"), (&[][..], "empty")] {
        let path = scene.files.path().join(place);
        fs::write(&path, bytes).unwrap();
        let (code, _, err) = db(&["import", arg(&path)]);
        assert!(code == 2 && err.contains(place), "{place}: {code} {err}");
        assert_eq!(of(other.path()), of(scene.mirror.path()), "{place}");
    }
    // An older one is taken by force only.
    let (code, out, err) = run(&[
        "sync",
        "--source",
        "kev",
        "--kev",
        arg(&scene.files.path().join("kev.json")),
        "--full",
        "--db",
        arg(other.path()),
        "--today",
        "2026-01-05",
    ]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = db(&["import", arg(&file)]);
    assert!(code == 2 && err.contains("--force"), "{err}");
    assert_eq!(db(&["import", "--force", arg(&file)]).0, 0);
    let (code, out, err) = run(&["sync", "--from", arg(&file), "--db", arg(other.path())]);
    assert!(code == 0 && out.contains("is in force"), "{out}{err}");
}

/// Serves files; each of the first answers of a file breaks off in the middle. Notes what was asked.
fn serve(folder: std::path::PathBuf, breaks: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://user:secret@{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (notes, broken) = (Arc::clone(&asked), AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            let request = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
            let name = String::from_utf8_lossy(&head[..read]).split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let range = request.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
            let known = request.contains("if-none-match: \"tag\"");
            let body = fs::read(folder.join(&name)).unwrap_or_default();
            if request.starts_with("head") {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                continue;
            }
            notes.lock().unwrap().push(format!("{name} {range:?} {known}"));
            let start = range.unwrap_or(0).min(body.len());
            let (status, body) = match (known, body.is_empty()) {
                (_, true) => ("404 Not Found", Vec::new()),
                (true, _) => ("304 Not Modified", Vec::new()),
                _ if start > 0 => ("206 Partial Content", body[start..].to_vec()),
                _ => ("200 OK", body),
            };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nETag: \"tag\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let cut = broken.fetch_add(1, Ordering::Relaxed) < breaks;
            let _ = stream.write_all(if cut { &body[..body.len() / 2] } else { &body });
        }
    });
    (address, asked)
}

#[test]
fn a_download_goes_on_where_it_broke_off_and_is_not_repeated() {
    let scene = Scene::new();
    let (address, asked) = serve(Path::new(arg(scene.files.path())).to_owned(), 2);
    let (code, out, err) = scene.sync_from(&address, &[]);
    assert!(code == 0 && err.contains("to fetch: up to") && err.contains("overrides"), "{out}{err}");
    let first = std::mem::take(&mut *asked.lock().unwrap());
    assert!(first.iter().any(|line| line.contains("Some(")), "no range was asked for: {first:?}");
    assert_eq!(scene.report("pkg:pypi/thing@1.0")["findings"][0]["kev"], true);
    assert!(scene.sync_from(&address, &[]).1.contains("nothing new"));
    let second = asked.lock().unwrap().clone();
    assert!(second.len() == 4 && second.iter().all(|line| line.ends_with("true")), "{second:?}");
}

#[test]
fn passwords_in_addresses_are_not_shown() {
    let scene = Scene::new();
    let (address, _) = serve(scene.files.path().join("nowhere"), 0);
    let (code, out, err) = scene.sync_from(&address, &[]);
    assert!(code == 2 && !format!("{out}{err}").contains("secret"), "{code} {out}{err}");
}

#[test]
fn a_lead_names_what_no_configuration_covers() {
    let bare = r#"{"format":"NVD_CVE","vulnerabilities":[
        {"cve":{"id":"CVE-2020-0007","lastModified":"2025-01-01T00:00:00.000","published":"2025-01-01T00:00:00.000","vulnStatus":"Deferred",
          "descriptions":[{"lang":"en","value":"The lonely package before 2.0 for Python mishandles paths."}]}},
        {"cve":{"id":"CVE-2020-0008","lastModified":"2025-01-01T00:00:00.000","published":"2025-01-01T00:00:00.000","vulnStatus":"Deferred",
          "descriptions":[{"lang":"en","value":"A flaw."}],"references":[{"url":"https://pypi.org/project/lonely/"}]}}]}"#;
    let (feeds, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(feeds.path().join("nvdcve-2.0-2020.json.gz"), bare).unwrap();
    let (code, out, err) =
        run(&["sync", "--source", "nvd", "--nvd", arg(feeds.path()), "--db", arg(mirror.path()), "--today", "2026-01-02"]);
    assert!(code == 0, "{out}{err}");
    let report = |purl: &str| {
        let out = run(&[purl, "--db", arg(mirror.path()), "--today", "2026-01-02", "-f", "json"]).1;
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let found = report("pkg:pypi/lonely@1.0");
    let ids: Vec<_> = found["leads"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["CVE-2020-0008", "CVE-2020-0007"], "newest first");
    assert!(found["findings"].as_array().unwrap().is_empty() && found["exit_code"] == 0);
    assert!(report("pkg:npm/lonely@1.0")["leads"].as_array().unwrap().is_empty(), "Python's, not npm's");
}

#[test]
fn the_dictionary_tells_titles_and_successors() {
    let feeds = tempfile::tempdir().unwrap();
    let mirror = tempfile::tempdir().unwrap();
    crate::sync::write_feed(
        feeds.path(),
        "2020",
        "2026-01-01T00:00:00-00:00",
        &[crate::sync::record("CVE-2020-0001", "2025-01-01T00:00:00.000", "2.0.0")],
    );
    let item = |version: &str, more: &str| {
        format!(
            r#"{{"cpe":{{"cpeName":"cpe:2.3:a:thing_project:thing:{version}:*:*:*:*:*:*:*","cpeNameId":"x","titles":[{{"title":"Thing Project Thing {version}","lang":"en"}}]{more}}}}}"#
        )
    };
    let gone = r#","deprecated":true,"deprecatedBy":[{"cpeName":"cpe:2.3:a:better:thing:1.0:*:*:*:*:*:*:*"}]"#;
    let chunk = format!(r#"{{"format":"NVD_CPE","products":[{},{}]}}"#, item("1.0", gone), item("1.1", gone));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(chunk.len() as u64);
    header.set_cksum();
    archive.append_data(&mut header, "nvdcpe-2.0-chunks/nvdcpe-2.0-chunk-00001.json", chunk.as_bytes()).unwrap();
    let file = feeds.path().join("nvdcpe-2.0.tar.gz");
    fs::write(&file, gzip(&archive.into_inner().unwrap())).unwrap();
    let to = ["--db", arg(mirror.path()), "--today", "2026-01-02", "--nvd", arg(feeds.path()), "--cpe", arg(&file)];
    let (code, out, err) = run(&[&["sync", "--source", "nvd,cpe", "--years", "2020-2020"], &to[..]].concat());
    assert!(code == 0 && out.contains("3 records"), "{out}{err}");
    let found = run(&["db", "--db", arg(mirror.path()), "search", "thing"]).1;
    assert!(found.contains("Thing Project Thing") && found.contains("better:thing"), "{found}");
    fs::write(&file, "no dictionary").unwrap();
    let (code, out, _) = run(&[&["sync", "--source", "cpe"], &to[..]].concat());
    assert!(code == 1 && out.contains("cpe: "), "{out}");
}

#[test]
fn places_are_asked_in_order() {
    let scene = Scene::new();
    let (address, asked) = serve(Path::new(arg(scene.files.path())).to_owned(), 0);
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (first, second) = (format!("http://{dead}/kev.json"), format!("{address}/kev.json"));
    let mirror = tempfile::tempdir().unwrap();
    let (code, out, err) =
        run(&["sync", "--source", "kev", "--kev", &first, "--kev", &second, "--db", arg(mirror.path()), "--today", "2026-01-02"]);
    assert!(code == 0 && out.contains("1 files read"), "{out}{err}");
    assert_eq!(asked.lock().unwrap().len(), 1);
    // Where one place fails and the other merely lacks the file, the failure is what is told.
    let third = format!("{address}/nowhere.json");
    let (code, _, err) = run(&["sync", "--source", "kev", "--kev", &first, "--kev", &third, "--db", arg(mirror.path()), "--full"]);
    assert!(code == 2 && err.contains("check the address, the proxy"), "{err}");
}

#[test]
fn a_first_load_that_gets_nothing_publishes_nothing() {
    let (files, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(files.path().join("PyPI")).unwrap();
    fs::write(files.path().join("PyPI/all.zip"), "no zip").unwrap();
    let (code, _, err) = run(&["sync", "--source", "osv:PyPI", "--osv", arg(files.path()), "--db", arg(mirror.path())]);
    assert!(code == 2 && err.contains("no source could be had") && err.contains("all.zip"), "{err}");
    assert_eq!(run(&["pkg:pypi/thing@1.0", "--db", arg(mirror.path())]).0, 4);
}

#[test]
fn advisories_teach_which_product_a_package_is() {
    let (feeds, osv, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let record = |id: &str, assigner: &str| {
        let text = crate::sync::record(id, "2025-01-01T00:00:00.000", "2.0.0").replace("thing_project:thing", "acme:gadget");
        text.replace("\"published\"", &format!("\"sourceIdentifier\":\"{assigner}\",\"published\"")).replace(":node.js:", ":*:")
    };
    let records =
        [record("CVE-2020-0001", "a@example.test"), record("CVE-2020-0002", "b@example.test"), record("CVE-2020-0003", "a@example.test")];
    crate::sync::write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &records);
    fs::create_dir(osv.path().join("PyPI")).unwrap();
    let told = |ids: &[(&str, &str)]| {
        let entries: Vec<(&str, String)> = ids
            .iter()
            .map(|(id, cve)| (*id, advisory(id.trim_end_matches(".json"), &format!("\"{cve}\""), "PyPI", "widget", "2.0.0")))
            .collect();
        fs::write(osv.path().join("PyPI/all.zip"), zip_of(&entries)).unwrap();
        let to = ["--nvd", arg(feeds.path()), "--osv", arg(osv.path()), "--db", arg(mirror.path()), "--today", "2026-01-02"];
        let (code, out, err) = run(&[&["sync", "--source", "nvd,osv:PyPI", "--full"], &to[..]].concat());
        assert!(code == 0, "{out}{err}");
        run(&["pkg:pypi/widget@1.0.0", "--db", arg(mirror.path()), "--today", "2026-01-02", "-f", "json"]).1
    };
    let out = told(&[("PYSEC-1.json", "CVE-2020-0001"), ("PYSEC-2.json", "CVE-2020-0002")]);
    assert!(out.contains("CVE-2020-0003") && out.contains("\"learned\""), "the third record is of the same product: {out}");
    let out = told(&[("PYSEC-1.json", "CVE-2020-0001"), ("PYSEC-3.json", "CVE-2020-0003")]);
    assert!(!out.contains("CVE-2020-0002"), "one assigner is too little");
}

#[test]
fn a_product_for_which_nothing_speaks_is_a_lead() {
    let (feeds, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let record = |number: u32, vendor: &str| {
        let text = crate::sync::record(&format!("CVE-2020-{number:04}"), "2025-01-01T00:00:00.000", "2.0.0");
        text.replace("A flaw in the npm package thing.", "A flaw.").replace("thing_project", vendor).replace(":node.js:", ":*:")
    };
    let records = [record(1, "acme"), record(2, "other")];
    crate::sync::write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &records);
    let to = ["--nvd", arg(feeds.path()), "--db", arg(mirror.path()), "--today", "2026-01-02", "--years", "2020-2020"];
    assert_eq!(run(&[&["sync", "--source", "nvd"], &to[..]].concat()).0, 0);
    let out = run(&["pkg:pypi/thing@1.0.0", "--db", arg(mirror.path()), "--today", "2026-01-02", "-f", "json"]).1;
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let leads = |report: &serde_json::Value| -> Vec<String> {
        report["leads"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(leads(&report), ["acme:thing", "other:thing"]);
    let policy = mirror.path().join("scacheck.toml");
    fs::write(&policy, "[[identity]]\npurl = \"pkg:pypi/thing\"\nis-not = [\"acme:thing\"]\nreason = \"ours\"\n").unwrap();
    let decided =
        run(&["pkg:pypi/thing@1.0.0", "--db", arg(mirror.path()), "--config", arg(&policy), "--today", "2026-01-02", "-f", "json"]).1;
    let decided: serde_json::Value = serde_json::from_str(&decided).unwrap();
    assert_eq!(leads(&decided), ["other:thing"]);
    assert!(decided["packages"][0]["rivals"].as_array().unwrap().iter().any(|rival| rival["product"] == "acme:thing"), "{decided}");
    assert!(out.contains("[[identity]] in scacheck.toml decides") && report["findings"].as_array().unwrap().is_empty());
}
