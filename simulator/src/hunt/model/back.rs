//! Going back (semantics: going-back): where a token may be returned to, what an undo restores.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::acts::Request;
use super::definition::{Definition, NodeKind, Normal};
use super::moves::Run;
use super::offers::{Offer, offers};
use super::ticket::{Rest, Ticket, Token, Vote, join};
use super::{Id, Refused};

/// To whom a token comes back.
#[derive(Clone, Debug)]
pub(super) enum Back {
    /// Whoever let it go from there last.
    Last,
    These(Vec<Id>),
}

/// How a ticket was before a commit that may be undone.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    pub(super) by: Id,
    pub(super) at_ms: i64,
    pub(super) before: Ticket,
}

fn normal(on: &Definition, node: usize) -> Option<&Normal> {
    if let NodeKind::Normal(normal) = &on.nodes[node].kind {
        return Some(normal);
    }
    None
}

pub(super) fn is_for_people(rest: &Rest) -> bool {
    matches!(
        rest,
        Rest::Unassigned | Rest::Held { .. } | Rest::Offered(_) | Rest::Voting(_)
    )
}

/// Whether a token can be put on a node with all its forks as they are.
pub(super) fn fits(on: &Definition, token: &Token, node: usize) -> bool {
    token.forks.iter().all(|fork| on.in_region(fork.split, node))
        && token
            .forks
            .last()
            .is_none_or(|fork| on.merge_of(fork.split) != Some(node))
}

/// Where a token has been since its innermost fork was opened, and can go back to.
pub(super) fn reached(on: &Definition, token: &Token) -> Vec<usize> {
    let been = token.been.iter().filter(|(depth, _)| *depth == token.forks.len());
    let nodes = been.filter_map(|(_, id)| on.node_at(id));
    let is_target = |node: &usize| {
        let is_peoples = matches!(on.nodes[*node].kind, NodeKind::Start | NodeKind::Normal(_));
        is_peoples && *node != token.node && fits(on, token, *node)
    };
    nodes.filter(is_target).collect()
}

/// Those of them that whoever acts at the node may choose.
pub(super) fn allowed(on: &Definition, token: &Token) -> Vec<usize> {
    let lets = normal(on, token.node).map_or(&Json::Null, |normal| &normal.allow_return);
    let mut nodes = reached(on, token);
    nodes.retain(|node| {
        let id = &*on.nodes[*node].id;
        *lets == true || lets.as_array().is_some_and(|list| list.iter().any(|one| one == id))
    });
    nodes
}

/// Whether a user has a vote under way at a token that can be taken back.
pub(super) fn may_unvote(ticket: &Ticket, token: &Token, user: &Id) -> bool {
    let Rest::Voting(vote) = &token.rest else { return false };
    if !ticket.on.nodes[token.node].allow_undo {
        return false;
    }
    let is_own = |share: &&(usize, &super::ticket::Share)| share.1.holder == *user && !share.1.is_dropped;
    let shares: Vec<_> = vote.shares.iter().enumerate().collect();
    let Some((place, share)) = shares.iter().find(is_own) else {
        return false;
    };
    share.vote.is_some() && !is_followed(vote, *place)
}

/// Whether a share that stands behind one has voted.
fn is_followed(vote: &Vote, place: usize) -> bool {
    let behind = vote
        .shares
        .iter()
        .enumerate()
        .filter(|(_, share)| share.after == Some(place));
    let mut behind = behind.map(|(at, share)| share.vote.is_some() || is_followed(vote, at));
    behind.any(|is_it| is_it)
}

/// The oldest token that the last commit has brought to rest, where that commit can be undone.
pub(super) fn undoable(ticket: &Ticket) -> Option<(&Undo, &Token)> {
    let undo = ticket.undo.as_deref()?;
    let moved = ticket.tokens.iter().find(|token| token.stay > undo.before.n_stays)?;
    Some((undo, moved))
}

/// Sends a token back.
pub(super) fn return_to(
    run: &mut Run<'_>,
    request: &Request<'_>,
    chosen: &Offer,
    operator: &Id,
) -> Result<(), Refused> {
    if request.comment.is_none_or(|comment| comment.trim().is_empty()) {
        return Err("invalid_argument");
    }
    let on = Arc::clone(&run.ticket.on);
    let token = run.ticket.token(chosen.token).ok_or("action_not_available")?.clone();
    let open = offers(&run.ticket, operator, run.people);
    let is_it = |offer: &Offer| offer.word == "return_to" && offer.token == token.id;
    let (acts, forces) = (open.actions.iter().any(is_it), open.admin.iter().any(is_it));
    let target = request
        .target_node
        .and_then(|id| on.node_at(id))
        .ok_or("invalid_argument")?;
    let as_actor = acts && allowed(&on, &token).contains(&target);
    if !(as_actor || forces && reached(&on, &token).contains(&target)) {
        return Err("invalid_argument");
    }
    if request.resume && normal(&on, token.node).is_some_and(|normal| !normal.allow_resume) {
        return Err("invalid_argument");
    }
    let people = match &token.rest {
        Rest::Voting(vote) => vote.left().map(|share| share.holder.clone()).collect(),
        Rest::Held { .. } if as_actor => vec![operator.clone()],
        Rest::Held { holders: users, .. } | Rest::Offered(users) => users.clone(),
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => {
            Vec::new()
        }
    };
    let from = on.nodes[token.node].id.clone();
    // Whoever could have acted has handled it.
    let could_act = match &token.rest {
        Rest::Held {
            consult: Some((_, to)), ..
        } => to == operator,
        Rest::Held { holders: users, .. } | Rest::Offered(users) => users.contains(operator),
        Rest::Voting(vote) => {
            let turns = vote.turns();
            turns
                .iter()
                .any(|share| share.consulted.as_ref().unwrap_or(&share.holder) == operator)
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => false,
    };
    run.leave(token.id, target, could_act);
    if let Some(token) = run.ticket.token_mut(token.id) {
        token.comes_back = request.resume.then_some((from, people));
    }
    run.back = Some(Back::Last);
    run.settle()?;
    run.ticket.state = if as_actor { "rejected" } else { "on_going" };
    Ok(())
}

/// Takes back what the operator did last.
pub(super) fn undo(run: &mut Run<'_>, chosen: &Offer, operator: &Id) {
    let of_edge = undoable(&run.ticket).filter(|(undo, moved)| undo.by == *operator && moved.id == chosen.token);
    let Some(undo) = of_edge.map(|(undo, _)| undo.clone()) else {
        if let Some(Rest::Voting(vote)) = run.ticket.token_mut(chosen.token).map(|token| &mut token.rest)
            && let Some(share) = vote.share_of(operator)
        {
            share.vote = None;
        }
        return;
    };
    let now = run.ticket.clone();
    let mut ticket = undo.before;
    let mut fields: BTreeMap<Id, Arc<Json>> = (*ticket.fields).clone();
    for key in now.fields.keys().filter(|key| !ticket.fields.contains_key(*key)) {
        fields.insert(key.clone(), Arc::new(Json::Null));
    }
    ticket.fields = Arc::new(fields);
    for token in &mut ticket.tokens {
        let is_there = now
            .tokens
            .iter()
            .any(|one| (one.id, one.stay) == (token.id, token.stay));
        if let (Some(clock), false) = (&mut token.clock, is_there) {
            // It stands as the commit had stopped it, and is started again at the end.
            clock.until_ms = clock.until_ms.or(Some(undo.at_ms));
            clock.alarms.clear();
        }
    }
    now.assigned.iter().for_each(|user| join(&mut ticket.assigned, user));
    now.processed.iter().for_each(|user| join(&mut ticket.processed, user));
    // A file that came with it stays the ticket's.
    ticket.files.clone_from(&now.files);
    ticket.n_stays = now.n_stays;
    ticket.last_fork = now.last_fork;
    run.ticket = ticket;
}

/// Whom somebody has asked at a token.
pub(super) fn asked_by<'t>(token: &'t Token, user: &Id) -> Option<&'t Id> {
    match &token.rest {
        Rest::Held {
            consult: Some((by, asked)),
            ..
        } => (by == user).then_some(asked),
        Rest::Voting(vote) => {
            let mut own = vote.left().filter(|share| share.holder == *user);
            own.find_map(|share| share.consulted.as_ref())
        }
        Rest::Held { consult: None, .. }
        | Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Offered(_)
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => None,
    }
}
