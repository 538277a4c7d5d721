//! Clocks of deadlines (semantics: deadlines): what a stay has spent, since when its clock runs, and which steps are done,
//! folded from events alone: they carry instants, so a replay needs no calendar.
//!
//! Not here: when a clock is set, stands or is due (`deadline`); the alarms themselves (`effect_table`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, TokenId};
use crate::ticket::event::{EffectId, Event};
use crate::ticket::token::Token;
use crate::time::Timestamp;

/// Clocks of one ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Of stays that are not over, by token.
    open: Vec<Clock>,
    /// Of each node's last stay that is over and had one.
    last: BTreeMap<NodeId, LastRun>,
}

/// How far the clock of a stay that is over has come. Stored in events too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// How far it ran.
    pub run: Run,
    /// How many times each step was done or fell away.
    pub done: Vec<(u32, u32)>,
}

/// How far a clock has run: for so long, and since an instant until another, or still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Working milliseconds that were spent by then.
    pub spent_ms: i64,
    /// Since when it runs.
    pub since: Timestamp,
    /// When it stopped; `None` while it runs.
    pub until: Option<Timestamp>,
}

/// The clock of one stay. Stored in events too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The token that rests.
    pub token: TokenId,
    /// Its stay.
    pub visit: u64,
    /// Its node.
    pub node: NodeId,
    /// How far it has run; it stands where that has an end.
    pub run: Run,
    /// When the stay is due, as it was set last.
    pub due: Option<Timestamp>,
    /// How many times each step was done or fell away; steps that are not here were never due.
    pub done: Vec<(u32, u32)>,
    /// Where the ticket came to its version while it ran: by how much spent and when. What was past then is passed over.
    pub passed: Option<(i64, Timestamp)>,
    /// The ticket has gone over to another version, and the deadline of the new node has not been set.
    pub is_void: bool,
}

/// How many times a step is among those done.
pub(crate) fn n_done(done: &[(u32, u32)], step: u32) -> u32 {
    let done = done.iter().find(|(of, _)| *of == step);
    done.map_or(0, |(_, n)| *n)
}

impl Clock {
    /// How many times a step was done or fell away.
    #[must_use]
    pub fn n_done(&self, step: u32) -> u32 {
        n_done(&self.done, step)
    }

    /// Whether it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.run.until.is_some()
    }

    fn note(&mut self, step: u32, n: u32) {
        match self.done.iter_mut().find(|(of, _)| *of == step) {
            Some((_, known)) => *known = (*known).max(n),
            None => self.done.push((step, n)),
        }
    }
}

impl Clocks {
    /// The clock of a token's stay; `None` where it has none, or none that counts any more.
    #[must_use]
    pub fn of(&self, token: &Token) -> Option<&Clock> {
        self.known(token).filter(|clock| !clock.is_void)
    }

    /// As [`of`](Self::of), one that the ticket's last version set included.
    pub(crate) fn known(&self, token: &Token) -> Option<&Clock> {
        let is_it = |clock: &&Clock| clock.token == token.id && clock.visit == token.visit;
        self.open.iter().find(is_it)
    }

    /// When the first stay whose clock runs is due.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let running = self.counting().filter(|clock| !clock.stands());
        running.filter_map(|clock| clock.due).min()
    }

    /// Whether there are clocks, and all of them stand.
    #[must_use]
    pub fn are_all_standing(&self) -> bool {
        let mut clocks = self.counting().peekable();
        clocks.peek().is_some() && clocks.all(Clock::stands)
    }

    fn counting(&self) -> impl Iterator<Item = &Clock> {
        self.open.iter().filter(|clock| !clock.is_void)
    }

    /// How far the clock of the node's last stay ran.
    #[must_use]
    pub fn last_of(&self, node: &NodeId) -> Option<&LastRun> {
        self.last.get(node)
    }

    /// Those of stays that are not over.
    pub(crate) fn open(&self) -> &[Clock] {
        &self.open
    }

    /// Of each node's last stay that is over and had one.
    pub(crate) fn last(&self) -> &BTreeMap<NodeId, LastRun> {
        &self.last
    }

    /// Whether an event can change anything: whoever shares them need not copy them for the others.
    pub(crate) fn is_changed_by(&self, event: &Event) -> bool {
        let is_set = matches!(event, Event::DeadlineSet { .. });
        let is_about = matches!(event, Event::DeadlineReached { .. } | Event::EffectSkipped { .. });
        let is_undone = matches!(event, Event::Undone(_));
        is_set || is_undone || !self.open.is_empty() && (is_about || event.step().is_some())
    }

    /// Folds one event; `skipped` is the step of a deadline that it closes undone.
    pub(crate) fn apply(&mut self, event: &Event, at: Timestamp, tokens: &[Token], skipped: Option<(TokenId, u32)>) {
        if let Some(step) = event.step() {
            let gone = step.ended_stays();
            for clock in self.open.extract_if(.., |clock| gone.contains(&clock.token)) {
                let until = clock.run.until.or(Some(at));
                let (run, done) = (Run { until, ..clock.run }, clock.done);
                self.last.insert(clock.node, LastRun { run, done });
            }
        }
        if let Event::Undone(undone) = event {
            self.open.extend(undone.clocks.iter().cloned());
            for (node, last) in &undone.last_clocks {
                match last {
                    Some(last) => self.last.insert(node.clone(), last.clone()),
                    None => self.last.remove(node),
                };
            }
        }
        if let Some((token, step)) = skipped
            && let Some(clock) = self.open.iter_mut().find(|clock| clock.token == token)
        {
            clock.note(step, clock.n_done(step) + 1);
        }
        if let Event::DeadlineSet {
            token,
            node,
            spent_ms,
            due,
            stands,
            ..
        } = event
        {
            let Some(token) = tokens.iter().find(|known| known.id == *token) else {
                return;
            };
            let run = Run {
                spent_ms: *spent_ms,
                since: at,
                until: stands.then_some(at),
            };
            let known = self.open.iter().position(|clock| clock.token == token.id);
            let known = known.map(|idx| self.open.remove(idx));
            let known = known.filter(|clock| clock.visit == token.visit);
            let (done, passed) = match known {
                Some(clock) if clock.is_void => (Vec::new(), Some((*spent_ms, at))),
                Some(clock) => (clock.done, clock.passed),
                // One that goes on with what the last stay has left.
                None if token.has_come_back() => {
                    let last = self.last.get(node);
                    (last.map(|last| last.done.clone()).unwrap_or_default(), None)
                }
                None => (Vec::new(), None),
            };
            self.open.push(Clock {
                token: token.id,
                visit: token.visit,
                node: node.clone(),
                run,
                due: *due,
                done,
                passed,
                is_void: false,
            });
        }
        if let Event::DeadlineReached {
            token,
            step,
            nth,
            missed,
            ..
        } = event
            && let Some(clock) = self.open.iter_mut().find(|clock| clock.token == *token)
        {
            clock.note(*step, nth.saturating_add(*missed).saturating_add(1));
        }
        if let Event::Migrated { tokens, .. } = event {
            for clock in &mut self.open {
                clock.is_void = true;
                clock.due = None;
                clock.run.until = clock.run.until.or(Some(at));
                if let Some((_, node)) = tokens.iter().find(|(token, _)| *token == clock.token) {
                    clock.node.clone_from(node);
                }
            }
        }
        if matches!(event, Event::Discarded) {
            self.open.clear();
        }
    }

    /// The step of a deadline that an effect is the alarm of.
    pub(crate) fn skipped(
        event: &Event,
        step_of: impl Fn(EffectId) -> Option<(TokenId, u32)>,
    ) -> Option<(TokenId, u32)> {
        if let Event::EffectSkipped { effect } = event {
            return step_of(*effect);
        }
        None
    }
}
