//! `--simulate`: is a definition sound? Proved, refuted by a story, or left open, before it is published.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_prove::check::Outcome;
use loonflow_prove::publishing;
use serde_json::Value;

use super::output::line;

/// Prints what is proved of a definition; whether something should be mended first.
///
/// # Errors
/// Where the directory is none, or nothing can be printed.
pub(crate) fn look(shown: &str, version: WorkflowVersion, directory: Option<&Value>) -> anyhow::Result<bool> {
    let seen = publishing::look(&Arc::new(version), directory)?;
    for text in &seen.lines {
        line(format_args!("{shown}: {text}"))?;
    }
    match seen.outcome {
        Outcome::Sound => Ok(false),
        Outcome::Unsound => Ok(true),
        // Nothing is known to be wrong, so nothing is refused.
        Outcome::Unknown => {
            line(format_args!(
                "{shown}: nothing is proved, and nothing wrong was found; `loonflow-simulate fuzz {shown}` lets people act on \
                 it at random"
            ))?;
            Ok(false)
        }
    }
}
