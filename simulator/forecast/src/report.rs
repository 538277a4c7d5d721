//! What a forecast says, in the form that people, programs and files get it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bottleneck::{self, Bottleneck};
use super::estimate::Estimate;
use super::goal::{self, GoalResult};
use super::level::Course;
use super::measure::Measure;
use super::plan::Plan;
use super::pool::Pool;
use super::tally::Tally;
use super::unsteady::{self, Unsteady};
use loonflow_engine::time::Timestamp;

/// A forecast.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// The scenario's name.
    pub scenario: String,
    /// The workflow's name and version.
    pub workflow: String,
    /// Seed of every draw.
    pub seed: u64,
    /// Independent repetitions.
    pub replications: u32,
    /// Level of the intervals.
    pub confidence: f64,
    /// The first instant, in the scenario's zone.
    pub start: String,
    /// Mean length of the time that figures were taken in.
    pub window_ms: f64,
    /// Counts over all replications.
    pub counts: Counts,
    /// What the engine refused, and how often.
    pub refusals: BTreeMap<String, u64>,
    /// Goals of the scenario.
    pub goals: Vec<GoalResult>,
    /// Queues that grow as long as the run is: then no mean is steady.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsteady: Vec<Unsteady>,
    /// Where time is lost, worst first.
    pub bottlenecks: Vec<Bottleneck>,
    /// Every measure.
    pub measures: Vec<Measured>,
    /// Cycle times of all replications together.
    pub cycle_time: Spread,
    /// Node by node, in definition order; gateways and nodes never visited are left out.
    pub nodes: Vec<NodeReport>,
    /// Who did anything, in the order of the directory.
    pub people: Vec<PersonReport>,
    /// Edges that were taken.
    pub edges: Vec<EdgeReport>,
    /// Open cases and queues over time.
    pub course: CourseReport,
}

/// Counts over all replications.
#[derive(Clone, Debug, Serialize)]
pub struct Counts {
    /// Cases that came: refused, ended or open.
    pub arrived: u64,
    /// Cases that the engine refused to create.
    pub refused: u64,
    /// Cases that ended, by their last state.
    pub ended: BTreeMap<&'static str, u64>,
    /// Cases open at the end.
    pub open: u64,
    /// Of those, cases that nobody could move on.
    pub stuck: u64,
    /// Commands that the engine decided.
    pub commands: u64,
}

/// A measure and its mean over replications.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Which.
    #[serde(flatten)]
    pub measure: Measure,
    /// Its mean and interval.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Its value in each replication.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
}

/// How times are spread.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Spread {
    /// How many.
    pub n: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// Their standard deviation.
    pub sd_ms: f64,
    /// Half of them take no longer.
    pub p50_ms: f64,
    /// 90 of 100 take no longer.
    pub p90_ms: f64,
    /// 95 of 100 take no longer.
    pub p95_ms: f64,
    /// 99 of 100 take no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// How many lie in parts of equal length, for the chart.
    #[serde(skip)]
    pub bins: (u64, Vec<u64>),
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The definition's word for its kind.
    pub kind: &'static str,
    /// How often a case comes here.
    pub visits_per_case: f64,
    /// Until somebody takes the work up.
    pub wait: Spread,
    /// Share of the wait when nobody who may do it was at work.
    pub wait_off_duty: f64,
    /// Working time.
    pub work: Spread,
    /// Time per case that work lay unfinished outside of working hours.
    pub pause_per_case_ms: f64,
    /// Time per case from coming to leaving, parallel branches included.
    pub stay_per_case_ms: f64,
    /// The longest queue.
    pub queue_most: u64,
    /// Requests to an outside system that failed.
    pub failures: u64,
}

/// A person.
#[derive(Clone, Debug, Serialize)]
pub struct PersonReport {
    /// Id.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Share of working time spent on work.
    pub utilisation: Option<Estimate>,
    /// Pieces of work done, per replication.
    pub done: f64,
}

/// An edge.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeReport {
    /// Its id.
    pub id: String,
    /// The definition's word for its kind.
    pub kind: &'static str,
    /// From which node.
    pub from: String,
    /// To which node.
    pub to: String,
    /// How often a case takes it.
    pub per_case: f64,
}

/// Levels over time, as means over parts of equal length and over replications.
#[derive(Clone, Debug, Serialize)]
pub struct CourseReport {
    /// Length of a part.
    pub bin_ms: i64,
    /// Open cases.
    pub open: Vec<f64>,
    /// Work that waits, by node; queues that are always empty are left out.
    pub queues: BTreeMap<String, Vec<f64>>,
}

/// Parts of the chart of cycle times.
const SPREAD_BINS: usize = 60;

impl Forecast {
    /// Of all replications together.
    #[must_use]
    pub fn new(plan: &Plan, pool: &Pool) -> Self {
        let scenario = &plan.scenario;
        let n = f64::from(pool.n);
        let n_cases = pool.cycle.n.max(1) as f64;
        let confidence = scenario.confidence;
        let measures: Vec<Measured> = pool
            .measures
            .iter()
            .filter_map(|(measure, values)| {
                let taken: Vec<f64> = values.iter().flatten().copied().collect();
                Some(Measured {
                    estimate: Estimate::of(&taken, confidence)?,
                    measure: measure.clone(),
                    values: values.clone(),
                })
            })
            .filter(|one| !is_of_idle(one, plan, pool))
            .collect();
        let nodes = plan.nodes.iter().zip(&pool.nodes).zip(&plan.workflow.nodes);
        let nodes = nodes
            .filter(|((_, seen), _)| seen.n_visits > 0)
            .map(|((node, seen), source)| NodeReport {
                id: node.id.to_string(),
                name: node.name.clone(),
                kind: source.kind.word(),
                visits_per_case: seen.n_visits as f64 / n_cases,
                wait_off_duty: if seen.wait.sum_ms > 0 {
                    seen.off_duty_ms as f64 / seen.wait.sum_ms as f64
                } else {
                    0.0
                },
                wait: Spread::of(&seen.wait),
                work: Spread::of(&seen.work),
                pause_per_case_ms: seen.pause_ms as f64 / n_cases,
                stay_per_case_ms: seen.stay_ms as f64 / n_cases,
                queue_most: seen.queue_most,
                failures: seen.n_failures,
            });
        let nodes: Vec<NodeReport> = nodes.collect();
        let people = plan.people.iter().zip(&pool.done).filter(|(_, done)| **done > 0);
        let people = people.map(|(person, done)| PersonReport {
            id: person.id.to_string(),
            name: person.name.clone(),
            utilisation: Estimate::of(&pool.values(&format!("utilisation:{}", person.id)), confidence),
            done: *done as f64 / n,
        });
        let edges = plan
            .workflow
            .edges
            .iter()
            .zip(&pool.edges)
            .filter(|(_, taken)| **taken > 0);
        let edges = edges.map(|(edge, taken)| EdgeReport {
            id: edge.id.to_string(),
            kind: edge.kind.word(),
            from: edge.source.to_string(),
            to: edge.target.to_string(),
            per_case: *taken as f64 / n_cases,
        });
        let sums = &pool.sums;
        let course = course(plan, pool);
        let queues = course.queues.iter().map(|(id, means)| (id.as_str(), means.as_slice()));
        Self {
            scenario: scenario.name.clone(),
            workflow: format!("{} {}", plan.workflow.name, plan.workflow.version_name),
            seed: scenario.seed,
            replications: pool.n,
            confidence,
            start: Timestamp(plan.start).to_answer(&plan.zone),
            window_ms: sums.window_ms as f64 / n,
            counts: Counts {
                arrived: sums.n_arrived,
                refused: sums.n_refused,
                ended: sums.ended_as.clone(),
                open: sums.n_open,
                stuck: sums.n_stuck,
                commands: sums.n_commands,
            },
            refusals: sums.refusals.clone(),
            goals: goal::results(&plan.goals, &measures),
            unsteady: unsteady::find(plan, pool, queues),
            bottlenecks: bottleneck::find(plan, pool),
            measures,
            cycle_time: Spread::of(&pool.cycle),
            nodes,
            people: people.collect(),
            edges: edges.collect(),
            course,
        }
    }

    /// A measure's estimate.
    #[must_use]
    pub fn estimate(&self, key: &str) -> Option<&Measured> {
        self.measures.iter().find(|one| one.measure.key == key)
    }
}

/// The use of somebody who never had anything to do says nothing.
fn is_of_idle(one: &Measured, plan: &Plan, pool: &Pool) -> bool {
    let Some(id) = one.measure.key.strip_prefix("utilisation:") else {
        return false;
    };
    let person = plan.person_of.get(id);
    person.is_some_and(|idx| pool.done.get(*idx).is_none_or(|done| *done == 0))
}

/// Queues and open cases up to where every replication has figures, in equal parts.
fn course(plan: &Plan, pool: &Pool) -> CourseReport {
    let mut courses: Vec<(Option<&str>, Course)> = vec![(None, pool.open.clone())];
    let queues = plan
        .nodes
        .iter()
        .zip(&pool.nodes)
        .filter(|(_, seen)| seen.queue_most > 0);
    courses.extend(queues.map(|(node, seen)| (Some(node.id.as_str()), seen.queue.clone())));
    let bin_ms = courses.iter().map(|(_, course)| course.bin_ms).max().unwrap_or(1);
    let mut report = CourseReport {
        bin_ms,
        open: Vec::new(),
        queues: BTreeMap::new(),
    };
    for (node, mut course) in courses {
        course.coarsen(bin_ms);
        let means = course.means(pool.shown_to, pool.n);
        match node {
            None => report.open = means,
            Some(node) => {
                report.queues.insert(node.to_owned(), means);
            }
        }
    }
    report
}

impl Spread {
    fn of(tally: &Tally) -> Self {
        let Some(mean_ms) = tally.mean_ms() else {
            return Self::default();
        };
        let at = |share| tally.quantile_ms(share).unwrap_or(0.0);
        // The chart ends where one in a hundred is left; the last part takes those.
        let to = at(0.99).max(1.0);
        let bin_ms = (to / (SPREAD_BINS as f64 - 1.0)).ceil() as u64;
        let max_ms = tally.max_ms as f64;
        Self {
            n: tally.n,
            mean_ms,
            sd_ms: tally.sd_ms().unwrap_or(0.0),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms,
            bins: (bin_ms, tally.counts(bin_ms, SPREAD_BINS)),
        }
    }
}
