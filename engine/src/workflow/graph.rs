//! The graph of a definition: indexes by id, ways out and in, and of each split its merge and region
//! (semantics: merges).
//!
//! A **split** is a parallel or inclusive node with several ways out. Its **merge** is the nearest node that every
//! branch must pass on its way to the end when reject edges are left out. Its **region** is what lies on those ways:
//!
//! ```text
//!   start ─▶ split ─┬▶ a ─────────┬▶ merge ─▶ b ─▶ end      region of split: a, c, d, merge
//!     ▲             └▶ c ◀──▶ d ──┘                         d ▶ c is a loop inside; fix is reached from c by a
//!     └──reject── c ──reject──▶ fix ──▶ c                   reject edge only, so it belongs to the region too
//! ```
//!
//! Every walk visits a node once, and there is a fixed number of walks per split: a definition of the largest size
//! takes tens of millions of steps, never more.
//!
//! Not here: what tokens do with it (`ticket::flow`), problems in words (`validate`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::account::by_id::IdHash;
use crate::id::{EdgeId, NodeId};
use crate::workflow::edge::{Edge, EdgeKind};
use crate::workflow::node::{Node, NodeKind};

/// Indexes over the nodes and edges of a definition, by position in it.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The one start node.
    pub start_idx: usize,
    /// The one end node.
    pub end_idx: usize,
    /// Nodes by id.
    pub node_idx: HashMap<NodeId, usize, IdHash>,
    /// Edges by id.
    pub edge_idx: HashMap<EdgeId, usize, IdHash>,
    /// Of each node the edges that leave it, in definition order.
    pub ways_out: Vec<Vec<usize>>,
    /// Of each node the edges that lead to it, in definition order.
    pub ways_in: Vec<Vec<usize>>,
    /// Splits by node.
    pub splits: BTreeMap<NodeId, Split>,
    /// Of each edge its two nodes.
    ends: Vec<(usize, usize)>,
}

/// Where the tokens of a split come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The node that every branch must pass.
    pub merge: NodeId,
    /// Nodes where a token still belongs to the fork: the merge included, the split not, never start or end.
    pub region: BTreeSet<NodeId>,
}

/// Why a split has no merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitFault {
    /// The branches meet nowhere before the end.
    NoMerge,
    /// The branch that begins with this edge never comes to the merge without a reject edge.
    BranchMissesMerge(usize),
}

/// A set of nodes by position.
type Marks = Vec<bool>;

impl Graph {
    /// Indexes a definition; `None` unless it has one start, one end, unique ids, and edges between nodes that are
    /// there. Splits are empty until `find_splits`.
    #[must_use]
    pub fn new(nodes: &[Node], edges: &[Edge]) -> Option<Self> {
        let node_idx: HashMap<_, _, IdHash> = nodes
            .iter()
            .enumerate()
            .map(|(idx, node)| (node.id.clone(), idx))
            .collect();
        let edge_idx: HashMap<_, _, IdHash> = edges
            .iter()
            .enumerate()
            .map(|(idx, edge)| (edge.id.clone(), idx))
            .collect();
        let only = |is: fn(&NodeKind) -> bool| {
            let mut found = nodes
                .iter()
                .enumerate()
                .filter(|(_, node)| is(&node.kind))
                .map(|(idx, _)| idx);
            found.next().filter(|_| found.next().is_none())
        };
        let start_idx = only(|kind| matches!(kind, NodeKind::Start))?;
        let end_idx = only(|kind| matches!(kind, NodeKind::End))?;
        if node_idx.len() != nodes.len() || edge_idx.len() != edges.len() {
            return None;
        }
        let mut ends = Vec::with_capacity(edges.len());
        let (mut ways_out, mut ways_in) = (vec![Vec::new(); nodes.len()], vec![Vec::new(); nodes.len()]);
        for (idx, edge) in edges.iter().enumerate() {
            let (source, target) = (*node_idx.get(&edge.source)?, *node_idx.get(&edge.target)?);
            ends.push((source, target));
            ways_out[source].push(idx);
            ways_in[target].push(idx);
        }
        Some(Self {
            start_idx,
            end_idx,
            node_idx,
            edge_idx,
            ways_out,
            ways_in,
            splits: BTreeMap::new(),
            ends,
        })
    }

    /// Finds merge and region of every split that can reach the end, and says which splits have none, by position.
    pub fn find_splits(&mut self, nodes: &[Node], edges: &[Edge]) -> Vec<(usize, SplitFault)> {
        let is_kept: Marks = edges.iter().map(|edge| edge.kind != EdgeKind::Reject).collect();
        let reaches_end = self.backward(&[self.end_idx], &is_kept, &[]);
        let mut faults = Vec::new();
        for (split, node) in nodes.iter().enumerate() {
            let is_split = node.kind.is_split();
            if !is_split || self.ways_out[split].len() < 2 {
                continue;
            }
            match self.merge(split, &is_kept, &reaches_end) {
                Err(fault) => faults.push((split, fault)),
                Ok(merge) => {
                    let region = self.region(split, merge, &is_kept);
                    let region = (0..nodes.len())
                        .filter(|idx| region[*idx])
                        .map(|idx| nodes[idx].id.clone())
                        .collect();
                    self.splits.insert(
                        node.id.clone(),
                        Split {
                            merge: nodes[merge].id.clone(),
                            region,
                        },
                    );
                }
            }
        }
        faults
    }

    /// Nodes that a walk from the start over all edges comes to.
    #[must_use]
    pub fn reachable(&self) -> Vec<bool> {
        self.forward(&[self.start_idx], &vec![true; self.ends.len()], &[])
    }

    /// Nodes from which the end can be reached over all edges.
    #[must_use]
    pub fn with_way_to_end(&self) -> Vec<bool> {
        self.backward(&[self.end_idx], &vec![true; self.ends.len()], &[])
    }

    /// Cycles that only run through nodes for which `is_member` holds: each a set of positions in definition order,
    /// of nodes that can all reach one another.
    #[must_use]
    pub fn cycles_among(&self, is_member: &dyn Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let outside: Vec<usize> = (0..self.ways_out.len()).filter(|node| !is_member(*node)).collect();
        let every_edge = vec![true; self.ends.len()];
        let mut cycles = Vec::new();
        let mut is_done: Marks = vec![false; self.ways_out.len()];
        for node in (0..self.ways_out.len()).filter(|node| is_member(*node)) {
            let next: Vec<usize> = self.ways_out[node].iter().map(|edge| self.ends[*edge].1).collect();
            if is_done[node] {
                continue;
            }
            let behind = self.forward(&next, &every_edge, &outside);
            if behind[node] {
                let before = self.backward(&[node], &every_edge, &outside);
                let cycle: Vec<usize> = (0..behind.len()).filter(|idx| behind[*idx] && before[*idx]).collect();
                for idx in &cycle {
                    is_done[*idx] = true;
                }
                cycles.push(cycle);
            }
        }
        cycles
    }

    /// Nodes that a walk from `from` comes to, these included, over the edges that are kept, never entering `stops`.
    fn forward(&self, from: &[usize], is_kept: &[bool], stops: &[usize]) -> Marks {
        self.walk(from, stops, |node, next| {
            next.extend(
                self.ways_out[node]
                    .iter()
                    .filter(|edge| is_kept[**edge])
                    .map(|edge| self.ends[*edge].1),
            );
        })
    }

    /// Nodes from which a walk comes to `to`, likewise.
    fn backward(&self, to: &[usize], is_kept: &[bool], stops: &[usize]) -> Marks {
        self.walk(to, stops, |node, next| {
            next.extend(
                self.ways_in[node]
                    .iter()
                    .filter(|edge| is_kept[**edge])
                    .map(|edge| self.ends[*edge].0),
            );
        })
    }

    fn walk(&self, from: &[usize], stops: &[usize], neighbours: impl Fn(usize, &mut Vec<usize>)) -> Marks {
        let mut is_seen = vec![false; self.ways_out.len()];
        let mut is_stop = vec![false; self.ways_out.len()];
        for stop in stops {
            is_stop[*stop] = true;
        }
        let mut work = from.to_vec();
        while let Some(node) = work.pop() {
            if !is_stop[node] && !std::mem::replace(&mut is_seen[node], true) {
                neighbours(node, &mut work);
            }
        }
        is_seen
    }

    /// The nearest node that every way from a branch to the end passes.
    ///
    /// Takes one way to the end and goes along it, keeping the farthest position on it that any detour from what was
    /// passed so far can jump to. A node that no detour jumps over lies on every way; the first such is the merge.
    fn merge(&self, split: usize, is_kept: &[bool], reaches_end: &[bool]) -> Result<usize, SplitFault> {
        let branches: Vec<usize> = self.ways_out[split].iter().map(|edge| self.ends[*edge].1).collect();
        let way = self
            .one_way(&branches, is_kept, reaches_end)
            .ok_or(SplitFault::NoMerge)?;
        let mut place_on_way = vec![None; reaches_end.len()];
        for (place, node) in way.iter().enumerate() {
            place_on_way[*node] = Some(place);
        }
        let mut is_seen = vec![false; reaches_end.len()];
        let mut farthest = 0;
        let mut work = branches;
        for (place, node) in way.iter().enumerate() {
            while let Some(next) = work.pop() {
                match place_on_way[next] {
                    Some(jumped_to) => farthest = farthest.max(jumped_to),
                    None if reaches_end[next] && !std::mem::replace(&mut is_seen[next], true) => {
                        work.extend(self.next(next, is_kept));
                    }
                    None => {}
                }
            }
            if farthest == place {
                let is_merge = *node != self.start_idx && *node != self.end_idx;
                let merge = Some(*node).filter(|_| is_merge).ok_or(SplitFault::NoMerge)?;
                return self.with_all_branches(split, merge, is_kept);
            }
            work.extend(self.next(*node, is_kept));
        }
        Err(SplitFault::NoMerge)
    }

    fn next<'a>(&'a self, node: usize, is_kept: &'a [bool]) -> impl Iterator<Item = usize> + 'a {
        self.ways_out[node]
            .iter()
            .filter(|edge| is_kept[**edge])
            .map(|edge| self.ends[*edge].1)
    }

    /// A branch that leads only back to the split, or goes on only by reject edges, would keep the merge waiting.
    fn with_all_branches(&self, split: usize, merge: usize, is_kept: &[bool]) -> Result<usize, SplitFault> {
        let comes_to_merge = self.backward(&[merge], is_kept, &[split, self.start_idx, self.end_idx]);
        match self.ways_out[split]
            .iter()
            .find(|edge| !comes_to_merge[self.ends[**edge].1])
        {
            Some(edge) => Err(SplitFault::BranchMissesMerge(*edge)),
            None => Ok(merge),
        }
    }

    /// Some way from one of `from` to the end, without repetition.
    fn one_way(&self, from: &[usize], is_kept: &[bool], reaches_end: &[bool]) -> Option<Vec<usize>> {
        let mut came_from: Vec<Option<usize>> = vec![None; reaches_end.len()];
        let mut work: Vec<usize> = from.iter().copied().filter(|node| reaches_end[*node]).collect();
        for node in &work {
            came_from[*node] = Some(*node);
        }
        while let Some(node) = work.pop() {
            for next in self.next(node, is_kept).filter(|next| reaches_end[*next]) {
                if came_from[next].is_none() {
                    came_from[next] = Some(node);
                    work.push(next);
                }
            }
        }
        let mut way = vec![self.end_idx];
        loop {
            let last = *way.last()?;
            let before = came_from[last]?;
            if before == last {
                way.reverse();
                return Some(way);
            }
            way.push(before);
        }
    }

    /// See the head of this file. A node reached only by reject edges from inside belongs to the region unless it
    /// also comes before the split or after the merge.
    fn region(&self, split: usize, merge: usize, is_kept: &[bool]) -> Marks {
        let walls = [split, self.start_idx, self.end_idx];
        let branches: Vec<usize> = self.ways_out[split].iter().map(|edge| self.ends[*edge].1).collect();
        let after_split = self.forward(&branches, is_kept, &[split, merge, self.start_idx, self.end_idx]);
        let before_merge = self.backward(&[merge], is_kept, &walls);
        let mut region: Marks = after_split
            .iter()
            .zip(&before_merge)
            .map(|(after, before)| *after && *before)
            .collect();

        let every_edge = vec![true; self.ends.len()];
        let before_split = self.forward(&[self.start_idx], &every_edge, &[split]);
        let after_merge = self.forward(&[merge], is_kept, &[split]);
        let rejected: Vec<usize> = (0..self.ends.len())
            .filter(|edge| !is_kept[*edge] && region[self.ends[*edge].0])
            .map(|edge| self.ends[edge].1)
            .collect();
        let elsewhere: Vec<usize> = (0..region.len())
            .filter(|node| region[*node] || before_split[*node] || after_merge[*node] || walls.contains(node))
            .collect();
        for (node, is_reached) in self.forward(&rejected, &every_edge, &elsewhere).into_iter().enumerate() {
            region[node] |= is_reached;
        }
        region[merge] = true;
        region
    }
}

#[cfg(test)]
mod tests;
