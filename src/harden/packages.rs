//! What a RUN does with package managers: renews lists, installs, pins, leaves caches (CIS Docker Benchmark 1.6, 4.3, 4.7 and 4.11).

use crate::facts::hardening::{Manager, is_tool, manager};
use crate::model::hardening::{Lists, RuleId};
use std::collections::BTreeSet;

/// The commands of one instruction, with what stands around them.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The commands.
    pub commands: &'a [Vec<String>],
    /// Folders that a mount keeps out of the image.
    pub mounted: &'a [String],
    /// Names of variables that are set.
    pub variables: &'a BTreeSet<String>,
    /// Whether its layer is in the image that is built.
    pub is_shipped: bool,
}

/// What one manager is made to do.
#[derive(Default)]
struct Deeds<'a> {
    updates: bool,
    installs: bool,
    clean: bool,
    unpinned: Vec<&'a str>,
    tools: Vec<&'a str>,
}

/// The breaches of one instruction, with what was seen.
#[must_use]
pub fn judge(run: Run<'_>, lists: &Lists) -> Vec<(RuleId, String)> {
    let mut managers: Vec<&'static Manager> = Vec::new();
    for words in run.commands {
        if let Some((manager, _)) = managed(words)
            && !managers.iter().any(|known| std::ptr::eq(*known, manager))
        {
            managers.push(manager);
        }
    }
    managers.into_iter().flat_map(|manager| judge_manager(manager, run, lists)).collect()
}

/// The manager of a command, and the words after its name.
fn managed(words: &[String]) -> Option<(&'static Manager, &[String])> {
    let (first, rest) = words.split_first()?;
    let command = first.rsplit('/').next().unwrap_or(first);
    if command.starts_with("python") && rest.first().is_some_and(|word| word == "-m") {
        let (module, rest) = rest.get(1..)?.split_first()?;
        return manager(module).map(|manager| (manager, rest));
    }
    manager(command).map(|manager| (manager, rest))
}

fn judge_manager(manager: &'static Manager, run: Run<'_>, lists: &Lists) -> Vec<(RuleId, String)> {
    let mut deeds = Deeds { clean: is_kept_out(manager, run), ..Deeds::default() };
    for words in run.commands {
        match managed(words) {
            Some((other, rest)) if std::ptr::eq(other, manager) => note(&mut deeds, manager, rest, lists),
            Some(_) => {}
            None => deeds.clean |= removes(words, &manager.cache),
        }
    }
    let name = manager.names.first().map_or("", String::as_str);
    let mut out = Vec::new();
    if deeds.updates && !deeds.installs {
        let what = if manager.update_is_upgrade {
            "upgrades whatever is newest on that day"
        } else {
            "renews lists that a cached layer keeps for ever"
        };
        out.push((RuleId::UpdateAlone, format!("{name} update alone {what}: update and install pinned versions in one RUN")));
        return out;
    }
    if !deeds.unpinned.is_empty() {
        out.push((RuleId::UnpinnedVersion, format!("{name} installs without a version: {}", deeds.unpinned.join(", "))));
    }
    if run.is_shipped && !deeds.tools.is_empty() {
        out.push((RuleId::UnneededTool, format!("{name} installs what a service does not need: {}", deeds.tools.join(", "))));
    }
    let fills = if manager.cache_by_update { deeds.updates } else { deeds.installs };
    if run.is_shipped && fills && !deeds.clean && !manager.cache.is_empty() {
        out.push((RuleId::CacheLeft, format!("{name} leaves {} full: empty it in the same RUN", manager.cache[0])));
    }
    out
}

fn note<'a>(deeds: &mut Deeds<'a>, manager: &Manager, words: &'a [String], lists: &Lists) {
    let mut plain = plain_words(words, manager);
    if plain.is_empty() {
        return;
    }
    let verb = plain.remove(0);
    let is = |list: &[String]| list.iter().any(|word| word == verb);
    deeds.clean |= is(&manager.clean) || words.iter().any(|word| manager.no_cache.contains(word));
    if is(&manager.install) {
        deeds.installs = true;
        if words.iter().any(|word| manager.pin_flags.iter().any(|flag| word == flag || word.starts_with(&format!("{flag}=")))) {
            return;
        }
        for package in plain.into_iter().filter(|word| is_package(word)) {
            if !is_pinned(package, manager) {
                deeds.unpinned.push(package);
            }
            let name = bare(package, manager);
            if is_tool(name) && !lists.allowed_tools.iter().any(|one| one == name) || lists.tools.iter().any(|one| one == name) {
                deeds.tools.push(name);
            }
        }
    } else if is(&manager.update) {
        deeds.updates = true;
    }
}

/// The words that are neither flags nor their values, up to a redirection.
fn plain_words<'a>(words: &'a [String], manager: &Manager) -> Vec<&'a str> {
    let mut out = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word.starts_with(['>', '<']) || word.starts_with("2>") {
            break;
        }
        if manager.values.iter().chain(&manager.files).any(|flag| flag == word) {
            words.next();
        } else if !word.starts_with('-') {
            out.push(word);
        }
    }
    out
}

/// Whether a word names a package of a repository: not a file, an address or a variable.
fn is_package(word: &str) -> bool {
    !(word.starts_with(['.', '/', '$', '<', '>'])
        || word.contains("://")
        || [".deb", ".rpm", ".apk", ".whl", ".gz", ".txt", ".tgz"].iter().any(|end| word.ends_with(end)))
}

fn is_pinned(package: &str, manager: &Manager) -> bool {
    let by_number = || package.match_indices('-').any(|(at, _)| package[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let by_sign = |sign: &String| {
        package.get(1..).is_some_and(|rest| rest.split_once(sign.as_str()).is_some_and(|(_, version)| !matches!(version, "" | "latest")))
    };
    manager.pin.iter().any(by_sign) || manager.pin_by_number && by_number() || package.contains('$')
}

/// The name without a version.
fn bare<'a>(package: &'a str, manager: &Manager) -> &'a str {
    let end = manager.pin.iter().filter_map(|sign| package.get(1..)?.find(sign.as_str()).map(|at| at + 1)).min();
    let by_number = || {
        let at = package.match_indices('-').find(|(at, _)| package[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        at.map(|(at, _)| at).filter(|_| manager.pin_by_number)
    };
    &package[..end.or_else(by_number).unwrap_or(package.len())]
}

/// Whether a mount or variable keeps the caches out of the image.
fn is_kept_out(manager: &Manager, run: Run<'_>) -> bool {
    let mounted = |folder: &String| run.mounted.iter().any(|mount| below(mount, folder));
    manager.cache.iter().any(mounted) || manager.no_cache_variable.as_ref().is_some_and(|name| run.variables.contains(name))
}

fn below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a command removes one of the folders or what is in it.
fn removes(words: &[String], folders: &[String]) -> bool {
    let is_removal = words.first().is_some_and(|word| matches!(word.rsplit('/').next(), Some("rm" | "find")));
    is_removal && words.iter().any(|word| folders.iter().any(|folder| below(word.trim_end_matches(['*', '/']), folder)))
}
