//! Owns the parts of the test suite that are not Rust: a private Synapse and the Node.js packages of `tests/package.json`.

use std::process::Command;

use crate::support::homeserver::{REQUIREMENT, is_installed};
use crate::support::process::Failure;
use crate::workspace::{root, run, synapse_venv};

/// Installs Synapse from PyPI into its private venv, unless it is there.
pub fn install_synapse() -> Result<(), Failure> {
    let venv = synapse_venv();
    if is_installed(&venv) {
        return Ok(());
    }
    println!("Installing {REQUIREMENT} into {}", venv.display());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", REQUIREMENT]))
}

/// Installs the Node.js packages that the browser and homeserver stories run with, as their lock file names them.
pub fn install_node_packages() -> Result<(), Failure> {
    let tests = root().join("tests");
    let written = |file: &str| tests.join(file).metadata().and_then(|file| file.modified()).ok();
    // npm writes down what it installed; older than the lock file, that is something else.
    if written("node_modules/.package-lock.json") >= written("package-lock.json") {
        return Ok(());
    }
    println!("Installing the packages of tests/package.json");
    run(Command::new("npm").args(["ci", "--silent"]).current_dir(tests))
}
