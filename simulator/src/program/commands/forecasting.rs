//! What `run` and `compare` share: arguments that override a scenario, threads, a progress bar, the verdict.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use indicatif::{ProgressBar, ProgressStyle};

use crate::forecast::goal::Outcome;
use crate::forecast::scenario::Stop;
use crate::forecast::{self, Forecast, Plan};
use crate::program::output::Output;
use crate::program::verdict::Verdict;

/// Arguments that override what the scenario says.
#[derive(Debug, clap::Args)]
pub(crate) struct Overrides {
    /// Another seed than the scenario's.
    #[arg(long)]
    seed: Option<u64>,
    /// Another number of replications than the scenario's.
    #[arg(long)]
    replications: Option<u32>,
    /// Stop after so many cases in each replication, whatever the scenario says.
    #[arg(long)]
    cases: Option<u64>,
    /// Threads to run replications on; the result does not depend on it. As many as there are cores by default.
    #[arg(long)]
    threads: Option<usize>,
}

impl Overrides {
    pub(super) fn apply(&self, plan: Plan) -> anyhow::Result<Plan> {
        if self.seed.is_none() && self.replications.is_none() && self.cases.is_none() {
            return Ok(plan);
        }
        let mut scenario = plan.scenario;
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        scenario.replications = self.replications.unwrap_or(scenario.replications);
        if let Some(n) = self.cases {
            scenario.stop = Stop::Cases(n);
        }
        Plan::new(scenario)
    }

    pub(super) fn n_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(cores)
    }
}

/// Runs plans one after the other, with a bar on stderr where somebody sees it.
pub(super) fn run(plans: &[&Plan], n_threads: usize, output: &Output) -> anyhow::Result<Vec<Forecast>> {
    ensure!(n_threads > 0, "`--threads` is 0: give at least 1");
    let n_cases = plans.iter().map(|plan| match plan.scenario.stop {
        Stop::Cases(n) => Some(n.saturating_mul(plan.scenario.replications.into())),
        Stop::After(_) => None,
    });
    let n_cases: Option<u64> = n_cases.sum();
    let is_seen = !output.is_json() && std::io::stderr().is_terminal();
    let progress = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if is_seen {
            scope.spawn(|| show(n_cases, &progress, &is_over));
        }
        let found = plans
            .iter()
            .map(|plan| forecast::run(plan, n_threads, &progress))
            .collect();
        is_over.store(true, Ordering::Relaxed);
        found
    })
}

/// Draws the bar until the work is over.
fn show(n_cases: Option<u64>, progress: &AtomicU64, is_over: &AtomicBool) {
    let bar = match n_cases {
        Some(n) => ProgressBar::new(n),
        None => ProgressBar::new_spinner(),
    };
    let form = if n_cases.is_some() {
        "{bar:40} {human_pos} of {human_len} cases, {eta} left"
    } else {
        "{spinner} {human_pos} cases, {elapsed}"
    };
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    while !is_over.load(Ordering::Relaxed) {
        bar.set_position(progress.load(Ordering::Relaxed));
        std::thread::sleep(Duration::from_millis(100));
    }
    bar.finish_and_clear();
}

/// A missed goal or a refusal is a defect; an undecided goal, or a case that nobody can move on, leaves it open.
pub(super) fn verdict(found: &Forecast) -> Verdict {
    let goals = found.goals.iter().map(|goal| match goal.outcome {
        Outcome::Met => Verdict::Fine,
        Outcome::Missed => Verdict::Defect,
        Outcome::Unclear => Verdict::Unknown,
    });
    let refused = if found.refusals.is_empty() {
        Verdict::Fine
    } else {
        Verdict::Defect
    };
    let stuck = if found.counts.stuck == 0 {
        Verdict::Fine
    } else {
        Verdict::Unknown
    };
    goals.fold(refused.and(stuck), Verdict::and)
}
