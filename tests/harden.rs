//! The hardening rules on Dockerfiles and images: each with a good and a bad one, and exactly the findings that are there.

use crate::image::{digest, tar_of};
use crate::{arg, run};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Nothing to object to.
const GOOD: &str = "FROM debian:12.5@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS build\n\
    RUN apt-get update && apt-get install -y gcc=4:12.2.0-3\n\
    FROM debian:12.5@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\
    RUN apt-get update && apt-get install -y --no-install-recommends libpq5=15.6-0 && rm -rf /var/lib/apt/lists/*\n\
    COPY --from=build /app /app\nUSER app\nHEALTHCHECK CMD /app --health\nCMD [\"/app\"]\n";
const FROM: &str = "FROM debian:12.5@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
const END: &str = "USER app\nHEALTHCHECK CMD /app --health\n";

/// `rule:line` of everything that is not allowed, over the given policy.
fn breaches(dockerfile: &str, policy: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    fs::write(folder.path().join("scacheck.toml"), policy).unwrap();
    let report = report(arg(folder.path()));
    listed(&report)
}

fn report(subject: &str) -> Value {
    let (_, out, err) = run(&[subject, "--db", "starter", "--today", "2026-01-02", "-f", "json"]);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

fn listed(report: &Value) -> Vec<String> {
    let entries = report["hardening"].as_array().unwrap().iter().filter(|entry| entry["decision"] != "suppressed");
    entries.map(|entry| format!("{}:{}", entry["id"].as_str().unwrap(), entry["location"]["line"].as_u64().unwrap_or(0))).collect()
}

#[test]
fn each_rule_with_a_good_and_a_bad_dockerfile() {
    assert_eq!(breaches(GOOD, ""), Vec::<String>::new());
    let middle = |lines: &str| format!("{FROM}{lines}\n{END}");
    for (bad, expected) in [
        (format!("{FROM}HEALTHCHECK CMD x\n"), vec!["4.1-root-user:1"]),
        (format!("{FROM}USER app\nHEALTHCHECK CMD x\nUSER root\n"), vec!["4.1-root-user:4"]),
        (format!("{FROM}USER 0:0\nHEALTHCHECK CMD x\n"), vec!["4.1-root-user:2"]),
        (format!("FROM debian\n{END}"), vec!["4.2-base-latest:1"]),
        (format!("ARG T=latest\nFROM debian:${{T}}\n{END}"), vec!["4.2-base-latest:2"]),
        (format!("FROM registry.test:5000/debian:12\n{END}"), vec!["4.5-base-not-pinned:1"]),
        (format!("ARG IMAGE\nFROM $IMAGE\n{END}"), vec!["4.5-base-not-pinned:2"]),
        (middle("COPY --from=busybox:1.36 /x /y"), vec!["4.5-base-not-pinned:2"]),
        (middle("RUN apk add --no-cache curl=8.5.0-r0"), vec!["4.3-unneeded-tool:2"]),
        (middle("RUN [\"apk\", \"add\", \"libpq=1\"]"), vec!["4.3-cache-left:2"]),
        (middle("RUN <<EOF\napt-get update\napt-get install -y libpq5=1\nEOF"), vec!["4.3-cache-left:2"]),
        (middle("RUN --mount=type=cache,target=/root/.cache pip install flask==3.0"), vec![]),
        (middle("RUN python3 -m pip install --no-cache-dir -r requirements.txt flask"), vec!["4.11-unpinned-version:2"]),
        (middle("RUN npm install -g left-pad @scope/x@1.0.0"), vec!["4.11-unpinned-version:2"]),
        (middle("RUN dnf install -y nginx-1.20.1 && dnf clean all"), vec![]),
        (middle("RUN dnf install -y nginx && dnf clean all"), vec!["4.11-unpinned-version:2"]),
        (middle("RUN yum -y update"), vec!["4.7-update-alone:2"]),
        (middle("RUN apt-get update\nRUN apt-get install -y libpq5=1"), vec!["4.7-update-alone:2"]),
        (middle("RUN chmod u+s /app"), vec!["4.8-setuid-file:2"]),
        (middle("RUN chmod -R 4755 /app && find / -perm /6000 -exec chmod a-s {} +"), vec!["4.8-setuid-file:2"]),
        (middle("COPY --chmod=4755 app /app"), vec!["4.8-setuid-file:2"]),
        (middle("ADD app.tar.gz /"), vec!["4.9-add-instruction:2"]),
        (middle("ADD https://x.test/a /"), vec!["4.9-add-instruction:2"]),
        (middle("ADD --checksum=sha256:00 https://x.test/a /"), vec![]),
        (middle("ENV DB_PASSWORD hunter2"), vec!["4.10-secret:2"]),
        (middle("ARG NPM_TOKEN"), vec!["4.10-secret:2"]),
        (middle("COPY id_rsa /home/app/.ssh/"), vec!["4.10-secret:2"]),
        (middle("RUN --mount=type=secret,id=npm_token NPM_TOKEN=$(cat /run/secrets/npm_token) npm ci"), vec![]),
        (format!("{FROM}USER app\n"), vec!["4.6-no-healthcheck:1"]),
        (format!("{FROM}USER app\nHEALTHCHECK NONE\n"), vec!["4.6-healthcheck-none:3"]),
        (format!("{FROM}{END}HEALTHCHECK CMD y\n"), vec!["4.6-many-healthchecks:4"]),
    ] {
        assert_eq!(breaches(&bad, ""), expected, "{bad}");
    }
}

#[test]
fn five_dockerfiles_of_daily_practice() {
    for (file, expected) in [
        (
            "FROM node:20.11\nWORKDIR /app\nCOPY . .\nHEALTHCHECK CMD node health.js\nUSER root\nCMD [\"node\", \"x.js\"]\n",
            vec!["4.5-base-not-pinned:1", "4.1-root-user:5"],
        ),
        (
            "FROM alpine:3.19\nADD release.tar.gz /srv\nUSER app\nHEALTHCHECK CMD wget -q localhost\n",
            vec!["4.5-base-not-pinned:1", "4.9-add-instruction:2"],
        ),
        ("FROM centos:7\nRUN yum -y update\nUSER app\nHEALTHCHECK CMD true\n", vec!["4.5-base-not-pinned:1", "4.7-update-alone:2"]),
        (
            "FROM debian:12\nRUN curl -u deploy --password=hunter2 https://x.test/y\nUSER app\nHEALTHCHECK CMD true\n",
            vec!["4.5-base-not-pinned:1", "4.10-secret:2"],
        ),
        (
            "FROM debian:12\nCOPY helper /usr/local/bin/helper\nRUN chown root /usr/local/bin/helper \\\n && chmod 4755 /usr/local/bin/helper\nUSER app\nHEALTHCHECK CMD true\n",
            vec!["4.5-base-not-pinned:1", "4.8-setuid-file:3"],
        ),
    ] {
        assert_eq!(breaches(file, ""), expected, "{file}");
    }
}

#[test]
fn the_policy_and_comments_decide() {
    let file = format!(
        "FROM debian:12\n# scacheck: allow 4.9-add-instruction checked by hand\nADD a.tar /\n# scacheck: allow 4.10-secret\nENV A_TOKEN=hunter2\n{END}"
    );
    assert_eq!(breaches(&file, ""), ["4.5-base-not-pinned:1", "4.10-secret:5"]);
    let strict = "[hardening]\ndefault = \"deny\"\nbase-images = [\"docker.io/library/alpine:*\"]\n[hardening.rules]\n\"4.5-base-not-pinned\" = \"allow\"\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Dockerfile"), &file).unwrap();
    fs::write(folder.path().join("scacheck.toml"), strict).unwrap();
    let (code, out, _) = run(&[arg(folder.path()), "--db", "starter", "--today", "2026-01-02", "-f", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let said: Vec<(&str, &str)> = report["hardening"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["id"].as_str().unwrap(), entry["decision"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("4.2-base-not-allowed", "deny"),
            ("4.5-base-not-pinned", "allow"),
            ("4.9-add-instruction", "suppressed"),
            ("4.10-secret", "deny")
        ]
    );
    assert!(code == 1 && !out.contains("hunter2") && out.contains("gives no reason"));
    // Under a floor, a comment in the file itself loosens nothing.
    let (_, out, _) = run(&[
        arg(folder.path()),
        "--db",
        "starter",
        "--today",
        "2026-01-02",
        "-f",
        "json",
        "--policy-floor",
        arg(&folder.path().join("scacheck.toml")),
    ]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["hardening"][2]["decision"], "deny");
}

/// An image of `docker save` with one layer per entry of its history that has files.
fn image(folder: &Path, run_as: Value, history: &[(&str, Option<Vec<u8>>)]) -> String {
    let layers: Vec<&Vec<u8>> = history.iter().filter_map(|(_, layer)| layer.as_ref()).collect();
    let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let entries: Vec<Value> = history.iter().map(|(text, layer)| json!({"created_by": text, "empty_layer": layer.is_none()})).collect();
    let config = json!({"os": "linux", "architecture": "amd64", "config": run_as, "history": entries, "rootfs": {"type": "layers", "diff_ids": digests}}).to_string();
    let names: Vec<String> = (0..layers.len()).map(|at| format!("{at}.tar")).collect();
    let manifest = json!([{"Config": "config.json", "RepoTags": ["x:1"], "Layers": names}]).to_string();
    let mut held: Vec<(&str, &[u8])> = vec![("manifest.json", manifest.as_bytes()), ("config.json", config.as_bytes())];
    held.extend(names.iter().map(String::as_str).zip(layers.iter().map(|layer| layer.as_slice())));
    let path = folder.join("image.tar");
    fs::write(&path, tar_of(&held)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A layer with a setuid file and, if wanted, a package database.
fn layer(path: &str, mode: u32, status: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, bytes).unwrap();
    };
    add(path, mode, b"x");
    if !status.is_empty() {
        add("etc/os-release", 0o644, b"ID=debian\nVERSION_ID=\"12\"\n");
        add("etc/passwd", 0o644, b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n");
        add("var/lib/dpkg/status", 0o644, status.as_bytes());
    }
    tar.into_inner().unwrap()
}

#[test]
fn an_image_is_judged_by_its_own_layers() {
    let folder = tempfile::tempdir().unwrap();
    let package = |name: &str| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-1\n\n");
    let base = layer("usr/bin/passwd", 0o4755, &package("wget"));
    let own = layer("srv/helper", 0o4755, &format!("{}{}", package("wget"), package("gcc-12")));
    let key = tar_of(&[("root/.ssh/id_rsa", b"-----BEGIN OPENSSH PRIVATE KEY-----")]);
    let history = [
        ("/bin/sh -c #(nop) ADD file:0 in / ", Some(base)),
        ("/bin/sh -c #(nop)  CMD [\"bash\"]", None),
        ("ENV API_TOKEN=hunter2", None),
        ("RUN /bin/sh -c apt-get update # buildkit", Some(own)),
        ("ADD a.tar /srv # buildkit", Some(key)),
        ("CMD [\"/srv\"]", None),
    ];
    let bad = image(folder.path(), json!({"Env": ["API_TOKEN=hunter2"]}), &history);
    let report = report(&bad);
    let mut found = listed(&report);
    found.sort();
    assert_eq!(
        found,
        [
            "4.1-root-user:0",
            "4.10-secret:0",
            "4.10-secret:0",
            "4.10-secret:0",
            "4.3-unneeded-tool:6",
            "4.6-no-healthcheck:0",
            "4.7-update-alone:4",
            "4.8-setuid-file:0",
            "4.9-add-instruction:5"
        ]
    );
    let text = report.to_string();
    assert!(!text.contains("hunter2") && !text.contains("usr/bin/passwd has") && text.contains("gcc-12"));
    assert!(report["warnings"].to_string().contains("the first 2 of the image's 6 instructions"), "{}", report["warnings"]);
}

#[test]
fn a_rule_can_be_of_one_image() {
    let folder = tempfile::tempdir().unwrap();
    let status = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-1\n";
    let image = image(folder.path(), json!({}), &[("RUN x", Some(layer("srv/x", 0o755, status)))]);
    let policy = folder.path().join("scacheck.toml");
    for (name, expected) in [("x:*", 1), ("y:*", 0)] {
        fs::write(&policy, format!("[[deny]]\npurl = \"pkg:deb/**\"\nimage = \"{name}\"\nreason = \"not in this one\"\n")).unwrap();
        let report = report(&image);
        assert_eq!((report["whitelist"].as_array().unwrap().len(), &report["subjects"][0]["names"]), (expected, &json!(["x:1"])));
    }
}

#[test]
fn the_user_of_an_image_must_exist_and_not_be_root() {
    let folder = tempfile::tempdir().unwrap();
    let history = [("RUN /bin/sh -c useradd app", Some(layer("srv/x", 0o755, " ")))];
    for (user, expected) in [
        ("app", None),
        ("1000:1000", None),
        ("ghost", Some("4.1-unknown-user")),
        ("toor", Some("4.1-root-user")),
        ("0", Some("4.1-root-user")),
    ] {
        let run_as = json!({"User": user, "Healthcheck": {"Test": ["CMD", "true"]}});
        let report = report(&image(folder.path(), run_as, &history));
        let found: Vec<&str> = report["hardening"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{user}");
    }
}
