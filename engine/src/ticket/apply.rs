//! What each event makes of a ticket: one flat match, no rules, no refusals.
//!
//! An event that does not fit (a token that is not there) changes nothing but the version: the log is the truth, and
//! `decide` is where nonsense is kept out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::{NodeId, TicketId, TokenId, UserId};
use crate::ticket::ballot::{BallotShare, ShareState};
use crate::ticket::clock::Clocks;
use crate::ticket::effect_table::Work;
use crate::ticket::event::{Cause, ChildEnd, Event, Meta, OwedAgain, Step, TicketCreated};
use crate::ticket::path::Path;
use crate::ticket::token::{Back, ForkId, Rest, Token};
use crate::ticket::{ActState, Child, Round, Ticket, signer, voting};

mod places;

/// Folds one event. `None` before the creation; an event other than the creation on `None` stays `None`.
#[must_use]
pub fn apply(ticket: Option<Ticket>, event: &Event, meta: &Meta) -> Option<Ticket> {
    match (ticket, event) {
        (None, Event::TicketCreated(created)) => Some(Ticket {
            n_bytes: event.n_bytes(),
            ..create(created, meta)
        }),
        (None, _) => None,
        (Some(mut ticket), event) => {
            ticket.apply(event, meta);
            Some(ticket)
        }
    }
}

fn create(created: &TicketCreated, meta: &Meta) -> Ticket {
    let first = TokenId(1);
    Ticket {
        id: created.ticket_id,
        tenant_id: created.tenant_id.clone(),
        workflow_id: created.workflow_id.clone(),
        version_name: created.version_name.clone(),
        creator: created.creator.clone(),
        app: created.app.clone(),
        created_at: meta.at,
        updated_at: meta.at,
        title: String::new(),
        fields: Default::default(),
        act_state: ActState::InDraft,
        start: created.start.clone(),
        undoable: None,
        tokens: vec![Token::new(first, &created.start, Vec::new(), 1, meta.at)],
        version: 1,
        settled_version: 1,
        decided_at: meta.at,
        n_bytes: 0,
        last_token: first,
        n_hook_requests: 0,
        parent: created.parent.clone(),
        cc: Arc::new(created.cc.iter().cloned().collect()),
        assigned: Default::default(),
        processed: Default::default(),
        last_handlers: Default::default(),
        children: Default::default(),
        last_voters: Default::default(),
        stand_ins: Default::default(),
        signers: Default::default(),
        round: Default::default(),
        clocks: Default::default(),
        effects: Default::default(),
        answered_hooks: Default::default(),
        files: Default::default(),
        intervention: None,
        is_discarded: false,
    }
}

impl Ticket {
    /// Folds one event into a ticket that exists.
    pub fn apply(&mut self, event: &Event, meta: &Meta) {
        self.version += 1;
        self.n_bytes += event.n_bytes();
        self.decided_at = meta.at;
        if !event.is_bookkeeping() {
            self.settled_version = self.version;
            self.updated_at = meta.at;
        }
        self.note_undoable(event, meta);
        self.note_answer(event);
        self.note_children(event);
        if self.clocks.is_changed_by(event) {
            let step_of = |effect| {
                let step = self.effects.get(effect)?.work.step();
                step.map(|(token, step, _)| (token, step))
            };
            let skipped = Clocks::skipped(event, step_of);
            Arc::make_mut(&mut self.clocks).apply(event, meta.at, &self.tokens, skipped);
        }
        if self.effects.is_changed_by(event) {
            Arc::make_mut(&mut self.effects).apply(event, self.version, meta.at);
        }
        self.fold(event, meta);
        self.note_people(event, meta);
    }

    /// What it is now, but for what is kept beside it.
    fn fold(&mut self, event: &Event, meta: &Meta) {
        match event {
            // A second creation cannot be appended: the stream exists.
            Event::TicketCreated(_) => {}
            Event::ActionTaken(taken) => {
                if let (Some(user), true) = (meta.by.user(), !taken.kind.is_remark()) {
                    join(&mut self.processed, user);
                }
            }
            Event::FieldsChanged { changes } => {
                let fields = Arc::make_mut(&mut self.fields);
                for change in changes {
                    fields.insert(change.key.clone(), change.to.clone());
                }
                self.note_files(changes);
            }
            Event::FileErased { file, .. } => self.forget_file(*file),
            Event::TitleChanged { title } => title.clone_into(&mut self.title),
            Event::EdgeTaken { token, from, to, .. } => {
                if self.rests_with_people(*token) {
                    self.note_handler(*token, from, meta);
                }
                self.leave(*token, from, to, None);
            }
            Event::Resumed { token, from, to, .. } => {
                if self.rests_with_people(*token) {
                    self.note_handler(*token, from, meta);
                }
                self.leave(*token, from, to, Some(Back::HasCome));
            }
            Event::TokenReturned {
                token,
                from,
                to,
                resume,
            } => {
                let acts = |token: &Token| {
                    meta.by
                        .user()
                        .is_some_and(|user| token.rest.waiting().any(|one| one == user))
                };
                if self.token(*token).is_some_and(acts) {
                    self.note_handler(*token, from, meta);
                }
                let back = resume.clone().map(|people| Back::ToCome {
                    to: from.clone(),
                    people,
                });
                self.leave(*token, from, to, back);
            }
            Event::Forked { token, fork, branches } => {
                let Some(parent) = self.take(*token) else { return };
                let mut forks = parent.forks;
                forks.push(fork.clone());
                for branch in branches {
                    self.add(branch.token, &branch.to, forks.clone(), parent.path.clone());
                }
            }
            Event::JoinAwaited { token, node } => self.put(*token, node, Rest::Joining),
            Event::Joined {
                fork,
                node,
                tokens,
                into,
            } => {
                let forks = self
                    .token(*into)
                    .map(|token| outside(&token.forks, fork))
                    .unwrap_or_default();
                let joined = self.tokens.iter().filter(|token| tokens.contains(&token.id));
                let paths: Vec<Path> = joined.map(|token| token.path.clone()).collect();
                self.tokens
                    .retain(|token| token.id == *into || !tokens.contains(&token.id));
                self.put(*into, node, Rest::Moving);
                if let Some(token) = self.token_mut(*into) {
                    for path in &paths {
                        token.path.join(forks.len() + 1, path);
                    }
                    token.path.leave(forks.len());
                    token.forks = forks;
                }
            }
            Event::ForkLeft { fork, token, cancelled } => {
                self.tokens.retain(|one| !cancelled.contains(&one.id));
                if let Some(token) = self.token_mut(*token) {
                    token.forks = outside(&token.forks, fork);
                    token.path.leave(token.forks.len());
                }
            }
            Event::TokensReplaced { removed, token, node } => {
                let mut path = Path::default();
                for one in self.tokens.extract_if(.., |one| removed.contains(&one.id)) {
                    let mut been = one.path;
                    if one.rest.is_for_people() {
                        been.note(one.forks.len(), &one.node);
                    }
                    been.leave(0);
                    path.join(0, &been);
                }
                self.add(*token, node, Vec::new(), path);
            }
            Event::NodeEntered { token, node, rest, .. } => {
                for user in rest.assignees() {
                    join(&mut self.assigned, user);
                }
                self.put(*token, node, rest.read());
            }
            Event::TimerSet { token, node, due } => self.put(*token, node, Rest::Timer { due: *due }),
            Event::HookRequested { token, node, attempt } => {
                self.n_hook_requests += 1;
                self.put(
                    *token,
                    node,
                    Rest::Hook {
                        attempt: *attempt,
                        failed: None,
                    },
                );
            }
            Event::HookFailed { token, reason, .. } => {
                if let Some(Token {
                    rest: Rest::Hook { failed, .. },
                    ..
                }) = self.token_mut(*token)
                {
                    *failed = Some(reason.clone());
                }
            }
            // The edge that follows in the same commit moves the token.
            Event::TimerFired { .. } | Event::HookSucceeded { .. } | Event::WaitSkipped { .. } => {}
            // The table of effects, the list of sub-tickets and the clocks have them.
            Event::EffectsOwed { .. }
            | Event::EffectDone { .. }
            | Event::EffectParked { .. }
            | Event::EffectRetried { .. }
            | Event::EffectSkipped { .. }
            | Event::HookAccepted { .. }
            | Event::ChildOpened { .. }
            | Event::ChildEnded { .. }
            | Event::Asked { .. }
            | Event::DeadlineSet { .. }
            | Event::DeadlineReached { .. }
            | Event::ApprovalSkipped { .. }
            | Event::UndoKept
            | Event::ActedAs { .. } => {}
            // Of a pool, only the one who was drawn acts for anybody.
            Event::Substituted { token, pairs } => {
                let acting: BTreeSet<UserId> = match self.token(*token) {
                    Some(token) => token.rest.assignees().cloned().collect(),
                    None => BTreeSet::new(),
                };
                for (absent, _) in pairs.iter().filter(|(_, by)| acting.contains(by)) {
                    join(&mut self.assigned, absent);
                }
            }
            Event::HandedOver { token, from, to, .. } => {
                join(&mut self.assigned, to);
                if let Some(token) = self.token_mut(*token) {
                    // Who stands in has not accepted it, and so cannot give it back.
                    if matches!(&token.rest, Rest::Held { holders, .. } if holders.contains(from)) {
                        token.candidates.clear();
                    }
                    places::hand_over(&mut token.rest, from, to);
                }
            }
            Event::SignerAdded {
                token,
                by,
                user,
                position,
            } => {
                join(&mut self.assigned, user);
                if let Some(token) = self.token_mut(*token) {
                    // Nobody holds it alone any more, to give it back.
                    token.candidates.clear();
                    signer::add(&mut token.rest, by, user, *position);
                }
            }
            Event::Escalated { token, to } => {
                for user in to {
                    join(&mut self.assigned, user);
                }
                self.rest(*token, Rest::held(to.clone()));
            }
            Event::Accepted { token, user } => {
                let candidates = self.token(*token).and_then(|token| {
                    if let Rest::Offered { candidates } = &token.rest {
                        return Some(candidates.clone());
                    }
                    None
                });
                self.rest(*token, Rest::held(vec![user.clone()]));
                if let Some(token) = self.token_mut(*token) {
                    token.candidates = candidates.unwrap_or_default();
                }
            }
            Event::GivenBack { token, candidates } => {
                let candidates = candidates.clone();
                self.rest(*token, Rest::Offered { candidates });
            }
            Event::ForceForwarded { token, to } => {
                join(&mut self.assigned, to);
                self.rest(*token, Rest::held(vec![to.clone()]));
            }
            Event::Forwarded { token, from, to } => {
                join(&mut self.assigned, to);
                if let Some(token) = self.token_mut(*token) {
                    token.candidates.clear();
                    places::forward(&mut token.rest, from, to);
                }
            }
            Event::Consulted { token, by, to } => {
                join(&mut self.assigned, to);
                if let Some(token) = self.token_mut(*token) {
                    places::consult(&mut token.rest, by, to);
                }
            }
            Event::ConsultSubmitted { token, by } => {
                if let Some(token) = self.token_mut(*token) {
                    places::end_consult(&mut token.rest, by);
                }
            }
            Event::ConsultTakenBack { token, by, .. } => {
                if let Some(token) = self.token_mut(*token) {
                    places::take_back(&mut token.rest, by);
                }
            }
            Event::VoteCast { token, user, edge } => {
                let version = self.version;
                if let Some(share) = self.share_mut(*token, user) {
                    let edge = edge.clone();
                    share.state = ShareState::Voted { edge, version };
                }
            }
            Event::ShareDropped { token, user, .. } => {
                if let Some(share) = self.share_mut(*token, user) {
                    share.state = ShareState::Dropped;
                    share.consulted = None;
                }
            }
            Event::VoteTakenBack { token, user } => {
                if let Some(share) = self.share_mut(*token, user) {
                    share.state = ShareState::Open;
                }
            }
            Event::HolderDropped { token, user } => {
                if let Some(token) = self.token_mut(*token) {
                    places::drop_holder(&mut token.rest, user);
                }
            }
            Event::StateChanged { to } => self.act_state = *to,
            Event::InterventionNeeded { reason } => self.intervention = Some(reason.clone()),
            Event::InterventionEnded => self.intervention = None,
            Event::Discarded => self.is_discarded = true,
            Event::Undone(undone) => self.put_back(undone),
            Event::Migrated { to, tokens, forks, .. } => {
                self.version_name = to.clone();
                let renamed: Vec<(NodeId, NodeId)> = tokens
                    .iter()
                    .filter_map(|(token, to)| Some((self.token(*token)?.node.clone(), to.clone())))
                    .filter(|(from, to)| from != to)
                    .collect();
                let new_of = |node: &NodeId| {
                    let mut renamed = renamed.iter();
                    renamed.find(|(from, _)| from == node).map(|(_, to)| to.clone())
                };
                if let Some(start) = new_of(&self.start) {
                    self.start = start;
                }
                for token in &mut self.tokens {
                    token.path.rename(new_of);
                    if let Some(Back::ToCome { to, .. }) = token.back.as_deref_mut()
                        && let Some(new) = new_of(to)
                    {
                        *to = new;
                    }
                }
                for (token, node) in tokens {
                    if let Some(token) = self.token_mut(*token) {
                        token.node = node.clone();
                    }
                }
                for (fork, split) in forks {
                    for own in self.tokens.iter_mut().flat_map(|token| token.forks.iter_mut()) {
                        if own == fork {
                            own.split = split.clone();
                        }
                    }
                }
            }
        }
    }

    /// Notes for whom people act, whom they added, and to what they agreed.
    fn note_people(&mut self, event: &Event, meta: &Meta) {
        if let Event::Undone(undone) = event {
            self.stand_ins = Arc::new(undone.stand_ins.clone());
            self.signers = Arc::new(undone.signers.clone());
            self.round = Arc::new(undone.round.clone());
            return;
        }
        if self.stand_ins.is_changed_by(event) {
            Arc::make_mut(&mut self.stand_ins).apply(event, &self.tokens);
        }
        if self.signers.is_changed_by(event) {
            Arc::make_mut(&mut self.signers).apply(event, &self.tokens);
        }
        if Round::is_changed_by(event) {
            Arc::make_mut(&mut self.round).apply(event, self.version, meta.by.user());
        }
    }

    /// Notes sub-tickets that were opened, that ended, and that a stay which is over will not come to create.
    fn note_children(&mut self, event: &Event) {
        if let Event::ChildOpened { child, token, .. } = event {
            let visit = self.token(*token).map_or(0, |token| token.visit);
            Arc::make_mut(&mut self.children).insert(*child, Child { visit, state: None });
        } else if let Event::ChildEnded { child, state } = event
            && let Some(child) = Arc::make_mut(&mut self.children).get_mut(child)
        {
            child.state = Some(*state);
        }
        let Some(step) = event.step().filter(|_| !self.children.is_empty()) else {
            return;
        };
        if let Step::Undone(undone) = step {
            let again = undone.owed.iter().filter_map(OwedAgain::child);
            for child in again.collect::<Vec<_>>() {
                if let Some(child) = Arc::make_mut(&mut self.children).get_mut(&child) {
                    child.state = None;
                }
            }
        }
        let gone = step.ended_stays();
        let never: Vec<TicketId> = self
            .effects
            .iter()
            .filter(|(_, effect)| effect.work.token().is_some_and(|token| gone.contains(&token)))
            .filter_map(|(_, effect)| effect.work.child())
            .collect();
        for child in never {
            if let Some(child) = Arc::make_mut(&mut self.children).get_mut(&child) {
                child.state = Some(ChildEnd::None);
            }
        }
    }

    /// Notes who took an edge out of a node, or sent a token back from it.
    fn note_handler(&mut self, token: TokenId, node: &NodeId, meta: &Meta) {
        let skipped = self.round.skipped(token, self.version);
        let user = skipped.or(meta.by.user());
        if let Some(user) = user.filter(|user| self.last_handlers.get(node) != Some(*user)).cloned() {
            Arc::make_mut(&mut self.last_handlers).insert(node.clone(), user);
        }
    }

    /// A token's stay at a node is over, and it is on its way into another.
    fn leave(&mut self, id: TokenId, from: &NodeId, to: &NodeId, back: Option<Back>) {
        self.note_voters(id, from);
        if let Some(token) = self.token_mut(id) {
            if token.rest.is_for_people() {
                token.path.note(token.forks.len(), from);
            }
            token.back = back.map(Box::new);
            token.candidates.clear();
        }
        self.put(id, to, Rest::Moving);
    }

    /// Notes which visit of a hook node was answered last, before the answer closes its effect.
    fn note_answer(&mut self, event: &Event) {
        let Some(Cause::HookSucceeded { token, node }) = event.cause() else {
            return;
        };
        let is_it = |work: &Work| matches!(work, Work::Hook { .. }) && work.token() == Some(token);
        let answered = self.effects.iter().find(|(_, effect)| is_it(&effect.work));
        if let Some((id, _)) = answered {
            Arc::make_mut(&mut self.answered_hooks).insert(node.clone(), id);
        }
    }

    /// Timers and hooks are nobody's doing even where a person's command set them going.
    fn rests_with_people(&self, token: TokenId) -> bool {
        self.token(token)
            .is_some_and(|token| matches!(token.rest, Rest::Held { .. } | Rest::Voting(_)))
    }

    /// Notes who had a share in the vote that a token leaves a node by, or that there was none.
    fn note_voters(&mut self, token: TokenId, node: &NodeId) {
        let Some(rest) = self.token(token).map(|token| &token.rest) else {
            return;
        };
        let voters: Option<Vec<UserId>> =
            voting::ballot(rest).map(|ballot| ballot.kept().map(|share| share.holder.clone()).collect());
        if self.last_voters.get(node) != voters.as_ref() {
            let known = Arc::make_mut(&mut self.last_voters);
            match voters {
                Some(voters) => known.insert(node.clone(), voters),
                None => known.remove(node),
            };
        }
    }

    /// The share of a person in the vote at a token.
    fn share_mut(&mut self, token: TokenId, user: &UserId) -> Option<&mut BallotShare> {
        match &mut self.token_mut(token)?.rest {
            Rest::Voting(ballot) => ballot.of_mut(user),
            Rest::Moving
            | Rest::Joining
            | Rest::Unassigned
            | Rest::Held { .. }
            | Rest::Offered { .. }
            | Rest::Shared { .. }
            | Rest::Timer { .. }
            | Rest::Hook { .. }
            | Rest::Ended => None,
        }
    }

    fn token_mut(&mut self, id: TokenId) -> Option<&mut Token> {
        self.tokens.iter_mut().find(|token| token.id == id)
    }

    fn rest(&mut self, id: TokenId, rest: Rest) {
        if let Some(token) = self.token_mut(id) {
            token.candidates.clear();
            token.rest = rest;
        }
    }

    fn put(&mut self, id: TokenId, node: &NodeId, rest: Rest) {
        let (version, at) = (self.version, self.decided_at);
        if let Some(token) = self.token_mut(id) {
            if token.rest == Rest::Moving {
                token.visit = version;
                token.since = at;
            }
            token.node = node.clone();
            token.rest = rest;
        }
    }

    fn take(&mut self, id: TokenId) -> Option<Token> {
        let idx = self.tokens.iter().position(|token| token.id == id)?;
        Some(self.tokens.remove(idx))
    }

    fn add(&mut self, id: TokenId, node: &NodeId, forks: Vec<ForkId>, path: Path) {
        self.last_token = self.last_token.max(id);
        let token = Token::new(id, node, forks, self.version, self.decided_at);
        self.tokens.push(Token { path, ..token });
        self.tokens.sort_by_key(|token| token.id);
    }
}

/// Adds someone to a set; copies it only for someone new.
fn join(set: &mut Arc<BTreeSet<UserId>>, user: &UserId) {
    if !set.contains(user) {
        Arc::make_mut(set).insert(user.clone());
    }
}

/// The forks outside of one.
fn outside(forks: &[ForkId], fork: &ForkId) -> Vec<ForkId> {
    forks.iter().take_while(|own| *own != fork).cloned().collect()
}
