//! Definitions with one defect each (`defects`), and the same ones mended (`twins`): `check` has to find the one and to
//! keep quiet about the other. What is expected stands in the file, under `selftest`:
//!
//! | key | what |
//! |---|---|
//! | `expects` | the code of the finding; only in defects |
//! | `at` | the node or edge it has to be about |
//! | `directory` | who there is; without it everybody whom the definition names |
//! | `separate` | two nodes that one person must not both do, as `NODE,NODE` |

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use loonflow_world::directory_from;
use loonflow_world::inputs::{self, Definition};
use serde_json::Value as Json;

use crate::check::{Options, Outcome, Severity, check};

/// What came of one definition.
#[derive(Clone, Debug)]
pub struct Line {
    /// The file.
    pub shown: String,
    /// The finding that is expected; none of a twin.
    pub expected: Option<String>,
    /// Codes of what was found, notes left out.
    pub found: Vec<&'static str>,
    /// Whether it is what was expected: the defect found, or nothing to complain about.
    pub is_right: bool,
    /// Whether every story told goes the same way on the engine.
    pub is_played: bool,
    /// How long it took.
    pub took: Duration,
}

/// Checks every definition of the folders `defects` and `twins`.
///
/// # Errors
/// A folder or file that cannot be read, or a definition that does not say what it expects.
pub fn run(folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in ["defects", "twins"] {
        for definition in inputs::definitions(&[folder.join(kind)])? {
            let line = one(&definition, kind == "defects")
                .with_context(|| format!("`{}` cannot be part of a selftest", definition.shown))?;
            lines.push(line);
        }
    }
    Ok(lines)
}

fn one(definition: &Definition, is_defect: bool) -> anyhow::Result<Line> {
    let version = definition.runnable()?;
    let about = definition.source.get("selftest").cloned().unwrap_or(Json::Null);
    let text = |name: &str| about.get(name).and_then(Json::as_str).map(str::to_owned);
    let expected = text("expects");
    if is_defect != expected.is_some() {
        bail!("`selftest.expects` belongs into every defect and into no twin");
    }
    let (source, directory) = match about.get("directory") {
        Some(source) => (source.clone(), directory_from(source).map_err(anyhow::Error::msg)?),
        None => inputs::directory(None, &[Arc::clone(version)])?,
    };
    let separate = text("separate").and_then(|pair| {
        let (one, other) = pair.split_once(',')?;
        Some((one.trim().into(), other.trim().into()))
    });
    let options = Options {
        separate,
        ..Options::default()
    };
    let begun = Instant::now();
    let report = check(version, &directory, &source, &options);
    let took = begun.elapsed();
    let at = text("at");
    let is_at = |place: &Option<String>| at.is_none() || *place == at;
    let is_right = match &expected {
        Some(code) => report
            .findings
            .iter()
            .any(|one| one.code == code && (is_at(&one.node) || is_at(&one.edge))),
        None => report.outcome == Outcome::Sound && report.findings.iter().all(|one| one.severity == Severity::Note),
    };
    let mut found: Vec<&'static str> = report
        .findings
        .iter()
        .filter(|one| one.severity != Severity::Note)
        .map(|one| one.code)
        .collect();
    found.dedup();
    Ok(Line {
        shown: definition.shown.clone(),
        expected,
        found,
        is_right,
        is_played: report
            .findings
            .iter()
            .filter_map(|one| one.story.as_ref())
            .all(|story| story.is_played),
        took,
    })
}
