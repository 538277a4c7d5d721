//! Migration of a running ticket to the default version of its workflow (semantics: migration).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deadlines;
use super::definition::{Definition, NodeKind};
use super::moves::Run;
use super::ticket::{Cast, Rest};
use super::{Id, Refused};
use crate::world::case::Renamed;

/// An admin's explicit command that maps each active node; without an operator it is the machine's.
pub(super) fn migrate(
    run: &mut Run<'_>,
    target: &Arc<Definition>,
    operator: Option<&str>,
    nodes: &Renamed,
) -> Result<(), Refused> {
    let old = Arc::clone(&run.ticket.on);
    if let Some(operator) = operator {
        let user = run.people.user(operator).filter(|user| user.is_active);
        if !user.is_some_and(|user| user.is_admin || old.admins.contains(operator)) {
            return Err("permission_denied");
        }
    }
    if target.version == old.version || run.ticket.is_over() {
        return Err("invalid_argument");
    }
    // Tokens are somewhere, and so are the splits whose forks are open; other nodes have nothing to map.
    let tokens = &run.ticket.tokens;
    let splits = tokens
        .iter()
        .flat_map(|token| token.forks.iter().map(|fork| fork.split));
    let active: BTreeSet<usize> = tokens.iter().map(|token| token.node).chain(splits).collect();
    if nodes
        .keys()
        .any(|id| !active.iter().any(|node| *old.nodes[*node].id == *id.as_str()))
    {
        return Err("invalid_argument");
    }
    let mapped = |node: usize| {
        let id = &old.nodes[node].id;
        target.node_at(nodes.get(&**id).map_or(&**id, |id| id.as_str()))
    };
    // What a token has been on goes by the new name where a token of the ticket does.
    let stands = run.ticket.tokens.iter().map(|token| token.node);
    let stands: BTreeSet<&Id> = stands.map(|node| &old.nodes[node].id).collect();
    let renamed = |id: &Id| -> Id {
        let new = nodes.get(&**id).filter(|_| stands.contains(id));
        new.map_or_else(|| id.clone(), |new| new.as_str().into())
    };
    let mut moved = run.ticket.tokens.clone();
    for token in &mut moved {
        token.been = token.been.iter().map(|(depth, id)| (*depth, renamed(id))).collect();
        if let Some((to, _)) = &mut token.comes_back {
            *to = renamed(to);
        }
        let node = mapped(token.node).ok_or("migration_impossible")?;
        if word(&old.nodes[token.node].kind) != word(&target.nodes[node].kind) {
            return Err("migration_impossible");
        }
        for fork in &mut token.forks {
            let split = mapped(fork.split).ok_or("migration_impossible")?;
            if !target.in_region(split, node) {
                return Err("migration_impossible");
            }
            fork.split = split;
        }
        let merge = token.forks.last().and_then(|fork| target.merge_of(fork.split));
        if token.rest == Rest::Joining && merge != Some(node) {
            return Err("migration_impossible");
        }
        token.node = node;
        if let Rest::Voting(vote) = &mut token.rest {
            // What somebody voted for counts while it leads out of the node, on the same side.
            let still = |cast: &Cast| {
                let mut ways = target.nodes[node].ways.iter().map(|way| &target.edges[*way]);
                ways.any(|edge| edge.id == cast.edge && (edge.kind == "reject") == cast.is_against)
            };
            for share in &mut vote.shares {
                if share.vote.as_ref().is_some_and(|cast| !still(cast)) {
                    share.vote = None;
                }
            }
        }
    }
    let nodes: Vec<usize> = run.ticket.tokens.iter().map(|token| token.node).collect();
    run.ticket.tokens = moved;
    run.ticket.on = Arc::clone(target);
    run.is_migration = true;
    deadlines::migrated(run, &old, &nodes);
    Ok(())
}

/// The type of a node, as its definition says it.
fn word(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Start => "start",
        NodeKind::Normal(_) => "normal",
        NodeKind::End => "end",
        NodeKind::Exclusive { .. } => "exclusive",
        NodeKind::Parallel => "parallel",
        NodeKind::Inclusive { .. } => "inclusive",
        NodeKind::TimerFor(_) | NodeKind::TimerBudget(..) | NodeKind::TimerUntil(_) => "timer",
        NodeKind::Hook => "hook",
    }
}
