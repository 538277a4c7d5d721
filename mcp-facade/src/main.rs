//! The binary `loonflow-ticket`: reads the command line, wires the parts together, and serves.
//!
//! Not here: anything that could be tested without a process.

use std::process::ExitCode;

use clap::Parser;
use loonflow_mcp_facade::cli::Cli;

fn main() -> ExitCode {
    let _cli = Cli::parse();
    ExitCode::SUCCESS
}
