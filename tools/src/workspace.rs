//! Owns where things are in the working copy and how cargo is called from a tool that cargo started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::Failure;

/// Returns the root of the working copy.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// Returns the folder that cargo builds into: this very program stands in one of its profiles.
pub fn target() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.to_path_buf()))
        .unwrap_or_else(|| root().join("target"))
}

/// Returns the folder of the private Synapse, which `KEYMAKER_SYNAPSE_VENV` moves elsewhere.
pub fn synapse_venv() -> PathBuf {
    std::env::var_os("KEYMAKER_SYNAPSE_VENV").map_or_else(|| target().join("synapse-venv"), PathBuf::from)
}

/// Returns the folder of the relying parties in Python, which `KEYMAKER_PARTIES_VENV` moves elsewhere.
pub fn parties_venv() -> PathBuf {
    std::env::var_os("KEYMAKER_PARTIES_VENV").map_or_else(|| target().join("parties-venv"), PathBuf::from)
}

/// Prepares a call of the cargo that started this program.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root()).env("CARGO_TARGET_DIR", target()).args(arguments);
    command
}

/// Runs a command to its end; anything but success is a failure that names it.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| format!("{:?} does not start: {error}", command.get_program()))?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    Err(format!("{} {}: {status}", program.display(), words.join(" ")).into())
}

/// Builds the server and returns the path of its binary.
pub fn build_keymaker(release: bool) -> Result<PathBuf, Failure> {
    let mut arguments = vec!["build", "--quiet", "--package", "keymaker"];
    if release {
        arguments.push("--release");
    }
    run(&mut cargo(&arguments))?;
    let profile = if release { "release" } else { "debug" };
    Ok(target().join(profile).join("keymaker"))
}
