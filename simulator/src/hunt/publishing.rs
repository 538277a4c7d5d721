//! What is worth knowing before a definition is published: `check`, then a short `fuzz` of it.
//!
//! The server's `check --simulate` and `import --simulate` ask here; an embedding program can do the same before it
//! publishes. Not here: validation (the engine's own, which publishing repeats), the rules of either search.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::hunt::fuzz::Fuzz;
use crate::prove::check::{self, Outcome, check};
use crate::world::inputs;

/// Runs of the short fuzz: with [`STEPS`] each they take a fraction of a second, and reach every node of the fixtures.
const SEEDS: u64 = 24;
/// Steps of each run.
const STEPS: u64 = 150;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The verdict, then findings with their stories, for people.
    pub lines: Vec<String>,
    /// Whether something is wrong that should be mended first. Where a bound was met nothing was proved, and this is
    /// false: the lines say so.
    pub is_defect: bool,
}

/// Explores a sound definition and walks through it at random, with these people, or with a stand-in for everybody it
/// names.
///
/// # Errors
/// Where the directory is none, as a sentence.
pub fn look(version: &Arc<WorkflowVersion>, directory: Option<&Json>) -> anyhow::Result<Seen> {
    let source = match directory {
        Some(source) => source.clone(),
        None => inputs::stand_in(std::slice::from_ref(version)),
    };
    let directory = crate::world::directory_from(&source).map_err(anyhow::Error::msg)?;
    let report = check(version, &directory, &source, &check::Options::default());
    let mut lines = vec![format!(
        "{} ({} states, {} moves)",
        report.outcome.word(),
        report.n_states,
        report.n_moves
    )];
    lines.extend(report.findings.iter().flat_map(check::Finding::lines));
    lines.extend(report.bounds.iter().map(|bound| format!("unknown: {bound}")));
    let fuzzed = Fuzz::new()
        .definition(Json::clone(&version.source))
        .directory(source)
        .seeds(SEEDS)
        .steps(STEPS)
        .run()?;
    let story = fuzzed.first_story();
    match &story {
        None => lines.push(format!("{} steps at random: nothing wrong", fuzzed.n_steps)),
        Some(story) => lines.extend(story.lines().map(str::to_owned)),
    }
    Ok(Seen {
        lines,
        is_defect: report.outcome == Outcome::Unsound || story.is_some(),
    })
}
