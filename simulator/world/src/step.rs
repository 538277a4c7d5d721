//! Random steps from a tape: which ticket, who, what, with which values.
//!
//! Numbers collide on purpose (few users, few tickets), and about a third of what is asked for is illegal or malformed.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::{EdgeId, FieldKey, NodeId, UserId};
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Act, Action, Command, Create, Draw, HookOutcome, Rest};
use loonflow_engine::ticket::{ActionKind, Argument, OfferedAction};
use loonflow_engine::value::Value;
use loonflow_engine::view::example::example_value;
use loonflow_engine::workflow::{Component, ComponentKind, Node, WorkflowVersion};

use crate::World;
use crate::case::action_of;
use crate::tape::Tape;

/// A step, ready to be rehearsed and carried out.
#[derive(Clone, Debug)]
pub struct Step {
    /// The ticket; `None` creates one.
    pub ticket: Option<usize>,
    /// The version it runs on.
    pub workflow: Arc<WorkflowVersion>,
    /// What is asked for.
    pub command: Command,
    /// The offered action it was made from, where it was made from one with everything it needs but, perhaps, fields.
    pub from_offer: Option<OfferedAction>,
}

/// Reads the next step off the tape; `None` where it only let time pass.
pub fn next_step(world: &mut World, tape: &mut Tape) -> Option<Step> {
    let n_tickets = world.tickets.len();
    if n_tickets == 0 || (n_tickets < 4 && tape.next(8) == 0) {
        return Some(create(world, tape));
    }
    let idx = tape.next(n_tickets);
    let ticket = &world.tickets[idx].ticket;
    let workflow = world.workflow_of(ticket)?.clone();
    match tape.next(12) {
        0 => {
            world.pass(3_600_000 * tape.next(48) as i64);
            None
        }
        1 | 2 => engine_command(world, idx, &workflow, tape),
        3 | 4 => Some(malformed(world, idx, &workflow, tape)),
        5 => Some(from_offer(world, idx, &workflow, tape, true)),
        _ => Some(from_offer(world, idx, &workflow, tape, false)),
    }
}

fn create(world: &World, tape: &mut Tape) -> Step {
    let workflows: Vec<_> = world.workflows.values().cloned().collect();
    let workflow = workflows[tape.next(workflows.len())].clone();
    let creator = any_user(world, tape);
    let edges: Vec<EdgeId> = workflow
        .ways_out(&workflow.start().id)
        .map(|edge| edge.id.clone())
        .collect();
    let action_id = if tape.next(5) == 0 {
        None
    } else {
        tape.pick(&edges).cloned()
    };
    let fields = fields(world, &workflow, workflow.start(), tape);
    let command = Command::Create(Create {
        via: None,
        ticket_id: world.next_ticket_id(),
        by: creator,
        app: "loonflow".into(),
        take: action_id,
        fields,
        comment: (tape.next(4) == 0).then(|| "first".into()),
        cc: if tape.next(6) == 0 {
            vec![any_user(world, tape)]
        } else {
            Vec::new()
        },
        parent: None,
    });
    Step {
        ticket: None,
        workflow,
        command,
        from_offer: None,
    }
}

/// What the engine tells itself: a timer, a hook, in time or not.
fn engine_command(world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape) -> Option<Step> {
    let ticket = &world.tickets[idx].ticket;
    let waiting: Vec<_> = ticket
        .tokens
        .iter()
        .filter(|token| matches!(token.rest, Rest::Timer { .. } | Rest::Hook { .. }))
        .collect();
    let token = tape.pick(&waiting).copied().or(ticket.tokens.first())?;
    let command = match &token.rest {
        Rest::Hook { attempt, .. } => Command::ReportHook {
            token: token.id,
            attempt: *attempt + u32::from(tape.next(6) == 0),
            outcome: if tape.next(3) == 0 {
                HookOutcome::Failed("no answer".into())
            } else {
                HookOutcome::Succeeded
            },
        },
        Rest::Timer { .. }
        | Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Voting(_)
        | Rest::Ended => Command::FireTimer { token: token.id },
    };
    Some(Step {
        ticket: Some(idx),
        workflow: workflow.clone(),
        command,
        from_offer: None,
    })
}

/// An action that somebody has, taken by somebody who has it, or, with `by_anyone`, by whoever comes along.
fn from_offer(world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape, by_anyone: bool) -> Step {
    let ticket = &world.tickets[idx].ticket;
    let context = world.context(workflow, Draw::Preview);
    // Someone who can act is likelier to move things on than anyone.
    let mut able: Vec<UserId> = ticket
        .tokens
        .iter()
        .flat_map(|token| token.rest.waiting_for())
        .collect();
    able.push(ticket.creator.clone());
    able.extend(workflow.permission.admins.iter().cloned());
    let owner = able[tape.next(able.len())].clone();
    let offers: Vec<OfferedAction> = offered(ticket, &owner, &context).iter().cloned().collect();
    let Some(action) = tape.pick(&offers).cloned() else {
        return malformed(world, idx, workflow, tape);
    };
    let operator = if by_anyone { any_user(world, tape) } else { owner };
    let needs = action.kind.needs();
    let to_user = needs.contains(&Argument::TargetUser).then(|| any_user(world, tape));
    let to_node = needs.contains(&Argument::TargetNode).then(|| any_node(workflow, tape));
    let fields = match workflow.node(&action.node) {
        Some(node) if action.kind.is_edge() => fields(world, workflow, node, tape),
        Some(_) | None => BTreeMap::new(),
    };
    let command = Command::Act(Act {
        closes_children: false,
        by: operator,
        action: Action::of(action.kind, &action.id, to_user, to_node),
        at: Some(action.node.clone()),
        comment: Some("so be it".into()),
        fields,
    });
    Step {
        ticket: Some(idx),
        workflow: workflow.clone(),
        command,
        from_offer: (!by_anyone).then_some(action),
    }
}

/// Something put together without a look at the ticket.
fn malformed(world: &World, idx: usize, workflow: &Arc<WorkflowVersion>, tape: &mut Tape) -> Step {
    let kind = ActionKind::ALL[tape.next(ActionKind::ALL.len())];
    let edges: Vec<String> = workflow.edges.iter().map(|edge| edge.id.as_str().to_owned()).collect();
    let action_id = match tape.next(4) {
        0 => kind.word().to_owned(),
        1 => "no such thing".to_owned(),
        _ => tape.pick(&edges).cloned().unwrap_or_default(),
    };
    let at = (tape.next(2) == 0).then(|| any_node(workflow, tape));
    let comment = (tape.next(2) == 0).then(|| "?".into());
    let to_user = (tape.next(2) == 0).then(|| any_user(world, tape));
    let to_node = (tape.next(2) == 0).then(|| any_node(workflow, tape));
    let fields = if tape.next(3) == 0 {
        fields(world, workflow, workflow.start(), tape)
    } else {
        BTreeMap::new()
    };
    let action = action_of(kind.word(), &action_id, to_user, to_node).unwrap_or(Action::AddComment);
    let command = Command::Act(Act {
        closes_children: false,
        by: any_user(world, tape),
        action,
        at,
        comment,
        fields,
    });
    Step {
        ticket: Some(idx),
        workflow: workflow.clone(),
        command,
        from_offer: None,
    }
}

fn any_user(world: &World, tape: &mut Tape) -> UserId {
    let users: Vec<&UserId> = world.directory.users.keys().collect();
    match tape.next(users.len() + 1) {
        0 => "nobody".into(),
        n => users[n - 1].clone(),
    }
}

fn any_node(workflow: &WorkflowVersion, tape: &mut Tape) -> NodeId {
    let nodes: Vec<NodeId> = workflow.nodes.iter().map(|node| node.id.clone()).collect();
    tape.pick(&nodes).cloned().unwrap_or_else(|| "nowhere".into())
}

/// Values for a node: as a rule every writable field, now and then one left out, wrong, or not to be written.
fn fields(world: &World, workflow: &WorkflowVersion, node: &Node, tape: &mut Tape) -> BTreeMap<FieldKey, Value> {
    let mut found = BTreeMap::new();
    for component in workflow.form.components() {
        let is_writable = workflow.form.permission_at(node, &component.key).is_writable();
        let luck = tape.next(40);
        if is_writable && luck != 39 {
            found.insert(component.key.clone(), value(world, component, tape));
        } else if !is_writable && luck == 38 {
            found.insert(component.key.clone(), Value::text("overwritten"));
        }
    }
    if tape.next(40) == 39 {
        found.insert("no_such_field".into(), Value::text("?"));
    }
    found
}

fn value(world: &World, component: &Component, tape: &mut Tape) -> Value {
    let users: Vec<&UserId> = world.directory.users.keys().collect();
    match component.kind {
        ComponentKind::Number => {
            let numbers = ["1", "0.5", "2000", "7000", "20000", "-3", "9"];
            Value::Number(numbers[tape.next(numbers.len())].into())
        }
        ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => {
            let keys: Vec<Value> = component
                .options
                .iter()
                .map(|one| Value::text(one.key.clone()))
                .collect();
            let bits = tape.next(1 << keys.len().min(6));
            if component.multiple {
                let chosen = keys.into_iter().enumerate().filter(|(idx, _)| bits >> idx & 1 == 1);
                Value::List(chosen.map(|(_, key)| key).collect())
            } else {
                keys.get(bits % keys.len().max(1)).cloned().unwrap_or_default()
            }
        }
        ComponentKind::User => Value::text(users[tape.next(users.len())].as_str()),
        ComponentKind::Title
        | ComponentKind::Text
        | ComponentKind::Textarea
        | ComponentKind::Date
        | ComponentKind::Time
        | ComponentKind::Datetime
        | ComponentKind::Department
        | ComponentKind::File
        | ComponentKind::Link
        | ComponentKind::Richtext
        | ComponentKind::Externaldata
        | ComponentKind::CreatorInfo
        | ComponentKind::CreatedAt
        | ComponentKind::ActState
        | ComponentKind::WorkflowInfo
        | ComponentKind::CurrentAssigneeInfos
        | ComponentKind::TicketNodeInfos => Value::from(&example_value(component, &world.directory, users[0])),
    }
}
