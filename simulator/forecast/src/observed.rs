//! What was seen in one replication, as sums: cases that have ended leave nothing else behind.

use std::collections::BTreeMap;

use super::level::Level;
use super::plan::Plan;
use super::tally::Tally;
use super::timeline::Instant;

/// Everything seen in one replication.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When figures begin and end; times between count for means over time.
    pub window: (Instant, Instant),
    /// When the last thing happened.
    pub ended: Instant,
    /// Cases that came, all of them.
    pub n_arrived: u64,
    /// Cases that the engine refused to create.
    pub n_refused: u64,
    /// Cases that ended, by their last state.
    pub ended_as: BTreeMap<&'static str, u64>,
    /// Cases that were open at the end.
    pub n_open: u64,
    /// Of those, cases that nobody could move on.
    pub n_stuck: u64,
    /// Cases that ended within the window.
    pub n_ended_in_window: u64,
    /// Commands that the engine carried out.
    pub n_commands: u64,
    /// What the engine refused, and how often.
    pub refusals: BTreeMap<String, u64>,
    /// From coming to the end, of the cases that came within the window and ended.
    pub cycle: Tally,
    /// Of the same cases: the wait of their work, added up.
    pub wait_sum_ms: u128,
    /// Of the same cases: the work, added up.
    pub work_sum_ms: u128,
    /// Of the same cases: rejections.
    pub n_rejections: u64,
    /// Of the same cases: those that were at some node more than once.
    pub n_repeating: u64,
    /// Cases under way.
    pub open: Level,
    /// By the position of the node.
    pub nodes: Vec<NodeSeen>,
    /// By the position of the person.
    pub people: Vec<PersonSeen>,
    /// How often each edge was taken, by its position, by cases that came within the window.
    pub edges: Vec<u64>,
    /// Who did how much where: node, person.
    pub handled: BTreeMap<(usize, usize), u64>,
}

/// What was seen at a node, of cases that came within the window.
#[derive(Clone, Debug)]
pub struct NodeSeen {
    /// How often a token came to rest.
    pub n_visits: u64,
    /// From being ready to being taken up.
    pub wait: Tally,
    /// The part of it when nobody who may do it was at work.
    pub off_duty_ms: u128,
    /// The waits during which somebody who may do the work was away.
    pub while_away: Waits,
    /// Work, as working time.
    pub work: Tally,
    /// Time from taking up to the end when nobody worked on it: nights.
    pub pause_ms: u128,
    /// From coming to leaving.
    pub stay_ms: u128,
    /// Work that waits here, of all cases.
    pub queue: Level,
    /// Requests to an outside system that failed.
    pub n_failures: u64,
}

/// Some waits, added up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// How many.
    pub n: u64,
    /// Their sum.
    pub sum_ms: u128,
}

impl Waits {
    /// One more.
    pub fn add(&mut self, wait_ms: i64) {
        self.n += 1;
        self.sum_ms += u128::try_from(wait_ms).unwrap_or(0);
    }

    /// Those of another replication.
    pub fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.sum_ms += other.sum_ms;
    }
}

/// What was seen of a person within the window.
#[derive(Clone, Debug, Default)]
pub struct PersonSeen {
    /// Time at work, with all hands.
    pub capacity_ms: i64,
    /// Time spent on work.
    pub busy_ms: i64,
    /// Pieces of work done, in the whole run.
    pub n_done: u64,
}

/// Different texts of refusals that are kept.
const REFUSALS_MAX: usize = 50;

impl Observed {
    /// Nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let node = || NodeSeen {
            n_visits: 0,
            wait: Tally::default(),
            off_duty_ms: 0,
            while_away: Waits::default(),
            work: Tally::default(),
            pause_ms: 0,
            stay_ms: 0,
            queue: Level::new(plan.start),
            n_failures: 0,
        };
        Self {
            window: (plan.start, plan.start),
            ended: plan.start,
            n_arrived: 0,
            n_refused: 0,
            ended_as: BTreeMap::new(),
            n_open: 0,
            n_stuck: 0,
            n_ended_in_window: 0,
            n_commands: 0,
            refusals: BTreeMap::new(),
            cycle: Tally::default(),
            wait_sum_ms: 0,
            work_sum_ms: 0,
            n_rejections: 0,
            n_repeating: 0,
            open: Level::new(plan.start),
            nodes: plan.nodes.iter().map(|_| node()).collect(),
            people: vec![PersonSeen::default(); plan.people.len()],
            edges: vec![0; plan.workflow.edges.len()],
            handled: BTreeMap::new(),
        }
    }

    /// A refusal.
    pub fn refuse(&mut self, text: String) {
        if self.refusals.len() < REFUSALS_MAX || self.refusals.contains_key(&text) {
            *self.refusals.entry(text).or_default() += 1;
        } else {
            *self.refusals.entry("others".to_owned()).or_default() += 1;
        }
    }

    /// Length of the window.
    #[must_use]
    pub fn window_ms(&self) -> i64 {
        self.window.1 - self.window.0
    }
}
