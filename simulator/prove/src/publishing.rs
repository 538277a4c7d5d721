//! What is worth knowing before a definition is published: whether every ticket on it can come to its end.
//!
//! The server's `check --simulate` and `import --simulate` ask here; an embedding program can do the same before it
//! publishes. Not here: validation (the engine's own, which publishing repeats), the rules of the proof.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_world::inputs;
use serde_json::Value as Json;

use crate::check::{self, Outcome, check};

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The verdict, then findings with their stories, then the bounds that were met, for people.
    pub lines: Vec<String>,
    /// The verdict, for programs.
    pub outcome: Outcome,
}

/// Explores a definition that can be published, with these people, or with a stand-in for everybody it names.
///
/// # Errors
/// Where the directory is none, as a sentence.
pub fn look(version: &Arc<WorkflowVersion>, directory: Option<&Json>) -> anyhow::Result<Seen> {
    let source = match directory {
        Some(source) => source.clone(),
        None => inputs::stand_in(std::slice::from_ref(version)),
    };
    let directory = loonflow_world::directory_from(&source).map_err(anyhow::Error::msg)?;
    let report = check(version, &directory, &source, &check::Options::default());
    let mut lines = vec![format!(
        "{} ({} states, {} moves)",
        report.outcome.word(),
        report.n_states,
        report.n_moves
    )];
    lines.extend(report.findings.iter().flat_map(check::Finding::lines));
    lines.extend(report.bounds.iter().map(|bound| format!("unknown: {bound}")));
    Ok(Seen {
        lines,
        outcome: report.outcome,
    })
}
