//! Puts every bug of `simulator/bugs` into a copy of the workspace and hunts them there: the test of the simulator itself.
//!
//! ```text
//! .ci/bugs                          # all of them
//! .ci/bugs RejectForgotten          # by name
//! .ci/bugs --seed 7                 # from another seed
//! ```
//!
//! The engine holds the truth only. The list has each bug as an edit (`list`), an edit becomes
//! `if the bug is on { wrong } else { right }` in the copy (`edit`, `copy`), so that one build has them all, and each is
//! hunted by a process of its own. What is hunted with is in the library, `hunt::selftest`.
//!
//! Exit code 1: a bug was not found, or something was found where no bug is on. An edit that no longer applies, because
//! its place was changed, is an error that names it: say in the list what the bug is now.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use loonflow_simulator::program::output::Output;

mod copy;
mod edit;
mod list;

/// A hunt that takes longer is over: an engine with a bug may go round for ever.
const HUNT_TIME_MAX: Duration = Duration::from_secs(600);
/// How often one looks whether a hunt is over.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Turns without a bug, in which nothing may be found.
const TURNS_WITHOUT: u64 = 10;
/// Without optimisation the build and all hunts take 156 s of processor time; with what the workspace says, 276.
const NOT_OPTIMISED: [&str; 5] = ["engine", "world", "prove", "forecast", "simulator"];

#[derive(Debug, Parser)]
struct Arguments {
    /// Only these, by name.
    names: Vec<String>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Turns for each bug: four runs of the fuzz and one walk with crashes.
    #[arg(long, default_value_t = 200)]
    turns: u64,
}

/// A bug to be hunted, or none, for the comparison.
struct Quarry {
    name: Option<String>,
    sentence: String,
    turns: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let output = Output::new(false);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace is around the package")?;
    let bugs = list::read(&root.join("simulator/bugs"))?;
    if let Some(unknown) = arguments
        .names
        .iter()
        .find(|name| bugs.iter().all(|bug| bug.name != **name))
    {
        bail!("no bug is called `{unknown}`: see simulator/bugs");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let target = root.join(target);
    let copy = target.join("bugs");
    copy::write(root, &copy, &bugs)?;
    let begun = Instant::now();
    let hunter = build(&copy, &target)?;
    output.line(format!(
        "{} bugs in a copy of the engine, built in {:.1} s",
        bugs.len(),
        begun.elapsed().as_secs_f64()
    ));

    let begun = Instant::now();
    let mut quarries = vec![Quarry {
        name: None,
        sentence: "no bug is on, and nothing may be found".to_owned(),
        turns: TURNS_WITHOUT,
    }];
    let is_asked = |bug: &list::Bug| arguments.names.is_empty() || arguments.names.contains(&bug.name);
    quarries.extend(bugs.into_iter().filter(is_asked).map(|bug| Quarry {
        name: Some(bug.name),
        sentence: bug.sentence,
        turns: arguments.turns,
    }));
    let lost = hunt_all(&hunter, root, &quarries, arguments.seed, &output)?;
    let n_bugs = quarries.len() - 1;
    let n_lost = lost.iter().filter(|quarry| quarry.name.is_some()).count();
    output.line(format!(
        "{} of {n_bugs} bugs found in {:.1} s",
        n_bugs - n_lost,
        begun.elapsed().as_secs_f64()
    ));
    for quarry in &lost {
        let name = quarry.name.as_deref().unwrap_or("(none)");
        output.line(format!("not as it should be: {name} ({})", quarry.sentence));
    }
    Ok(ExitCode::from(u8::from(!lost.is_empty())))
}

/// Builds the hunter. As everything of the workspace is asked for, with its own features, and in its own target folder,
/// nothing is compiled again but the packages that the hunter stands on.
fn build(copy: &Path, target: &Path) -> anyhow::Result<PathBuf> {
    let profile = |package: &str| format!("--config=profile.dev.package.loonflow-{package}.opt-level=0");
    let status = Command::new("cargo")
        .args(["build", "--workspace", "--example", "hunt"])
        .args(NOT_OPTIMISED.map(profile))
        .env("CARGO_TARGET_DIR", target)
        .current_dir(copy)
        .status()
        .context("cargo does not start")?;
    ensure!(
        status.success(),
        "the copy does not build: an edit, named where `switch!` stands, is none there"
    );
    Ok(target.join("debug/examples/hunt"))
}

/// Hunts on all cores; those that did not come out as they should.
fn hunt_all<'q>(
    hunter: &Path,
    root: &Path,
    quarries: &'q [Quarry],
    seed: u64,
    output: &Output,
) -> anyhow::Result<Vec<&'q Quarry>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut lost = Vec::new();
        while let Some(quarry) = quarries.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (is_well, told) = hunt(hunter, root, quarry, seed)?;
            let name = quarry.name.as_deref().unwrap_or("(none)");
            let mark = if is_well { "" } else { "LOST  " };
            output.line(format!("{mark}{name:22} {told}  ({})", quarry.sentence));
            if !is_well {
                lost.push(quarry);
            }
        }
        anyhow::Ok(lost)
    };
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(work)).collect();
        let mut lost = Vec::new();
        for worker in workers {
            lost.extend(worker.join().expect("a worker does not panic")?);
        }
        Ok(lost)
    })
}

/// One hunt: whether it came out as it should, and what it said.
fn hunt(hunter: &Path, root: &Path, quarry: &Quarry, seed: u64) -> anyhow::Result<(bool, String)> {
    let fixtures = root.join("engine/fixtures");
    let mut child = Command::new(hunter)
        .args(&quarry.name)
        .args(["--turns", &quarry.turns.to_string(), "--seed", &seed.to_string()])
        .arg("--definitions")
        .arg(fixtures.join("workflows"))
        .arg("--directory")
        .arg(fixtures.join("directory/acme.json"))
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` does not start", hunter.display()))?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > HUNT_TIME_MAX {
            child.kill()?;
            child.wait()?;
            return Ok((false, format!("no end after {} s", HUNT_TIME_MAX.as_secs())));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let done = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&done.stdout).trim_end().to_owned();
    Ok((done.status.success(), told))
}
