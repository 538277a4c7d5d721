//! `bugs`: a table of which bugs planted in the engine are found, by what, and how fast.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use loonflow_engine::planted::Bug;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Value as Json, json};

use super::output::Output;
use crate::cli::Verdict;
use crate::crash::walk::Setting;
use crate::inputs;
use crate::selftest::bugs::{Ground, Hunt, hunt};

/// Hunts the bugs that are planted in the engine of this build, one after the other, with the fuzz and with crashes.
///
/// Over random definitions and, in every other turn, over the given ones. Exit code 1 where more than `--missed` are not
/// found.
#[derive(Debug, Args)]
pub struct BugsArgs {
    /// Definitions, or folders with `*.json` in them, besides random ones.
    pub files: Vec<PathBuf>,
    /// Their directory.
    #[arg(long, value_name = "FILE")]
    pub directory: Option<PathBuf>,
    /// Only these, by name.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Turns for each bug: four runs of the fuzz and one walk with crashes.
    #[arg(long, default_value_t = 200)]
    pub turns: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many may be missed.
    #[arg(long, default_value_t = 1)]
    pub missed: usize,
}

pub(crate) fn run(args: &BugsArgs, output: &Output) -> anyhow::Result<Verdict> {
    if let Some(unknown) = args
        .only
        .iter()
        .find(|name| Bug::ALL.iter().all(|bug| bug.name() != *name))
    {
        bail!("no bug is called `{unknown}`: leave `--only` out to see all names");
    }
    let ground = ground(args)?;
    // The engine panics over some bugs; what it says then is no news.
    std::panic::set_hook(Box::new(|_| {}));
    let mut hunts = Vec::new();
    for bug in Bug::ALL {
        if args.only.is_empty() || args.only.iter().any(|name| name == bug.name()) {
            let done = hunt(*bug, &ground)?;
            output.line(line(&done));
            hunts.push(done);
        }
    }
    let n_found = hunts.iter().filter(|hunt| hunt.found.is_some()).count();
    let n_missed = hunts.len() - n_found;
    let smalls = || hunts.iter().filter_map(|hunt| hunt.found.as_ref()?.small.as_ref());
    let slowest = hunts.iter().map(|hunt| hunt.took).max().unwrap_or_default();
    output.line(format!(
        "{n_found} of {} bugs found, the slowest in {:.2} s; {} cases made smaller, {} of them 1-minimal, the slowest in {:.2} s",
        hunts.len(),
        slowest.as_secs_f64(),
        smalls().count(),
        smalls().filter(|small| small.is_minimal).count(),
        smalls().map(|small| small.took).max().unwrap_or_default().as_secs_f64(),
    ));
    output.result(&json!({
        "bugs": hunts.len(), "found": n_found, "hunts": hunts.iter().map(in_json).collect::<Vec<Json>>(),
    }));
    Ok(if n_missed > args.missed {
        Verdict::Defect
    } else {
        Verdict::Fine
    })
}

fn ground(args: &BugsArgs) -> anyhow::Result<Ground> {
    let mut ground = Ground {
        definitions: Vec::new(),
        directory: None,
        setting: None,
        n_turns: args.turns,
        seed: args.seed,
    };
    if args.files.is_empty() {
        return Ok(ground);
    }
    let definitions = inputs::definitions(&args.files)?;
    let workflows: Vec<Arc<WorkflowVersion>> = definitions
        .iter()
        .map(|one| one.runnable().cloned())
        .collect::<anyhow::Result<_>>()?;
    let (source, directory) = inputs::directory(args.directory.as_deref(), &workflows)?;
    ground.definitions = definitions.iter().map(inputs::Definition::named).collect();
    ground.directory = Some(source);
    ground.setting = Some(Setting { directory, workflows });
    Ok(ground)
}

fn line(hunt: &Hunt) -> String {
    let ms = hunt.took.as_secs_f64() * 1e3;
    let how = hunt.found.as_ref().map_or_else(
        || "MISSED".to_owned(),
        |found| {
            let small = found.small.as_ref().map(|small| {
                let more = if small.is_minimal { "" } else { " or fewer" };
                format!(
                    ", {} steps{more} in {:.0} ms",
                    small.case.steps.len(),
                    small.took.as_secs_f64() * 1e3
                )
            });
            format!("{} by {}{}", found.by, found.invariant, small.unwrap_or_default())
        },
    );
    format!(
        "{:22} {:>8} steps {ms:>8.0} ms  {how}  ({})",
        hunt.bug.name(),
        hunt.n_steps,
        hunt.bug.sentence()
    )
}

fn in_json(hunt: &Hunt) -> Json {
    json!({
        "bug": hunt.bug.name(),
        "sentence": hunt.bug.sentence(),
        "steps": hunt.n_steps,
        "ms": hunt.took.as_secs_f64() * 1e3,
        "found": hunt.found.as_ref().map(|found| json!({
            "by": found.by,
            "invariant": found.invariant,
            "found": found.found,
            "small": found.small.as_ref().map(|small| json!({
                "steps": small.case.steps.len(),
                "is_minimal": small.is_minimal,
                "ms": small.took.as_secs_f64() * 1e3,
            })),
        })),
    })
}
