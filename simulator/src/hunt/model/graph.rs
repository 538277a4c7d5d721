//! Merges and regions of splits (semantics: merges), straight from their definition: take a node away and see whether
//! the end can still be reached; look for a path for every node. Done once per published definition.

use super::definition::{Edge, Node, NodeKind};

/// Where the tokens of a split come together.
#[derive(Clone, Debug)]
pub(super) struct Split {
    /// The node that every branch must pass.
    pub(super) merge: usize,
    /// By node: whether a token there still belongs to the fork.
    pub(super) region: Vec<bool>,
}

/// The graph, with the question that everything here is made of.
struct Graph<'a> {
    nodes: &'a [Node],
    edges: &'a [Edge],
}

impl Graph<'_> {
    fn next(&self, node: usize, with_reject: bool) -> impl Iterator<Item = usize> {
        let ways = self.nodes[node].ways.iter().map(|way| &self.edges[*way]);
        ways.filter(move |edge| with_reject || edge.kind != "reject")
            .map(|edge| edge.to)
    }

    /// Whether a path leads from one node to another (a node leads to itself) without setting foot on `avoided`.
    fn leads(&self, from: usize, to: usize, with_reject: bool, avoided: &dyn Fn(usize) -> bool) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut work = vec![from];
        while let Some(node) = work.pop() {
            if avoided(node) || seen[node] {
                continue;
            }
            if node == to {
                return true;
            }
            seen[node] = true;
            work.extend(self.next(node, with_reject));
        }
        false
    }
}

/// The splits by node: parallel and inclusive nodes with several ways out.
pub(super) fn splits(nodes: &[Node], edges: &[Edge], start: usize, end: usize) -> Result<Vec<Option<Split>>, String> {
    let graph = Graph { nodes, edges };
    let mut found = Vec::new();
    for (idx, node) in nodes.iter().enumerate() {
        let is_split = matches!(node.kind, NodeKind::Parallel | NodeKind::Inclusive { .. }) && node.ways.len() > 1;
        found.push(if is_split {
            let merge = merge(&graph, idx, start, end)
                .ok_or_else(|| format!("the branches of node `{}` meet nowhere", node.id))?;
            Some(Split {
                merge,
                region: region(&graph, idx, merge, start, end),
            })
        } else {
            None
        });
    }
    Ok(found)
}

/// The nearest node that every branch must pass on its way to the end when reject edges are left out.
fn merge(graph: &Graph<'_>, split: usize, start: usize, end: usize) -> Option<usize> {
    let branches: Vec<usize> = graph.next(split, true).collect();
    let passes = |node: usize| {
        let ends_without = |branch: &usize| graph.leads(*branch, end, false, &|one| one == node);
        !branches.iter().any(ends_without)
    };
    // The end itself must be reachable, else everything would be "passed".
    let reaches_end = branches
        .iter()
        .any(|branch| graph.leads(*branch, end, false, &|_| false));
    let must: Vec<usize> = (0..graph.nodes.len())
        .filter(|node| reaches_end && passes(*node))
        .collect();
    // The nearest is the one that is reached without passing any other.
    let nearest = must.iter().copied().find(|node| {
        branches
            .iter()
            .any(|branch| graph.leads(*branch, *node, false, &|one| one != *node && must.contains(&one)))
    });
    nearest.filter(|node| *node != start && *node != end && *node != split)
}

/// What lies on the ways from the branches to the merge, the merge included and the split not; besides, nodes reached
/// from inside only by reject edges, unless they come before the split.
fn region(graph: &Graph<'_>, split: usize, merge: usize, start: usize, end: usize) -> Vec<bool> {
    let n_nodes = graph.nodes.len();
    let branches: Vec<usize> = graph.next(split, true).collect();
    let is_wall = |node: usize| node == split || node == start || node == end;
    let is_on_a_way = |node: usize| {
        let comes_from_split = branches
            .iter()
            .any(|branch| graph.leads(*branch, node, false, &|one| is_wall(one) || one == merge));
        comes_from_split && graph.leads(node, merge, false, &|one| is_wall(one))
    };
    let mut region: Vec<bool> = (0..n_nodes).map(|node| node == merge || is_on_a_way(node)).collect();
    let comes_before = |node: usize| graph.leads(start, node, true, &|one| one == split);
    // Reached from the merge on without a reject edge: not "only by reject edges".
    let comes_after = |node: usize| graph.leads(merge, node, false, &|one| one == split);
    let is_aside: Vec<bool> = (0..n_nodes)
        .map(|node| !region[node] && !is_wall(node) && !comes_before(node) && !comes_after(node))
        .collect();
    // Whoever acts at the merge has been joined: a token there is no longer inside.
    let rejects: Vec<&Edge> = graph
        .edges
        .iter()
        .filter(|edge| edge.kind == "reject" && region[edge.from] && edge.from != merge)
        .collect();
    for node in (0..n_nodes).filter(|node| is_aside[*node]) {
        region[node] = rejects
            .iter()
            .any(|reject| graph.leads(reject.to, node, true, &|one| !is_aside[one]));
    }
    region
}
