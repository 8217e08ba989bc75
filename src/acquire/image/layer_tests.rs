//! Layers laid over each other.

use super::layers::Layers;
use crate::acquire::elf::tests::program;
use crate::acquire::tree::{Tree, TreeError};

const A: &str = "app/node_modules/a/package.json";
const B: &str = "app/node_modules/b/package.json";

fn layer(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn laid(each: &[Vec<u8>]) -> Layers {
    let mut layers = Layers::default();
    for (at, bytes) in each.iter().enumerate() {
        layers.add(bytes.as_slice(), &format!("layer:{at}"));
    }
    layers
}

#[test]
fn later_layers_replace_and_remove() {
    let base = layer(&[(A, "1"), (B, "1")]);
    assert_eq!(laid(&[base.clone(), layer(&[(A, "2")])]).read(A).unwrap()[..], *b"2");
    assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/a/.wh.package.json", "")])]).paths(), [B]);
    assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/.wh.a", "")])]).paths(), [B]);
    assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/a", "a file now")])]).paths(), [B]);
    // What the opaque layer itself brings stays, wherever in the layer it stands.
    let opaque = layer(&[(A, "3"), ("app/.wh..wh..opq", "")]);
    let layers = laid(&[base.clone(), opaque]);
    assert_eq!((layers.paths(), layers.read(A).unwrap().into_owned()), (vec![A.to_owned()], b"3".to_vec()));
    assert_eq!(layers.strata(0).files[A], 1);
    assert!(laid(&[base, layer(&[(".wh.app", "")])]).paths().is_empty());
}

#[test]
fn nothing_hides_the_root() {
    let mut nameless = layer(&[("x", "")]);
    nameless[0] = b'/';
    let sum: u32 = nameless[..512].iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
    nameless[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    for hostile in [layer(&[(".wh.", "")]), nameless] {
        let layers = laid(&[layer(&[(A, "1")]), hostile]);
        assert_eq!((layers.paths(), layers.gaps.len()), (vec![A.to_owned()], 1));
    }
}

#[test]
fn packed_layers_and_broken_ones() {
    let plain = layer(&[(A, "1"), (B, "1")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(laid(std::slice::from_ref(&gzip)).paths(), [A, B]);
    assert_eq!(laid(&[zstd::encode_all(plain.as_slice(), 1).unwrap()]).paths(), [A, B]);
    let broken = laid(&[plain.clone(), gzip[..gzip.len() / 2].to_vec(), layer(&[(A, "2")])]);
    assert_eq!((broken.gaps.len(), broken.read(A).unwrap().into_owned()), (1, b"2".to_vec()));
    assert_eq!(laid(&[plain[..700].to_vec()]).gaps.len(), 1);
}

#[test]
fn links_stay_inside() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut link = |kind, path: &str, target: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, path, target).unwrap();
    };
    link(tar::EntryType::Symlink, "etc/os-release", "../../../usr/lib/os-release");
    link(tar::EntryType::Link, B, A);
    link(tar::EntryType::Symlink, "usr/lib/os-release", "../../etc/os-release");
    let links = tar.into_inner().unwrap();
    let layers = laid(&[layer(&[(A, "1"), ("usr/lib/os-release", "ID=x")]), links]);
    assert_eq!(layers.read(B).unwrap()[..], *b"1");
    assert!(matches!(layers.read("etc/os-release"), Err(TreeError::Refused(_))));
}

fn modes(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn an_executable_gives_up_its_list_in_a_second_pass() {
    let (first, second) = (program("one"), program("two, longer"));
    let base = modes(&[("usr/bin/a", 0o755, &first), ("usr/bin/b", 0o755, &first), ("usr/share/c", 0o644, &first)]);
    let upper = modes(&[("usr/bin/b", 0o755, &second)]);
    let mut layers = laid(&[base.clone(), upper.clone()]);
    assert!(layers.paths().is_empty() && layers.captured().is_empty());
    assert_eq!(layers.to_capture().into_iter().collect::<Vec<_>>(), [0, 1]);
    layers.capture(0, base.as_slice()).unwrap();
    layers.capture(1, upper.as_slice()).unwrap();
    assert_eq!(layers.captured(), [("usr/bin/a".to_owned(), b"one".to_vec()), ("usr/bin/b".to_owned(), b"two, longer".to_vec())]);
    assert!(layers.to_capture().is_empty());
}

#[test]
fn a_package_is_of_the_layer_that_first_had_it() {
    const STATUS: &str = "var/lib/dpkg/status";
    let stanza =
        |name: &str, version: &str| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n");
    let base = [stanza("a", "1"), stanza("b", "1")].concat();
    let upgraded = [stanza("a", "1"), stanza("b", "2"), stanza("c", "1")].concat();
    let again = [stanza("c", "1"), stanza("a", "1"), stanza("b", "1")].concat();
    let layers = laid(&[layer(&[(STATUS, &base)]), layer(&[(STATUS, &upgraded)]), layer(&[(STATUS, &again)])]);
    let strata = layers.strata(1);
    let of =
        |name: &str, version: &str| strata.of(STATUS, &format!("pkg:deb/debian/{name}@{version}?arch=amd64").parse().unwrap()).unwrap();
    assert_eq!(of("a", "1"), ("layer:0".to_owned(), true));
    assert_eq!(of("c", "1"), ("layer:1".to_owned(), false));
    // It was gone in between.
    assert_eq!(of("b", "1"), ("layer:2".to_owned(), false));
}

#[test]
fn modes_follow_the_layers_and_secrets_stay() {
    let base =
        modes(&[("usr/bin/su", 0o4755, b""), ("usr/bin/sg", 0o2755, b""), ("root/.ssh/id_rsa", 0o600, b"-----BEGIN RSA PRIVATE KEY-----")]);
    let layers = laid(&[base, layer(&[("usr/bin/.wh.su", ""), ("root/.wh..ssh", "")])]);
    let marked = layers.special_modes();
    assert_eq!((marked.len(), marked[0].path.as_str(), marked[0].mode.as_str()), (1, "usr/bin/sg", "2755"));
    let secret = layers.secrets.iter().next().unwrap();
    assert_eq!((secret.place.as_str(), secret.layer.as_deref()), ("root/.ssh/id_rsa", Some("layer:0")));
}

#[test]
fn a_layer_that_is_not_what_the_image_states_is_told() {
    let (whole, mut changed) = (layer(&[(A, "1")]), layer(&[(A, "1")]));
    let at = changed.iter().rposition(|byte| *byte == b'1').unwrap();
    changed[at] = b'2';
    let digest =
        format!("sha256:{}", <sha2::Sha256 as sha2::Digest>::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    for (bytes, gaps) in [(&whole, 0), (&changed, 1)] {
        let mut layers = Layers::default();
        layers.add(bytes.as_slice(), &digest);
        assert_eq!((layers.gaps.len(), layers.paths().len()), (gaps, 1));
    }
    // The packing's checksum stands after the archive's end.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut gzip, &changed).unwrap();
    let mut gzip = gzip.finish().unwrap();
    let at = gzip.len() - 6;
    gzip[at] ^= 1;
    assert_eq!(laid(&[gzip]).gaps.len(), 1);
}
