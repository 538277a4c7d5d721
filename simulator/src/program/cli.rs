//! The command line: parsed, handed to `commands`, and ended with an exit code.
//!
//! Exit codes: 0 fine, 1 a defect was found, 2 unknown (a bound was met), 3 the call cannot be carried out as it is.

use std::process::ExitCode;

use clap::Parser;

use crate::program::commands::{self, Command};
use crate::program::output::Output;

/// Finds what is wrong with a workflow, or with the engine, before a person does.
#[derive(Debug, Parser)]
#[command(name = "loonflow-simulate", version, about, long_about = None)]
pub struct Cli {
    /// Answer with one JSON object on stdout instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The call cannot be carried out as it is: bad arguments or files.
const USAGE: u8 = 3;

/// Parses the arguments of the process and carries the job out.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_asked_for = !error.use_stderr();
            // Where stdout is closed nobody is left to tell.
            let _ = error.print();
            return ExitCode::from(if is_asked_for { 0 } else { USAGE });
        }
    };
    let output = Output::new(cli.json);
    match commands::run(&cli.command, &output) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => {
            output.failure(&error);
            ExitCode::from(USAGE)
        }
    }
}
