//! Container images: archives of `docker save`, OCI layouts, and what is no image.

use crate::{arg, run};
use std::fs;
use std::path::Path;

fn tar_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

const OS: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\n";
const STATUS: &[u8] = b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b2\n";
const CONFIG: &[u8] = br#"{"rootfs":{"type":"layers","diff_ids":["sha256:one","sha256:two"]}}"#;

fn layers() -> [Vec<u8>; 2] {
    let old = br#"{"name":"lodash","version":"4.17.4"}"#;
    let base: &[(&str, &[u8])] = &[
        ("etc/os-release", OS),
        ("var/lib/dpkg/status", STATUS),
        ("app/node_modules/gone/package.json", br#"{"name":"gone","version":"1.0.0"}"#),
    ];
    let own: &[(&str, &[u8])] = &[("app/node_modules/.wh.gone", b""), ("app/node_modules/lodash/package.json", old)];
    [tar_of(base), tar_of(own)]
}

fn check(subject: &str) -> (i32, String, String) {
    run(&[subject, "--db", "starter", "--today", "2026-01-02", "-f", "json"])
}

fn assert_right(subject: &str) {
    let (code, out, err) = check(subject);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{subject}: {error}: {out}{err}"));
    let packages = report["packages"].as_array().unwrap();
    let purls: Vec<&str> = packages.iter().map(|package| package["purl"].as_str().unwrap()).collect();
    assert_eq!(purls, ["pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12", "pkg:npm/lodash@4.17.4"], "{subject}");
    assert_eq!(packages[1]["locations"][0]["layer"], "sha256:two");
    assert_eq!(
        (code, report["subjects"][0]["kind"].as_str(), report["subjects"][0]["distro"].as_str()),
        (1, Some("image"), Some("debian:12"))
    );
}

fn saved(folder: &Path, layers: &[Vec<u8>; 2]) -> String {
    let manifest = br#"[{"Config":"c.json","RepoTags":["x:1"],"Layers":["1/layer.tar","2/layer.tar"]}]"#;
    let file = folder.join("image.tar");
    fs::write(&file, tar_of(&[("c.json", CONFIG), ("1/layer.tar", &layers[0]), ("2/layer.tar", &layers[1]), ("manifest.json", manifest)]))
        .unwrap();
    arg(&file).to_owned()
}

#[test]
fn an_archive_of_docker_save() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path(), &layers());
    assert_right(&file);
    assert_right(&format!("image:{file}"));
}

#[test]
fn an_oci_layout_with_a_nested_index() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = layers();
    let manifest = br#"{"config":{"digest":"sha256:c"},"layers":[{"digest":"sha256:l1"},{"digest":"sha256:l2"}]}"#;
    let nested = br#"{"manifests":[{"digest":"sha256:m","platform":{"os":"linux","architecture":"amd64"}},{"digest":"sha256:a","platform":{"os":"unknown","architecture":"unknown"}}]}"#;
    let index = br#"{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:n"}]}"#;
    let packed = zstd::encode_all(two.as_slice(), 1).unwrap();
    let parts: [(&str, &[u8]); 7] = [
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index),
        ("blobs/sha256/n", nested),
        ("blobs/sha256/m", manifest),
        ("blobs/sha256/c", CONFIG),
        ("blobs/sha256/l1", &one),
        ("blobs/sha256/l2", &packed),
    ];
    let layout = folder.path().join("layout");
    for (path, bytes) in parts {
        fs::create_dir_all(layout.join(path).parent().unwrap()).unwrap();
        fs::write(layout.join(path), bytes).unwrap();
    }
    assert_right(arg(&layout));
    let archive = folder.path().join("oci.tar");
    fs::write(&archive, tar_of(&parts)).unwrap();
    assert_right(arg(&archive));
}

#[test]
fn a_broken_layer_is_a_gap_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = layers();
    let file = saved(folder.path(), &[one[..one.len() - 2600].to_vec(), two]);
    let (code, out, _) = check(&file);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code != 0 && report["gaps"].to_string().contains("does not read to its end"), "{out}");
    assert!(report["packages"].to_string().contains("pkg:npm/lodash@4.17.4"));
}

#[test]
fn what_is_no_image_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.tar");
    fs::write(&file, tar_of(&[("readme", b"x")])).unwrap();
    let (code, _, err) = check(arg(&file));
    assert!(code == 2 && err.contains("neither manifest.json nor index.json reads"), "{code} {err}");
    let two = br#"[{"Config":"a","RepoTags":["a:1"],"Layers":[]},{"Config":"b","RepoTags":["b:1"],"Layers":[]}]"#;
    fs::write(&file, tar_of(&[("manifest.json", two)])).unwrap();
    assert!(check(arg(&file)).2.contains("a:1, b:1"));
    assert!(check("image:nginx:latest").2.contains("docker save nginx:latest"));
    let empty = folder.path().join("empty.tar");
    fs::write(&empty, tar_of(&[("c.json", b"{}"), ("manifest.json", br#"[{"Config":"c.json","Layers":[]}]"#)])).unwrap();
    assert_eq!(check(arg(&empty)).0, 3);
}
