//! Owns the parts of the test suite that are not Rust: a private Synapse, client libraries in Python and JavaScript,
//! and applications that people log in to.

use std::path::Path;
use std::process::Command;

use crate::support::homeserver::{REQUIREMENTS, has_packages, is_installed};
use crate::support::parties;
use crate::support::process::Failure;
use crate::workspace::{parties_venv, root, run, synapse_venv};

/// Installs Synapse and a client library from PyPI into a private venv, unless they are there.
pub fn install_synapse() -> Result<(), Failure> {
    let venv = synapse_venv();
    if is_installed(&venv) && has_packages(&venv) {
        return Ok(());
    }
    println!("Installing {} into {}", REQUIREMENTS.join(" and "), venv.display());
    install(&venv, REQUIREMENTS)
}

/// Installs the relying parties of the stories from PyPI into a venv of their own, unless they are there.
pub fn install_parties() -> Result<(), Failure> {
    let venv = parties_venv();
    if parties::is_installed(&venv) {
        return Ok(());
    }
    println!("Installing what tests/parties/requirements.txt names into {}", venv.display());
    let named = parties::REQUIREMENTS.lines().filter(|line| !line.starts_with('#'));
    install(&venv, named)?;
    Ok(parties::note_installed(&venv)?)
}

fn install<'a>(venv: &Path, packages: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(venv.join("bin/pip")).args(pip).args(packages))
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
