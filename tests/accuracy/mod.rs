//! How right identities are: labelled cases of our own over the starter feed, with a floor, and, where it is asked for, what
//! each kind of evidence is worth on a larger bench.

#![allow(clippy::print_stdout)]

use scacheck::acquire::{Selection, subject};
use scacheck::identify;
use scacheck::mirror::reader::Reader;
use scacheck::model::evidence::{Kinds, Knowledge};
use scacheck::pipeline;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The products of the mirror that each purl certainly is.
fn identities(mirror: &Reader, kinds: Kinds, purls: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let lines: Vec<String> = purls.iter().map(|purl| format!("{purl}@1.0.0\n")).collect();
    let text = lines.concat();
    let inventory = subject::acquire("-", &Selection::default(), &mut text.as_bytes()).unwrap();
    let found = identify::identify(&inventory, mirror, &Knowledge { own: &[], kinds }).unwrap();
    let certain = |identity: scacheck::model::finding::Identity| {
        let certain = identity.candidates.into_iter().filter(|candidate| candidate.doubt.is_none());
        let held = certain.filter(|candidate| mirror.product(&candidate.product).unwrap().is_some());
        held.map(|candidate| candidate.product.to_string().replace('\\', "")).collect()
    };
    inventory.packages.iter().zip(found).map(|(package, identity)| (package.purl.without_version().to_owned(), certain(identity))).collect()
}

/// Of the labels: packages whose product was found, packages that were given a foreign product.
fn score(found: &BTreeMap<String, BTreeSet<String>>, labels: &BTreeMap<String, BTreeSet<String>>) -> (usize, usize) {
    let none = BTreeSet::new();
    let of = |purl: &String| found.get(purl).unwrap_or(&none);
    let right = labels.iter().filter(|(purl, products)| !products.is_empty() && !of(purl).is_disjoint(products)).count();
    let wrong = labels.iter().filter(|(purl, products)| !of(purl).is_subset(products)).count();
    (right, wrong)
}

#[test]
fn our_own_cases_stay_right() {
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in include_str!("cases.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split_whitespace();
        let (purl, product, record) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        assert!(record.starts_with("CVE-"), "{line}");
        let products = labels.entry(purl.to_owned()).or_default();
        products.extend((product != "-").then(|| product.to_owned()));
    }
    let mirror = pipeline::open_mirror(Path::new("starter")).unwrap();
    let found = identities(&mirror, Kinds::ALL, &labels.keys().cloned().collect());
    let named = labels.values().filter(|products| !products.is_empty()).count();
    let (right, wrong) = score(&found, &labels);
    assert_eq!(wrong, 0, "{:?}", labels.iter().filter(|(purl, products)| !found[*purl].is_subset(products)).collect::<Vec<_>>());
    let missed: Vec<_> = labels.iter().filter(|(purl, products)| !products.is_empty() && found[*purl].is_disjoint(products)).collect();
    assert!(right * 100 >= named * 95, "{right} of {named}: {missed:?}");
    assert!(labels.len() - named >= 25);
}

/// `SCACHECK_BENCH`: a folder with products.jsonl and homonyms.jsonl; `SCACHECK_BENCH_DB`: a mirror of the NVD alone.
#[test]
#[ignore = "needs a bench and a mirror"]
fn what_each_kind_of_evidence_is_worth() {
    let place = |name: &str| std::path::PathBuf::from(std::env::var(name).unwrap());
    let (bench, mirror) = (place("SCACHECK_BENCH"), pipeline::open_mirror(&place("SCACHECK_BENCH_DB")).unwrap());
    let lines = |name: &str| -> Vec<serde_json::Value> {
        std::fs::read_to_string(bench.join(name)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let purl = |line: &serde_json::Value| {
        if let Some(purl) = line["purl"].as_str() {
            return purl.parse::<scacheck::model::purl::Purl>().unwrap().without_version().to_owned();
        }
        let text = format!("pkg:{}/{}", word(&line["ecosystem"]), word(&line["name"]).replace('@', "%40"));
        text.parse::<scacheck::model::purl::Purl>().map_or(text, |purl| purl.text().to_owned())
    };
    let products =
        |line: &serde_json::Value| line["products"].as_array().into_iter().flatten().map(word).map(|name| name.replace('\\', "")).collect();
    let labels: BTreeMap<String, BTreeSet<String>> = lines("products.jsonl").iter().map(|line| (purl(line), products(line))).collect();
    let forbidden = |line: &serde_json::Value| line["forbidden"].as_array().into_iter().flatten().map(word).collect();
    let homonyms: BTreeMap<String, BTreeSet<String>> = lines("homonyms.jsonl").iter().map(|line| (purl(line), forbidden(line))).collect();
    let all = Kinds::ALL;
    let rows = [
        ("everything", all),
        ("without curated facts", Kinds { curated: false, ..all }),
        ("without learned links", Kinds { learned: false, ..all }),
        ("without other shapes of the name", Kinds { shapes: false, ..all }),
        ("without names", Kinds { names: false, ..all }),
        ("without the ecosystem guard", Kinds { guard: false, ..all }),
        ("the same name and nothing else", Kinds { curated: false, learned: false, shapes: false, guard: false, names: true }),
    ];
    println!(
        "| evidence | product found, of {} | foreign product | homonyms taken, of {} |\n|---|---|---|---|",
        labels.len(),
        homonyms.len()
    );
    for (name, kinds) in rows {
        let (right, wrong) = score(&identities(&mirror, kinds, &labels.keys().cloned().collect()), &labels);
        let found = identities(&mirror, kinds, &homonyms.keys().cloned().collect());
        let taken = homonyms.iter().filter(|(purl, forbidden)| found.get(*purl).is_some_and(|found| !found.is_disjoint(forbidden))).count();
        println!("| {name} | {right} | {wrong} | {taken} |");
    }
}
