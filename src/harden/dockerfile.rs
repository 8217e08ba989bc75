//! The rules on a Dockerfile. Those about what is in the image look at the last stage and the stages it builds upon; those about what is
//! written down look at all.

use super::base;
use super::packages::{self, Run};
use super::shell;
use crate::facts::secret_files::secret_kind;
use crate::facts::secrets::{names_secret, redact};
use crate::model::dockerfile::{Dockerfile, Instruction, Stage};
use crate::model::hardening::{Breach, Lists, RuleId};
use crate::model::package::Location;
use std::collections::BTreeSet;

/// Letters of an instruction that are shown.
const SHOWN: usize = 120;

/// The breaches of a Dockerfile, in the order of its lines.
#[must_use]
pub fn judge(file: &Dockerfile, lists: &Lists) -> Vec<Breach> {
    let lineage: BTreeSet<usize> = file.lineage().into_iter().collect();
    let mut desk = Desk { file, lists, breaches: Vec::new() };
    file.arguments.iter().for_each(|argument| desk.secrets(argument));
    for (at, stage) in file.stages.iter().enumerate() {
        if file.stage_named(&stage.base, at).is_none() {
            desk.base(&stage.from, &stage.base);
        }
        let variables = variables(stage);
        for instruction in &stage.instructions {
            desk.instruction(instruction, at, lineage.contains(&at), &variables);
        }
    }
    desk.user(&lineage);
    desk.health(&lineage);
    desk.breaches.sort_by_key(|breach| (breach.location.line, breach.rule));
    desk.breaches
}

/// Names of variables that a stage sets.
fn variables(stage: &Stage) -> BTreeSet<String> {
    let set = stage.instructions.iter().filter(|one| matches!(one.keyword.as_str(), "ENV" | "ARG"));
    let names =
        set.flat_map(|one| one.text.split_whitespace().map(|word| word.split('=').next().unwrap_or(word).to_owned()).collect::<Vec<_>>());
    names.collect()
}

/// The commands of a RUN: shell form, JSON form, or the body of a heredoc that a shell reads.
fn commands(run: &Instruction) -> Vec<Vec<String>> {
    if let Some(words) = &run.json {
        return match words.split_first() {
            Some((first, rest)) if shell::is_shell(first) => rest.last().map(|script| shell::commands(script)).unwrap_or_default(),
            _ => vec![words.clone()],
        };
    }
    if run.heredocs.is_empty() {
        return shell::commands(&run.text);
    }
    let front = run.text.split("<<").next().unwrap_or_default().trim();
    let reads_script = front.is_empty() || shell::is_shell(front.split_whitespace().next().unwrap_or_default());
    if reads_script { run.heredocs.iter().flat_map(|body| shell::commands(body)).collect() } else { shell::commands(front) }
}

/// Where the breaches of one file come together.
struct Desk<'a> {
    file: &'a Dockerfile,
    lists: &'a Lists,
    breaches: Vec<Breach>,
}

impl Desk<'_> {
    fn add(&mut self, rule: RuleId, at: &Instruction, mut evidence: String) {
        let comment = at.allows.iter().find(|allow| allow.rule == rule.name());
        let allowed = comment.map(|allow| allow.reason.clone()).filter(|reason| !reason.is_empty());
        if let Some(comment) = comment.filter(|_| allowed.is_none()) {
            evidence.push_str(&format!(" (the comment on line {} gives no reason and does not count)", comment.line));
        }
        let location = Location { line: Some(at.line), ..Location::file(&self.file.path) };
        self.breaches.push(Breach { rule, location, evidence, allowed });
    }

    fn base(&mut self, at: &Instruction, name: &str) {
        base::judge(name, self.lists).into_iter().for_each(|(rule, evidence)| self.add(rule, at, evidence));
    }

    fn instruction(&mut self, one: &Instruction, stage: usize, is_shipped: bool, variables: &BTreeSet<String>) {
        self.secrets(one);
        match one.keyword.as_str() {
            "RUN" => self.run(one, is_shipped, variables),
            "ADD" => self.add_instruction(one),
            "COPY" => {
                let from = one.flags.iter().find(|(name, _)| name == "from").map(|(_, value)| value);
                let other = from.filter(|from| from.parse::<usize>().is_err() && self.file.stage_named(from, stage).is_none());
                if let Some(image) = other.filter(|image| !image.contains('$')).cloned() {
                    self.base(one, &image);
                }
            }
            _ => {}
        }
        let mode = one.flags.iter().find(|(name, _)| name == "chmod").map(|(_, value)| value.as_str());
        if is_shipped && mode.is_some_and(sets_id) {
            self.add(RuleId::SetuidFile, one, format!("{} gives files the setuid or setgid bit", one.keyword));
        }
    }

    fn run(&mut self, one: &Instruction, is_shipped: bool, variables: &BTreeSet<String>) {
        let commands = commands(one);
        let mounted: Vec<String> = one
            .flags
            .iter()
            .filter(|(name, value)| name == "mount" && (value.contains("type=cache") || value.contains("type=tmpfs")))
            .filter_map(|(_, value)| {
                value
                    .split(',')
                    .find_map(|part| part.strip_prefix("target=").or(part.strip_prefix("dst=")).or(part.strip_prefix("destination=")))
            })
            .map(|folder| folder.trim_end_matches('/').to_owned())
            .collect();
        for (rule, evidence) in packages::judge(Run { commands: &commands, mounted: &mounted, variables, is_shipped }, self.lists) {
            self.add(rule, one, evidence);
        }
        for words in commands.iter().filter(|_| is_shipped) {
            for path in setuid_files(words).into_iter().filter(|path| !base::listed(&self.lists.setuid_files, path)) {
                self.add(
                    RuleId::SetuidFile,
                    one,
                    format!("{path} gets the setuid or setgid bit: whoever starts it has its owner's rights"),
                );
            }
        }
    }

    /// `ADD` fetches and unpacks; what is fetched with a checksum, or from a repository, is not what it is for others.
    fn add_instruction(&mut self, one: &Instruction) {
        if one.flags.iter().any(|(name, _)| name == "checksum") {
            return;
        }
        let words = one.json.clone().unwrap_or_else(|| one.text.split_whitespace().map(str::to_owned).collect());
        let sources = &words[..words.len().saturating_sub(1)];
        let packed = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".txz"];
        let evidence = if sources.iter().any(|source| source.contains("://") || source.starts_with("git@")) {
            "ADD fetches from the network without a checksum: give --checksum, or fetch and verify in RUN"
        } else if sources.iter().any(|source| packed.iter().any(|end| source.ends_with(end))) {
            "ADD unpacks an archive unseen: COPY it and unpack it in RUN"
        } else {
            "ADD also fetches and unpacks: COPY does what is meant here"
        };
        self.add(RuleId::AddInstruction, one, evidence.to_owned());
    }

    fn secrets(&mut self, one: &Instruction) {
        let mut kinds: Vec<String> = std::iter::once(&one.text).chain(&one.heredocs).flat_map(|text| redact(text).1).collect();
        // `ENV NAME value`, the old form.
        let (name, rest) = one.text.split_once(char::is_whitespace).unwrap_or((&one.text, ""));
        let old_form = one.keyword == "ENV" && !name.contains('=') && names_secret(name) && !rest.trim().is_empty();
        let shown = if old_form { format!("{name} ***") } else { redact(&one.text).0 };
        if old_form {
            kinds.push(format!("value of {name}"));
        }
        if one.keyword == "ARG"
            && kinds.is_empty()
            && one.text.split_whitespace().any(|word| names_secret(word.split('=').next().unwrap_or(word)))
        {
            let evidence = format!("ARG {shown}: what is given for it stays in the image's history; use RUN --mount=type=secret");
            return self.add(RuleId::Secret, one, evidence);
        }
        if matches!(one.keyword.as_str(), "COPY" | "ADD") && !one.flags.iter().any(|(name, _)| name == "from") {
            let sources: Vec<&str> = one.text.split_whitespace().collect();
            let files = sources[..sources.len().saturating_sub(1)].iter().filter(|file| !file.ends_with(".pem"));
            kinds.extend(files.filter_map(|file| secret_kind(file)).map(|(kind, _)| format!("file: {kind}")));
        }
        if !kinds.is_empty() {
            kinds.dedup();
            let shown: String = shown.chars().take(SHOWN).collect();
            self.add(RuleId::Secret, one, format!("{} ({}): {} {shown}", "a secret in the Dockerfile", kinds.join(", "), one.keyword));
        }
    }

    /// The instructions of a kind in the stages that are shipped, in order.
    fn shipped(&self, lineage: &BTreeSet<usize>, keyword: &str) -> Vec<(usize, Instruction)> {
        let of_stage = |at: &usize| {
            let stage = &self.file.stages[*at].instructions;
            stage.iter().filter(|one| one.keyword == keyword && !one.onbuild).map(|one| (*at, one.clone())).collect::<Vec<_>>()
        };
        lineage.iter().flat_map(of_stage).collect()
    }

    fn user(&mut self, lineage: &BTreeSet<usize>) {
        let (Some(first), Some(last)) = (lineage.first(), self.file.stages.last()) else { return };
        let from = last.from.clone();
        match self.shipped(lineage, "USER").pop() {
            Some((_, one)) if is_root(&one.text) => self.add(RuleId::RootUser, &one, format!("USER {} is root", one.text)),
            Some(_) => {}
            None if self.file.stages[*first].base.contains("nonroot") => {}
            None => self.add(RuleId::RootUser, &from, "no USER: it runs as root, unless the base image says otherwise".to_owned()),
        }
    }

    fn health(&mut self, lineage: &BTreeSet<usize>) {
        let Some(from) = self.file.stages.last().map(|stage| stage.from.clone()) else { return };
        let checks = self.shipped(lineage, "HEALTHCHECK");
        let Some((at, last)) = checks.last() else {
            return self.add(RuleId::NoHealthcheck, &from, "no HEALTHCHECK: nobody sees that it has stopped serving".to_owned());
        };
        if last.text.trim().eq_ignore_ascii_case("none") {
            self.add(RuleId::HealthcheckNone, last, "HEALTHCHECK NONE switches the base image's check off".to_owned());
        } else if checks.iter().filter(|(stage, _)| stage == at).count() > 1 {
            self.add(RuleId::ManyHealthchecks, last, "only the last HEALTHCHECK of a stage counts".to_owned());
        }
    }
}

/// Whether a user, with or without group, is root.
pub(super) fn is_root(user: &str) -> bool {
    matches!(user.trim().split(':').next().unwrap_or_default(), "root" | "0" | "")
}

/// The files that a `chmod` gives the setuid or setgid bit.
fn setuid_files(words: &[String]) -> Vec<&str> {
    let Some((command, rest)) = words.split_first() else { return Vec::new() };
    if command.rsplit('/').next() != Some("chmod") {
        return Vec::new();
    }
    let mut plain = rest.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    match plain.next() {
        Some(mode) if sets_id(mode) => plain.collect(),
        _ => Vec::new(),
    }
}

/// Whether a mode sets the setuid or setgid bit: `4755`, `u+s`, `+s`.
fn sets_id(mode: &str) -> bool {
    let octal = u32::from_str_radix(mode, 8).is_ok_and(|bits| bits & 0o6000 != 0);
    octal || mode.split(',').any(|part| part.split_once(['+', '=']).is_some_and(|(_, bits)| bits.contains('s')))
}
