//! Planted bugs: each is switched on, one after the other, and hunted with everything there is, the fuzz and the
//! crashes, over random definitions and given ones in turns, until one of them finds it or the budget is used up.
//!
//! Bugs are switched on for the whole process (`engine::planted`), so there is one hunt at a time. Only in builds with
//! the feature `planted`.

use std::time::{Duration, Instant};

use loonflow_engine::planted::{Bug, switch_on};
use serde_json::Value as Json;

use crate::case::Case;
use crate::crash::walk::Setting;
use crate::fuzz::{Fuzz, Given};
use crate::shrink::shrunk;
use crate::step::Tape;

/// Seeds of one batch of the fuzz, before crashes have their turn.
const FUZZ_SEEDS: u64 = 4;
/// Steps of a seed of the fuzz.
const FUZZ_STEPS: u64 = 200;
/// Rounds of one walk with crashes.
const CRASH_ROUNDS: u64 = 20;

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
    /// The run of the fuzz, made smaller; its steps, whether nothing more can go, and how long that took.
    pub small: Option<Small>,
}

/// A failing run of the fuzz, made smaller.
#[derive(Clone, Debug)]
pub struct Small {
    /// The case.
    pub case: Case,
    /// Whether none of its steps can go.
    pub is_minimal: bool,
    /// How long it took.
    pub took: Duration,
}

/// What a hunt came to.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The bug.
    pub bug: Bug,
    /// How it was found; `None` where it was not.
    pub found: Option<Found>,
    /// Steps and calls until then.
    pub n_steps: u64,
    /// Time until then, without making the case smaller.
    pub took: Duration,
}

/// Switches its bug off again, whatever happens.
struct On;

impl On {
    fn switch(bug: Bug) -> Self {
        switch_on(Some(bug));
        Self
    }
}

impl Drop for On {
    fn drop(&mut self) {
        switch_on(None);
    }
}

/// Hunts one bug, and makes what the fuzz found smaller.
///
/// # Errors
/// Where the fuzz cannot run over the given definitions.
pub fn hunt(bug: Bug, ground: &Ground) -> anyhow::Result<Hunt> {
    let _on = On::switch(bug);
    let begun = Instant::now();
    let mut n_steps = 0;
    let mut caught = None;
    for turn in 0..ground.n_turns {
        let seed = ground.seed.wrapping_add(turn * FUZZ_SEEDS);
        let is_given = turn % 2 == 1 && !ground.definitions.is_empty();
        caught = fuzz(ground, is_given, seed, &mut n_steps)?.map(|case| Caught::Run(Box::new(case)));
        if caught.is_none() {
            caught = crash(ground, is_given, seed, &mut n_steps);
        }
        if caught.is_some() {
            break;
        }
    }
    let took = begun.elapsed();
    let found = caught.map(|caught| match caught {
        Caught::Run(case) => {
            let begun = Instant::now();
            let small = shrunk(&case);
            Found {
                by: "fuzz",
                invariant: case.shows,
                found: case.found,
                small: Some(Small {
                    case: small.case,
                    is_minimal: small.is_minimal,
                    took: begun.elapsed(),
                }),
            }
        }
        Caught::Crash(invariant, found) => Found {
            by: "crash",
            invariant: invariant.to_owned(),
            found,
            small: None,
        },
    });
    Ok(Hunt {
        bug,
        found,
        n_steps,
        took,
    })
}

enum Caught {
    Run(Box<Case>),
    Crash(&'static str, String),
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

fn crash(ground: &Ground, is_given: bool, seed: u64, n_steps: &mut u64) -> Option<Caught> {
    let setting = match &ground.setting {
        Some(setting) if is_given => setting.clone(),
        Some(_) | None => {
            let given = Given::random(&mut Tape::random(seed));
            Setting {
                directory: given.directory,
                workflows: given.versions,
            }
        }
    };
    let report = setting.walk(seed, CRASH_ROUNDS);
    *n_steps += report.n_calls;
    let (broken, _) = report.failure?;
    Some(Caught::Crash(broken.invariant, broken.found))
}
