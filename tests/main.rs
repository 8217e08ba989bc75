//! The one integration binary: the whole program on real tiny mirrors, and the walls of the house.

#![allow(clippy::unwrap_used, clippy::panic)]

mod accuracy;
mod api;
mod check;
mod distro;
mod harden;
mod identity;
mod image;
mod laws;
mod readers;
mod rootfs;
mod sources;
mod sync;
mod vex;
mod walls;
mod whitelist;

use assert_cmd::Command;
use std::path::Path;

/// The program, with nothing of this machine's environment.
pub fn scacheck() -> Command {
    let mut command = Command::cargo_bin("scacheck").unwrap();
    command.env_clear().env("HOME", "/nonexistent");
    command
}

/// Runs it; gives exit code, stdout and stderr.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    run_with(&[], arguments)
}

/// Runs it with variables of the environment.
pub fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let output = scacheck().envs(variables.iter().copied()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}
