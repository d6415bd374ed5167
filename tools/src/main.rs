//! `cargo tool check | dev | load | import-load | policy`: what the people who work on Keymaker run. Each command is one file; what they
//! share is the workspace's folders (`workspace.rs`) and the child processes that the tests start too.

#![allow(clippy::print_stdout, reason = "what these commands print is what they are for")]

mod check;
mod components;
mod dev;
mod http;
mod import_load;
mod load;
mod login;
mod policy;
mod postgres;
mod support;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use support::process::Failure;

#[derive(Parser)]
#[command(name = "cargo tool", about = "What the people who work on Keymaker run")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Formatting, lints and the whole test suite on both database engines: what CI runs.
    Check(check::Arguments),
    /// A real Synapse, Keymaker and a demo client on loopback, with a user to sign in as.
    Dev(dev::Arguments),
    /// Measures the release build: introspection, refresh, logins, memory and the time to ready.
    Load(load::Arguments),
    /// Measures the import: a million users out of a real Synapse's tables, from and into both database engines.
    ImportLoad(import_load::Arguments),
    /// Measures the policies: how long each decision takes with long lists.
    Policy(policy::Arguments),
}

fn main() -> ExitCode {
    let outcome: Result<(), Failure> = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::ImportLoad(arguments) => import_load::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
