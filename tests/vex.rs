//! VEX statements of the three forms, applied or with the nearest miss; OpenVEX of what was suppressed.

use crate::{arg, run};
use serde_json::{Value, json};
use std::fs;

const TODAY: &str = "2026-01-02";
const ID: &str = "CVE-2021-23337";
const LODASH: &str = "pkg:npm/lodash@4.17.20";

/// What a document makes of the one package's findings: the decision, the justification, and the entry of its first statement.
fn judged(subject: &str, document: &Value) -> (String, Option<String>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vex.json");
    fs::write(&path, document.to_string()).unwrap();
    let (code, out, err) =
        run(&[subject, "--db", "starter", "--today", TODAY, "-f", "json", "--vex", arg(&path), "--config", "tests/fixtures/empty.toml"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {err}"));
    let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == ID).unwrap().clone();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (text(&finding["decision"]).unwrap(), text(&finding["places"][0]["vex"]), report["vex"][0].clone())
}

fn openvex(products: Value, status: &str) -> Value {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "a", "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [
        {"vulnerability": {"name": "GHSA-35jh-r3h4-6jhm", "aliases": [ID]}, "products": products, "status": status,
         "justification": "vulnerable_code_not_present", "impact_statement": "we never template"}]})
}

#[test]
fn openvex_by_alias_and_purl() {
    for (product, nearest) in [
        (json!([{"@id": LODASH}]), None),
        (json!([{"@id": "pkg:npm/lodash"}]), None),
        (json!([{"@id": "x", "identifiers": {"purl": LODASH}}]), None),
        (json!([LODASH]), None),
        (json!([{"@id": "pkg:npm/lodash@4.17.21"}]), Some("it is about pkg:npm/lodash 4.17.21, the version is 4.17.20")),
        (
            json!([{"@id": "pkg:npm/lodash@4.17.20?repository_url=npm.acme.test"}]),
            Some("its repository_url is npm.acme.test, the package's not stated"),
        ),
        (json!([{"@id": "pkg:npm/underscore"}]), Some("its product is pkg:npm/underscore")),
        (
            json!([{"@id": "pkg:oci/app@sha256%3Aaa", "subcomponents": [{"@id": LODASH}]}]),
            Some("but its product pkg:oci/app@sha256%3Aaa is not"),
        ),
        (json!([]), Some("it names no product")),
    ] {
        let (decision, vex, entry) = judged(LODASH, &openvex(product.clone(), "not_affected"));
        match nearest {
            None => assert_eq!(
                (decision.as_str(), vex.as_deref(), entry["matched"].as_bool()),
                ("suppressed", Some("vulnerable_code_not_present"), Some(true)),
                "{product}"
            ),
            Some(nearest) => {
                assert_eq!((decision.as_str(), entry["matched"].as_bool()), ("deny", Some(false)), "{product}");
                assert!(entry["nearest"].as_str().unwrap().contains(nearest), "{entry}");
            }
        }
    }
    let (decision, _, entry) = judged(LODASH, &openvex(json!([{"@id": LODASH}]), "affected"));
    assert!(decision == "deny" && entry["matched"] == true && entry["nearest"].as_str().unwrap().contains("sets nothing aside"));
}

#[test]
fn the_later_of_two_statements_counts() {
    let mut document = openvex(json!([{"@id": LODASH}]), "not_affected");
    let mut later = document["statements"][0].clone();
    later["status"] = json!("affected");
    later["timestamp"] = json!("2026-01-02T00:00:00Z");
    document["statements"].as_array_mut().unwrap().insert(0, later);
    assert_eq!(judged(LODASH, &document).0, "deny");
    document["statements"][0]["timestamp"] = json!("2025-01-02T00:00:00Z");
    assert_eq!(judged(LODASH, &document).0, "suppressed");
}

#[test]
fn cyclonedx_by_reference() {
    let document = |reference: &str, versions: Value, state: &str| {
        json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"type": "library", "name": "lodash", "bom-ref": "r1", "purl": LODASH}],
            "vulnerabilities": [{"id": ID, "analysis": {"state": state, "justification": "code_not_reachable", "detail": "d"}, "affects": [{"ref": reference, "versions": versions}]}]})
    };
    let reachable = Some("vulnerable_code_not_in_execute_path".to_owned());
    for (reference, versions, state, decision) in [
        ("r1", json!([]), "not_affected", "suppressed"),
        ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#r1", json!([]), "false_positive", "suppressed"),
        (LODASH, json!([]), "resolved", "suppressed"),
        ("pkg:npm/lodash", json!([{"version": "4.17.20"}]), "not_affected", "suppressed"),
        ("pkg:npm/lodash", json!([{"version": "4.17.19"}]), "not_affected", "deny"),
        ("r1", json!([]), "exploitable", "deny"),
        ("r2", json!([]), "not_affected", "deny"),
    ] {
        let (said, vex, entry) = judged(LODASH, &document(reference, versions.clone(), state));
        assert_eq!(said, decision, "{reference} {versions} {state} {entry}");
        assert_eq!(vex, reachable.clone().filter(|_| decision == "suppressed"));
    }
}

#[test]
fn csaf_by_product_tree() {
    let document = |status: &str, id: &str| {
        json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "tracking": {"current_release_date": "2026-01-01T00:00:00Z"}},
            "product_tree": {
                "branches": [{"category": "vendor", "branches": [{"category": "product_version", "product": {"product_id": "L", "name": "lodash", "product_identification_helper": {"purl": LODASH}}},
                    {"category": "product_name", "product": {"product_id": "OS", "name": "an OS", "product_identification_helper": {"cpe": "cpe:/o:x:y"}}}]}],
                "full_product_names": [{"product_id": "U", "name": "underscore", "product_identification_helper": {"purl": "pkg:npm/underscore"}}],
                "product_groups": [{"group_id": "G", "product_ids": ["L", "OS:L"]}],
                "relationships": [{"category": "default_component_of", "product_reference": "L", "relates_to_product_reference": "OS", "full_product_name": {"product_id": "OS:L", "name": "lodash of an OS"}}]},
            "vulnerabilities": [{"cve": ID, "product_status": {status: [id]}, "flags": [{"label": "component_not_present", "group_ids": ["G"]}], "threats": [{"category": "impact", "details": "d", "product_ids": ["L"]}]}]})
    };
    for (status, id, decision) in [
        ("known_not_affected", "L", "suppressed"),
        ("known_not_affected", "OS:L", "suppressed"),
        ("fixed", "L", "suppressed"),
        ("known_affected", "L", "deny"),
        ("known_not_affected", "U", "deny"),
        ("known_not_affected", "nobody", "deny"),
    ] {
        let (said, vex, entry) = judged(LODASH, &document(status, id));
        assert_eq!(said, decision, "{status} {id} {entry}");
        assert_eq!(vex.as_deref(), (decision == "suppressed").then_some("component_not_present"));
    }
}

#[test]
fn suppressions_become_openvex_that_reads_back() {
    const OLD: &str = "pkg:npm/lodash@4.17.4";
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("scacheck.toml");
    fs::write(&policy, format!("[[suppress]]\nid = \"{ID}\"\nreason = \"we never template\"\njustification = \"vulnerable_code_not_in_execute_path\"\n[[suppress]]\nid = \"CVE-2018-16487\"\nreason = \"accepted until the next release\"\n")).unwrap();
    let arguments = [OLD, "--db", "starter", "--today", TODAY, "--config", arg(&policy), "-f", "openvex"];
    let (_, out, err) = run(&arguments);
    assert_eq!(run(&arguments).1, out);
    let document: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let statements = document["statements"].as_array().unwrap();
    let by_status = |status: &str| statements.iter().find(|one| one["status"] == status).unwrap();
    assert_eq!((statements.len(), &by_status("not_affected")["vulnerability"]["name"]), (2, &json!(ID)), "{out}");
    assert_eq!(by_status("affected")["action_statement"], "accepted until the next release");
    let (decision, vex, _) = judged(OLD, &document);
    assert_eq!((decision.as_str(), vex.as_deref()), ("suppressed", Some("vulnerable_code_not_in_execute_path")));
}

#[test]
fn what_is_no_vex_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vex.json");
    for (text, said) in [
        ("{}", "neither OpenVEX"),
        ("no", "no JSON"),
        ("{\"@context\":\"https://openvex.dev/ns\",\"statements\":[{\"status\":\"fine\"}]}", "statements[0]: `fine` is no status"),
    ] {
        fs::write(&path, text).unwrap();
        let (code, _, err) = run(&[LODASH, "--db", "starter", "--vex", arg(&path)]);
        assert!(code == 2 && err.contains(said) && err.contains("vex.json"), "{err}");
    }
}
