//! The token game (semantics: game): moves tokens until every one rests on a node that waits.
//!
//! Works off a list, oldest moving token first, never by recursion, so a definition that loops ends in a refusal.
//! What happens on entering is in one file per kind of node; here is what they share: taking an edge, leaving forks,
//! joining at merges.
//!
//! Invariant: when `settle` returns well, no token is `Moving`.

use crate::id::{NodeId, TokenId, UserId};
use crate::limits;
use crate::ticket::ActState;
use crate::ticket::decision::{Decision, GoesBack};
use crate::ticket::event::Event;
use crate::ticket::refusal::Refusal;
use crate::ticket::token::{Back, ForkId, Rest, Token};
use crate::workflow::{Edge, EdgeKind, NodeKind, WorkflowVersion};

mod end;
mod exclusive;
mod hook;
mod inclusive;
mod normal;
mod parallel;
mod start;
mod timer;

/// Moves every token that is on its way until all rest.
pub(crate) fn settle(decision: &mut Decision<'_>) -> Result<(), Refusal> {
    while let Some(token) = decision
        .ticket
        .tokens
        .iter()
        .find(|token| matches!(token.rest, Rest::Moving))
    {
        let token = token.clone();
        decision.n_moves += 1;
        if decision.n_moves > limits::AUTOMATIC_MOVES_MAX || decision.ticket.tokens.len() > limits::TOKENS_MAX {
            return Err(Refusal::TooManyMoves { node: token.node });
        }
        enter(decision, &token)?;
    }
    Ok(())
}

/// Takes an edge: the token leaves its node, and every fork whose region the target lies outside of.
pub(crate) fn take(decision: &mut Decision<'_>, token: TokenId, edge: &Edge) {
    decision.emit(Event::EdgeTaken {
        token,
        edge: edge.id.clone(),
        from: edge.source.clone(),
        to: edge.target.clone(),
    });
    leave_forks(decision, token, &edge.target);
}

/// Takes an edge that people leave a node by, and moves on: where the edge leads, or straight back to the node that had
/// returned the token. Its type says the state, whoever or whatever takes it.
pub(crate) fn leave_by(decision: &mut Decision<'_>, token: TokenId, edge: &Edge) -> Result<(), Refusal> {
    let is_reject = edge.kind == EdgeKind::Reject;
    let back = straight_back(decision, token).filter(|_| !is_reject);
    match back {
        Some((to, people)) => {
            decision.emit(Event::Resumed {
                token,
                from: edge.source.clone(),
                edge: edge.id.clone(),
                to,
            });
            decision.goes_back = Some(GoesBack::To(people));
        }
        None => take(decision, token, edge),
    }
    settle(decision)?;
    settle_state(
        decision,
        if is_reject {
            ActState::Rejected
        } else {
            ActState::OnGoing
        },
    );
    Ok(())
}

/// Where a token that was returned goes straight back to, and to whom; `None` where it was not, or the node is gone.
fn straight_back(decision: &Decision<'_>, token: TokenId) -> Option<(NodeId, Vec<UserId>)> {
    let token = decision.ticket.token(token)?;
    let Some(Back::ToCome { to, people }) = token.back.as_deref() else {
        return None;
    };
    let workflow = decision.context.workflow;
    let node = workflow.node(to).filter(|to| is_within(token, &to.id, workflow))?;
    let waits = match node.kind {
        NodeKind::Start | NodeKind::Normal(_) | NodeKind::Timer(_) | NodeKind::Hook(_) => true,
        NodeKind::End | NodeKind::Exclusive { .. } | NodeKind::Parallel | NodeKind::Inclusive { .. } => false,
    };
    waits.then(|| (to.clone(), people.clone()))
}

/// Whether a token can be put on a node without leaving a fork, and without waiting for the others of its fork there.
pub(crate) fn is_within(token: &Token, node: &NodeId, workflow: &WorkflowVersion) -> bool {
    let is_merge = |fork: &ForkId| workflow.merge_of(&fork.split) == Some(node);
    let mut forks = token.forks.iter();
    forks.all(|fork| workflow.in_region(&fork.split, node)) && !token.forks.last().is_some_and(is_merge)
}

/// Takes all tokens away and lets one enter a node: withdraw and the force actions.
pub(crate) fn replace_tokens(decision: &mut Decision<'_>, node: &NodeId) -> Result<(), Refusal> {
    let removed = decision.ticket.tokens.iter().map(|token| token.id).collect();
    let token = TokenId(decision.ticket.last_token.0 + 1);
    decision.emit(Event::TokensReplaced {
        removed,
        token,
        node: node.clone(),
    });
    settle(decision)
}

/// The state after tokens have moved: at end, a ticket whose last edge by a person was a reject stays rejected.
pub(crate) fn settle_state(decision: &mut Decision<'_>, open: ActState) {
    let over = if open == ActState::Rejected {
        ActState::Rejected
    } else {
        ActState::Finished
    };
    decision.set_state(if decision.ticket.is_final() { over } else { open });
}

/// Leaving a fork early cancels the other tokens of that fork and of forks nested in it.
fn leave_forks(decision: &mut Decision<'_>, token: TokenId, target: &NodeId) {
    let workflow = decision.context.workflow;
    let Some(forks) = decision.ticket.token(token).map(|token| token.forks.clone()) else {
        return;
    };
    // The outermost fork that is left takes those nested in it along.
    let Some(left) = forks.into_iter().find(|fork| !workflow.in_region(&fork.split, target)) else {
        return;
    };
    let others = decision
        .ticket
        .tokens
        .iter()
        .filter(|one| one.id != token && one.forks.contains(&left));
    let cancelled = others.map(|one| one.id).collect();
    decision.emit(Event::ForkLeft {
        fork: left,
        token,
        cancelled,
    });
}

fn enter(decision: &mut Decision<'_>, token: &Token) -> Result<(), Refusal> {
    let workflow = decision.context.workflow;
    let back = decision.goes_back.take();
    if reaches_merge(token, workflow) {
        join(decision, token);
        return Ok(());
    }
    let Some(node) = workflow.node(&token.node) else {
        // Only a migration gone wrong could lead here; it is refused before.
        return Err(Refusal::NotWaiting {
            what: format!("node `{}`", token.node),
        });
    };
    match &node.kind {
        NodeKind::Start => start::enter(decision, token),
        NodeKind::Normal(props) => return normal::enter(decision, token, node, props, back.as_ref()),
        NodeKind::End => end::enter(decision, token),
        NodeKind::Exclusive { default_branch } => {
            return exclusive::enter(decision, token, node, default_branch.as_ref());
        }
        NodeKind::Parallel => parallel::enter(decision, token),
        NodeKind::Inclusive { default_branch } => {
            return inclusive::enter(decision, token, node, default_branch.as_ref());
        }
        NodeKind::Timer(props) => timer::enter(decision, token, props),
        NodeKind::Hook(_) => hook::enter(decision, token),
    }
    Ok(())
}

/// Whether the node is the merge of the token's innermost fork. Forks that share a merge join inside out.
fn reaches_merge(token: &Token, workflow: &WorkflowVersion) -> bool {
    token
        .forks
        .last()
        .is_some_and(|fork| workflow.merge_of(&fork.split) == Some(&token.node))
}

/// Waits for the other tokens of the fork, or makes them one when this is the last.
fn join(decision: &mut Decision<'_>, token: &Token) {
    let Some(fork) = token.forks.last() else { return };
    let of_fork: Vec<&Token> = decision
        .ticket
        .tokens
        .iter()
        .filter(|one| one.forks.contains(fork))
        .collect();
    let is_there = |one: &&Token| {
        one.id == token.id || (one.rest == Rest::Joining && one.node == token.node && one.forks.last() == Some(fork))
    };
    if of_fork.iter().all(is_there) {
        let tokens: Vec<TokenId> = of_fork.iter().map(|one| one.id).collect();
        let into = tokens.iter().min().copied().unwrap_or(token.id);
        decision.emit(Event::Joined {
            fork: fork.clone(),
            node: token.node.clone(),
            tokens,
            into,
        });
    } else {
        decision.emit(Event::JoinAwaited {
            token: token.id,
            node: token.node.clone(),
        });
    }
}

/// Replaces a token by one on each of the edges, all carrying a new fork.
fn fork(decision: &mut Decision<'_>, token: &Token, edges: &[&Edge]) {
    let fork = ForkId {
        version: decision.ticket.version + 1,
        split: token.node.clone(),
    };
    let next = decision.ticket.last_token.0 + 1;
    let branches: Vec<crate::ticket::event::Branch> = (next..)
        .zip(edges)
        .map(|(id, edge)| crate::ticket::event::Branch {
            token: TokenId(id),
            edge: edge.id.clone(),
            to: edge.target.clone(),
        })
        .collect();
    decision.emit(Event::Forked {
        token: token.id,
        fork,
        branches: branches.clone(),
    });
    for branch in branches {
        leave_forks(decision, branch.token, &branch.to);
    }
}

/// Whether an edge's conditions hold for the ticket as it is now, values sent with the command included.
fn holds(decision: &Decision<'_>, edge: &Edge) -> bool {
    let form = &decision.context.workflow.form;
    let zone = decision.context.directory.zone();
    edge.conditions
        .holds(form, zone, &|key| decision.ticket.value_of(key, form))
}
