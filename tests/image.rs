//! Container images: archives of `docker save`, OCI layouts, and what is no image.

use crate::{arg, run};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

pub fn tar_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
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
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A configuration with the instruction of each layer, and one between them that made none.
fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let mut history: Vec<Value> = (0..layers.len()).map(|at| json!({"created_by": format!("RUN step {at}")})).collect();
    history.insert(1, json!({"created_by": "ARG API_TOKEN=hush", "empty_layer": true}));
    let run = json!({"User": "app", "Env": ["PATH=/bin", "DB_PASSWORD=hush"], "Healthcheck": {"Test": ["CMD", "true"]}});
    json!({"os": "linux", "architecture": "amd64", "config": run, "history": history, "rootfs": {"type": "layers", "diff_ids": digests}})
        .to_string()
        .into_bytes()
}

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
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{subject}: {error}: {out}{err}"));
    let packages = report["packages"].as_array().unwrap();
    let purls: Vec<&str> = packages.iter().map(|package| package["purl"].as_str().unwrap()).collect();
    assert_eq!(purls, ["pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12", "pkg:npm/lodash@4.17.4"], "{subject}");
    assert_eq!(packages[1]["locations"][0]["layer"], digest(&layers()[1]));
    assert_eq!(packages[0]["locations"][0]["layer"], digest(&layers()[0]));
    assert!(!report["gaps"].to_string().contains("the layer"), "{}", report["gaps"]);
    assert_eq!(
        (code, report["subjects"][0]["kind"].as_str(), report["subjects"][0]["distro"].as_str()),
        (1, Some("image"), Some("debian:12"))
    );
}

/// An archive whose configuration is of the whole layers, whatever it holds.
fn saved(folder: &Path, held: &[Vec<u8>; 2]) -> String {
    let manifest = br#"[{"Config":"c.json","RepoTags":["x:1"],"Layers":["1/layer.tar","2/layer.tar"]}]"#;
    let file = folder.join("image.tar");
    fs::write(
        &file,
        tar_of(&[("c.json", &config(&layers())), ("1/layer.tar", &held[0]), ("2/layer.tar", &held[1]), ("manifest.json", manifest)]),
    )
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
    let config = config(&layers());
    let packed = zstd::encode_all(two.as_slice(), 1).unwrap();
    let parts: [(&str, &[u8]); 7] = [
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index),
        ("blobs/sha256/n", nested),
        ("blobs/sha256/m", manifest),
        ("blobs/sha256/c", &config),
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
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(code != 0 && report["gaps"].to_string().contains("does not read to its end"), "{out}");
    assert!(report["packages"].to_string().contains("pkg:npm/lodash@4.17.4"));
    // A bit of a version: the archive reads, and its layer is not the one that the image states.
    let [mut one, two] = layers();
    let at = one.windows(8).position(|bytes| bytes == b"5.2.15-2").unwrap();
    one[at] = b'7';
    let (_, out, _) = check(&saved(folder.path(), &[one, two]));
    assert!(out.contains("it was damaged or changed after the image was made"), "{out}");
}

#[test]
fn what_the_base_brought_and_what_the_image_says_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let image = saved(folder.path(), &layers());
    let base = folder.path().join("base.tar");
    let manifest = br#"[{"Config":"c.json","Layers":["1/layer.tar"]}]"#;
    let [one, two] = layers();
    let write = |layers: &[Vec<u8>]| {
        fs::write(&base, tar_of(&[("c.json", &config(layers)), ("1/layer.tar", &layers[0]), ("manifest.json", manifest)])).unwrap()
    };
    let check = || run(&[&image, "--base", arg(&base), "--db", "starter", "--today", "2026-01-02", "-f", "json"]);
    write(&[one]);
    let (_, out, err) = check();
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let packages = report["packages"].as_array().unwrap();
    assert_eq!((&packages[0]["locations"][0]["base"], &packages[1]["locations"][0]["base"]), (&json!(true), &Value::Null));
    let facts = &report["subjects"][0]["image"];
    assert_eq!(facts["history"][0], json!({"created_by": "RUN step 0", "layer": digest(&layers()[0]), "base": true}));
    assert_eq!(facts["history"][1], json!({"created_by": "ARG API_TOKEN=***"}));
    assert_eq!(facts["history"][2]["layer"], json!(digest(&layers()[1])));
    assert_eq!(
        (&facts["user"], &facts["health_check"], &facts["environment"][1]),
        (&json!("app"), &json!(true), &json!("DB_PASSWORD=***"))
    );
    assert!(facts["secrets"].as_array().unwrap().len() == 2 && !out.contains("hush"), "{facts}");
    write(&[two]);
    let (code, _, err) = check();
    assert!(code == 2 && err.contains("not built upon it: layer 1 of 1 differs"), "{code} {err}");
    let (code, _, err) = run(&["pkg:npm/a@1", "--base", arg(&base), "--db", "starter"]);
    assert!(code == 2 && err.contains("is said of images"), "{code} {err}");
}

#[test]
fn a_platform_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let layers = [layers()[1].clone()];
    let manifest = |config: &str| json!({"config": {"digest": config}, "layers": [{"digest": "sha256:l"}]}).to_string();
    let one = |digest: &str, architecture: &str, variant: &str| json!({"digest": digest, "platform": {"os": "linux", "architecture": architecture, "variant": variant}});
    let index = json!({"manifests": [one("sha256:a", "amd64", ""), one("sha256:b", "arm", "v7")]}).to_string();
    let intel = config(&layers);
    let arm = String::from_utf8(intel.clone()).unwrap().replace("amd64", "arm").into_bytes();
    for (path, bytes) in [
        ("oci-layout", b"{}".as_slice()),
        ("index.json", index.as_bytes()),
        ("blobs/sha256/a", manifest("sha256:ca").as_bytes()),
        ("blobs/sha256/b", manifest("sha256:cb").as_bytes()),
        ("blobs/sha256/ca", &intel),
        ("blobs/sha256/cb", &arm),
        ("blobs/sha256/l", &layers[0]),
    ] {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), bytes).unwrap();
    }
    let check =
        |platform: &[&str]| run(&[&[arg(folder.path()), "--db", "starter", "--today", "2026-01-02", "-f", "json"], platform].concat());
    let (code, _, err) = check(&[]);
    assert!(code == 2 && err.contains("linux/amd64, linux/arm/v7") && err.contains("--platform"), "{code} {err}");
    for (asked, got) in [("linux/amd64", "linux/amd64"), ("linux/arm", "linux/arm")] {
        let report: Value = serde_json::from_str(&check(&["--platform", asked]).1).unwrap();
        assert_eq!(report["subjects"][0]["image"]["platform"], got);
    }
    assert!(check(&["--platform", "linux/s390x"]).2.contains("no image for linux/s390x"));
    assert!(check(&["--platform", "amd64"]).2.contains("is no platform"));
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
