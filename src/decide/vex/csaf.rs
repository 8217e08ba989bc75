//! VEX in CSAF 2.0 (profile 5, `csaf_vex`): a product tree, and vulnerabilities that name products by their ids in it.

use super::{Product, Statement, Status, list, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The statements of a document: one for each vulnerability and status.
#[must_use]
pub fn read(document: &Value) -> Vec<Statement> {
    let products = tree(&document["product_tree"]);
    let timestamp = text(&document["document"]["tracking"]["current_release_date"]).unwrap_or_default();
    let mut out = Vec::new();
    for (index, value) in list(&document["vulnerabilities"]).iter().enumerate() {
        let ids: Vec<String> =
            text(&value["cve"]).into_iter().chain(list(&value["ids"]).iter().filter_map(|id| text(&id["text"]))).collect();
        for (key, status) in [
            ("known_not_affected", Status::NotAffected),
            ("fixed", Status::Fixed),
            ("first_fixed", Status::Fixed),
            ("known_affected", Status::Affected),
            ("under_investigation", Status::UnderInvestigation),
        ] {
            for id in list(&value["product_status"][key]).iter().filter_map(text) {
                out.push(Statement {
                    ids: ids.clone(),
                    products: vec![products.get(&id).cloned().unwrap_or_else(|| Product { name: id.clone(), ..Product::default() })],
                    status,
                    justification: said_of(document, &value["flags"], &id).and_then(|flag| text(&flag["label"])),
                    reason: said_of(document, &value["threats"], &id).and_then(|threat| text(&threat["details"])),
                    timestamp: timestamp.clone(),
                    place: format!("vulnerabilities[{index}].product_status.{key}: {id}"),
                });
            }
        }
    }
    out
}

/// The first of several entries that names a product, by itself or in a group.
fn said_of<'a>(document: &Value, entries: &'a Value, id: &str) -> Option<&'a Value> {
    let in_group = |group: &Value| {
        let groups = list(&document["product_tree"]["product_groups"]);
        groups.iter().any(|one| one["group_id"] == *group && list(&one["product_ids"]).iter().any(|product| product == id))
    };
    let names =
        |entry: &&Value| list(&entry["product_ids"]).iter().any(|product| product == id) || list(&entry["group_ids"]).iter().any(in_group);
    list(entries).iter().find(names)
}

/// The products of a tree by their ids: those of branches, those listed, and those that are part of another.
fn tree(tree: &Value) -> BTreeMap<String, Product> {
    let mut products = BTreeMap::new();
    let mut waiting: Vec<&Value> = list(&tree["branches"]).iter().collect();
    let mut add = |value: &Value| {
        if let Some(id) = text(&value["product_id"]) {
            let name = text(&value["product_identification_helper"]["purl"]).unwrap_or_else(|| id.clone());
            products.insert(id, Product { name, ..Product::default() });
        }
    };
    while let Some(branch) = waiting.pop() {
        add(&branch["product"]);
        waiting.extend(list(&branch["branches"]));
    }
    list(&tree["full_product_names"]).iter().for_each(&mut add);
    for relation in list(&tree["relationships"]) {
        let name = |key: &str| text(&relation[key]).and_then(|id| products.get(&id)).map(|product| product.name.clone());
        let whole = name("relates_to_product_reference").or_else(|| text(&relation["relates_to_product_reference"]));
        let (Some(id), Some(part)) = (text(&relation["full_product_name"]["product_id"]), name("product_reference")) else { continue };
        // A distribution is no package and no image: what is said of its packages is said by their purls alone.
        let whole = whole.filter(|whole| whole.starts_with("pkg:"));
        let product = match whole {
            Some(whole) => Product { name: whole, parts: vec![part], versions: Vec::new() },
            None => Product { name: part, ..Product::default() },
        };
        products.insert(id, product);
    }
    products
}
