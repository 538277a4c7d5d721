//! `--simulate`: the simulator's look at a definition before it is published.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::publishing;
use serde_json::Value;

use super::output::line;

/// Prints what the simulator sees; whether something should be mended first.
///
/// # Errors
/// Where the directory is none, or nothing can be printed.
pub(crate) fn look(shown: &str, version: WorkflowVersion, directory: Option<&Value>) -> anyhow::Result<bool> {
    let seen = publishing::look(&Arc::new(version), directory)?;
    for text in &seen.lines {
        line(format_args!("{shown}: {text}"))?;
    }
    Ok(seen.is_defect)
}
