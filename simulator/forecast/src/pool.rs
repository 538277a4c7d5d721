//! Replications, on any number of threads, brought together in their order: the result knows nothing of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::level::Course;
use super::measure::{self, Measure};
use super::observed::{Observed, Waits};
use super::plan::Plan;
use super::replication;
use super::tally::Tally;
use super::timeline::Instant;

/// All replications together.
#[derive(Clone, Debug)]
pub struct Pool {
    /// How many.
    pub n: u32,
    /// Each measure with its value in each replication, in order.
    pub measures: Vec<(Measure, Vec<Option<f64>>)>,
    /// Of the counts of `Observed`, the sums.
    pub sums: Sums,
    /// Cycle times.
    pub cycle: Tally,
    /// Open cases.
    pub open: Course,
    /// By the position of the node.
    pub nodes: Vec<NodePool>,
    /// How often each edge was taken.
    pub edges: Vec<u64>,
    /// Pieces of work done by each person.
    pub done: Vec<u64>,
    /// Who did how much where: node, person.
    pub handled: BTreeMap<(usize, usize), u64>,
    /// The earliest end of the figures: courses are shown up to it.
    pub shown_to: Instant,
}

/// Counts over all replications.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Cases that came.
    pub n_arrived: u64,
    /// Cases that the engine refused to create.
    pub n_refused: u64,
    /// Cases that ended, by their last state.
    pub ended_as: BTreeMap<&'static str, u64>,
    /// Cases open at the end.
    pub n_open: u64,
    /// Of those, stuck.
    pub n_stuck: u64,
    /// Commands to the engine.
    pub n_commands: u64,
    /// What the engine refused.
    pub refusals: BTreeMap<String, u64>,
    /// Length of the windows.
    pub window_ms: i64,
}

/// A node over all replications.
#[derive(Clone, Debug)]
pub struct NodePool {
    /// Visits of cases that were measured.
    pub n_visits: u64,
    /// Waits.
    pub wait: Tally,
    /// See `NodeSeen`.
    pub off_duty_ms: u128,
    /// See `NodeSeen`.
    pub while_away: Waits,
    /// Work.
    pub work: Tally,
    /// See `NodeSeen`.
    pub pause_ms: u128,
    /// See `NodeSeen`.
    pub stay_ms: u128,
    /// Work that waits.
    pub queue: Course,
    /// The longest queue.
    pub queue_most: u64,
    /// Failures of an outside system.
    pub n_failures: u64,
}

/// Runs all replications of a plan on so many threads; `progress` counts the cases that came.
///
/// # Errors
/// The error of the first replication that has one.
pub fn run(plan: &Plan, n_threads: usize, progress: &AtomicU64) -> anyhow::Result<Pool> {
    let n = plan.scenario.replications;
    let turn = Mutex::new(Turn {
        next: 0,
        pool: None,
        waiting: BTreeMap::new(),
    });
    let started = AtomicU64::new(0);
    let has_failed = AtomicBool::new(false);
    let failure = Mutex::new(BTreeMap::new());
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let Ok(number) = u32::try_from(started.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if number >= n {
                return;
            }
            match replication::run(plan, number, progress) {
                Ok(seen) => {
                    if let Ok(mut turn) = turn.lock() {
                        turn.take(plan, number, seen);
                    }
                }
                Err(error) => {
                    has_failed.store(true, Ordering::Relaxed);
                    if let Ok(mut failure) = failure.lock() {
                        failure.insert(number, error);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let n_threads = n_threads.clamp(1, usize::try_from(n).unwrap_or(1));
        for _ in 1..n_threads {
            scope.spawn(work);
        }
        work();
    });
    if let Some((number, error)) = failure.into_inner().ok().and_then(|mut all| all.pop_first()) {
        return Err(error.context(format!("replication {number}")));
    }
    let pool = turn.into_inner().ok().and_then(|turn| turn.pool);
    pool.ok_or_else(|| anyhow::anyhow!("no replication was run"))
}

/// Takes replications in their order, whatever the order they end in.
struct Turn {
    next: u32,
    pool: Option<Pool>,
    waiting: BTreeMap<u32, Observed>,
}

impl Turn {
    fn take(&mut self, plan: &Plan, number: u32, seen: Observed) {
        self.waiting.insert(number, seen);
        while let Some(seen) = self.waiting.remove(&self.next) {
            self.next += 1;
            match &mut self.pool {
                Some(pool) => pool.add(plan, &seen),
                None => self.pool = Some(Pool::first(plan, seen)),
            }
        }
    }
}

impl Pool {
    fn first(plan: &Plan, seen: Observed) -> Self {
        let measures = measure::values(plan, &seen);
        let mut pool = Self {
            n: 1,
            measures: measures
                .into_iter()
                .map(|(measure, value)| (measure, vec![value]))
                .collect(),
            sums: Sums::default(),
            cycle: Tally::default(),
            open: seen.open.course.clone(),
            nodes: Vec::new(),
            edges: seen.edges.clone(),
            done: seen.people.iter().map(|person| person.n_done).collect(),
            handled: seen.handled.clone(),
            shown_to: seen.window.1,
        };
        pool.sums.add(&seen);
        pool.cycle = seen.cycle;
        pool.nodes = seen
            .nodes
            .into_iter()
            .map(|node| NodePool {
                n_visits: node.n_visits,
                wait: node.wait,
                off_duty_ms: node.off_duty_ms,
                while_away: node.while_away,
                work: node.work,
                pause_ms: node.pause_ms,
                stay_ms: node.stay_ms,
                queue: node.queue.course,
                queue_most: node.queue.most,
                n_failures: node.n_failures,
            })
            .collect();
        pool
    }

    fn add(&mut self, plan: &Plan, seen: &Observed) {
        self.n += 1;
        for ((_, values), (_, value)) in self.measures.iter_mut().zip(measure::values(plan, seen)) {
            values.push(value);
        }
        self.sums.add(seen);
        self.cycle.merge(&seen.cycle);
        self.open.merge(&seen.open.course);
        self.shown_to = self.shown_to.min(seen.window.1);
        for (node, more) in self.nodes.iter_mut().zip(&seen.nodes) {
            node.n_visits += more.n_visits;
            node.wait.merge(&more.wait);
            node.off_duty_ms += more.off_duty_ms;
            node.while_away.merge(more.while_away);
            node.work.merge(&more.work);
            node.pause_ms += more.pause_ms;
            node.stay_ms += more.stay_ms;
            node.queue.merge(&more.queue.course);
            node.queue_most = node.queue_most.max(more.queue.most);
            node.n_failures += more.n_failures;
        }
        for (sum, more) in self.edges.iter_mut().zip(&seen.edges) {
            *sum += more;
        }
        for (sum, more) in self.done.iter_mut().zip(&seen.people) {
            *sum += more.n_done;
        }
        for (place, more) in &seen.handled {
            *self.handled.entry(*place).or_default() += more;
        }
    }

    /// The values of a measure that could be taken.
    #[must_use]
    pub fn values(&self, key: &str) -> Vec<f64> {
        let found = self.measures.iter().find(|(measure, _)| measure.key == key);
        found
            .map(|(_, values)| values.iter().flatten().copied().collect())
            .unwrap_or_default()
    }

    /// Who worked at a node, by position.
    #[must_use]
    pub fn workers_at(&self, node: usize) -> BTreeSet<usize> {
        self.handled
            .range((node, 0)..=(node, usize::MAX))
            .map(|((_, person), _)| *person)
            .collect()
    }
}

impl Sums {
    fn add(&mut self, seen: &Observed) {
        self.n_arrived += seen.n_arrived;
        self.n_refused += seen.n_refused;
        for (state, n) in &seen.ended_as {
            *self.ended_as.entry(state).or_default() += n;
        }
        self.n_open += seen.n_open;
        self.n_stuck += seen.n_stuck;
        self.n_commands += seen.n_commands;
        for (text, n) in &seen.refusals {
            *self.refusals.entry(text.clone()).or_default() += n;
        }
        self.window_ms += seen.window_ms();
    }
}
