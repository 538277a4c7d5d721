//! The hunt for a bug that was put into the engine on purpose: does the simulator find it?
//!
//! Each is hunted with everything there is, the fuzz and the crashes, over random definitions and given ones in turns,
//! until one of them finds it or the budget is used up. What was found is made smaller, and its case is told again from
//! its text: it must fail in the same way, and without the bug not at all.
//!
//! Not here: the bugs. They are edits, listed in `simulator/bugs`, which `.ci/bugs` writes into a copy of the workspace
//! (`examples/bugs`), and the program that hunts one of them (`program::hunter`).

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::crash::case::{CrashCase, FORMAT, Level};
use crate::crash::walk::{Round, Setting};
use crate::hunt::fuzz::Fuzz;
use crate::hunt::generate::definitions;
use crate::hunt::shrink::shrunk;
use crate::hunt::story;
use crate::world::case::Case;
use crate::world::tape::Tape;

/// Seeds of one batch of the fuzz, before crashes have their turn.
const FUZZ_SEEDS: u64 = 4;
/// Steps of a seed of the fuzz.
const FUZZ_STEPS: u64 = 200;
/// Rounds of one walk with crashes.
const CRASH_ROUNDS: u64 = 20;
/// Tries to make a crash smaller.
const CRASH_TRIES: usize = 2_000;
/// Lines of a crash that is told, at most.
const STORY_LINES: usize = 20;

/// Switches a bug on by its name, and every other off; `None`: all off.
pub type Switch = fn(Option<&str>);

/// What hunts go over, and for how long.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Definitions that every other turn goes over, as their files have them; none for random ones alone.
    pub definitions: Vec<Json>,
    /// Their directory; a stand-in where there is none.
    pub directory: Option<Json>,
    /// The same, read.
    pub setting: Option<Setting>,
    /// Batches of the fuzz and walks with crashes, in turns.
    pub n_turns: u64,
    /// The first seed of each.
    pub seed: u64,
}

/// Who found a bug, and by what.
#[derive(Clone, Debug)]
pub struct Found {
    /// `fuzz` or `crash`.
    pub by: &'static str,
    /// The invariant, or the comparison with the model, that did not hold.
    pub invariant: String,
    /// What was found instead.
    pub found: String,
    /// The seed that showed it.
    pub seed: u64,
    /// Its case.
    pub small: Small,
}

/// A failing case, made smaller.
#[derive(Clone, Debug)]
pub struct Small {
    /// Steps of the fuzz, or rounds between crashes, that are left.
    pub n_left: usize,
    /// How long it took.
    pub took: Duration,
    /// Whether the case, read from its text, fails again in the same way, and without the bug not at all.
    pub is_told_again: bool,
}

/// What a hunt came to.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// How the bug was found; `None` where it was not.
    pub found: Option<Found>,
    /// Steps and calls until then.
    pub n_steps: u64,
    /// Time until then, without making the case smaller.
    pub took: Duration,
}

/// Switches its bug off again, whatever happens.
struct On(Switch);

impl On {
    fn switch(name: Option<&str>, switch: Switch) -> Self {
        switch(name);
        Self(switch)
    }
}

impl Drop for On {
    fn drop(&mut self) {
        (self.0)(None);
    }
}

/// Hunts a bug, makes what was found smaller, and tells it again.
///
/// # Errors
/// Where the fuzz cannot run over the given definitions.
pub fn hunt(name: Option<&str>, switch: Switch, ground: &Ground) -> anyhow::Result<Hunt> {
    let _on = On::switch(name, switch);
    let begun = Instant::now();
    let mut n_steps = 0;
    let mut caught = None;
    for turn in 0..ground.n_turns {
        let seed = ground.seed.wrapping_add(turn * FUZZ_SEEDS);
        let is_given = turn % 2 == 1 && !ground.definitions.is_empty();
        caught = fuzz(ground, is_given, seed, &mut n_steps)?.map(|case| Caught::Run(Box::new(case)));
        if caught.is_none() {
            caught = crash(ground, is_given, seed, &mut n_steps).map(|case| Caught::Crash(Box::new(case)));
        }
        if caught.is_some() {
            break;
        }
    }
    let took = begun.elapsed();
    let found = match caught {
        Some(Caught::Run(case)) => Some(Found {
            by: "fuzz",
            small: small_run(&case, name, switch)?,
            seed: case.seed,
            invariant: case.shows,
            found: case.found,
        }),
        Some(Caught::Crash(mut case)) => Some(Found {
            by: "crash",
            invariant: case.shows.clone(),
            found: case.found.clone(),
            seed: case.seed,
            small: small_crash(&mut case, name, switch)?,
        }),
        None => None,
    };
    Ok(Hunt { found, n_steps, took })
}

enum Caught {
    Run(Box<Case>),
    Crash(Box<CrashCase>),
}

fn fuzz(ground: &Ground, is_given: bool, seed: u64, n_steps: &mut u64) -> anyhow::Result<Option<Case>> {
    for one in 0..FUZZ_SEEDS {
        let mut fuzz = Fuzz::new().seed(seed + one).seeds(1).steps(FUZZ_STEPS);
        if is_given {
            fuzz = ground.definitions.iter().cloned().fold(fuzz, Fuzz::definition);
            fuzz = ground.directory.iter().cloned().fold(fuzz, Fuzz::directory);
        }
        let report = fuzz.run()?;
        *n_steps += report.n_steps;
        if let Some(case) = report.failures.into_iter().next() {
            return Ok(Some(case));
        }
    }
    Ok(None)
}

fn crash(ground: &Ground, is_given: bool, seed: u64, n_steps: &mut u64) -> Option<CrashCase> {
    let (directory, setting) = match (&ground.directory, &ground.setting) {
        (Some(directory), Some(setting)) if is_given => (directory.clone(), setting.clone()),
        _ => {
            let given = definitions::given(&mut Tape::random(seed));
            let setting = Setting {
                directory: given.directory,
                workflows: given.versions,
            };
            (given.source, setting)
        }
    };
    let report = setting.walk(seed, CRASH_ROUNDS);
    *n_steps += report.n_calls;
    let (broken, rounds): (_, Vec<Round>) = report.failure?;
    let sources = setting.workflows.iter().map(|one| Json::clone(&one.source));
    Some(CrashCase {
        format: FORMAT,
        level: Level::Boundary,
        shows: broken.invariant.to_owned(),
        found: broken.found,
        directory,
        definitions: sources.collect(),
        seed,
        rounds,
    })
}

fn small_run(case: &Case, name: Option<&str>, switch: Switch) -> anyhow::Result<Small> {
    let begun = Instant::now();
    let small = shrunk(case).case;
    let took = begun.elapsed();
    let read: Case = serde_json::from_str(&serde_json::to_string(&small)?)?;
    let fails = || story::told(&read).failure.map(|failure| failure.invariant);
    let with = fails();
    switch(None);
    let without = fails();
    switch(name);
    Ok(Small {
        n_left: small.steps.len(),
        took,
        is_told_again: with.as_ref() == Some(&read.shows) && without.is_none(),
    })
}

fn small_crash(case: &mut CrashCase, name: Option<&str>, switch: Switch) -> anyhow::Result<Small> {
    let begun = Instant::now();
    case.shrink(CRASH_TRIES)?;
    let took = begun.elapsed();
    let read = CrashCase::from_text(&serde_json::to_string(case)?)?;
    let with = read.replay()?.map(|(broken, _)| broken.invariant);
    switch(None);
    let without = read.replay()?;
    switch(name);
    Ok(Small {
        n_left: case.rounds.len(),
        took,
        is_told_again: with == Some(read.shows.as_str()) && without.is_none() && read.story().len() <= STORY_LINES,
    })
}
