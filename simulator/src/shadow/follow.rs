//! One ticket and its shadow, step by step.

use std::collections::{BTreeMap, BTreeSet};

use loonflow_engine::id::{NodeId, TokenId, UserId};
use loonflow_engine::ticket::{
    ActionKind, Command, Context, Draw, Event, HookOutcome, Refusal, Rest, Ticket, apply, decide,
};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::{NodeKind, WorkflowVersion};

use super::{DIFFERENCES_MAX, Difference, Outcome, TicketReport};
use crate::recorded::Moment;
use crate::recorded::command::{Cause, cause};

/// Timers and hooks that may follow one another without a person: a loop of them would go on for ever.
const MOVES_MAX: usize = 1_000;

/// Assumptions kept of one ticket.
const ASSUMED_MAX: usize = 10;

pub(super) struct Shadow {
    /// None before its creation, and where that was refused.
    ticket: Option<Ticket>,
    /// Whether a refusal ended it.
    is_over: bool,
    /// Whether it was at other nodes than its ticket: what is refused then follows from that.
    is_elsewhere: bool,
    report: TicketReport,
}

impl Shadow {
    pub(super) fn new(moment: &Moment<'_>) -> Self {
        Self {
            ticket: None,
            is_over: false,
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
            },
        }
    }

    pub(super) fn finish(self) -> TicketReport {
        self.report
    }

    /// Takes the next commit of the ticket.
    pub(super) fn follow(&mut self, moment: &Moment<'_>, candidate: &WorkflowVersion) {
        self.report.n_steps += 1;
        if self.is_over {
            return;
        }
        let cause = cause(moment);
        let done = shown(&cause, moment);
        if let Err(refusal) = self.step(&cause, moment, candidate) {
            self.refused(&refusal, done, moment);
            return;
        }
        self.report.n_followed += 1;
        self.compare(done, moment);
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
            Cause::Timer { .. } | Cause::Migration => {}
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
            let sentence =
                format!("the hook `{node}`, which the recorded version does not have, answered well at once");
            if !self.report.assumed.contains(&sentence) && self.report.assumed.len() < ASSUMED_MAX {
                self.report.assumed.push(sentence);
            }
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
        };
        let events = decide(self.ticket.as_ref(), command, &context)?;
        let meta = command.meta(&context);
        for event in events {
            self.ticket = apply(self.ticket.take(), &drawn_again(event, moment), &meta);
        }
        Ok(())
    }

    fn refused(&mut self, refusal: &Refusal, done: String, moment: &Moment<'_>) {
        self.is_over = true;
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
        let candidate = if matches!(refusal, Refusal::TicketNotFound { .. }) {
            format!("{follows}who did it may not see the ticket")
        } else {
            format!("{follows}{refusal}")
        };
        let recorded = position_shown(moment.after);
        self.note(outcome, done, Some(refusal.code()), recorded, candidate, moment);
    }

    fn compare(&mut self, done: String, moment: &Moment<'_>) {
        let Some(shadow) = self.ticket.clone() else { return };
        let ticket = moment.after;
        let (was, is) = (position(ticket), position(&shadow));
        let places = |position: &BTreeMap<Place, BTreeSet<Vec<UserId>>>| position.keys().cloned().collect::<Vec<_>>();
        if places(&was) != places(&is) {
            self.is_elsewhere = true;
            self.note(
                Outcome::OtherPath,
                done,
                None,
                position_shown(ticket),
                position_shown(&shadow),
                moment,
            );
        } else if was != is {
            self.note(
                Outcome::OtherAssignee,
                done,
                None,
                position_shown(ticket),
                position_shown(&shadow),
                moment,
            );
        } else if let (Some(reason), None) = (&shadow.intervention, &ticket.intervention) {
            self.note(
                Outcome::Stuck,
                done,
                None,
                position_shown(ticket),
                reason.clone(),
                moment,
            );
        }
    }

    fn note(
        &mut self,
        outcome: Outcome,
        done: String,
        code: Option<&'static str>,
        recorded: String,
        candidate: String,
        moment: &Moment<'_>,
    ) {
        self.report.outcome = self.report.outcome.max(outcome);
        let difference = Difference {
            outcome,
            step: self.report.n_steps,
            at: moment.meta.at,
            done,
            code,
            recorded,
            candidate,
        };
        // The last is the one that ended it, so it is kept in any case.
        self.report.differences.truncate(DIFFERENCES_MAX - 1);
        self.report.differences.push(difference);
    }
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

fn position_shown(ticket: &Ticket) -> String {
    if ticket.is_discarded {
        return "discarded".to_owned();
    }
    let mut parts: Vec<String> = ticket
        .tokens
        .iter()
        .map(|token| {
            let people: Vec<String> = token
                .rest
                .waiting_for()
                .iter()
                .take(5)
                .map(ToString::to_string)
                .collect();
            let node = &token.node;
            match token.rest {
                Rest::Joining => format!("{node} (waits for other branches)"),
                Rest::Unassigned => format!("{node} (nobody)"),
                Rest::Timer { due } => format!("{node} (until {due})"),
                Rest::Hook { .. } => format!("{node} (hook)"),
                Rest::Ended | Rest::Moving => node.to_string(),
                Rest::Held { .. } | Rest::Offered { .. } | Rest::Shared { .. } => {
                    format!("{node} ({})", people.join(", "))
                }
            }
        })
        .collect();
    parts.sort();
    parts.join(" + ")
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

/// What was done, in a few words.
fn shown(cause: &Cause, moment: &Moment<'_>) -> String {
    match cause {
        Cause::Command(Command::Create(create)) => match &create.action_id {
            Some(edge) => format!("{} creates it by `{edge}`", create.creator),
            None => format!("{} creates a draft", create.creator),
        },
        Cause::Command(Command::Handle(handle)) => {
            let action = &handle.action;
            let node = action
                .node_id
                .as_ref()
                .map_or(String::new(), |node| format!(" at `{node}`"));
            let id = if action.kind.is_edge() {
                format!(" `{}`", action.action_id)
            } else {
                String::new()
            };
            let word = if action.kind == ActionKind::AddComment {
                "comment"
            } else {
                action.kind.word()
            };
            format!("{}: {word}{id}{node}", handle.operator)
        }
        Cause::Command(command) => format!("{command:?}"),
        Cause::Timer { node, .. } => format!("the timer `{node}` fires"),
        Cause::Hook { node, outcome, .. } => match outcome {
            HookOutcome::Succeeded => format!("the hook `{node}` answers"),
            HookOutcome::Failed(_) => format!("the hook `{node}` fails"),
        },
        Cause::Migration => format!("it goes over to version `{}`", moment.after.version_name),
        Cause::Review => "users changed".to_owned(),
    }
}
