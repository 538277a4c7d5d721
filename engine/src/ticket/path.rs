//! Where a token has been, so that it can go back there (semantics: going-back).
//!
//! A token that was forked goes back no further than to where its fork was opened: what it has been on since then is kept
//! apart from what it had been on before.
//!
//! Not here: which of these nodes somebody may send it to (`action/return_to`).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// The nodes where people act that a token has stayed on and left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The first since the ticket began, each other since a fork of the token was opened, outermost first; as many as
    /// have any.
    levels: Vec<Arc<BTreeSet<NodeId>>>,
}

impl Path {
    /// Those since the innermost of so many forks was opened.
    pub fn since_fork(&self, n_forks: usize) -> impl Iterator<Item = &NodeId> {
        self.levels.get(n_forks).into_iter().flat_map(|level| level.iter())
    }

    /// Notes a node that a token of so many forks leaves.
    pub(crate) fn note(&mut self, n_forks: usize, node: &NodeId) {
        if self.levels.len() <= n_forks {
            self.levels.resize(n_forks + 1, Arc::default());
        }
        if !self.levels[n_forks].contains(node) {
            Arc::make_mut(&mut self.levels[n_forks]).insert(node.clone());
        }
    }

    /// Leaves all forks but the outermost so many: where it was inside of the others it has been all the same.
    pub(crate) fn leave(&mut self, n_forks: usize) {
        if self.levels.len() <= n_forks + 1 {
            return;
        }
        let inside = self.levels.split_off(n_forks + 1);
        for node in inside.iter().flat_map(|level| level.iter()) {
            self.note(n_forks, node);
        }
    }

    /// Takes in where another token has been since the innermost of so many forks was opened.
    pub(crate) fn join(&mut self, n_forks: usize, other: &Self) {
        for node in other.since_fork(n_forks) {
            self.note(n_forks, node);
        }
    }

    /// Names the nodes of another version.
    pub(crate) fn rename(&mut self, new_of: impl Fn(&NodeId) -> Option<NodeId>) {
        for level in &mut self.levels {
            if level.iter().any(|node| new_of(node).is_some()) {
                let renamed = level.iter().map(|node| new_of(node).unwrap_or_else(|| node.clone()));
                *level = Arc::new(renamed.collect());
            }
        }
    }
}
