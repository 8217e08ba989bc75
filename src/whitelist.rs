//! `whitelist` and `suppress`: reads the subject and the policy, lets the rooms judge and amend, writes the policy file. Needs no mirror.

use crate::acquire::{self, Selection};
use crate::amend::{diff, edit, import, init};
use crate::cli::{SuppressArgs, WhitelistArgs, WhitelistCommand};
use crate::commands::{UsageError, check_date};
use crate::decide::load::Loaded;
use crate::decide::policy::{Mode, Policy};
use crate::decide::propose::rule_for;
use crate::decide::rule::{Kind, Rule};
use crate::decide::vex::Statements;
use crate::decide::{self, Judged, Matter};
use crate::model::package::Inventory;
use crate::model::purl::Purl;
use crate::model::report::PolicyRole;
use crate::model::verdict::{Decision, Outcome};
use crate::policy_files::{self, Named};
use crate::report;
use std::error::Error;
use std::path::{Path, PathBuf};

/// What is printed, and the exit code.
type Answer = Result<(String, u8), Box<dyn Error>>;

/// One of the whitelist's commands. `now` is RFC 3339.
///
/// # Errors
/// Exit 2: a wrong word, an unreadable subject or policy file.
pub fn run(args: &WhitelistArgs, now: &str) -> Answer {
    let today = args.today.clone().unwrap_or_else(|| now[..10].to_owned());
    check_date(&today)?;
    let desk = Desk { args, today };
    match &args.command {
        WhitelistCommand::Init { subject, reason, approved_by } => desk.init(subject, reason.as_deref(), approved_by.as_deref()),
        WhitelistCommand::Add { .. } => desk.add(&args.command),
        WhitelistCommand::Check { subject, deny_unused } => desk.check(subject, *deny_unused),
        WhitelistCommand::Diff { subject, markdown } => desk.diff(subject, *markdown),
        WhitelistCommand::Prune { subject, dry_run } => desk.prune(subject, *dry_run),
        WhitelistCommand::Import { file, print } => desk.import(file, *print),
    }
}

/// Adds a suppress rule.
///
/// # Errors
/// Exit 2: a wrong word, or a policy file that cannot be read or written.
pub fn suppress(args: &SuppressArgs) -> Answer {
    let rule = edit::Lines::default()
        .text("id", Some(&args.id))
        .text("purl", Some(&args.purl))
        .text("reason", Some(&args.reason))
        .text("justification", args.justification.as_deref())
        .text("until", args.until.as_deref())
        .truth("until-fixed", args.until_fixed)
        .text("approved-by", args.approved_by.as_deref())
        .text("ticket", args.ticket.as_deref());
    let path = args.config.clone().or_else(|| policy_files::find(".")).unwrap_or_else(|| PathBuf::from("scacheck.toml"));
    let text = edit::add(&existing(&path)?.unwrap_or_default(), "suppress", &[rule])?;
    write_policy(&path, &text)?;
    Ok((format!("{}: {} is suppressed for {}\n", path.display(), args.id, args.purl), 0))
}

/// The text of a policy file, if it is there.
fn existing(path: &Path) -> Result<Option<String>, Box<dyn Error>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("reading {}: {error}", path.display()).into()),
    }
}

/// Writes a policy file whole or not at all, and only one that reads as a policy.
fn write_policy(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    Policy::parse(&path.display().to_string(), text).map_err(|wrong| UsageError(format!("not written: {wrong}")))?;
    let fail = |error: std::io::Error| format!("writing {}: {error}", path.display());
    // A link stays a link: the file that it leads to is changed.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let beside = path.with_extension("toml.new");
    std::fs::write(&beside, text).map_err(fail)?;
    if let Ok(meta) = std::fs::metadata(path) {
        std::fs::set_permissions(&beside, meta.permissions()).map_err(fail)?;
    }
    Ok(std::fs::rename(&beside, path).map_err(fail)?)
}

/// One call of a whitelist command.
struct Desk<'a> {
    args: &'a WhitelistArgs,
    today: String,
}

impl Desk<'_> {
    /// The policy file that is meant: named, in force for the subject, or to be made beside it.
    fn path(&self, subject: &str) -> PathBuf {
        let beside = || if Path::new(subject).is_dir() { Path::new(subject).join("scacheck.toml") } else { PathBuf::from("scacheck.toml") };
        self.args.config.clone().or_else(|| policy_files::find(subject)).unwrap_or_else(beside)
    }

    fn acquire(&self, subject: &str) -> Result<Inventory, Box<dyn Error>> {
        let selection = Selection { exclude: self.args.exclude.clone(), distro: self.args.distro.clone(), ..Selection::default() };
        Ok(acquire::subject::acquire(subject, &selection, &mut std::io::stdin().lock())?)
    }

    fn judge(&self, inventory: &Inventory, policy: &Policy) -> Judged {
        let matter = Matter { inventory, findings: &[], breaches: &[], statements: &Statements::default(), today: &self.today };
        decide::decide(matter, policy, None)
    }

    fn policy(&self, path: &Path) -> Result<Policy, Box<dyn Error>> {
        let named = Named { config: Some(path.to_owned()), ..Named::default() };
        Ok(policy_files::gather(&named)?.policy)
    }

    fn init(&self, subject: &str, reason: Option<&str>, approved_by: Option<&str>) -> Answer {
        let path = self.path(subject);
        let inventory = self.acquire(subject)?;
        if inventory.packages.is_empty() {
            return Err(UsageError(format!("{subject}: nothing was found that could be allowed")).into());
        }
        let grounds = init::Grounds { reason, approved_by, today: &self.today };
        let text =
            init::whitelist(&inventory, existing(&path)?.as_deref(), &grounds).map_err(|reason| format!("{}: {reason}", path.display()))?;
        write_policy(&path, &text)?;
        let policy = self.policy(&path)?;
        let rules = policy.rules_of(Kind::Allow).count();
        let mut out = format!("{}: {rules} allow rules for {} packages of {subject}\n", path.display(), inventory.packages.len());
        for gap in &inventory.gaps {
            out.push_str(&format!("not looked at: {}: {}\n", gap.location, gap.reason));
        }
        let near = self.judge(&inventory, &policy).whitelist;
        near.iter().for_each(|entry| out.push_str(&format!("{}: {}  ({})\n", entry.decision.name(), entry.reason, entry.location)));
        Ok((out, 0))
    }

    fn add(&self, command: &WhitelistCommand) -> Answer {
        let WhitelistCommand::Add { purl, reason, range, approved_by, ticket, until, subject } = command else { return Ok(<_>::default()) };
        let path = self.path(subject);
        let parsed: Purl = purl.parse()?;
        if parsed.version().is_none() && range.is_none() {
            return Err(UsageError(format!("{purl} names no version: write {purl}@VERSION, or give a --range")).into());
        }
        // Where the package is there, its digests are part of what is approved.
        let known = self.acquire(subject).ok().and_then(|inventory| {
            let mut packages = inventory.packages.iter();
            let is_it = |one: &&crate::model::package::Package| {
                one.purl.without_version() == parsed.without_version() && Some(one.version.as_str()) == parsed.version()
            };
            packages.find(is_it).map(rule_for)
        });
        let lines = match known.filter(|rule| rule.key == "purl") {
            Some(rule) => edit::Lines::of(&rule),
            None => edit::Lines::default().text("purl", Some(purl)).text("range", range.as_deref()),
        };
        let lines = lines
            .text("reason", Some(reason))
            .text("approved-by", approved_by.as_deref())
            .text("ticket", ticket.as_deref())
            .text("until", until.as_deref());
        let text = edit::add(&existing(&path)?.unwrap_or_default(), "allow", &[lines])?;
        write_policy(&path, &text)?;
        Ok((format!("{}: {purl} is allowed\n", path.display()), 0))
    }

    fn check(&self, subject: &str, deny_unused: bool) -> Answer {
        let policy = self.policy(&self.path(subject))?;
        let inventory = self.acquire(subject)?;
        let judged = self.judge(&inventory, &policy);
        let mut out = String::new();
        report::whitelist::render(&mut out, &judged.whitelist);
        if !out.is_empty() {
            out.push('\n');
        }
        let unused: Vec<_> =
            policy.rules.unused(&judged.used).filter(|(rule, included)| rule.kind != Kind::Suppress.name() && !included).collect();
        unused.iter().for_each(|(rule, _)| out.push_str(&format!("{}\n", report::whitelist::unused(rule))));
        policy.warnings.iter().for_each(|warning| out.push_str(&format!("note: {warning}\n")));
        inventory.gaps.iter().for_each(|gap| out.push_str(&format!("not looked at: {}: {}\n", gap.location, gap.reason)));
        let denied = judged.packages.iter().filter(|verdict| verdict.decision == Decision::Deny).count();
        let outcome = if denied > 0 || deny_unused && !unused.is_empty() {
            Outcome::Denied
        } else if judged.gaps.contains(&Decision::Deny) {
            Outcome::Incomplete
        } else if inventory.packages.is_empty() {
            Outcome::NothingFound
        } else {
            Outcome::Passed
        };
        let mode = if policy.mode == Mode::AllowOnly { "" } else { " (mode is not allow-only: only deny rules and digests count)" };
        out.push_str(&format!("{} packages, {denied} denied, {} rules{mode}\n", inventory.packages.len(), policy.rules.all().len()));
        out.push_str(&format!("exit {}: {}\n", outcome.exit_code(), outcome.sentence()));
        Ok((out, outcome.exit_code()))
    }

    fn diff(&self, subject: &str, markdown: bool) -> Answer {
        let policy = Policy { mode: Mode::AllowOnly, ..self.policy(&self.path(subject))? };
        let inventory = self.acquire(subject)?;
        let changes = diff::compare(&inventory, &policy, &self.judge(&inventory, &policy));
        let code = u8::from(!changes.is_allowed());
        Ok((if markdown { changes.to_markdown() } else { changes.to_text() }, code))
    }

    fn prune(&self, subject: &str, dry_run: bool) -> Answer {
        let path = self.path(subject);
        let policy = self.policy(&path)?;
        let inventory = self.acquire(subject)?;
        if !inventory.gaps.is_empty() {
            return Err(UsageError(format!(
                "{subject} could not be read whole, so what nothing uses is not known: {}",
                inventory.gaps[0].reason
            ))
            .into());
        }
        let judged = self.judge(&inventory, &policy);
        let file = path.display().to_string();
        let (mut out, mut places, mut place) = (String::new(), Vec::new(), 0);
        let rules = policy.rules.all().iter().enumerate().filter(|(_, rule)| rule.kind == Kind::Allow && rule.location.path == file);
        for (index, rule) in rules {
            if let Some(why) = self.idle(index, rule, &judged) {
                places.push(place);
                out.push_str(&format!("{}: {}: {why}\n", rule.location, rule.text));
            }
            place += 1;
        }
        let text = existing(&path)?.unwrap_or_default();
        if !dry_run && !places.is_empty() {
            write_policy(&path, &edit::remove(&text, "allow", &places)?)?;
        }
        let done = if dry_run { "would be taken out" } else { "taken out" };
        out.push_str(&format!("{} of {place} allow rules {done}\n", places.len()));
        Ok((out, 0))
    }

    /// Why a rule is not needed, if it is not.
    fn idle(&self, index: usize, rule: &Rule, judged: &Judged) -> Option<&'static str> {
        match (rule.in_force(&self.today), judged.used.contains(&(index, 0))) {
            (false, _) => Some("it has expired"),
            (true, false) => Some("nothing is there that it allows"),
            (true, true) => None,
        }
    }

    fn import(&self, file: &Path, print: bool) -> Answer {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| format!("reading {shown}: {error}"))?;
        let format = import::Format::detect(&shown, &text)
            .ok_or_else(|| UsageError(format!("{shown} is of none of the forms that can be taken over: {}", import::Format::names())))?;
        let imported = import::read(format, &text).map_err(|reason| format!("{shown}: {reason}"))?;
        let mut out = if print { imported.to_toml() } else { self.append(&imported, &shown)? };
        imported.left.iter().for_each(|left| out.push_str(&format!("{}not taken over: {left}\n", if print { "# " } else { "" })));
        Ok((out, u8::from(!imported.left.is_empty())))
    }

    fn append(&self, imported: &import::Imported, from: &str) -> Result<String, Box<dyn Error>> {
        let path = self.path(".");
        let mut text = existing(&path)?.unwrap_or_default();
        for table in import::TABLES {
            let rules = imported.lines(table);
            if !rules.is_empty() {
                text = edit::add(&text, table, &rules)?;
            }
        }
        write_policy(&path, &text)?;
        // Read once more as the policy in force, with what it includes.
        Loaded::from(&path.display().to_string(), PolicyRole::Config, &mut |path| {
            std::fs::read_to_string(path).map_err(|error| error.to_string())
        })?;
        let count = imported.rules.len();
        Ok(format!("{}: {count} rules taken over from {from}\n", path.display()))
    }
}
