//! What each command does, one file per command.
//!
//! `store` opens the log and the engine, `operator` carries requests out on them, `door` finds out whether a server
//! runs and asks it, or opens the store itself. Only here, where the parts are wired together, storage appears.

mod absence;
mod check;
mod clock;
mod deliveries;
mod demo;
mod door;
mod export;
mod file;
mod files;
mod import;
mod jwt_key;
mod operator;
mod output;
mod restore;
mod schema;
mod serve;
mod simulate;
mod status;
mod store;
mod ticket;
mod token;
mod verify;
mod whole_file;
mod workflow;

use std::process::ExitCode;

use loonflow_mcp_facade::cli::{Cli, Command};
use loonflow_mcp_facade::config;

/// Runs a command to its end.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let data = cli.data;
    let directory = || config::data_directory(data.clone());
    match cli.command {
        Command::Serve(flags) => serve::run(&directory()?, flags).await,
        Command::Demo(flags) => demo::run(data, flags).await,
        Command::Import(flags) => import::run(&directory()?, flags).await,
        Command::Absence(what) => absence::run(&directory()?, what).await,
        Command::Token(what) => token::run(&directory()?, what).await,
        Command::Check(flags) => check::run(&flags),
        Command::Schema(flags) => schema::run(flags),
        Command::Workflow(what) => workflow::run(&directory()?, what).await,
        Command::Ticket(what) => ticket::run(&directory()?, what).await,
        Command::File(what) => file::run(&directory()?, what).await,
        Command::Export(flags) => export::run(&directory()?, flags).await,
        Command::Restore(flags) => restore::run(&directory()?, flags).await,
        Command::Verify(flags) => verify::run(&directory()?, &flags).await,
        Command::Status => status::run(&directory()?).await,
        Command::Deliveries(flags) => deliveries::run(&directory()?, flags).await,
        Command::Clock(flags) => clock::run(&directory()?, flags).await,
    }
}
