//! A case that `check` saved, judged again: whether what it shows is still found in its definition.
//!
//! The engine's invariants say nothing of it: a ticket that gets stuck breaks none. So the definition and directory of
//! the case are checked anew, as far as the case says that it was looked then.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_world::case::Case;
use loonflow_world::directory_from;

use super::finding::{Finding, STORY_CODES, Severity};
use super::{Options, Outcome, check};

/// What became of what a case shows.
#[derive(Clone, Debug)]
pub enum Again {
    /// It is found as it was.
    Found(Box<Finding>),
    /// It is not, and these are wrong.
    Others(Vec<Finding>),
    /// Everything was looked at, and nothing is wrong.
    Gone,
    /// It is not found, and not everything could be looked at: which bounds were met.
    Unknown(Vec<String>),
}

/// Whether a case shows what `check` finds, rather than an invariant of the engine.
#[must_use]
pub fn is_of_check(case: &Case) -> bool {
    STORY_CODES.contains(&case.shows.as_str())
}

/// Checks the definition of a case of `check` again.
///
/// # Errors
/// Where the definition cannot run or the directory cannot be read; where the case is about one person at two nodes
/// and, being of an older format, does not say which.
pub fn again(case: &Case) -> anyhow::Result<Again> {
    let source = case
        .definitions
        .last()
        .context("the case has no definition: it cannot be checked")?;
    let version = WorkflowVersion::load(source).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("the definition of the case cannot run: {}", problems.join("; "))
    })?;
    let directory = directory_from(&case.directory)
        .map_err(|error| anyhow!("the directory of the case cannot be read: {error}"))?;
    let checked = case.checked.as_ref();
    let separate = checked.and_then(|checked| checked.separate.clone());
    ensure!(
        case.shows != "same_person" || separate.is_some(),
        "the case is of an older format and does not say which two nodes are to be separate: make it anew with `check --separate NODE,NODE --cases FOLDER`"
    );
    let options = Options {
        states: checked.map_or(Options::default().states, |checked| checked.states),
        separate,
        ..Options::default()
    };
    let report = check(&Arc::new(version), &directory, &case.directory, &options);
    let is_it = |one: &&Finding| {
        let is_there = checked
            .is_none_or(|checked| (&checked.node, &checked.edge, &checked.field) == (&one.node, &one.edge, &one.field));
        one.code == case.shows && is_there
    };
    if let Some(found) = report.findings.iter().find(is_it) {
        return Ok(Again::Found(Box::new(found.clone())));
    }
    Ok(match report.outcome {
        Outcome::Sound => Again::Gone,
        Outcome::Unknown => Again::Unknown(report.bounds),
        Outcome::Unsound => {
            let wrong = report.findings.into_iter();
            Again::Others(wrong.filter(|one| one.severity == Severity::Error).collect())
        }
    })
}
