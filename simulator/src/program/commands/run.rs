//! `run SCENARIO`: a forecast as text, JSON, tables in files, or one page.

use std::path::PathBuf;

use super::forecasting::{self, Overrides};
use crate::forecast::{Plan, files, html, text};
use crate::program::output::Output;
use crate::program::verdict::Verdict;

/// What to forecast, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every move of a case goes through the real engine. Exit code 0: all goals of the scenario are met, or there are none; \
1: a goal is missed, or the engine refused a command of the scenario's people; 2: a goal cannot be decided with this \
many replications, or cases were left stuck; 3: the scenario cannot be run as it is.

A scenario names a definition, a directory, arrivals, working calendars, how long people work at each node and what \
they choose. `simulator/scenarios/leave.json` is one to start from.")]
pub struct Args {
    /// The scenario's file.
    pub scenario: PathBuf,
    #[command(flatten)]
    pub(super) overrides: Overrides,
    /// Write tables as CSV files into this folder: measures, nodes, people, edges, course.
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
    /// Write a report with charts into this file; it needs nothing else to be shown.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Verdict> {
    let plan = Plan::read(&args.scenario)?;
    let plan = args.overrides.apply(plan)?;
    let found = forecasting::run(&[&plan], args.overrides.n_threads(), output)?;
    let [found] = found.as_slice() else {
        anyhow::bail!("the forecast is missing");
    };
    if let Some(folder) = &args.csv {
        files::forecast(found, folder)?;
    }
    if let Some(file) = &args.html {
        files::write(file, &html::forecast(found)?)?;
    }
    output.line(text::forecast(found));
    output.result(&serde_json::to_value(found)?);
    Ok(forecasting::verdict(found))
}
