//! Makes a case smaller while it still shows the same: delta debugging over its steps, then over their arguments, then
//! over definitions and directory.
//!
//! Steps name tickets by their order of creation, which changes when a creation goes. So steps are linked first to the
//! ticket they were about; a step whose ticket is not there in a smaller case goes as well. What comes out is
//! 1-minimal: without any one of its steps the case no longer fails in this way.
//!
//! Bounded by the steps that are taken in all, not by time, so that the same case always shrinks to the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::UserId;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use serde_json::Value as Json;

use crate::hunt::start::Start;
use crate::hunt::watch::{Checks, Failure, Outcome, OwnInvariant};
use crate::world::case::{Case, CaseStep};
use crate::world::directory_from;

pub mod arguments;
pub mod setting;

/// Steps taken in all, about: one to two seconds.
const STEPS_MAX: usize = 150_000;

/// Steps of a case of which all pairs are tried at most: 300 runs of a few steps.
const PAIRS_MAX: usize = 24;

/// A case made smaller.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The small case; the case itself where it does not fail.
    pub case: Case,
    /// Whether it fails at all.
    pub fails: bool,
    /// Whether nothing more can go; false where the bound was met.
    pub is_minimal: bool,
    /// How often it was run.
    pub n_runs: usize,
}

/// A step, linked to its ticket.
#[derive(Clone, Debug)]
struct Linked {
    step: CaseStep,
    /// The ticket of the original case that it is about.
    about: Option<usize>,
    /// The ticket of the original case that it creates.
    creates: Option<usize>,
}

/// What a case begins with, read; `None` where something of it cannot be used.
fn setting_of(directory: &Json, definitions: &[Json]) -> Option<Start> {
    let read = directory_from(directory).ok()?;
    let context = ValidationContext {
        directory: Some(&read),
        known_workflows: None,
    };
    let versions = definitions
        .iter()
        .map(|definition| check(definition, None, &context).0.map(Arc::new));
    Start::read(directory, versions.collect::<Option<Vec<_>>>()?).ok()
}

/// A case that is being made smaller.
struct Shrinking<'a> {
    shows: &'a str,
    seed: u64,
    checks: Checks,
    setting: Start,
    n_runs: usize,
    n_steps: usize,
}

/// What a run of some steps came to: the steps that were taken, up to the failing one, and what was found.
struct Failing {
    steps: Vec<Linked>,
    found: String,
}

impl Shrinking<'_> {
    fn is_spent(&self) -> bool {
        self.n_steps > STEPS_MAX
    }

    /// Runs steps; `Some` where the invariant fails that the case is about.
    fn fails(&mut self, steps: &[Linked]) -> Option<Failing> {
        self.n_runs += 1;
        let mut watch = self.setting.watch(self.seed, &self.checks, &[]);
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let mut taken = Vec::with_capacity(steps.len());
        for linked in steps {
            let mut linked = linked.clone();
            if let (Some(about), Some(place)) = (linked.about, place_mut(&mut linked.step)) {
                match places.get(&about) {
                    Some(there) => *place = *there,
                    None => continue,
                }
            }
            self.n_steps += 1;
            let result = watch.step(&linked.step);
            if let (Ok(Outcome::Done { ticket }), Some(creates)) = (&result, linked.creates) {
                places.insert(creates, *ticket);
            }
            taken.push(linked);
            if let Err(failure) = result {
                return self.same(failure, taken);
            }
        }
        match watch.finish() {
            Err(failure) => self.same(failure, taken),
            Ok(()) => None,
        }
    }

    fn same(&self, failure: Failure, steps: Vec<Linked>) -> Option<Failing> {
        (failure.invariant == self.shows).then_some(Failing {
            steps,
            found: failure.found,
        })
    }

    /// Removes runs of steps, long ones first, until no single step can go. Whether that was reached.
    fn remove_steps(&mut self, failing: &mut Failing) -> bool {
        let mut size = (failing.steps.len() / 2).max(1);
        loop {
            let mut has_changed = false;
            let mut end = failing.steps.len();
            while end > 0 {
                if self.is_spent() {
                    return false;
                }
                let start = end.saturating_sub(size);
                let mut fewer = failing.steps[..start].to_vec();
                fewer.extend_from_slice(&failing.steps[end.min(failing.steps.len())..]);
                if let Some(smaller) = self.fails(&fewer) {
                    *failing = smaller;
                    has_changed = true;
                }
                end = start.min(failing.steps.len());
            }
            if size == 1 && !has_changed {
                return true;
            }
            if !has_changed || size > 1 {
                size = (size / 2).max(1);
            }
        }
    }

    /// Removes two steps at once, such as one that undoes another: neither can go alone. Whether all pairs were tried.
    fn remove_pairs(&mut self, failing: &mut Failing) -> bool {
        if failing.steps.len() > PAIRS_MAX {
            return true;
        }
        let mut second = failing.steps.len();
        while second > 1 {
            second -= 1;
            for first in (0..second).rev() {
                if self.is_spent() {
                    return false;
                }
                let mut fewer = failing.steps.clone();
                fewer.remove(second);
                fewer.remove(first);
                if let Some(smaller) = self.fails(&fewer) {
                    *failing = smaller;
                    second = failing.steps.len();
                    break;
                }
            }
        }
        true
    }

    /// Removes a step that gave a node to somebody, and has who gave it do what the other did.
    fn remove_detours(&mut self, failing: &mut Failing) {
        let mut at = failing.steps.len();
        while at > 0 && !self.is_spent() {
            at -= 1;
            let Some((from, to)) = failing.steps.get(at).and_then(|linked| given_away(&linked.step)) else {
                continue;
            };
            let mut fewer = failing.steps.clone();
            fewer.remove(at);
            for later in &mut fewer[at..] {
                if let CaseStep::Handle { operator, .. } = &mut later.step
                    && *operator == to
                {
                    *operator = from.clone();
                }
            }
            if let Some(smaller) = self.fails(&fewer) {
                *failing = smaller;
            }
        }
    }

    /// Takes the first of some other forms of each step that still fails, until none does.
    fn simplify_arguments(&mut self, failing: &mut Failing) -> bool {
        loop {
            let mut has_changed = false;
            let mut idx = 0;
            while idx < failing.steps.len() {
                for simpler in arguments::simpler(&failing.steps[idx].step) {
                    if self.is_spent() {
                        return false;
                    }
                    let mut steps = failing.steps.clone();
                    steps[idx].step = simpler;
                    if let Some(smaller) = self.fails(&steps) {
                        *failing = smaller;
                        has_changed = true;
                        break;
                    }
                }
                idx += 1;
            }
            if !has_changed {
                return true;
            }
        }
    }
}

/// Makes a case smaller.
#[must_use]
pub fn shrunk(case: &Case) -> Shrunk {
    shrunk_with(case, &[])
}

/// As [`shrunk`], for a case that may be about an invariant of one's own.
#[must_use]
pub fn shrunk_with(case: &Case, own: &[(String, OwnInvariant)]) -> Shrunk {
    let unchanged = |n_runs| Shrunk {
        case: case.clone(),
        fails: false,
        is_minimal: false,
        n_runs,
    };
    let Some(setting) = setting_of(&case.directory, &case.definitions) else {
        return unchanged(0);
    };
    let mut shrinking = Shrinking {
        shows: &case.shows,
        seed: case.seed,
        checks: Checks {
            sample_every: 0,
            at_end: true,
            lists: true,
            only: Some(case.shows.clone()),
            thorough: true,
            counts: false,
            own: own.to_vec(),
        },
        setting,
        n_runs: 0,
        n_steps: 0,
    };
    let linked = link(case, &shrinking);
    // Checks of the sampled kind at the end are enough as a rule; some are only made of a step itself.
    let mut failing = None;
    for sample_every in [0, 1] {
        shrinking.checks.sample_every = sample_every;
        failing = failing.or_else(|| shrinking.fails(&linked));
        if failing.is_some() {
            break;
        }
    }
    let Some(mut failing) = failing else {
        return unchanged(shrinking.n_runs);
    };
    let mut small = case.clone();
    shrinking.remove_steps(&mut failing);
    shrinking.remove_pairs(&mut failing);
    shrinking.remove_detours(&mut failing);
    setting::simplify(&mut shrinking, &mut small, &mut failing);
    shrinking.simplify_arguments(&mut failing);
    // Simpler arguments may have made steps needless; only then is the result 1-minimal.
    let is_minimal = shrinking.remove_steps(&mut failing);
    small.steps = failing.steps.into_iter().map(|linked| linked.step).collect();
    small.found = failing.found;
    Shrunk {
        case: small,
        fails: true,
        is_minimal,
        n_runs: shrinking.n_runs,
    }
}

/// Finds out which step creates which ticket, by a run without sampled checks.
fn link(case: &Case, shrinking: &Shrinking<'_>) -> Vec<Linked> {
    let checks = Checks {
        sample_every: 0,
        at_end: false,
        counts: false,
        ..Checks::default()
    };
    let mut watch = shrinking.setting.watch(case.seed, &checks, &[]);
    let mut has_failed = false;
    let mut linked = Vec::new();
    for step in &case.steps {
        let mut step = step.clone();
        let about = place_mut(&mut step).map(|place| *place);
        let is_creation = matches!(step, CaseStep::Create { .. });
        let mut creates = None;
        if !has_failed {
            match watch.step(&step) {
                Ok(Outcome::Done { ticket }) => creates = is_creation.then_some(ticket),
                Ok(Outcome::Refused { .. } | Outcome::Nothing) => {}
                // The failing step may itself be a creation: it is the last, nothing is about its ticket.
                Err(_) => has_failed = true,
            }
        }
        linked.push(Linked { step, about, creates });
    }
    linked
}

/// Who gave a node to whom.
fn given_away(step: &CaseStep) -> Option<(UserId, UserId)> {
    if let CaseStep::Handle {
        operator,
        target_assignee_id: Some(target),
        ..
    } = step
    {
        return Some((operator.clone(), target.clone()));
    }
    None
}

/// Where a step says which ticket it is about.
fn place_mut(step: &mut CaseStep) -> Option<&mut usize> {
    match step {
        CaseStep::Handle { ticket, .. }
        | CaseStep::FireTimer { ticket, .. }
        | CaseStep::ReachDeadline { ticket, .. }
        | CaseStep::ReportHook { ticket, .. }
        | CaseStep::ReviewHolders { ticket }
        | CaseStep::HandOver { ticket, .. }
        | CaseStep::Migrate { ticket, .. } => Some(ticket),
        CaseStep::Pass { .. } | CaseStep::Publish { .. } | CaseStep::Directory { .. } | CaseStep::Create { .. } => None,
    }
}
