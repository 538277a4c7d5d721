//! Migration of a running ticket to another version of its workflow (semantics: migration): an admin's explicit command
//! that maps each active node, refused where a mapped node does not fit.
//!
//! A token keeps how it rests: assignees, votes with their rule, due time, open request. So its new node must be of the same kind, and every
//! fork it belongs to must be a split of the new version whose region holds that node.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::UserType;
use crate::id::{EdgeId, NodeId, UserId};
use crate::ticket::deadline;
use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::refusal::{Argument, Refusal};
use crate::ticket::token::{ForkId, Rest};
use crate::ticket::voting;
use crate::workflow::{Edge, EdgeKind, WorkflowVersion};

pub(crate) fn decide(
    decision: &mut Decision<'_>,
    operator: Option<&UserId>,
    nodes: &BTreeMap<NodeId, NodeId>,
) -> Result<(), Refusal> {
    let context = decision.context;
    let (old, Some(new)) = (context.workflow, context.migrate_to) else {
        return Err(Refusal::argument(
            Argument::Version,
            "",
            "name a published version of the workflow",
        ));
    };
    if let Some(user) = operator {
        let is_admin = context
            .directory
            .active_user(user)
            .is_some_and(|user| user.user_type == UserType::Admin || old.permission.admins.contains(&user.id));
        if !is_admin {
            let who_may = "the tenant's admins and the workflow's admins may".into();
            return Err(Refusal::PermissionDenied {
                what: "a migration".into(),
                who_may,
            });
        }
    }
    if new.workflow_id != decision.ticket.workflow_id || new.version_name == decision.ticket.version_name {
        let problem = "it must be another version of the ticket's workflow";
        return Err(Refusal::argument(Argument::Version, &new.version_name, problem));
    }
    if decision.ticket.is_final() {
        return Err(Refusal::argument(
            Argument::TicketId,
            decision.ticket.id,
            "the ticket is over and stays as it is",
        ));
    }
    let forks: BTreeSet<ForkId> = decision
        .ticket
        .tokens
        .iter()
        .flat_map(|token| token.forks.iter().cloned())
        .collect();
    let active = decision
        .ticket
        .tokens
        .iter()
        .map(|token| &token.node)
        .chain(forks.iter().map(|fork| &fork.split));
    let active: BTreeSet<&NodeId> = active.collect();
    if let Some(idle) = nodes.keys().find(|node| !active.contains(node)) {
        return Err(Refusal::argument(
            Argument::NodeMap,
            idle,
            "the ticket has no token at this node; leave it out",
        ));
    }
    let mapped = |node: &NodeId| nodes.get(node).unwrap_or(node).clone();
    let mut tokens = Vec::new();
    for token in &decision.ticket.tokens {
        let target = mapped(&token.node);
        let refuse = |problem: &str| {
            let (node, target) = (token.node.clone(), target.clone());
            Err(Refusal::MigrationImpossible {
                node,
                target,
                problem: problem.into(),
            })
        };
        let (Some(from), Some(to)) = (old.node(&token.node), new.node(&target)) else {
            return refuse("there is no such node in the new version");
        };
        if from.kind.word() != to.kind.word() {
            return refuse("its type differs");
        }
        for fork in &token.forks {
            if !new.in_region(&mapped(&fork.split), &target) {
                return refuse("an open split of the ticket does not lead there in the new version");
            }
        }
        if let (Rest::Joining, Some(fork)) = (&token.rest, token.forks.last())
            && new.merge_of(&mapped(&fork.split)) != Some(&target)
        {
            return refuse("a token waits at a merge, and this is not the merge of its split");
        }
        tokens.push((token.id, target));
    }
    let moved = forks.into_iter().map(|fork| (fork.clone(), mapped(&fork.split)));
    let forks = moved.filter(|(fork, split)| fork.split != *split).collect();
    let (from, to) = (decision.ticket.version_name.clone(), new.version_name.clone());
    let spent = deadline::spent_by_now(decision);
    decision.emit(Event::Migrated {
        from,
        to,
        tokens,
        forks,
    });
    take_votes_back(decision, new);
    deadline::migrated(decision, &spent, new);
    Ok(())
}

/// A vote for an edge that is not there any more, or is one of the other side now, says nothing: who cast it votes anew.
fn take_votes_back(decision: &mut Decision<'_>, new: &WorkflowVersion) {
    let old = decision.context.workflow;
    let rejects = |edge: &Edge| edge.kind == EdgeKind::Reject;
    let mut lost = Vec::new();
    for token in &decision.ticket.tokens {
        let stands = |vote: &EdgeId| {
            let there = new.edge(vote).filter(|edge| edge.source == token.node);
            old.edge(vote).map(rejects) == there.map(rejects)
        };
        let votes = voting::ballot(&token.rest).into_iter().flat_map(|ballot| ballot.kept());
        let gone = votes.filter(|share| share.vote().is_some_and(|vote| !stands(vote)));
        lost.extend(gone.map(|share| (token.id, share.holder.clone())));
    }
    for (token, user) in lost {
        decision.emit(Event::VoteTakenBack { token, user });
    }
}
