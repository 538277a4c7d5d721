//! The binary `loonflow-ticket`: reads the command line and hands over to the command.
//!
//! Not here: what a command does (`commands`), anything that can be tested without a process (the library).

mod commands;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use loonflow_mcp_facade::cli::Cli;
use loonflow_mcp_facade::telemetry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time for tasks that block at the end of the process: a read of standard input cannot be cancelled.
const RUNTIME_STOP_MAX: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Standard output may belong to the protocol, or to an export.
            eprintln!("loonflow-ticket: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    telemetry::start(&std::env::var("LOONFLOW_LOG").unwrap_or_default()).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    let outcome = runtime.block_on(commands::run(cli));
    runtime.shutdown_timeout(RUNTIME_STOP_MAX);
    outcome
}
