//! Moving accounts here from another server (issue "keymaker import synapse"): what a check of a real Synapse's own database
//! tells, and what is said when something cannot be read. The real program is run, as an administrator runs it.

mod check;
mod legacy;
mod refusals;

use std::path::Path;
use std::process::{Command, Stdio};

/// What a command said and how it ended.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    /// Gives the lines of a section of the report, without their indentation.
    fn section(&self, title: &str) -> Vec<&str> {
        let lines = self.stdout.lines().skip_while(|line| *line != title).skip(1);
        lines.take_while(|line| !line.is_empty()).map(str::trim).collect()
    }

    /// The command failed in an orderly way and said why in one sentence, without a secret.
    fn assert_one_sentence(&self, words: &[&str]) {
        assert_eq!((self.code, &*self.stdout), (Some(1), ""), "{}", self.stderr);
        for words in words {
            assert!(self.stderr.contains(words), "no {words:?} in {}", self.stderr);
        }
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("keymaker: ") && !self.stderr.contains("hunter2"), "{}", self.stderr);
    }
}

/// Runs `keymaker import synapse --check` in a folder, with the configuration `keymaker.yaml` there.
fn check(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keymaker"));
    command.args(["--config", "keymaker.yaml", "import", "synapse", "--check"]).args(arguments);
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    for (key, value) in settings {
        command.env(format!("KEYMAKER__{}", key.replace('.', "__").to_uppercase()), value);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Writes a `keymaker.yaml` as an administrator gets one.
fn write_configuration(folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_keymaker")).args(["config", "generate"]).output().unwrap();
    assert!(output.status.success());
    std::fs::write(folder.join("keymaker.yaml"), output.stdout).unwrap();
}
