//! The whitelist from making it to keeping it: init, check, add, diff, prune, suppress, import, and a floor.

use crate::{arg, run};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const TODAY: &str = "2026-01-02";
const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
const B: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA==";

/// A lockfile of `name version digest registry`, a package a line.
fn lock(folder: &Path, packages: &[(&str, &str, &str, &str)]) {
    let line = |(name, version, digest, registry): &(&str, &str, &str, &str)| {
        format!(
            "\"node_modules/{name}\":{{\"version\":\"{version}\",\"resolved\":\"{registry}/{name}/-/{name}-{version}.tgz\",\"integrity\":\"sha512-{digest}\"}}"
        )
    };
    let lines: Vec<String> = packages.iter().map(line).collect();
    let text = format!("{{\"name\":\"x\",\"lockfileVersion\":3,\"packages\":{{\"\":{{\"name\":\"x\"}},\n{}\n}}}}", lines.join(",\n"));
    fs::write(folder.join("package-lock.json"), text).unwrap();
}

const PUBLIC: &str = "https://registry.npmjs.org";
const BEFORE: [(&str, &str, &str, &str); 4] =
    [("express", "4.18.0", A, PUBLIC), ("lodash", "4.17.20", A, PUBLIC), ("request", "2.88.2", A, PUBLIC), ("semver", "7.5.0", A, PUBLIC)];

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    lock(folder.path(), &BEFORE);
    folder
}

fn whitelist(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let policy = folder.join("scacheck.toml");
    let mut all = vec!["whitelist"];
    all.extend(arguments);
    all.extend(["--config", arg(&policy), "--today", TODAY]);
    run(&all)
}

#[test]
fn from_init_to_four_denials_each_with_both_lines() {
    let folder = project();
    let at = arg(folder.path());
    let (code, out, err) = whitelist(folder.path(), &["init", at, "--approved-by", "security"]);
    assert!(code == 0 && out.contains("4 allow rules for 4 packages"), "{out}{err}");
    assert_eq!(whitelist(folder.path(), &["check", at, "--deny-unused"]).0, 0);
    assert_eq!(whitelist(folder.path(), &["init", at]).0, 2, "a second init would hide what was approved");
    lock(
        folder.path(),
        &[
            ("express", "4.19.0", A, PUBLIC),
            ("lodash", "4.17.20", B, PUBLIC),
            ("request", "2.88.2", A, "https://npm.evil.test"),
            ("semver", "7.5.0", A, PUBLIC),
            ("left-pad", "1.3.0", A, PUBLIC),
        ],
    );
    let (code, out, _) = whitelist(folder.path(), &["check", at]);
    let policy = fs::read_to_string(folder.path().join("scacheck.toml")).unwrap();
    let line = |text: &str| policy.lines().position(|line| line.contains(text)).unwrap() + 1;
    for (package, lock_line, reason, rule_line) in [
        ("express@4.19.0", 2, "version 4.19.0 is not 4.18.0", line("express")),
        ("lodash@4.17.20", 3, "is not the approved one", line("lodash") + 1),
        ("request@2.88.2", 4, "it comes from https://npm.evil.test", line("registries")),
        ("left-pad@1.3.0", 6, "no allow rule names it", line("mode")),
    ] {
        let block = out.split("  pkg:npm/").find(|block| block.starts_with(package)).unwrap_or_else(|| panic!("{package}: {out}"));
        let block = block.split("\n\n").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(block.contains(&format!("package-lock.json:{lock_line} ")) && block.contains(reason), "{block}");
        assert!(block.contains(&format!("scacheck.toml:{rule_line})")), "{block} {rule_line}");
    }
    assert!(code == 1 && out.contains("Denied packages (4)") && out.contains(&format!("integrity = \"sha512-{B}\"")), "{out}");
    let (code, out, _) = whitelist(folder.path(), &["diff", at, "--markdown"]);
    assert!(code == 1 && out.starts_with("### Whitelist: 1 added, 2 changed, 1 refused, 0 removed"), "{out}");
}

#[test]
fn add_and_prune_keep_everything_else() {
    let folder = project();
    let at = arg(folder.path());
    whitelist(folder.path(), &["init", at]);
    let path = folder.path().join("scacheck.toml");
    let mine = fs::read_to_string(&path)
        .unwrap()
        .replace("[[allow]]\npurl = \"pkg:npm/lodash", "# the utility belt\n[[allow]]\npurl = \"pkg:npm/lodash");
    fs::write(&path, &mine).unwrap();
    lock(folder.path(), &[("express", "4.18.0", A, PUBLIC), ("lodash", "4.17.20", A, PUBLIC), ("left-pad", "1.3.0", B, PUBLIC)]);
    let (code, out, err) =
        whitelist(folder.path(), &["add", "pkg:npm/left-pad@1.3.0", "--reason", "looked at", "--ticket", "SEC-1", "--subject", at]);
    assert_eq!(code, 0, "{out}{err}");
    let text = fs::read_to_string(&path).unwrap();
    let added =
        format!("\n[[allow]]\npurl = \"pkg:npm/left-pad@1.3.0\"\nintegrity = \"sha512-{B}\"\nreason = \"looked at\"\nticket = \"SEC-1\"\n");
    assert_eq!(text, format!("{mine}{added}"));
    assert!(whitelist(folder.path(), &["prune", at, "--dry-run"]).1.contains("2 of 5 allow rules would be taken out"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(whitelist(folder.path(), &["prune", at]).0, 0);
    let pruned = fs::read_to_string(&path).unwrap();
    assert!(pruned.contains("# the utility belt") && !pruned.contains("request") && !pruned.contains("semver"), "{pruned}");
    assert_eq!(whitelist(folder.path(), &["check", at, "--deny-unused"]).0, 0);
    let (code, _, err) = whitelist(folder.path(), &["add", "pkg:npm/left-pad", "--reason", "x"]);
    assert!(code == 2 && err.contains("names no version"), "{err}");
}

#[test]
fn a_suppression_is_written_down_and_counts() {
    let folder = project();
    let (at, policy) = (arg(folder.path()), folder.path().join("scacheck.toml"));
    let config = ["--config", arg(&policy)];
    let suppress = [
        "suppress",
        "CVE-2021-23337",
        "pkg:npm/lodash",
        "--reason",
        "no templates",
        "--justification",
        "vulnerable_code_not_in_execute_path",
    ];
    assert_eq!(run(&[&suppress[..], &config[..]].concat()).0, 0);
    let (_, out, _) = run(&[&[at, "--db", "starter", "--today", TODAY, "-f", "json"][..], &config[..]].concat());
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let finding = report["findings"].as_array().unwrap().iter().find(|one| one["id"] == "CVE-2021-23337").unwrap();
    assert_eq!(
        (finding["decision"].as_str(), finding["places"][0]["vex"].as_str()),
        (Some("suppressed"), Some("vulnerable_code_not_in_execute_path"))
    );
    let (code, _, err) =
        run(&[&["suppress", "CVE-1", "pkg:npm/x", "--reason", "y", "--justification", "because"][..], &config[..]].concat());
    assert!(code == 2 && err.contains("no VEX justification"), "{err}");
    assert!(!fs::read_to_string(&policy).unwrap().contains("because"), "nothing wrong is written");
}

#[test]
fn a_floor_holds_whatever_the_project_says() {
    let folder = project();
    let floor = folder.path().join("floor.toml");
    fs::write(&floor, "[[deny]]\npurl = \"pkg:npm/request\"\nreason = \"nobody keeps it\"\nuse-instead = \"undici\"\n").unwrap();
    fs::write(folder.path().join("scacheck.toml"), "[whitelist]\nmode = \"off\"\n[gate]\nfail-on = \"none\"\nfail-on-kev = false\n")
        .unwrap();
    let arguments = [arg(folder.path()), "--db", "starter", "--today", TODAY, "-f", "json"];
    assert_eq!(run(&arguments).0, 0);
    let (code, out, _) = run(&[&arguments[..], &["--policy-floor", arg(&floor)]].concat());
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let denied: Vec<_> = report["whitelist"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["rule"]["location"]["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((code, denied), (1, vec![arg(&floor).to_owned()]));
    let roles: Vec<_> = report["policy"].as_array().unwrap().iter().map(|file| file["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["config", "floor"]);
}

#[test]
fn each_id_of_a_rule_can_be_unused() {
    let folder = project();
    let policy = "[[suppress]]\nid = [\"CVE-2021-23337\",\n  \"CVE-1999-0001\"]\npurl = \"pkg:npm/lodash\"\nreason = \"x\"\n";
    fs::write(folder.path().join("scacheck.toml"), policy).unwrap();
    let arguments = [arg(folder.path()), "--db", "starter", "--today", TODAY, "--fail-on", "none", "--fail-on-kev=false"];
    let (code, out, _) = run(&arguments);
    assert!(code == 0 && out.contains("scacheck.toml:3: suppress CVE-1999-0001 (of"), "{out}");
    assert!(!out.contains("suppress CVE-2021-23337 (of") && !out.contains("\\u{a}"), "{out}");
    assert_eq!(run(&[&arguments[..], &["--deny-unused"]].concat()).0, 1);
}

#[test]
fn other_tools_files_are_taken_over_and_what_is_left_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import");
    for name in [
        "suppression.xml",
        ".trivyignore",
        ".trivyignore.yaml",
        ".grype.yaml",
        "osv-scanner.toml",
        "deny.toml",
        "claircli.yaml",
        "clair-scanner.yaml",
        "anchore.json",
    ] {
        let (_, out, err) = run(&["whitelist", "import", "--print", arg(&folder.join(name))]);
        let expected = folder.join(format!("{}.expected", name.trim_start_matches('.')));
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            fs::write(&expected, &out).unwrap();
        }
        assert_eq!(out, fs::read_to_string(&expected).unwrap(), "{name} {err}");
    }
    let project = project();
    let config = project.path().join("scacheck.toml");
    fs::write(&config, "# ours\n").unwrap();
    let xml = folder.join("suppression.xml");
    let (code, out, err) = run(&["whitelist", "import", arg(&xml), "--config", arg(&config)]);
    assert!(code == 1 && out.contains("5 rules taken over") && out.matches("not taken over").count() == 6, "{out}{err}");
    assert!(fs::read_to_string(&config).unwrap().starts_with("# ours\n"));
    // The same file can be used as it is.
    let (_, out, _) = run(&[
        arg(project.path()),
        "--db",
        "starter",
        "--today",
        TODAY,
        "-f",
        "json",
        "--suppression",
        arg(&xml),
        "--config",
        arg(&folder.join("../empty.toml")),
    ]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["summary"]["suppressed"], 1, "{}", report["summary"]);
    assert!(report["warnings"].to_string().contains("line 18: <filePath> cannot be said in a rule"));
    let (code, _, err) = run(&["whitelist", "import", arg(&folder.join("../empty.toml"))]);
    assert!(code == 2 && err.contains("none of the forms"), "{err}");
}

#[test]
fn the_schema_for_editors_knows_every_key() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../reports/schema/policy.schema.json")).unwrap();
    let keys =
        |value: &serde_json::Value| value["properties"].as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let known = |text: &str| {
        let wrong = scacheck::decide::policy::Policy::parse("x", text).unwrap_err();
        let (_, list) = wrong.message.split_once("expected").unwrap_or_else(|| panic!("{wrong}"));
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let of = &schema["properties"];
    assert_eq!(keys(&schema), known("zzz = 1\n"));
    for section in ["whitelist", "gate", "sources", "hardening"] {
        assert_eq!(keys(&of[section]), known(&format!("[{section}]\nzzz = 1\n")), "{section}");
    }
    assert_eq!(keys(&of["gate"]["properties"]["base"]), known("[gate.base]\nzzz = 1\n"));
    let all: std::collections::BTreeSet<String> =
        ["allow", "deny", "suppress"].iter().flat_map(|table| keys(&of[*table]["items"])).collect();
    assert_eq!(all, known("[[allow]]\nzzz = 1\n"));
    assert_eq!(keys(&of["identity"]["items"]), known("[[identity]]\nzzz = 1\n"));
}

#[test]
fn where_packages_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |name: &str, rest: &str| format!("\"node_modules/{name}\":{{\"version\":\"1.0.0\",{rest}}}");
    let good = format!("\"integrity\":\"sha512-{A}\"");
    let lines = [
        entry("fine-one", &good),
        entry(
            "plain-http",
            &format!("\"resolved\":\"http://npm.acme.test/plain-http/-/plain-http-1.0.0.tgz\",\"integrity\":\"sha512-{A}\""),
        ),
        entry("no-digest", "\"dev\":false"),
        entry("in-bundle", "\"inBundle\":true"),
        entry("weak-digest", "\"integrity\":\"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=\""),
        entry("from-git", "\"resolved\":\"git+ssh://git@github.com/acme-evil/x.git#0123456789012345678901234567890123456789\""),
        entry("our-git", "\"resolved\":\"git+ssh://git@github.com/acme/x.git#0123456789012345678901234567890123456789\""),
        entry("with-script", &format!("{good},\"hasInstallScript\":true")),
        entry("approved-script", &format!("{good},\"hasInstallScript\":true")),
        entry("fine-onee", &good),
    ];
    fs::write(
        folder.path().join("package-lock.json"),
        format!("{{\"name\":\"x\",\"lockfileVersion\":3,\"packages\":{{\"\":{{\"name\":\"x\"}},{}}}}}", lines.join(",")),
    )
    .unwrap();
    let policy = "[sources]\nregistries = [\"public\", \"http://npm.acme.test\"]\ngit = [\"https://github.com/acme\"]\non-http = \"deny\"\n\
                  on-missing-integrity = \"deny\"\non-weak-integrity = \"deny\"\non-install-script = \"deny\"\n\
                  [[allow]]\npurl = \"pkg:npm/fine-one\"\nreason = \"x\"\n[[allow]]\npurl = \"pkg:npm/approved-script\"\ninstall-script = true\nreason = \"x\"\n";
    fs::write(folder.path().join("scacheck.toml"), policy).unwrap();
    let (code, out, err) = run(&[arg(folder.path()), "--db", "starter", "--today", TODAY, "-f", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    let said: Vec<String> = report["whitelist"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            format!(
                "{} {} {}",
                &entry["purl"].as_str().unwrap()[8..],
                entry["rule"]["text"].as_str().unwrap().split(' ').next().unwrap(),
                entry["decision"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "fine-onee@1.0.0 on-near-name warn",
            "from-git@1.0.0 git deny",
            "no-digest@1.0.0 on-missing-integrity deny",
            "plain-http@1.0.0 on-http deny",
            "weak-digest@1.0.0 on-weak-integrity deny",
            "with-script@1.0.0 on-install-script deny"
        ],
        "{}",
        report["packages"]
    );
    assert_eq!(code, 1);
}

#[test]
fn the_base_image_and_development_have_gates_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("package-lock.json"), "{\"name\":\"x\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"x\"},\"node_modules/lodash\":{\"version\":\"4.17.20\",\"dev\":true}}}").unwrap();
    let path = folder.path().join("scacheck.toml");
    let code = |policy: &str| {
        fs::write(&path, policy).unwrap();
        run(&[arg(folder.path()), "--db", "starter", "--today", TODAY]).0
    };
    assert_eq!(code(""), 1);
    assert_eq!(code("[gate.development]\nfail-on = \"critical\"\n"), 0);
    assert_eq!(code("[gate.production]\nfail-on = \"critical\"\n[gate.base]\nfail-on = \"none\"\n"), 1);
    assert_eq!(code("[gate]\ngrace-days = 30000\n"), 0);
}
