//! Arguments, environment and clock in; exit code out.

use scacheck::cli::{CheckArgs, Cli, Command, DbArgs, DbCommand, ExplainArgs, SyncArgs};
use scacheck::commands::{self, UsageError};
use scacheck::mirror::MirrorError;
use scacheck::mirror::signature::Key;
use scacheck::mirror::store::Store;
use scacheck::mirror::transfer;
use scacheck::pipeline::{self, CheckError};
use scacheck::sync::nightly::{self, Event};
use scacheck::whitelist;
use std::error::Error;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// A check makes and drops many small texts, which this allocator does in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = scacheck::cli::parse();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let result = match cli {
        Cli { command: None, check } => check_command(&check, &now),
        Cli { command: Some(Command::Check(check)), .. } => check_command(&check, &now),
        Cli { command: Some(Command::Sync(args)), .. } => sync_command(&args, &now),
        Cli { command: Some(Command::Db(args)), .. } => db_command(&args),
        Cli { command: Some(Command::Explain(args)), .. } => explain_command(&args, &now),
        Cli { command: Some(Command::Whitelist(args)), .. } => told(whitelist::run(&args, &now)),
        Cli { command: Some(Command::Suppress(args)), .. } => told(whitelist::suppress(&args)),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(exit_code(&*error))
        }
    }
}

fn exit_code(error: &(dyn Error + 'static)) -> u8 {
    match (error.downcast_ref::<CheckError>(), error.downcast_ref::<MirrorError>()) {
        (Some(error), _) => error.exit_code(),
        // A file that is not taken changes nothing about the mirror.
        (_, Some(MirrorError::Refused { .. })) => 2,
        (_, Some(_)) => 4,
        _ => 2,
    }
}

fn say(text: &str) -> Result<(), Box<dyn Error>> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // A reader that has seen enough (`| head`) is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("writing to standard output: {error}").into()),
        _ => Ok(()),
    }
}

fn told(result: Result<(String, u8), Box<dyn Error>>) -> Result<u8, Box<dyn Error>> {
    let (text, code) = result?;
    say(&text)?;
    Ok(code)
}

fn check_command(args: &CheckArgs, now: &str) -> Result<u8, Box<dyn Error>> {
    let request = commands::request(args, now)?;
    let mirror = pipeline::open_mirror(&commands::mirror_folder(args.mirror.db.as_deref())?)?;
    let report = pipeline::check(&request, &mirror, &mut std::io::stdin().lock())?;
    for output in commands::outputs(args) {
        let text = commands::render(&report, output.format)?;
        match &output.path {
            None => say(&text)?,
            Some(path) => {
                if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                    std::fs::create_dir_all(parent).map_err(|error| format!("making {}: {error}", parent.display()))?;
                }
                std::fs::write(path, text).map_err(|error| format!("writing {}: {error}", path.display()))?;
            }
        }
    }
    Ok(report.exit_code)
}

fn sync_command(args: &SyncArgs, now: &str) -> Result<u8, Box<dyn Error>> {
    let options = commands::sync_options(args, now)?;
    let folder = commands::mirror_folder(args.mirror.db.as_deref())?;
    if folder.as_os_str() == "starter" {
        return Err(UsageError("--db starter is inside the program and cannot be synced: name a folder".to_owned()).into());
    }
    if !args.from.is_empty() {
        let key = args.key.as_deref().map(Key::read).transpose()?;
        let generation = nightly::take(&Store::at(&folder), &args.from, &commands::transport(args), key.as_ref(), &commands::holder())?;
        say(&format!("generation {generation} is in force\n"))?;
        return Ok(0);
    }
    let bar = std::io::stderr().is_terminal().then(indicatif::ProgressBar::new_spinner);
    let mut show = |event: Event| {
        if let Event::Announced(sizes) = &event {
            let _ = writeln!(std::io::stderr(), "{}", commands::announcement(sizes));
        }
        let Some(bar) = &bar else { return };
        match event {
            Event::Announced(_) => {}
            Event::Planned(feeds) => bar.set_message(format!("{feeds} files to read")),
            Event::Feed(name, records) => bar.println(format!("{name}: {records} records")),
            Event::Records(count) => bar.set_message(format!("{count} records")),
            Event::Finishing => bar.set_message("building indexes"),
        }
        bar.tick();
    };
    let result = nightly::run(&Store::at(&folder), &options, &mut show);
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    // A sync without success is exit 2 whatever failed: nothing was published.
    let synced = result.map_err(|error| format!("{error}\nnothing was published; what was in force stays in force"))?;
    let what = if synced.published {
        format!("published generation {}", synced.generation)
    } else {
        format!("nothing new; generation {} stays in force", synced.generation)
    };
    let mut text = format!("{what}: {} records, {} files read, {} kept aside\n", synced.records, synced.files, synced.kept_aside);
    if !synced.absent_years.is_empty() {
        let years = synced.absent_years.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("absent years: {years}\n"));
    }
    synced.failures.iter().for_each(|failure| text.push_str(&format!("failed, old data kept: {failure}\n")));
    synced.incomplete.iter().for_each(|hole| text.push_str(&format!("incomplete: {hole}\n")));
    say(&text)?;
    Ok(u8::from(!synced.failures.is_empty() || synced.incomplete.is_some()))
}

fn db_command(args: &DbArgs) -> Result<u8, Box<dyn Error>> {
    let folder = commands::mirror_folder(args.mirror.db.as_deref())?;
    match &args.command {
        DbCommand::Export { file } => {
            let (size, sha256) = transfer::export(&Store::at(&folder), file)?;
            say(&format!("{} bytes, SHA-256 {sha256}\n", size))?;
        }
        DbCommand::Diff => {
            for line in scacheck::mirror::compare::diff(&Store::at(&folder))? {
                say(&format!("{line}\n"))?;
            }
        }
        DbCommand::Import { file, force, key } => {
            if let Some(key) = key {
                let beside = format!("{}.minisig", file.display());
                let signature = std::fs::read_to_string(&beside).map_err(|error| format!("reading {beside}: {error}"))?;
                Key::read(key)?.verify(file, &signature)?;
            }
            let generation = transfer::import(&Store::at(&folder), file, *force, &commands::holder())?;
            say(&format!("generation {generation} is in force\n"))?;
        }
        DbCommand::Path => say(&format!("{}\n", folder.display()))?,
        DbCommand::Search { text } => {
            let mirror = pipeline::open_mirror(&folder)?;
            for hit in mirror.search(&text.join(" "), 20)? {
                let count = mirror.product(&hit.product)?.map_or(0, |facts| facts.cves);
                let (title, successor) = mirror.title(&hit.product)?.unwrap_or_default();
                let title = if title.is_empty() { title } else { format!("  {title}") };
                let successor = successor.map_or(String::new(), |successor| format!("  deprecated, now {successor}"));
                say(&format!("{:>6} CVEs  {}  {}{title}{successor}\n", count, hit.product.part.letter(), hit.product))?;
            }
        }
        DbCommand::Status { json } => {
            show_status(pipeline::open_mirror(&folder)?.state(), *json)?;
        }
        DbCommand::Verify => {
            let checks = scacheck::mirror::verify::verify(&Store::at(&folder))?;
            for check in &checks {
                say(&format!(
                    "{} {}\n",
                    if check.trouble.is_none() { "ok    " } else { "WRONG " },
                    check.trouble.as_ref().map_or(check.what.clone(), |trouble| format!("{}: {trouble}", check.what))
                ))?;
            }
            return Ok(if checks.iter().any(|check| check.trouble.is_some()) { 4 } else { 0 });
        }
    }
    Ok(0)
}

fn show_status(state: &scacheck::model::mirror::MirrorState, json: bool) -> Result<(), Box<dyn Error>> {
    if json {
        say(&format!("{}\n", serde_json::to_string_pretty(state)?))?;
    } else {
        say(&format!(
            "{} generation {}, built {}\n{} CVEs without any configuration\n",
            state.kind, state.generation, state.built_at, state.unconfigured
        ))?;
        for source in &state.sources {
            say(&format!(
                "{}: {} records, newest {}, last reached {}, {}\n",
                source.name, source.records, source.newest, source.contacted, source.state
            ))?;
        }
        if !state.absent_years.is_empty() {
            say(&format!("absent years: {:?}\n", state.absent_years))?;
        }
    }
    Ok(())
}

fn explain_command(args: &ExplainArgs, now: &str) -> Result<u8, Box<dyn Error>> {
    let check = CheckArgs { subjects: vec![args.subject.clone()], ..CheckArgs::default() };
    let request = commands::request(&check, now)?;
    let mirror = pipeline::open_mirror(&commands::mirror_folder(args.mirror.db.as_deref())?)?;
    say(&pipeline::explain(&request, &mirror, args.id.as_deref(), &mut std::io::stdin().lock())?)?;
    Ok(0)
}
