//! Changes by the NVD's API, from a server on the loopback: what it gives must equal a full load, and what it does wrong
//! must not pass.

use crate::sync::{record, write_feed};
use crate::{arg, run_with};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One answer of the server: the value of a parameter of the request, by name, in; status and body out.
type Answer = dyn Fn(&dyn Fn(&str) -> String) -> (&'static str, String) + Send;

fn serve(answer: Box<Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/cves", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            let request = String::from_utf8_lossy(&head[..read]).into_owned();
            let query = request
                .split_whitespace()
                .nth(1)
                .and_then(|path| path.split_once('?'))
                .map(|(_, query)| query.to_owned())
                .unwrap_or_default();
            let parameter = |name: &str| {
                let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
                found.map(|(_, value)| value.to_owned()).unwrap_or_default()
            };
            let (status, body) = answer(&parameter);
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        }
    });
    address
}

fn page(records: &[String], start: usize, size: usize) -> (&'static str, String) {
    let some: Vec<&str> = records.iter().skip(start).take(size).map(String::as_str).collect();
    let text = format!(
        r#"{{"resultsPerPage":{},"startIndex":{start},"totalResults":{},"vulnerabilities":[{}]}}"#,
        some.len(),
        records.len(),
        some.join(",")
    );
    ("200 OK", text)
}

/// A server that gives pages of at most `largest` records.
fn serve_pages(records: Vec<String>, largest: usize) -> String {
    serve(Box::new(move |parameter| {
        let number = |name: &str| parameter(name).parse::<usize>().unwrap();
        page(&records, number("startIndex"), number("resultsPerPage").min(largest))
    }))
}

fn sync(feeds: &Path, mirror: &Path, more: &[&str]) -> (i32, String, String) {
    let base = ["sync", "--source", "nvd", "--nvd", arg(feeds), "--db", arg(mirror), "--years", "2020-2020", "--today", "2026-01-02"];
    run_with(&[("NVD_API_KEY", "a-key-of-the-test")], &[&base[..], more].concat())
}

/// The tables of the generation in force, with names instead of numbers.
fn tables(mirror: &Path) -> BTreeSet<String> {
    let current = std::fs::read_to_string(mirror.join("CURRENT")).unwrap();
    let database = mirror.join("generation").join(current.trim()).join("mirror.sqlite");
    let connection = rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let product = "(SELECT vendor || ':' || product FROM product WHERE id = product_id)";
    let criterion = "(SELECT group_concat(v || rest || ifnull(end_excluding, '') || vulnerable, ' ') FROM (
        SELECT p.product AS v, k.rest, k.end_excluding, m.value % 2 AS vulnerable FROM json_tree(c.tree) m
        JOIN criteria k ON k.id = m.value / 2 JOIN product p ON p.id = k.product_id
        WHERE m.type = 'integer' AND m.path LIKE '$[%][2][%][2]' ORDER BY 1, 2, 3, 4))";
    let queries = [
        format!("SELECT 'cve', c.id, published, modified, status, signals, detail, ifnull({criterion}, '-') FROM cve c"),
        format!("SELECT 'applicability', {product}, cve_id FROM applicability"),
        format!("SELECT 'count', {product}, cves FROM product_count"),
        format!("SELECT 'world', {product}, world, refs, words, targets FROM product_world"),
        format!("SELECT 'learned', ecosystem, name, {product}, cves FROM learned"),
        "SELECT 'mention', cve_id, ecosystem, name FROM mention".to_owned(),
        "SELECT 'aside', record FROM kept_aside".to_owned(),
    ];
    let mut all = BTreeSet::new();
    for query in queries {
        let mut select = connection.prepare(&query).unwrap();
        let width = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            all.insert((0..width).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect::<Vec<_>>().join("|"));
        }
    }
    all
}

fn random_record(dice: &mut Dice, number: u64, modified: &str) -> String {
    let id = format!("CVE-2020-{number:04}");
    let whole =
        record(&id, modified, &format!("{}.0", dice.below(4))).replace("thing", ["thing", "other", "third"][dice.below(3) as usize]);
    match dice.below(6) {
        0 => whole.replace("\"configurations\"", "\"unknown\""),
        1 => whole.replace("Analyzed", "Rejected"),
        2 => whole.replace("\"published\":\"", "\"published\":5,\"x\":\""),
        _ => whole,
    }
}

#[test]
fn what_the_api_changes_equals_a_full_load() {
    let mut dice = Dice(7);
    for _ in 0..6 {
        let (feeds, grown, full) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
        let old: Vec<String> = (1..30).map(|number| random_record(&mut dice, number, "2025-12-01T00:00:00.000")).collect();
        write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &old);
        assert_eq!(sync(feeds.path(), grown.path(), &[]).0, 0);
        let mut changed = Vec::new();
        for number in 1..40 {
            if dice.below(3) == 0 {
                changed.push(random_record(&mut dice, number, "2026-01-01T12:00:00.000"));
            }
        }
        let api = serve_pages(changed.clone(), 2000);
        let (code, out, err) = sync(feeds.path(), grown.path(), &["--nvd-api", &api]);
        assert!(code == 0 && out.contains("generation 2"), "{out}{err}");
        write_feed(feeds.path(), "modified", "2026-01-02T00:00:00-00:00", &changed);
        assert_eq!(sync(feeds.path(), full.path(), &[]).0, 0);
        assert_eq!(tables(grown.path()), tables(full.path()));
    }
}

#[test]
fn pages_are_put_together_and_the_feeds_are_not_read_again() {
    let (feeds, mirror) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let year = |time: &str| write_feed(feeds.path(), "2020", time, &[record("CVE-2020-0001", "2025-12-01T00:00:00.000", "2.0")]);
    year("2026-01-01T00:00:00-00:00");
    sync(feeds.path(), mirror.path(), &[]);
    let changed: Vec<String> = (2..6).map(|n| record(&format!("CVE-2020-{n:04}"), "2026-01-01T12:00:00.000", "1.0")).collect();
    let api = serve_pages(changed, 3);
    year("2026-01-01T20:00:00-00:00");
    let (code, out, err) = sync(feeds.path(), mirror.path(), &["--nvd-api", &api]);
    assert!(code == 0 && out.contains("generation 2: 5 records, 2 files read"), "{out}{err}");
}

#[test]
fn records_that_leave_the_window_meanwhile_are_not_lost() {
    let (feeds, mirror) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &[record("CVE-2020-0001", "2025-12-01T00:00:00.000", "2.0")]);
    sync(feeds.path(), mirror.path(), &[]);
    let asked = AtomicUsize::new(0);
    let all: Vec<String> = (2..6).map(|n| record(&format!("CVE-2020-{n:04}"), "2026-01-01T12:00:00.000", "1.0")).collect();
    let api = serve(Box::new(move |parameter| {
        let start = parameter("startIndex").parse::<usize>().unwrap();
        // After the first page the first record is changed again: every later one moves up by one place.
        let gone = usize::from(asked.fetch_add(1, Ordering::Relaxed) > 0);
        page(&all[gone..], start, 3)
    }));
    let (code, out, err) = sync(feeds.path(), mirror.path(), &["--nvd-api", &api]);
    assert!(code == 0 && out.contains("generation 2: 4 records"), "CVE-2020-0003 to 0005 and the first: {out}{err}");
}

#[test]
fn an_api_that_fails_keeps_the_old_data_and_is_named() {
    let (feeds, mirror) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &[record("CVE-2020-0001", "2025-12-01T00:00:00.000", "2.0")]);
    sync(feeds.path(), mirror.path(), &[]);
    let api = serve(Box::new(|_| ("404 Not Found", String::new())));
    let (code, out, err) = sync(feeds.path(), mirror.path(), &["--nvd-api", &api]);
    assert!(code == 1 && out.contains("generation 1 stays") && out.contains("nvd-api: ") && out.contains("404"), "{out}{err}");
    assert!(!out.contains("a-key-of-the-test") && !err.contains("a-key-of-the-test"));
}

#[test]
fn a_hole_between_the_feeds_and_the_api_is_told() {
    let (feeds, mirror) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_feed(feeds.path(), "2020", "2025-03-01T00:00:00-00:00", &[record("CVE-2020-0001", "2025-02-01T00:00:00.000", "2.0")]);
    let api = serve_pages(vec![record("CVE-2020-0002", "2026-01-01T12:00:00.000", "1.0")], 2000);
    let (code, out, err) = sync(feeds.path(), mirror.path(), &["--nvd-api", &api]);
    assert!(code == 1 && out.contains("generation 1: 2 records") && out.contains("changes from 2025-03-01 to 2025-09-05"), "{out}{err}");
    let report = run_with(&[], &["pkg:npm/thing@0.5", "--db", arg(mirror.path()), "--today", "2026-01-02"]).1;
    assert!(report.contains("incomplete: changes from 2025-03-01"), "{report}");
}

#[test]
fn a_hole_is_told_where_nothing_else_is_new_and_ends_with_newer_feeds() {
    let (feeds, mirror) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let old = record("CVE-2020-0001", "2025-02-01T00:00:00.000", "2.0");
    write_feed(feeds.path(), "2020", "2025-03-01T00:00:00-00:00", std::slice::from_ref(&old));
    sync(feeds.path(), mirror.path(), &[]);
    let api = serve_pages(Vec::new(), 2000);
    for _ in 0..2 {
        let (code, out, err) = sync(feeds.path(), mirror.path(), &["--nvd-api", &api]);
        assert!(code == 1 && out.contains("incomplete: changes from 2025-03-01"), "{out}{err}");
    }
    write_feed(feeds.path(), "2020", "2026-01-01T00:00:00-00:00", &[old, record("CVE-2020-0002", "2025-12-01T00:00:00.000", "1.0")]);
    let (code, out, err) = sync(feeds.path(), mirror.path(), &[]);
    assert!(code == 0 && out.contains("2 records"), "{out}{err}");
    let status = run_with(&[], &["db", "status", "--db", arg(mirror.path())]).1;
    assert!(!status.contains("nvd-api") && !status.contains("incomplete"), "{status}");
}
