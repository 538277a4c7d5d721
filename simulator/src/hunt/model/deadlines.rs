//! Deadlines (semantics: deadlines): clocks of stays, set at the end of each step as the ticket stands by then, and what
//! a step of one does.

use std::sync::Arc;

use super::assign::{enough, see};
use super::definition::{Deadline, Definition, Does, NodeKind, Step, Term};
use super::moves::Run;
use super::people::People;
use super::ticket::{Clock, Rest, Ticket, Token, join};
use super::working::{self, Calendar};
use super::{Refused, values};

/// By what the steps of a deadline are counted.
struct Count<'a> {
    deadline: &'a Deadline,
    calendar: Option<&'a Calendar>,
    /// For a deadline on a field: its instant.
    field_ms: Option<i64>,
    spent_ms: i64,
    since_ms: i64,
}

impl Count<'_> {
    fn budget(&self, step: &Step, nth: u32) -> i64 {
        let at = step.at.ms(self.calendar);
        let first = match &self.deadline.term {
            Term::After(after) => (after.ms(self.calendar) + at).max(0),
            Term::Until(_) => at,
        };
        first + step.every.ms(self.calendar) * i64::from(nth)
    }

    fn due(&self, step: &Step, nth: u32) -> Option<i64> {
        let budget = self.budget(step, nth);
        match self.field_ms {
            None => working::reached(self.calendar, self.since_ms, budget - self.spent_ms),
            Some(due) if budget < 0 => working::before(self.calendar, due, -budget),
            Some(due) => working::reached(self.calendar, due, budget),
        }
    }

    /// The next time of a step that is neither done nor passed over.
    fn next(&self, step: &Step, n_done: u32, passed: Option<(i64, i64)>) -> Option<u32> {
        (n_done..step.times).find(|nth| match (passed, self.field_ms) {
            (None, _) => true,
            (Some((spent_ms, _)), None) => self.budget(step, *nth) > spent_ms,
            (Some((_, at)), Some(_)) => self.due(step, *nth).is_none_or(|due| due > at),
        })
    }
}

fn calendar_of<'a>(deadline: &Deadline, people: &'a People) -> Option<&'a Calendar> {
    people.calendars.get(&deadline.calendar)
}

fn field_of(deadline: &Deadline, ticket: &Ticket, people: &People) -> Option<i64> {
    let Term::Until(field) = deadline.term else { return None };
    values::instant(ticket.value_of(field)?.as_str()?, &people.zone)
}

fn is_for_people(rest: &Rest) -> bool {
    matches!(
        rest,
        Rest::Unassigned | Rest::Held { .. } | Rest::Offered(_) | Rest::Voting(_)
    )
}

/// What a clock has run by now.
fn spent(clock: &Clock, calendar: Option<&Calendar>, now_ms: i64) -> i64 {
    clock.spent_ms + working::between(calendar, clock.set_ms, clock.until_ms.unwrap_or(now_ms))
}

/// A stay is over: how far its clock ran is kept for the node's next one.
pub(super) fn leave(on: &Definition, ticket: &mut Ticket, token: &Token, now_ms: i64) {
    if let Some(clock) = &token.clock {
        let until = clock.until_ms.unwrap_or(now_ms);
        let node = on.nodes[token.node].id.clone();
        ticket
            .last_clocks
            .insert(node, (clock.spent_ms, clock.set_ms, until, clock.n_done.clone()));
    }
}

/// Sets all that a step has begun, stopped or moved. `fields`: those that it changed.
pub(super) fn set(run: &mut Run<'_>, fields: &[usize]) {
    let on = Arc::clone(&run.ticket.on);
    if run.ticket.is_discarded || run.ticket.is_over() || run.ticket.state == "in_draft" {
        return;
    }
    for idx in 0..run.ticket.tokens.len() {
        let token = &run.ticket.tokens[idx];
        let Some(deadline) = on.nodes[token.node].deadline.as_ref() else {
            continue;
        };
        if !is_for_people(&token.rest) {
            continue;
        }
        let known = token.clock.as_ref().filter(|clock| !clock.is_void);
        let calendar = calendar_of(deadline, run.people);
        let field_ms = field_of(deadline, &run.ticket, run.people);
        let stands = matches!(token.rest, Rest::Held { consult: Some(_), .. });
        let spent_ms = match (&deadline.term, known) {
            (Term::Until(field), known) => {
                let Some(due) = field_ms else { continue };
                let is_stopped = known.is_some_and(|clock| clock.until_ms.is_some());
                if !is_stopped && known.is_some_and(|clock| clock.due_ms == Some(due) || !fields.contains(field)) {
                    continue;
                }
                0
            }
            (Term::After(_), Some(clock)) if clock.until_ms.is_some() == stands => continue,
            (Term::After(_), Some(clock)) => spent(clock, calendar, run.now_ms),
            (Term::After(_), None) => {
                let last = run.ticket.last_clocks.get(&on.nodes[token.node].id);
                let last = last.filter(|_| deadline.carry || token.has_come);
                last.map_or(0, |(spent, from, to, _)| spent + working::between(calendar, *from, *to))
            }
        };
        let (n_done, passed) = match known {
            Some(clock) => (clock.n_done.clone(), clock.passed),
            None => {
                let last = run.ticket.last_clocks.get(&on.nodes[token.node].id);
                let last = last.filter(|_| token.has_come).map(|last| last.3.clone());
                let mut n_done = last.unwrap_or_default();
                n_done.resize(deadline.steps.len(), 0);
                (n_done, None)
            }
        };
        let passed_due = known.and_then(|clock| clock.due_ms).filter(|due| *due <= run.now_ms);
        let clock = clock(run, deadline, (spent_ms, stands), n_done, passed, passed_due);
        run.ticket.tokens[idx].clock = clock;
    }
}

fn clock(
    run: &Run<'_>,
    deadline: &Deadline,
    (spent_ms, stands): (i64, bool),
    n_done: Vec<u32>,
    passed: Option<(i64, i64)>,
    passed_due: Option<i64>,
) -> Option<Clock> {
    let field_ms = field_of(deadline, &run.ticket, run.people);
    let stands = stands && field_ms.is_none();
    let count = Count {
        deadline,
        calendar: calendar_of(deadline, run.people),
        field_ms,
        spent_ms,
        since_ms: run.now_ms,
    };
    let due_ms = match (&deadline.term, field_ms) {
        (Term::Until(_), None) => return None,
        (Term::Until(_), Some(due)) => Some(due),
        (Term::After(after), _) => passed_due.or_else(|| {
            let rest = after.ms(count.calendar) - spent_ms;
            (!stands).then(|| working::reached(count.calendar, run.now_ms, rest))?
        }),
    };
    let mut alarms = Vec::new();
    for (idx, step) in deadline.steps.iter().enumerate().filter(|_| !stands) {
        let next = count.next(step, n_done[idx], passed);
        if let Some(due) = next.and_then(|nth| count.due(step, nth)) {
            alarms.push((idx, due, false));
        }
    }
    Some(Clock {
        spent_ms,
        set_ms: run.now_ms,
        until_ms: stands.then_some(run.now_ms),
        due_ms,
        n_done,
        passed,
        alarms,
        is_void: false,
    })
}

/// The ticket has come to another version: what is spent stays so, what is past by that is passed over. `old` is the
/// version that it was on, with the nodes of its tokens there.
pub(super) fn migrated(run: &mut Run<'_>, old: &Definition, nodes: &[usize]) {
    let on = Arc::clone(&run.ticket.on);
    let is_draft = run.ticket.state == "in_draft";
    for (idx, old_node) in nodes.iter().enumerate() {
        let token = &run.ticket.tokens[idx];
        let calendar = old.nodes[*old_node].deadline.as_ref();
        let calendar = calendar.and_then(|deadline| calendar_of(deadline, run.people));
        let spent_ms = token.clock.as_ref().map(|clock| spent(clock, calendar, run.now_ms));
        let stands = matches!(token.rest, Rest::Held { consult: Some(_), .. });
        let deadline = on.nodes[token.node].deadline.as_ref();
        let deadline = deadline.filter(|_| is_for_people(&token.rest) && !is_draft);
        let set = deadline.and_then(|deadline| {
            let passed = spent_ms.map(|spent_ms| (spent_ms, run.now_ms));
            let n_done = vec![0; deadline.steps.len()];
            let spent_ms = match deadline.term {
                Term::After(_) => spent_ms.unwrap_or(0),
                Term::Until(_) => 0,
            };
            let mut set = clock(run, deadline, (spent_ms, stands), n_done, passed, None)?;
            set.passed = set.passed.map(|(_, at)| (set.spent_ms, at));
            Some(set)
        });
        let token = &mut run.ticket.tokens[idx];
        match (set, &mut token.clock) {
            (Some(set), clock) => *clock = Some(set),
            (None, Some(clock)) => {
                (clock.is_void, clock.due_ms) = (true, None);
                clock.alarms.clear();
                clock.until_ms = clock.until_ms.or(Some(run.now_ms));
            }
            (None, None) => {}
        }
    }
}

/// A step that is due is done.
pub(super) fn reach(run: &mut Run<'_>, id: u64, idx: u32) -> Result<(), Refused> {
    let on = Arc::clone(&run.ticket.on);
    let token = run.ticket.token(id).ok_or("not_waiting")?;
    let clock = token.clock.clone().ok_or("not_waiting")?;
    let is_it = |alarm: &&(usize, i64, bool)| alarm.0 as u64 == u64::from(idx);
    let alarm = *clock.alarms.iter().find(is_it).ok_or("not_waiting")?;
    if alarm.1 > run.now_ms {
        return Err("not_waiting");
    }
    let deadline = on.nodes[token.node].deadline.as_ref().ok_or("not_waiting")?;
    let step = deadline.steps.get(alarm.0).ok_or("not_waiting")?;
    let count = Count {
        deadline,
        calendar: calendar_of(deadline, run.people),
        field_ms: clock.due_ms.filter(|_| matches!(deadline.term, Term::Until(_))),
        spent_ms: clock.spent_ms,
        since_ms: clock.set_ms,
    };
    let nth = count
        .next(step, clock.n_done[alarm.0], clock.passed)
        .ok_or("not_waiting")?;
    // All that are due by now, and the first that is not.
    let later: Vec<i64> = (nth + 1..step.times).map_while(|nth| count.due(step, nth)).collect();
    let missed = later.iter().take_while(|due| **due <= run.now_ms).count();
    let next = later.get(missed).map(|due| (alarm.0, *due, false));
    let people = match &step.does {
        Does::Escalate(normal) => {
            let at = match &on.nodes[token.node].kind {
                NodeKind::Normal(own) => own,
                NodeKind::Start
                | NodeKind::End
                | NodeKind::Exclusive { .. }
                | NodeKind::Parallel
                | NodeKind::Inclusive { .. }
                | NodeKind::TimerFor(_)
                | NodeKind::TimerBudget(..)
                | NodeKind::TimerUntil(_)
                | NodeKind::Hook => normal,
            };
            Some(enough(run, at, normal, 1).unwrap_or_default())
        }
        Does::Remind | Does::TakeEdge(_) => None,
    };
    let token = run.ticket.token_mut(id).ok_or("not_waiting")?;
    let kept = token.clock.as_mut().ok_or("not_waiting")?;
    if people.as_ref().is_some_and(|(people, _)| people.is_empty()) {
        kept.alarms
            .iter_mut()
            .filter(|one| one.0 == alarm.0)
            .for_each(|one| one.2 = true);
        run.keeps_undo = true;
        return Ok(());
    }
    kept.n_done[alarm.0] = nth + 1 + u32::try_from(missed).unwrap_or(0);
    kept.alarms.retain(|one| one.0 != alarm.0);
    kept.alarms.extend(next);
    if let Some((people, absent)) = people {
        see(run, &people, &absent);
        people.iter().for_each(|user| join(&mut run.ticket.assigned, user));
        let held = Rest::Held {
            holders: people,
            consult: None,
        };
        run.rest(id, held);
    }
    if let Does::TakeEdge(edge) = step.does {
        run.leave_by(id, edge)?;
    }
    Ok(())
}
