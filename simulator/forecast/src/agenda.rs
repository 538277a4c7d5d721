//! What is to happen next: events by time, and those of one instant in the order in which they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use loonflow_engine::id::TokenId;

use super::desk::ItemKey;
use super::timeline::Instant;

slotmap::new_key_type! {
    /// A case under way.
    pub struct CaseKey;
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// A case comes.
    Arrival,
    /// The figures begin.
    WarmUpEnd,
    /// No more cases come.
    Stop,
    /// Somebody is done with something.
    Done(ItemKey),
    /// Somebody's shift begins with work waiting.
    Wake(usize),
    /// A timer is due, at a stay of a case.
    Timer(CaseKey, u32),
    /// A step of the deadline of a token's stay is due.
    Deadline(CaseKey, TokenId, u32),
    /// An outside system answers, to the request with this number.
    Answer(CaseKey, u32, u32),
    /// An admin asks an outside system again.
    Retry(CaseKey, u32),
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    seq: u64,
    what: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest: the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.seq).cmp(&(self.at, self.seq))
    }
}

/// The events to come.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Entry>,
    n_planned: u64,
}

impl Agenda {
    /// Plans something.
    pub fn plan(&mut self, at: Instant, what: Happening) {
        self.heap.push(Entry {
            at,
            seq: self.n_planned,
            what,
        });
        self.n_planned += 1;
    }

    /// The next.
    pub fn pop(&mut self) -> Option<(Instant, Happening)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_by_time_then_by_order_of_planning() {
        let mut agenda = Agenda::default();
        for (at, person) in [(5, 0), (3, 1), (5, 2), (3, 3), (4, 4)] {
            agenda.plan(at, Happening::Wake(person));
        }
        let mut found = Vec::new();
        while let Some((at, what)) = agenda.pop() {
            let Happening::Wake(person) = what else { continue };
            found.push((at, person));
        }
        assert_eq!(found, [(3, 1), (3, 3), (4, 4), (5, 0), (5, 2)]);
    }
}
