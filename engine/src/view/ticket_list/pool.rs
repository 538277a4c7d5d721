//! One copy of what is alike on many cards: texts of ids, small sets of people.
//!
//! Every event that is read brings texts of its own. Cards that kept those would take twice the memory of cards read
//! from a checkpoint, and both would hold the same few hundred names a hundred thousand times.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use crate::id::{FieldKey, FileId, NodeId, SharedText, TicketId, UserId};
use crate::ticket::{Child, Clocks, EffectId, EffectTable, Rest, Round, ShareState, Ticket, TicketFile};
use crate::value::Value;

/// Sets and maps of more entries are seldom alike, and cost their length to compare: they are not looked for.
const ENTRIES_MAX: usize = 8;
/// Copies below which it is not worth looking for those that no card has any more.
const TIDY_MIN: usize = 1_024;

/// Items of which one copy each is kept.
#[derive(Debug)]
struct Copies<T: ?Sized + Hash + Eq> {
    known: HashSet<Arc<T>>,
    /// How many there may be before the unused ones go: bounds them to twice what is in use.
    tidy_at: usize,
}

impl<T: ?Sized + Hash + Eq> Default for Copies<T> {
    fn default() -> Self {
        Self {
            known: HashSet::new(),
            tidy_at: TIDY_MIN,
        }
    }
}

impl<T: ?Sized + Hash + Eq> Clone for Copies<T> {
    fn clone(&self) -> Self {
        Self {
            known: self.known.clone(),
            tidy_at: self.tidy_at,
        }
    }
}

impl<T: ?Sized + Hash + Eq> Copies<T> {
    fn find(&self, item: &T) -> Option<Arc<T>> {
        self.known.get(item).cloned()
    }

    fn keep(&mut self, item: &Arc<T>) {
        if self.known.len() >= self.tidy_at {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.known.shrink_to_fit();
            self.tidy_at = (self.known.len() * 2).max(TIDY_MIN);
        }
        self.known.insert(Arc::clone(item));
    }

    /// Puts the known copy in an item's place, or makes it the known one.
    fn share(&mut self, item: &mut Arc<T>) {
        match self.find(item) {
            Some(known) => *item = known,
            None => self.keep(item),
        }
    }
}

/// What the cards of one tenant share.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    texts: Copies<str>,
    users: Copies<BTreeSet<UserId>>,
    handlers: Copies<BTreeMap<NodeId, UserId>>,
    no_fields: Arc<BTreeMap<FieldKey, Value>>,
    no_effects: Arc<EffectTable>,
    no_children: Arc<BTreeMap<TicketId, Child>>,
    no_files: Arc<BTreeMap<FileId, TicketFile>>,
    no_answers: Arc<BTreeMap<NodeId, EffectId>>,
    no_clocks: Arc<Clocks>,
    no_round: Arc<Round>,
}

impl Pool {
    /// Lets a card share what it has in common with others and gives its spare room back. What it has from `before`
    /// is shared already.
    pub(super) fn share(&mut self, before: Option<&Ticket>, card: &mut Ticket) {
        card.title.shrink_to_fit();
        card.fields = Arc::clone(&self.no_fields);
        // Nor is any of these in a list; that a ticket has a parent is in the sub-ticket.
        card.effects = Arc::clone(&self.no_effects);
        card.children = Arc::clone(&self.no_children);
        card.files = Arc::clone(&self.no_files);
        card.answered_hooks = Arc::clone(&self.no_answers);
        card.round = Arc::clone(&self.no_round);
        card.undoable = None;
        for token in &mut card.tokens {
            (token.path, token.candidates, token.back) = Default::default();
        }
        if card.clocks == self.no_clocks {
            card.clocks = Arc::clone(&self.no_clocks);
        }
        for text in [
            card.tenant_id.text_mut(),
            card.workflow_id.text_mut(),
            card.version_name.text_mut(),
            card.creator.text_mut(),
            card.app.text_mut(),
        ] {
            self.texts.share(text);
        }
        if let Some((_, node)) = &mut card.parent {
            self.texts.share(node.text_mut());
        }
        if before.is_none_or(|before| before.tokens != card.tokens) {
            self.share_tokens(card);
        } else if let Some(before) = before {
            card.tokens.clone_from(&before.tokens);
        }
        card.tokens.shrink_to_fit();
        for (set, before) in [
            (&mut card.cc, before.map(|before| &before.cc)),
            (&mut card.assigned, before.map(|before| &before.assigned)),
            (&mut card.processed, before.map(|before| &before.processed)),
        ] {
            if before.is_none_or(|before| !Arc::ptr_eq(before, set)) {
                self.share_users(set);
            }
        }
        if before.is_none_or(|before| !Arc::ptr_eq(&before.last_handlers, &card.last_handlers)) {
            self.share_handlers(&mut card.last_handlers);
        }
    }

    fn share_tokens(&mut self, card: &mut Ticket) {
        for token in &mut card.tokens {
            self.texts.share(token.node.text_mut());
            for fork in &mut token.forks {
                self.texts.share(fork.split.text_mut());
            }
            match &mut token.rest {
                Rest::Held { holders, consult } => {
                    holders.iter_mut().for_each(|user| self.texts.share(user.text_mut()));
                    if let Some(consult) = consult {
                        self.texts.share(consult.by.text_mut());
                        self.texts.share(consult.to.text_mut());
                    }
                }
                Rest::Offered { candidates } => {
                    candidates.iter_mut().for_each(|user| self.texts.share(user.text_mut()));
                }
                Rest::Voting(ballot) => {
                    for share in &mut ballot.shares {
                        self.texts.share(share.holder.text_mut());
                        if let ShareState::Voted { edge, .. } = &mut share.state {
                            self.texts.share(edge.text_mut());
                        }
                        if let Some(user) = &mut share.consulted {
                            self.texts.share(user.text_mut());
                        }
                    }
                }
                Rest::Moving
                | Rest::Joining
                | Rest::Unassigned
                | Rest::Shared { .. }
                | Rest::Timer { .. }
                | Rest::Hook { .. }
                | Rest::Ended => {}
            }
        }
    }

    fn share_users(&mut self, set: &mut Arc<BTreeSet<UserId>>) {
        if let Some(known) = self.users.find(set) {
            *set = known;
            return;
        }
        let shared = set.iter().cloned().map(|mut user| {
            self.texts.share(user.text_mut());
            user
        });
        *set = Arc::new(shared.collect());
        if set.len() <= ENTRIES_MAX {
            self.users.keep(set);
        }
    }

    fn share_handlers(&mut self, handlers: &mut Arc<BTreeMap<NodeId, UserId>>) {
        if let Some(known) = self.handlers.find(handlers) {
            *handlers = known;
            return;
        }
        let shared = handlers.iter().map(|(node, user)| (node.clone(), user.clone()));
        let shared = shared.map(|(mut node, mut user)| {
            self.texts.share(node.text_mut());
            self.texts.share(user.text_mut());
            (node, user)
        });
        *handlers = Arc::new(shared.collect());
        if handlers.len() <= ENTRIES_MAX {
            self.handlers.keep(handlers);
        }
    }
}
