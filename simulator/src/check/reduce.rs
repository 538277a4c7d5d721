//! Partial-order reduction: where what one token can do next has nothing to do with anything the others can do before
//! it moves, only its own commands are explored from a state (a persistent set; Godefroid, *Partial-Order Methods for
//! the Verification of Concurrent Systems*, 1996).
//!
//! Branches of a fork are such strangers unless one writes a field that another looks at or writes, leaves the fork, or
//! could be turned down where they meet. A split with n branches is then n steps rather than 2ⁿ states.
//!
//! What it keeps: whether every state can complete, states where nothing moves, what is taken and entered. It lets
//! others wait while one branch goes round for ever, so where that happens (a defect in itself) an exploration in full
//! has the last word on what is dead.

use rustc_hash::FxHashMap;

use super::game::{Game, Holders, Kind};
use super::state::{Stacks, State};

/// What a token can do before it has to wait for others of a fork.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    reads: u64,
    writes: u64,
    /// It may leave the fork, be refused where branches meet, or do what only an exploration in full tells.
    is_wild: bool,
}

/// Finds tokens that nothing else touches.
#[derive(Debug, Default)]
pub(crate) struct Reducer {
    /// Of a node within a split: everything from there to the merge.
    futures: FxHashMap<(u16, u16), Reach>,
    /// Of a node within a split: the next command only.
    nexts: FxHashMap<(u16, u16), Reach>,
}

impl Reducer {
    /// Whether only this token's commands need to be explored.
    pub(crate) fn is_enough(&mut self, game: &Game<'_>, stacks: &Stacks, state: &State, idx: usize) -> bool {
        let token = state.tokens[idx];
        let Some(split) = stacks.split(token.stack) else {
            return false;
        };
        let next = *self
            .nexts
            .entry((split, token.node))
            .or_insert_with(|| next(game, split, token.node));
        if next.is_wild {
            return false;
        }
        state
            .tokens
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != idx)
            .all(|(_, other)| {
                let Some(split) = stacks.split(stacks.common(token.stack, other.stack)) else {
                    return false;
                };
                let future = *self
                    .futures
                    .entry((split, other.node))
                    .or_insert_with(|| future(game, split, other.node));
                !future.is_wild && future.writes & (next.reads | next.writes) == 0 && future.reads & next.writes == 0
            })
    }
}

/// Fields that a person's edge out of a node writes, an automatic title included.
fn writes(game: &Game<'_>, node: u16) -> u64 {
    let node = &game.nodes[usize::from(node)];
    if !matches!(node.kind, Kind::Start | Kind::Normal) {
        return 0;
    }
    let automatic = game.fields.iter().enumerate().filter(|(_, field)| field.is_automatic);
    automatic.fold(node.writes, |bits, (idx, _)| bits | 1 << idx)
}

/// Everything that can happen from a node on before the merge of the split.
fn future(game: &Game<'_>, split: u16, from: u16) -> Reach {
    let mut found = Reach::default();
    let Some(info) = &game.nodes[usize::from(split)].split else {
        return WILD;
    };
    let mut is_seen = vec![false; game.nodes.len()];
    let mut work = vec![from];
    while let Some(node) = work.pop() {
        if node == info.merge || std::mem::replace(&mut is_seen[usize::from(node)], true) {
            continue;
        }
        let node_info = &game.nodes[usize::from(node)];
        found.writes |= writes(game, node);
        found.reads |= game.reads_on_entering(node_info);
        for edge in &node_info.out {
            let target = game.edges[usize::from(*edge)].target;
            found.is_wild |= !info.region[usize::from(target)];
            work.push(target);
        }
    }
    found
}

const WILD: Reach = Reach {
    reads: 0,
    writes: 0,
    is_wild: true,
};

/// The next command of a token at a node, its automatic moves and those after a merge included.
fn next(game: &Game<'_>, split: u16, from: u16) -> Reach {
    let Some(info) = &game.nodes[usize::from(split)].split else {
        return WILD;
    };
    let mut found = Reach {
        writes: writes(game, from),
        ..Reach::default()
    };
    found.is_wild |= game.nodes[usize::from(from)].remembers.is_some();
    let merges: Vec<u16> = game
        .nodes
        .iter()
        .filter_map(|node| node.split.as_ref())
        .map(|split| split.merge)
        .collect();
    // Of each node whether it has been seen before and after a merge.
    let mut is_seen = vec![[false; 2]; game.nodes.len()];
    let mut work: Vec<(u16, bool)> = Vec::new();
    let on = |work: &mut Vec<(u16, bool)>, found: &mut Reach, node: u16, is_after: bool| {
        for edge in &game.nodes[usize::from(node)].out {
            let target = game.edges[usize::from(*edge)].target;
            found.is_wild |= !is_after && !info.region[usize::from(target)];
            work.push((target, is_after));
        }
    };
    on(&mut work, &mut found, from, false);
    while let Some((node, is_after)) = work.pop() {
        let is_after = is_after || merges.contains(&node);
        if std::mem::replace(&mut is_seen[usize::from(node)][usize::from(is_after)], true) {
            continue;
        }
        let node_info = &game.nodes[usize::from(node)];
        let reads = game.reads_on_entering(node_info);
        found.reads |= reads;
        found.is_wild |= node_info.remembers.is_some();
        let chooses = matches!(node_info.kind, Kind::Exclusive | Kind::Inclusive);
        // Whoever comes last goes on from where branches meet: it must make no difference who that is.
        found.is_wild |= is_after
            && (reads != 0 || node_info.holders != Holders::Somebody || (chooses && node_info.default.is_none()));
        if chooses || node_info.kind == Kind::Parallel {
            on(&mut work, &mut found, node, is_after);
        }
    }
    found
}
