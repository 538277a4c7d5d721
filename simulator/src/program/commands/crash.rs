//! `crash`: cuts the power everywhere, or repeats a crash that was saved.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Value as Json, json};

use crate::crash::case::{CrashCase, FORMAT, Level};
use crate::crash::engine_walk::Base;
use crate::crash::invariants::Broken;
use crate::crash::ports::PLANNED_PANIC;
use crate::crash::walk::{Setting, WalkReport};
use crate::crash::{CrashReport, WalkOfSeed, walks};
use crate::hunt::generate::definitions;
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::world::inputs;
use crate::world::tape::Tape;

/// Replays of shorter versions of a failure at most: a few seconds.
const SHRINK_TRIES: usize = 4_000;

/// Kills the engine between decision and answer, everywhere, and looks what is left.
///
/// Random people work on the given definitions, or on random ones. In every round each way to die or fail is tried: before the decision,
/// before the append, in the log's queue, on disk, acknowledged, folded, answered; the log is full, fails, is
/// overloaded, does not know. A new process then opens what is on disk, clients repeat their calls, and nothing
/// acknowledged may be lost, half done, or done twice. First at the bare boundary of decision and log, then, with
/// `--actors`, to the engine itself with its actors, one trouble a round.
#[derive(Debug, Args)]
pub struct CrashArgs {
    /// Definitions, or folders with `*.json` in them; without any, each seed makes its own.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A directory file; without one, a stand-in with everybody whom the definitions name.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Random walks at the bare boundary, each from a seed of its own.
    #[arg(long, default_value_t = 100, value_name = "N")]
    seeds: u64,
    /// Random walks over the engine with its actors.
    #[arg(long, default_value_t = 20, value_name = "N")]
    actors: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Rounds of each walk; at the boundary one round tries every way to die.
    #[arg(long, default_value_t = 60, value_name = "N")]
    rounds: u64,
    /// Threads. At the boundary everything is the same with any number; with actors, the order in which calls under way
    /// at once come to the log is the machine's, and so is that trace.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Where a failure is saved, for `--replay`.
    #[arg(long, default_value = "crash.json", value_name = "FILE")]
    out: PathBuf,
    /// Repeats a saved crash and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "directory", "seeds", "actors", "seed", "rounds", "threads", "out"])]
    replay: Option<PathBuf>,
}

pub(crate) fn run(args: &CrashArgs, output: &Output) -> anyhow::Result<Verdict> {
    if let Some(path) = &args.replay {
        return replay(path, output);
    }
    let ground = if args.files.is_empty() {
        if args.directory.is_some() {
            bail!("a directory without definitions says nothing: give files, or leave the directory out");
        }
        None
    } else {
        Some(Ground::read(args)?)
    };
    silence_planned_panics();
    let boundary = |seed| match &ground {
        Some(ground) => ground.setting.walk(seed, args.rounds),
        None => Ground::random(seed).setting.walk(seed, args.rounds),
    };
    let base = ground.as_ref().map(Ground::base).transpose()?;
    let actors = |seed| match &base {
        Some(base) => base.walk(seed, args.rounds),
        None => match Ground::random(seed).base() {
            Ok(base) => base.walk(seed, args.rounds),
            Err(error) => WalkReport::failed(Broken::new("the_engine_starts", format!("{error:#}"))),
        },
    };
    let levels: [(Level, &str, u64, WalkOfSeed<'_>); 2] = [
        (Level::Boundary, "boundary", args.seeds, &boundary),
        (Level::Actors, "actors", args.actors, &actors),
    ];
    let mut told = serde_json::Map::new();
    for (level, name, n_seeds, walk) in levels {
        let report = walks(args.seed, n_seeds, args.threads, walk);
        tell(name, &report, output);
        told.insert(name.to_owned(), in_json(&report));
        let Some((seed, broken, rounds)) = report.failure else {
            continue;
        };
        let ground = ground.clone().unwrap_or_else(|| Ground::random(seed));
        let mut case = CrashCase {
            format: FORMAT,
            level,
            shows: broken.invariant.to_owned(),
            found: broken.found,
            directory: ground.directory,
            definitions: ground.definitions,
            seed,
            rounds,
        };
        case.shrink(SHRINK_TRIES)?;
        let text = serde_json::to_string_pretty(&case).context("the case cannot be written as JSON")?;
        std::fs::write(&args.out, text).with_context(|| format!("cannot write `{}`", args.out.display()))?;
        case.story().into_iter().for_each(|line| output.line(line));
        output.line(format!(
            "again: loonflow-simulate crash --replay {}",
            args.out.display()
        ));
        let failure = json!({ "invariant": case.shows, "found": case.found, "story": case.story() });
        told.insert("failure".to_owned(), failure);
        output.result(&Json::Object(told));
        return Ok(Verdict::Defect);
    }
    output.line("nothing acknowledged was lost, nothing was half done, nothing was done twice");
    output.result(&Json::Object(told));
    Ok(Verdict::Fine)
}

/// What walks go over, as files have it and as the engine reads it.
#[derive(Clone)]
struct Ground {
    directory: Json,
    definitions: Vec<Json>,
    setting: Setting,
}

impl Ground {
    fn read(args: &CrashArgs) -> anyhow::Result<Self> {
        let definitions = inputs::definitions(&args.files)?;
        let workflows: Vec<Arc<WorkflowVersion>> = definitions
            .iter()
            .map(|one| one.runnable().cloned())
            .collect::<anyhow::Result<_>>()?;
        let (source, directory) = inputs::directory(args.directory.as_deref(), &workflows)?;
        Ok(Self {
            directory: source,
            definitions: definitions.iter().map(inputs::Definition::named).collect(),
            setting: Setting { directory, workflows },
        })
    }

    /// The definitions and people that a seed makes.
    fn random(seed: u64) -> Self {
        let given = definitions::given(&mut Tape::random(seed));
        Self {
            directory: given.source,
            definitions: given.versions.iter().map(|one| Json::clone(&one.source)).collect(),
            setting: Setting {
                directory: given.directory,
                workflows: given.versions,
            },
        }
    }

    fn base(&self) -> anyhow::Result<Base> {
        Base::new(self.setting.clone(), &self.directory, &self.definitions)
    }
}

/// Workers die by panics that are planned: these are not worth a line each on stderr.
fn silence_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let is_planned = text.is_some_and(|text| text.contains(PLANNED_PANIC));
        if !is_planned {
            usual(panic);
        }
    }));
}

fn replay(path: &Path, output: &Output) -> anyhow::Result<Verdict> {
    let text = inputs::text_of(path)?;
    let case = CrashCase::from_text(&text).with_context(|| format!("`{}`", path.display()))?;
    case.story().into_iter().for_each(|line| output.line(line));
    let found = case.replay()?;
    let fails = found.as_ref().is_some_and(|(broken, _)| broken.invariant == case.shows);
    match &found {
        Some((broken, round)) => output.line(format!("it fails in round {}: {broken}", round + 1)),
        None => output.line("it fails no longer"),
    }
    output.result(&json!({
        "fails": fails,
        "invariant": found.as_ref().map(|(broken, _)| broken.invariant),
        "found": found.as_ref().map(|(broken, _)| &broken.found),
    }));
    Ok(if found.is_some() {
        Verdict::Defect
    } else {
        Verdict::Fine
    })
}

fn tell(name: &str, report: &CrashReport, output: &Output) {
    output.line(format!(
        "{name}: {} walks, {} rounds, {} branches, {} calls, {} crashes",
        report.n_walks, report.n_rounds, report.n_branches, report.n_calls, report.n_crashes
    ));
    for (trouble, n) in &report.by_trouble {
        output.line(format!("  {n:>9}  {}", trouble.word()));
    }
    output.line(format!("  trace {}", report.hash));
}

fn in_json(report: &CrashReport) -> Json {
    let by_trouble = report.by_trouble.iter();
    let by_trouble: serde_json::Map<String, Json> = by_trouble
        .map(|(trouble, n)| (trouble.word().to_owned(), json!(n)))
        .collect();
    json!({
        "walks": report.n_walks,
        "rounds": report.n_rounds,
        "branches": report.n_branches,
        "calls": report.n_calls,
        "crashes": report.n_crashes,
        "by_trouble": by_trouble,
        "trace": report.hash,
    })
}
