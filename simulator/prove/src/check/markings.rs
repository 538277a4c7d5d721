//! The markings a definition can come to, for one creator: what a test compares with a walk of the engine itself.

use std::collections::BTreeSet;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId, UserId};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;

use super::assignees::creator_kinds;
use super::explore::{Bounds, Graph, explore};
use super::game::Game;
use super::state::Rest;
use super::verdict::bad;

/// Tokens: the node, how each rests, the splits of the forks it belongs to, outermost first; sorted.
pub type Marking = Vec<(NodeId, Rest, Vec<NodeId>)>;

/// What there is to compare.
#[derive(Clone, Debug)]
pub struct Markings {
    /// The creator whose tickets these are.
    pub creator: UserId,
    /// Every marking that can be reached.
    pub reached: BTreeSet<Marking>,
    /// Those with values from which no end can be reached.
    pub bad: BTreeSet<Marking>,
    /// Fields that matter, with a value of each class, the empty one first.
    pub values: Vec<(FieldKey, Vec<Value>)>,
}

/// Explores for each kind of creator; nothing where a bound is met.
#[must_use]
pub fn markings(
    workflow: &WorkflowVersion,
    directory: &Directory,
    states: usize,
    is_full: bool,
) -> Option<Vec<Markings>> {
    let bounds = Bounds {
        states,
        is_full,
        marked: [None; 2],
        asks_for_end: false,
    };
    let mut found = Vec::new();
    for kind in creator_kinds(workflow, directory) {
        let game = Game::new(workflow, directory, &kind).ok()?;
        let graph = explore(&game, &bounds);
        if !graph.is_complete {
            return None;
        }
        let is_bad = bad(&graph).is_bad;
        // Where something is put off, no ticket is.
        let is_put_off = |idx: &u32| {
            graph
                .state(*idx)
                .tokens
                .iter()
                .any(|token| token.rest == Rest::Deciding)
        };
        let all = (0..graph.n_states() as u32)
            .filter(|idx| !is_put_off(idx))
            .map(|idx| (marking(&game, &graph, idx), is_bad[idx as usize]));
        let all: Vec<(Marking, bool)> = all.collect();
        found.push(Markings {
            creator: kind.example.clone(),
            bad: all
                .iter()
                .filter(|(_, is_bad)| *is_bad)
                .map(|(marking, _)| marking.clone())
                .collect(),
            reached: all.into_iter().map(|(marking, _)| marking).collect(),
            values: game
                .fields
                .iter()
                .map(|field| (field.key.clone(), field.values.clone()))
                .collect(),
        });
    }
    Some(found)
}

fn marking(game: &Game<'_>, graph: &Graph, idx: u32) -> Marking {
    let id = |node: u16| game.nodes[usize::from(node)].id.clone();
    let tokens = graph.state(idx).tokens.into_iter();
    let mut found: Marking = tokens
        .map(|token| {
            let splits = graph.memory.stacks.splits(token.stack).into_iter().map(id).collect();
            (id(token.node), token.rest, splits)
        })
        .collect();
    found.sort();
    found
}
