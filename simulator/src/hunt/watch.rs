//! A world in which every step is checked: carried out dry and real, compared with the naive model, held against the
//! invariants, hashed.
//!
//! Checked at every step: the model's answer and ticket, dry run equals real, a refusal appends nothing, versions count
//! events, finality, fields, resting places of tokens, forks. On a sample of the steps, for it costs more than the step
//! itself (`watch::sample`): replay, storage, the matrix of offers, the model's offers, views, other tenants. At the
//! end of a run these once more, and lists.
//!
//! Not here: which steps are taken (`generate`, `replay`), what the invariants are (`invariants`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::ticket::{Command, Event, Refusal, Ticket};
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::hunt::coverage::Coverage;
use crate::hunt::goals::{Goal, Goals};
use crate::hunt::invariants::{self, step as of_step};
use crate::hunt::model::{Model, compare};
use crate::world::case::CaseStep;
use crate::world::replay::{Translated, command_of};
use crate::world::trace::Trace;
use crate::world::{Done, World, directory_from};

type Checked = Result<(), Failure>;

/// Names a check.
fn named(invariant: &str, result: Result<(), String>) -> Checked {
    result.map_err(|found| Failure {
        invariant: invariant.to_owned(),
        found,
    })
}

macro_rules! hold {
    ($module:ident::$name:ident($($argument:expr),* $(,)?)) => {
        named(stringify!($name), $module::$name($($argument),*))
    };
}

mod sample;

/// Directories kept read; a run that changes between more reads the others again.
const KNOWN_MAX: usize = 64;

/// Tickets that are looked at once more at the end of a run.
const LATEST: usize = 4;

/// An invariant of an embedding program's own: what must hold for a ticket on a version after every step. Asked of
/// tickets on the versions that the world began with, for it says something of those: not of versions that people in
/// the world publish, which are changed at random.
pub type OwnInvariant = fn(&Ticket, &WorkflowVersion) -> Result<(), String>;

/// What is checked, and how often.
#[derive(Clone, Debug)]
pub struct Checks {
    /// Every how many steps the sampled checks are made; 1 at every step, 0 never.
    pub sample_every: u32,
    /// Whether they are made once more at the end of a run.
    pub at_end: bool,
    /// Whether lists are checked at the end of a run.
    pub lists: bool,
    /// Only this invariant of the sampled ones; all where `None`.
    pub only: Option<String>,
    /// Whether a sample is of every user and the end of a run of every ticket; else samples turn through users.
    pub thorough: bool,
    /// Whether coverage and goals are counted.
    pub counts: bool,
    /// Further invariants, by name.
    pub own: Vec<(String, OwnInvariant)>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            sample_every: 64,
            at_end: true,
            lists: true,
            only: None,
            thorough: false,
            counts: true,
            own: Vec::new(),
        }
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name: that of the function that states it.
    pub invariant: String,
    /// What was found.
    pub found: String,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out on this ticket.
    Done {
        /// The ticket.
        ticket: usize,
    },
    /// It was turned down.
    Refused {
        /// The engine's code.
        code: &'static str,
        /// The engine's sentence; made only where somebody may read it.
        sentence: Option<String>,
    },
    /// It was no step on a ticket, or one that this world cannot take.
    Nothing,
}

/// A world with its checks.
#[derive(Debug)]
pub struct Watch {
    /// The world.
    pub world: World,
    /// The run's hash.
    pub trace: Trace,
    /// What was reached.
    pub coverage: Coverage,
    /// What was seen.
    pub goals: Goals,
    checks: Checks,
    /// The naive model of the same world, where one goes along.
    model: Option<Model>,
    /// A tenant of namesakes; made where it is asked for.
    others: Option<Arc<Directory>>,
    /// Directories that were read in: people leave and come back, and reading takes as long as a hundred steps.
    known: Vec<(Arc<Json>, Arc<Directory>)>,
    /// Steps so far, of every kind.
    n_steps: u64,
    /// Samples so far; turns through users.
    n_samples: usize,
    /// The versions that the world began with.
    given: Vec<Arc<WorkflowVersion>>,
    /// Of each ticket, how many commits were stored and read back.
    n_stored: Vec<usize>,
    /// Whether refusals are told as sentences.
    tells: bool,
}

impl Watch {
    /// A world with the given checks.
    #[must_use]
    pub fn new(world: World, checks: Checks, goals: &[Goal]) -> Self {
        Self {
            others: None,
            given: world.all_versions().cloned().collect(),
            known: Vec::new(),
            world,
            trace: Trace::default(),
            coverage: Coverage::default(),
            goals: Goals::new(goals),
            checks,
            model: None,
            n_steps: 0,
            n_samples: 0,
            n_stored: Vec::new(),
            tells: false,
        }
    }

    /// Has a model go along, which must be of the same world.
    #[must_use]
    pub fn beside(mut self, model: Model) -> Self {
        self.model = Some(model);
        self
    }

    /// Has refusals told as sentences.
    #[must_use]
    pub fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// Steps so far.
    #[must_use]
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Takes a step.
    ///
    /// # Errors
    /// The first invariant that does not hold; a panic of the engine is one.
    pub fn step(&mut self, step: &CaseStep) -> Result<Outcome, Failure> {
        // A world in which the engine panicked is not looked at again.
        caught(|| self.take(step))
    }

    fn take(&mut self, step: &CaseStep) -> Result<Outcome, Failure> {
        self.n_steps += 1;
        self.trace.step(step);
        match step {
            CaseStep::Pass { ms } => {
                self.world.pass(*ms);
                self.nothing()
            }
            CaseStep::Directory { directory } => self.change_directory(directory),
            CaseStep::Publish { definition } => self.publish(definition),
            CaseStep::Create { .. }
            | CaseStep::Handle { .. }
            | CaseStep::FireTimer { .. }
            | CaseStep::ReachDeadline { .. }
            | CaseStep::ReportHook { .. }
            | CaseStep::ReviewHolders { .. }
            | CaseStep::HandOver { .. }
            | CaseStep::Migrate { .. } => match command_of(&self.world, step) {
                Some(translated) => self.command(step, &translated),
                None => self.nothing(),
            },
        }
    }

    fn nothing(&mut self) -> Result<Outcome, Failure> {
        self.trace.nothing();
        self.coverage.world_steps += 1;
        Ok(Outcome::Nothing)
    }

    fn refuse(&mut self, code: &'static str, sentence: impl FnOnce() -> String) -> Outcome {
        self.trace.refused(code);
        Outcome::Refused {
            code,
            sentence: self.tells.then(sentence),
        }
    }

    /// A directory that cannot be read leaves the one there is.
    fn change_directory(&mut self, source: &Arc<Json>) -> Result<Outcome, Failure> {
        let known = self
            .known
            .iter()
            .find(|(one, _)| Arc::ptr_eq(one, source))
            .or_else(|| self.known.iter().find(|(one, _)| one == source));
        let read = match known {
            Some((_, directory)) => Ok(Arc::clone(directory)),
            None => directory_from(source),
        };
        match read {
            Ok(directory) if directory.tenant.id == self.world.directory.tenant.id => {
                if known.is_none() && self.known.len() < KNOWN_MAX {
                    self.known.push((Arc::clone(source), Arc::clone(&directory)));
                }
                self.others = None;
                self.world.set_directory(directory);
                self.tell_model(|model| model.set_directory(source))?;
                self.nothing()
            }
            Ok(_) => Ok(self.refuse("other_tenant", || "the directory is of another tenant".into())),
            Err(why) => Ok(self.refuse("bad_directory", || why)),
        }
    }

    fn publish(&mut self, definition: &Arc<Json>) -> Result<Outcome, Failure> {
        match self.world.publish(definition) {
            // A version that is there already stays what it is.
            Ok(None) => self.nothing(),
            Ok(Some(_)) => {
                self.tell_model(|model| model.publish(definition))?;
                self.nothing()
            }
            Err(refusal) => Ok(self.refuse(refusal.code(), || refusal.to_string())),
        }
    }

    fn tell_model(&mut self, tell: impl FnOnce(&mut Model) -> Result<(), String>) -> Checked {
        self.model
            .as_mut()
            .map_or(Ok(()), |model| named("the_model_follows", tell(model)))
    }

    /// The model takes the same step and must come to the same.
    fn compare(&mut self, step: &CaseStep, real: Result<&Done, &Refusal>) -> Checked {
        let Some(model) = &mut self.model else { return Ok(()) };
        let drawn = real.map_or_else(|_| Vec::new(), |done| compare::drawn(self.world.events_of(done)));
        let answer = model.step(step, self.world.now.0, &drawn);
        named(
            "the_model_answers_alike",
            compare::answer(model, &answer, real.map(|done| done.idx)),
        )?;
        match real {
            Ok(done) => named(
                "the_model_has_the_same_ticket",
                compare::ticket(
                    model,
                    done.idx,
                    done.before.as_ref(),
                    &self.world.tickets[done.idx].ticket,
                ),
            ),
            Err(_) => Ok(()),
        }
    }

    fn command(&mut self, step: &CaseStep, translated: &Translated) -> Result<Outcome, Failure> {
        let Translated {
            ticket,
            workflow,
            command,
        } = translated;
        let n_commits = ticket.map(|idx| {
            (
                self.world.tickets[idx].commits.len(),
                self.world.tickets[idx].ticket.version,
            )
        });
        let n_tickets = self.world.tickets.len();
        let dry = self.world.rehearse(*ticket, workflow, command);
        let real = self.world.attempt(*ticket, workflow, command);
        let outcome = match (dry, real) {
            (Ok(dry), Ok(done)) => {
                self.done(step, translated, &dry, &done)?;
                self.compare(step, Ok(&done))?;
                Outcome::Done { ticket: done.idx }
            }
            (Err(dry), Err(real)) => {
                if dry != real {
                    return Err(failure("dry_equals_real", format!("dry {dry:?}, real {real:?}")));
                }
                let now = ticket.map(|idx| {
                    (
                        self.world.tickets[idx].commits.len(),
                        self.world.tickets[idx].ticket.version,
                    )
                });
                if now != n_commits || self.world.tickets.len() != n_tickets {
                    return Err(failure(
                        "a_refusal_appends_nothing",
                        format!("{real:?}, yet something was appended"),
                    ));
                }
                self.compare(step, Err(&real))?;
                if self.checks.counts {
                    let code = Some(real.code());
                    let ticket = ticket.map(|idx| &self.world.tickets[idx].ticket);
                    self.coverage.request(&self.world, workflow, ticket, command, code);
                    self.goals.refused(real.code());
                }
                if self.is_sampled() {
                    self.sample_refusal(translated, &real)?;
                }
                self.refuse(real.code(), || real.to_string())
            }
            (dry, real) => {
                let real = real.map(|done| self.world.events_of(&done).to_vec());
                return Err(failure("dry_equals_real", format!("dry {dry:?}, real {real:?}")));
            }
        };
        if self.is_sampled() {
            let idx = match (&outcome, ticket) {
                (Outcome::Done { ticket }, _) => Some(*ticket),
                (Outcome::Refused { .. } | Outcome::Nothing, ticket) => *ticket,
            };
            if let Some(idx) = idx {
                self.sample_in_turn(idx)?;
            }
        }
        Ok(outcome)
    }

    fn done(&mut self, step: &CaseStep, translated: &Translated, dry: &[Event], done: &Done) -> Checked {
        let workflow = &translated.workflow;
        let events = self.world.events_of(done);
        let after = &self.world.tickets[done.idx].ticket;
        let before = done.before.as_ref();
        self.trace.done(events);
        hold!(invariants::dry_equals_real(dry, events))?;
        hold!(of_step::version_grows_by_events(before, after, events))?;
        hold!(of_step::final_stays_final(before, after, events))?;
        hold!(of_step::only_writable_fields_change(
            before, after, events, step, workflow
        ))?;
        hold!(of_step::who_gets_work_may_do_it(
            (before, after),
            events,
            workflow,
            &self.world.directory
        ))?;
        hold!(of_step::a_return_moves_one_token(before, after, events))?;
        hold!(of_step::come_back_where_returned(before, events))?;
        hold!(of_step::rejected_says_how_it_came(before, after, events, workflow))?;
        hold!(invariants::state_fits_tokens(after))?;
        let runs_on = self.world.workflow_of(after).unwrap_or(workflow);
        hold!(invariants::tokens_rest_where_they_can(after, runs_on))?;
        hold!(invariants::forks_close(after, runs_on))?;
        if self.given.iter().any(|one| Arc::ptr_eq(one, runs_on)) {
            for (name, holds) in &self.checks.own {
                named(name, holds(after, runs_on))?;
            }
        }
        if self.checks.counts {
            self.coverage
                .request(&self.world, workflow, before, &translated.command, None);
            self.coverage.events(&self.world, workflow, after, events);
            self.goals.done(before, after, &translated.command, events, &|event| {
                ways_of(workflow, event)
            });
        }
        if self.is_sampled()
            && let (Command::Act(act), Some(before)) = (&translated.command, before)
        {
            self.sample_preview(before, done, &act.by, dry)?;
        }
        Ok(())
    }
}

fn failure(invariant: &str, found: String) -> Failure {
    Failure {
        invariant: invariant.to_owned(),
        found,
    }
}

/// How many ways out the split of a fork has.
fn ways_of(workflow: &WorkflowVersion, event: &Event) -> usize {
    if let Event::Forked { fork, .. } = event {
        workflow.ways_out(&fork.split).count()
    } else {
        0
    }
}

/// The engine never panics.
fn caught<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(failure(
            "the_engine_never_panics",
            said.unwrap_or_else(|| "a panic".into()),
        ))
    })
}
