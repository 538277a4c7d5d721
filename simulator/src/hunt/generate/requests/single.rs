//! Single requests and other steps, put together from what is there: tickets, people, nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::UserType;
use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{Ticket, Token};
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Value as Json, json};

use super::RECENT;
use crate::hunt::generate::definitions::Names;
use crate::world::World;
use crate::world::case::CaseStep;
use crate::world::tape::Tape;

/// Mostly one of the latest tickets.
pub(super) fn any_ticket(world: &World, tape: &mut Tape) -> Option<usize> {
    let n = world.tickets.len();
    if n == 0 {
        return None;
    }
    let open = |idx: &usize| !world.tickets[*idx].ticket.is_final();
    let recent: Vec<usize> = (n.saturating_sub(RECENT)..n).filter(open).collect();
    match tape.next(12) {
        11 => Some(tape.next(n)),
        _ if recent.is_empty() => Some(n - 1),
        _ => tape.pick(&recent).copied(),
    }
}

/// A late ticket that is open, and where somebody has a place who is no longer active.
pub(super) fn left_by_somebody(world: &World) -> Option<usize> {
    let is_gone = |user: &UserId| world.directory.active_user(user).is_none();
    let has_left = |ticket: &Ticket| {
        let mut rests = ticket.tokens.iter().map(|token| &token.rest);
        !ticket.is_final() && rests.any(|rest| rest.assignees().any(is_gone))
    };
    let late = world.tickets.len().saturating_sub(RECENT)..world.tickets.len();
    late.rev().find(|idx| has_left(&world.tickets[*idx].ticket))
}

/// An hour or a day; often just until the next timer.
pub(super) fn pass(world: &World, tape: &mut Tape) -> CaseStep {
    let effects = world.tickets.iter().flat_map(|one| one.ticket.effects.iter());
    let timers = effects.filter_map(|(_, open)| Some(open.work.due()?.0 - world.now.0));
    let next = timers.filter(|ms| *ms > 0).min();
    match (next, tape.next(4)) {
        (Some(ms), 2) => CaseStep::Pass { ms: ms - 1 },
        (Some(ms), 3) => CaseStep::Pass { ms },
        (_, _) => {
            let n = 1 + tape.next(48) as i64;
            // Now and then weeks, so that clocks are changed in some zone while a timer waits.
            let hours = if tape.chance(1, 8) { 24 * n } else { n };
            CaseStep::Pass { ms: 3_600_000 * hours }
        }
    }
}

/// A ticket goes over to the default version, with or without names of nodes.
pub(super) fn migrate(world: &World, tape: &mut Tape) -> Option<CaseStep> {
    // Mostly one that is open and not there yet, where there is one: all others are refused.
    let is_behind = |idx: &usize| {
        let ticket = &world.tickets[*idx].ticket;
        let default = world.workflows.get(&ticket.workflow_id);
        !ticket.is_final() && default.is_some_and(|default| default.version_name != ticket.version_name)
    };
    let behind: Vec<usize> = (0..world.tickets.len()).filter(is_behind).collect();
    let idx = match tape.pick(&behind) {
        Some(idx) if !tape.chance(1, 8) => *idx,
        Some(_) | None => any_ticket(world, tape)?,
    };
    let ticket = &world.tickets[idx].ticket;
    let old = world.workflow_of(ticket)?;
    let new = world.workflows.get(&ticket.workflow_id)?;
    let mut nodes = BTreeMap::new();
    // Nodes keep their places in a mutated definition even where they change their ids.
    for node in ticket.tokens.iter().map(|token| &token.node) {
        let place = old.nodes.iter().position(|one| one.id == *node);
        let there = place.and_then(|place| new.nodes.get(place));
        if new.node(node).is_none()
            && let Some(there) = there
        {
            nodes.insert(node.clone(), there.id.clone());
        }
    }
    // Where it is onto anywhere, and from anywhere: mostly refused.
    if tape.chance(1, 8) {
        let from = match (tape.chance(1, 2), tape.pick(&ticket.tokens)) {
            (true, Some(token)) => token.node.clone(),
            (true, None) | (false, _) => any_node(old, tape),
        };
        nodes.insert(from, any_node(new, tape));
    }
    let operator = match tape.next(4) {
        0 => None,
        1 | 2 => Some(forcer(world, old, tape)),
        _ => Some(any_user(world, tape)),
    };
    Some(CaseStep::Migrate {
        ticket: idx,
        operator,
        nodes,
    })
}

/// Somebody with the right to intervene uses it.
pub(super) fn force(world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape) -> CaseStep {
    let ticket = &world.tickets[idx].ticket;
    let kind = match tape.next(8) {
        0..=3 => ActionKind::ForceForward,
        4..=6 => ActionKind::ForceAlterNode,
        _ => ActionKind::ForceClose,
    };
    let operator = forcer(world, workflow, tape);
    let mut step = match tape.pick(&ticket.tokens) {
        Some(token) => on(idx, &operator, kind, token),
        None => bare(idx, &operator, kind),
    };
    if let CaseStep::Handle {
        target_assignee_id,
        target_node_id,
        ..
    } = &mut step
    {
        if kind == ActionKind::ForceForward {
            *target_assignee_id = Some(active_user(world, tape));
        } else if kind == ActionKind::ForceAlterNode {
            *target_node_id = Some(any_node(workflow, tape));
        }
    }
    step
}

pub(super) fn bare(ticket: usize, operator: &UserId, kind: ActionKind) -> CaseStep {
    CaseStep::Handle {
        ticket,
        operator: operator.clone(),
        action_type: kind.word().to_owned(),
        action_id: kind.word().to_owned(),
        node_id: None,
        comment: None,
        target_assignee_id: None,
        target_node_id: None,
        resume: false,
        fields: BTreeMap::new(),
    }
}

pub(super) fn on(ticket: usize, operator: &UserId, kind: ActionKind, token: &Token) -> CaseStep {
    let mut step = bare(ticket, operator, kind);
    if let CaseStep::Handle { node_id, .. } = &mut step {
        *node_id = Some(token.node.clone());
    }
    step
}

/// Somebody sends a token back, mostly to where it has been.
pub(super) fn back(
    idx: usize,
    operator: &UserId,
    token: &Token,
    workflow: &WorkflowVersion,
    tape: &mut Tape,
) -> CaseStep {
    let been: Vec<&NodeId> = token.path.since_fork(token.forks.len()).collect();
    let mut step = on(idx, operator, ActionKind::ReturnTo, token);
    if let CaseStep::Handle {
        target_node_id,
        comment,
        resume,
        ..
    } = &mut step
    {
        *target_node_id = match tape.pick(&been) {
            Some(node) if !tape.chance(1, 8) => Some(NodeId::clone(node)),
            Some(_) | None => Some(any_node(workflow, tape)),
        };
        *comment = (!tape.chance(1, 12)).then(|| "once more".to_owned());
        *resume = tape.chance(1, 2);
    }
    step
}

pub(super) fn comment(ticket: usize, operator: &UserId, token: Option<&Token>, tape: &mut Tape) -> CaseStep {
    let mut step = match token.filter(|_| tape.chance(1, 3)) {
        Some(token) => on(ticket, operator, ActionKind::AddComment, token),
        None => bare(ticket, operator, ActionKind::AddComment),
    };
    if let CaseStep::Handle { comment, .. } = &mut step {
        *comment = Some("well".to_owned());
    }
    step
}

/// Someone with the right to intervene, where there is anybody.
pub(super) fn forcer(world: &World, workflow: &WorkflowVersion, tape: &mut Tape) -> UserId {
    let permission = &workflow.permission;
    let of_workflow = permission.admins.iter().chain(&permission.dispatchers);
    let users = world.directory.users.iter();
    let of_tenant = users
        .filter(|(_, user)| user.user_type == UserType::Admin)
        .map(|(id, _)| id);
    let all: Vec<&UserId> = of_workflow.chain(of_tenant).collect();
    tape.pick(&all)
        .map_or_else(|| "nobody".into(), |user| UserId::clone(user))
}

pub(super) fn any_related(ticket: &Ticket, tape: &mut Tape) -> UserId {
    let all: Vec<&UserId> = std::iter::once(&ticket.creator)
        .chain(&*ticket.assigned)
        .chain(&*ticket.cc)
        .collect();
    let picked = tape.pick(&all);
    picked.map_or_else(|| ticket.creator.clone(), |user| UserId::clone(user))
}

/// Whoever comes along, now and then nobody of this tenant.
pub(super) fn any_user(world: &World, tape: &mut Tape) -> UserId {
    let n = tape.next(world.directory.users.len() + 1);
    let user = world.directory.users.keys().nth(n);
    user.cloned().unwrap_or_else(|| "nobody".into())
}

/// Someone who is there, as a rule.
pub(super) fn active_user(world: &World, tape: &mut Tape) -> UserId {
    let n = world.directory.users.len();
    let first = tape.next(n);
    let mut turned = world.directory.users.values().cycle().skip(first).take(n);
    match turned.find(|user| user.is_active) {
        Some(user) if !tape.chance(1, 24) => user.id.clone(),
        Some(_) | None => any_user(world, tape),
    }
}

pub(super) fn any_node(workflow: &WorkflowVersion, tape: &mut Tape) -> NodeId {
    let node = tape.pick(&workflow.nodes).map(|node| &node.id);
    node.cloned().unwrap_or_else(|| "nowhere".into())
}

pub(super) fn any_edge(workflow: &WorkflowVersion, tape: &mut Tape) -> EdgeId {
    let edge = tape.pick(&workflow.edges);
    edge.map_or_else(|| "nothing".into(), |edge| edge.id.clone())
}

/// A person leaves or comes back, changes a role or the department, becomes an admin or ceases to be one.
pub(super) fn change_person(user: &mut Json, names: &Names, tape: &mut Tape) {
    match tape.next(8) {
        5 => {
            if let (Some(role), Some(roles)) = (tape.pick(&names.roles), user["roles"].as_array_mut()) {
                let had = roles.len();
                roles.retain(|one| one != role.as_str());
                if roles.len() == had {
                    roles.push(json!(role));
                }
            }
        }
        6 => {
            if let Some(dept) = tape.pick(&names.depts) {
                user["depts"] = json!([{ "dept_id": dept, "is_primary": true }]);
            }
        }
        7 => {
            let is_admin = user["type"] == "admin";
            user["type"] = json!(if is_admin { "normal" } else { "admin" });
        }
        _ => {
            let is_active = user["is_active"].as_bool().unwrap_or(true);
            user["is_active"] = json!(!is_active);
        }
    }
}

/// A department gets another leader or none, and other approvers.
pub(super) fn change_dept(directory: &mut Json, names: &Names, tape: &mut Tape) {
    let Some(depts) = directory["depts"].as_array_mut().filter(|depts| !depts.is_empty()) else {
        return;
    };
    let idx = tape.next(depts.len());
    let leader = tape.pick(&names.users).filter(|_| tape.next(4) != 0);
    depts[idx]["leader"] = json!(leader);
    depts[idx]["approvers"] = match tape.next(3) {
        0 => json!([]),
        _ => json!(Names::some(tape, &names.users, 2)),
    };
}
