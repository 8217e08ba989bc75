//! The rules on an image: its configuration, its history, its files and packages. What its base brought is never blamed on it.

use super::dockerfile::is_root;
use super::packages::{self, Run};
use super::{base, shell};
use crate::facts::hardening::is_tool;
use crate::model::hardening::{Breach, Lists, RuleId};
use crate::model::image::{HistoryEntry, ImageFacts};
use crate::model::package::{Inventory, Location, Package};
use std::collections::BTreeSet;

/// The breaches of an image.
#[must_use]
pub fn judge(facts: &ImageFacts, inventory: &Inventory, lists: &Lists) -> Vec<Breach> {
    let inherited = inherited(&facts.history);
    let base_layers: BTreeSet<&str> = facts.history[..inherited].iter().filter_map(|entry| entry.layer.as_deref()).collect();
    let mut breaches = user(facts);
    if !facts.health_check {
        breaches.push(breach(
            RuleId::NoHealthcheck,
            config(),
            "no health check is configured: nobody sees that it has stopped serving".to_owned(),
        ));
    }
    for (at, entry) in facts.history.iter().enumerate().skip(inherited) {
        breaches.extend(instruction(at, entry, lists));
    }
    for file in facts.special_modes.iter().filter(|file| !base_layers.contains(file.layer.as_str())) {
        let sets_id = u32::from_str_radix(&file.mode, 8).is_ok_and(|mode| mode & 0o6000 != 0);
        let path = format!("/{}", file.path.trim_start_matches('/'));
        if sets_id && !base::listed(&lists.setuid_files, &path) {
            let location = Location { layer: Some(file.layer.clone()), ..Location::file(&file.path) };
            breaches.push(breach(
                RuleId::SetuidFile,
                location,
                format!("{path} has mode {}: whoever starts it has its owner's rights", file.mode),
            ));
        }
    }
    for secret in &facts.secrets {
        // An instruction of the base has no layer; its number tells.
        let of_base = secret
            .place
            .strip_prefix("instruction ")
            .and_then(|number| number.parse::<usize>().ok())
            .is_some_and(|number| number <= inherited);
        if of_base || secret.layer.as_deref().is_some_and(|layer| base_layers.contains(layer)) {
            continue;
        }
        let location = Location { layer: secret.layer.clone(), ..Location::file(&secret.place) };
        breaches.push(breach(RuleId::Secret, location, format!("{} holds what looks like a secret: {}", secret.place, secret.kind)));
    }
    breaches.extend(inventory.packages.iter().filter_map(|package| tool(package, &base_layers, lists)));
    breaches
}

/// How many of the oldest entries are the base image's: those that are marked so; else up to the last command that a later instruction
/// follows, since an image's own command comes at its end.
fn inherited(history: &[HistoryEntry]) -> usize {
    if let Some(last) = history.iter().rposition(|entry| entry.base) {
        return last + 1;
    }
    let is_command = |entry: &HistoryEntry| {
        let text = entry.created_by.as_str();
        let plain = text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text).trim_start();
        entry.layer.is_none() && (plain.starts_with("CMD") || plain.starts_with("ENTRYPOINT"))
    };
    let own_end = history.iter().rposition(|entry| !is_command(entry)).map_or(0, |at| at + 1);
    history[..own_end].iter().rposition(is_command).map_or(0, |at| at + 1)
}

/// Which instructions are taken for the base image's without anybody having said so.
pub fn guess(facts: &ImageFacts) -> Option<String> {
    match inherited(&facts.history) {
        0 => None,
        count => Some(format!(
            "the first {count} of the image's {} instructions are taken for its base image's, by the command they end with, and hardening \
             rules do not blame it for them: --base says for sure",
            facts.history.len()
        )),
    }
}

fn breach(rule: RuleId, location: Location, evidence: String) -> Breach {
    Breach { rule, location, evidence, allowed: None }
}

fn config() -> Location {
    Location::file("image configuration")
}

fn user(facts: &ImageFacts) -> Vec<Breach> {
    let user = facts.user.as_deref().unwrap_or_default();
    if is_root(user) {
        let said = if user.is_empty() {
            "no user is configured: it runs as root".to_owned()
        } else {
            format!("the configured user {user} is root")
        };
        return vec![breach(RuleId::RootUser, config(), said)];
    }
    let name = user.split(':').next().unwrap_or_default();
    let known = name.parse::<u32>().is_ok() || facts.passwd.iter().any(|entry| entry.name == name);
    let is_root_by_number = facts.passwd.iter().any(|entry| entry.name == name && entry.uid == 0);
    match (known, is_root_by_number) {
        (_, true) => vec![breach(RuleId::RootUser, config(), format!("the configured user {name} has the number 0: it is root"))],
        (false, _) => vec![breach(
            RuleId::UnknownUser,
            config(),
            format!("the configured user {name} is not in /etc/passwd: the container will not start"),
        )],
        _ => Vec::new(),
    }
}

/// The rules that look at what a RUN or ADD did, as the builder recorded it.
fn instruction(at: usize, entry: &HistoryEntry, lists: &Lists) -> Vec<Breach> {
    let text = entry.created_by.trim_end_matches("# buildkit").trim();
    let location = || Location { layer: entry.layer.clone(), line: u32::try_from(at + 1).ok(), ..Location::file("image history") };
    let plain = text.strip_prefix("/bin/sh -c #(nop)").map(str::trim).unwrap_or(text);
    // A root file system can only come by ADD where there is nothing yet.
    if plain.starts_with("ADD ") && at > 0 {
        return vec![breach(RuleId::AddInstruction, location(), "ADD also fetches and unpacks: COPY does what is meant".to_owned())];
    }
    let Some(script) = script(text) else { return Vec::new() };
    let run = Run { commands: &shell::commands(script), mounted: &[], variables: &BTreeSet::new(), is_shipped: true };
    // What is installed is seen in the packages themselves.
    let seen = packages::judge(run, lists).into_iter().filter(|(rule, _)| *rule != RuleId::UnneededTool);
    seen.map(|(rule, evidence)| breach(rule, location(), evidence)).collect()
}

/// The script of a RUN: `RUN /bin/sh -c x`, `RUN |1 A=b /bin/sh -c x`, `/bin/sh -c x`.
fn script(text: &str) -> Option<&str> {
    let (_, script) = text.split_once("/bin/sh -c ").or_else(|| text.split_once("/bin/bash -c "))?;
    (!script.starts_with("#(nop)")).then_some(script)
}

fn tool(package: &Package, base_layers: &BTreeSet<&str>, lists: &Lists) -> Option<Breach> {
    if !package.ecosystem().is_distro() {
        return None;
    }
    let name = package.purl.base_name();
    let stem = name.rsplit_once('-').filter(|(_, end)| end.bytes().all(|b| b.is_ascii_digit() || b == b'.')).map_or(name, |(stem, _)| stem);
    let is_meant = lists.tools.iter().any(|one| one == name) || is_tool(name) || is_tool(stem);
    if !is_meant || lists.allowed_tools.iter().any(|one| one == name) {
        return None;
    }
    let own = |location: &Location| !location.base && location.layer.as_deref().is_some_and(|layer| !base_layers.contains(layer));
    let place = package.places.iter().map(|place| &place.location).find(|location| own(location))?;
    Some(breach(RuleId::UnneededTool, place.clone(), format!("{name} {} is installed, which a service does not need", package.version)))
}
