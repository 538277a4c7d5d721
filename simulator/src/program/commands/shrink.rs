//! `shrink`: makes a case as small as it gets.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::{fuzz, replay};
use crate::hunt::shrink;
use crate::hunt::story;
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::prove::check;

/// Makes a case as small as it gets while it still shows the same: without any one of its steps it would not.
///
/// Exit code 1 where it still fails, 0 where it does not fail any more and is left as it is.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// A case, as `fuzz` saves it.
    pub case: PathBuf,
    /// Where the small case goes; else `NAME.small.json` beside the case.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(crate) fn run(args: &ShrinkArgs, output: &Output) -> anyhow::Result<Verdict> {
    let case = replay::read(&args.case)?;
    ensure!(
        !check::is_of_check(&case),
        "`{}` is a case of `check`, whose stories are the shortest there are: `replay` judges it",
        args.case.display()
    );
    let shrunk = shrink::shrunk(&case);
    if !shrunk.fails {
        output.line(format!("nothing fails any more: `{}` holds", case.shows));
        output.result(&json!({ "fails": false, "steps": case.steps.len() }));
        return Ok(Verdict::Fine);
    }
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| args.case.with_extension("small.json"));
    fuzz::save(&path, &shrunk.case)?;
    output.line(story::told(&shrunk.case).text());
    let (before, after) = (case.steps.len(), shrunk.case.steps.len());
    output.line(format!(
        "{before} steps became {after} in {} runs{}",
        shrunk.n_runs,
        if shrunk.is_minimal {
            ""
        } else {
            "; a bound was met before nothing more could go"
        }
    ));
    output.line(format!("replay: loonflow-simulate replay {}", path.display()));
    output.result(&json!({
        "fails": true, "shows": shrunk.case.shows, "steps_before": before, "steps": after, "runs": shrunk.n_runs,
        "minimal": shrunk.is_minimal, "case": path.display().to_string(),
    }));
    Ok(Verdict::Defect)
}
