//! `compare SCENARIO SCENARIO`: what if, as text, JSON, tables in files, or one page.

use std::path::PathBuf;

use super::forecasting::{self, Overrides};
use crate::forecast::{Plan, compare, files, html, text};
use crate::program::output::Output;
use crate::program::verdict::Verdict;

/// What to compare, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Both scenarios meet the same cases with the same values, choices and work (common random numbers), so small differences \
show. The second may be a file with `based_on` that holds only what is different. A difference is called better or \
worse where its confidence interval leaves 0 out.")]
pub struct Args {
    /// The scenario as it is.
    pub before: PathBuf,
    /// The scenario as it could be.
    pub after: PathBuf,
    #[command(flatten)]
    pub(super) overrides: Overrides,
    /// Write the differences as a CSV file into this folder.
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// Write a report with charts into this file; it needs nothing else to be shown.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Verdict> {
    let before = args.overrides.apply(Plan::read(&args.before)?)?;
    let after = args.overrides.apply(Plan::read(&args.after)?)?;
    compare::check(&before, &after)?;
    let found = forecasting::run(&[&before, &after], args.overrides.n_threads(), output)?;
    let Ok([before, after]) = <[_; 2]>::try_from(found) else {
        anyhow::bail!("a forecast is missing");
    };
    let found = compare::compare(before, after);
    if let Some(folder) = &args.csv {
        files::comparison(&found, folder)?;
    }
    if let Some(file) = &args.html {
        files::write(file, &html::comparison(&found)?)?;
    }
    output.line(text::comparison(&found));
    output.result(&serde_json::to_value(&found)?);
    let verdict = forecasting::verdict(&found.before).and(forecasting::verdict(&found.after));
    Ok(verdict)
}
