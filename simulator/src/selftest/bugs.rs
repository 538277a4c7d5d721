//! Planted bugs: each is switched on, one after the other, and hunted with everything there is, the fuzz and the
//! crashes, over random definitions, until one of them finds it or the budget is used up.
//!
//! Bugs are switched on for the whole process (`engine::planted`), so there is one hunt at a time. Only in builds with
//! the feature `planted`.

use std::time::{Duration, Instant};

use loonflow_engine::planted::{Bug, switch_on};

use crate::case::Case;
use crate::crash::walk::{Setting, Walk};
use crate::fuzz::{Fuzz, Given};
use crate::step::Tape;

/// Seeds of one batch of the fuzz, before crashes have their turn.
const FUZZ_SEEDS: u64 = 4;
/// Steps of a seed of the fuzz.
const FUZZ_STEPS: u64 = 200;
/// Rounds of one walk with crashes.
const CRASH_ROUNDS: u64 = 12;

/// How long a hunt may last.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
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
    /// Seed of the run.
    pub seed: u64,
    /// The run of the fuzz, not yet made smaller.
    pub case: Option<Case>,
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
    /// Time until then.
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

/// Hunts one bug.
///
/// # Errors
/// Where the fuzz cannot run.
pub fn hunt(bug: Bug, budget: Budget) -> anyhow::Result<Hunt> {
    let _on = On::switch(bug);
    let begun = Instant::now();
    let mut n_steps = 0;
    let mut found = None;
    for turn in 0..budget.n_turns {
        let seed = budget.seed.wrapping_add(turn * FUZZ_SEEDS);
        found = fuzz(seed, &mut n_steps)?;
        if found.is_none() {
            found = crash(seed, &mut n_steps);
        }
        if found.is_some() {
            break;
        }
    }
    Ok(Hunt {
        bug,
        found,
        n_steps,
        took: begun.elapsed(),
    })
}

/// Runs something with a bug switched on: to make a case smaller, or to play it again.
pub fn with<R>(bug: Bug, run: impl FnOnce() -> R) -> R {
    let _on = On::switch(bug);
    run()
}

fn fuzz(seed: u64, n_steps: &mut u64) -> anyhow::Result<Option<Found>> {
    for one in 0..FUZZ_SEEDS {
        let report = Fuzz::new().seed(seed + one).seeds(1).steps(FUZZ_STEPS).run()?;
        *n_steps += report.n_steps;
        if let Some(case) = report.failures.into_iter().next() {
            return Ok(Some(Found {
                by: "fuzz",
                invariant: case.shows.clone(),
                found: case.found.clone(),
                seed: case.seed,
                case: Some(case),
            }));
        }
    }
    Ok(None)
}

fn crash(seed: u64, n_steps: &mut u64) -> Option<Found> {
    let given = Given::random(&mut Tape::random(seed));
    let setting = Setting {
        directory: given.directory,
        workflows: given.versions,
    };
    let (invariant, found) = match Walk::new(&setting, seed) {
        Ok(walk) => {
            let report = walk.run(seed, CRASH_ROUNDS);
            *n_steps += report.n_calls;
            let (broken, _) = report.failure?;
            (broken.invariant.to_owned(), broken.found)
        }
        Err(broken) => (broken.invariant.to_owned(), broken.found),
    };
    Some(Found {
        by: "crash",
        invariant,
        found,
        seed,
        case: None,
    })
}
