//! The fewest people without whom no ticket comes to the end: minimum hitting sets of the ways to the end, found by
//! trying the sets of people that keep somebody from acting, small ones first.
//!
//! Absent means assigned and silent. A node of one among several waits only for the last of them; where everyone votes, it
//! waits for as many as decide on that side.

use std::collections::BTreeSet;

use loonflow_engine::id::{NodeId, UserId};
use loonflow_engine::ticket::ballot::count::{Outcome, Tally, outcome};
use loonflow_engine::workflow::{AssigneeRule, EdgeKind};

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
            let props = game.workflow.node(&node.id).and_then(|node| node.kind.as_normal());
            let approval = props.map(|props| props.approval).unwrap_or_default();
            let n_shares = u32::try_from(users.len()).unwrap_or(u32::MAX);
            let n_spare = n_shares.saturating_sub(approval.rule.n_needed(n_shares)) as usize;
            own.extend(groups_of(users, n_spare + 1));
            if approval.in_order {
                own.extend(users.iter().map(|user| [user.clone()].into()));
            }
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

/// Sets of so many of some people; the first ones, where there are very many.
fn groups_of(users: &BTreeSet<UserId>, n: usize) -> Vec<BTreeSet<UserId>> {
    let mut found: Vec<BTreeSet<UserId>> = vec![BTreeSet::new()];
    for _ in 0..n {
        let wider = found.iter().flat_map(|group| {
            let later = users.iter().filter(|user| group.last().is_none_or(|last| *user > last));
            later.map(|user| group.iter().chain([user]).cloned().collect())
        });
        found = wider.take(TRIED_MAX * 4).collect();
    }
    found
}

/// Whether those who are left can decide a vote for, or against: with everything that is still open against them.
fn can_decide(
    game: &Game<'_>,
    node: &NodeId,
    users: &BTreeSet<UserId>,
    absent: &BTreeSet<UserId>,
    is_against: bool,
) -> bool {
    let Some(props) = game.workflow.node(node).and_then(|node| node.kind.as_normal()) else {
        return true;
    };
    let approval = props.approval;
    // In order, nobody acts behind one who is silent; who is behind whom is known of a list alone.
    let n_votes = match &props.assignee {
        AssigneeRule::Users(list) if approval.in_order => {
            let mut turns = list.iter().filter(|user| users.contains(*user));
            turns.position(|user| absent.contains(user)).unwrap_or(users.len())
        }
        AssigneeRule::Users(_)
        | AssigneeRule::Depts(_)
        | AssigneeRule::Roles(_)
        | AssigneeRule::Variables(_)
        | AssigneeRule::TicketField(_)
        | AssigneeRule::ParentTicketField(_)
        | AssigneeRule::External(_) => users.difference(absent).count(),
    };
    let [n_shares, n_votes] = [users.len(), n_votes].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let (n_for, n_against) = if is_against { (0, n_votes) } else { (n_votes, 0) };
    let tally = Tally {
        n_shares,
        n_for,
        n_against,
    };
    let wanted = if is_against { Outcome::Against } else { Outcome::For };
    n_votes > 0 && outcome(approval.rule, approval.veto, tally) == Some(wanted)
}

fn blocks(game: &Game<'_>, kind: &CreatorKind, people: &BTreeSet<UserId>, bounds: &Bounds) -> bool {
    let mut without = game.clone();
    for edge in &mut without.edges {
        let source = usize::from(edge.source);
        let Some(Assignees::Fixed(users)) = &kind.assignees[source] else {
            continue;
        };
        let node = &game.nodes[source];
        edge.is_blocked = if node.has_shares {
            !can_decide(game, &node.id, users, people, edge.kind == EdgeKind::Reject)
        } else {
            users.is_subset(people)
        };
    }
    let graph = explore(&without, bounds);
    graph.is_complete && !(0..graph.n_states() as u32).any(|idx| graph.is_over(idx))
}
