//! Owns the parts of the test suite that are not Rust: a private Synapse, client libraries in Python and JavaScript.

use std::process::Command;

use crate::support::homeserver::{REQUIREMENTS, has_packages, is_installed};
use crate::support::process::Failure;
use crate::workspace::{root, run, synapse_venv};

/// Installs Synapse and a client library from PyPI into a private venv, unless they are there.
pub fn install_synapse() -> Result<(), Failure> {
    let venv = synapse_venv();
    if is_installed(&venv) && has_packages(&venv) {
        return Ok(());
    }
    println!("Installing {} into {}", REQUIREMENTS.join(" and "), venv.display());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(venv.join("bin/pip")).args(pip).args(REQUIREMENTS))
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
