//! Rules on nodes and edges one by one that hold for every kind: start and end, names, ids, ways out
//! (semantics: validation, game).
//!
//! Not here: rules on one kind of node (`node/<kind>`).

use std::collections::{BTreeMap, BTreeSet};

use crate::id::NodeId;
use crate::text::is_blank;
use crate::workflow::definition::Definition;
use crate::workflow::edge::{Edge, EdgeKind};
use crate::workflow::node::{BAD_RETURN_TARGET, Leaving, Node, Returns, deadline};
use crate::workflow::problem::Problem;

pub(super) fn check(definition: &Definition, problems: &mut Vec<Problem>) {
    check_structure(definition, problems);
    let ways = Ways::new(&definition.edges);
    unnamed_nodes(definition, problems);
    unnamed_edges(definition, &ways, problems);
    ways_out_of_end(definition, &ways, problems);
    one_way_out(definition, &ways, problems);
    condition_edges(definition, &ways, problems);
    for node in &definition.nodes {
        (node.kind.rule().check)(node, ways.out_of(node), problems);
        deadline::check(node, ways.out_of(node), problems);
    }
    going_back(definition, problems);
}

/// A ticket is sent back to start and normal nodes alone; `allow_undo` is a flag.
fn going_back(definition: &Definition, problems: &mut Vec<Problem>) {
    let peoples = definition.nodes.iter().filter(|node| node.kind.is_left_by_people());
    let peoples: BTreeSet<&NodeId> = peoples.map(|node| &node.id).collect();
    for node in &definition.nodes {
        if node.has_bad_undo {
            let sentence = format!(
                "node `{}` has an `allow_undo` that is neither true nor false: give one of them",
                node.id
            );
            problems.push(Problem::error("wrong_type", sentence).at_node(&node.id));
        }
        let Some(Returns::To(targets)) = node.kind.as_normal().map(|props| &props.allow_return) else {
            continue;
        };
        for target in targets
            .iter()
            .filter(|target| **target == node.id || !peoples.contains(target))
        {
            let sentence = format!(
                "node `{}` has `{target}` in its `allow_return`: name start or normal nodes, and not itself",
                node.id
            );
            problems.push(Problem::error(BAD_RETURN_TARGET, sentence).at_node(&node.id));
        }
    }
}

/// What every walk over the graph relies on.
pub(super) fn check_structure(definition: &Definition, problems: &mut Vec<Problem>) {
    start_and_end(definition, problems);
    duplicate_ids(definition, problems);
    dangling_edges(definition, problems);
}

/// Edges by the node they leave: found once, for a definition may have thousands.
struct Ways<'a>(BTreeMap<&'a NodeId, Vec<&'a Edge>>);

impl<'a> Ways<'a> {
    fn new(edges: &'a [Edge]) -> Self {
        let mut ways: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for edge in edges {
            ways.entry(&edge.source).or_default().push(edge);
        }
        Self(ways)
    }

    fn out_of(&self, node: &Node) -> &[&'a Edge] {
        self.0.get(&node.id).map_or(&[], Vec::as_slice)
    }
}

fn start_and_end(definition: &Definition, problems: &mut Vec<Problem>) {
    for (word, none, several) in [
        ("start", "no_start_node", "several_start_nodes"),
        ("end", "no_end_node", "several_end_nodes"),
    ] {
        let found: Vec<&Node> = definition
            .nodes
            .iter()
            .filter(|node| node.kind.word() == word)
            .collect();
        match found.as_slice() {
            [] => problems.push(Problem::error(none, format!("there is no `{word}` node: add one"))),
            [_] => {}
            [_, second, ..] => {
                let ids = found
                    .iter()
                    .map(|node| format!("`{}`", node.id))
                    .collect::<Vec<_>>()
                    .join(", ");
                let sentence = format!("the nodes {ids} are all of type `{word}`: keep one of them");
                problems.push(Problem::error(several, sentence).at_node(&second.id));
            }
        }
    }
}

/// Nodes and edges share one space of ids.
fn duplicate_ids(definition: &Definition, problems: &mut Vec<Problem>) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for node in definition
        .nodes
        .iter()
        .filter(|node| !node.id.as_str().trim().is_empty())
    {
        if !seen.insert(node.id.as_str()) {
            let sentence = format!("two nodes have the id `{}`: give each its own", node.id);
            problems.push(Problem::error("duplicate_id", sentence).at_node(&node.id));
        }
    }
    for edge in definition
        .edges
        .iter()
        .filter(|edge| !edge.id.as_str().trim().is_empty())
    {
        if !seen.insert(edge.id.as_str()) {
            let sentence = format!(
                "edge `{}` has the id of another edge or node: give each its own",
                edge.id
            );
            problems.push(Problem::error("duplicate_id", sentence).at_edge(&edge.id));
        }
    }
}

fn dangling_edges(definition: &Definition, problems: &mut Vec<Problem>) {
    let nodes: BTreeSet<&NodeId> = definition.nodes.iter().map(|node| &node.id).collect();
    for edge in &definition.edges {
        let missing: Vec<String> = [("source", &edge.source), ("target", &edge.target)]
            .into_iter()
            .filter(|(_, id)| !nodes.contains(id))
            .map(|(end, id)| format!("{end} `{id}`"))
            .collect();
        if !missing.is_empty() {
            let sentence = format!(
                "edge `{}` hangs loose, there is no {}: name an existing node",
                edge.id,
                missing.join(", no ")
            );
            problems.push(Problem::error("dangling_edge", sentence).at_edge(&edge.id));
        }
    }
}

fn unnamed_nodes(definition: &Definition, problems: &mut Vec<Problem>) {
    for node in definition.nodes.iter().filter(|node| is_blank(&node.name)) {
        let sentence = format!("node `{}` has no name: give it one that people understand", node.id);
        problems.push(Problem::error("unnamed_node", sentence).at_node(&node.id));
    }
}

/// An edge that a person takes is a button, and a button without a word is hard to press.
fn unnamed_edges(definition: &Definition, ways: &Ways<'_>, problems: &mut Vec<Problem>) {
    for node in definition.nodes.iter().filter(|node| node.kind.is_left_by_people()) {
        for edge in ways.out_of(node).iter().filter(|edge| is_blank(&edge.name)) {
            let sentence = format!("edge `{}` is taken by people and has no name: give it one", edge.id);
            problems.push(Problem::warning("unnamed_edge", sentence).at_edge(&edge.id));
        }
    }
}

fn ways_out_of_end(definition: &Definition, ways: &Ways<'_>, problems: &mut Vec<Problem>) {
    let mut ends = definition
        .nodes
        .iter()
        .filter(|node| node.kind.leaving() == Leaving::Never);
    // Of several ends the ones too many may well go on.
    if let (Some(node), None) = (ends.next(), ends.next()) {
        for edge in ways.out_of(node) {
            let sentence = format!(
                "edge `{}` leaves the end node: a ticket at its end goes nowhere, remove it",
                edge.id
            );
            problems.push(
                Problem::error("end_with_way_out", sentence)
                    .at_node(&node.id)
                    .at_edge(&edge.id),
            );
        }
    }
}

/// What leaves by itself along its only way takes that one, whatever its type.
fn one_way_out(definition: &Definition, ways: &Ways<'_>, problems: &mut Vec<Problem>) {
    for node in definition
        .nodes
        .iter()
        .filter(|node| node.kind.leaving() == Leaving::OnlyWay)
    {
        if ways.out_of(node).len() > 1 {
            let sentence = format!(
                "{} node `{}` has several ways out and cannot choose: keep one, or lead it to an exclusive node",
                node.kind.word(),
                node.id
            );
            problems.push(Problem::error("several_ways_out", sentence).at_node(&node.id));
        }
    }
}

fn condition_edges(definition: &Definition, ways: &Ways<'_>, problems: &mut Vec<Problem>) {
    for node in definition.nodes.iter().filter(|node| node.kind.is_left_by_people()) {
        for edge in ways.out_of(node).iter().filter(|edge| edge.kind == EdgeKind::Condition) {
            let sentence = format!(
                "edge `{}` of type `condition` leaves the node `{}`, which people leave: make it agree, reject or other",
                edge.id, node.id
            );
            problems.push(
                Problem::error("condition_edge_misplaced", sentence)
                    .at_node(&node.id)
                    .at_edge(&edge.id),
            );
        }
    }
}
