//! The arguments of `whitelist` and `suppress`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Flags of `whitelist`.
#[derive(Debug, Args)]
pub struct WhitelistArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WhitelistCommand,
    /// The policy file; else the one in force for the subject, else scacheck.toml in this folder.
    #[arg(short, long, env = "SCACHECK_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The day it is done, ISO date.
    #[arg(long, env = "SCACHECK_TODAY", value_name = "DATE", global = true)]
    pub today: Option<String>,
    /// Paths to pass over, repeatable.
    #[arg(long, value_name = "GLOB", global = true)]
    pub exclude: Vec<String>,
    /// The distribution and release that a listing without one comes from, as `debian:12`.
    #[arg(long, value_name = "ID:RELEASE", global = true)]
    pub distro: Option<String>,
}

/// Ways to work on the whitelist. None of them needs a mirror.
#[derive(Debug, Subcommand)]
pub enum WhitelistCommand {
    /// Write a whitelist of everything that is there now: exact versions and digests, source packages of distributions.
    Init {
        /// What to look at.
        #[arg(default_value = ".")]
        subject: String,
        /// Why all this may be shipped.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who says so.
        #[arg(long, value_name = "NAME")]
        approved_by: Option<String>,
    },
    /// Allow one more package; its digests are taken from the subject.
    Add {
        /// The package, with its version, or without one together with --range.
        purl: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Versions, in the ecosystem's own syntax.
        #[arg(long, value_name = "RANGE")]
        range: Option<String>,
        /// Who says so.
        #[arg(long, value_name = "NAME")]
        approved_by: Option<String>,
        /// Where that was discussed.
        #[arg(long, value_name = "TEXT")]
        ticket: Option<String>,
        /// The last day it holds.
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Where to look for its digests.
        #[arg(long, default_value = ".", value_name = "SUBJECT")]
        subject: String,
    },
    /// Hold what is there against the whitelist and nothing else.
    Check {
        /// What to look at.
        #[arg(default_value = ".")]
        subject: String,
        /// Fail when a rule matches nothing.
        #[arg(long)]
        deny_unused: bool,
    },
    /// What a change adds, removes and upgrades against the list, with the lines to change.
    Diff {
        /// What to look at.
        #[arg(default_value = ".")]
        subject: String,
        /// As Markdown, for a pull request.
        #[arg(long)]
        markdown: bool,
    },
    /// Take allow rules out that match nothing or have expired.
    Prune {
        /// What to look at.
        #[arg(default_value = ".")]
        subject: String,
        /// Only say what would be taken out.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take over another tool's suppressions or lists: Dependency-Check, Trivy, Grype, osv-scanner, cargo-deny, claircli, Anchore.
    Import {
        /// Its file.
        file: PathBuf,
        /// Print the rules instead of adding them to the policy file.
        #[arg(long)]
        print: bool,
    },
}

/// Flags of `suppress`.
#[derive(Debug, Args)]
pub struct SuppressArgs {
    /// The vulnerability.
    pub id: String,
    /// The package; without a version: every version.
    pub purl: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The last day it holds.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Until a version fixes it.
    #[arg(long)]
    pub until_fixed: bool,
    /// One of VEX's five, as component_not_present.
    #[arg(long, value_name = "WORD")]
    pub justification: Option<String>,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    pub approved_by: Option<String>,
    /// Where that was discussed.
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// The policy file.
    #[arg(short, long, env = "SCACHECK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}
