//! The binary `loonflow-ticket`: reads the command line, wires the parts together, and serves.
//!
//! Not here: anything that can be tested without a process.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use loonflow_mcp_facade::cli::Cli;
use loonflow_mcp_facade::{config, telemetry};

/// Time for tasks that block at the end of the process: a read of standard input cannot be cancelled.
const RUNTIME_STOP_MAX: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Standard output may belong to the protocol.
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
    let outcome = runtime.block_on(dispatch(cli));
    runtime.shutdown_timeout(RUNTIME_STOP_MAX);
    outcome
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let data = config::data_directory(cli.data)?;
    anyhow::bail!(
        "this build holds no engine yet, so nothing can be done with `{}`",
        data.display()
    )
}
