//! A check as its user sees it: verdicts, exit codes, messages, outputs.

use crate::{arg, run, scacheck};
use std::fs;
use tempfile::TempDir;

const TODAY: [&str; 4] = ["--db", "starter", "--today", "2026-01-02"];

fn check(arguments: &[&str]) -> (i32, String, String) {
    run(&[&TODAY[..], arguments].concat())
}

/// A folder with one file.
fn folder(name: &str, bytes: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let (_, out, err) = check(&[arguments, &["-f", "json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"))
}

#[test]
fn the_example_shows_a_finding_a_denied_package_and_a_page() {
    let out = TempDir::new().unwrap();
    let page = out.path().join("report.html");
    let (code, text, _) = check(&["examples/shop", "-f", "text", "-f", &format!("html={}", arg(&page))]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("CVE-2021-23337") && text.contains("pkg:npm/left-pad@1.3.0") && text.contains("npm install lodash@4.17.21"));
    assert!(text.lines().all(|line| line.chars().count() <= 80 || !line.contains(' ')), "{text}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("CVE-2021-23337") && !page.contains("<script"));
}

/// Every row of the exit-code table: arguments, and the code they must give.
#[test]
fn exit_codes() {
    let clean = folder("requirements.txt", b"requests==2.32.3\n");
    let empty = TempDir::new().unwrap();
    let half = folder("package-lock.json", br#"{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17"#);
    let java = folder("pom.xml", b"<project/>");
    fs::write(java.path().join("requirements.txt"), "requests==2.32.3\n").unwrap();
    let (clean, empty, half, java) = (arg(clean.path()), arg(empty.path()), arg(half.path()), arg(java.path()));
    let rows: &[(&[&str], i32)] = &[
        (&[clean], 0),
        (&["pkg:npm/lodash@4.17.4"], 1),
        (&["pkg:npm/lodash@4.17.4", "--exit-zero"], 0),
        (&["pkg:npm/lodash@4.17.4", "--fail-on", "critical"], 0),
        (&["pkg:npm/lodash@4.17.4", "--fail-on", "none"], 0),
        (&["pkg:npm/lodash@4.17.4", "--fail-on", "none", "--fail-on-cvss", "7"], 1),
        (&["pkg:npm/lodash@not.a.version"], 1),
        (&["pkg:npm/lodash@not.a.version", "--on-doubt", "version-unparsable=warn"], 0),
        (&[clean, "--fail-on", "hihg"], 2),
        (&[clean, "--on-doubt", "weak-identity"], 2),
        (&[clean, "--today", "soon"], 2),
        (&[clean, "--ecosystem", "pipy"], 2),
        (&[clean, "--ecosystem", "pypi,npm"], 0),
        (&["no/such/folder"], 2),
        (&["pkg:npm/lodash"], 2),
        (&[empty], 3),
        (&[empty, "--allow-empty"], 0),
        (&[half], 5),
        (&[half, "--on-gap", "warn", "--allow-empty"], 0),
        (&[java], 0),
        (&[java, "--strict"], 5),
        (&[clean, empty], 3),
        (&[clean, half], 5),
        (&[half, "pkg:npm/lodash@4.17.4"], 1),
    ];
    for (arguments, expected) in rows {
        let (code, out, err) = check(arguments);
        assert_eq!(code, *expected, "{arguments:?}\n{out}\n{err}");
    }
    let (code, _, err) = run(&[clean, "--db", "/nonexistent/mirror"]);
    assert_eq!(code, 4);
    assert!(err.contains("scacheck sync") && err.contains("--db starter"), "{err}");
}

#[test]
fn damaged_files_are_one_gap_that_names_the_place() {
    for (name, bytes, said) in [
        ("package-lock.json", &b"\x00\x01\x02binary"[..], "binary"),
        ("package-lock.json", &br#"{"lockfileVersion":3,"packages":{"node_modules/a":{"ver"#[..], "cut off"),
        ("Cargo.lock", &b"[[package]]\nname = "[..], "Cargo.lock:2"),
        ("requirements.txt", &b"flask>=1\n"[..], "not pinned"),
        ("bom.json", &b"{}"[..], "CycloneDX"),
    ] {
        let folder = folder(name, bytes);
        let (code, text, _) = check(&[arg(folder.path())]);
        assert_eq!(code, 5, "{name}: {text}");
        assert!(text.contains(said), "{text}");
    }
    let line = format!("{{\"lockfileVersion\":3,\"packages\":{{\"{}\":{{}}}}}}", "x".repeat(65 << 20));
    let folder = folder("package-lock.json", line.as_bytes());
    let (code, text, _) = check(&[arg(folder.path())]);
    assert!(code == 5 && text.contains("is the most that is read"), "{text}");
}

#[test]
fn purls_and_sboms_come_in_on_standard_input() {
    for input in [
        "pkg:npm/lodash@4.17.4\n",
        r#"{"bomFormat":"CycloneDX","components":[{"type":"library","name":"lodash","purl":"pkg:npm/lodash@4.17.4"}]}"#,
    ] {
        let output = scacheck().args(TODAY).arg("-").write_stdin(input).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
}

/// After enough packages the mirror answers from another structure; the answer must stay the same.
#[test]
fn the_last_of_many_packages_is_identified_like_the_first() {
    let many: String = (0..400).map(|at| format!("pkg:npm/no-such-package-{at}@1.0.0\n")).collect();
    let output =
        scacheck().args(TODAY).args(["-f", "json", "-"]).write_stdin(many + "pkg:npm/lodash@4.17.4\npkg:npm/zz-none@1\n").output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let alone = json(&["pkg:npm/lodash@4.17.4"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), alone["findings"].as_array().unwrap().len());
}

#[test]
fn the_fix_is_a_command_of_the_tool_that_made_the_lockfile() {
    for (file, text, command) in [
        (
            "package-lock.json",
            r#"{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}"#,
            "npm install lodash@4.17.21",
        ),
        ("yarn.lock", "# yarn lockfile v1\n\nlodash@^4:\n  version \"4.17.20\"\n", "yarn add lodash@4.17.21"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '6.0'\npackages:\n  /lodash@4.17.20:\n    resolution: {integrity: sha512-x}\n",
            "pnpm update lodash@4.17.21",
        ),
    ] {
        let folder = folder(file, text.as_bytes());
        let report = json(&[arg(folder.path())]);
        let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "CVE-2021-23337").unwrap().clone();
        assert_eq!(finding["fix"]["command"], command, "{file}");
    }
}

#[test]
fn a_whitelist_allows_only_what_it_names_and_says_which_line_would_do() {
    let folder = folder("requirements.txt", b"requests==2.32.3\nidna==3.7\n");
    let policy = "[whitelist]\nmode = \"allow-only\"\n[[allow]]\npurl = \"pkg:pypi/requests\"\nrange = \">=2,<3\"\n[[allow]]\npurl = \"pkg:pypi/unused\"\n";
    fs::write(folder.path().join("scacheck.toml"), policy).unwrap();
    let report = json(&[arg(folder.path())]);
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["whitelist"].as_array().unwrap().len(), 1);
    assert!(report["whitelist"][0]["paste"].as_str().unwrap().contains("purl = \"pkg:pypi/idna@3.7\""));
    assert_eq!(report["unused_rules"][0]["location"]["line"], 7);
    fs::write(folder.path().join("scacheck.toml"), "[whitelist]\nmod = \"off\"\n").unwrap();
    let (code, _, err) = check(&[arg(folder.path())]);
    assert!(code == 2 && err.contains("scacheck.toml:2:1") && err.contains("did you mean `mode`"), "{err}");
}

#[test]
fn suppressions_stay_in_the_report_and_end() {
    let folder = folder("package-lock.json", br#"{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}"#);
    let rule = "[[suppress]]\nid = \"CVE-2021-23337\"\nreason = \"templates are ours\"\nuntil = 2026-01-02\n";
    fs::write(folder.path().join("scacheck.toml"), rule).unwrap();
    let report = json(&[arg(folder.path())]);
    let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "CVE-2021-23337").unwrap().clone();
    assert_eq!(finding["decision"], "suppressed");
    assert_eq!(finding["places"][0]["rule"]["reason"], "templates are ours");
    let (code, text, _) = run(&["--db", "starter", "--today", "2026-01-03", arg(folder.path())]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 1 && text.contains("expired on 2026-01-02"), "{text}");
}

#[test]
fn debian_packages_are_judged_by_debian() {
    let of = |version: &str| json(&[&format!("pkg:deb/debian/libssl1.1@{version}?distro=debian-11&upstream=openssl")]);
    let (old, fixed) = (of("1.1.1k-1"), of("1.1.1n-0+deb11u4"));
    assert!(old["findings"].as_array().unwrap().iter().any(|finding| finding["id"] == "CVE-2023-0286" && finding["truth"] == "yes"));
    assert!(fixed["findings"].as_array().unwrap().is_empty());
    let (code, text, _) = check(&["pkg:deb/debian/openssl@1.1.1k-1?distro=debian-12"]);
    assert!(code == 5 && text.contains("no advisories of Debian:12"), "{text}");
}

#[test]
fn the_same_run_gives_the_same_bytes_and_fits_the_schema() {
    let once = check(&["examples/shop", "-f", "json"]).1;
    assert_eq!(once, check(&["examples/shop", "-f", "json"]).1);
    let report: serde_json::Value = serde_json::from_str(&once).unwrap();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../reports/schema/report.schema.json")).unwrap();
    for key in schema["required"].as_array().unwrap() {
        assert!(report.get(key.as_str().unwrap()).is_some(), "{key}");
    }
    for (key, _) in report.as_object().unwrap() {
        assert!(schema["properties"].get(key).is_some(), "{key} is not in the schema");
    }
    for required in schema["properties"]["findings"]["items"]["required"].as_array().unwrap() {
        assert!(report["findings"][0].get(required.as_str().unwrap()).is_some(), "{required}");
    }
}

#[test]
fn explain_shows_identity_and_reasoning() {
    let (code, text, _) = run(&["explain", "pkg:npm/lodash@4.17.4", "CVE-2021-23337", "--db", "starter"]);
    assert_eq!(code, 0);
    assert!(text.contains("is lodash:lodash") && text.contains("version 4.17.4 against < 4.17.21"), "{text}");
}

#[test]
fn the_sample_reports_are_current() {
    for (format, file) in [("text", "report.txt"), ("json", "report.json"), ("html", "report.html")] {
        let (_, out, _) = check(&["examples/shop", "-f", format]);
        let path = format!("{}/reports/sample/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            fs::write(&path, &out).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), out, "UPDATE_SAMPLES=1 cargo test renews {file}");
    }
}

#[test]
fn names_that_steer_terminals_or_pages_are_harmless() {
    let lock = "{\"lockfileVersion\":3,\"packages\":{\"node_modules/<script>alert(1)\\u001b[31m\":{\"version\":\"1.0.0\"}}}";
    let folder = folder("package-lock.json", lock.as_bytes());
    fs::write(folder.path().join("scacheck.toml"), "[whitelist]\nmode = \"allow-only\"\n").unwrap();
    for format in ["text", "html"] {
        let (_, out, _) = check(&[arg(folder.path()), "-f", format]);
        assert!(!out.contains('\u{1b}') && !out.contains("<script>alert"), "{out}");
    }
}

#[test]
fn a_policy_says_what_a_package_is_and_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let check = |policy: &str, purl: &str| {
        fs::write(folder.path().join("scacheck.toml"), policy).unwrap();
        run(&["-f", "json", "--db", "starter", "--config", arg(&folder.path().join("scacheck.toml")), purl])
    };
    let rule = |purl: &str, what: &str| format!("[[identity]]\npurl = \"{purl}\"\n{what}\nreason = \"our fork\"\n");
    let findings = |out: &str| serde_json::from_str::<serde_json::Value>(out).unwrap()["findings"].as_array().unwrap().len();
    let (code, out, err) = check(&rule("pkg:npm/our-lodash", "is = [\"lodash:lodash\"]"), "pkg:npm/our-lodash@4.17.4");
    assert!(code == 1 && findings(&out) > 0 && out.contains("our fork") && out.contains("line 2"), "{out}{err}");
    let (_, out, _) = check(&rule("pkg:npm/hoek", "is-not = [\"hapijs:hoek\"]"), "pkg:npm/hoek@1.0.0");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["packages"][0]["identity"].as_array().map(Vec::len), Some(0));
    let (code, _, err) = check(&rule("pkg:npm/hoek", "is = [\"hoek\"]"), "pkg:npm/hoek@1.0.0");
    assert!(code == 2 && err.contains("not a vendor and a product") && err.contains("scacheck.toml:3"), "{err}");
    let (code, _, err) = check(&rule("pkg:npm/hoek", ""), "pkg:npm/hoek@1.0.0");
    assert!(code == 2 && err.contains("neither `is` nor `is-not`"), "{err}");
}
