//! One ticket and its shadow, step by step.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::{NodeId, TokenId, UserId};
use loonflow_engine::ticket::{
    Command, Context, Draw, Event, FieldProblemKind, HookOutcome, Refusal, Rest, Ticket, apply, decide,
};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::{NodeKind, WorkflowVersion};
use serde_json::Value as Json;

use super::{DIFFERENCES_MAX, Difference, On, Outcome, TicketReport, words};
use crate::record::recorded::Moment;
use crate::record::recorded::command::{Cause, cause};
use crate::world::names;

/// Timers and hooks that may follow one another without a person: a loop of them would go on for ever.
const MOVES_MAX: usize = 1_000;

/// Assumptions kept of one ticket.
const ASSUMED_MAX: usize = 10;

pub(super) struct Shadow {
    /// None before its creation, and where it cannot be followed after that was refused.
    ticket: Option<Ticket>,
    /// Whether it was at other nodes than its ticket: what is refused then follows from that.
    is_elsewhere: bool,
    report: TicketReport,
}

impl Shadow {
    pub(super) fn new(moment: &Moment<'_>) -> Self {
        Self {
            ticket: None,
            is_elsewhere: false,
            report: TicketReport {
                id: moment.after.id,
                tenant: moment.after.tenant_id.clone(),
                version: moment.after.version_name.clone(),
                outcome: Outcome::Same,
                n_steps: 0,
                n_followed: 0,
                differences: Vec::new(),
                assumed: Vec::new(),
                lost_at: None,
            },
        }
    }

    pub(super) fn finish(self) -> TicketReport {
        self.report
    }

    /// Takes the next commit of the ticket.
    pub(super) fn follow(&mut self, moment: &Moment<'_>, on: &On<'_>) {
        self.report.n_steps += 1;
        if self.report.lost_at.is_some() {
            return;
        }
        let cause = cause(moment);
        let was = self.ticket.clone();
        let mut stepped = self.step(&cause, moment, on.candidate);
        if let Err(refusal) = &stepped
            && let Some((filled, sentence)) = filled_in(&cause, refusal, on)
        {
            self.ticket = was;
            let tried = self.step(&filled, moment, on.candidate);
            if tried.is_ok() {
                self.assume(sentence);
            }
            stepped = tried;
        }
        if let Err(refusal) = stepped {
            self.refused(&refusal, &cause, moment, on);
            self.ticket = taken_up(moment, on.candidate);
            self.is_elsewhere = false;
            if self.ticket.is_none() {
                self.report.lost_at = Some(self.report.n_steps);
            }
            return;
        }
        self.report.n_followed += 1;
        self.compare(&cause, moment, on.candidate);
    }

    fn assume(&mut self, sentence: String) {
        if !self.report.assumed.contains(&sentence) && self.report.assumed.len() < ASSUMED_MAX {
            self.report.assumed.push(sentence);
        }
    }

    fn step(&mut self, cause: &Cause, moment: &Moment<'_>, candidate: &WorkflowVersion) -> Result<(), Refusal> {
        let at = moment.meta.at;
        let fired = if let Cause::Timer { token, node } = cause {
            Some((*token, node))
        } else {
            None
        };
        self.let_time_pass(at, fired, moment, candidate)?;
        match cause {
            Cause::Command(command) => self.carry_out(command, at, moment, candidate)?,
            Cause::Hook { token, node, outcome } => {
                if let Some((token, attempt)) = self.open_hook(node, Some(*token)) {
                    let command = Command::ReportHook {
                        token,
                        attempt,
                        outcome: outcome.clone(),
                    };
                    self.carry_out(&command, at, moment, candidate)?;
                }
            }
            Cause::Review => {
                if self.ticket.is_some() {
                    self.carry_out(&Command::ReviewHolders, at, moment, candidate)?;
                }
            }
            // It fired above if the shadow waits for it; a migration leads where the shadow is already.
            Cause::Timer { .. } | Cause::Migration | Cause::Bookkeeping => {}
        }
        self.answer_new_hooks(at, moment, candidate)
    }

    /// Fires the shadow's timers up to an instant, each when it is due; `fired` when it did.
    ///
    /// A timer that the recorded ticket waits for too and that was not fired though it was due is late in the shadow
    /// as well.
    fn let_time_pass(
        &mut self,
        until: Timestamp,
        fired: Option<(TokenId, &NodeId)>,
        moment: &Moment<'_>,
        candidate: &WorkflowVersion,
    ) -> Result<(), Refusal> {
        // Before and after: one that was due at once may only have been set in this step.
        let recorded = moment.before.iter().chain([&moment.after]);
        let recorded = recorded.flat_map(|ticket| &ticket.tokens);
        let late: BTreeSet<&NodeId> = recorded
            .filter(|token| matches!(token.rest, Rest::Timer { due } if due <= until))
            .map(|token| &token.node)
            .collect();
        if let Some((token, node)) = fired
            && let Some(token) = self
                .due_timer(until, |there| there == node, Some(token))
                .map(|(_, token)| token)
        {
            self.fire(token, until, moment, candidate)?;
        }
        for _ in 0..MOVES_MAX {
            let Some((due, token)) = self.due_timer(until, |node| !late.contains(node), None) else {
                return Ok(());
            };
            self.fire(token, due, moment, candidate)?;
        }
        Err(endless(candidate))
    }

    fn fire(
        &mut self,
        token: TokenId,
        now: Timestamp,
        moment: &Moment<'_>,
        candidate: &WorkflowVersion,
    ) -> Result<(), Refusal> {
        self.carry_out(&Command::FireTimer { token }, now, moment, candidate)?;
        self.answer_new_hooks(now, moment, candidate)
    }

    /// The timer that is due first at such a node, or that of one token.
    fn due_timer(
        &self,
        until: Timestamp,
        is_meant: impl Fn(&NodeId) -> bool,
        wanted: Option<TokenId>,
    ) -> Option<(Timestamp, TokenId)> {
        let tokens = self.ticket.iter().flat_map(|ticket| &ticket.tokens);
        let due: Vec<(Timestamp, TokenId)> = tokens
            .filter(|token| is_meant(&token.node))
            .filter_map(|token| {
                let Rest::Timer { due } = token.rest else { return None };
                (due <= until).then_some((due, token.id))
            })
            .collect();
        let same = due.iter().find(|(_, token)| Some(*token) == wanted);
        same.or(due.iter().min()).copied()
    }

    /// Answers hooks of which the recording can know nothing.
    fn answer_new_hooks(
        &mut self,
        now: Timestamp,
        moment: &Moment<'_>,
        candidate: &WorkflowVersion,
    ) -> Result<(), Refusal> {
        let is_known = |node: &NodeId| {
            let version = moment.version.and_then(|version| version.node(node));
            version.is_some_and(|node| matches!(node.kind, NodeKind::Hook(_)))
        };
        for _ in 0..MOVES_MAX {
            let tokens = self.ticket.iter().flat_map(|ticket| &ticket.tokens);
            let open = tokens.filter(|token| matches!(token.rest, Rest::Hook { failed: None, .. }));
            let Some(node) = open.map(|token| token.node.clone()).find(|node| !is_known(node)) else {
                return Ok(());
            };
            let Some((token, attempt)) = self.open_hook(&node, None) else {
                return Ok(());
            };
            let command = Command::ReportHook {
                token,
                attempt,
                outcome: HookOutcome::Succeeded,
            };
            let node = names::node(&node, Some(candidate));
            self.assume(format!(
                "the hook {node}, which the recorded version does not have, answered well at once"
            ));
            self.carry_out(&command, now, moment, candidate)?;
        }
        Err(endless(candidate))
    }

    /// A token that waits for a hook, that one if it does, and the request it waits for.
    fn open_hook(&self, node: &NodeId, wanted: Option<TokenId>) -> Option<(TokenId, u32)> {
        let tokens = self.ticket.iter().flat_map(|ticket| &ticket.tokens);
        let open: Vec<(TokenId, u32)> = tokens
            .filter(|token| token.node == *node)
            .filter_map(|token| {
                let Rest::Hook { attempt, .. } = &token.rest else {
                    return None;
                };
                Some((token.id, *attempt))
            })
            .collect();
        let same = open.iter().find(|(token, _)| Some(*token) == wanted);
        same.or(open.first()).copied()
    }

    fn carry_out(
        &mut self,
        command: &Command,
        now: Timestamp,
        moment: &Moment<'_>,
        candidate: &WorkflowVersion,
    ) -> Result<(), Refusal> {
        let context = Context {
            now,
            directory: moment.directory,
            workflow: candidate,
            // A preview shows the pool; whom of it, the recording says.
            draw: Draw::Preview,
            parent: moment.parent,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        };
        let events = decide(self.ticket.as_ref(), command, &context)?;
        let meta = command.meta(&context);
        for event in events {
            self.ticket = apply(self.ticket.take(), &drawn_again(event, moment), &meta);
        }
        Ok(())
    }

    fn refused(&mut self, refusal: &Refusal, cause: &Cause, moment: &Moment<'_>, on: &On<'_>) {
        let is_stuck = matches!(
            refusal,
            Refusal::NoBranchMatches { .. } | Refusal::NoAssignee { .. } | Refusal::TooManyMoves { .. }
        );
        let outcome = match (is_stuck, self.is_elsewhere) {
            (true, _) => Outcome::Stuck,
            (false, true) => Outcome::OtherPath,
            (false, false) => Outcome::NotAllowed,
        };
        let follows = if outcome == Outcome::OtherPath {
            "no longer there to be followed: "
        } else {
            ""
        };
        let said = if matches!(refusal, Refusal::TicketNotFound { .. }) {
            format!("{follows}who did it may not see the ticket")
        } else {
            // What the candidate does not have is told by its id.
            format!("{follows}{}", names::in_sentence(&refusal.to_string(), on.candidate))
        };
        // Which fields are missing is the change; other refusals name people and values of the one ticket.
        let change = if is_stuck || matches!(refusal, Refusal::Fields { .. }) {
            said.clone()
        } else {
            format!("{follows}refused")
        };
        self.note(Noted {
            outcome,
            code: Some(refusal.code()),
            change,
            candidate: said,
            cause,
            moment,
        });
    }

    fn compare(&mut self, cause: &Cause, moment: &Moment<'_>, candidate: &WorkflowVersion) {
        let Some(shadow) = self.ticket.clone() else { return };
        let ticket = moment.after;
        let (was, is) = (position(ticket), position(&shadow));
        let places = |position: &BTreeMap<Place, BTreeSet<Vec<UserId>>>| position.keys().cloned().collect::<Vec<_>>();
        let nodes_now = || words::nodes(&shadow, Some(candidate));
        let (outcome, change, said) = if places(&was) != places(&is) {
            self.is_elsewhere = true;
            let nodes_then = words::nodes(ticket, moment.version.map(|version| &**version));
            let change = format!("at {} instead of {nodes_then}", nodes_now());
            (Outcome::OtherPath, change, None)
        } else if was != is {
            (Outcome::OtherAssignee, format!("other people at {}", nodes_now()), None)
        } else if let (Some(reason), None) = (&shadow.intervention, &ticket.intervention) {
            (
                Outcome::Stuck,
                format!("stays at {}", nodes_now()),
                Some(reason.clone()),
            )
        } else {
            return;
        };
        let said = said.unwrap_or_else(|| words::position(&shadow, Some(candidate), moment));
        self.note(Noted {
            outcome,
            code: None,
            change,
            candidate: said,
            cause,
            moment,
        });
    }

    fn note(&mut self, noted: Noted<'_>) {
        self.report.outcome = self.report.outcome.max(noted.outcome);
        let moment = noted.moment;
        let done = words::done(noted.cause, moment);
        let difference = Difference {
            outcome: noted.outcome,
            step: self.report.n_steps,
            at: moment.meta.at,
            done: done.text(),
            what: done.what,
            change: noted.change,
            code: noted.code,
            recorded: words::position(moment.after, moment.version.map(|version| &**version), moment),
            candidate: noted.candidate,
        };
        // The first tell how it began, the last what it came to.
        self.report.differences.truncate(DIFFERENCES_MAX - 1);
        self.report.differences.push(difference);
    }
}

/// A difference as it is noticed.
struct Noted<'a> {
    outcome: Outcome,
    code: Option<&'static str>,
    change: String,
    candidate: String,
    cause: &'a Cause,
    moment: &'a Moment<'a>,
}

/// The same with the values that the caller assumes, where nothing but these was missing; and the sentence that says so.
fn filled_in(cause: &Cause, refusal: &Refusal, on: &On<'_>) -> Option<(Cause, String)> {
    let Refusal::Fields { problems } = refusal else {
        return None;
    };
    let mut assumed = BTreeMap::new();
    for problem in problems {
        if problem.kind != FieldProblemKind::Missing {
            return None;
        }
        assumed.insert(problem.key.clone(), on.assume.get(&problem.key)?.clone());
    }
    let shown = assumed
        .iter()
        .map(|(key, value)| format!("`{key}` was filled in with {}", Json::from(value)));
    let sentence = shown.collect::<Vec<_>>().join(", ");
    let mut command = if let Cause::Command(command) = cause {
        command.clone()
    } else {
        return None;
    };
    match &mut command {
        Command::Create(create) => create.fields.extend(assumed),
        Command::Act(act) => act.fields.extend(assumed),
        Command::FireTimer { .. }
        | Command::ReachDeadline { .. }
        | Command::ReviewDeadlines { .. }
        | Command::ReportHook { .. }
        | Command::CloseEffect { .. }
        | Command::OpenChild(_)
        | Command::EndChild { .. }
        | Command::EraseFile { .. }
        | Command::ReviewHolders
        | Command::HandOver { .. }
        | Command::Migrate { .. } => return None,
    }
    Some((Cause::Command(command), sentence))
}

/// The recorded ticket on the candidate, as a migration would take it there; none where it does not fit.
fn taken_up(moment: &Moment<'_>, candidate: &WorkflowVersion) -> Option<Ticket> {
    let mut ticket = moment.after.clone();
    // The shadow is a ticket of the candidate in this directory, whatever ids the recording has for both.
    ticket.workflow_id = candidate.workflow_id.clone();
    ticket.tenant_id = moment.directory.tenant.id.clone();
    if ticket.is_final() {
        // Over is over on any version, but for comments.
        ticket.version_name = candidate.version_name.clone();
        return Some(ticket);
    }
    // The candidate may have the recorded version's name, and only to another one does a ticket migrate.
    ticket.version_name = "".into();
    let command = Command::Migrate {
        operator: None,
        nodes: BTreeMap::new(),
    };
    let context = Context {
        now: moment.meta.at,
        directory: moment.directory,
        workflow: moment.version?,
        draw: Draw::Preview,
        parent: moment.parent,
        migrate_to: Some(candidate),
        replies: None,
        files: loonflow_engine::ticket::Files::AsDescribed,
    };
    let events = decide(Some(&ticket), &command, &context).ok()?;
    let meta = command.meta(&context);
    let mut events = events.iter();
    events.try_fold(ticket, |ticket, event| apply(Some(ticket), event, &meta))
}

fn endless(candidate: &WorkflowVersion) -> Refusal {
    Refusal::TooManyMoves {
        node: candidate.start().id.clone(),
    }
}

/// A node with one of its tokens, told apart by number, and whether that one waits for others.
type Place = (NodeId, bool, usize);

/// Where the tokens are, and who is to act there.
fn position(ticket: &Ticket) -> BTreeMap<Place, BTreeSet<Vec<UserId>>> {
    let mut groups: BTreeMap<(NodeId, bool), Vec<Vec<UserId>>> = BTreeMap::new();
    for token in &ticket.tokens {
        let mut people = token.rest.waiting_for();
        people.sort();
        let key = (token.node.clone(), token.rest == Rest::Joining);
        groups.entry(key).or_default().push(people);
    }
    let mut found = BTreeMap::new();
    for ((node, waits), mut people) in groups {
        people.sort();
        for (idx, people) in people.into_iter().enumerate() {
            found.insert((node.clone(), waits, idx), BTreeSet::from([people]));
        }
    }
    found
}

/// Where the candidate draws among people with the one whom the recording drew at that node, it draws that one.
fn drawn_again(event: Event, moment: &Moment<'_>) -> Event {
    let Event::NodeEntered {
        token,
        node,
        rest,
        pool: Some(pool),
        remembered,
    } = event
    else {
        return event;
    };
    let drawn = moment.events.iter().filter_map(|event| {
        let Event::NodeEntered {
            token: of,
            node: there,
            rest: Rest::Held { holders, .. },
            pool: Some(_),
            ..
        } = event
        else {
            return None;
        };
        holders.first().filter(|_| *there == node).map(|holder| (*of, holder))
    });
    // Several tokens may come to one node in one step, each with a draw of its own.
    let drawn: Vec<(TokenId, &UserId)> = drawn.collect();
    let recorded = drawn.iter().find(|(of, _)| *of == token).or(drawn.first());
    let recorded = recorded.map(|(_, holder)| *holder);
    let rest = match recorded.filter(|drawn| pool.contains(drawn)) {
        Some(drawn) => Rest::held(vec![drawn.clone()]),
        None => rest,
    };
    Event::NodeEntered {
        token,
        node,
        rest,
        pool: Some(pool),
        remembered,
    }
}
