//! The command line's types; the only place that uses clap.

mod whitelist;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
pub use whitelist::{SuppressArgs, WhitelistArgs, WhitelistCommand};

/// Tells which of the packages you ship may be shipped.
#[derive(Debug, Parser)]
#[command(name = "scacheck", version, args_conflicts_with_subcommands = true, after_help = AFTER)]
pub struct Cli {
    /// Other commands.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A check.
    #[command(flatten)]
    pub check: CheckArgs,
}

const AFTER: &str = "exit codes: 0 gate passed, 1 gate failed, 2 no verdict (usage, configuration, unreadable subject),\n3 nothing to check was found, 4 no verdict (mirror missing, damaged or too old), 5 something could not be looked at";

/// Commands beside the check.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check subjects (the same as no command).
    Check(Box<CheckArgs>),
    /// Bring the mirror up to date.
    Sync(Box<SyncArgs>),
    /// Look at the mirror.
    Db(DbArgs),
    /// Show what packages are held to be, and why each finding applies.
    Explain(ExplainArgs),
    /// Work on the list of what may be shipped.
    Whitelist(WhitelistArgs),
    /// Set a finding aside, with a reason.
    Suppress(SuppressArgs),
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// scacheck.report/1.
    Json,
    /// One self-contained page.
    Html,
    /// OpenVEX of what is suppressed.
    #[value(name = "openvex")]
    OpenVex,
}

/// A format and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Which format.
    pub format: Format,
    /// Which file; nothing is stdout.
    pub path: Option<PathBuf>,
}

fn output(text: &str) -> Result<Output, String> {
    let (format, path) = text.split_once('=').map_or((text, None), |(format, path)| (format, Some(PathBuf::from(path))));
    Ok(Output { format: Format::from_str(format, false)?, path })
}

/// Where the mirror is.
#[derive(Debug, Clone, Default, Args)]
pub struct MirrorArgs {
    /// The mirror's folder, or `starter` for the small feed inside the program.
    #[arg(long, env = "SCACHECK_DB", global = true, value_name = "DIR|starter")]
    pub db: Option<PathBuf>,
}

/// Flags of a check.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Folder, lockfile, image archive or layout, rootfs:FOLDER, SBOM, purl, or - for standard input.
    #[arg(value_name = "SUBJECT")]
    pub subjects: Vec<String>,
    /// Output format, repeatable: text, json, html, openvex; with =PATH into a file.
    #[arg(short, long = "format", value_name = "FMT[=PATH]", value_parser = output)]
    pub formats: Vec<Output>,
    /// A file, or a folder when several formats are asked for.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// The policy file.
    #[arg(short, long, env = "SCACHECK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Rules that the policy file may only tighten.
    #[arg(long, env = "SCACHECK_POLICY_FLOOR", value_name = "FILE")]
    pub policy_floor: Option<PathBuf>,
    /// VEX statements (OpenVEX, CycloneDX, CSAF), repeatable.
    #[arg(long, value_name = "FILE")]
    pub vex: Vec<PathBuf>,
    /// Suppressions: a policy file of suppress rules only, or another tool's file (see `whitelist import`), repeatable.
    #[arg(long, value_name = "FILE")]
    pub suppression: Vec<PathBuf>,
    /// Mirror.
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// Refuse a mirror whose sources were last reached longer ago (7d, 12h).
    #[arg(long, env = "SCACHECK_DB_MAX_AGE", value_name = "AGE", value_parser = age)]
    pub db_max_age: Option<f64>,
    /// Severity from which a certain finding is denied: none, low, medium, high, critical.
    #[arg(long, env = "SCACHECK_FAIL_ON", value_name = "SEVERITY")]
    pub fail_on: Option<String>,
    /// CVSS base score from which a finding is denied.
    #[arg(long, env = "SCACHECK_FAIL_ON_CVSS", value_name = "N")]
    pub fail_on_cvss: Option<f64>,
    /// Deny what is known to be exploited.
    #[arg(long, env = "SCACHECK_FAIL_ON_KEV", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub fail_on_kev: Option<bool>,
    /// EPSS probability from which a finding is denied.
    #[arg(long, env = "SCACHECK_FAIL_ON_EPSS", value_name = "P")]
    pub fail_on_epss: Option<f64>,
    /// What a doubt costs: KIND=allow|warn|deny, repeatable.
    #[arg(long, value_name = "KIND=COST")]
    pub on_doubt: Vec<String>,
    /// What a gap costs: warn or deny.
    #[arg(long, env = "SCACHECK_ON_GAP", value_name = "COST")]
    pub on_gap: Option<String>,
    /// Deny only what a version fixes.
    #[arg(long)]
    pub only_fixed: bool,
    /// Exit 0 also when the gate fails.
    #[arg(long)]
    pub exit_zero: bool,
    /// Fail when a rule matches nothing.
    #[arg(long)]
    pub deny_unused: bool,
    /// Exit 5 also for anything known but not supported.
    #[arg(long)]
    pub strict: bool,
    /// Exit 0 when nothing to check is found.
    #[arg(long)]
    pub allow_empty: bool,
    /// The day the check is made for, ISO date.
    #[arg(long, env = "SCACHECK_TODAY", value_name = "DATE")]
    pub today: Option<String>,
    /// Paths to pass over, repeatable.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Scopes to leave out: dev, optional.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    pub omit: Vec<String>,
    /// Only these purl types.
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    pub ecosystem: Vec<String>,
    /// The distribution and release that a listing without one comes from, as `debian:12`.
    #[arg(long, value_name = "ID:RELEASE")]
    pub distro: Option<String>,
    /// Which image of an index of several.
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// The image that the subject is built upon: what it brought is marked.
    #[arg(long, value_name = "IMAGE")]
    pub base: Option<String>,
}

/// Days in `7d`, `12h` or a bare number of days.
fn age(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('h') {
        Some(hours) => (hours, 24.0),
        None => (text.strip_suffix('d').unwrap_or(text), 1.0),
    };
    let value: f64 = number.parse().map_err(|_| "an age is written 7d or 12h".to_owned())?;
    if value.is_finite() && value >= 0.0 { Ok(value / unit) } else { Err("an age is not negative".to_owned()) }
}

/// Flags of a sync.
#[derive(Debug, Clone, Args)]
pub struct SyncArgs {
    /// Mirror.
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// Sources: nvd, kev, epss, overrides, cpe, osv (all known ecosystems) or osv:ECOSYSTEM, repeatable.
    #[arg(long, value_delimiter = ',', default_value = "nvd,kev,epss,overrides,osv", value_name = "SOURCE")]
    pub source: Vec<String>,
    /// Address or folder of nvdcve-2.0-YEAR.json.gz and .meta; like the next four, repeatable: the first that answers is used.
    #[arg(long, env = "SCACHECK_NVD", default_value = "https://nvd.nist.gov/feeds/json/cve/2.0", value_name = "URL|DIR")]
    pub nvd: Vec<String>,
    /// Take the changes of the last 120 days from the NVD's API (at this address, or its own) instead of its feeds. A key in
    /// NVD_API_KEY makes that ten times as fast.
    #[arg(
        long,
        env = "SCACHECK_NVD_API",
        num_args = 0..=1,
        default_missing_value = "https://services.nvd.nist.gov/rest/json/cves/2.0",
        value_name = "URL"
    )]
    pub nvd_api: Option<String>,
    /// A file that holds the API's key, instead of NVD_API_KEY.
    #[arg(long, value_name = "FILE")]
    pub nvd_api_key_file: Option<PathBuf>,
    /// Address or folder of ECOSYSTEM/all.zip, as osv.dev exports them.
    #[arg(long, env = "SCACHECK_OSV", default_value = "https://storage.googleapis.com/osv-vulnerabilities", value_name = "URL|DIR")]
    pub osv: Vec<String>,
    /// CISA's list of exploited vulnerabilities, JSON.
    #[arg(
        long,
        env = "SCACHECK_KEV",
        default_value = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        value_name = "URL|FILE"
    )]
    pub kev: Vec<String>,
    /// EPSS scores, CSV, gzipped or plain.
    #[arg(
        long,
        env = "SCACHECK_EPSS",
        default_value = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
        value_name = "URL|FILE"
    )]
    pub epss: Vec<String>,
    /// Public configurations for CVEs that the NVD left without any, tar.gz.
    #[arg(
        long,
        env = "SCACHECK_OVERRIDES",
        default_value = "https://github.com/anchore/nvd-data-overrides/archive/refs/heads/main.tar.gz",
        value_name = "URL|FILE"
    )]
    pub overrides: Vec<String>,
    /// The NVD's dictionary of CPE names (source `cpe`), tar.gz.
    #[arg(
        long,
        env = "SCACHECK_CPE",
        default_value = "https://nvd.nist.gov/feeds/json/cpe/2.0/nvdcpe-2.0.tar.gz",
        value_name = "URL|FILE"
    )]
    pub cpe: Vec<String>,
    /// Certificates (PEM) to trust beside the public ones.
    #[arg(long, env = "SCACHECK_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// A folder of private advisories in OSV's form.
    #[arg(long, env = "SCACHECK_ADVISORIES", value_name = "DIR")]
    pub advisories: Option<PathBuf>,
    /// A ready export of another mirror (`scacheck db export`), instead of all sources.
    #[arg(long, value_name = "URL|FILE")]
    pub from: Vec<String>,
    /// With --from: the minisign public key, or its file, that the export's .minisig must be of.
    #[arg(long, requires = "from", value_name = "KEY|FILE")]
    pub key: Option<String>,
    /// Years that are wanted, first-last.
    #[arg(long, value_name = "YEARS")]
    pub years: Option<String>,
    /// Build the mirror from nothing.
    #[arg(long)]
    pub full: bool,
    /// The day of this sync, ISO date.
    #[arg(long, value_name = "DATE")]
    pub today: Option<String>,
}

/// Flags of `db`.
#[derive(Debug, Args)]
pub struct DbArgs {
    /// Mirror.
    #[command(flatten)]
    pub mirror: MirrorArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: DbCommand,
}

/// Ways to look at the mirror.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// What it holds and how old it is.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Whether it is what was published.
    Verify,
    /// Find products by vendor and product name.
    Search {
        /// Words of the name.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Write the generation in force to one compressed file.
    Export {
        /// The file to write.
        file: PathBuf,
    },
    /// Bring an exported generation into force.
    Import {
        /// The exported file.
        file: PathBuf,
        /// Take it also if it is older than the mirror.
        #[arg(long)]
        force: bool,
        /// The minisign public key, or its file, that FILE.minisig must be of.
        #[arg(long, value_name = "KEY|FILE")]
        key: Option<String>,
    },
    /// What the last sync changed: records by source, and package names that mean another product now.
    Diff,
    /// Where it is.
    Path,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// As for a check.
    pub subject: String,
    /// Only this vulnerability.
    pub id: Option<String>,
    /// Mirror.
    #[command(flatten)]
    pub mirror: MirrorArgs,
}

/// The arguments of this process.
#[must_use]
pub fn parse() -> Cli {
    Cli::parse()
}
