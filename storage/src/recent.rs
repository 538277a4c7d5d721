//! The last commits in memory, so that subscribers who keep up never read the disk.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::record::{Commit, Position};

/// Commits kept: about a quarter of a second at the highest rate, and small.
const N_MAX: usize = 4096;
/// Bytes kept, for logs of large commits.
const BYTES_MAX: usize = 16 << 20;

/// A ring of consecutive commits that ends at the last durable one.
#[derive(Default)]
pub(crate) struct Recent {
    commits: VecDeque<Arc<Commit>>,
    n_bytes: usize,
}

impl Recent {
    pub(crate) fn push(&mut self, commit: Arc<Commit>) {
        self.n_bytes += bytes_of(&commit);
        self.commits.push_back(commit);
        while self.commits.len() > N_MAX || (self.n_bytes > BYTES_MAX && self.commits.len() > 1) {
            if let Some(oldest) = self.commits.pop_front() {
                self.n_bytes -= bytes_of(&oldest);
            }
        }
    }

    /// Up to `n_max` commits after a position; `None` where the first of them is not kept.
    pub(crate) fn after(&self, after: Position, n_max: usize) -> Option<Vec<Arc<Commit>>> {
        let first = self.commits.front()?.position;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        (skip < self.commits.len()).then(|| self.commits.iter().skip(skip).take(n_max).cloned().collect())
    }
}

fn bytes_of(commit: &Commit) -> usize {
    let events: usize = commit.events.iter().map(|event| event.payload.len() + 64).sum();
    commit.meta.len() + events + 128
}
