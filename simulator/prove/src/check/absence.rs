//! The fewest people without whom no ticket comes to the end: minimum hitting sets of the ways to the end, found by
//! trying the sets of people that keep somebody from acting, small ones first.
//!
//! Absent means assigned and silent. A node of one among several waits only for the last of them; where everyone acts,
//! one is enough to hold it up, but for a reject, which anybody takes alone.

use std::collections::BTreeSet;

use loonflow_engine::id::UserId;
use loonflow_engine::workflow::EdgeKind;

use super::assignees::{Assignees, CreatorKind};
use super::explore::{Bounds, explore};
use super::game::Game;

/// Sets that are tried; each is an exploration.
const TRIED_MAX: usize = 200;

/// The smallest sets of at most so many people, the creator not among them; all of the smallest size.
pub(crate) fn blockers(
    game: &Game<'_>,
    kind: &CreatorKind,
    people_max: usize,
    bounds: &Bounds,
) -> Vec<BTreeSet<UserId>> {
    let mut own: BTreeSet<BTreeSet<UserId>> = BTreeSet::new();
    for (node, assignees) in game.nodes.iter().zip(&kind.assignees) {
        let Some(Assignees::Fixed(users)) = assignees else {
            continue;
        };
        if node.has_shares {
            own.extend(users.iter().map(|user| [user.clone()].into()));
        }
        own.insert(users.clone());
    }
    own.retain(|users| !users.is_empty() && !users.contains(&kind.example) && users.len() <= people_max);
    let mut sets = own.clone();
    for _ in 1..people_max {
        let wider: Vec<BTreeSet<UserId>> = sets
            .iter()
            .flat_map(|one| own.iter().map(|other| one.union(other).cloned().collect()))
            .filter(|users: &BTreeSet<UserId>| users.len() <= people_max)
            .take(TRIED_MAX * 4)
            .collect();
        sets.extend(wider);
    }
    let mut sets: Vec<BTreeSet<UserId>> = sets.into_iter().collect();
    sets.sort_by_key(|users| (users.len(), users.clone()));
    let mut found: Vec<BTreeSet<UserId>> = Vec::new();
    for people in sets.into_iter().take(TRIED_MAX) {
        if found.first().is_some_and(|first| first.len() < people.len()) {
            break;
        }
        if blocks(game, kind, &people, bounds) {
            found.push(people);
        }
    }
    found
}

fn blocks(game: &Game<'_>, kind: &CreatorKind, people: &BTreeSet<UserId>, bounds: &Bounds) -> bool {
    let mut without = game.clone();
    for edge in &mut without.edges {
        let source = usize::from(edge.source);
        let Some(Assignees::Fixed(users)) = &kind.assignees[source] else {
            continue;
        };
        let needs_everyone = game.nodes[source].has_shares && edge.kind != EdgeKind::Reject;
        edge.is_blocked = if needs_everyone {
            !users.is_disjoint(people)
        } else {
            users.is_subset(people)
        };
    }
    let graph = explore(&without, bounds);
    graph.is_complete && !(0..graph.n_states() as u32).any(|idx| graph.is_over(idx))
}
