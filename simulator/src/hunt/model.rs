//! A second, naive implementation of the ticket rules, to hold against the engine after every step.
//!
//! Written from the text of the semantics (all of it but the delivery of effects and sub-tickets), not from the engine's code, and
//! sharing no line with it: definitions and directories are parsed here again, from JSON to plain structs, and every
//! question is answered by the simplest way to compute it (a merge by taking nodes away and asking whether the end can
//! still be reached, a region by looking for paths, members of a department by asking every user, offers anew each
//! time). What is slow and does not change is computed once, when a definition is published.
//!
//! Reading order: `definition` and `graph` (what is published), `people` (the directory), `ticket` (the state),
//! `offers` (who may do what), `acts` (what an action does), `moves` and `assign` (the token game), `votes`, `forms`, `values`
//! and `conditions` (fields), `migrate`; `compare` is the only file that knows the engine.
//!
//! Conventions that the semantics leave open and a case file needs: tokens are numbered per ticket from 1 in the order
//! of their creation, a fork numbers its branches in definition order, a merge keeps the oldest token, and of several
//! tokens on their way the oldest moves first, one node at a time.
//!
//! Not here: sub-tickets (section 9), the delivery of effects (section 8), delegates in absence, lists, the ticket's version and times
//! of change, idempotency. Definitions and directories are taken to be valid: the engine's checks refuse them first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::world::case::CaseStep;

mod absences;
mod acts;
mod assign;
mod back;
pub mod compare;
mod conditions;
mod deadlines;
mod definition;
mod files;
mod forms;
mod graph;
mod migrate;
mod moves;
mod offers;
mod people;
mod ticket;
mod values;
mod votes;
mod working;

use acts::{Creation, Request};
use definition::Definition;
use moves::{By, Run};
use people::People;
use ticket::Ticket;

/// Ids of everything: any text, as given. Shared, because tickets are copied.
type Id = Arc<str>;

/// A step that cannot be carried out: its stable code.
type Refused = &'static str;

/// One tenant's world: its directory, its definitions by workflow and version, its tickets.
#[derive(Clone, Debug)]
pub struct Model {
    people: People,
    /// The default version of each workflow.
    defaults: BTreeMap<Id, Arc<Definition>>,
    /// Every version that was published.
    published: Vec<Arc<Definition>>,
    tickets: Vec<Ticket>,
    /// The ticket of the step taken last as it was before; `None` where it was created.
    before: Option<Ticket>,
    /// What was wrong with the fields of the step taken last: key and code.
    field_problems: Vec<(String, Refused)>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was carried out.
    Done {
        /// On which ticket, by order of creation.
        ticket: usize,
    },
    /// It was turned down and changed nothing.
    Refused {
        /// The stable code.
        code: &'static str,
    },
    /// It is about no ticket: time, definitions, the directory.
    Nothing,
}

/// The code of a draw that the model cannot follow: the one drawn is not in the pool, or was drawn for nothing.
pub const BAD_DRAW: &str = "bad_draw";

impl Model {
    /// A world with people and nothing else.
    ///
    /// # Errors
    /// What the directory file lacks.
    pub fn new(directory: &Json) -> Result<Self, String> {
        Ok(Self {
            people: People::read(directory)?,
            defaults: BTreeMap::new(),
            published: Vec::new(),
            tickets: Vec::new(),
            before: None,
            field_problems: Vec::new(),
        })
    }

    /// Publishes a definition as the default version of its workflow. A version that is there already with the same
    /// content is made the default again.
    ///
    /// # Errors
    /// What the definition lacks, or that the version is there with other content.
    pub fn publish(&mut self, definition: &Json) -> Result<(), String> {
        let read = Definition::read(definition)?;
        let known = self
            .published
            .iter()
            .find(|one| one.workflow == read.workflow && one.version == read.version);
        let version = match known {
            Some(known) if known.source == *definition => Arc::clone(known),
            Some(known) => return Err(format!("version `{}` is there with other content", known.version)),
            None => {
                let read = Arc::new(read);
                self.published.push(Arc::clone(&read));
                read
            }
        };
        self.defaults.insert(Arc::clone(&version.workflow), version);
        Ok(())
    }

    /// The directory becomes another one.
    ///
    /// # Errors
    /// What the directory file lacks.
    pub fn set_directory(&mut self, directory: &Json) -> Result<(), String> {
        self.people = People::read(directory)?;
        Ok(())
    }

    /// How many tickets there are.
    #[must_use]
    pub fn n_tickets(&self) -> usize {
        self.tickets.len()
    }

    /// The ids of the directory's users.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.people.users.keys().map(|id| &**id)
    }

    /// One step of a case at an instant (UTC ms). `drawn`: whom the engine drew, in order, for nodes of strategy
    /// `random`; each must be in the pool.
    pub fn step(&mut self, step: &CaseStep, now_ms: i64, drawn: &[String]) -> Answer {
        self.field_problems.clear();
        self.before = None;
        match self.try_step(step, now_ms, drawn) {
            Ok(Some(ticket)) => Answer::Done { ticket },
            Ok(None) => Answer::Nothing,
            Err(code) => Answer::Refused { code },
        }
    }

    fn try_step(&mut self, step: &CaseStep, now_ms: i64, drawn: &[String]) -> Result<Option<usize>, Refused> {
        match step {
            CaseStep::Pass { .. } => Ok(None),
            CaseStep::Publish { definition } => {
                self.publish(definition).map_err(|_| "version_exists")?;
                Ok(None)
            }
            CaseStep::Directory { directory } => {
                self.set_directory(directory).map_err(|_| "invalid_directory")?;
                Ok(None)
            }
            CaseStep::Create {
                workflow,
                creator,
                action_id,
                fields,
                comment,
                cc,
            } => {
                let version = self.defaults.get(workflow.as_str()).ok_or("workflow_not_found")?;
                let creator = creator.as_str();
                let creation = Creation {
                    creator,
                    action_id: action_id.as_ref().map(|id| id.as_str()),
                    fields,
                    comment: comment.as_deref(),
                    cc: cc.iter().map(|user| user.as_str()).collect(),
                };
                let first = Ticket::new(version, creator, now_ms);
                let mut run = Run::new(first, &self.people, now_ms, self.by(creator), drawn);
                let done = acts::create(&mut run, &creation);
                let ticket = finish(run, done, &mut self.field_problems)?;
                self.tickets.push(ticket);
                Ok(Some(self.tickets.len() - 1))
            }
            CaseStep::Handle {
                ticket,
                operator,
                action_type,
                action_id,
                node_id,
                comment,
                target_assignee_id,
                target_node_id,
                resume,
                fields,
            } => {
                let operator = operator.as_str();
                let request = Request {
                    operator,
                    action_type,
                    action_id,
                    node_id: node_id.as_ref().map(|id| id.as_str()),
                    comment: comment.as_deref(),
                    target_assignee: target_assignee_id.as_ref().map(|id| id.as_str()),
                    target_node: target_node_id.as_ref().map(|id| id.as_str()),
                    resume: *resume,
                    fields,
                };
                // Most refusals come from here and need no copy of the ticket.
                let chosen = acts::choose(self.ticket(*ticket)?, &self.people, &request)?;
                self.change(*ticket, now_ms, self.by(operator), drawn, |run| {
                    acts::handle(run, &request, &chosen)
                })
            }
            CaseStep::ReachDeadline { ticket, token, step } => self.change(*ticket, now_ms, By::Timer, drawn, |run| {
                deadlines::reach(run, *token, *step).map_err(Into::into)
            }),
            CaseStep::FireTimer { ticket, token } => self.change(*ticket, now_ms, By::Timer, drawn, |run| {
                acts::fire_timer(run, *token).map_err(Into::into)
            }),
            CaseStep::ReportHook {
                ticket,
                token,
                attempt,
                failed,
            } => self.change(*ticket, now_ms, By::Hook, drawn, |run| {
                acts::report_hook(run, *token, *attempt, failed.is_some()).map_err(Into::into)
            }),
            CaseStep::ReviewHolders { ticket } => self.change(*ticket, now_ms, By::Nobody, drawn, |run| {
                let before = run.ticket.tokens.clone();
                votes::review(run);
                run.keeps_undo = before == run.ticket.tokens;
                Ok(())
            }),
            CaseStep::HandOver { ticket, user } => {
                let user = self
                    .people
                    .user(user.as_str())
                    .map_or_else(|| user.as_str().into(), |user| user.id.clone());
                self.change(*ticket, now_ms, By::Nobody, drawn, |run| {
                    absences::hand_over(run, &user).map_err(Into::into)
                })
            }
            CaseStep::Migrate {
                ticket,
                operator,
                nodes,
            } => {
                let workflow = &self.ticket(*ticket)?.on.workflow;
                let target = Arc::clone(self.defaults.get(workflow).ok_or("workflow_not_found")?);
                self.change(*ticket, now_ms, By::Nobody, drawn, |run| {
                    migrate::migrate(run, &target, operator.as_ref().map(|id| id.as_str()), nodes).map_err(Into::into)
                })
            }
        }
    }

    /// A person as who causes a step.
    fn by(&self, user: &str) -> By {
        By::Person(
            self.people
                .user(user)
                .map_or_else(|| user.into(), |user| user.id.clone()),
        )
    }

    /// A ticket that is there; a discarded one answers as if it were not.
    fn ticket(&self, idx: usize) -> Result<&Ticket, Refused> {
        self.tickets
            .get(idx)
            .filter(|ticket| !ticket.is_discarded)
            .ok_or("ticket_not_found")
    }

    /// Lets something happen to a copy of a ticket, which takes its place where all went well.
    fn change(
        &mut self,
        idx: usize,
        now_ms: i64,
        by: By,
        drawn: &[String],
        what: impl FnOnce(&mut Run<'_>) -> Result<(), acts::Failed>,
    ) -> Result<Option<usize>, Refused> {
        let mut run = Run::new(self.ticket(idx)?.clone(), &self.people, now_ms, by, drawn);
        let done = what(&mut run);
        let ticket = finish(run, done, &mut self.field_problems)?;
        self.before = Some(std::mem::replace(&mut self.tickets[idx], ticket));
        Ok(Some(idx))
    }
}

/// The ticket after a step that went well.
fn finish(
    mut run: Run<'_>,
    done: Result<(), acts::Failed>,
    field_problems: &mut Vec<(String, Refused)>,
) -> Result<Ticket, Refused> {
    match done {
        Ok(()) if run.is_badly_drawn() => Err(BAD_DRAW),
        Ok(()) => {
            run.set_times();
            run.owe();
            let kept = run.kept.take();
            let mut ticket = run.ticket;
            // Only what has owed nothing but what goes by the clock can be undone.
            let is_free = |undo: &back::Undo| {
                let (owed, n) = (&undo.before.owed, undo.before.n_hook_requests);
                owed.len() == ticket.owed.len() && n == ticket.n_hook_requests && !ticket.is_over()
            };
            if let Some(undo) = kept {
                ticket.undo = Some(undo).filter(is_free).map(Box::new);
            } else if !run.keeps_undo {
                ticket.undo = None;
            }
            ticket.needs_help = moves::needs_help(&ticket, run.people);
            Ok(ticket)
        }
        Err(acts::Failed::Code(code)) => Err(code),
        Err(acts::Failed::Fields(problems)) => {
            let code = forms::code_of(&problems);
            *field_problems = problems;
            Err(code)
        }
    }
}

#[cfg(test)]
mod tests;
