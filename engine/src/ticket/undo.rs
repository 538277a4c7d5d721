//! Taking back the last commit that took an edge: what is kept for it, what it gives, and what is put back
//! (semantics: going-back).
//!
//! Before such a commit changes anything, [`Event::UndoKept`] has the ticket keep itself. What is kept is forgotten once
//! anything happens that an undo would have to take back as well. Not here: who may undo what (`action/undo`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{NodeId, TokenId};
use crate::ticket::clock::{Clock, Run};
use crate::ticket::effect_table::{OpenEffect, Parked, Work};
use crate::ticket::event::{Cause, EffectId, Event, Meta, OwedAgain, OwedEffect, Undone};
use crate::ticket::token::{Rest, Token};
use crate::ticket::{Ticket, Undoable};

impl Ticket {
    /// Keeps the ticket as it is where the commit can be undone, and forgets it where that is over.
    pub(super) fn note_undoable(&mut self, event: &Event, meta: &Meta) {
        if matches!(event, Event::UndoKept) {
            self.undoable = None;
            self.undoable = meta.by.user().map(|user| {
                Arc::new(Undoable {
                    by: user.clone(),
                    commit: self.version,
                    before: self.clone(),
                    told: Vec::new(),
                    is_over: false,
                })
            });
        } else if let Some(undoable) = &mut self.undoable {
            // What the commit itself is comes right behind.
            let is_it = undoable.commit + 1 == self.version;
            if !is_it && ends_undoing(event) {
                self.undoable = None;
            } else if !is_it && !undoable.is_over && event.cause().is_some() {
                Arc::make_mut(undoable).is_over = true;
            } else if let (Event::EffectsOwed { effects }, false) = (event, undoable.is_over) {
                let version = self.version;
                let ids = (0..).map(|index| EffectId { version, index });
                Arc::make_mut(undoable).told = ids.zip(effects.iter().cloned()).collect();
            }
        }
    }

    /// Puts back what a commit had changed.
    pub(super) fn put_back(&mut self, undone: &Undone) {
        self.tokens.clone_from(&undone.tokens);
        self.last_token = undone.last_token;
        self.act_state = undone.act_state;
        if !undone.last_handlers.is_empty() {
            put(Arc::make_mut(&mut self.last_handlers), &undone.last_handlers);
        }
        if !undone.last_voters.is_empty() {
            put(Arc::make_mut(&mut self.last_voters), &undone.last_voters);
        }
    }
}

/// Whether something has happened since a commit, or in it, that an undo could not take back. What moves tokens is in the
/// commit itself, or has a cause before it that is here.
fn ends_undoing(event: &Event) -> bool {
    let is_more = event.cause().is_some_and(|cause| match cause {
        Cause::Action(taken) => !taken.kind.is_remark(),
        Cause::EffectDone { .. } | Cause::EffectParked { .. } | Cause::HookAccepted { .. } => false,
        Cause::Created(_)
        | Cause::TimerFired { .. }
        | Cause::HookSucceeded { .. }
        | Cause::HookFailed { .. }
        | Cause::Migrated { .. }
        | Cause::ChildOpened { .. }
        | Cause::ChildEnded { .. }
        | Cause::DeadlineReached { .. }
        | Cause::FileErased { .. }
        | Cause::HandedOver { .. }
        | Cause::Dropped { .. } => true,
    });
    // People who were told can be told otherwise.
    let is_notice = |owed: &OwedEffect| matches!(owed, OwedEffect::Notice(_));
    let tells_alone = matches!(event, Event::EffectsOwed { effects } if effects.iter().all(is_notice));
    let is_owed = !tells_alone && matches!(event, Event::EffectsOwed { .. } | Event::HookRequested { .. });
    is_more || is_owed || matches!(event, Event::Undone(_))
}

/// What was otherwise before.
fn otherwise<K: Clone + Ord, V: Clone + PartialEq>(
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>)> {
    let keys: BTreeSet<&K> = before.keys().chain(now.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(key) != now.get(key));
    changed.map(|key| (key.clone(), before.get(key).cloned())).collect()
}

fn put<K: Clone + Ord, V: Clone>(known: &mut BTreeMap<K, V>, otherwise: &[(K, Option<V>)]) {
    for (key, value) in otherwise {
        match value {
            Some(value) => known.insert(key.clone(), value.clone()),
            None => known.remove(key),
        };
    }
}

/// Tokens of a ticket that do not stay in the same way as in another: the stay is another one, or what goes by a field is
/// due at another instant.
pub(super) fn changed(of: &Ticket, than: &Ticket) -> Vec<TokenId> {
    let is_filled_alike = of.fields == than.fields;
    let is_same = |token: &Token, other: &Token| {
        let is_timer = matches!(token.rest, Rest::Timer { .. });
        (token.id, token.visit) == (other.id, other.visit)
            && (!is_timer || token.rest == other.rest)
            && (is_filled_alike || of.clocks.known(token) == than.clocks.known(other))
    };
    let changed = of
        .tokens
        .iter()
        .filter(|token| !than.tokens.iter().any(|other| is_same(token, other)));
    changed.map(|token| token.id).collect()
}

impl Undone {
    /// What takes a commit back.
    pub(super) fn of(undoable: &Undoable, now: &Ticket) -> Self {
        let before = &undoable.before;
        let ended = changed(now, before);
        let again = changed(before, now);
        let clocks = before.clocks.open().iter().filter(|clock| again.contains(&clock.token));
        let clocks = clocks.map(|clock| Clock {
            run: Run {
                until: clock.run.until.or(Some(before.decided_at)),
                ..clock.run
            },
            ..clock.clone()
        });
        // The clocks of stays that end now become the last ones of their nodes first.
        let stopping = now.clocks.open().iter().filter(|clock| ended.contains(&clock.token));
        let stopping: BTreeSet<&NodeId> = stopping.map(|clock| &clock.node).collect();
        let (last_before, last_now) = (before.clocks.last(), now.clocks.last());
        let mut last_clocks = otherwise(last_before, last_now);
        let same = stopping
            .into_iter()
            .filter(|node| last_before.get(*node) == last_now.get(*node));
        last_clocks.extend(same.map(|node| (node.clone(), last_before.get(node).cloned())));
        let owed = before.effects.iter().filter(|(_, effect)| {
            let token = effect.work.token();
            token.is_some_and(|token| again.contains(&token))
        });
        Self {
            commit: undoable.commit,
            ended,
            tokens: before.tokens.clone(),
            last_token: before.last_token,
            act_state: before.act_state,
            last_handlers: otherwise(&before.last_handlers, &now.last_handlers),
            last_voters: otherwise(&before.last_voters, &now.last_voters),
            clocks: clocks.collect(),
            last_clocks,
            owed: owed.filter_map(|(id, effect)| OwedAgain::of(id, effect)).collect(),
            round: (*before.round).clone(),
            stand_ins: (*before.stand_ins).clone(),
            signers: (*before.signers).clone(),
        }
    }
}

impl OwedAgain {
    /// What an effect of a stay is owed again by; timers and deadlines are set anew.
    fn of(effect: EffectId, open: &OpenEffect) -> Option<Self> {
        let since = open.since;
        match &open.work {
            Work::Hook {
                token,
                node,
                attempt,
                first_attempt,
                is_accepted,
            } => Some(Self::Hook {
                effect,
                since,
                token: *token,
                node: node.clone(),
                attempt: *attempt,
                first_attempt: *first_attempt,
                is_accepted: *is_accepted,
                failed: open.parked.as_ref().map(|parked| (parked.reason.clone(), parked.at)),
            }),
            Work::NoCallBack { token, node, due } => Some(Self::NoCallBack {
                effect,
                since,
                token: *token,
                node: node.clone(),
                due: *due,
            }),
            Work::Child { child, token, node } => Some(Self::Child {
                effect,
                since,
                token: *token,
                node: node.clone(),
                child: *child,
                parked: open.parked.as_ref().map(|parked| {
                    let n_tries = parked.n_tries.unwrap_or_default();
                    (parked.reason.clone(), n_tries, parked.at)
                }),
            }),
            Work::Timer { .. }
            | Work::Deadline { .. }
            | Work::EventHook { .. }
            | Work::Reserved { .. }
            | Work::TellParent { .. }
            | Work::CloseChild { .. }
            | Work::Notice(_) => None,
        }
    }

    /// The effect, as it is open again.
    pub(super) fn open(&self) -> (EffectId, OpenEffect) {
        match self {
            Self::Hook {
                effect,
                since,
                token,
                node,
                attempt,
                first_attempt,
                is_accepted,
                failed,
            } => {
                let work = Work::Hook {
                    token: *token,
                    node: node.clone(),
                    attempt: *attempt,
                    first_attempt: *first_attempt,
                    is_accepted: *is_accepted,
                };
                let parked = failed.as_ref().map(|(reason, at)| {
                    Box::new(Parked {
                        reason: reason.clone(),
                        n_tries: None,
                        at: *at,
                    })
                });
                let since = *since;
                (*effect, OpenEffect { work, since, parked })
            }
            Self::NoCallBack {
                effect,
                since,
                token,
                node,
                due,
            } => {
                let (token, node, due) = (*token, node.clone(), *due);
                let work = Work::NoCallBack { token, node, due };
                let (since, parked) = (*since, None);
                (*effect, OpenEffect { work, since, parked })
            }
            Self::Child {
                effect,
                since,
                token,
                node,
                child,
                parked,
            } => {
                let work = Work::Child {
                    child: *child,
                    token: *token,
                    node: node.clone(),
                };
                let parked = parked.as_ref().map(|(reason, n_tries, at)| {
                    Box::new(Parked {
                        reason: reason.clone(),
                        n_tries: Some(*n_tries),
                        at: *at,
                    })
                });
                let since = *since;
                (*effect, OpenEffect { work, since, parked })
            }
        }
    }
}
