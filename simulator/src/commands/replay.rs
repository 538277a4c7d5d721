//! `replay`: runs a case again and tells its story.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::case::{Case, FORMAT};
use crate::cli::Verdict;
use crate::story;

/// Runs a case again, with every check after every step, and tells what happens.
///
/// Exit code 1 while it fails as it did, or in another way; 0 once nothing fails any more.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A case, as `fuzz` saves it.
    pub case: PathBuf,
}

pub(crate) fn run(args: &ReplayArgs, output: &Output) -> anyhow::Result<Verdict> {
    let case = read(&args.case)?;
    let told = story::told(&case);
    output.line(told.text());
    let failure = told.failure.as_ref();
    let as_before = failure.is_some_and(|failure| failure.invariant == case.shows);
    match failure {
        Some(_) if as_before => output.line(format!("`{}` still does not hold", case.shows)),
        Some(failure) => output.line(format!(
            "`{}` holds now, but `{}` does not",
            case.shows, failure.invariant
        )),
        None => output.line(format!("nothing fails any more: `{}` holds", case.shows)),
    }
    output.result(&json!({
        "shows": case.shows, "fails": failure.map(|failure| &failure.invariant),
        "found": failure.map(|failure| &failure.found), "as_before": as_before, "story": told.lines,
    }));
    Ok(if failure.is_some() {
        Verdict::Defect
    } else {
        Verdict::Fine
    })
}

/// Reads a case.
pub(crate) fn read(path: &Path) -> anyhow::Result<Case> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
    let case: Case = serde_json::from_str(&text)
        .with_context(|| format!("`{shown}` is no case: give a file that `fuzz` or `shrink` wrote"))?;
    anyhow::ensure!(
        case.format == FORMAT,
        "`{shown}` has format {}, this program reads {FORMAT}",
        case.format
    );
    Ok(case)
}
