//! The search: many runs of people in worlds whose every step is checked, one run for each seed.
//!
//! A run is a function of definitions, directory, seed and number of steps. Seeds are spread over threads; each is a
//! world of its own, and results are put together in the order of seeds, so the number of threads shows nowhere.
//!
//! ```no_run
//! use loonflow_simulator::hunt::fuzz::Fuzz;
//!
//! let definition = serde_json::json!({ "basic_info": { "id": "leave" } });
//! let report = Fuzz::new().definition(definition).seeds(50).steps(300).run().expect("a sound definition");
//! assert_eq!(report.first_story(), None);
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use serde_json::Value as Json;

use crate::hunt::coverage::Coverage;
use crate::hunt::generate::requests::{Habits, People};
use crate::hunt::goals::{Goal, Goals};
use crate::hunt::shrink::shrunk_with;
use crate::hunt::start::Start;
use crate::hunt::story::told_with;
use crate::hunt::watch::{Checks, Failure, OwnInvariant, Watch};
use crate::world::case::{Case, CaseStep, FORMAT};
use crate::world::inputs::stand_in;
use crate::world::tape::Tape;
use crate::world::trace::Trace;

/// Cases kept of one search: the first ones by seed. A definition with a defect fails on nearly every seed.
const CASES_MAX: usize = 10;

/// Every how many seeds lists are checked.
const LISTS_EVERY: u64 = 4;

/// A search to be made.
#[derive(Clone, Debug)]
pub struct Fuzz {
    definitions: Vec<Json>,
    directory: Option<Json>,
    n_seeds: u64,
    first_seed: u64,
    n_steps: u64,
    n_threads: usize,
    checks: Checks,
    goals: Vec<Goal>,
}

impl Default for Fuzz {
    fn default() -> Self {
        Self::new()
    }
}

impl Fuzz {
    /// Random definitions, 100 seeds of 200 steps on one thread.
    #[must_use]
    pub fn new() -> Self {
        Self {
            definitions: Vec::new(),
            directory: None,
            n_seeds: 100,
            first_seed: 1,
            n_steps: 200,
            n_threads: 1,
            checks: Checks::default(),
            goals: Vec::new(),
        }
    }

    /// Fuzzes this definition, as its file has it; may be called several times. Without any, each seed makes its own.
    #[must_use]
    pub fn definition(mut self, definition: Json) -> Self {
        self.definitions.push(definition);
        self
    }

    /// With these people, as a directory file has them; else with a stand-in for everybody the definitions name.
    #[must_use]
    pub fn directory(mut self, directory: Json) -> Self {
        self.directory = Some(directory);
        self
    }

    /// How many runs.
    #[must_use]
    pub fn seeds(mut self, n: u64) -> Self {
        self.n_seeds = n;
        self
    }

    /// The first run's seed; each run after it has the next.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.first_seed = seed;
        self
    }

    /// Steps of each run.
    #[must_use]
    pub fn steps(mut self, n: u64) -> Self {
        self.n_steps = n;
        self
    }

    /// Threads to spread runs over.
    #[must_use]
    pub fn threads(mut self, n: usize) -> Self {
        self.n_threads = n.max(1);
        self
    }

    /// What is checked, and how often; invariants of one's own that were added stay.
    #[must_use]
    pub fn checks(mut self, mut checks: Checks) -> Self {
        checks.own.append(&mut self.checks.own);
        self.checks = checks;
        self
    }

    /// An invariant of one's own: what must hold for a ticket on one of these definitions after every step.
    #[must_use]
    pub fn invariant(mut self, name: &str, holds: OwnInvariant) -> Self {
        self.checks.own.push((name.to_owned(), holds));
        self
    }

    /// Something that has to be seen at least once.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// Makes the search.
    ///
    /// # Errors
    /// Where a definition has errors or the directory cannot be read: nothing was run then.
    pub fn run(&self) -> anyhow::Result<Report> {
        let start = self.start()?;
        let next = AtomicU64::new(0);
        let combined = Mutex::new(Combined {
            report: Report {
                n_seeds: self.n_seeds,
                n_steps: 0,
                hash: [0; 32],
                coverage: Coverage::default(),
                goals: Goals::new(&self.goals),
                failures: Vec::new(),
                n_failed: 0,
                own: self.checks.own.clone(),
            },
            trace: Trace::default(),
            n_combined: 0,
            waiting: BTreeMap::new(),
        });
        std::thread::scope(|scope| {
            for _ in 0..self.n_threads {
                scope.spawn(|| {
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        if idx >= self.n_seeds {
                            return;
                        }
                        let run = self.run_seed(self.first_seed.wrapping_add(idx), start.as_ref());
                        let mut combined = combined.lock().unwrap_or_else(PoisonError::into_inner);
                        combined.take(idx, run);
                    }
                });
            }
        });
        let mut combined = combined.into_inner().unwrap_or_else(PoisonError::into_inner);
        combined.report.hash = combined.trace.digest();
        Ok(combined.report)
    }

    /// What every seed begins with, where it is given.
    fn start(&self) -> anyhow::Result<Option<Start>> {
        if self.definitions.is_empty() {
            if self.directory.is_some() {
                bail!("a directory without definitions says nothing: give files, or leave the directory out");
            }
            return Ok(None);
        }
        let loaded: Vec<Arc<WorkflowVersion>> = self
            .definitions
            .iter()
            .map(|definition| {
                let version = WorkflowVersion::load(definition).map_err(|problems| anyhow!(sentences(&problems)));
                version.map(Arc::new)
            })
            .collect::<Result<_, _>>()
            .context("a definition cannot run")?;
        let source = self.directory.clone().unwrap_or_else(|| stand_in(&loaded));
        let start = Start::read(&source, loaded)?;
        for definition in &self.definitions {
            let context = ValidationContext {
                directory: Some(&start.given.directory),
                known_workflows: None,
            };
            let (version, problems) = check(definition, None, &context);
            if version.is_none() {
                bail!("a definition cannot run: {}", sentences(&problems));
            }
        }
        Ok(Some(start))
    }

    /// One run.
    fn run_seed(&self, seed: u64, start: Option<&Start>) -> Run {
        let mut tape = Tape::random(seed);
        let random;
        let start = match start {
            Some(start) => start,
            None => {
                random = Start::random(&mut tape);
                &random
            }
        };
        // Folding all commits anew costs as much as some hundred steps.
        let checks = Checks {
            lists: self.checks.lists && seed.is_multiple_of(LISTS_EVERY),
            ..self.checks.clone()
        };
        let mut session = Session::new(start, seed, &checks, &self.goals, &mut tape);
        let failure = session.run(&mut tape, self.n_steps).err();
        let Session { watch, steps, .. } = session;
        let kept: &[_] = if self.definitions.is_empty() {
            &[]
        } else {
            &start.given.versions
        };
        let mut coverage = watch.coverage;
        coverage.condense(kept);
        Run {
            digest: watch.trace.digest(),
            coverage,
            goals: watch.goals,
            n_steps: steps.len() as u64,
            failure: failure.map(|failure| Case {
                format: FORMAT,
                checked: None,
                shows: failure.invariant,
                found: failure.found,
                directory: start.given.source.clone(),
                definitions: start
                    .given
                    .versions
                    .iter()
                    .map(|version| Json::clone(&version.source))
                    .collect(),
                seed,
                steps,
            }),
        }
    }
}

fn sentences(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error());
    errors.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// One run under way: people in a checked world, and every step they took.
#[derive(Debug)]
pub struct Session {
    /// The world and its checks.
    pub watch: Watch,
    /// Every step so far, the failing one included.
    pub steps: Vec<CaseStep>,
    people: People,
}

impl Session {
    /// A run at its beginning; habits are drawn from the tape.
    #[must_use]
    pub fn new(start: &Start, seed: u64, checks: &Checks, goals: &[Goal], tape: &mut Tape) -> Self {
        let habits = Habits::drawn(tape);
        Self {
            watch: start.watch(seed, checks, goals),
            steps: Vec::new(),
            people: People::new(&start.given.source, habits),
        }
    }

    /// Takes so many steps, or as many as the tape has, and checks everything at the end.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn run(&mut self, tape: &mut Tape, n_steps: u64) -> Result<(), Failure> {
        for _ in 0..n_steps {
            if tape.is_used_up() {
                break;
            }
            let step = self.people.next(&self.watch.world, tape);
            let result = self.watch.step(&step);
            self.steps.push(step);
            result?;
        }
        self.watch.finish()
    }
}

/// What one seed came to.
struct Run {
    digest: [u8; 32],
    coverage: Coverage,
    goals: Goals,
    n_steps: u64,
    failure: Option<Case>,
}

/// Runs put together in the order of their seeds, whatever order they end in.
struct Combined {
    report: Report,
    trace: Trace,
    n_combined: u64,
    waiting: BTreeMap<u64, Run>,
}

impl Combined {
    fn take(&mut self, idx: u64, run: Run) {
        self.waiting.insert(idx, run);
        while let Some(run) = self.waiting.remove(&self.n_combined) {
            self.n_combined += 1;
            self.trace.part(&run.digest);
            let report = &mut self.report;
            report.coverage.add(&run.coverage);
            report.goals.add(&run.goals);
            report.n_steps += run.n_steps;
            if let Some(case) = run.failure {
                report.n_failed += 1;
                if report.failures.len() < CASES_MAX {
                    report.failures.push(case);
                }
            }
        }
    }
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Runs made.
    pub n_seeds: u64,
    /// Steps taken in all.
    pub n_steps: u64,
    /// SHA-256 over the traces of all runs in the order of seeds.
    pub hash: [u8; 32],
    /// What was reached.
    pub coverage: Coverage,
    /// What was seen.
    pub goals: Goals,
    /// A case for each of the first failing runs.
    pub failures: Vec<Case>,
    /// Runs that failed.
    pub n_failed: u64,
    /// The invariants of one's own that were asked.
    own: Vec<(String, OwnInvariant)>,
}

impl Report {
    /// The first failure made small and told to people; `None` where nothing failed. For the message of a test.
    #[must_use]
    pub fn first_story(&self) -> Option<String> {
        let case = shrunk_with(self.failures.first()?, &self.own).case;
        Some(told_with(&case, &self.own).text())
    }
}
