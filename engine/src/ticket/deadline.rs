//! Deadlines of stays (semantics: deadlines): at the end of every commit their clocks are set, stopped and started again
//! as the ticket stands by then; and what a step does when it is due.
//!
//! Not here: arithmetic of working time (`calendar`), what is folded (`clock`), who fires (the runtime's `outbox`).

use std::sync::Arc;

use crate::account::directory::Directory;
use crate::calendar::{Budget, Ledger, WorkingTime};
use crate::id::{FieldKey, TokenId};
use crate::ticket::clock::{Clock, LastRun, Run, n_done};
use crate::ticket::decision::Decision;
use crate::ticket::event::{EffectId, Event};
use crate::ticket::refusal::Refusal;
use crate::ticket::room::Room;
use crate::ticket::token::{Rest, Token};
use crate::ticket::{ActState, Ticket, assignee, flow, sub_ticket, substitute};
use crate::time::Timestamp;
use crate::workflow::{Deadline, DeadlineStep, Node, NodeKind, StepDoes, Term, TimerProps, WorkflowVersion};

/// Sets what a commit has begun, stopped or moved: clocks of stays, and timers whose field has changed.
pub(super) fn settle(decision: &mut Decision<'_>) {
    let ticket = &decision.ticket;
    // A migration sets those of its new version itself.
    let is_migration = decision
        .events
        .iter()
        .any(|event| matches!(event, Event::Migrated { .. }));
    if is_migration || ticket.is_final() || ticket.act_state == ActState::InDraft {
        return;
    }
    let set = ticket.tokens.iter().filter_map(|token| {
        let node = decision.context.workflow.node(&token.node)?;
        match (&token.rest, &node.kind) {
            (Rest::Timer { due }, NodeKind::Timer(TimerProps::UntilField(key))) if is_changed(decision, key) => {
                moved_timer(decision, token, key, *due)
            }
            _ if token.rest.is_for_people() => set_anew(decision, token, node.deadline.as_deref()?),
            _ => None,
        }
    });
    let set: Vec<Event> = set.collect();
    for event in set {
        decision.emit(event);
    }
}

/// Whether the commit has changed a field so far.
fn is_changed(decision: &Decision<'_>, key: &FieldKey) -> bool {
    decision.events.iter().any(|event| {
        if let Event::FieldsChanged { changes } = event {
            return changes.iter().any(|change| change.key == *key);
        }
        false
    })
}

/// The instant in a field; `None` where it has none that can be read.
fn instant_in(decision: &Decision<'_>, key: &FieldKey, workflow: &WorkflowVersion) -> Option<Timestamp> {
    let value = decision.ticket.value_of(key, &workflow.form)?;
    Timestamp::parse(value.as_text()?, decision.context.directory.zone())
}

/// A timer goes with its field. Where that was emptied it stays as it was.
fn moved_timer(decision: &Decision<'_>, token: &Token, key: &FieldKey, known: Timestamp) -> Option<Event> {
    let due = instant_in(decision, key, decision.context.workflow).filter(|due| *due != known)?;
    let (token, node) = (token.id, token.node.clone());
    Some(Event::TimerSet { token, node, due })
}

/// What sets the clock of a stay as it must be by now; `None` where it is so already.
fn set_anew(decision: &Decision<'_>, token: &Token, deadline: &Deadline) -> Option<Event> {
    let (ticket, context) = (&decision.ticket, decision.context);
    let working = context.directory.working_time(deadline.calendar.as_ref());
    let known = ticket.clocks.of(token);
    let plan = |term| Plan {
        deadline,
        working,
        term,
        done: known,
        done_before: ticket.clocks.last_of(&token.node).filter(|_| token.has_come_back()),
        passed: known.and_then(|clock| clock.passed),
    };
    match &deadline.term {
        Term::UntilField(key) => {
            let due = instant_in(decision, key, context.workflow)?;
            // One that an undo has opened again stands as the commit had stopped it.
            let is_set =
                known.is_some_and(|clock| !clock.stands() && (clock.due == Some(due) || !is_changed(decision, key)));
            (!is_set).then(|| plan(Until::Field(due)).set(token, context.now))
        }
        Term::After(after) => {
            let stands = stands(ticket, token, context.workflow);
            let spent_ms = match known {
                Some(clock) if clock.stands() == stands => return None,
                Some(clock) => spent(clock.run, working, context.now),
                None => carried(ticket, token, deadline, working),
            };
            let run = Run {
                spent_ms,
                since: context.now,
                until: stands.then_some(context.now),
            };
            Some(plan(Until::Spent(*after, run)).set(token, context.now))
        }
    }
}

/// Whether the clock of a stay stands: somebody outside of it was asked, or others have to end first.
fn stands(ticket: &Ticket, token: &Token, workflow: &WorkflowVersion) -> bool {
    let is_consulted = matches!(token.rest, Rest::Held { consult: Some(_), .. });
    is_consulted || !sub_ticket::waited_for(ticket, token, workflow).is_empty()
}

/// What a clock has run by an instant.
fn spent(run: Run, working: &WorkingTime, now: Timestamp) -> i64 {
    let until = run.until.unwrap_or(now);
    run.spent_ms.saturating_add(working.working(run.since, until))
}

/// What a stay begins with: one that a token has come straight back to goes on as it ended.
fn carried(ticket: &Ticket, token: &Token, deadline: &Deadline, working: &WorkingTime) -> i64 {
    let goes_on = deadline.carry || token.has_come_back();
    let last = ticket.clocks.last_of(&token.node).filter(|_| goes_on);
    last.map_or(0, |last| spent(last.run, working, last.run.since))
}

/// What the steps of a deadline are counted by.
#[derive(Clone, Copy)]
enum Until {
    /// A budget, and how far the clock is.
    Spent(Budget, Run),
    /// A due instant.
    Field(Timestamp),
}

/// What the clock of a stay is set by.
struct Plan<'d> {
    deadline: &'d Deadline,
    working: &'d WorkingTime,
    term: Until,
    /// The clock as it was, with what is done.
    done: Option<&'d Clock>,
    /// What the stay before has done, where this one goes on with it.
    done_before: Option<&'d LastRun>,
    /// What was past when the ticket came to its version.
    passed: Option<(i64, Timestamp)>,
}

impl Plan<'_> {
    fn set(&self, token: &Token, now: Timestamp) -> Event {
        let (spent_ms, stands) = match self.term {
            Until::Spent(_, run) => (run.spent_ms, run.until.is_some()),
            Until::Field(_) => (0, false),
        };
        let steps = (0..).zip(&self.deadline.steps).filter(|_| !stands);
        let steps = steps.filter_map(|(idx, step)| Some((idx, self.due_of(step, self.next_of(idx, step)?)?)));
        Event::DeadlineSet {
            token: token.id,
            node: token.node.clone(),
            spent_ms,
            due: self.due(now),
            stands,
            steps: steps.collect(),
        }
    }

    /// When the stay is due: one that has passed stays as it was.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let (after, run) = match self.term {
            Until::Field(due) => return Some(due),
            Until::Spent(after, run) => (after, run),
        };
        let passed = self.done.and_then(|clock| clock.due).filter(|due| *due <= now);
        passed.or_else(|| {
            let running = run.until.is_none();
            running.then(|| self.ledger(run).due(after.ms(self.working)))?
        })
    }

    fn ledger(&self, run: Run) -> Ledger<'_> {
        Ledger {
            working: self.working,
            started: run.since,
            spent_ms: run.spent_ms,
        }
    }

    /// Working time after which, or by which before or after the due instant, a step is due for the nth time.
    fn ms_of(&self, step: &DeadlineStep, nth: u32) -> i64 {
        let every = every_ms(step, self.working).saturating_mul(i64::from(nth));
        let first = match self.term {
            Until::Spent(after, _) => Ledger::budget_ms(self.working, after, step.at),
            Until::Field(_) => step.at.ms(self.working),
        };
        first.saturating_add(every)
    }

    fn due_of(&self, step: &DeadlineStep, nth: u32) -> Option<Timestamp> {
        let ms = self.ms_of(step, nth);
        match self.term {
            Until::Spent(_, run) => self.ledger(run).due(ms),
            Until::Field(due) => self.working.moved(due, ms),
        }
    }

    /// How many times a step was due before it is due next; `None` where it is over.
    fn next_of(&self, idx: u32, step: &DeadlineStep) -> Option<u32> {
        let n_before = || self.done_before.map_or(0, |last| n_done(&last.done, idx));
        let n_done = self.done.map_or_else(n_before, |clock| clock.n_done(idx));
        let is_passed = |nth: &u32| match (self.passed, self.term) {
            (Some((spent_ms, _)), Until::Spent(..)) => self.ms_of(step, *nth) <= spent_ms,
            (Some((_, at)), Until::Field(_)) => self.due_of(step, *nth).is_some_and(|due| due <= at),
            (None, _) => false,
        };
        (n_done..=step.does.last()).find(|nth| !is_passed(nth))
    }
}

fn every_ms(step: &DeadlineStep, working: &WorkingTime) -> i64 {
    match &step.does {
        StepDoes::Remind { every: Some(every), .. } => every.ms(working),
        StepDoes::Remind { every: None, .. } | StepDoes::Escalate { .. } | StepDoes::TakeEdge { .. } => 0,
    }
}

/// A step came due: what it does is done, and when it is due again is set.
pub(super) fn reach(decision: &mut Decision<'_>, id: EffectId, token: TokenId, idx: u32) -> Result<(), Refusal> {
    Room::check(&decision.ticket, None)?;
    let gone = || Refusal::NotWaiting {
        what: format!("effect {id}"),
    };
    let (node, step, reached) = reached(decision, token, idx).ok_or_else(gone)?;
    match &step.does {
        StepDoes::Remind { .. } => decision.emit(reached),
        StepDoes::Escalate { to } => match assignee::escalated(&decision.ticket, node, to, decision.context) {
            Ok(to) => {
                decision.emit(reached);
                decision.emit(Event::Escalated { token, to: to.users });
                substitute::record(decision, token, to.stand_ins);
            }
            // Whoever holds the node goes on holding it, and somebody is to look.
            Err(why) => decision.emit(Event::EffectParked {
                effect: id,
                reason: format!("no_assignee: {why}"),
                n_tries: 1,
            }),
        },
        StepDoes::TakeEdge { edge } => {
            let edge = decision.context.workflow.edge(edge).ok_or_else(gone)?;
            decision.emit(reached);
            flow::leave_by(decision, token, edge)?;
        }
    }
    Ok(())
}

fn reached<'d>(decision: &Decision<'d>, of: TokenId, idx: u32) -> Option<(&'d Node, &'d DeadlineStep, Event)> {
    let context = decision.context;
    let token = decision.ticket.token(of)?;
    let clock = decision.ticket.clocks.of(token)?;
    let node = context.workflow.node(&token.node)?;
    let deadline = node.deadline.as_deref()?;
    let step = deadline.steps.get(usize::try_from(idx).ok()?)?;
    let working = context.directory.working_time(deadline.calendar.as_ref());
    let term = match &deadline.term {
        Term::After(after) => Until::Spent(*after, clock.run),
        Term::UntilField(_) => Until::Field(clock.due?),
    };
    let plan = Plan {
        deadline,
        working,
        term,
        done: Some(clock),
        done_before: None,
        passed: clock.passed,
    };
    let nth = plan.next_of(idx, step)?;
    let (missed, next) = match term {
        Until::Spent(_, run) => {
            let (every, last) = (every_ms(step, working), step.does.last());
            let repeat = plan
                .ledger(run)
                .repeat(plan.ms_of(step, 0), every, nth, last, context.now);
            (repeat.missed, repeat.next.map(|(_, due)| due))
        }
        Until::Field(_) => {
            let dues = (nth + 1..=step.does.last()).map(|nth| plan.due_of(step, nth));
            let dues: Vec<Timestamp> = dues.map_while(|due| due).collect();
            let missed = dues.iter().take_while(|due| **due <= context.now).count();
            (u32::try_from(missed).unwrap_or(u32::MAX), dues.get(missed).copied())
        }
    };
    let reached = Event::DeadlineReached {
        token: of,
        node: token.node.clone(),
        step: idx,
        nth,
        missed,
        next,
    };
    Some((node, step, reached))
}

/// What the clocks of a ticket have run by now, before it goes over to another version.
pub(super) fn spent_by_now(decision: &Decision<'_>) -> Vec<(TokenId, i64)> {
    let context = decision.context;
    let spent = decision.ticket.tokens.iter().filter_map(|token| {
        let clock = decision.ticket.clocks.known(token)?;
        let deadline = context
            .workflow
            .node(&token.node)
            .and_then(|node| node.deadline.as_deref());
        let calendar = deadline.and_then(|deadline| deadline.calendar.as_ref());
        let working = context.directory.working_time(calendar);
        Some((token.id, spent(clock.run, working, context.now)))
    });
    spent.collect()
}

/// Sets the deadlines of the version that a ticket has just come to: what is spent stays spent, what is past by that is
/// passed over.
pub(super) fn migrated(decision: &mut Decision<'_>, known: &[(TokenId, i64)], workflow: &WorkflowVersion) {
    let context = decision.context;
    if decision.ticket.act_state == ActState::InDraft {
        return;
    }
    let set = decision.ticket.tokens.iter().filter(|token| token.rest.is_for_people());
    let set = set.filter_map(|token| {
        let deadline = workflow.node(&token.node)?.deadline.as_deref()?;
        let known = known.iter().find(|(of, _)| *of == token.id);
        let spent_ms = known.map_or(0, |(_, spent_ms)| *spent_ms);
        let term = match &deadline.term {
            Term::UntilField(key) => Until::Field(instant_in(decision, key, workflow)?),
            Term::After(after) => {
                let until = stands(&decision.ticket, token, workflow).then_some(context.now);
                let since = context.now;
                Until::Spent(*after, Run { spent_ms, since, until })
            }
        };
        let plan = Plan {
            deadline,
            working: context.directory.working_time(deadline.calendar.as_ref()),
            term,
            done: None,
            done_before: None,
            passed: known.map(|(_, spent_ms)| (*spent_ms, context.now)),
        };
        Some(plan.set(token, context.now))
    });
    let set: Vec<Event> = set.collect();
    for event in set {
        decision.emit(event);
    }
}

/// Counts the open deadlines from now on by the calendars of now; `before` has those by which they have run until now.
pub(super) fn review(decision: &mut Decision<'_>, before: &Arc<Directory>) {
    let context = decision.context;
    let ticket = &decision.ticket;
    if ticket.is_final() || ticket.act_state == ActState::InDraft {
        return;
    }
    let set = ticket.tokens.iter().filter_map(|token| {
        let deadline = context.workflow.node(&token.node)?.deadline.as_deref()?;
        let clock = ticket.clocks.of(token).filter(|clock| !clock.stands())?;
        let calendar = deadline.calendar.as_ref();
        let working = context.directory.working_time(calendar);
        let (term, is_same) = match &deadline.term {
            Term::UntilField(key) => {
                let due = instant_in(decision, key, context.workflow)?;
                (Until::Field(due), clock.due == Some(due))
            }
            Term::After(after) => {
                let spent_ms = spent(clock.run, before.working_time(calendar), context.now);
                let since = context.now;
                let run = Run {
                    spent_ms,
                    since,
                    until: None,
                };
                (
                    Until::Spent(*after, run),
                    spent_ms == spent(clock.run, working, context.now),
                )
            }
        };
        let plan = Plan {
            deadline,
            working,
            term,
            done: Some(clock),
            done_before: None,
            passed: clock.passed,
        };
        let event = plan.set(token, context.now);
        (!(is_same && is_set(ticket, clock, &event))).then_some(event)
    });
    let set: Vec<Event> = set.collect();
    for event in set {
        decision.emit(event);
    }
}

/// Whether all that an event sets is set so.
fn is_set(ticket: &Ticket, clock: &Clock, event: &Event) -> bool {
    let Event::DeadlineSet { due, steps, .. } = event else {
        return false;
    };
    let open = ticket.effects.iter().filter_map(|(_, effect)| effect.work.step());
    let mut open: Vec<_> = open
        .filter(|(token, ..)| *token == clock.token)
        .map(|(_, step, due)| (step, due))
        .collect();
    open.sort_unstable();
    *due == clock.due && *steps == open
}
