//! `schema`: what editors need to know of the files that people write.

use std::process::ExitCode;

use loonflow_engine::account::import;
use loonflow_engine::workflow::definition;
use loonflow_mcp_facade::cli::{Described, Schema};

use super::output::line;

/// Prints a JSON Schema.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn run(flags: Schema) -> anyhow::Result<ExitCode> {
    let schema = match flags.of {
        Described::Workflow => definition::SCHEMA,
        Described::Directory => import::SCHEMA,
    };
    line(schema.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
