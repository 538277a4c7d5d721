//! The effects that a ticket owes and has not closed: folded from its events, by whoever folds the ticket and by whoever
//! carries effects out, so both always agree (semantics: effects).
//!
//! An effect of a visit ends with it: each event that moves or removes a token closes what the token waited for. Nothing
//! here looks at anything but events, so a replay under another release, directory or clock owes the same.
//!
//! Not here: what is owed because of a commit (`effect`), how it is carried out (the runtime's `outbox`).

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, TokenId};
use crate::ticket::event::{EffectId, Event, OwedAgain, OwedEffect};
use crate::time::Timestamp;

mod notices;
mod work;

pub use work::{Lane, Work};

/// Effects that are owed or parked, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectTable {
    /// By id. As a rule none or one: a million tickets may each have theirs.
    open: Vec<(EffectId, OpenEffect)>,
}

/// An effect that is not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEffect {
    /// What is to be done.
    pub work: Work,
    /// Since when it is owed: the instant of the commit that owes it.
    pub since: Timestamp,
    /// Why nobody tries it any more, where that is so.
    pub parked: Option<Box<Parked>>,
}

/// That an effect was given up for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Why, without secrets.
    pub reason: String,
    /// How often it was tried, where the log says so: it does not for hooks of nodes.
    pub n_tries: Option<u32>,
    /// Since when.
    pub at: Timestamp,
}

/// How long somebody may take from opening a sub-ticket to creating it: the two are steps of one call.
const RESERVED_MS: i64 = 300_000;

impl OpenEffect {
    /// Whether somebody has to carry it out: it is not parked, and not taken on by the other side.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        let is_accepted = matches!(self.work, Work::Hook { is_accepted: true, .. });
        self.parked.is_none() && !is_accepted
    }
}

impl EffectTable {
    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// An effect that is open.
    #[must_use]
    pub fn get(&self, id: EffectId) -> Option<&OpenEffect> {
        let idx = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.open[idx].1)
    }

    /// All that are open, in order of owing.
    pub fn iter(&self) -> impl Iterator<Item = (EffectId, &OpenEffect)> {
        self.open.iter().map(|(id, effect)| (*id, effect))
    }

    /// Those that are parked, the one that has waited longest first.
    #[must_use]
    pub fn parked(&self) -> Vec<(EffectId, &OpenEffect, &Parked)> {
        let parked = self
            .iter()
            .filter_map(|(id, effect)| Some((id, effect, effect.parked.as_deref()?)));
        let mut parked: Vec<_> = parked.collect();
        parked.sort_by_key(|(id, _, parked)| (parked.at, *id));
        parked
    }

    /// Whether an event can change the table: most cannot, and whoever shares it need not copy it for them.
    pub(crate) fn is_changed_by(&self, event: &Event) -> bool {
        match event {
            Event::TimerSet { .. } | Event::HookRequested { .. } | Event::EffectsOwed { .. } => true,
            Event::DeadlineSet { steps, .. } => !steps.is_empty() || !self.is_empty(),
            Event::ChildOpened { by, .. } => by.is_some(),
            Event::EdgeTaken { .. }
            | Event::Forked { .. }
            | Event::Joined { .. }
            | Event::ForkLeft { .. }
            | Event::TokensReplaced { .. }
            | Event::TimerFired { .. }
            | Event::HookSucceeded { .. }
            | Event::HookFailed { .. }
            | Event::HookAccepted { .. }
            | Event::WaitSkipped { .. }
            | Event::EffectDone { .. }
            | Event::EffectParked { .. }
            | Event::EffectRetried { .. }
            | Event::EffectSkipped { .. }
            | Event::ChildEnded { .. }
            | Event::DeadlineReached { .. }
            | Event::Accepted { .. }
            | Event::Forwarded { .. }
            | Event::Consulted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::VoteCast { .. }
            | Event::ForceForwarded { .. }
            | Event::ShareDropped { .. }
            | Event::HolderDropped { .. }
            | Event::Escalated { .. }
            | Event::HandedOver { .. }
            | Event::SignerAdded { .. }
            | Event::ConsultTakenBack { .. }
            | Event::Discarded
            | Event::TokenReturned { .. }
            | Event::Resumed { .. }
            | Event::Migrated { .. } => !self.is_empty(),
            Event::Undone(undone) => !undone.owed.is_empty() || !self.is_empty(),
            Event::TicketCreated(_)
            | Event::ActionTaken(_)
            | Event::FieldsChanged { .. }
            | Event::TitleChanged { .. }
            | Event::JoinAwaited { .. }
            | Event::NodeEntered { .. }
            | Event::StateChanged { .. }
            | Event::InterventionNeeded { .. }
            | Event::InterventionEnded
            | Event::Asked { .. }
            | Event::VoteTakenBack { .. }
            | Event::Substituted { .. }
            | Event::ApprovalSkipped { .. }
            | Event::GivenBack { .. }
            | Event::UndoKept
            | Event::FileErased { .. }
            | Event::ActedAs { .. } => false,
        }
    }

    /// Folds one event; `version` is the ticket's with it, `at` its commit's instant.
    pub fn apply(&mut self, event: &Event, version: u64, at: Timestamp) {
        if !self.is_changed_by(event) {
            return;
        }
        self.end_visits(event);
        self.end_turns(event);
        match event {
            Event::TimerSet { token, node, due } => {
                self.forget(*token, |work| matches!(work, Work::Timer { .. }));
                let (token, node, due) = (*token, node.clone(), *due);
                self.owe(EffectId::of(version), Work::Timer { token, node, due }, at);
            }
            Event::DeadlineSet { token, node, steps, .. } => {
                self.forget(*token, |work| matches!(work, Work::Deadline { .. }));
                for (index, (step, due)) in (0..).zip(steps) {
                    let (token, node, step, due) = (*token, node.clone(), *step, *due);
                    let work = Work::Deadline { token, node, step, due };
                    self.owe(EffectId { version, index }, work, at);
                }
            }
            Event::DeadlineReached {
                token,
                node,
                step,
                next,
                ..
            } => {
                let is_it = |work: &Work| matches!(work, Work::Deadline { step: of, .. } if of == step);
                self.forget(*token, is_it);
                if let Some(due) = *next {
                    let (token, node, step) = (*token, node.clone(), *step);
                    self.owe(EffectId::of(version), Work::Deadline { token, node, step, due }, at);
                }
            }
            Event::HookRequested { token, node, attempt } => self.request(*token, node, *attempt, version, at),
            Event::HookAccepted {
                token,
                node,
                attempt,
                due,
            } => {
                if let Some(Work::Hook {
                    attempt: open,
                    is_accepted,
                    ..
                }) = self.hook_mut(*token).map(|effect| &mut effect.work)
                    && open == attempt
                {
                    *is_accepted = true;
                }
                if let Some(due) = *due {
                    let (token, node) = (*token, node.clone());
                    self.owe(EffectId::of(version), Work::NoCallBack { token, node, due }, at);
                }
            }
            Event::HookFailed { token, reason, .. } => {
                self.forget(*token, |work| matches!(work, Work::NoCallBack { .. }));
                if let Some(effect) = self.hook_mut(*token) {
                    let reason = reason.clone();
                    effect.parked = Some(Box::new(Parked {
                        reason,
                        n_tries: None,
                        at,
                    }));
                }
            }
            Event::EffectsOwed { effects } => {
                for (index, owed) in (0..).zip(effects) {
                    let work = match owed {
                        OwedEffect::EventHook { hook, event } => Work::EventHook {
                            hook: hook.clone(),
                            event: event.clone(),
                        },
                        OwedEffect::Child(owed) => Work::Child {
                            child: owed.child,
                            token: owed.token,
                            node: owed.node.clone(),
                        },
                        OwedEffect::TellParent { parent, state } => Work::TellParent {
                            parent: *parent,
                            state: *state,
                        },
                        OwedEffect::CloseChild { child, by } => Work::CloseChild {
                            child: *child,
                            by: by.clone(),
                        },
                        OwedEffect::Notice(notice) => Work::Notice(notice.clone()),
                    };
                    self.owe(EffectId { version, index }, work, at);
                }
            }
            Event::ChildOpened { child, by: Some(_), .. } => {
                let due = at.plus_ms(RESERVED_MS);
                self.owe(EffectId::of(version), Work::Reserved { child: *child, due }, at);
            }
            // It is there, or never will be: either way nobody has to look.
            Event::ChildEnded { child: ended, .. } => {
                let is_it = |work: &Work| matches!(work, Work::Reserved { child, .. } if child == ended);
                self.open.retain(|(_, effect)| !is_it(&effect.work));
            }
            Event::EffectDone { effect, .. } | Event::EffectSkipped { effect } => {
                self.open.retain(|(id, _)| id != effect);
            }
            Event::EffectParked {
                effect,
                reason,
                n_tries,
            } => {
                if let Some(effect) = self.get_mut(*effect) {
                    effect.parked = Some(Box::new(Parked {
                        reason: reason.clone(),
                        n_tries: Some(*n_tries),
                        at,
                    }));
                }
            }
            Event::EffectRetried { effect } => {
                if let Some(effect) = self.get_mut(*effect) {
                    effect.parked = None;
                }
            }
            Event::Undone(undone) => {
                for (id, effect) in undone.owed.iter().map(OwedAgain::open) {
                    let place = self.open.binary_search_by_key(&id, |(id, _)| *id);
                    if let Err(idx) = place {
                        self.open.insert(idx, (id, effect));
                    }
                }
            }
            // What a discarding owes comes behind it.
            Event::Discarded => self.open.clear(),
            Event::Migrated { tokens, .. } => {
                // Those of the new node are set behind it.
                self.open
                    .retain(|(_, effect)| !matches!(effect.work, Work::Deadline { .. }));
                for (moved, to) in tokens {
                    for (_, effect) in &mut self.open {
                        match &mut effect.work {
                            Work::Timer { token, node, .. }
                            | Work::Hook { token, node, .. }
                            | Work::NoCallBack { token, node, .. }
                            | Work::Child { token, node, .. } => {
                                if token == moved {
                                    node.clone_from(to);
                                }
                            }
                            Work::Notice(notice) => {
                                if notice.token == Some(*moved) {
                                    notice.node = Some(to.clone());
                                }
                            }
                            Work::EventHook { .. }
                            | Work::Deadline { .. }
                            | Work::Reserved { .. }
                            | Work::TellParent { .. }
                            | Work::CloseChild { .. } => {}
                        }
                    }
                }
            }
            Event::TimerFired { token, .. } | Event::HookSucceeded { token, .. } | Event::WaitSkipped { token, .. } => {
                self.forget(*token, |_| true);
            }
            Event::TicketCreated(_)
            | Event::ActionTaken(_)
            | Event::FieldsChanged { .. }
            | Event::TitleChanged { .. }
            | Event::EdgeTaken { .. }
            | Event::Forked { .. }
            | Event::JoinAwaited { .. }
            | Event::Joined { .. }
            | Event::ForkLeft { .. }
            | Event::TokensReplaced { .. }
            | Event::NodeEntered { .. }
            | Event::Accepted { .. }
            | Event::Forwarded { .. }
            | Event::Consulted { .. }
            | Event::ConsultSubmitted { .. }
            | Event::VoteCast { .. }
            | Event::ForceForwarded { .. }
            | Event::StateChanged { .. }
            | Event::InterventionNeeded { .. }
            | Event::InterventionEnded
            | Event::ChildOpened { by: None, .. }
            | Event::Asked { .. }
            | Event::ShareDropped { .. }
            | Event::VoteTakenBack { .. }
            | Event::HolderDropped { .. }
            | Event::Escalated { .. }
            | Event::Substituted { .. }
            | Event::HandedOver { .. }
            | Event::SignerAdded { .. }
            | Event::ApprovalSkipped { .. }
            | Event::ConsultTakenBack { .. }
            | Event::GivenBack { .. }
            | Event::TokenReturned { .. }
            | Event::Resumed { .. }
            | Event::UndoKept
            | Event::FileErased { .. }
            | Event::ActedAs { .. } => {}
        }
    }

    /// A token that moves or goes has ended its visit, and with it all that the visit waited for.
    fn end_visits(&mut self, event: &Event) {
        if let Some(step) = event.step() {
            for token in step.ended_stays() {
                self.forget(*token, |_| true);
            }
        }
    }

    /// A request of a visit that has one already is another attempt of the same effect; else it is a new one.
    fn request(&mut self, token: TokenId, node: &NodeId, attempt: u32, version: u64, at: Timestamp) {
        self.forget(token, |work| matches!(work, Work::NoCallBack { .. }));
        if let Some(effect) = self.hook_mut(token) {
            effect.parked = None;
            if let Work::Hook {
                attempt: open,
                is_accepted,
                ..
            } = &mut effect.work
            {
                *open = attempt;
                *is_accepted = false;
            }
            return;
        }
        let work = Work::Hook {
            token,
            node: node.clone(),
            attempt,
            first_attempt: attempt,
            is_accepted: false,
        };
        self.owe(EffectId::of(version), work, at);
    }

    fn owe(&mut self, id: EffectId, work: Work, since: Timestamp) {
        let parked = None;
        // Not doubled as vectors are: most never hold a second one.
        self.open.reserve_exact(1);
        self.open.push((id, OpenEffect { work, since, parked }));
    }

    fn get_mut(&mut self, id: EffectId) -> Option<&mut OpenEffect> {
        let idx = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&mut self.open[idx].1)
    }

    fn hook_mut(&mut self, of: TokenId) -> Option<&mut OpenEffect> {
        let is_it = |effect: &&mut OpenEffect| matches!(effect.work, Work::Hook { token, .. } if token == of);
        self.open.iter_mut().map(|(_, effect)| effect).find(is_it)
    }

    /// Forgets what a token's visit owes, where it fits.
    fn forget(&mut self, token: TokenId, fits: impl Fn(&Work) -> bool) {
        self.open
            .retain(|(_, effect)| effect.work.token() != Some(token) || !fits(&effect.work));
    }
}
