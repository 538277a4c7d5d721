//! When tickets are due, in that order: which of them are by an instant, and a page of them without a walk over all.

use std::collections::BTreeSet;
use std::ops::Bound;

use roaring::RoaringBitmap;

use crate::time::Timestamp;

/// Tickets with a deadline that is due, by ordinal.
#[derive(Clone, Debug, Default)]
pub(super) struct Dues {
    order: BTreeSet<(Timestamp, u32)>,
    all: RoaringBitmap,
}

/// A set of so many times fewer tickets than there are dues is sorted, in place of walking along all dues.
const SPARSE: u64 = 16;

impl Dues {
    pub(super) fn update(&mut self, ordinal: u32, before: Option<Timestamp>, after: Option<Timestamp>) {
        if before == after {
            return;
        }
        if let Some(due) = before {
            self.order.remove(&(due, ordinal));
            self.all.remove(ordinal);
        }
        if let Some(due) = after {
            self.order.insert((due, ordinal));
            self.all.insert(ordinal);
        }
    }

    /// All, the first that is due first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter().map(|(_, ordinal)| *ordinal)
    }

    /// Those that are due until an instant, that instant included or not.
    pub(super) fn until(&self, until: Timestamp, is_included: bool) -> RoaringBitmap {
        let end = if is_included { u32::MAX } else { 0 };
        let end = Bound::Excluded((until, end));
        let due = self.order.range((Bound::Unbounded, end));
        due.map(|(_, ordinal)| *ordinal).collect()
    }

    /// Of a set, `n_rows` tickets from a place on: those with a due by that, then the others by ordinal.
    pub(super) fn page(
        &self,
        found: &RoaringBitmap,
        n_before: u64,
        n_rows: u64,
        due_of: impl Fn(u32) -> Option<Timestamp>,
    ) -> Vec<u32> {
        let with_due = found & &self.all;
        let (skipped, taken) = (as_count(n_before), as_count(n_rows));
        let mut rows: Vec<u32> = if with_due.len().saturating_mul(SPARSE) < self.all.len() {
            let mut sorted: Vec<_> = with_due.iter().map(|ordinal| (due_of(ordinal), ordinal)).collect();
            sorted.sort_unstable();
            let ordinals = sorted.into_iter().map(|(_, ordinal)| ordinal);
            ordinals.skip(skipped).take(taken).collect()
        } else {
            let in_order = self.in_order().filter(|ordinal| with_due.contains(*ordinal));
            in_order.skip(skipped).take(taken).collect()
        };
        let n_more = taken - rows.len();
        if n_more > 0 {
            let without = found - &self.all;
            let n_before = u32::try_from(n_before.saturating_sub(with_due.len())).unwrap_or(u32::MAX);
            if let Some(first) = without.select(n_before) {
                rows.extend(without.range(first..).take(n_more));
            }
        }
        rows
    }
}

fn as_count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
