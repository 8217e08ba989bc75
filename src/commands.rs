//! From flags to requests: which policy file, which values win (flag, then environment, then file, then
//! default), and where output goes.

use crate::acquire::Selection;
use crate::assemble::Ending;
use crate::cli::{CheckArgs, Format, Output, SyncArgs};
use crate::decide::gate_section::{gap, threshold};
use crate::decide::policy::Policy;
use crate::model::package::Scope;
use crate::model::report::Report;
use crate::model::truth::Doubt;
use crate::model::verdict::Decision;
use crate::pipeline::Request;
use crate::policy_files::{self, Named};
use crate::report;
use crate::sync::fetch::Transport;
use crate::sync::lists::{ECOSYSTEMS, List, Places};
use crate::sync::nightly::Options;
use crate::sync::nvd_api::Api;
use std::path::{Path, PathBuf};

/// A wrong word on the command line: exit 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The mirror's folder: the flag, else the platform's cache folder.
///
/// # Errors
/// When the platform names none.
pub fn mirror_folder(given: Option<&Path>) -> Result<PathBuf, UsageError> {
    use etcetera::BaseStrategy as _;
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let base = etcetera::choose_base_strategy()
        .map_err(|_| UsageError("this account has no home folder: name the mirror's folder with --db".to_owned()))?;
    Ok(base.cache_dir().join("scacheck"))
}

/// The request behind a check's flags.
///
/// # Errors
/// Exit 2: a wrong word, or a policy file that does not read.
pub fn request(args: &CheckArgs, now: &str) -> Result<Request, Box<dyn std::error::Error>> {
    let subjects = if args.subjects.is_empty() { vec![".".to_owned()] } else { args.subjects.clone() };
    let mut gathered = policy_files::gather(&Named {
        config: args.config.clone().or_else(|| policy_files::find(&subjects[0])),
        floor: args.policy_floor.clone(),
        suppressions: args.suppression.clone(),
        vex: args.vex.clone(),
    })?;
    apply(args, &mut gathered.policy)?;
    let omit = args
        .omit
        .iter()
        .map(|word| Scope::from_name(word).ok_or_else(|| UsageError(format!("--omit: `{word}` is not dev or optional"))))
        .collect::<Result<_, _>>()?;
    if let Some(word) = args.ecosystem.iter().find(|word| !PURL_TYPES.contains(&word.as_str())) {
        return Err(UsageError(format!("--ecosystem: `{word}` is not one of {}", PURL_TYPES.join(", "))).into());
    }
    let today = args.today.clone().unwrap_or_else(|| now[..10].to_owned());
    check_date(&today)?;
    Ok(Request {
        subjects,
        selection: Selection {
            exclude: args.exclude.clone(),
            omit,
            ecosystems: args.ecosystem.clone(),
            distro: args.distro.clone(),
            platform: args.platform.clone(),
            base: args.base.clone(),
        },
        policy: gathered.policy,
        floor: gathered.floor,
        statements: gathered.statements,
        policy_files: gathered.files,
        ending: Ending { exit_zero: args.exit_zero, deny_unused: args.deny_unused, strict: args.strict, allow_empty: args.allow_empty },
        today,
        max_age_days: args.db_max_age,
    })
}

/// Who writes, as the mirror's lock shows it.
#[must_use]
pub fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    let host = host.map_or_else(|| "an unnamed host".to_owned(), |host| host.trim().to_owned());
    format!("process {} on {host}, since {}", std::process::id(), jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ"))
}

/// How a sync's flags say that addresses are reached.
#[must_use]
pub fn transport(args: &SyncArgs) -> Transport {
    Transport { ca: args.ca_file.clone(), ..Transport::default() }
}

/// The key of the NVD's API; never from a flag, which other users of the machine could read.
fn api_key(file: Option<&Path>) -> Result<Option<String>, UsageError> {
    let key = match file {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| UsageError(format!("--nvd-api-key-file {}: {error}", path.display())))?;
            Some(text)
        }
        None => std::env::var("NVD_API_KEY").ok(),
    };
    let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    match key {
        Some(key) if !key.bytes().all(|b| b.is_ascii_graphic()) => Err(UsageError("the NVD's API key is not one word".to_owned())),
        key => Ok(key),
    }
}

/// Purl types that some reader or SBOM gives.
const PURL_TYPES: [&str; 16] =
    ["npm", "pypi", "cargo", "deb", "rpm", "apk", "generic", "maven", "golang", "gem", "composer", "nuget", "hex", "pub", "swift", "conan"];

/// Checks a day given as a flag.
///
/// # Errors
/// When it is no ISO date.
pub fn check_date(today: &str) -> Result<(), UsageError> {
    today.parse::<jiff::civil::Date>().map(|_| ()).map_err(|_| UsageError(format!("`{today}` is not a date like 2026-12-31")))
}

fn apply(args: &CheckArgs, policy: &mut Policy) -> Result<(), UsageError> {
    let severity = args.fail_on.as_deref().map(threshold).transpose().map_err(|error| UsageError(format!("--fail-on: {error}")))?;
    let cost = |word: &String| gap(word).ok_or_else(|| UsageError(format!("--on-gap: `{word}` is not warn or deny")));
    let gap = args.on_gap.as_ref().map(cost).transpose()?;
    let doubt = |word: &String| {
        let parts = word.split_once('=').and_then(|(kind, cost)| Some((Doubt::from_name(kind)?, Decision::from_word(cost).ok()?)));
        let names = || Doubt::ALL.map(Doubt::name).join(", ");
        parts.ok_or_else(|| UsageError(format!("--on-doubt: write KIND=allow|warn|deny with KIND one of {}", names())))
    };
    let doubts = args.on_doubt.iter().map(doubt).collect::<Result<Vec<_>, _>>()?;
    for gate in policy.gates.all_mut() {
        gate.severity = severity.unwrap_or(gate.severity);
        gate.gap = gap.unwrap_or(gate.gap);
        gate.doubts.extend(doubts.iter().copied());
        gate.kev = args.fail_on_kev.unwrap_or(gate.kev);
        gate.cvss = args.fail_on_cvss.or(gate.cvss);
        gate.epss = args.fail_on_epss.or(gate.epss);
        gate.only_fixed |= args.only_fixed;
    }
    Ok(())
}

/// The outputs asked for: text on stdout, if none is.
#[must_use]
pub fn outputs(args: &CheckArgs) -> Vec<Output> {
    let mut outputs = args.formats.clone();
    if outputs.is_empty() {
        outputs.push(Output { format: Format::Text, path: None });
    }
    if let Some(target) = &args.output {
        let several = outputs.len() > 1;
        for output in outputs.iter_mut().filter(|output| output.path.is_none()) {
            let name = match output.format {
                Format::Text => "report.txt",
                Format::Json => "report.json",
                Format::Html => "report.html",
                Format::OpenVex => "report.openvex.json",
            };
            output.path = Some(if several { target.join(name) } else { target.clone() });
        }
    }
    outputs
}

/// The report in one format.
///
/// # Errors
/// When it does not render.
pub fn render(report: &Report, format: Format) -> Result<String, String> {
    match format {
        Format::Text => Ok(report::text::render(report)),
        Format::Json => report::json::render(report),
        Format::Html => report::html::render(report),
        Format::OpenVex => report::openvex::render(report),
    }
}

/// What a sync says before it fetches.
#[must_use]
pub fn announcement(sizes: &[(String, u64)]) -> String {
    let shown = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let parts: Vec<String> = sizes.iter().map(|(name, bytes)| format!("{name} {}", shown(*bytes))).collect();
    format!("to fetch: up to {} ({})", shown(sizes.iter().map(|(_, bytes)| bytes).sum()), parts.join(", "))
}

/// The options behind a sync's flags.
///
/// # Errors
/// Exit 2: a wrong word.
pub fn sync_options(args: &SyncArgs, now: &str) -> Result<Options, UsageError> {
    let now = match &args.today {
        Some(today) => {
            check_date(today)?;
            format!("{today}T00:00:00Z")
        }
        None => now.to_owned(),
    };
    let this_year = now[..4].parse().unwrap_or(2002);
    let years = match &args.years {
        None => 2002..=this_year,
        Some(text) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let year = |text: &str| text.trim().parse::<u16>().ok().filter(|year| (1999..=2999).contains(year));
            match (year(first), year(last)) {
                (Some(first), Some(last)) if first <= last => first..=last,
                _ => return Err(UsageError(format!("--years: `{text}` is not like 2002-2026"))),
            }
        }
    };
    let places = Places {
        osv: args.osv.clone(),
        kev: args.kev.clone(),
        epss: args.epss.clone(),
        overrides: args.overrides.clone(),
        cpe: args.cpe.clone(),
    };
    let mut lists = Vec::new();
    for word in args.source.iter().filter(|word| *word != "nvd") {
        let named = places.lists(word).ok_or_else(|| {
            UsageError(format!(
                "--source: `{word}` is not nvd, kev, epss, overrides, cpe, osv or osv:ECOSYSTEM (one of {})",
                ECOSYSTEMS.join(", ")
            ))
        })?;
        lists.extend(named);
    }
    lists.extend(args.advisories.as_ref().map(|folder| List::of_folder(folder)));
    let nvd = if args.source.iter().any(|word| word == "nvd") { args.nvd.clone() } else { Vec::new() };
    let api = args.nvd_api.clone().map(|place| Ok(Api { place, key: api_key(args.nvd_api_key_file.as_deref())? })).transpose()?;
    Ok(Options { nvd, api, years, lists, transport: transport(args), full: args.full, now, holder: holder() })
}
