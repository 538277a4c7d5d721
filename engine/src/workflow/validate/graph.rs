//! Rules on the graph as a whole: reachability, ways to the end, cycles of gateways, merges
//! (semantics: validation, merges).

use crate::workflow::definition::Definition;
use crate::workflow::graph::{Graph, SplitFault};
use crate::workflow::problem::Problem;

/// The graph with its splits, or what is wrong with it; nothing where it cannot be built, which other rules report.
pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) -> Option<Graph> {
    let graph = Graph::new(&definition.nodes, &definition.edges)?;
    let before = problems.len();
    no_way_to_end(definition, &graph, problems);
    gateway_cycles(definition, &graph, problems);
    let may_have_merges = problems.len() == before;
    unreachable_nodes(definition, &graph, problems);
    if may_have_merges {
        check_splits(definition, problems)
    } else {
        None
    }
}

/// The graph with its splits; a problem for each that has no merge.
pub(super) fn check_splits(definition: &Definition, problems: &mut Vec<Problem>) -> Option<Graph> {
    let mut graph = Graph::new(&definition.nodes, &definition.edges)?;
    for (split, fault) in graph.find_splits(&definition.nodes, &definition.edges) {
        let id = &definition.nodes[split].id;
        let problem = match fault {
            SplitFault::NoMerge => Problem::error(
                "split_without_merge",
                format!(
                    "the branches of `{id}` do not meet before the end: lead them all to one node; only an edge of type \
                     `reject` may leave a branch for the end"
                ),
            ),
            SplitFault::BranchMissesMerge(edge) => {
                let edge = &definition.edges[edge].id;
                let sentence = format!(
                    "the branch `{edge}` of `{id}` does not come to where the others meet, other than by reject edges \
                     or back through `{id}`: lead it there"
                );
                Problem::error("split_without_merge", sentence).at_edge(edge)
            }
        };
        problems.push(problem.at_node(id));
    }
    Some(graph)
}

fn unreachable_nodes(definition: &Definition, graph: &Graph, problems: &mut Vec<Problem>) {
    let is_reachable = graph.reachable();
    let has_way_to_end = graph.with_way_to_end();
    for (idx, node) in definition.nodes.iter().enumerate() {
        // That the end cannot be reached shows as `no_way_to_end` at the nodes where it begins.
        let is_explained = idx == graph.end_idx && !has_way_to_end[graph.start_idx];
        if !is_reachable[idx] && !is_explained {
            let sentence = format!(
                "node `{}` cannot be reached from start: lead an edge to it, or remove it",
                node.id
            );
            problems.push(Problem::error("unreachable_node", sentence).at_node(&node.id));
        }
    }
}

/// Of nodes that are reached; one that is not should go altogether.
fn no_way_to_end(definition: &Definition, graph: &Graph, problems: &mut Vec<Problem>) {
    let is_reachable = graph.reachable();
    let has_way_to_end = graph.with_way_to_end();
    for (idx, node) in definition.nodes.iter().enumerate() {
        if is_reachable[idx] && !has_way_to_end[idx] {
            let sentence = format!("from node `{}` the end cannot be reached: give it a way on", node.id);
            problems.push(Problem::error("no_way_to_end", sentence).at_node(&node.id));
        }
    }
}

fn gateway_cycles(definition: &Definition, graph: &Graph, problems: &mut Vec<Problem>) {
    for cycle in graph.cycles_among(&|idx| definition.nodes[idx].kind.is_gateway()) {
        let Some(first) = cycle.first() else { continue };
        let ids = cycle
            .iter()
            .map(|idx| format!("`{}`", definition.nodes[*idx].id))
            .collect::<Vec<_>>()
            .join(", ");
        let sentence = format!("the gateways {ids} lead round to one another: put a node that waits between them");
        problems.push(Problem::error("gateway_cycle", sentence).at_node(&definition.nodes[*first].id));
    }
}
