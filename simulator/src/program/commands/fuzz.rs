//! `fuzz`: searches for a run in which an invariant does not hold.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::hunt::fuzz::Fuzz;
use crate::hunt::goals::Goal;
use crate::hunt::shrink;
use crate::hunt::story;
use crate::hunt::watch::Checks;
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::world::inputs;
use crate::world::trace::hex;

/// Walks through workflows at random, checks the engine after every step, and tells what it finds.
///
/// Without files each seed makes a definition and a directory of its own; with files those are walked through, by the
/// people of the directory or, without one, by stand-ins for everybody they name. Every failure is made as small as
/// it gets and saved as a case, beside a story for people. Exit code 1 where an invariant does not hold, 2 where a
/// goal asked for was never seen.
#[derive(Debug, Args)]
pub struct FuzzArgs {
    /// Definitions, or folders with `*.json` in them; none for random ones.
    pub files: Vec<PathBuf>,
    /// A directory file: who is there.
    #[arg(long, value_name = "FILE")]
    pub directory: Option<PathBuf>,
    /// How many runs; each has a seed of its own.
    #[arg(long, default_value_t = 200)]
    pub seeds: u64,
    /// The first run's seed; the others follow.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Steps of each run.
    #[arg(long, default_value_t = 300)]
    pub steps: u64,
    /// Threads to spread the runs over; the result is the same for any number.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Every how many steps replay, storage, the matrix of offers, views and other tenants are checked besides; with 0
    /// they are not, nor at the end of a run.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub sample_every: u32,
    /// Something that has to be seen: `event:NAME`, `node:ID`, `edge:ID`, `action:WORD`, `refusal:CODE`, `state:WORD`,
    /// or a built-in goal by name.
    #[arg(long, value_name = "GOAL")]
    pub goal: Vec<Goal>,
    /// Where cases and stories of failures are written.
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub out: PathBuf,
    /// Leaves cases as long as they were found.
    #[arg(long)]
    pub no_shrink: bool,
}

pub(crate) fn run(args: &FuzzArgs, output: &Output) -> anyhow::Result<Verdict> {
    let mut fuzz = Fuzz::new()
        .seeds(args.seeds)
        .seed(args.seed)
        .steps(args.steps)
        .threads(args.threads)
        .checks(Checks {
            sample_every: args.sample_every,
            at_end: args.sample_every > 0,
            ..Checks::default()
        });
    for goal in &args.goal {
        fuzz = fuzz.goal(goal.clone());
    }
    if !args.files.is_empty() {
        for definition in inputs::definitions(&args.files)? {
            definition.runnable()?;
            fuzz = fuzz.definition(definition.named());
        }
    }
    if let Some(path) = &args.directory {
        let (source, _) = inputs::directory(Some(path), &[])?;
        fuzz = fuzz.directory(source);
    }
    let begin = Instant::now();
    let report = fuzz.run()?;
    let seconds = begin.elapsed().as_secs_f64();
    let by_version = !args.files.is_empty();

    let mut saved = Vec::new();
    for case in &report.failures {
        let small = if args.no_shrink {
            case.clone()
        } else {
            shrink::shrunk(case).case
        };
        let path = args.out.join(format!("{}-{}.json", small.shows, case.seed));
        save(&path, &small)?;
        let told = story::told(&small);
        output.line(told.text());
        output.line(format!("replay: loonflow-simulate replay {}", path.display()));
        output.line("");
        saved.push(json!({
            "seed": case.seed, "shows": small.shows, "found": small.found, "steps": small.steps.len(),
            "case": path.display().to_string(),
        }));
    }
    for line in report.coverage.text(by_version) {
        output.line(line);
    }
    let seen = report.goals.seen();
    let shown: Vec<String> = seen.iter().map(|(name, n)| format!("{name} {n}")).collect();
    output.line(format!("  sometimes   {}", shown.join(", ")));
    let never: Vec<&str> = seen
        .iter()
        .filter(|(_, n)| *n == 0)
        .map(|(name, _)| name.as_str())
        .collect();
    if !never.is_empty() {
        output.line(format!("  never seen  {}", never.join(", ")));
    }
    let per_second = (report.n_steps as f64) / seconds.max(1e-9);
    output.line(format!(
        "{} runs, {} steps in {seconds:.1} s ({per_second:.0} a second), {} failed; trace {}",
        report.n_seeds,
        report.n_steps,
        report.n_failed,
        hex(&report.hash)
    ));
    let missed: Vec<String> = report.goals.missed().iter().map(ToString::to_string).collect();
    output.result(&json!({
        "runs": report.n_seeds, "steps": report.n_steps, "trace": hex(&report.hash), "failed": report.n_failed,
        "failures": saved, "coverage": report.coverage.json(by_version),
        "goals": seen.into_iter().collect::<std::collections::BTreeMap<_, _>>(), "goals_missed": missed,
    }));
    Ok(if report.n_failed > 0 {
        Verdict::Defect
    } else if !missed.is_empty() {
        Verdict::Unknown
    } else {
        Verdict::Fine
    })
}

/// Writes a case, and its story with the workflow drawn beside it.
pub(crate) fn save(path: &Path, case: &crate::world::case::Case) -> anyhow::Result<()> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("cannot write `{}`: give another `--out`", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    write(path, serde_json::to_string_pretty(case)? + "\n")?;
    write(&path.with_extension("md"), story::told(case).markdown())
}
