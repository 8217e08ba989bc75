//! Small databases of every form, whole and damaged.

use super::header::Tag;
use super::header::tests::header;
use super::read;
use crate::acquire::tree::Memory;
use crate::acquire::{Binary, Blemish, Owned, Reading};

fn package(name: &str, epoch: &[u32], file: &str) -> Vec<u8> {
    let source = format!("{name}-1.0-2.el9.src.rpm");
    let texts: [(Tag, &[&str]); 9] = [
        (Tag::Name, &[name]),
        (Tag::Version, &["1.0~rc1"]),
        (Tag::Release, &["2.el9"]),
        (Tag::Arch, &["x86_64"]),
        (Tag::Vendor, &["Example"]),
        (Tag::SourceRpm, &[&source]),
        (Tag::ModularityLabel, &["nodejs:18:1:x"]),
        (Tag::BaseNames, &[file, "other"]),
        (Tag::DirNames, &["/usr/lib/python3.9/site-packages/a-1.dist-info/", "/usr/bin/"]),
    ];
    let folders: (Tag, &[u32]) = (Tag::DirIndexes, &[0, 1]);
    if epoch.is_empty() { header(&texts, &[folders]) } else { header(&texts, &[folders, (Tag::Epoch, epoch)]) }
}

fn three() -> [Vec<u8>; 3] {
    [package("first", &[], "METADATA"), package("second", &[3], "x"), package("third", &[0], "y")]
}

fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [*b"RpmP", [0; 4], [1, 0, 0, 0], [1, 0, 0, 0], [9, 0, 0, 0]].concat();
    bytes.resize(4096, 0);
    let slots = bytes[32..].chunks_exact_mut(16);
    slots.for_each(|slot| slot[..4].copy_from_slice(b"Slot"));
    for (at, header) in headers.iter().enumerate() {
        let (number, block) = (at as u32 + 1, (bytes.len() / 16) as u32);
        let slot = 32 + at * 16;
        bytes[slot + 4..slot + 8].copy_from_slice(&number.to_le_bytes());
        bytes[slot + 8..slot + 12].copy_from_slice(&block.to_le_bytes());
        bytes.extend(b"BlbS");
        for value in [number, 1, header.len() as u32] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(header);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    bytes
}

const PAGE: usize = 512;

/// One page of the table; every header on overflow pages of its own, as big-endian machines write it or as others do.
fn bdb(headers: &[Vec<u8>], big: bool) -> Vec<u8> {
    let long = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let short = |value: usize| if big { (value as u16).to_be_bytes() } else { (value as u16).to_le_bytes() };
    let page = |number: usize, next: u32, entries: usize, used: usize, kind: u8| {
        let mut page = [[0; 4], [0; 4], long(number as u32), [0; 4], long(next)].concat();
        page.extend(short(entries));
        page.extend(short(used));
        page.extend([0, kind]);
        page
    };
    let mut table = page(1, 0, headers.len() * 2 + 2, 0, 13);
    let mut items = vec![0_u8; PAGE];
    let mut end = PAGE;
    let mut overflow = Vec::new();
    let mut put = |table: &mut Vec<u8>, item: &[u8]| {
        end -= item.len();
        items[end..end + item.len()].copy_from_slice(item);
        table.extend(short(end));
    };
    put(&mut table, &[[1].as_slice(), &long(0)].concat());
    put(&mut table, &[[1].as_slice(), &long(99)].concat());
    for (at, header) in headers.iter().enumerate() {
        let first = 2 + overflow.len() / PAGE;
        let parts: Vec<&[u8]> = header.chunks(PAGE - 26).collect();
        for (part_at, part) in parts.iter().enumerate() {
            let number = first + part_at;
            let next = if part_at + 1 < parts.len() { number as u32 + 1 } else { 0 };
            overflow.extend(page(number, next, 1, part.len(), 7));
            overflow.extend(*part);
            overflow.resize((number - 1) * PAGE, 0);
        }
        put(&mut table, &[[1].as_slice(), &long(at as u32 + 1)].concat());
        put(&mut table, &[[3, 0, 0, 0].as_slice(), &long(first as u32), &long(header.len() as u32)].concat());
    }
    items[..table.len()].copy_from_slice(&table);
    let last = 1 + overflow.len() / PAGE;
    let mut meta =
        [[0; 4], [0; 4], [0; 4], long(0x0006_1561), long(9), long(PAGE as u32), [0, 8, 0, 0], [0; 4], long(last as u32)].concat();
    meta.resize(PAGE, 0);
    meta[88..92].copy_from_slice(&long(headers.len() as u32 + 1));
    [meta, items, overflow].concat()
}

fn sqlite(headers: &[Vec<u8>]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpmdb.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)",
        )
        .unwrap();
    for header in headers {
        connection.execute("INSERT INTO Packages (blob) VALUES (?)", [header]).unwrap();
    }
    connection.close().unwrap();
    std::fs::read(&path).unwrap()
}

fn forms() -> [Vec<u8>; 4] {
    [ndb(&three()), bdb(&three(), false), bdb(&three(), true), sqlite(&three())]
}

fn reading(bytes: &[u8]) -> Result<Reading, Blemish> {
    read(&Binary { bytes, path: "rpmdb", tree: &Memory::default(), distro: Some("rocky:9.4") })
}

#[test]
fn all_forms_hold_the_same() {
    for bytes in forms() {
        let reading = reading(&bytes).unwrap();
        let mut purls: Vec<&str> = reading.found.iter().map(|found| found.purl.text()).collect();
        purls.sort_unstable();
        assert_eq!(
            purls,
            [
                "pkg:rpm/rocky/first@1.0~rc1-2.el9?arch=x86_64&distro=rocky-9.4&upstream=first-1.0-2.el9.src.rpm",
                "pkg:rpm/rocky/second@1.0~rc1-2.el9?arch=x86_64&distro=rocky-9.4&epoch=3&upstream=second-1.0-2.el9.src.rpm",
                "pkg:rpm/rocky/third@1.0~rc1-2.el9?arch=x86_64&distro=rocky-9.4&upstream=third-1.0-2.el9.src.rpm",
            ]
        );
        let second = reading.found.iter().find(|found| found.purl.base_name() == "second").unwrap();
        assert_eq!(
            (second.version.as_str(), second.vendor.as_deref(), second.module.as_deref()),
            ("3:1.0~rc1-2.el9", Some("Example"), Some("nodejs:18:1:x"))
        );
        assert_eq!((reading.owned.len(), reading.blemishes.len()), (4, 0));
        let owned = Owned { path: "usr/lib/python3.9/site-packages/a-1.dist-info/METADATA".to_owned(), owner: "first".to_owned() };
        assert!(reading.owned.contains(&owned) && reading.owned.iter().any(|owned| owned.path == "usr/bin/other"));
    }
}

#[test]
fn a_broken_place_is_told_and_the_rest_is_read() {
    // The second package's header, in each form: its counts are overwritten.
    for bytes in forms() {
        let mut bytes = bytes;
        let name = bytes.windows(7).position(|window| window == b"second\0").unwrap();
        let counts = bytes[..name].windows(4).rposition(|window| window == 1000_u32.to_be_bytes()).unwrap() - 8;
        bytes[counts..counts + 4].fill(0xff);
        let reading = reading(&bytes).unwrap();
        assert_eq!((reading.found.len(), reading.blemishes.len()), (2, 1), "{:?}", reading.blemishes);
    }
}

#[test]
fn a_table_that_lost_its_mark_is_missed() {
    let mut bytes = bdb(&three(), false);
    bytes[PAGE + 25] = 0;
    assert!(reading(&bytes).unwrap().blemishes[0].reason.contains("it states 4 entries, 0 were found"));
}

#[test]
fn damage_of_any_kind_ends_and_is_never_taken_for_whole() {
    for bytes in forms() {
        for length in (0..bytes.len() - 16).step_by(97) {
            let whole = reading(&bytes[..length]).is_ok_and(|reading| reading.found.len() == 3 && reading.blemishes.is_empty());
            // Of the last page, what is cut off may hold nothing.
            assert!(!whole || length + 512 > bytes.len(), "cut at {length} of {}", bytes.len());
        }
        for at in (0..bytes.len()).step_by(3) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            let _ = reading(&bytes);
        }
    }
}

#[test]
fn a_chain_of_pages_in_a_circle_ends() {
    let mut bytes = bdb(&[vec![0xee; 3000]], false);
    // The first overflow page follows itself, and the entry claims the whole file.
    bytes[2 * PAGE + 16..2 * PAGE + 20].copy_from_slice(&2_u32.to_le_bytes());
    assert!(reading(&bytes).is_err() || !reading(&bytes).unwrap().blemishes.is_empty());
    // Every entry points to the long chain of the first: more bytes than there are.
    let mut all = vec![vec![0xee; 3000]];
    all.resize(12, package("a", &[], "x"));
    let mut bytes = bdb(&all, false);
    for entry in 1..all.len() {
        let place = PAGE + 26 + (entry * 2 + 3) * 2;
        let item = PAGE + usize::from(u16::from_le_bytes([bytes[place], bytes[place + 1]]));
        bytes[item + 4..item + 8].copy_from_slice(&2_u32.to_le_bytes());
        bytes[item + 8..item + 12].copy_from_slice(&3000_u32.to_le_bytes());
    }
    assert!(reading(&bytes).unwrap_err().reason.contains("over each other"));
}

#[test]
fn a_view_in_the_tables_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpmdb.sqlite");
    let endless =
        "CREATE VIEW Packages AS WITH RECURSIVE n(hnum) AS (SELECT 1 UNION ALL SELECT hnum + 1 FROM n) SELECT hnum, x'' AS blob FROM n";
    rusqlite::Connection::open(&path).unwrap().execute_batch(endless).unwrap();
    assert!(reading(&std::fs::read(&path).unwrap()).unwrap_err().reason.contains("no table"));
}

#[test]
fn one_long_folder_for_many_files_is_bounded() {
    let folder = format!("/usr/bin/{}/", "x".repeat(1 << 20));
    let names = vec!["a"; 600];
    let texts: [(Tag, &[&str]); 5] =
        [(Tag::Name, &["n"]), (Tag::Version, &["1"]), (Tag::Release, &["1"]), (Tag::BaseNames, &names), (Tag::DirNames, &[&folder])];
    let reading = reading(&ndb(&[header(&texts, &[(Tag::DirIndexes, &[0; 600])])])).unwrap();
    assert!(reading.owned.len() < 300 && reading.blemishes.len() == 1, "{}", reading.owned.len());
}
