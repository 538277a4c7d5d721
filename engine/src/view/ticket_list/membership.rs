//! Which bitmaps a ticket is in, and the bitmaps.
//!
//! Not here: titles (`title`), time (the order of ordinals itself).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use roaring::RoaringBitmap;

use crate::id::{NodeId, TicketId, UserId, VersionName, WorkflowId};
use crate::ticket::{ActState, Ticket};

/// A set of tickets that has a bitmap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// The user can act on them now.
    Duty(UserId),
    /// The user is or was part of them.
    Related(UserId),
    /// The user processed them.
    Worked(UserId),
    /// The user created them.
    Creator(UserId),
    /// They are of the workflow, whatever the version.
    Workflow(WorkflowId),
    /// They have a token on the node.
    Node(NodeId),
    /// They are in the state.
    State(ActState),
    /// They are children of the ticket.
    Parent(TicketId),
}

/// The sets a ticket is in.
#[must_use]
pub(super) fn keys_of(ticket: &Ticket) -> BTreeSet<Key> {
    let mut keys = BTreeSet::from([
        Key::Creator(ticket.creator.clone()),
        Key::Related(ticket.creator.clone()),
        Key::Workflow(ticket.workflow_id.clone()),
        Key::State(ticket.act_state),
    ]);
    keys.extend(ticket.processed.iter().cloned().map(Key::Worked));
    let related = ticket.cc.iter().chain(&*ticket.assigned).chain(&*ticket.processed);
    keys.extend(related.cloned().map(Key::Related));
    keys.extend(ticket.parent.iter().map(|(parent, _)| Key::Parent(*parent)));
    for token in &ticket.tokens {
        keys.insert(Key::Node(token.node.clone()));
        keys.extend(token.rest.waiting_for().into_iter().map(Key::Duty));
    }
    keys
}

/// Whether everything is as it was that [`keys_of`] and [`version_of`] look at: true of each comment and of most of a
/// ticket's events, and much cheaper than the keys.
fn is_in_the_same(before: &Ticket, after: &Ticket) -> bool {
    before.act_state == after.act_state
        && before.tokens == after.tokens
        && before.processed == after.processed
        && before.assigned == after.assigned
        && before.cc == after.cc
        && before.creator == after.creator
        && before.parent == after.parent
        && before.version_name == after.version_name
        && before.workflow_id == after.workflow_id
}

/// The bitmaps over ticket ordinals. None of them is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memberships {
    by_key: HashMap<Key, RoaringBitmap>,
    by_version: BTreeMap<(WorkflowId, VersionName), RoaringBitmap>,
}

impl Memberships {
    /// Those of a key, where there are any.
    #[must_use]
    pub(super) fn of(&self, key: &Key) -> Option<&RoaringBitmap> {
        self.by_key.get(key)
    }

    /// Those on each version that any ticket is on.
    #[must_use]
    pub(super) fn by_version(&self) -> &BTreeMap<(WorkflowId, VersionName), RoaringBitmap> {
        &self.by_version
    }

    /// Puts a new ticket in.
    pub(super) fn insert(&mut self, ordinal: u32, ticket: &Ticket) {
        for key in keys_of(ticket) {
            self.by_key.entry(key).or_default().insert(ordinal);
        }
        self.by_version.entry(version_of(ticket)).or_default().insert(ordinal);
    }

    /// Takes a ticket out that is in as it stands.
    pub(super) fn remove(&mut self, ordinal: u32, ticket: &Ticket) {
        for key in keys_of(ticket) {
            self.remove_key(ordinal, key);
        }
        self.remove_version(ordinal, &version_of(ticket));
    }

    /// Moves a ticket between sets: touches only those that it is in before or after, not both.
    pub(super) fn update(&mut self, ordinal: u32, before: &Ticket, after: &Ticket) {
        if is_in_the_same(before, after) {
            return;
        }
        let (old, new) = (keys_of(before), keys_of(after));
        for key in old.difference(&new) {
            self.remove_key(ordinal, key.clone());
        }
        for key in new.difference(&old) {
            self.by_key.entry(key.clone()).or_default().insert(ordinal);
        }
        let (old, new) = (version_of(before), version_of(after));
        if old != new {
            self.remove_version(ordinal, &old);
            self.by_version.entry(new).or_default().insert(ordinal);
        }
    }

    fn remove_key(&mut self, ordinal: u32, key: Key) {
        if let Entry::Occupied(mut entry) = self.by_key.entry(key) {
            entry.get_mut().remove(ordinal);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    fn remove_version(&mut self, ordinal: u32, version: &(WorkflowId, VersionName)) {
        if let Some(bitmap) = self.by_version.get_mut(version) {
            bitmap.remove(ordinal);
            if bitmap.is_empty() {
                self.by_version.remove(version);
            }
        }
    }
}

fn version_of(ticket: &Ticket) -> (WorkflowId, VersionName) {
    (ticket.workflow_id.clone(), ticket.version_name.clone())
}
