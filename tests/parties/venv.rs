//! Where the Python packages of the relying parties are, and whether they are those that `requirements.txt` names.

use std::path::Path;

/// What is installed, with its version.
pub const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The file in the venv that says what was installed into it last.
const INSTALLED: &str = "installed.txt";

/// Tells whether a venv holds what is named.
pub fn is_installed(venv: &Path) -> bool {
    venv.join("bin/python").exists()
        && std::fs::read_to_string(venv.join(INSTALLED)).is_ok_and(|installed| installed == REQUIREMENTS)
}

/// Writes down that a venv holds what is named.
#[allow(dead_code, reason = "whoever installs does")]
pub fn note_installed(venv: &Path) -> std::io::Result<()> {
    std::fs::write(venv.join(INSTALLED), REQUIREMENTS)
}
